"""Polling as the safety net of events.

Covers `app.poller.budget` and `app.poller.planning`.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

import pytest

from app.executor import ExecutionLists, Quotas, throttled
from app.executor.sfn.quotas import Quota
from app.poller import Leadership, Poller, StatusEventHandler
from app.poller.budget import SILENCE_SECONDS, Budget
from app.poller.details_queue import Details
from app.poller.dispatch.backlog import Backlog
from app.poller.refresher import RefreshOutcome, WorkflowRefresher
from app.poller.schedule import PollSchedule
from app.poller.sweeps import LIST_LAG_SECONDS, Sweeper
from app.poller.tracking import ActiveSet, Tracked, state_machine_of
from tests import samples
from tests.app.poller.events import status_events
from tests.fake_sfn import Execution
from tests.rig import Clock, Rig
from workflow_manager.models import WorkflowStatus

QUOTAS = {"ListExecutions": Quota(8, 8), "DescribeExecution": Quota(1, 0.001), "GetExecutionHistory": Quota(1, 0.001)}
"""So few questions that everything is listed."""

MACHINES = 16


class Lists:
    """A client that only lists; what runs is the same all the time."""

    def __init__(self, *running: str) -> None:
        self.rows = [{"name": name, "status": "RUNNING", "startDate": samples.EPOCH} for name in running]
        self.calls: Counter[str] = Counter()

    async def list_executions(self, *, statusFilter: str, **_: object) -> dict[str, Any]:  # noqa: N803
        self.calls[statusFilter] += 1
        return {"executions": self.rows}

    def lists(self, quotas: Quotas) -> ExecutionLists:
        """Return lists on this client that keep to the quotas."""
        return ExecutionLists(throttled(cast("Any", self), quotas))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budget(clock: Clock) -> Budget:
    return Budget(Quotas(QUOTAS, clock=clock.seconds), clock=clock.seconds)


def test_without_events_all_of_the_quotas_may_be_used(budget: Budget) -> None:
    budget.spend("list", 1_000)

    assert budget.lists_per_second == 8
    assert budget.asks_per_second == 0.002
    assert budget.allows("list")


def test_while_events_arrive_a_quarter_may_be_used(budget: Budget) -> None:
    budget.on_event()

    assert budget.lists_per_second == 2
    assert budget.asks_per_second == 0.0005


def test_when_events_cease_to_arrive_all_may_be_used_again(budget: Budget, clock: Clock) -> None:
    budget.on_event()
    budget.spend("list", 1_000)
    clock.advance(SILENCE_SECONDS)

    assert budget.lists_per_second == 8
    assert budget.allows("list")


def test_what_was_spent_is_waited_for(budget: Budget, clock: Clock) -> None:
    budget.on_event()
    budget.spend("list", 10)
    clock.advance(3.9)
    early = budget.allows("list")
    clock.advance(0.1)

    assert not early
    assert budget.allows("list")
    assert budget.allows("ask")


def test_without_quotas_nothing_is_waited_for(clock: Clock) -> None:
    budget = Budget(Quotas({}, clock=clock.seconds), clock=clock.seconds)
    budget.on_event()
    budget.spend("ask", 1_000_000)

    assert budget.allows("ask")


@pytest.mark.looptime
@pytest.mark.parametrize(("on_event", "low", "high"), [(False, 470, 500), (True, 115, 130)], ids=["silence", "events"])
async def test_the_poller_lists_at_the_rate_of_its_budget(rig: Rig, on_event: bool, low: int, high: int) -> None:
    client = Lists(*(f"w{number}" for number in range(MACHINES)))
    poller = await following(rig, client)
    polling = asyncio.create_task(poller.run())
    for _ in range(60):
        if on_event:
            poller.on_event(await rig.store.get_workflow("w0"))
        await asyncio.sleep(1)
    poller.stop()
    await polling

    assert low <= client.calls["RUNNING"] <= high


async def following(rig: Rig, client: Lists) -> Poller:
    """Return a poller with a workflow in each of some state machines."""
    clock: Callable[[], float] = asyncio.get_running_loop().time
    quotas = Quotas(QUOTAS, clock=clock)
    for number in range(MACHINES):
        arn = f"arn:aws:states:us-west-2:123456789012:execution:m{number}:w{number}"
        workflow = samples.workflow(f"w{number}", execution_arn=arn, status=WorkflowStatus.RUNNING)
        await rig.store.create_workflow(workflow)
        rig.sfn.executions[arn] = Execution(arn=arn, input="{}", started_at=samples.EPOCH)
    return Poller(
        rig.store,
        rig.outbox,
        rig.reconciler,
        client.lists(quotas),
        quotas,
        rig.queues,
        rig.circuit_breaker,
        Leadership(rig.store, candidate="me", lease_seconds=15, clock=clock),
        now=rig.clock.now,
        clock=clock,
        interval_seconds=0.5,
    )


@pytest.mark.usefixtures("no_room_for_questions")
@pytest.mark.parametrize("events", [True, False])
async def test_an_end_whose_event_went_to_another_replica_is_found_in_the_store(rig: Rig, events: bool) -> None:
    workflow = await rig.started()
    replica = StatusEventHandler(rig.store, rig.reconciler, Rig(replica_of=rig).poller)
    await replica.take(status_events.read(status_events.of(workflow, "SUCCEEDED")))
    active, seconds = ActiveSet(), rig.clock.seconds
    schedule = PollSchedule(active, interval_seconds=1)
    quotas = Quotas({}, clock=seconds)
    budget = Budget(quotas, clock=seconds)
    details, waiting = Details(), Backlog(clock=seconds)
    refresher = WorkflowRefresher(
        rig.store, rig.reconciler, schedule, details, waiting, now=rig.clock.now, clock=seconds
    )
    machine = state_machine_of(workflow.execution_arn)
    schedule.track(Tracked(workflow.id, machine, "default", WorkflowStatus.RUNNING, workflow.revision, since=seconds()))
    rig.clock.advance(LIST_LAG_SECONDS)
    if events:
        budget.on_event()

    outcomes = await Sweeper(
        Lists().lists(quotas), refresher, active, schedule, budget, clock=seconds, follow=lambda _: None
    ).sweep(machine)

    assert outcomes == ([RefreshOutcome.CHANGED] if events else [])
    assert len(active) == schedule.unconfirmed == (0 if events else 1)
    assert [deferred.id for deferred in await rig.store.list_deferred_workflows(limit=10)] == [workflow.id]
