"""The verbs ``tables create`` and ``tables describe``."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from app.settings import Settings
from app.store import tables
from workflow_manager import aws, models
from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.options.common import Format
from workflow_manager.cli.output.console import note
from workflow_manager.cli.output.formats import write_results
from workflow_manager.cli.output.table_layout import NOTHING, Column, Columns

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

ACTIVE: Final = "ACTIVE"


class TableDocument(models.Response):
    """A table, as programs read it; fields that the endpoint does not report are absent."""

    name: str
    status: str
    items: int
    size_bytes: int
    indexes: dict[str, str]
    expires: bool | None
    recoverable: bool | None


def make_tables(*, prefix: str | None, output: Format) -> None:
    """Create missing tables and indexes, wait until they are active, and show them."""
    _write(asyncio.run(_ask(tables.create_tables, prefix)), output=output)


def show_tables(*, prefix: str | None, output: Format) -> ExitCode:
    """Show the tables; the exit code is 3 if they are not complete."""
    found = asyncio.run(_ask(tables.describe_tables, prefix))
    _write(found, output=output)
    if all(_is_ready(table) for table in found):
        return ExitCode.OK
    note("Tables or indexes are missing or not active. To create them: workflow-manager tables create")
    return ExitCode.REFUSED


async def _ask(
    question: Callable[["DynamoDBClient", str], Awaitable[Sequence[tables.TableState]]], prefix: str | None
) -> Sequence[tables.TableState]:
    settings = Settings.load(**({} if prefix is None else {"table_prefix": prefix}))
    async with aws.connect(settings.aws).dynamodb() as client:
        return await question(client, settings.table_prefix)


def _write(found: Sequence[tables.TableState], *, output: Format) -> None:
    documents = [TableDocument.model_validate(table, from_attributes=True) for table in found]
    write_results(documents, COLUMNS, output=output)


def _is_ready(table: tables.TableState) -> bool:
    return {table.status, *table.indexes.values()} == {ACTIVE}


def _indexes(table: TableDocument) -> str:
    """Write how many indexes are active, and name the others."""
    if not table.indexes or table.status == tables.MISSING:
        return NOTHING
    waiting = [f"{name} {status}" for name, status in table.indexes.items() if status != ACTIVE]
    return f"{len(table.indexes) - len(waiting)}/{len(table.indexes)} {', '.join(waiting)}".rstrip()


def _switch(on: bool | None) -> str:
    return "unknown" if on is None else "on" if on else "off"


COLUMNS: Final[Columns[TableDocument]] = {
    "name": Column(lambda table: table.name),
    "status": Column(lambda table: table.status),
    "indexes": Column(_indexes, min_width=8),
    "items": Column(lambda table: str(table.items), drop_priority=1),
    "bytes": Column(lambda table: str(table.size_bytes), drop_priority=2),
    "expiry": Column(lambda table: _switch(table.expires), drop_priority=3),
    "recovery": Column(lambda table: _switch(table.recoverable), drop_priority=3),
}
