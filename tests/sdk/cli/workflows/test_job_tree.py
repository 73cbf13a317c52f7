"""The jobs of a workflow as a tree.

Covers `workflow_manager.cli.workflows.job_tree`.
"""

from typing import Any

import pytest

from tests.sdk.client.documents import job_json
from workflow_manager import models
from workflow_manager.cli.workflows.job_tree import TREE_COLUMNS, job_tree, rows

END = "2026-01-02T03:04:09.500Z"


def job(number: str, state: str, status: str = "succeeded", **fields: Any) -> models.Job:
    end = {} if status == "running" else {"stoppedAt": END}
    return models.Job.model_validate(job_json(state, status, **end, **fields) | {"id": number})


MAP = [
    job("1", "prepare"),
    job("2", "each", "running", type="Map"),
    job("3", "load", parent="2", iteration=0),
    job("4", "load", parent="2", iteration=1),
    job("5", "load", parent="2", iteration=2, attempts=[{}]),
    job("6", "store", "failed", parent="2", iteration=1, container="worker-1", statusReason="Boom\nno"),
    job("7", "store", "running", parent="2", iteration=2),
]
PARALLEL = [
    job("1", "both", "running", type="Parallel"),
    job("2", "right", "running", type="Map", parent="1", branch=1),
    job("3", "left", parent="1", branch=0),
    job("4", "inner", parent="2", iteration=0),
    job("5", "inner", "running", parent="2", iteration=1),
    job("6", "again"),
]


def texts(jobs: list[models.Job], *, room: int | None = None) -> list[str]:
    return [row.text for row in rows(job_tree(jobs), room=room)]


def test_items_of_a_map_hang_below_it() -> None:
    """Those of one job each are one line."""
    assert texts(MAP) == [
        "prepare",
        "each",
        "├─ item 0: load",
        "├─ item 1",
        "│  ├─ load",
        "│  └─ store",
        "└─ item 2",
        "   ├─ load",
        "   └─ store",
    ]


def test_branches_hang_below_their_parallel() -> None:
    """At any depth, in the order of the definition."""
    assert texts(PARALLEL) == [
        "both",
        "├─ branch 0: left",
        "└─ branch 1: right",
        "   ├─ item 0: inner",
        "   └─ item 1: inner",
        "again",
    ]


def test_a_line_shows_status_attempts_and_duration() -> None:
    """An active or failed job decides the status of its item."""
    shown = {row.text: [column.show(row) for column in TREE_COLUMNS.values()][1:] for row in rows(job_tree(MAP))}
    assert shown["├─ item 0: load"] == ["Task", "succeeded", "1", "3.8s", "-", "-"]
    assert shown["├─ item 1"] == ["-", "failed", "-", "3.8s", "-", "-"]
    assert shown["│  └─ store"] == ["Task", "failed", "1", "3.8s", "worker-1", "Boom"]
    assert shown["   ├─ load"][2] == "2"
    assert shown["└─ item 2"][1] == "running"
    assert shown["└─ item 2"][3] != "3.8s"


def test_without_room_what_has_passed_is_counted() -> None:
    """Active and failed branches stay visible."""
    many = [*MAP[:2], *[job(f"m{number}", "load", parent="2", iteration=number) for number in range(100)]]
    many.append(job("x", "load", "running", parent="2", iteration=100))
    assert texts(many, room=10) == ["prepare", "each", "├─ item 100: load", "└─ 100 succeeded"]


@pytest.mark.parametrize("room", [1, 2, 5, 8])
def test_no_more_lines_than_there_is_room(room: int) -> None:
    """The first line tells of those above."""
    shown = texts([job(str(number), f"s{number}") for number in range(50)], room=room)
    assert len(shown) == room
    assert shown[0] == f"… and {51 - room} more lines"
    assert shown[1:] == [f"s{number}" for number in range(51 - room, 50)]


def test_a_job_whose_holder_is_unknown_stands_at_the_top() -> None:
    """It is shown, with its place."""
    assert texts([job("9", "lost", parent="8", branch=3)]) == ["branch 3: lost"]


def test_no_jobs_are_no_lines() -> None:
    """A queued workflow has none."""
    assert texts([]) == []
