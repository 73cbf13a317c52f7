"""Routes of workflow definitions."""

from collections.abc import Awaitable, Sequence
from typing import Annotated, Literal, cast

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from app import errors
from app.api import problems
from app.api.dependencies import RegistryDep, StoreDep
from app.api.parameters import DefinitionName, Version
from app.api.requests import StrictRoute
from app.models import NewWorkflowDefinitionRequest, WorkflowDefinition, WorkflowDefinitionVerdict

router = APIRouter(
    prefix="/workflow-definitions",
    tags=["workflow definitions"],
    route_class=StrictRoute,
    responses=problems.COMMON,
)


@router.get("", operation_id="getWorkflowDefinitions", response_model_exclude_none=True)
async def get_workflow_definitions(store: StoreDep) -> Sequence[WorkflowDefinition]:
    """Return the latest version of every workflow definition."""
    return await store.list_latest_definitions()


@router.post(
    "",
    operation_id="newWorkflowDefinition",
    status_code=201,
    response_model=WorkflowDefinition,
    response_model_exclude_none=True,
    responses=problems.responses(409, 413)
    | {200: {"model": WorkflowDefinitionVerdict, "description": "With `validateOnly`: the definition is valid."}},
)
async def new_workflow_definition(
    request: NewWorkflowDefinitionRequest,
    registry: RegistryDep,
    validate_only: Annotated[
        bool, Query(alias="validateOnly", description="Judge the definition, and store nothing.")
    ] = False,
) -> WorkflowDefinition | Response:
    """Create a workflow definition; it gets version 0."""
    if validate_only:
        warnings = await registry.check_definition(request)
        verdict = WorkflowDefinitionVerdict(name=request.name, valid=True, warnings=warnings or None)
        return JSONResponse(verdict.model_dump(by_alias=True))
    return await registry.create_definition(request)


@router.get(
    "/{name}",
    operation_id="getWorkflowDefinitionVersionsByName",
    response_model_exclude_none=True,
    responses=problems.responses(404),
)
async def get_workflow_definition_versions_by_name(
    name: DefinitionName,
    store: StoreDep,
    latest: Annotated[bool, Query(description="Only the latest version; false returns all.")] = True,
    order: Annotated[
        Literal["asc", "desc"], Query(description="Of all versions, the oldest (`asc`) or the newest (`desc`) first.")
    ] = "asc",
) -> Sequence[WorkflowDefinition]:
    """Return the versions of a workflow definition."""
    if latest:
        return [await _shown(store.get_definition(name))]
    newest_first = await store.list_definition_versions(name)
    return newest_first if order == "desc" else newest_first[::-1]


@router.put(
    "/{name}",
    operation_id="updateWorkflowDefinition",
    response_model_exclude_none=True,
    status_code=201,
    responses=problems.responses(404, 409, 413),
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
    responses=problems.responses(404),
)
async def get_workflow_definition_by_name_and_version(
    name: DefinitionName, version: Version, store: StoreDep
) -> WorkflowDefinition:
    """Return one version of a workflow definition."""
    return await _shown(store.get_definition(name, version=version))


async def _shown(reading: Awaitable[WorkflowDefinition]) -> WorkflowDefinition:
    """Return a definition version, or what can be shown of one that cannot be read."""
    try:
        return await reading
    except errors.RecordUnreadable as unreadable:
        return cast("WorkflowDefinition", unreadable.placeholder)
