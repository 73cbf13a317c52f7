"""Options and fixtures of the crash tests."""

from collections.abc import Mapping

import pytest

from scripts import dynamodb_local
from tests.rig import Rig


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that plays one seed again."""
    parser.addoption("--crash-seed", type=int, default=None, metavar="N", help="run one scenario of the crash tests")


@pytest.fixture
def rig() -> Rig:
    """Return a service on a fake Step Functions."""
    return Rig()


@pytest.fixture(scope="session")
def dynamodb(request: pytest.FixtureRequest) -> Mapping[str, str]:
    """What points the service to DynamoDB Local; without it, the embedded AWS keeps the tables."""
    if not dynamodb_local.is_there():
        return {}
    return {dynamodb_local.URL_VARIABLE: request.getfixturevalue("dynamodb_local_url")}
