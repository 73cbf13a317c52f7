"""How often Step Functions and the store are asked: exact numbers, because quotas and bills count them too.

Covers `app.executor`, `app.poller` and `app.store`.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from app.store import Store
from app.store.memory import MemoryStore
from tests.rig import Rig
from workflow_manager import models

OPERATIONS = frozenset(Store.__abstractmethods__)
READS = frozenset(name for name in OPERATIONS if name.startswith(("find_", "get_", "list_")))


class CountingStore(MemoryStore):
    """Counts its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()

    def __getattribute__(self, name: str) -> Any:
        if name in OPERATIONS:
            self.calls[name] += 1
        return super().__getattribute__(name)

    @property
    def reads(self) -> Mapping[str, int]:
        """How often what was read."""
        return {name: count for name, count in self.calls.items() if name in READS}

    @property
    def writes(self) -> Mapping[str, int]:
        """How often what of workflows was written; leases and queues are documents, and no part of a workflow."""
        return {name: count for name, count in self.calls.items() if name not in READS and "document" not in name}


@pytest.fixture
def store() -> CountingStore:
    return CountingStore()


@pytest.fixture
async def rig(store: CountingStore) -> Rig:
    """Return a service on a store that counts, with a definition; nothing is counted yet."""
    first = Rig()
    first.store = store
    rig = Rig(replica_of=first)
    await rig.define()
    _count_anew(rig, store)
    return rig


def _count_anew(rig: Rig, store: CountingStore) -> None:
    store.calls.clear()
    rig.sfn.calls.clear()


VERSION_0 = models.WorkflowDefinitionRef(name="echo", version=0)
LATEST = models.WorkflowDefinitionRef(name="echo")


async def test_the_first_start_of_a_machine_creates_it_and_starts_it(rig: Rig, store: CountingStore) -> None:
    await rig.start(workflow_definition=VERSION_0)

    assert rig.sfn.calls == {"create_activity": 1, "create_state_machine": 1, "start_execution": 1}
    assert store.writes == {"create_workflow": 1}


async def test_a_warm_start_is_one_call_and_one_write(rig: Rig, store: CountingStore) -> None:
    await rig.start(workflow_definition=VERSION_0)
    _count_anew(rig, store)

    await rig.start(workflow_definition=VERSION_0)

    assert rig.sfn.calls == {"start_execution": 1}
    assert store.writes == {"create_workflow": 1}
    assert store.reads == {}


async def test_a_start_of_the_latest_version_reads_which_that_is(rig: Rig, store: CountingStore) -> None:
    await rig.start(workflow_definition=LATEST)
    _count_anew(rig, store)

    await rig.start(workflow_definition=LATEST)

    assert store.reads == {"get_definition": 1}


async def test_looking_at_a_workflow_that_the_poller_keeps_fresh_is_one_read(rig: Rig, store: CountingStore) -> None:
    workflow = await rig.start()
    await rig.poller.poll_once()
    _count_anew(rig, store)

    await rig.executor.get(workflow.id)

    assert store.reads == {"get_workflow": 1}
    assert store.writes == {}
    assert rig.sfn.calls == {}


async def test_a_workflow_without_jobs_is_written_three_times(rig: Rig, store: CountingStore) -> None:
    workflow = await rig.start(workflow_definition=VERSION_0)
    await rig.poller.poll_once()
    rig.clock.advance(1)
    rig.sfn.succeed(workflow.id)
    await rig.poller.poll_once()
    await rig.poller.poll_once()

    ended = await rig.store.get_workflow(workflow.id)
    assert (ended.status, ended.details_pending) == (models.WorkflowStatus.SUCCEEDED, False)
    assert store.writes == {"create_workflow": 1, "update_workflow": 2}


async def test_polling_a_run_without_news_writes_nothing(rig: Rig, store: CountingStore) -> None:
    await rig.start()
    await rig.poller.poll_once()
    _count_anew(rig, store)

    for _ in range(3):
        rig.clock.advance(1)
        await rig.poller.poll_once()

    assert store.writes == {}
