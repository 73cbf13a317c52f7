"""The verbs ``tables create`` and ``tables describe``."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Final

import typer

from app import aws, models
from app.cli.exits import ExitCode
from app.cli.lines import note
from app.cli.options import Format, FormatOption
from app.cli.output import NOTHING, Columns, write_documents, write_table
from app.settings import Settings
from app.store import tables

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

ACTIVE: Final = "ACTIVE"

PrefixOption = Annotated[
    str | None,
    typer.Option("--prefix", metavar="PREFIX", help="Prefix of the names of the tables; overrides WFM_TABLE_PREFIX."),
]


class TableDocument(models.Response):
    """A table, as programs read it; what the endpoint cannot tell is absent."""

    name: str
    status: str
    items: int
    size_bytes: int
    indexes: dict[str, str]
    expires: bool | None
    recoverable: bool | None


def create_tables(*, prefix: PrefixOption = None, output: FormatOption = Format.TABLE) -> None:
    """Make the DynamoDB tables, or what is missing of them, and wait until they can be used.

    What is there stays as it is, so it may be run again at any time. Region, endpoint and credentials are those of
    the AWS environment.
    """
    _write(asyncio.run(_ask(tables.create_tables, prefix)), output=output)


def describe_tables(*, prefix: PrefixOption = None, output: FormatOption = Format.TABLE) -> ExitCode:
    """Show what is there of the DynamoDB tables.

    Exits 3 when a table or an index is missing or not ready. DynamoDB counts items and bytes every six hours.
    """
    found = asyncio.run(_ask(tables.describe_tables, prefix))
    _write(found, output=output)
    if all(_is_ready(table) for table in found):
        return ExitCode.OK
    note("The tables are not complete; make what is missing with: workflow-manager tables create")
    return ExitCode.REFUSED


async def _ask(
    question: Callable[["DynamoDBClient", str], Awaitable[Sequence[tables.TableState]]], prefix: str | None
) -> Sequence[tables.TableState]:
    settings = Settings.load(**({} if prefix is None else {"table_prefix": prefix}))
    async with aws.connect(settings).dynamodb() as client:
        return await question(client, settings.table_prefix)


def _write(found: Sequence[tables.TableState], *, output: Format) -> None:
    if output is Format.TABLE:
        write_table(found, COLUMNS)
    else:
        write_documents([TableDocument.model_validate(table, from_attributes=True) for table in found], output=output)


def _is_ready(table: tables.TableState) -> bool:
    return {table.status, *table.indexes.values()} == {ACTIVE}


def _indexes(table: tables.TableState) -> str:
    """Tell how many indexes are ready, and name the others."""
    if not table.indexes or table.status == tables.MISSING:
        return NOTHING
    waiting = [f"{name} {status}" for name, status in table.indexes.items() if status != ACTIVE]
    return f"{len(table.indexes) - len(waiting)}/{len(table.indexes)} {', '.join(waiting)}".rstrip()


def _switch(on: bool | None) -> str:
    return "unknown" if on is None else "on" if on else "off"


COLUMNS: Final[Columns[tables.TableState]] = {
    "name": lambda table: table.name,
    "status": lambda table: table.status,
    "indexes": _indexes,
    "items": lambda table: str(table.items),
    "bytes": lambda table: str(table.size_bytes),
    "expiry": lambda table: _switch(table.expires),
    "recovery": lambda table: _switch(table.recoverable),
}
