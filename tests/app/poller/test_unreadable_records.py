"""Records that cannot be read: the poller passes them over, and does all the rest of its work.

Covers `app.poller.poller` and `app.store.unreadable`.
"""

from typing import Any

import pytest

from app.poller import Leadership
from app.store.documents import Document
from app.store.memory import MemoryStore
from tests.app.store.backends import Damage, damage
from tests.rig import Clock, Rig
from workflow_manager import errors, models
from workflow_manager.models import QueueLimits, WorkflowStatus

WHOLLY: list[Damage] = ["status", "body"]


async def start_later(rig: Rig) -> models.Workflow:
    """Start a workflow in the queue ``slow``, behind the others."""
    rig.clock.advance(1)
    return await rig.start(queue="slow")


@pytest.mark.parametrize("kind", WHOLLY)
async def test_a_poll_passes_over_a_workflow_that_cannot_be_read(rig: Rig, kind: Damage) -> None:
    await rig.define()
    bad, good = await rig.start(), await rig.start()
    for workflow in (bad, good):
        rig.sfn.succeed(workflow.id)
    await damage(rig.store, bad.id, kind)

    report = await rig.poller.poll_once()

    assert report.active == 1
    assert (await rig.store.get_workflow(good.id)).status is WorkflowStatus.SUCCEEDED
    with pytest.raises(errors.RecordUnreadable):
        await rig.store.get_workflow(bad.id)


@pytest.mark.parametrize("kind", WHOLLY)
async def test_a_followed_workflow_that_cannot_be_read_any_more_is_followed_no_longer(rig: Rig, kind: Damage) -> None:
    await rig.define()
    bad, good = await rig.start(), await rig.start()
    await rig.poller.poll_once()
    await damage(rig.store, bad.id, kind)
    for workflow in (bad, good):
        rig.sfn.succeed(workflow.id)

    await rig.poller.poll_once()

    assert rig.poller.followed(bad.id) is None
    assert (await rig.store.get_workflow(good.id)).status is WorkflowStatus.SUCCEEDED


@pytest.mark.parametrize("kind", WHOLLY)
async def test_a_queued_workflow_that_cannot_be_read_holds_up_no_other_of_its_queue(rig: Rig, kind: Damage) -> None:
    await rig.define()
    await rig.queues.put("slow", QueueLimits(max_running=1))
    bad, good = [await start_later(rig) for _ in range(2)]
    await damage(rig.store, bad.id, kind)

    await rig.poller.poll_once()

    assert rig.sfn.execution(good.id).status == "RUNNING"
    assert len(rig.sfn.executions) == 1


@pytest.mark.parametrize("kind", WHOLLY)
async def test_a_running_workflow_that_cannot_be_read_keeps_its_place_in_its_queue(rig: Rig, kind: Damage) -> None:
    await rig.define()
    await rig.queues.put("slow", QueueLimits(max_running=2))
    bad, good, last = [await start_later(rig) for _ in range(3)]
    await rig.poller.poll_once()
    await damage(rig.store, bad.id, kind)
    rig.sfn.succeed(good.id)

    await rig.poller.poll_once()
    await rig.poller.poll_once()

    assert rig.sfn.execution(last.id).status == "RUNNING"


async def test_a_workflow_without_its_definition_waits_for_it(rig: Rig) -> None:
    """Half a restore must not end what was accepted."""
    await rig.define()
    await rig.queues.put("slow", QueueLimits(max_running=1))
    waiting = await rig.start(queue="slow")
    undamaged = rig.store._workflows[waiting.id]
    await damage(rig.store, waiting.id, "definition")

    await rig.poller.poll_once()

    assert (await rig.store.get_workflow(waiting.id)).status is WorkflowStatus.QUEUED
    assert not rig.sfn.executions
    rig.store._workflows[waiting.id] = undamaged
    rig.clock.advance(60)
    await rig.poller.poll_once()
    assert rig.sfn.execution(waiting.id).status == "RUNNING"


