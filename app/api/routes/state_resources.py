"""Routes of state resources."""

from fastapi import APIRouter, Response

from app.access import checks
from app.api import error_responses
from app.api.dependencies import RegistryDep, StoreDep
from app.api.parameters import ResourceName, ResourceNamespace
from app.api.strict_route import StrictRoute
from workflow_manager import errors
from workflow_manager.models import NewStateResource, StateResource

router = APIRouter(
    prefix="/state-resources", tags=["state resources"], route_class=StrictRoute, responses=error_responses.COMMON
)


@router.post("", operation_id="postStateResource", status_code=201, responses=error_responses.responses(413))
async def post_state_resource(resource: NewStateResource, registry: RegistryDep) -> StateResource:
    """Register the URI of a short resource name in a namespace, or replace it."""
    return await registry.put_state_resource(resource)


@router.get("/{namespace}/{name}", operation_id="getStateResource", responses=error_responses.responses(404))
async def get_state_resource(namespace: ResourceNamespace, name: ResourceName, store: StoreDep) -> StateResource:
    """Return the URI that a short resource name expands to in a namespace."""
    checks.state_resource(namespace, name)
    return await store.get_state_resource(namespace, name)


@router.put(
    "/{namespace}/{name}", operation_id="putStateResource", status_code=201, responses=error_responses.responses(413)
)
async def put_state_resource(
    namespace: ResourceNamespace, name: ResourceName, resource: NewStateResource, registry: RegistryDep
) -> StateResource:
    """Register the URI of this short resource name in this namespace, or replace it."""
    if (resource.namespace, resource.name) != (namespace, name):
        raise errors.InvalidRequest("namespace and name in the body must be those in the path")
    return await registry.put_state_resource(resource)


@router.delete(
    "/{namespace}/{name}",
    operation_id="deleteStateResource",
    response_class=Response,
    responses=error_responses.responses(404),
)
async def delete_state_resource(namespace: ResourceNamespace, name: ResourceName, registry: RegistryDep) -> Response:
    """Remove a state resource: its name expands by the naming convention again."""
    await registry.delete_state_resource(namespace, name)
    return Response(status_code=200)
