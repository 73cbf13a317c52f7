"""Which ended workflow is read next.

Covers `app.poller.details_queue`.
"""

import pytest

from app.poller import details_queue
from app.poller.details_queue import FIRST_PAUSE_SECONDS, MAX_WAITING, Details
from app.poller.tracking import Tracked
from workflow_manager.models import WorkflowStatus


def ended(name: str, status: WorkflowStatus = WorkflowStatus.SUCCEEDED) -> Tracked:
    """Return an ended workflow."""
    return Tracked(name, "arn:machine", "default", status, 1, since=0.0)


def drain(queue: Details, moment: float = 0.0) -> list[str]:
    """Return the ids of all that can be read at a moment, in order."""
    ids = []
    while (tracked := queue.next(moment)) is not None:
        ids.append(tracked.id)
    return ids


def test_failures_are_read_first() -> None:
    queue = Details()
    for tracked in (ended("well"), ended("badly", WorkflowStatus.FAILED), ended("too")):
        queue.enqueue(tracked)

    assert drain(queue) == ["badly", "well", "too"]


def test_what_is_wanted_or_being_read_is_not_given_out_twice() -> None:
    queue, tracked = Details(), ended("a")
    queue.enqueue(tracked)
    queue.enqueue(tracked)
    first = drain(queue)
    queue.enqueue(tracked)
    meanwhile = drain(queue)
    queue.release(tracked)
    queue.enqueue(tracked)

    assert (first, meanwhile, drain(queue)) == (["a"], [], ["a"])


def test_what_gave_no_answer_is_read_again_after_a_growing_pause() -> None:
    queue, tracked = Details(), ended("a")
    queue.defer(tracked, 0.0)

    assert drain(queue, FIRST_PAUSE_SECONDS - 0.1) == []
    assert drain(queue, FIRST_PAUSE_SECONDS) == ["a"]
    queue.release(tracked)
    queue.defer(tracked, 10.0)
    assert drain(queue, 10.0 + FIRST_PAUSE_SECONDS) == []
    assert drain(queue, 10.0 + 2 * FIRST_PAUSE_SECONDS) == ["a"]


def test_there_is_no_room_for_what_went_well_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Details()
    for number in range(MAX_WAITING):
        queue.enqueue(ended(f"{number}"))
    full = queue.full
    queue.enqueue(ended("beyond"))
    queue.enqueue(ended("badly", WorkflowStatus.FAILED))

    assert full
    assert len(queue) == MAX_WAITING + 1
    assert drain(queue)[0] == "badly"
    monkeypatch.setattr(details_queue, "MAX_FAILED", 0)
    queue.enqueue(ended("no room", WorkflowStatus.FAILED))
    assert len(queue) == 0
