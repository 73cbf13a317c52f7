"""The verbs ``resources get``, ``put`` and ``delete``."""

from typing import Annotated

import typer

from workflow_manager.cli.options.common import Format, FormatOption
from workflow_manager.cli.options.completion import complete_namespace
from workflow_manager.cli.options.connection import DEFAULT_SERVICE, ServiceOption
from workflow_manager.cli.output.console import note

NamespaceArgument = Annotated[
    str,
    typer.Argument(metavar="NAMESPACE", help="Namespace of the name.", autocompletion=complete_namespace),
]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Short name, as used in state machines.")]


def get_resource(
    namespace: NamespaceArgument,
    name: NameArgument,
    *,
    service: ServiceOption = DEFAULT_SERVICE,
    output: FormatOption = Format.TABLE,
) -> None:
    """Show the URI that a short resource name expands to."""
    from workflow_manager.cli.options.client import call
    from workflow_manager.cli.output.columns import STATE_RESOURCE_COLUMNS
    from workflow_manager.cli.output.formats import write_result

    found = call(service, lambda manager: manager.get_state_resource(namespace, name))
    write_result(found, STATE_RESOURCE_COLUMNS, output=output)


def put_resource(
    namespace: NamespaceArgument,
    name: NameArgument,
    uri: Annotated[str, typer.Argument(metavar="URI", help="URI that the name expands to, such as an ARN.")],
    *,
    service: ServiceOption = DEFAULT_SERVICE,
    output: FormatOption = Format.TABLE,
) -> None:
    """Register the URI that a short resource name expands to."""
    from workflow_manager import models
    from workflow_manager.cli.options.client import call
    from workflow_manager.cli.output.columns import STATE_RESOURCE_COLUMNS
    from workflow_manager.cli.output.formats import write_result
    from workflow_manager.client.request_parts import valid

    request = valid(models.NewStateResource, namespace=namespace, name=name, uri=uri)
    stored = call(service, lambda manager: manager.put_state_resource(request))
    write_result(stored, STATE_RESOURCE_COLUMNS, output=output)


def delete_resource(
    namespace: NamespaceArgument, name: NameArgument, *, service: ServiceOption = DEFAULT_SERVICE
) -> None:
    """Remove the URI that a short resource name expands to.

    The name then expands by convention again.
    """
    from workflow_manager.cli.options.client import call

    call(service, lambda manager: manager.delete_state_resource(namespace, name))
    note(f"Deleted state resource {name} of namespace {namespace}.")
