"""The route of the audit."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import WithJsonSchema

from app.access.policy import Decision, Target, decide
from app.access.principal import Principal, Role, current
from app.api import error_responses
from app.api.bodies import dump
from app.api.dependencies import AuditReaderDep
from app.api.pagination import NEXT_PAGE_HEADERS, Filter, Moment, announce_next_page
from app.api.strict_route import StrictRoute
from app.store import paging
from workflow_manager import errors
from workflow_manager.models import AuditEntry, now

router = APIRouter(tags=["access"], route_class=StrictRoute, responses=error_responses.COMMON)

Limit = Annotated[
    int,
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 1_000}, {"type": "string", "maxLength": 0}]}
    ),
]
"""An empty one counts as absent and never gets here."""

SHOWN_BY_DEFAULT: Final = timedelta(days=30)
"""How far back a question goes that does not say it: every day is at least one read."""


@router.get(
    "/audit",
    operation_id="getAudit",
    response_model=Sequence[AuditEntry],
    responses={200: {"headers": NEXT_PAGE_HEADERS}},
)
async def get_audit(
    request: Request,
    reader: AuditReaderDep,
    namespace: Annotated[Filter | None, Query(description="Only entries about objects in this namespace.")] = None,
    actor: Annotated[Filter | None, Query(description="Only entries of this caller, such as `key/ID`.")] = None,
    about: Annotated[
        Filter | None, Query(alias="object", description="Only entries about this object, such as `workflow/ID`.")
    ] = None,
    after: Annotated[Moment | None, Query(description="Only entries after this time. Absent: 30 days ago.")] = None,
    limit: Annotated[Limit, Query(ge=1, le=1_000, description="Maximum number of entries in a page.")] = 100,
    page_token: Annotated[
        str | None,
        Query(alias="pageToken", max_length=1024, description="Opaque start of the page, from `X-Next-Page-Path`."),
    ] = None,
) -> Response:
    """List what was changed and what was refused, the newest first.

    Callers see entries about what they may read; what belongs to no namespace, only with the role `admin`. A page may
    have fewer entries than `limit`, even none; if there may be more, the header `X-Next-Page-Path` has the path of the
    next one.
    """
    caller = current()

    def shows(entry: AuditEntry) -> bool:
        return actor in {None, entry.actor} and about in {None, entry.object} and may_see(caller, entry)

    page = await reader.page(
        namespace=namespace,
        after=after or now() - SHOWN_BY_DEFAULT,
        before_key=_key(page_token),
        limit=limit,
        shows=shows,
    )
    text = b"[" + b",".join(dump(entry) for entry in page.entries) + b"]"
    response = Response(text, media_type="application/json")
    announce_next_page(request, response, page.next_key and paging.encode_key(page.next_key))
    return response


def may_see(caller: Principal, entry: AuditEntry) -> bool:
    """Tell whether a caller may see an entry: that of what they may read, or with ``admin`` any."""
    if decide(caller, Role.ADMIN, Target(everywhere=True)) is Decision.ALLOWED:
        return True
    if entry.namespace is None and entry.definition is None:
        return False
    target = Target(namespace=entry.namespace, definition=entry.definition)
    return decide(caller, Role.READ, target) is Decision.ALLOWED


def _key(page_token: str | None) -> str | None:
    if page_token is None:
        return None
    key = paging.decode_key(page_token, str)
    if not key[:13].isdecimal() or len(key) < 13:
        raise errors.InvalidPageToken
    return key
