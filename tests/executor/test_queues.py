"""Limits of queues, as a pure decision."""

import pytest

from app.executor.queues import Line
from app.models import QueueLimits
from app.store.documents import Document

NOBODY: frozenset[str] = frozenset()


def admitted(line: Line, waiting: str, *, ended: str = "", moment: float = 1000.0) -> str:
    """Return who runs after a turn, each workflow named by a letter."""
    return "".join(line.admit(list(waiting), ended=frozenset(ended), moment=moment).running)


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
    assert admitted(Line(limits, tuple(running)), waiting, ended=ended) == after


def test_a_rate_is_kept_from_turn_to_turn() -> None:
    line = Line(QueueLimits(starts_per_second=2))
    waiting = [str(number) for number in range(100)]
    started: list[int] = []
    for second in range(10):
        before = len(line.running)
        line = line.admit(waiting, ended=NOBODY, moment=1000.0 + second)
        started.append(len(line.running) - before)

    assert started[1:] == [2] * 9
    assert started[0] <= 3


def test_a_pause_of_the_dispatcher_is_not_made_up_for() -> None:
    line = Line(QueueLimits(starts_per_second=5)).admit(["a"], ended=NOBODY, moment=1000.0)

    later = line.admit([str(number) for number in range(1000)], ended=NOBODY, moment=5000.0)

    assert len(later.running) <= 7


def test_a_line_is_read_back_as_it_was_written() -> None:
    line = Line(QueueLimits(max_running=2, paused=True), ("a", "b"), 12.5)

    assert Line.of(Document("queue/x", 1, line.body())) == line
