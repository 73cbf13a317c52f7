"""The verbs ``resources get``, ``put`` and ``delete``."""

from typing import TYPE_CHECKING, Annotated

import typer

from workflow_manager.cli.lazy import later
from workflow_manager.cli.options.common import Format, FormatOption
from workflow_manager.cli.options.completion import complete_namespace
from workflow_manager.cli.options.connection import DEFAULT_SERVICE, ServiceOption

if TYPE_CHECKING:
    from workflow_manager.cli.admin.resource_actions import forget_resource, set_resource, show_resource
else:
    forget_resource = later("workflow_manager.cli.admin.resource_actions:forget_resource")
    set_resource = later("workflow_manager.cli.admin.resource_actions:set_resource")
    show_resource = later("workflow_manager.cli.admin.resource_actions:show_resource")

NamespaceArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAMESPACE", help="Environment that the name belongs to.", autocompletion=complete_namespace
    ),
]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Short name, as state machines write it.")]


def get_resource(
    namespace: NamespaceArgument,
    name: NameArgument,
    *,
    service: ServiceOption = DEFAULT_SERVICE,
    output: FormatOption = Format.TABLE,
) -> None:
    """Show what a name stands for in a namespace."""
    show_resource(namespace, name, service=service, output=output)


def put_resource(
    namespace: NamespaceArgument,
    name: NameArgument,
    uri: Annotated[str, typer.Argument(metavar="URI", help="What it stands for, such as an ARN.")],
    *,
    service: ServiceOption = DEFAULT_SERVICE,
    output: FormatOption = Format.TABLE,
) -> None:
    """Say what a name stands for in a namespace."""
    set_resource(namespace, name, uri, service=service, output=output)


def delete_resource(
    namespace: NamespaceArgument, name: NameArgument, *, service: ServiceOption = DEFAULT_SERVICE
) -> None:
    """Let a name expand by convention again."""
    forget_resource(namespace, name, service=service)
