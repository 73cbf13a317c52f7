"""Many workflows at a service whose answers are written down."""

from typing import Any

from tests.sdk.cli.fake_service import FakeService
from tests.sdk.client.documents import workflow_json

FAST = ("--rate", "1000")
OF_X = ("--definition", "x")


def listed(service: FakeService, *ids: str, status: str = "running", **fields: Any) -> None:
    """Let the service list workflows of one status; there are none of the others."""
    service.on("GET /workflows", [])
    service.on(f"GET /workflows?status={status}", [workflow_json(status, id=each, **fields) for each in ids])


def changes(service: FakeService) -> list[str]:
    """Return what the service was asked to change, in the order of ids."""
    return sorted(asked.line for asked in service.asked if not asked.line.startswith("GET"))
