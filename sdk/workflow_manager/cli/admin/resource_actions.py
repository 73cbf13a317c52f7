"""What the verbs of state resources ask of the service."""

from workflow_manager import models
from workflow_manager.cli.async_runner import run
from workflow_manager.cli.options.client import connect
from workflow_manager.cli.options.common import Format
from workflow_manager.cli.options.connection import Service
from workflow_manager.cli.output.columns import STATE_RESOURCE_COLUMNS
from workflow_manager.cli.output.console import note
from workflow_manager.cli.output.formats import write_result
from workflow_manager.client.request_parts import valid


def show_resource(namespace: str, name: str, *, service: Service, output: Format) -> None:
    """Show what a name stands for."""
    _write(run(_get(namespace, name, service)), output=output)


def set_resource(namespace: str, name: str, uri: str, *, service: Service, output: Format) -> None:
    """Say what a name stands for."""
    request = valid(models.NewStateResource, namespace=namespace, name=name, uri=uri)
    _write(run(_put(request, service)), output=output)


def forget_resource(namespace: str, name: str, *, service: Service) -> None:
    """Remove the URI that a short resource name expands to."""
    run(_delete(namespace, name, service))
    note(f"Deleted state resource {name} of namespace {namespace}.")


async def _get(namespace: str, name: str, service: Service) -> models.StateResource:
    async with connect(service) as manager:
        return await manager.get_state_resource(namespace, name)


async def _put(request: models.NewStateResource, service: Service) -> models.StateResource:
    async with connect(service) as manager:
        return await manager.put_state_resource(request)


async def _delete(namespace: str, name: str, service: Service) -> None:
    async with connect(service) as manager:
        await manager.delete_state_resource(namespace, name)


def _write(resource: models.StateResource, *, output: Format) -> None:
    write_result(resource, STATE_RESOURCE_COLUMNS, output=output)
