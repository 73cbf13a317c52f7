"""Limits of queues, as a pure decision.

Covers `app.executor.queues`.
"""

import pytest

from app.executor.queues import QueueState
from app.store.documents import Document
from workflow_manager.models import QueueLimits


def turn(line: QueueState, waiting: str, *, ended: str = "", others: int = 0, moment: float = 1000.0) -> QueueState:
    """Return a line after a turn, each workflow named by a letter."""
    counted = line.counted(ended=ended, others=others, queued=len(waiting))
    turns = counted.turns(moment, most=100)
    new = [each for each in waiting if each not in counted.running][: counted.room(most=turns)]
    return counted.admit(new, moment)


TURNS = [
    (QueueLimits(max_running=2), "", "abc", "", "ab"),
    (QueueLimits(max_running=2), "ab", "c", "", "ab"),
    (QueueLimits(max_running=2), "ab", "cd", "a", "bc"),
    (QueueLimits(max_running=2), "ab", "cd", "ab", "cd"),
    (QueueLimits(max_running=0), "", "abc", "", ""),
    (QueueLimits(max_running=1), "abc", "d", "a", "bc"),
    (QueueLimits(paused=True), "a", "bc", "a", ""),
    (QueueLimits(paused=True, max_running=5), "a", "bc", "", "a"),
    (QueueLimits(max_running=3), "a", "abc", "", "abc"),
]


@pytest.mark.parametrize(("limits", "running", "waiting", "ended", "after"), TURNS)
def test_as_many_go_as_there_is_room_for_in_their_order(
    limits: QueueLimits, running: str, waiting: str, ended: str, after: str
) -> None:
    assert "".join(turn(QueueState(limits, tuple(running)), waiting, ended=ended).running) == after


@pytest.mark.parametrize(("others", "after"), [(0, "abc"), (1, "ab"), (3, ""), (7, "")])
def test_those_that_run_without_having_been_let_through_take_room_too(others: int, after: str) -> None:
    assert "".join(turn(QueueState(QueueLimits(max_running=3)), "abcd", others=others).running) == after


def test_who_runs_is_not_written_down_where_that_limits_nothing() -> None:
    line = turn(QueueState(QueueLimits(starts_per_second=50), ("x",)), "abc", others=5)

    assert (line.running, line.others, line.queued) == ((), 0, 3)


def starts(line: QueueState, moments: list[float], *, waiting: int = 1_000) -> list[int]:
    """Return how many start at each moment."""
    counts = []
    for moment in moments:
        turns = line.turns(moment, most=waiting)
        line = line.admit([f"{moment}-{number}" for number in range(turns)], moment)
        counts.append(turns)
    return counts


def test_a_rate_is_kept_from_turn_to_turn() -> None:
    counts = starts(QueueState(QueueLimits(starts_per_second=2)), [1000.0 + second for second in range(10)])

    assert counts == [1, *[2] * 9]


def test_a_slow_rate_is_kept_over_turns_that_start_nothing() -> None:
    counts = starts(QueueState(QueueLimits(starts_per_second=0.25)), [1000.0 + second for second in range(39)])

    assert counts == [*[1, 0, 0, 0] * 9, 1, 0, 0]


def test_a_pause_of_the_dispatcher_is_not_made_up_for() -> None:
    assert starts(QueueState(QueueLimits(starts_per_second=5)), [1000.0, 5000.0])[1] <= 6


def test_who_was_let_through_before_takes_a_turn_and_no_more_room() -> None:
    line = QueueState(QueueLimits(max_running=1, starts_per_second=0.5)).admit(["a"], 1000.0)

    again = line.admit(["a"], 1001.0)

    assert again.running == ("a",)
    assert (line.turns(1002.0, most=10), again.turns(1002.0, most=10)) == (1, 0)


def test_a_line_is_read_back_as_it_was_written() -> None:
    line = QueueState(QueueLimits(max_running=2, paused=True), ("a", "b"), others=3, queued=4, next_start_at=12.5)

    assert QueueState.of(Document("queue/x", 1, line.body())) == line
