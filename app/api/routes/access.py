"""Routes of access: who calls, and API keys."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import StringConstraints

from app.access.policy import Decision, Target, decide
from app.access.principal import current
from app.api import error_responses
from app.api.audited import announce
from app.api.dependencies import AuditDep, KeysDep
from app.api.parameters import NAME_PATTERN
from app.api.strict_route import StrictRoute
from workflow_manager.models import (
    ApiKey,
    Identity,
    IssuedApiKey,
    NewApiKey,
    Role,
    RoleBinding,
    RotateApiKey,
)

router = APIRouter(tags=["access"], route_class=StrictRoute, responses=error_responses.COMMON)

KeyId = Annotated[str, StringConstraints(pattern=NAME_PATTERN), Path(alias="keyID", description="Id of the key.")]
_Name = Annotated[str | None, StringConstraints(max_length=256)]


@router.get("/whoami", operation_id="whoAmI", response_model_exclude_none=True)
async def who_am_i(
    role: Annotated[Role | None, Query(description="Ask whether the caller has this role.")] = None,
    namespace: Annotated[_Name, Query(description="With `role`: in this namespace; absent: in any.")] = None,
    definition: Annotated[_Name, Query(description="With `role`: for this workflow definition; absent: any.")] = None,
) -> Identity:
    """Return who the caller is and what they may do."""
    caller = current()
    target = Target(namespace=namespace, definition=definition)
    return Identity(
        subject=caller.subject,
        kind=caller.kind,
        name=caller.name,
        expires_at=caller.expires_at,
        bindings=tuple(RoleBinding.model_validate(each, from_attributes=True) for each in caller.bindings),
        allowed=None if role is None else decide(caller, role, target) is Decision.ALLOWED,
    )


@router.get("/keys", operation_id="getKeys", response_model_exclude_none=True)
async def get_keys(keys: KeysDep) -> Sequence[ApiKey]:
    """List the API keys, without their secrets, the oldest first."""
    return await keys.list()


@router.post(
    "/keys",
    operation_id="createKey",
    status_code=201,
    response_model_exclude_none=True,
    responses=error_responses.responses(409, 413),
)
async def create_key(
    new: NewApiKey, keys: KeysDep, audit: AuditDep, request: Request, response: Response
) -> IssuedApiKey:
    """Create an API key. Its secret is in this answer alone. Without the audit no key is made."""
    await announce(request.scope, audit)
    response.headers["Cache-Control"] = "no-store"
    return await keys.create(new)


@router.delete(
    "/keys/{keyID}",
    operation_id="revokeKey",
    response_class=Response,
    responses=error_responses.responses(404, 409),
)
async def revoke_key(key_id: KeyId, keys: KeysDep) -> Response:
    """Revoke an API key: within ten seconds every replica refuses it."""
    await keys.revoke(key_id)
    return Response(status_code=200)


@router.post(
    "/keys/{keyID}/rotate",
    operation_id="rotateKey",
    status_code=201,
    response_model_exclude_none=True,
    responses=error_responses.responses(404, 409, 413),
)
async def rotate_key(
    key_id: KeyId, rotation: RotateApiKey, keys: KeysDep, audit: AuditDep, request: Request, response: Response
) -> IssuedApiKey:
    """Give an API key another secret, which is in this answer alone. The one before stays valid for the overlap."""
    await announce(request.scope, audit)
    response.headers["Cache-Control"] = "no-store"
    return await keys.rotate(key_id, overlap=timedelta(seconds=rotation.overlap_seconds))
