"""Results on the output stream: documents for programs, tables for people, plain text for pipes."""

import csv
import io
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import yaml
from pydantic import BaseModel
from rich.console import Console
from rich.text import Text

from workflow_manager.cli.options.common import Format
from workflow_manager.cli.output.console import write_line
from workflow_manager.cli.output.escaping import holds_steering, visible_json, visible_lines
from workflow_manager.cli.output.table_layout import NOTHING, Columns, aligned, fit

T = TypeVar("T")


class TupleDocument(Protocol):
    """A named tuple: a result of the command line itself."""

    def _asdict(self) -> dict[str, Any]: ...


Document = BaseModel | TupleDocument
D = TypeVar("D", bound=Document)


def is_terminal() -> bool:
    """Tell whether a person watches the output stream."""
    return Console(file=sys.stdout).is_terminal


def write_documents(documents: Sequence[Document], *, output: Format) -> None:
    """Write models as a list in a format for programs."""
    plain = [to_document(document) for document in documents]
    if output is Format.JSONL:
        for document in plain:
            write_line(visible_json(json.dumps(document, ensure_ascii=False)))
    else:
        _write_value(plain, output=output)


def write_document(document: Document, *, output: Format) -> None:
    """Write one model in a format for programs."""
    if output is Format.JSONL:
        write_documents([document], output=output)
    else:
        _write_value(to_document(document), output=output)


def write_results(items: Sequence[D], columns: Columns[D], *, output: Format) -> None:
    """Write a list in any format; ``wide`` and ``csv`` have all columns, and cut nothing."""
    match output:
        case Format.TABLE:
            write_table(items, {title: column for title, column in columns.items() if not column.wide})
        case Format.WIDE:
            write_line("\n".join(aligned(columns, items)))
        case Format.CSV:
            write_csv(items, columns)
        case _:
            write_documents(items, output=output)


def write_result(item: D, columns: Columns[D], *, output: Format) -> None:
    """Write one thing in any format."""
    if output.has_columns:
        write_results([item], columns, output=output)
    else:
        write_document(item, output=output)


def write_csv(items: Sequence[T], columns: Columns[T]) -> None:
    """Write comma-separated values (RFC 4180) with their titles; what is not there is empty."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow([title.replace(" ", "_") for title in columns])
    for item in items:
        cells = [visible_lines(column.show(item)) for column in columns.values()]
        rows.writerow(["" if cell == NOTHING else cell for cell in cells])
    write_line(text.getvalue().rstrip("\n"))


def write_table(items: Sequence[T], columns: Columns[T]) -> None:
    """Write one line per item: what fits on a terminal, everything there is elsewhere."""
    console = Console(file=sys.stdout)
    if not console.is_terminal:
        write_line("\n".join(aligned(columns, items)))
        return
    print_lines(console, fit(columns, items, width=console.width).lines())


def print_lines(console: Console, lines: Iterable[Text]) -> None:
    """Print lines as they are; all at once, because there may be thousands."""
    console.print(Text("\n").join(lines), no_wrap=True, overflow="ignore", crop=False)


def write_fields(fields: Mapping[str, str]) -> None:
    """Write names and values below each other; a value may have several lines."""
    width = max(len(name) for name in fields) + 1
    indent = " " * (width + 1)
    for name, value in fields.items():
        write_line(f"{name + ':':<{width}} " + visible_lines(value).replace("\n", "\n" + indent))


def to_document(document: Document) -> dict[str, Any]:
    """Turn a model into what the service sent: its JSON names, and nothing that a summary leaves out."""
    if not isinstance(document, BaseModel):
        return {name: value for name, value in document._asdict().items() if value is not None}
    return document.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True)


def _write_value(value: object, *, output: Format) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=2)
    if output is Format.YAML:
        # YAML has no escapes outside quotes, so one steering character makes it all ASCII.
        text = yaml.safe_dump(value, sort_keys=False, allow_unicode=not holds_steering(text)).rstrip("\n")
        write_line(visible_lines(text))
    else:
        write_line(visible_json(text))
