"""How queues come, change and go under a dispatcher: `app.executor.queues` and `app.poller.dispatch.dispatcher`.

Covers `app.poller.dispatch.dispatcher` and `app.executor.queues`.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from app.executor.queues import EPOCH_KEY, RELOAD_SECONDS, RETIRE_SECONDS
from app.store.documents import Document
from tests.rig import Rig
from workflow_manager import errors
from workflow_manager.models import QueueLimits


class Counting:
    """Counts the reads of documents that a rig makes."""

    def __init__(self, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reads: Counter[str] = Counter()
        for name in ("get_document", "list_documents", "put_document", "delete_document"):
            monkeypatch.setattr(rig.store, name, self._counted(name, getattr(rig.store, name)))

    def _counted(self, name: str, original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def counted(*arguments: object, **named: object) -> Any:
            self.reads[name] += 1
            return await original(*arguments, **named)

        return counted


async def test_queues_that_nobody_uses_cost_nothing_whatever_their_number(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(200):
        await rig.queues.put(f"queue-{number}", QueueLimits(max_running=1))
    for _ in range(2):
        await rig.poller.poll_once()
    counting = Counting(rig, monkeypatch)
    rig.clock.advance(1)

    await rig.poller.poll_once()

    assert counting.reads == {"get_document": 1}


async def test_a_change_on_another_replica_is_seen_at_the_next_turn(rig: Rig) -> None:
    await rig.define()
    await rig.queues.put("slow", QueueLimits(paused=True))
    workflow = await rig.start(queue="slow")
    await rig.poller.poll_once()
    assert rig.sfn.executions == {}

    await Rig(replica_of=rig).queues.put("slow", QueueLimits())
    await rig.poller.poll_once()

    assert [arn.rpartition(":")[2] for arn in rig.sfn.executions] == [workflow.id]


async def test_a_change_that_nobody_was_told_of_is_seen_after_a_minute(rig: Rig) -> None:
    await rig.define()
    await rig.queues.put("slow", QueueLimits(paused=True))
    await rig.start(queue="slow")
    await rig.poller.poll_once()
    document = await rig.store.get_document("queue/slow")
    assert document is not None
    body = {**document.body, "limits": {}}
    await rig.store.put_document("queue/slow", body, revision=document.revision)

    rig.clock.advance(RELOAD_SECONDS)
    await rig.poller.poll_once()

    assert len(rig.sfn.executions) == 1


async def test_the_document_of_a_queue_without_limits_goes_after_a_minute(rig: Rig) -> None:
    await rig.queues.put("slow", QueueLimits(max_running=1))
    await rig.queues.delete("slow")
    await rig.poller.poll_once()
    assert await rig.store.get_document("queue/slow") is not None
    assert await rig.queues.configured() == []

    rig.clock.advance(RETIRE_SECONDS)
    await rig.poller.poll_once()

    assert await rig.store.list_documents("queue/") == []


async def test_a_queue_that_gets_limits_again_before_it_goes_stays(rig: Rig) -> None:
    await rig.queues.put("slow", QueueLimits(max_running=1))
    await rig.queues.delete("slow")
    await rig.poller.poll_once()
    await Rig(replica_of=rig).queues.put("slow", QueueLimits(max_running=3))

    rig.clock.advance(RETIRE_SECONDS)
    await rig.poller.poll_once()

    assert [queue.max_running for queue in await rig.queues.configured()] == [3]


async def test_a_queue_that_was_removed_and_made_again_is_not_taken_for_the_former_one(rig: Rig) -> None:
    """Its document counts from 1 again, so that two different ones have the same revision."""
    await rig.queues.put("slow", QueueLimits(max_running=1))
    await rig.queues.delete("slow")
    await rig.poller.poll_once()
    replica = Rig(replica_of=rig)
    await rig.store.delete_document("queue/slow", revision=2)  # as another leader does
    for limits in (QueueLimits(max_running=7), QueueLimits(max_running=3)):
        await replica.queues.put("slow", limits)

    rig.clock.advance(RETIRE_SECONDS)
    await rig.poller.poll_once()

    assert (await rig.queues.known()).get("slow")[0].limits.max_running == 3
    assert [queue.max_running for queue in await rig.queues.configured()] == [3]


@pytest.mark.parametrize("limits", [QueueLimits(), None])
async def test_a_queue_that_nobody_limited_gets_no_document(rig: Rig, limits: QueueLimits | None) -> None:
    await (rig.queues.delete("slow") if limits is None else rig.queues.put("slow", limits))

    assert await rig.store.list_documents("") == []


async def test_a_dispatcher_that_froze_in_its_turn_writes_nothing_of_what_it_knew(rig: Rig) -> None:
    """The queue may have been removed meanwhile, and made again: its document then counts from 1 again."""
    await rig.queues.put("slow", QueueLimits(max_running=1))
    line, revision = (await rig.queues.known()).get("slow")
    rig.clock.advance(RETIRE_SECONDS)

    with pytest.raises(errors.VersionConflict):
        await rig.queues.write("slow", line, revision=revision)


async def test_who_is_told_of_a_change_reads_no_older_queue(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue is written before the epoch that tells of it."""
    written: list[str] = []
    put = rig.store.put_document

    async def put_document(key: str, body: Mapping[str, Any], *, revision: int) -> Document:
        written.append(key)
        return await put(key, body, revision=revision)

    monkeypatch.setattr(rig.store, "put_document", put_document)
    await rig.queues.put("slow", QueueLimits(max_running=1))

    assert written == ["queue/slow", EPOCH_KEY]


async def test_a_thousand_waiting_queues_take_turns(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """None waits longer than twice the turns that it takes to serve each of them once."""
    monkeypatch.setattr("app.poller.dispatch.dispatcher.MOST_A_TURN", 30)
    await rig.define()
    for number in range(100):
        for _ in range(3):
            rig.sfn.fail_next("start_execution", errors.Unavailable())
            await rig.start(queue=f"queue-{number:03}")
    rig.clock.advance(120)
    waited: Counter[str] = Counter()
    longest = 0
    started: set[str] = set()
    for _ in range(12):
        await rig.poller.poll_once()
        queues = {
            (await rig.store.get_workflow(arn.rpartition(":")[2])).queue for arn in rig.sfn.executions.keys() - started
        }
        started |= rig.sfn.executions.keys()
        for number in range(100):
            name = f"queue-{number:03}"
            waited[name] = 0 if name in queues else waited[name] + 1
        longest = max(longest, *waited.values())
        rig.clock.advance(31)

    assert longest < 2 * 4
    assert len(started) == 300