class DamagedDocuments(MemoryStore):
    """A store some of whose documents cannot be read."""

    def __init__(self) -> None:
        super().__init__()
        self.damaged: set[str] = set()

    async def get_document(self, key: str) -> Document | None:
        return self._damaged(await super().get_document(key))

    async def list_documents(self, prefix: str) -> list[Document]:
        documents = [self._damaged(document) for document in await super().list_documents(prefix)]
        return [document for document in documents if document is not None]

    def _damaged(self, document: Document | None) -> Document | None:
        if document is None or document.key not in self.damaged:
            return document
        return Document(document.key, document.revision, {}, unreadable="it is damaged")


async def test_a_queue_that_cannot_be_read_holds_up_itself_alone() -> None:
    first = Rig()
    first.store = store = DamagedDocuments()
    rig = Rig(replica_of=first)
    await rig.define()
    for queue in ("bad", "good"):
        await rig.queues.put(queue, QueueLimits(max_running=1))
    store.damaged.add("queue/bad")
    bad, good = await rig.start(queue="bad"), await rig.start(queue="good")

    await rig.poller.poll_once()
    shown = await rig.queues.configured()

    assert rig.sfn.execution(good.id).status == "RUNNING"
    assert (await rig.store.get_workflow(bad.id)).status is WorkflowStatus.QUEUED
    assert [(queue.name, queue.unreadable) for queue in shown] == [("bad", "it is damaged"), ("good", None)]
    assert (await rig.queues.get("bad")).unreadable == "it is damaged"


async def test_limits_heal_a_queue_that_cannot_be_read() -> None:
    first = Rig()
    first.store = store = DamagedDocuments()
    rig = Rig(replica_of=first)
    await rig.queues.put("bad", QueueLimits(max_running=1))
    store.damaged.add("queue/bad")

    changed = await rig.queues.put("bad", QueueLimits(max_running=3))
    store.damaged.clear()

    assert changed.unreadable is None
    assert (await rig.queues.get("bad")).max_running == 3


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"limits": {"maxRunning": "many"}, "running": [], "nextStartAt": 0.0},
        {"limits": [], "running": [], "nextStartAt": 0.0},
        {"limits": {}, "running": None, "nextStartAt": 0.0},
    ],
    ids=str,
)
async def test_a_queue_of_a_later_version_is_shown_as_unreadable(rig: Rig, body: dict[str, Any]) -> None:
    await rig.store.put_document("queue/bad", body, revision=0)

    for shown in (await rig.queues.get("bad"), *await rig.queues.configured()):
        assert shown.unreadable
        assert shown.paused


@pytest.mark.parametrize("body", [{}, {"leader": "a later version"}], ids=str)
async def test_a_lease_that_cannot_be_read_is_taken_over_once_it_stands_still(body: dict[str, Any]) -> None:
    store, clock = MemoryStore(), Clock()
    await store.put_document("lease/poller", body, revision=0)
    leadership = Leadership(store, candidate="a", lease_seconds=15, clock=clock.seconds)

    assert not await leadership.step()
    clock.advance(10)
    await store.put_document("lease/poller", body, revision=1)
    assert not await leadership.step()
    clock.advance(14)
    assert not await leadership.step()
    clock.advance(1)
    assert await leadership.step()


async def test_people_see_what_can_be_shown_and_can_change_nothing(rig: Rig) -> None:
    await rig.define()
    bad = await rig.start()
    await damage(rig.store, bad.id, "status")

    shown = await rig.executor.get(bad.id)

    assert (shown.id, shown.status) == (bad.id, WorkflowStatus.RUNNING)
    assert shown.unreadable
    with pytest.raises(errors.RecordUnreadable):
        await rig.executor.cancel(bad.id, "")
    with pytest.raises(errors.RecordUnreadable):
        await rig.executor.resolve(bad.id)
    with pytest.raises(errors.RecordUnreadable):
        await rig.executor.resume(bad.id, models.WorkflowDefinitionOverrides(start_at="echo"))


async def test_an_ancestor_that_cannot_be_read_does_not_keep_its_descendants_from_going_on(rig: Rig) -> None:
    original = await rig.failed()
    overrides = models.WorkflowDefinitionOverrides(start_at="echo")
    child = await rig.executor.resume(original.id, overrides)
    rig.sfn.enter(child.id, "echo")
    rig.sfn.fail(child.id, "Boom", "again")
    await rig.poller.poll_once()
    await damage(rig.store, original.id, "status")

    grandchild = await rig.executor.resume(child.id, overrides)

    assert grandchild.retry_for == child.id
