"""The verbs ``keys create``, ``list``, ``rotate`` and ``revoke``."""

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Final

import typer

from workflow_manager import errors
from workflow_manager.cli.options.common import Format, FormatOption
from workflow_manager.cli.options.connection import DEFAULT_SERVICE, ServiceOption
from workflow_manager.cli.output.console import note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workflow_manager import models

_LIFETIME: Final = re.compile(r"(\d{1,6})([dhms])", re.ASCII)
_UNITS: Final = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}

RoleOption = Annotated[
    str, typer.Option("--role", metavar="ROLE", help="What the key may do: read, submit, operate, author or admin.")
]
KeyNameOption = Annotated[
    str | None, typer.Option("--name", metavar="NAME", help="What people call the key; default: its role.")
]
NamespacesOption = Annotated[
    list[str] | None,
    typer.Option("--namespace", metavar="GLOB", help="Namespace, in which * matches anything; repeatable. Default: *"),
]
DefinitionsOption = Annotated[
    list[str] | None,
    typer.Option("--definition", metavar="GLOB", help="Workflow definition, likewise; repeatable. Default: *"),
]
LifetimeOption = Annotated[
    str | None,
    typer.Option("--expires-in", metavar="TIME", help="How long the key is valid, such as 90d; default: no end."),
]
OverlapOption = Annotated[
    str, typer.Option("--overlap", metavar="TIME", help="How long the secret before stays valid, such as 24h or 0s.")
]
KeyArgument = Annotated[str, typer.Argument(metavar="ID", help="Id of the key.")]


def create_key(
    *,
    role: RoleOption,
    name: KeyNameOption = None,
    namespace: NamespacesOption = None,
    definition: DefinitionsOption = None,
    expires_in: LifetimeOption = None,
    service: ServiceOption = DEFAULT_SERVICE,
    output: FormatOption = Format.TABLE,
) -> None:
    """Create an API key.

    Prints the key, which is not shown again. Needs the role admin.
    """
    from workflow_manager.cli.options.client import call

    new = new_key(role=role, name=name, namespaces=namespace, definitions=definition, expires_in=expires_in)
    write_issued(call(service, lambda manager: manager.create_key(new)), output=output)


def list_keys(*, service: ServiceOption = DEFAULT_SERVICE, output: FormatOption = Format.TABLE) -> None:
    """List the API keys, without their secrets.

    Needs the role admin.
    """
    from workflow_manager.cli.options.client import call

    write_keys(call(service, lambda manager: manager.list_keys()), output=output)


def rotate_key(
    key_id: KeyArgument,
    *,
    overlap: OverlapOption = "24h",
    service: ServiceOption = DEFAULT_SERVICE,
    output: FormatOption = Format.TABLE,
) -> None:
    """Give an API key another secret.

    The secret before stays valid for the overlap. Needs the role admin.
    """
    from workflow_manager.cli.options.client import call

    seconds = int(parse_lifetime(overlap, option="--overlap").total_seconds())
    write_issued(call(service, lambda manager: manager.rotate_key(key_id, overlap_seconds=seconds)), output=output)


def revoke_key(key_id: KeyArgument, *, service: ServiceOption = DEFAULT_SERVICE) -> None:
    """Revoke an API key: it is refused within ten seconds.

    Needs the role admin.
    """
    from workflow_manager.cli.options.client import call

    call(service, lambda manager: manager.revoke_key(key_id))
    note(f"Revoked key {key_id}.")


def new_key(
    *,
    role: str,
    name: str | None,
    namespaces: "Sequence[str] | None",
    definitions: "Sequence[str] | None",
    expires_in: str | None,
) -> "models.NewApiKey":
    """Return the key that the options describe. Raises ``InvalidRequest``."""
    from workflow_manager import models
    from workflow_manager.client.request_parts import valid

    given = {"role": role, "namespaces": namespaces or None, "definitions": definitions or None}
    binding = valid(models.Binding, **given)
    end = None if expires_in is None else datetime.now(UTC) + parse_lifetime(expires_in, option="--expires-in")
    return valid(models.NewApiKey, name=name or role, bindings=(binding,), expires_at=end)


def parse_lifetime(text: str, *, option: str) -> timedelta:
    """Parse a length of time. Raises ``InvalidRequest``, which names the option."""
    match = _LIFETIME.fullmatch(text.strip())
    if match is None:
        raise errors.InvalidRequest(f"{option} must be a length of time such as 90d, 12h or 30m, not {text!r}.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def write_issued(key: "models.IssuedApiKey", *, output: Format) -> None:
    """Write a key with its secret: the secret alone for people, who copy it, and for scripts that read a line."""
    from workflow_manager.cli.output.columns import KEY_COLUMNS
    from workflow_manager.cli.output.console import write_line
    from workflow_manager.cli.output.formats import write_result

    if not output.has_columns:
        write_result(key, KEY_COLUMNS, output=output)
        return
    note(f"Key {key.id} ({key.name}). Keep it in a safe place: it is not shown again.")
    write_line(key.key)


def write_keys(keys: "Sequence[models.ApiKey]", *, output: Format) -> None:
    """Write keys without their secrets."""
    from workflow_manager.cli.output.columns import KEY_COLUMNS
    from workflow_manager.cli.output.formats import write_results

    write_results(keys, KEY_COLUMNS, output=output)
