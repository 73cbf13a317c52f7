"""Results on the output stream: documents for programs, tables for people, plain text for pipes."""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.cli.lines import write_line
from app.cli.options import Format
from app.cli.text import holds_steering, visible, visible_json, visible_lines

T = TypeVar("T")
Columns = Mapping[str, Callable[[T], str]]
"""Title of a column → what it shows of one item."""

COLUMN_GAP = "  "
NOTHING = "-"
"""What a cell shows when there is nothing to show."""

UNCUT_COLUMNS = frozenset({"id", "status"})
STATUS_STYLES = {
    "succeeded": "green",
    "failed": "bold red",
    "aborted_deps_failed": "red",
    "aborted_by_user": "yellow",
    "cancelled": "yellow",
    "running": "cyan",
    "queued": "dim",
    "created": "dim",
}


def is_terminal() -> bool:
    """Tell whether a person watches the output stream."""
    return Console(file=sys.stdout).is_terminal


def write_documents(documents: Sequence[BaseModel], *, output: Format) -> None:
    """Write models as a list in a format for programs."""
    plain = [to_document(document) for document in documents]
    if output is Format.JSONL:
        for document in plain:
            write_line(visible_json(json.dumps(document, ensure_ascii=False)))
    else:
        _write_value(plain, output=output)


def write_document(document: BaseModel, *, output: Format) -> None:
    """Write one model in a format for programs."""
    if output is Format.JSONL:
        write_documents([document], output=output)
    else:
        _write_value(to_document(document), output=output)


def write_table(items: Sequence[T], columns: Columns[T]) -> None:
    """Write one line per item: a drawn table on a terminal, aligned words elsewhere."""
    rows = [[visible(show(item)) for show in columns.values()] for item in items]
    console = Console(file=sys.stdout)
    if console.is_terminal:
        console.print(rich_table(columns, rows))
    else:
        write_line("\n".join(_aligned([[title.upper() for title in columns], *rows])))


def rich_table(titles: Iterable[str], rows: Sequence[Sequence[str]]) -> Table:
    """Draw rows whose text is already safe to show; columns that say nothing are left out."""
    columns = [(title, [row[index] for row in rows]) for index, title in enumerate(titles)]
    said = [(title, cells) for title, cells in columns if set(cells) != {NOTHING}]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title, cells in said:
        # What people copy or look for is never cut, whatever else must be.
        width = max(map(len, [title, *cells])) if title in UNCUT_COLUMNS else None
        table.add_column(title, min_width=width, overflow="fold")
    for row in zip(*(cells for _, cells in said), strict=True):
        table.add_row(*(Text(cell, style=STATUS_STYLES.get(cell, "")) for cell in row))
    return table


def write_fields(fields: Mapping[str, str]) -> None:
    """Write names and values below each other; a value may have several lines."""
    width = max(len(name) for name in fields) + 1
    indent = " " * (width + 1)
    for name, value in fields.items():
        write_line(f"{name + ':':<{width}} " + visible_lines(value).replace("\n", "\n" + indent))


def to_document(model: BaseModel) -> dict[str, Any]:
    """Turn a model into what the service sent: its JSON names, nothing that is absent."""
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


def _write_value(value: object, *, output: Format) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=2)
    if output is Format.YAML:
        # YAML has no escapes outside quotes, so one steering character makes it all ASCII.
        text = yaml.safe_dump(value, sort_keys=False, allow_unicode=not holds_steering(text)).rstrip("\n")
        write_line(visible_lines(text))
    else:
        write_line(visible_json(text))


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        COLUMN_GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
