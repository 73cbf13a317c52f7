"""The outbox: a workflow is recorded before its execution starts, so that it starts whatever happens in between."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import structlog

from app.access.principal import current
from app.executor import idempotency, inputs
from app.executor.idempotency import IdempotencyToken
from app.executor.in_flight import StartsInFlight
from app.executor.queues import Queues
from app.executor.reconciler import Reconciler
from app.executor.recovery.redriver import Redriver
from app.executor.sfn.circuit_breaker import CircuitBreaker
from app.executor.sfn.quotas import Quotas
from app.executor.sfn.state_machines import StateMachine
from app.executor.starter import ExecutionStarter, start_window_over
from app.store import Store
from workflow_manager import errors
from workflow_manager.models import Tags, Workflow, WorkflowDefinition, WorkflowStatus

log = structlog.get_logger(__name__)

MAX_TRIES: Final = 5
"""Attempts of a request while other writers change the workflow."""

CALL_TIMEOUT: Final = timedelta(seconds=2)
"""A person waits so long for a start; then the answer is ``queued``, and the dispatcher goes on with it."""


DEFINITE: Final = (errors.RefusedByAWS, errors.InvalidInput, errors.AccessDenied, errors.NamespaceWithoutRole)
"""Refusals that nothing but a person can change."""


class NotTried(errors.Unavailable):
    """No attempt was made to start the execution."""


class NewWorkflow(NamedTuple):
    """A workflow about to be recorded."""

    definition: WorkflowDefinition
    namespace: str
    queue: str
    input: str
    tags: Tags
    priority: int = 0
    variables: str | None = None
    execution_input: str | None = None
    ancestors: Sequence[Workflow] = ()


class Outbox:
    """Records workflows and starts their executions, including those that were recorded and not started."""

    def __init__(
        self,
        store: Store,
        starter: ExecutionStarter,
        reconciler: Reconciler,
        queues: Queues,
        quotas: Quotas,
        circuit_breaker: CircuitBreaker,
        redriver: Redriver,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._starter = starter
        self._reconciler = reconciler
        self._queues = queues
        self._quotas = quotas
        self._circuit_breaker = circuit_breaker
        self._redriver = redriver
        self._now = now
        self._starts = StartsInFlight()

    async def once(self, token: IdempotencyToken, make: Callable[[], Awaitable[Workflow]]) -> Workflow:
        """Return what ``make`` makes, or what the same request has made before.

        Raises ``IdempotencyKeyReused``, ``VersionConflict`` and what ``make`` raises.
        """
        for _ in range(MAX_TRIES):
            try:
                if token.fingerprint is not None and (made := await self._made_before(token)) is not None:
                    return made
                return await make()
            except errors.VersionConflict:
                continue
        raise errors.VersionConflict

    async def submit(self, new: NewWorkflow, token: IdempotencyToken) -> Workflow:
        """Record a workflow, and start its execution if its queue lets it and Step Functions answers.

        Raises ``InvalidInput``, ``NamespaceWithoutRole``, and ``RefusedByAWS`` or ``AccessDenied`` when AWS will never
        run it; then nothing is left of it. Raises ``Unavailable`` when something may be left of it.
        """
        machine = await self._starter.state_machine(new.definition, namespace=new.namespace, variables=new.variables)
        text = inputs.for_execution(
            new.input, token.workflow_id, variables=new.variables, execution_input=new.execution_input
        )
        obstacle = await self._obstacle(new.queue)
        workflow = self._recorded(new, token, machine, start_pending=obstacle is not None)
        with self._starts.under_way(workflow.id):
            await self._store.create_workflow(workflow, ancestors=new.ancestors)
            if obstacle is not None:
                log.info("workflow queued", action="queue-workflow", workflow_id=workflow.id, why=obstacle)
                return workflow
            try:
                await self._starter.launch(workflow, machine, text, now=self._now(), limit=CALL_TIMEOUT)
            except (errors.RefusedByAWS, errors.AccessDenied) as refusal:
                if await self._taken_back(workflow, refusal):
                    raise
                return await self._as_stored(workflow)
            except errors.Unavailable as silence:
                await self._leave_to_dispatcher(workflow, silence)
        return workflow

    async def start_queued(self, workflow: Workflow) -> Workflow:
        """Start a workflow that was recorded, perhaps by a process that died before it started it.

        A refusal by AWS ends the workflow as ``failed`` with AWS's words. Raises ``NotTried`` when its execution cannot
        have been started, ``Unavailable`` when it may have been, and ``VersionConflict`` when another process starts or
        has ended it.
        """
        if workflow.id in self._starts:
            return workflow
        if workflow.status is not WorkflowStatus.QUEUED:
            raise errors.VersionConflict(f"workflow {workflow.id} is {workflow.status}")
        with self._starts.under_way(workflow.id):
            if workflow.redrives:
                return await self._redriver.go_on(workflow)
            try:
                machine, text = await self._prepared(workflow)
            except DEFINITE as refusal:
                return await self._end_refused(workflow, refusal.message, before=workflow)
            except errors.Unavailable as silence:
                raise (NotTried if never_attempted(workflow) else errors.Unavailable)(silence.message) from silence
            # The write is a claim: a process that abandoned this workflow meanwhile finds another revision.
            claimed = await self._store.update_workflow(
                workflow.id, {"last_updated": self._now()}, revision=workflow.revision
            )
            try:
                await self._starter.launch(claimed, machine, text, now=self._now())
            except DEFINITE as refusal:
                return await self._end_refused(claimed, refusal.message, before=workflow)
            return claimed

    async def redrive(self, workflow: Workflow, *, redrives: int, by: str | None) -> Workflow:
        """Redrive the run of an ended workflow, or let it wait for its turn in a limited queue.

        What Step Functions refuses is ended as before, with fewer redrives than asked for. Raises ``VersionConflict``.
        """
        waits = (await self._queues.limits(workflow.queue)).limited
        with self._starts.under_way(workflow.id):
            queued = await self._redriver.begin(workflow, redrives=redrives, by=by, waits=waits)
            if waits:
                return queued
            try:
                return await self._redriver.make(queued, before=workflow)
            except errors.Unavailable as silence:
                log.warning("redrive postponed", action="redrive-later", workflow_id=workflow.id, error=silence.message)
                return queued

    async def finished(self, workflow_id: str) -> Workflow:
        """Return a workflow once this process is not just starting it. Raises ``WorkflowNotFound``."""
        await self._starts.finished(workflow_id)
        return await self._store.get_workflow(workflow_id)

    async def why_waiting(self, workflow: Workflow) -> str | None:
        """Return why a workflow has not started yet, if known."""
        limits = await self._queues.limits(workflow.queue)
        if limits.paused:
            return f"waits: the queue {workflow.queue} is paused"
        if self._circuit_breaker.is_open:
            return "waits: Step Functions does not answer"
        if limits.limited:
            return f"waits for its turn: the queue {workflow.queue} has limits"
        return None if self._quotas.free("StartExecution") else "waits: others wait for the quota of StartExecution too"

    async def _obstacle(self, queue: str) -> str | None:
        """Tell why a workflow of a queue is left to the dispatcher; None when it may start now."""
        if (await self._queues.limits(queue)).limited:
            return "its queue has limits"
        if not self._quotas.free("StartExecution"):
            return "others wait for the quota"
        return None if self._circuit_breaker.allow() else "Step Functions does not answer"

    def _recorded(
        self, new: NewWorkflow, token: IdempotencyToken, machine: StateMachine, *, start_pending: bool
    ) -> Workflow:
        moment = self._now()
        return Workflow(
            id=token.workflow_id,
            created_at=moment,
            last_updated=moment,
            workflow_definition=new.definition,
            status=WorkflowStatus.QUEUED,
            namespace=new.namespace,
            queue=new.queue,
            priority=new.priority,
            input=new.input,
            variables=new.variables,
            execution_input=new.execution_input,
            tags=new.tags,
            retry_for=new.ancestors[0].id if new.ancestors else None,
            execution_arn=machine.execution_arn(token.workflow_id),
            request_fingerprint=token.fingerprint,
            start_pending=start_pending,
            created_by=current().subject or None,
        )

    async def _made_before(self, token: IdempotencyToken) -> Workflow | None:
        """Return what the same request made before, if it did.

        The request that recorded a workflow removes it when AWS refuses it, but only while no other process has written
        to it: so a write makes sure that what is answered here stays.
        """
        for workflow_id, fingerprint in token.known_as:
            try:
                made = idempotency.check(await self.finished(workflow_id), fingerprint)
                if made.status is WorkflowStatus.QUEUED and made.revision == 0:
                    return await self._store.update_workflow(made.id, {"last_updated": made.last_updated}, revision=0)
            except errors.WorkflowNotFound:
                continue
            return made
        return None

    async def _leave_to_dispatcher(self, workflow: Workflow, silence: errors.Unavailable) -> None:
        """Record that an execution has not started, so that the dispatcher need not describe it.

        Without the note it takes longer and more calls, but the workflow is not lost.
        """
        log.warning(
            "start postponed; the workflow stays queued",
            action="start-later",
            workflow_id=workflow.id,
            error=silence.message,
        )
        try:
            await self._store.update_workflow(workflow.id, {"start_pending": True}, revision=workflow.revision)
        except (errors.VersionConflict, errors.WorkflowNotFound):
            return  # another process takes care of it
        except errors.WorkflowManagerError as trouble:
            log.warning(
                "reason for waiting not stored", action="start-later", workflow_id=workflow.id, error=trouble.message
            )

    async def _taken_back(self, workflow: Workflow, refusal: errors.WorkflowManagerError) -> bool:
        """Remove a workflow that AWS refused; returns False if it has changed in the meantime, and so stays.

        Raises ``Unavailable`` when the removal is not confirmed: the dispatcher may find the record and start it after
        all, for example because AWS now allows it. So the refusal would not be the whole truth.
        """
        try:
            await self._store.discard_workflow(workflow.id, revision=workflow.revision)
        except errors.VersionConflict:
            return False
        except errors.WorkflowManagerError as trouble:
            log.warning("removal not confirmed", action="take-back", workflow_id=workflow.id, error=trouble.message)
            raise errors.Unavailable(
                f"AWS refused to start workflow {workflow.id} ({refusal.message}), but the store did not confirm its "
                "removal, so it may be tried again later; repeat the request, or look at the workflow"
            ) from trouble
        return True

    async def _as_stored(self, workflow: Workflow) -> Workflow:
        """Return a workflow as it is stored now, or as it was recorded if it cannot be read."""
        try:
            return await self._store.get_workflow(workflow.id)
        except errors.WorkflowManagerError as trouble:
            log.warning("workflow shown as recorded", action="start", workflow_id=workflow.id, error=trouble.message)
            return workflow

    async def _prepared(self, workflow: Workflow) -> tuple[StateMachine, str]:
        """Do all that a start needs before its claim, so that whatever goes wrong here has started nothing."""
        if workflow.unreadable is not None:
            raise errors.Unavailable(f"the record of workflow {workflow.id} cannot be read: {workflow.unreadable}")
        machine = await self._starter.state_machine(
            workflow.workflow_definition, namespace=workflow.namespace, variables=workflow.variables
        )
        machine = machine.of_execution(workflow.execution_arn)
        text = inputs.for_execution(
            workflow.input, workflow.id, variables=workflow.variables, execution_input=workflow.execution_input
        )
        if not (self._starter.at_hand(machine) or self._quotas.free("CreateStateMachine")):
            # The quota is one call a second: workflows that need none must not wait behind those that do.
            raise errors.Unavailable("others wait for the quota of CreateStateMachine")
        if self._starter.in_flight(machine) and not self._quotas.free("CreateActivity"):
            raise errors.Unavailable("its activities wait for the quota of CreateActivity")
        await self._starter.ensure(machine)
        return machine, text

    async def _end_refused(self, claimed: Workflow, refusal: str, *, before: Workflow) -> Workflow:
        """End a workflow that AWS refuses to start, unless an earlier try to start it has worked."""
        if never_attempted(before):
            return await self._reconciler.end(claimed, WorkflowStatus.FAILED, refusal)
        if not start_window_over(before, self._now()):
            if claimed.revision != before.revision:
                # This try started nothing, so it must not put off the moment at which the earlier ones are settled.
                await self._store.update_workflow(
                    claimed.id, {"last_updated": before.last_updated}, revision=claimed.revision
                )
            raise errors.Unavailable(f"AWS refused to start workflow {claimed.id}, which may be running: {refusal}")
        try:
            await self._reconciler.describe(claimed.execution_arn)
        except errors.ExecutionNotFound:
            return await self._reconciler.end(claimed, WorkflowStatus.FAILED, refusal)
        except (errors.AccessDenied, errors.AWSError) as unknown:
            raise errors.Unavailable(f"cannot tell whether workflow {claimed.id} runs: {unknown.message}") from unknown
        return claimed


def never_attempted(workflow: Workflow) -> bool:
    """Return whether no attempt was made to start a workflow; every attempt writes to it first."""
    return workflow.status is WorkflowStatus.QUEUED and workflow.start_pending and workflow.revision == 0
