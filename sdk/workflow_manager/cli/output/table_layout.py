"""Tables that fit: one line per row whatever the width, and what people copy or look for is never cut."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Generic, NamedTuple, TypeVar

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from workflow_manager import errors
from workflow_manager.cli.output.escaping import visible

T = TypeVar("T")

GAP: Final = "  "
NOTHING: Final = "-"
"""What a cell shows when there is nothing to show."""

ELLIPSIS: Final = "…"
COMFORT: Final = 6
"""So many places more than its least width a column should have, at the cost of those of little use."""

MOST_CHARACTERS: Final = 500
"""Text beyond it is not measured: no terminal is as wide."""

LITTLE_USE: Final = 3
"""Columns with this number or a higher one are left out for the comfort of others."""

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
    """What a column shows of one item, and what becomes of it where there is little room."""

    show: Callable[[T], str]
    least: int | None = None
    """How narrow it may become; None is never cut."""
    spare: int = 0
    """The columns with the highest number are left out first; those with 0 never are."""
    brief: Callable[[T], str] | None = None
    """What it shows instead where there is little room."""
    wide: bool = False
    """Whether only a table that may be as wide as it likes has it."""
    wanted: bool = False
    """Whether it was asked for, and is there even where it says nothing."""
    optional: bool = False
    """Whether it is left out where it says nothing, in a pipe too."""


Columns = Mapping[str, Column[T]]
"""Title → column."""


class Strip(NamedTuple):
    """A column with its texts, on the way to its width."""

    title: str
    cells: Sequence[str]
    natural: int
    least: int
    spare: int


@dataclass(frozen=True, slots=True)
class Grid:
    """Columns of texts that are safe to show, each with its width."""

    strips: tuple[Strip, ...]
    widths: tuple[int, ...]

    def lines(self) -> Iterator[Text]:
        """Draw the titles and the rows."""
        yield Text(self._line([strip.title.upper() for strip in self.strips]), style="bold")
        for cells in zip(*(strip.cells for strip in self.strips), strict=True):
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
    """Cut text to a width of the screen, on which some characters take two places and others none."""
    return text if cell_len(text) <= width else set_cell_size(text, max(width - 1, 0)) + ELLIPSIS


def fit(columns: Columns[T], items: Sequence[T], *, width: int) -> Grid:
    """Choose what of a table is shown in so many places, and how wide each column is."""
    strips = [_strip(title, column, items) for title, column in columns.items()]
    strips = [each for each in strips if not items or columns[each.title].wanted or set(each.cells) - {NOTHING, ""}]
    if _need(strips, comfort=COMFORT) > width:
        brief = [replace(column, show=column.brief or column.show) for column in columns.values()]
        shown = {strip.title for strip in strips}
        strips = [_strip(*pair, items) for pair in zip(columns, brief, strict=True) if pair[0] in shown]
        strips = _without_spare(strips, width)
    return Grid(tuple(strips), _widths(strips, width))


def aligned(columns: Columns[T], items: Sequence[T]) -> Iterator[str]:
    """Write everything there is, in columns as wide as their widest text."""
    cells = {title: [visible(column.show(item)) for item in items] for title, column in columns.items()}
    shown = [title for title, column in columns.items() if not (column.optional and set(cells[title]) <= {NOTHING})]
    rows = [[title.upper() for title in shown], *zip(*(cells[title] for title in shown), strict=True)]
    # What comes last is as long as it is.
    widths = [max(map(cell_len, column)) for column in list(zip(*rows, strict=True))[:-1]]
    for *cells_before, last in rows:
        padded = [set_cell_size(cell, width) for cell, width in zip(cells_before, widths, strict=True)]
        yield GAP.join([*padded, last]).rstrip()


def chosen_columns(columns: Columns[T], words: Sequence[str]) -> Columns[T]:
    """Return the named columns in their order, none of which is left out; raises ``InvalidRequest`` for others."""
    known = {title.replace(" ", "_"): title for title in columns}
    names = [part.strip().lower().replace(" ", "_").replace("-", "_") for word in words for part in word.split(",")]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise errors.InvalidRequest(f"Unknown column {unknown[0]!r}; known columns: {', '.join(known)}.")
    return {
        known[name]: replace(columns[known[name]], wide=False, spare=0, optional=False, wanted=True) for name in names
    }


def _strip(title: str, column: Column[T], items: Sequence[T]) -> Strip:
    most = None if column.least is None else MOST_CHARACTERS
    cells = [visible(column.show(item)[:most]) for item in items]
    natural = max(map(cell_len, [title, *cells]))
    least = natural if column.least is None else min(max(column.least, len(title)), natural)
    return Strip(title, cells, natural, least, column.spare)


def _without_spare(strips: list[Strip], width: int) -> list[Strip]:
    """Leave out columns until the others have room, one after the other."""
    most = max(strips, key=lambda strip: strip.spare)
    comfort = COMFORT if most.spare >= LITTLE_USE else 0
    if not most.spare or _need(strips, comfort=comfort) <= width:
        return strips
    return _without_spare([strip for strip in strips if strip is not most], width)


def _need(strips: Sequence[Strip], *, comfort: int = 0) -> int:
    return sum(min(strip.least + comfort, strip.natural) for strip in strips) + len(GAP) * (len(strips) - 1)


def _widths(strips: Sequence[Strip], width: int) -> tuple[int, ...]:
    """Give what is left to those who are cut, the most important first."""
    left = max(width - _need(strips), 0)
    widths = {strip.title: strip.least for strip in strips}
    for strip in sorted(strips, key=lambda strip: strip.spare):
        more = min(strip.natural - strip.least, left)
        widths[strip.title] += more
        left -= more
    return tuple(widths.values())
