"""Who is started next.

Covers `app.poller.dispatch.backlog`.
"""

from app.poller.dispatch.backlog import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, Backlog
from tests import samples
from tests.rig import Clock
from workflow_manager.models import Workflow


class Room(Backlog):
    """A backlog and its clock."""

    def __init__(self) -> None:
        self.clock = Clock()
        super().__init__(clock=self.clock.seconds)

    def enter(self, *workflows: Workflow) -> "Room":
        """Have workflows wait."""
        for workflow in workflows:
            self.add(workflow)
        return self


def test_the_more_urgent_goes_first_then_the_older() -> None:
    room = Room().enter(
        samples.workflow("young", minutes=2), samples.workflow("urgent", minutes=3, priority=1), samples.workflow("old")
    )

    assert room.first("default", 10) == ["urgent", "old", "young"]
    assert room.first("default", 1) == ["urgent"]
    assert room.first("default", 2, besides={"urgent"}) == ["old", "young"]
    assert room.first("other", 10) == []


def test_who_waits_already_does_not_wait_twice() -> None:
    room = Room().enter(samples.workflow("a"), samples.workflow("a"))

    assert (room.first("default", 10), room.depth("default"), len(room)) == (["a"], 1, 1)


def test_who_leaves_is_gone() -> None:
    room = Room().enter(samples.workflow("a"), samples.workflow("b", queue="slow"))
    room.defer("b")
    for workflow_id in ("a", "b", "nobody"):
        room.remove(workflow_id)
    room.clock.advance(LONGEST_PAUSE_SECONDS)

    assert (room.queues(), room.depth("a"), room.oldest(), len(room)) == ([], 0, None, 0)


def test_who_is_put_off_lets_the_others_go_first_and_comes_back_in_its_place() -> None:
    room = Room().enter(samples.workflow("old"), samples.workflow("young", minutes=1))
    room.defer("old")

    meanwhile = room.first("default", 10), room.ready(["old", "young"]), room.depth("default")
    room.clock.advance(FIRST_PAUSE_SECONDS)

    assert meanwhile == (["young"], ["young"], 2)
    assert room.first("default", 10) == ["old", "young"]


def test_the_pauses_grow_up_to_a_limit() -> None:
    room = Room().enter(samples.workflow("a"))
    pauses = []
    for _ in range(8):
        room.defer("a")
        waited = 0
        while not room.first("default", 1):
            room.clock.advance(1)
            waited += 1
        pauses.append(waited)

    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]


def test_a_reading_of_the_whole_index_drops_whom_it_does_not_show() -> None:
    room = Room().enter(samples.workflow("shown"), samples.workflow("gone"))
    room.clock.advance(10)
    read_at = room.clock.seconds()
    room.clock.advance(1)
    room.enter(samples.workflow("new"))

    room.keep({"shown"}, since=read_at)

    assert "gone" not in room
    assert set(room.first("default", 10)) == {"shown", "new"}


def test_who_was_tried_is_told_from_who_was_not() -> None:
    room = Room().enter(samples.workflow("a"), samples.workflow("b"), samples.workflow("claimed", revision=1))
    room.defer("b")

    assert [room.untouched(each) for each in ("a", "b", "claimed", "nobody")] == [True, False, False, False]
