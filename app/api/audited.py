"""Which requests are audited, and their entries."""

import re
from datetime import datetime
from typing import Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.principal import Principal
from app.audit.notes import Notes, taking_notes
from app.audit.trail import AuditTrail
from workflow_manager.models import AuditEntry, AuditOutcome

log = structlog.get_logger(__name__)

PRINCIPAL: Final = "principal"
"""Where the scope of a request has the principal, once it is known."""

FAILURE: Final = "failure"
"""Where the scope of a request has the message of the error that it was answered with."""

NOTES: Final = "audit_notes"

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
REFUSED: Final = frozenset({401, 403, 421})

LOG_ONLY: Final = frozenset({"startWorkflow"})
"""There are too many of these, and the workflow itself says who started it."""

MAX_REASON: Final = 1_000
MAX_OPERATION: Final = 200
HIDDEN: Final = r"wfm_\1_..."
_KEY: Final = re.compile(r"wfm_([0-9a-z]{1,8})_[0-9A-Za-z]+")

KINDS: Final = {
    "workflows": "workflow",
    "workflow-definitions": "definition",
    "queues": "queue",
    "keys": "key",
    "state-resources": "state-resource",
}
"""Kinds of objects, by the first part of the path."""


class AuditedRequests:
    """Pure ASGI middleware: gives what was changed or refused to the trail of the application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with taking_notes() as notes:
            scope[NOTES] = notes
            try:
                await self._app(scope, receive, noting)
            finally:
                _tell(scope, status, notes)


def _tell(scope: Scope, status: int, notes: Notes) -> None:
    services = getattr(scope["app"].state, "services", None)
    outcome = outcome_of(scope["method"], status, hidden=notes.hidden)
    if services is None:
        return
    trail: AuditTrail = services.audit
    if outcome is None:
        log.debug("audit", action="audit", method=scope["method"], path=scope["path"], status=status)
        return
    entry = entry_of(scope, outcome, notes, at=trail.now())
    if entry.operation == "newWorkflowDefinition" and status == 200:
        return  # it was only asked whether it is valid
    if entry.operation in LOG_ONLY and outcome is not AuditOutcome.REFUSED:
        trail.log(entry)
    else:
        trail.record(entry)


async def announce(scope: Scope, trail: AuditTrail) -> None:
    """Store that a request is about to be handled. Raises ``Unavailable`` when that cannot be stored."""
    await trail.announce(entry_of(scope, AuditOutcome.STARTED, scope.get(NOTES) or Notes(), at=trail.now()))


def outcome_of(method: str, status: int, *, hidden: bool) -> AuditOutcome | None:
    """Return the outcome of a request, or None if it changed nothing and was not refused."""
    if status in REFUSED or (hidden and status == 404):
        return AuditOutcome.REFUSED
    if method in SAFE_METHODS:
        return None
    if 200 <= status < 400:
        return AuditOutcome.DONE
    return AuditOutcome.FAILED if status >= 500 or status == 0 else None


def entry_of(scope: Scope, outcome: AuditOutcome, notes: Notes, *, at: datetime) -> AuditEntry:
    """Return the entry of a request."""
    principal: Principal | None = scope.get(PRINCIPAL)
    client = scope.get("client")
    why = notes.reason if outcome in {AuditOutcome.DONE, AuditOutcome.STARTED} else scope.get(FAILURE) or notes.reason
    return AuditEntry(
        at=at,
        actor=principal.subject or None if principal else None,
        key_id=principal.key_id if principal else None,
        operation=_operation(scope),
        object=_masked(_object(scope, notes)),
        namespace=notes.namespace or scope.get("path_params", {}).get("namespace"),
        definition=notes.definition,
        outcome=outcome,
        reason=_masked(why[:MAX_REASON]) if why else None,
        request_id=scope.get("request_id", ""),
        source=client[0] if client else None,
        before=None if notes.before is None else dict(notes.before),
        after=None if notes.after is None else dict(notes.after),
    )


def _operation(scope: Scope) -> str:
    route = scope.get("route")
    operation: str | None = getattr(route, "operation_id", None)
    return operation or f"{scope['method']} {_KEY.sub(HIDDEN, scope['path'])}"[:MAX_OPERATION]


def _object(scope: Scope, notes: Notes) -> str | None:
    """Name the object: the path is ``/KIND/NAME`` or ``/KIND/NAMESPACE/NAME``; what is made is noted."""
    path = getattr(scope.get("route"), "path", "")
    kind = KINDS.get(path.split("/")[1]) if path.count("/") else None
    if kind is None:
        return None
    names = [value for name, value in scope.get("path_params", {}).items() if name not in {"version", "jobID"}]
    if names:
        return "/".join([kind, *map(str, names)])
    made = notes.object or (notes.definition if kind == "definition" else None)
    return f"{kind}/{made}" if made else None


def _masked(text: str | None) -> str | None:
    """Mask API keys that were sent in the place of their ids."""
    return None if text is None else _KEY.sub(HIDDEN, text)
