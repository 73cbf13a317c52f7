"""Tables fit the terminal: one line per row at every width, and what people copy is never cut.

Covers `workflow_manager.cli.output.table_layout`.
"""

import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from rich.cells import cell_len

from tests.sdk.cli.conftest import OpenTerminal, Run
from tests.sdk.cli.fake_service import FakeService
from tests.sdk.client.documents import definition_json, workflow_json
from workflow_manager.cli.output.table_layout import Column, Columns, aligned, cut, fit

WIDTHS = (60, 80, 100, 140)
IDS = [str(uuid.UUID(int=(number + 1) << 96)) for number in range(4)]
REASON = "States.TaskFailed: the worker was gone when the task was given to it, and nobody else came by"
DEFINITION = definition_json(12, name="ingest-nightly-of-everything:master")


def four(**fields: Any) -> list[dict[str, Any]]:
    """Return four workflows with everything as long as it gets, one of each kind."""
    statuses = ("succeeded", "failed", "running", "cancelled")
    return [
        workflow_json(
            status,
            id=workflow_id,
            namespace="production-of-europe",
            workflowDefinition=DEFINITION,
            startedAt="2026-01-02T03:04:06.000Z",
            stoppedAt="2026-01-02T04:04:06.000Z",
            **({"statusReason": REASON} if status == "failed" else {}),
            **fields,
        )
        for workflow_id, status in zip(IDS, statuses, strict=True)
    ]


@pytest.mark.parametrize("columns", WIDTHS)
def test_a_list_is_one_line_per_workflow(columns: int, open_terminal: OpenTerminal, service: FakeService) -> None:
    """Id and status are whole; what is left out or cut is what can be read elsewhere."""
    service.on("GET /workflows", four())
    with open_terminal("workflows", columns=columns) as terminal:
        assert terminal.end() == 0
    titles, *lines = terminal.lines
    assert len(lines) == len(IDS)
    for line, workflow_id, status in zip(lines, IDS, ("succeeded", "failed", "running", "cancelled"), strict=True):
        assert workflow_id in line
        assert status in line
        assert cell_len(line) <= columns
    assert ("REASON" in titles) is (columns >= 80)
    assert titles.split()[-1] == ("REASON" if columns >= 80 else "STATUS")
    assert ("NAMESPACE" in titles) is (columns >= 140)
    assert ("01-02 03:04" in lines[0]) is (columns >= 100)


def test_a_priority_is_shown_where_there_is_one(wfm: Run, service: FakeService) -> None:
    """A column that says nothing is none, in a pipe as well."""
    service.on("GET /workflows", four())
    assert "PRIORITY" not in wfm("workflows").out
    service.on("GET /workflows", four(priority=7))
    assert [line.split()[4] for line in wfm("workflows").out.splitlines()] == ["PRIORITY", *["7"] * 4]


def test_a_pipe_gets_everything(wfm: Run, service: FakeService) -> None:
    """It has no width."""
    service.on("GET /workflows", four())
    out = wfm("workflows").out
    assert REASON[:79] in out
    assert "production-of-europe" in out
    assert "2026-01-02T03:04:05Z" in out


COLUMNS: Columns[Sequence[str]] = {
    "id": Column(lambda row: row[0]),
    "name": Column(lambda row: row[1], min_width=4),
    "time": Column(lambda row: row[2], drop_priority=2, compact=lambda row: row[2][:2]),
    "note": Column(lambda row: row[3], min_width=6, drop_priority=1),
}
ROWS = [("a1", "first name", "10:30", "a long note of many words"), ("b2", "x", "11:30", "-")]
FITTED = [
    (
        60,
        ["ID  NAME        TIME   NOTE", "a1  first name  10:30  a long note of many words", "b2  x           11:30  -"],
    ),
    (40, ["ID  NAME        TIME   NOTE", "a1  first name  10:30  a long note of m…", "b2  x           11:30  -"]),
    (27, ["ID  NAME       TIME  NOTE", "a1  first na…  10    a lon…", "b2  x          11    -"]),
    (18, ["ID  NAME    NOTE", "a1  first…  a lon…", "b2  x       -"]),
    (10, ["ID  NAME", "a1  first…", "b2  x"]),
    (3, ["ID  NAME", "a1  fir…", "b2  x"]),
]


@pytest.mark.parametrize(("width", "lines"), FITTED)
def test_what_is_of_least_use_goes_first(width: int, lines: list[str]) -> None:
    """Texts are shortened, then cut, then left out; what may not be cut stays, whatever the width."""
    assert [line.plain for line in fit(COLUMNS, ROWS, width=width).lines()] == lines


def test_wide_characters_take_two_places() -> None:
    """Columns stay aligned, and no character is cut in half."""
    rows = [("日本", "日本語の名前", "10:30", "-"), ("b2", "naïve 🙂", "11:30", "x")]
    starts = [line.plain.index("1") for line in fit(COLUMNS, rows, width=60).lines() if "0" in line.plain]
    plain = list(aligned(COLUMNS, rows))
    assert {cell_len(line[: line.index(":30")]) for line in plain[1:]} == {
        cell_len(plain[0][: plain[0].index("TIME")]) + 2
    }
    assert len(starts) == 2
    assert cut("日本語", 4) == "日 …"
    assert cell_len(cut("日本語の名前", 7)) == 7


def test_text_of_others_is_safe_in_a_cell() -> None:
    """Escapes are written out before anything is measured."""
    rows = [("a1", "\x1b[2J", "\n", "x")]
    [_, line] = fit(COLUMNS, rows, width=60).lines()
    assert line.plain == "a1  \\x1b[2J  \\n    x"
