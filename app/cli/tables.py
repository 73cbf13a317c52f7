"""The verbs ``tables create`` and ``tables describe``."""

from typing import Annotated

import typer

from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.options.common import Format, FormatOption

PrefixOption = Annotated[
    str | None,
    typer.Option("--prefix", metavar="PREFIX", help="Prefix of the names of the tables; overrides WFM_TABLE_PREFIX."),
]


def create_tables(*, prefix: PrefixOption = None, output: FormatOption = Format.TABLE) -> None:
    """Make the DynamoDB tables, or what is missing of them, and wait until they can be used.

    What is there stays as it is, so it may be run again at any time. Region, endpoint and credentials are those of
    the AWS environment.
    """
    from app.cli.table_status import make_tables

    make_tables(prefix=prefix, output=output)


def describe_tables(*, prefix: PrefixOption = None, output: FormatOption = Format.TABLE) -> ExitCode:
    """Show what is there of the DynamoDB tables.

    Exits 3 when a table or an index is missing or not ready. DynamoDB counts items and bytes every six hours.
    """
    from app.cli.table_status import show_tables

    return show_tables(prefix=prefix, output=output)
