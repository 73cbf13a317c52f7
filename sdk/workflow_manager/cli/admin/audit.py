"""The verb ``audit``."""

from typing import Annotated

import typer

from workflow_manager.cli.options.common import Format, FormatOption
from workflow_manager.cli.options.connection import DEFAULT_SERVICE, ServiceOption

MOST: int = 10_000


def audit(
    *,
    namespace: Annotated[
        str | None, typer.Option("--namespace", metavar="NAMESPACE", help="Only entries about this namespace.")
    ] = None,
    actor: Annotated[
        str | None, typer.Option("--actor", metavar="ACTOR", help="Only entries of this caller, such as key/ID.")
    ] = None,
    about: Annotated[
        str | None, typer.Option("--object", metavar="OBJECT", help="Only entries about this, such as workflow/ID.")
    ] = None,
    after: Annotated[
        str | None, typer.Option("--after", metavar="TIME", help="Only entries after this time; default: of 30 days.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=MOST, help="Maximum number of entries.")] = 50,
    service: ServiceOption = DEFAULT_SERVICE,
    output: FormatOption = Format.TABLE,
) -> None:
    """List what was changed and what was refused, the newest first.

    Shows entries about what you may read; those about no namespace need the role admin.
    """
    from workflow_manager.cli.options.client import call
    from workflow_manager.cli.options.parsing import parse_time
    from workflow_manager.cli.output.columns import AUDIT_COLUMNS
    from workflow_manager.cli.output.formats import write_results

    since = parse_time(after, option="--after")
    entries = call(
        service,
        lambda manager: manager.list_audit(namespace=namespace, actor=actor, about=about, after=since, limit=limit),
    )
    write_results(entries, AUDIT_COLUMNS, output=output)
