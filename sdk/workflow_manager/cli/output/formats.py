"""Writing results: documents for programs, tables for people, plain text for pipes."""

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
from workflow_manager.cli.output.escaping import escape_json, escape_lines, has_control_characters
from workflow_manager.cli.output.table_layout import NOTHING, Columns, aligned, fit

T = TypeVar("T")


class TupleDocument(Protocol):
    """A named tuple: a result of the command line itself."""

    def _asdict(self) -> dict[str, Any]: ...


Document = BaseModel | TupleDocument
D = TypeVar("D", bound=Document)


def is_terminal() -> bool:
    """Return whether standard output is a terminal."""
    return Console(file=sys.stdout).is_terminal


def write_documents(documents: Sequence[Document], *, output: Format) -> None:
    """Write a list of documents in a format for programs."""
    plain = [to_document(document) for document in documents]
    if output is Format.JSONL:
        for document in plain:
            write_line(escape_json(json.dumps(document, ensure_ascii=False)))
    else:
        _write_value(plain, output=output)


def write_document(document: Document, *, output: Format) -> None:
    """Write one document in a format for programs."""
    if output is Format.JSONL:
        write_documents([document], output=output)
    else:
        _write_value(to_document(document), output=output)


def write_results(items: Sequence[D], columns: Columns[D], *, output: Format) -> None:
    """Write a list in any format; ``wide`` and ``csv`` have all columns and cut nothing."""
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
    """Write one result in any format."""
    if output.has_columns:
        write_results([item], columns, output=output)
    else:
        write_document(item, output=output)


def write_csv(items: Sequence[T], columns: Columns[T]) -> None:
    """Write comma-separated values (RFC 4180) with a header; missing values are empty."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow([title.replace(" ", "_") for title in columns])
    for item in items:
        cells = [escape_lines(column.show(item)) for column in columns.values()]
        rows.writerow(["" if cell == NOTHING else cell for cell in cells])
    write_line(text.getvalue().rstrip("\n"))


def write_table(items: Sequence[T], columns: Columns[T]) -> None:
    """Write one line per item: as much as fits on a terminal, everything elsewhere."""
    console = Console(file=sys.stdout)
    if not console.is_terminal:
        write_line("\n".join(aligned(columns, items)))
        return
    print_lines(console, fit(columns, items, width=console.width).lines())


def print_lines(console: Console, lines: Iterable[Text]) -> None:
    """Print lines without wrapping, in one call, because there may be thousands."""
    console.print(Text("\n").join(lines), no_wrap=True, overflow="ignore", crop=False)


def write_fields(fields: Mapping[str, str]) -> None:
    """Write one name and value per line; a value may span several lines."""
    width = max(len(name) for name in fields) + 1
    indent = " " * (width + 1)
    for name, value in fields.items():
        write_line(f"{name + ':':<{width}} " + escape_lines(value).replace("\n", "\n" + indent))


def to_document(document: Document) -> dict[str, Any]:
    """Return a document as JSON values, with the names of the API and without fields that are not set."""
    if not isinstance(document, BaseModel):
        return {name: value for name, value in document._asdict().items() if value is not None}
    return document.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True)


def _write_value(value: object, *, output: Format) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=2)
    if output is Format.YAML:
        # YAML has no escapes outside quotes, so one control character makes all of it ASCII.
        text = yaml.safe_dump(value, sort_keys=False, allow_unicode=not has_control_characters(text)).rstrip("\n")
        write_line(escape_lines(text))
    else:
        write_line(escape_json(text))
