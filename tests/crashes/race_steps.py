"""Steps of races: a call that is held, an answer that is lost, a write by somebody else."""

import asyncio

from tests.rig import Rig
from workflow_manager import errors, models
from workflow_manager.models import WorkflowStatus

REFUSALS = [errors.RefusedByAWS("InvalidDefinition"), errors.AccessDenied("not allowed")]


class Gate:
    """Holds the next call of an operation until it is opened."""

    def __init__(self, rig: Rig, operation: str) -> None:
        self.reached = asyncio.Event()
        self._open = asyncio.Event()
        self._rig = rig
        self._operation = operation
        rig.sfn.before[operation] = self._wait

    async def _wait(self) -> None:
        del self._rig.sfn.before[self._operation]
        self.reached.set()
        await self._open.wait()

    def open(self) -> None:
        """Let the call through."""
        self._open.set()


async def unanswered(rig: Rig) -> models.Workflow:
    """Return a queued workflow whose start had no answer."""
    await rig.define()
    rig.sfn.fail_next("start_execution", errors.Unavailable())
    return await rig.start()


async def abandoned(rig: Rig) -> models.Workflow:
    """Return a queued workflow whose process died on the way to start it."""
    await rig.define()
    gate = Gate(rig, "start_execution")
    starting = asyncio.create_task(rig.start())
    await gate.reached.wait()
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    (workflow,) = (await rig.store.list_active_workflows(limit=1)).workflows
    return workflow


async def acted_but_lost(rig: Rig) -> models.Workflow:
    """Return a queued workflow whose execution runs, although the answer to its start was lost."""
    workflow = await unanswered(rig)
    (arn,) = rig.sfn.machines
    await rig.sfn.start_execution(stateMachineArn=arn, name=workflow.id, input=f'{{"_EXECUTION_NAME":"{workflow.id}"}}')
    return workflow


def denied(rig: Rig, times: int) -> None:
    """Have Step Functions not know any execution yet, as long as it lags behind."""
    rig.sfn.fail_next("get_execution_history", *(errors.ExecutionNotFound() for _ in range(times)))


async def status(rig: Rig, workflow: models.Workflow) -> WorkflowStatus:
    """Return the stored status of a workflow."""
    return (await rig.store.get_workflow(workflow.id)).status


async def active(rig: Rig) -> list[str]:
    """Return the ids that pollers look after."""
    return [workflow.id for workflow in (await rig.store.list_active_workflows(limit=10)).workflows]


async def written_by_somebody(rig: Rig, workflow: models.Workflow) -> None:
    """Have another process claim a workflow."""
    stored = await rig.store.get_workflow(workflow.id)
    await rig.store.update_workflow(workflow.id, {"last_updated": rig.clock.now()}, revision=stored.revision)


async def from_now_on_only_the_end_of_the_index_is_read(rig: Rig) -> None:
    """Poll, with a workflow that is much younger than all others."""
    await rig.start()
    await rig.poller.poll_once()
