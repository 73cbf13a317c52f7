"""Every operation declares its permission.

Covers `app.api.permissions` and `app.api.guard`.
"""

import pytest
from fastapi import FastAPI

from app.api.guard import name_of, protect
from app.api.permissions import PERMISSIONS
from app.main import create_poller_app
from app.settings import Settings
from tests.checkout import ROOT


def test_every_route_declares_a_permission_and_every_permission_has_a_route(app: FastAPI) -> None:
    assert {name_of(route) for route in app.router.routes} == PERMISSIONS.keys()


def test_an_application_with_a_route_without_one_is_not_made() -> None:
    app = FastAPI(openapi_url=None)
    app.add_api_route("/new", lambda: None, operation_id="newOperation")

    with pytest.raises(KeyError, match="newOperation"):
        protect(app)


def test_applications_share_routes_that_are_guarded_once(app: FastAPI) -> None:
    (metrics,) = [route for route in app.router.routes if name_of(route) == "getMetrics"]
    guarded = vars(metrics)["app"]
    create_poller_app(Settings(), on_fatal=lambda: None)

    assert vars(metrics)["app"] is guarded


def test_the_permissions_are_documented() -> None:
    text = (ROOT / "docs/access.md").read_text()

    for name, permission in PERMISSIONS.items():
        if not name.startswith("/"):
            (row,) = [line for line in text.splitlines() if line.startswith(f"| `{name}` |")]
            wanted = "nothing" if permission.reach.name == "OPEN" else f"`{permission.role}`"
            assert wanted in row, row
