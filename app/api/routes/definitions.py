"""Routes of workflow definitions."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Literal, cast

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from app.access import checks
from app.access.principal import Role
from app.api import error_responses
from app.api.bodies import PAGE_BYTES, Bodies, dump, page
from app.api.dependencies import BodiesDep, RegistryDep, StoreDep
from app.api.pagination import NEXT_PAGE_HEADERS, announce_next_page
from app.api.parameters import DefinitionName, Version
from app.api.strict_route import StrictRoute
from app.store import Store, paging
from app.store.base import DefinitionPage
from workflow_manager import errors
from workflow_manager.models import NewWorkflowDefinitionRequest, WorkflowDefinition, WorkflowDefinitionVerdict

router = APIRouter(
    prefix="/workflow-definitions",
    tags=["workflow definitions"],
    route_class=StrictRoute,
    responses=error_responses.COMMON,
)


Limit = Annotated[int | None, Query(ge=1, le=10_000, description="Maximum number of definitions in a page.")]
PageToken = Annotated[
    str | None,
    Query(alias="pageToken", max_length=1024, description="Opaque start of the page, from `X-Next-Page-Path`."),
]
SummaryOnly = Annotated[bool, Query(alias="summaryOnly", description="Leave out the states of the state machines.")]


@router.get(
    "",
    operation_id="getWorkflowDefinitions",
    response_model=Sequence[WorkflowDefinition],
    responses={200: {"headers": NEXT_PAGE_HEADERS}},
)
async def get_workflow_definitions(
    request: Request,
    store: StoreDep,
    bodies: BodiesDep,
    limit: Limit = None,
    page_token: PageToken = None,
    summary_only: SummaryOnly = False,
) -> Response:
    """List the latest version of every workflow definition, by name.

    A page holds up to `limit` definitions and 8 MiB; if there are more, the header `X-Next-Page-Path` has the
    path of the next one.
    """
    found = await _visible(store, limit=limit, page_token=page_token, summaries=summary_only)
    return _page(request, bodies, found, key=lambda definition: definition.name)


@router.post(
    "",
    operation_id="newWorkflowDefinition",
    status_code=201,
    response_model=WorkflowDefinition,
    response_model_exclude_none=True,
    responses=error_responses.responses(409, 413)
    | {200: {"model": WorkflowDefinitionVerdict, "description": "With `validateOnly`: the definition is valid."}},
)
async def new_workflow_definition(
    request: NewWorkflowDefinitionRequest,
    registry: RegistryDep,
    validate_only: Annotated[
        bool, Query(alias="validateOnly", description="Validate the definition without storing it.")
    ] = False,
) -> WorkflowDefinition | Response:
    """Create version 0 of a workflow definition."""
    checks.new_definition(request.name)
    if validate_only:
        warnings = await registry.check_definition(request)
        verdict = WorkflowDefinitionVerdict(name=request.name, valid=True, warnings=warnings or None)
        return JSONResponse(verdict.model_dump(by_alias=True))
    return await registry.create_definition(request)


@router.get(
    "/{name}",
    operation_id="getWorkflowDefinitionVersionsByName",
    response_model=Sequence[WorkflowDefinition],
    responses={200: {"headers": NEXT_PAGE_HEADERS}, **error_responses.responses(404)},
)
async def get_workflow_definition_versions_by_name(
    name: DefinitionName,
    request: Request,
    store: StoreDep,
    bodies: BodiesDep,
    latest: Annotated[bool, Query(description="Only the latest version; `false` lists all versions.")] = True,
    order: Annotated[
        Literal["asc", "desc"],
        Query(description="With `latest=false`: oldest (`asc`) or newest (`desc`) version first."),
    ] = "asc",
    limit: Limit = None,
    page_token: PageToken = None,
    summary_only: SummaryOnly = False,
) -> Response:
    """List the versions of a workflow definition, by default only the latest.

    A page holds up to `limit` versions and 8 MiB; if there are more, the header `X-Next-Page-Path` has the path of
    the next one.
    """
    checks.existing_definition(name, Role.READ)
    if latest and not summary_only:
        found = DefinitionPage([await _shown(store.get_definition(name))], None)
    else:
        found = await store.list_definitions(
            name,
            oldest_first=order == "asc" and not latest,
            limit=1 if latest else limit,
            page_token=page_token,
            max_bytes=PAGE_BYTES,
            summaries=summary_only,
        )
    if latest:
        found = DefinitionPage(found.definitions, None)
    return _page(request, bodies, found, key=lambda definition: definition.version)


@router.put(
    "/{name}",
    operation_id="updateWorkflowDefinition",
    response_model_exclude_none=True,
    status_code=201,
    responses=error_responses.responses(404, 409, 413),
)
async def update_workflow_definition(
    name: DefinitionName, request: NewWorkflowDefinitionRequest, registry: RegistryDep
) -> WorkflowDefinition:
    """Create the next version of a workflow definition."""
    return await registry.update_definition(name, request)


@router.get(
    "/{name}/{version}",
    operation_id="getWorkflowDefinitionByNameAndVersion",
    response_model_exclude_none=True,
    responses=error_responses.responses(404),
)
async def get_workflow_definition_by_name_and_version(
    name: DefinitionName, version: Version, store: StoreDep
) -> WorkflowDefinition:
    """Return one version of a workflow definition."""
    checks.existing_definition(name, Role.READ)
    return await _shown(store.get_definition(name, version=version))


async def _visible(store: Store, *, limit: int | None, page_token: str | None, summaries: bool) -> DefinitionPage:
    """List the definitions that the caller may read. A token names the last one shown, never one that is not."""
    shown: list[WorkflowDefinition] = []
    while True:
        found = await store.list_definitions(
            limit=limit, page_token=page_token, max_bytes=PAGE_BYTES, summaries=summaries
        )
        if not shown and all(checks.shows_definition(definition.name) for definition in found.definitions):
            return found
        shown += (definition for definition in found.definitions if checks.shows_definition(definition.name))
        page_token = found.next_token
        if page_token is None or (limit is not None and len(shown) >= limit) or (shown and limit is None):
            break
    cut = shown[:limit]
    more = page_token is not None or len(cut) < len(shown)
    return DefinitionPage(cut, paging.encode_key(cut[-1].name) if more and cut else None)


def _page(
    request: Request,
    bodies: Bodies,
    found: DefinitionPage,
    *,
    key: Callable[[WorkflowDefinition], str | int],
) -> Response:
    text, count = page(dump(_with_required_members(definition)) for definition in found.definitions)
    token = found.next_token
    if count < len(found.definitions):
        token = paging.encode_key(key(found.definitions[count - 1]))
    response = bodies.response(text)
    announce_next_page(request, response, token)
    return response


async def _shown(reading: Awaitable[WorkflowDefinition]) -> WorkflowDefinition:
    """Return a definition version, or the readable part of a damaged one."""
    try:
        return await reading
    except errors.RecordUnreadable as unreadable:
        return _with_required_members(cast("WorkflowDefinition", unreadable.placeholder))


def _with_required_members(definition: WorkflowDefinition) -> WorkflowDefinition:
    """Return a definition with the members that clients require, also without its state machine."""
    if definition.state_machine:
        return definition
    return definition.model_copy(update={"state_machine": {"StartAt": "", "States": {}}})
