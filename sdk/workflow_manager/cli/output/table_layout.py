"""Layout of tables: one line per row at any width; columns without a minimum width are never cut."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Generic, NamedTuple, TypeVar

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from workflow_manager import errors
from workflow_manager.cli.output.escaping import escape

T = TypeVar("T")

GAP: Final = "  "
NOTHING: Final = "-"
"""Shown in a cell without a value."""

ELLIPSIS: Final = "…"
COMFORT: Final = 6
"""How many characters beyond its minimum width a column should have, at the cost of less useful columns."""

MAX_MEASURED_CHARACTERS: Final = 500
"""Text beyond this is not measured: no terminal is that wide."""

DROPPED_FOR_COMFORT: Final = 3
"""Columns with this drop priority or a higher one are dropped to give the others that room."""

STYLES: Final[Mapping[str, str]] = {
    "succeeded": "green",
    "failed": "bold red",
    "aborted_deps_failed": "red",
    "aborted_by_user": "yellow",
    "cancelled": "yellow",
    "running": "cyan",
    "queued": "dim",
    "created": "dim",
}


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """What a column shows of an item, and how it gives way on a narrow terminal."""

    show: Callable[[T], str]
    min_width: int | None = None
    """The narrowest width; None for a column that is never cut."""
    drop_priority: int = 0
    """Columns with the highest number are dropped first; columns with 0 never are."""
    compact: Callable[[T], str] | None = None
    """A shorter text for narrow terminals."""
    wide: bool = False
    """Whether only the formats wide and csv have it."""
    requested: bool = False
    """Whether it was requested, and is shown even if it is empty."""
    optional: bool = False
    """Whether it is omitted if it is empty, in a pipe too."""


Columns = Mapping[str, Column[T]]
"""Title → column."""


class FittedColumn(NamedTuple):
    """A column with its texts and the widths that it can have."""

    title: str
    cells: Sequence[str]
    full_width: int
    min_width: int
    drop_priority: int


@dataclass(frozen=True, slots=True)
class Grid:
    """Columns of escaped texts, each with its width."""

    fitted: tuple[FittedColumn, ...]
    widths: tuple[int, ...]

    def lines(self) -> Iterator[Text]:
        """Yield the header and the rows."""
        yield Text(self._line([each.title.upper() for each in self.fitted]), style="bold")
        for cells in zip(*(each.cells for each in self.fitted), strict=True):
            yield self._row(cells)

    def _row(self, cells: Sequence[str]) -> Text:
        line = Text(self._line(cells))
        start = 0
        for cell, width in zip(cells, self.widths, strict=True):
            if cell in STYLES:
                line.stylize(STYLES[cell], start, start + len(cell))
            start += len(set_cell_size(cell, width)) + len(GAP)
        return line

    def _line(self, cells: Sequence[str]) -> str:
        texts = zip(cells, self.widths, strict=True)
        return GAP.join(set_cell_size(cut(cell, width), width) for cell, width in texts).rstrip()


def cut(text: str, width: int) -> str:
    """Cut text to a display width; some characters take two cells and others none."""
    return text if cell_len(text) <= width else set_cell_size(text, max(width - 1, 0)) + ELLIPSIS


def fit(columns: Columns[T], items: Sequence[T], *, width: int) -> Grid:
    """Choose the columns that fit into ``width``, and the width of each."""
    fitted = [_strip(title, column, items) for title, column in columns.items()]
    fitted = [each for each in fitted if not items or columns[each.title].requested or set(each.cells) - {NOTHING, ""}]
    if _need(fitted, comfort=COMFORT) > width:
        compact_columns = [replace(column, show=column.compact or column.show) for column in columns.values()]
        shown = {each.title for each in fitted}
        fitted = [_strip(*pair, items) for pair in zip(columns, compact_columns, strict=True) if pair[0] in shown]
        fitted = _drop_columns(fitted, width)
    return Grid(tuple(fitted), _widths(fitted, width))


def aligned(columns: Columns[T], items: Sequence[T]) -> Iterator[str]:
    """Yield all columns, as wide as their widest text."""
    cells = {title: [escape(column.show(item)) for item in items] for title, column in columns.items()}
    shown = [title for title, column in columns.items() if not (column.optional and set(cells[title]) <= {NOTHING})]
    rows = [[title.upper() for title in shown], *zip(*(cells[title] for title in shown), strict=True)]
    # The last column is not padded.
    widths = [max(map(cell_len, column)) for column in list(zip(*rows, strict=True))[:-1]]
    for *cells_before, last in rows:
        padded = [set_cell_size(cell, width) for cell, width in zip(cells_before, widths, strict=True)]
        yield GAP.join([*padded, last]).rstrip()


def chosen_columns(columns: Columns[T], words: Sequence[str]) -> Columns[T]:
    """Return the named columns in that order, never dropped; raises ``InvalidRequest`` for unknown names."""
    known = {title.replace(" ", "_"): title for title in columns}
    names = [part.strip().lower().replace(" ", "_").replace("-", "_") for word in words for part in word.split(",")]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise errors.InvalidRequest(f"Unknown column {unknown[0]!r}; known columns: {', '.join(known)}.")
    return {
        known[name]: replace(columns[known[name]], wide=False, drop_priority=0, optional=False, requested=True)
        for name in names
    }


def _strip(title: str, column: Column[T], items: Sequence[T]) -> FittedColumn:
    most = None if column.min_width is None else MAX_MEASURED_CHARACTERS
    cells = [escape(column.show(item)[:most]) for item in items]
    full_width = max(map(cell_len, [title, *cells]))
    least = full_width if column.min_width is None else min(max(column.min_width, len(title)), full_width)
    return FittedColumn(title, cells, full_width, least, column.drop_priority)


def _drop_columns(fitted: list[FittedColumn], width: int) -> list[FittedColumn]:
    """Drop columns, one at a time, until the others have room."""
    most = max(fitted, key=lambda each: each.drop_priority)
    comfort = COMFORT if most.drop_priority >= DROPPED_FOR_COMFORT else 0
    if not most.drop_priority or _need(fitted, comfort=comfort) <= width:
        return fitted
    return _drop_columns([each for each in fitted if each is not most], width)


def _need(fitted: Sequence[FittedColumn], *, comfort: int = 0) -> int:
    return sum(min(each.min_width + comfort, each.full_width) for each in fitted) + len(GAP) * (len(fitted) - 1)


def _widths(fitted: Sequence[FittedColumn], width: int) -> tuple[int, ...]:
    """Give the remaining width to columns that are cut, the most important first."""
    left = max(width - _need(fitted), 0)
    widths = {each.title: each.min_width for each in fitted}
    for each in sorted(fitted, key=lambda each: each.drop_priority):
        more = min(each.full_width - each.min_width, left)
        widths[each.title] += more
        left -= more
    return tuple(widths.values())
