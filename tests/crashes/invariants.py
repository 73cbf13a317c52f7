"""What must hold once everything has come to rest."""

from collections.abc import Iterator

from app.executor import Reconciler
from app.executor.observations import STATUSES
from tests.crashes.injected_crashes import REFUSALS
from tests.crashes.scenario import Ledger
from tests.crashes.world import QUEUE, World
from tests.fake_sfn import Execution
from workflow_manager.models import Workflow, WorkflowStatus


def while_running(world: World, ledger: Ledger) -> Iterator[str]:
    """Yield what is wrong while runs still go on, long after the last fault."""
    executions = _by_name(world)
    for workflow in world.store.records.values():
        runs = [execution.status for execution in executions.get(workflow.id, ()) if execution.status == "RUNNING"]
        if workflow.status is WorkflowStatus.QUEUED and workflow.queue != QUEUE:  # there it may wait for others
            yield f"{workflow.id} was never started"
        if workflow.status.terminal and runs:
            yield f"{workflow.id} is {workflow.status}, but its execution runs"
        if workflow.id in ledger.cancelled and not workflow.status.terminal:
            yield f"{workflow.id} is {workflow.status}, although its cancellation was confirmed"


async def at_the_end(world: World, ledger: Ledger) -> list[str]:
    """Return what is wrong after the end of every run."""
    reconciler = Reconciler(world.sfn.client(), world.store, now=world.clock.now)
    records = world.store.records
    executions = _by_name(world)
    wrong = [*world.store.wrong, *ledger.surprises, *world.poller_deaths]
    wrong += [f"{lost} was accepted and is lost" for lost in ledger.accepted - records.keys()]
    wrong += [f"{name} was refused and ran" for name in ledger.refused - ledger.accepted if name in executions]
    wrong += [f"{name} runs untracked" for name in executions.keys() - records.keys()]
    wrong += [f"{name} ran {len(runs)} times" for name, runs in executions.items() if len(runs) > 1]
    wrong += [
        f"{name} was started with several inputs" for name, given in world.sfn.inputs_given.items() if len(given) > 1
    ]
    wrong += _links(records)
    active = await world.store.list_active_workflows(limit=100)
    wrong += [f"{workflow.id} is {workflow.status} and still among the active" for workflow in active.workflows]
    for workflow in records.values():
        wrong += await _record(workflow, executions.get(workflow.id, []), reconciler)
    return wrong


async def _record(workflow: Workflow, executions: list[Execution], reconciler: Reconciler) -> list[str]:
    if not executions:
        return [] if _ended_unstarted(workflow) else [f"{workflow.id} is {workflow.status}, and has no execution"]
    execution = executions[0]
    if execution.arn != workflow.execution_arn:
        return [f"{workflow.id} runs as {execution.arn}"]
    status = STATUSES[execution.status]
    if status is not workflow.status and not _ended_too_early_to_be_stopped(workflow, status):
        return [f"{workflow.id} is {workflow.status} ({workflow.status_reason}), its execution {execution.status}"]
    history = await reconciler.read_history(workflow)
    if history.jobs != workflow.jobs or history.output != workflow.output:
        return [f"{workflow.id} lacks details: {workflow.output} {workflow.jobs} instead of {history}"]
    return []


def _ended_unstarted(workflow: Workflow) -> bool:
    refused = workflow.status is WorkflowStatus.FAILED and workflow.status_reason in {
        refusal.message for refusal in REFUSALS
    }
    return refused or workflow.status is WorkflowStatus.CANCELLED


def _ended_too_early_to_be_stopped(workflow: Workflow, status: WorkflowStatus) -> bool:
    """Tell whether a workflow was cancelled before its run was seen, and says what became of that."""
    return workflow.status is WorkflowStatus.CANCELLED and f"and {status} before" in (workflow.status_reason or "")


def _links(records: dict[str, Workflow]) -> Iterator[str]:
    for workflow in records.values():
        original = records.get(workflow.retry_for or "")
        if workflow.retry_for is not None and (original is None or workflow.id not in original.retries):
            yield f"{workflow.id} resumes {workflow.retry_for}, which does not know"
        for retry in workflow.retries:
            if retry not in records or records[retry].retry_for != workflow.id:
                yield f"{workflow.id} is resumed by {retry}, which does not know"
        if len(set(workflow.retries)) < len(workflow.retries):
            yield f"{workflow.id} is resumed twice by the same workflow"


def _by_name(world: World) -> dict[str, list[Execution]]:
    found: dict[str, list[Execution]] = {}
    for arn, execution in world.sfn.executions.items():
        found.setdefault(arn.rpartition(":")[2], []).append(execution)
    return found
