"""The verbs ``resources get``, ``put`` and ``delete``."""

from typing import Annotated

import typer

from workflow_manager.cli.options.common import Format, FormatOption
from workflow_manager.cli.options.completion import complete_namespace
from workflow_manager.cli.options.connection import DEFAULT_SERVICE, ServiceOption

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
    from workflow_manager.cli.admin.resource_actions import show_resource

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
    from workflow_manager.cli.admin.resource_actions import set_resource

    set_resource(namespace, name, uri, service=service, output=output)


def delete_resource(
    namespace: NamespaceArgument, name: NameArgument, *, service: ServiceOption = DEFAULT_SERVICE
) -> None:
    """Let a name expand by convention again."""
    from workflow_manager.cli.admin.resource_actions import forget_resource

    forget_resource(namespace, name, service=service)
