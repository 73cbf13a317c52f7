"""Operations on state resources."""

from workflow_manager import errors, models
from workflow_manager.client.decoding import STATE_RESOURCE, decode, decode_nothing
from workflow_manager.client.http import Caller
from workflow_manager.client.request_parts import state_resource_path


class StateResourceCalls(Caller):
    """Manages the URIs that short resource names expand to."""

    async def get_state_resource(self, namespace: str, name: str) -> models.StateResource:
        """Get the state resource ``name`` of ``namespace``."""
        path = state_resource_path(namespace, name)
        response = await self._connection.request("GET", path, repeatable=True, missing=errors.StateResourceNotFound)
        return decode(response, STATE_RESOURCE)

    async def create_state_resource(self, request: models.NewStateResource) -> models.StateResource:
        """Create a state resource, or replace it."""
        response = await self._connection.request("POST", "/state-resources", repeatable=True, body=request)
        return decode(response, STATE_RESOURCE)

    async def put_state_resource(self, request: models.NewStateResource) -> models.StateResource:
        """Create a state resource, or replace it, at its own path."""
        path = state_resource_path(request.namespace, request.name)
        return decode(await self._connection.request("PUT", path, repeatable=True, body=request), STATE_RESOURCE)

    async def delete_state_resource(self, namespace: str, name: str) -> None:
        """Delete a state resource; its name then expands by convention again."""
        path = state_resource_path(namespace, name)
        response = await self._connection.request(
            "DELETE", path, repeatable=False, missing=errors.StateResourceNotFound
        )
        decode_nothing(response)
