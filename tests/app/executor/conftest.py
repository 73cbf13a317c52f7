"""Fixtures of the executor's tests."""

import pytest

from tests.rig import Rig


@pytest.fixture
def rig() -> Rig:
    """Return a service on a fake Step Functions."""
    return Rig()
