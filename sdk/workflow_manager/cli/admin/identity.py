"""The verbs ``whoami`` and ``can``."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Final

import typer

from workflow_manager import errors
from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.options.common import Format, FormatOption
from workflow_manager.cli.options.connection import DEFAULT_SERVICE, ServiceOption
from workflow_manager.cli.output.console import write_line

if TYPE_CHECKING:
    from workflow_manager import models

ROLE_OF_VERB: Final[Mapping[str, str]] = {
    **{role: role for role in ("read", "submit", "operate", "author", "admin")},
    **dict.fromkeys(("list", "get", "workflows", "wait", "follow"), "read"),
    **dict.fromkeys(("start",), "submit"),
    **dict.fromkeys(("cancel", "resume", "recover", "resolve"), "operate"),
    **dict.fromkeys(("define", "put", "apply", "resources"), "author"),
    **dict.fromkeys(("keys", "queues"), "admin"),
}
"""The role that each verb needs for what others created."""


def whoami(*, service: ServiceOption = DEFAULT_SERVICE, output: FormatOption = Format.TABLE) -> None:
    """Show who the service takes you for and what you may do."""
    from workflow_manager.cli.options.client import call
    from workflow_manager.cli.output.columns import BINDING_COLUMNS
    from workflow_manager.cli.output.formats import write_result, write_results

    found = call(service, lambda manager: manager.whoami())
    if not output.has_columns:
        write_result(found, {}, output=output)
        return
    write_line(_sentence(found))
    if found.bindings:
        write_results(found.bindings, BINDING_COLUMNS, output=output)


def can(
    verb: Annotated[str, typer.Argument(metavar="VERB", help="What to do, such as submit, cancel, or a role.")],
    *,
    namespace: Annotated[
        str | None, typer.Option("--namespace", metavar="NAMESPACE", help="Where; default: in any namespace.")
    ] = None,
    definition: Annotated[
        str | None, typer.Option("--definition", metavar="NAME", help="For which definition; default: any.")
    ] = None,
    service: ServiceOption = DEFAULT_SERVICE,
) -> ExitCode:
    """Tell whether you may do something.

    Prints yes or no; exits with 4 for no.
    """
    from workflow_manager import models
    from workflow_manager.cli.options.client import call

    role = ROLE_OF_VERB.get(verb)
    if role is None:
        raise errors.InvalidRequest(f"VERB must be one of {', '.join(ROLE_OF_VERB)}, not {verb!r}.")
    found = call(
        service,
        lambda manager: manager.whoami(role=models.Role(role), namespace=namespace, definition=definition),
    )
    write_line("yes" if found.allowed else "no")
    return ExitCode.OK if found.allowed else ExitCode.AUTH


def _sentence(found: "models.Identity") -> str:
    if found.kind == "unrestricted":
        return "Access control is off: everybody may do everything."
    name = f" ({found.name})" if found.name else ""
    end = f", until {found.expires_at:%Y-%m-%d %H:%M} UTC" if found.expires_at else ""
    return f"{found.subject}{name}{end}"
