"""The guard of every route: who calls is known before the body is read, and what the operation needs is declared."""

from typing import Final

import structlog
from fastapi import FastAPI, Request
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app.access.authenticator import Session
from app.access.policy import Decision, Target, decide, refusal
from app.access.principal import acting_as
from app.api import permissions
from app.api.audited import PRINCIPAL
from app.api.permissions import PERMISSIONS, Permission
from workflow_manager import errors

SESSION: Final = "session"
EVERYWHERE: Final = Target(everywhere=True)


def protect(app: FastAPI) -> None:
    """Put a guard before each route. Raises ``LookupError`` when an operation declares no permission."""
    for route in app.router.routes:
        permission = PERMISSIONS[name_of(route)]
        if isinstance(route, Route) and permission.reach is not permissions.Reach.OPEN:
            # Applications share their routes.
            route.app = route.app if isinstance(route.app, _Guarded) else _Guarded(route.app, permission)


def name_of(route: BaseRoute) -> str:
    """Return the name by which the permission of a route is declared."""
    path = route.path if isinstance(route, Route | Mount) else ""
    return getattr(route, "operation_id", None) or path


def session_of(request: Request) -> Session | None:
    """Return what watches over the credential of a request; None while access control is off."""
    session: Session | None = request.scope.get(SESSION)
    return session


class _Guarded:
    """An operation behind its guard. Pure ASGI: while access control is off it costs two look-ups."""

    def __init__(self, app: ASGIApp, permission: Permission) -> None:
        self._app = app
        self._permission = permission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        authenticator = scope["app"].state.services.authenticator
        if authenticator is None:
            await self._app(scope, receive, send)
            return
        headers = scope["headers"]
        principal = scope[PRINCIPAL] = await authenticator.authenticate(headers)
        structlog.contextvars.bind_contextvars(principal=principal.subject)
        with acting_as(principal):
            if self._permission.reach is permissions.Reach.EVERYWHERE:
                role = self._permission.role
                if decide(principal, role, EVERYWHERE) is not Decision.ALLOWED:
                    raise errors.NotAllowed(refusal(role, EVERYWHERE))
            scope[SESSION] = authenticator.session(headers, principal)
            await self._app(scope, receive, send)
