"""The verbs ``resources get``, ``put`` and ``delete``."""

from typing import Annotated

import typer

from workflow_manager.cli.options.common import Format, FormatOption
from workflow_manager.cli.options.completion import complete_namespace
from workflow_manager.cli.options.connection import DEFAULT_SERVICE, ServiceOption

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
    from workflow_manager.cli.admin.resource_actions import show_resource

    show_resource(namespace, name, service=service, output=output)


def put_resource(
    namespace: NamespaceArgument,
    name: NameArgument,
    uri: Annotated[str, typer.Argument(metavar="URI", help="URI that the name expands to, such as an ARN.")],
    *,
    service: ServiceOption = DEFAULT_SERVICE,
    output: FormatOption = Format.TABLE,
) -> None:
    """Register the URI that a short resource name expands to."""
    from workflow_manager.cli.admin.resource_actions import set_resource

    set_resource(namespace, name, uri, service=service, output=output)


def delete_resource(
    namespace: NamespaceArgument, name: NameArgument, *, service: ServiceOption = DEFAULT_SERVICE
) -> None:
    """Remove the URI that a short resource name expands to."""
    from workflow_manager.cli.admin.resource_actions import forget_resource

    forget_resource(namespace, name, service=service)
