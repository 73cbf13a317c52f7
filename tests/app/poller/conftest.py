"""Fixtures of the poller's tests."""

import pytest

from app.poller import Poller
from tests.rig import Rig


@pytest.fixture
def rig() -> Rig:
    """Return a service on a fake Step Functions."""
    return Rig()


@pytest.fixture
def no_room_for_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use up the part of the quotas that need not be used: events of successes are written as they are."""
    monkeypatch.setattr(Poller, "can_ask", False)
