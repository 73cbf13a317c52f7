"""The verbs ``tables create`` and ``tables describe``."""

from typing import Annotated

import typer

from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.options.common import Format, FormatOption

PrefixOption = Annotated[
    str | None,
    typer.Option("--prefix", metavar="PREFIX", help="Prefix of the table names; overrides WFM_TABLE_PREFIX."),
]


def create_tables(*, prefix: PrefixOption = None, output: FormatOption = Format.TABLE) -> None:
    """Create the missing DynamoDB tables and indexes, and wait until they are active.

    Existing tables are left unchanged, so it is safe to run again. Region, endpoint and credentials come from the AWS
    environment.
    """
    from app.cli.table_status import make_tables

    make_tables(prefix=prefix, output=output)


def describe_tables(*, prefix: PrefixOption = None, output: FormatOption = Format.TABLE) -> ExitCode:
    """Show the state of the DynamoDB tables.

    Exits with 3 if a table or an index is missing or not active. DynamoDB updates item and byte counts about every six
    hours.
    """
    from app.cli.table_status import show_tables

    return show_tables(prefix=prefix, output=output)
