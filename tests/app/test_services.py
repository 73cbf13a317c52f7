"""How the service is put together.

Covers `app.services` and `app.main`.
"""

import socket
from unittest import mock

import pytest

from app.services import installation_of
from app.settings import Settings, StoreBackend
from workflow_manager import aws


def connection(*, embedded: bool) -> aws.AWS:
    """Return where a service is connected to; nothing is opened."""
    return aws.AWS(mock.sentinel.session, region="us-west-2", embedded=embedded, max_connections=1)


@pytest.mark.parametrize(
    ("store", "prefix", "embedded", "expected"),
    [
        (StoreBackend.DYNAMODB, "workflow-manager", False, ""),
        (StoreBackend.DYNAMODB, "blue", False, "blue"),
        (StoreBackend.DYNAMODB, "blue", True, "blue"),
        (StoreBackend.MEMORY, "workflow-manager", True, ""),
        (StoreBackend.MEMORY, "blue", True, "blue"),
        (StoreBackend.MEMORY, "workflow-manager", False, f"workflow-manager@{socket.gethostname()}"),
    ],
)
def test_an_installation_is_known_by_its_tables_and_one_without_tables_by_its_machine(
    store: StoreBackend, prefix: str, *, embedded: bool, expected: str
) -> None:
    settings = Settings(store=store, table_prefix=prefix)

    assert installation_of(settings, connection(embedded=embedded)) == expected
