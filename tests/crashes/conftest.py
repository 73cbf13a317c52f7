"""Options and fixtures of the crash tests."""

import pytest

from tests.rig import Rig


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that plays one seed again."""
    parser.addoption("--crash-seed", type=int, default=None, metavar="N", help="run one scenario of the crash tests")


@pytest.fixture
def rig() -> Rig:
    """Return a service on a fake Step Functions."""
    return Rig()
