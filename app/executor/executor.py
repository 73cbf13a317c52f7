"""What people ask of workflows: start, look, cancel, resume, resolve."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import structlog

from app import errors, states_language
from app.executor import families, inputs
from app.executor.flights import Flights
from app.executor.launcher import LAG, Launcher, settled
from app.executor.observer import Observer
from app.executor.queues import Queues
from app.executor.tickets import Ticket
from app.models import (
    StartWorkflowRequest,
    Tags,
    Workflow,
    WorkflowDefinition,
    WorkflowDefinitionOverrides,
    WorkflowStatus,
)
from app.store import Store

if TYPE_CHECKING:
    from types_aiobotocore_stepfunctions import SFNClient

log = structlog.get_logger(__name__)

REFRESH_EVERY: Final = timedelta(seconds=1)
"""Looking at an active workflow asks Step Functions at most this often."""

MAX_TRIES: Final = 5
"""Times that a request is done over because somebody else changed the workflow meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A workflow about to be recorded."""

    definition: WorkflowDefinition
    namespace: str
    queue: str
    input: str
    tags: Tags
    priority: int = 0
    ancestors: Sequence[Workflow] = ()


class Executor:
    """The verbs of the API on workflows; any number of callers may use them at once."""

    def __init__(
        self,
        sfn: "SFNClient",
        store: Store,
        launcher: Launcher,
        observer: Observer,
        queues: Queues,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._sfn = sfn
        self._store = store
        self._launcher = launcher
        self._observer = observer
        self._queues = queues
        self._now = now
        self._flights = Flights()
        self._refreshed_at: dict[str, datetime] = {}

    async def start(self, request: StartWorkflowRequest, *, idempotency_key: str | None = None) -> Workflow:
        """Record a workflow and start its execution.

        Once recorded it is never lost: when AWS gives no clear answer it stays ``queued`` and is started later.
        Raises ``DefinitionNotFound``, ``InvalidInput``, ``IdempotencyKeyReused``, and ``RefusedByAWS`` or
        ``AccessDenied`` when AWS will never run it; then nothing is left of it.
        """
        ticket = Ticket.of(request, operation="start", idempotency_key=idempotency_key)
        return await self._once(ticket, lambda: self._start(request, ticket))

    async def resume(
        self, workflow_id: str, overrides: WorkflowDefinitionOverrides, *, idempotency_key: str | None = None
    ) -> Workflow:
        """Start a new workflow at a state of an ended one, with the input that state last had.

        Raises ``WorkflowNotFound``, ``UnknownState``, ``WorkflowActive``, ``IdempotencyKeyReused`` and what ``start``
        raises.
        """
        ticket = Ticket.of(overrides, operation=f"resume {workflow_id}", idempotency_key=idempotency_key)
        return await self._once(ticket, lambda: self._resume(workflow_id, overrides.start_at, ticket))

    async def get(self, workflow_id: str, *, fetch_history: bool = False) -> Workflow:
        """Return a workflow; an active one is brought up to date first, at most once in ``REFRESH_EVERY``.

        With ``fetch_history`` the jobs are read from Step Functions, also when the store has none. Raises
        ``WorkflowNotFound``. When Step Functions does not answer, what is stored is returned.
        """
        workflow = await self._store.get_workflow(workflow_id)
        try:
            if not workflow.status.terminal:
                return await self._refreshed(workflow, at_once=fetch_history)
            if workflow.details_pending:
                return await self._observer.observe(workflow)
            if fetch_history and not workflow.jobs:
                return workflow.model_copy(update={"jobs": (await self._observer.read_history(workflow)).jobs})
        except (errors.ExecutionNotFound, errors.Unavailable) as silence:
            log.warning("workflow shown as stored", action="refresh", workflow_id=workflow_id, error=silence.message)
        return workflow

    async def cancel(self, workflow_id: str, reason: str) -> None:
        """Stop a workflow. Raises ``WorkflowNotFound``, ``WorkflowEnded``, ``Unavailable``.

        When the run ends by itself at the same time, what Step Functions says counts. A workflow without an execution
        is cancelled at once; one that another process is just starting is stopped by the poller when it appears.
        """
        for _ in range(MAX_TRIES):
            workflow = await self._started(workflow_id)
            _refuse_ended(workflow)
            try:
                await self._sfn.stop_execution(executionArn=workflow.execution_arn, cause=reason)
            except errors.ExecutionNotFound:
                try:
                    await self._cancel_unseen(workflow, reason)
                except errors.VersionConflict:
                    continue
            else:
                await self._see_stopped(workflow)
            return
        raise errors.VersionConflict

    async def resolve(self, workflow_id: str) -> None:
        """Mark a workflow as looked after. Raises ``WorkflowNotFound``, ``AlreadyResolved``."""
        for _ in range(MAX_TRIES):
            workflow = await self._store.get_workflow(workflow_id)
            if workflow.resolved_by_user:
                raise errors.AlreadyResolved(f"workflow {workflow_id} is already resolved")
            try:
                await self._store.update_workflow(
                    workflow_id,
                    {"resolved_by_user": True, "last_updated": self._now()},
                    revision=workflow.revision,
                )
            except errors.VersionConflict:
                continue
            return
        raise errors.VersionConflict

    async def start_queued(self, workflow: Workflow) -> Workflow:
        """Start a workflow that was recorded, perhaps by a process that died before it started it.

        A refusal by AWS ends the workflow as ``failed`` with AWS's words. Raises ``Unavailable``, and
        ``VersionConflict`` when somebody else takes care of it, or has ended it.
        """
        if workflow.id in self._flights:
            return workflow
        if workflow.status is not WorkflowStatus.QUEUED:
            raise errors.VersionConflict(f"workflow {workflow.id} is {workflow.status}")
        with self._flights.under_way(workflow.id):
            # The write is a claim: whoever gave up on this workflow meanwhile finds another revision.
            claimed = await self._store.update_workflow(
                workflow.id, {"last_updated": self._now()}, revision=workflow.revision
            )
            try:
                machine = await self._launcher.state_machine(claimed.workflow_definition, namespace=claimed.namespace)
                await self._launcher.launch(claimed, machine, now=self._now())
            except (errors.RefusedByAWS, errors.InvalidInput, errors.AccessDenied) as refusal:
                return await self._end_refused(claimed, refusal.message, before=workflow)
            return claimed

    async def _end_refused(self, claimed: Workflow, refusal: str, *, before: Workflow) -> Workflow:
        """End a workflow that AWS refuses to start, unless an earlier try to start it has worked."""
        if not settled(before, self._now()):
            # This try started nothing, so it must not put off the moment at which the earlier ones are settled.
            await self._store.update_workflow(
                claimed.id, {"last_updated": before.last_updated}, revision=claimed.revision
            )
            raise errors.Unavailable(f"AWS refused to start workflow {claimed.id}, which may be running: {refusal}")
        try:
            await self._observer.describe(claimed.execution_arn)
        except errors.ExecutionNotFound:
            return await self._observer.end(claimed, WorkflowStatus.FAILED, refusal)
        return claimed

    async def _cancel_unseen(self, workflow: Workflow, reason: str) -> None:
        """Cancel a workflow whose execution Step Functions does not know, or not yet."""
        moment = self._now()
        if workflow.status is WorkflowStatus.RUNNING and moment - (workflow.started_at or workflow.last_updated) < LAG:
            raise errors.Unavailable(f"workflow {workflow.id} started just now and cannot be stopped yet; try again")
        may_appear = workflow.status is WorkflowStatus.QUEUED and not settled(workflow, moment)
        await self._observer.end(workflow, WorkflowStatus.CANCELLED, reason, stop_pending=may_appear)

    async def _see_stopped(self, workflow: Workflow) -> None:
        try:
            _refuse_unless_cancelled(await self._observer.observe(workflow))
        except (errors.ExecutionNotFound, errors.Unavailable) as silence:
            log.warning("stop is seen later", action="cancel", workflow_id=workflow.id, error=silence.message)

    async def _once(self, ticket: Ticket, make: Callable[[], Awaitable[Workflow]]) -> Workflow:
        for _ in range(MAX_TRIES):
            try:
                if ticket.fingerprint is not None and (made := await self._made_before(ticket)) is not None:
                    return made
                return await make()
            except errors.VersionConflict:
                continue
        raise errors.VersionConflict

    async def _made_before(self, ticket: Ticket) -> Workflow | None:
        """Return what the same request made before, if it did.

        The request that recorded a workflow takes it back when AWS refuses it, but only while nobody else has written
        to it: so a write makes sure that what is answered here stays.
        """
        try:
            made = ticket.check(await self._started(ticket.workflow_id))
            if made.status is WorkflowStatus.QUEUED and made.revision == 0:
                return await self._store.update_workflow(made.id, {"last_updated": made.last_updated}, revision=0)
        except errors.WorkflowNotFound:
            return None
        return made

    async def _start(self, request: StartWorkflowRequest, ticket: Ticket) -> Workflow:
        reference = request.workflow_definition
        definition = await self._launcher.definition(
            reference.name, version=reference.version if reference.version >= 0 else None
        )
        draft = Draft(
            definition=definition,
            namespace=request.namespace,
            queue=request.queue,
            input=inputs.normalize(request.input),
            tags={**definition.default_tags, **request.tags},
            priority=request.priority,
        )
        return await self._submit(draft, ticket)

    async def _resume(self, workflow_id: str, start_at: str, ticket: Ticket) -> Workflow:
        original = await self.get(workflow_id)
        await families.refuse_while_active(self._store, original)
        definition = original.workflow_definition
        pruned = states_language.prune(definition.state_machine, start_at=start_at)
        draft = Draft(
            definition=definition.model_copy(update={"state_machine": pruned}),
            namespace=original.namespace,
            queue=original.queue,
            input=await self._last_input(original, start_at),
            tags=original.tags,
            priority=original.priority,
            ancestors=await families.ancestors(self._store, original),
        )
        return await self._submit(draft, ticket)

    async def _last_input(self, workflow: Workflow, state: str) -> str:
        try:
            jobs = workflow.jobs or (await self._observer.read_history(workflow)).jobs or ()
        except errors.ExecutionNotFound:
            raise errors.UnknownState(f"Step Functions no longer has the history of workflow {workflow.id}") from None
        entries = [job.input for job in jobs if job.state == state and job.parent is None and job.input is not None]
        if not entries:
            raise errors.UnknownState(f"workflow {workflow.id} never entered the state {state!r}")
        return inputs.without_name(entries[-1])

    async def _submit(self, draft: Draft, ticket: Ticket) -> Workflow:
        machine = await self._launcher.state_machine(draft.definition, namespace=draft.namespace)
        moment = self._now()
        workflow = Workflow(
            id=ticket.workflow_id,
            created_at=moment,
            last_updated=moment,
            workflow_definition=draft.definition,
            status=WorkflowStatus.QUEUED,
            namespace=draft.namespace,
            queue=draft.queue,
            priority=draft.priority,
            input=draft.input,
            tags=draft.tags,
            retry_for=draft.ancestors[0].id if draft.ancestors else None,
            execution_arn=machine.execution_arn(ticket.workflow_id),
            request_fingerprint=ticket.fingerprint,
        )
        inputs.for_execution(workflow.input, workflow.id)  # what is too large is refused before it is recorded
        waits = await self._queues.limited(workflow.queue)
        with self._flights.under_way(workflow.id):
            await self._store.create_workflow(workflow, ancestors=draft.ancestors)
            if waits:
                log.info("workflow waits in its queue", action="queue-workflow", workflow_id=workflow.id)
                return workflow
            try:
                await self._launcher.launch(workflow, machine, now=self._now())
            except (errors.RefusedByAWS, errors.AccessDenied):
                if await self._taken_back(workflow):
                    raise
                return await self._store.get_workflow(workflow.id)
            except (errors.Unavailable, errors.AWSError) as silence:
                log.warning(
                    "workflow will be started later",
                    action="start-later",
                    workflow_id=workflow.id,
                    error=silence.message,
                )
        return workflow

    async def _taken_back(self, workflow: Workflow) -> bool:
        """Remove a workflow that AWS refused, unless somebody else has taken care of it meanwhile."""
        try:
            await self._store.discard_workflow(workflow.id, revision=workflow.revision)
        except errors.VersionConflict:
            return False
        return True

    async def _refreshed(self, workflow: Workflow, *, at_once: bool) -> Workflow:
        moment = self._now()
        asked = max(
            filter(None, (self._refreshed_at.get(workflow.id), self._observer.asked_at(workflow.id))), default=None
        )
        if at_once or asked is None or moment - asked >= REFRESH_EVERY:
            self._refreshed_at[workflow.id] = moment
            workflow = await self._observer.observe(workflow)
        if workflow.status.terminal:
            self._refreshed_at.pop(workflow.id, None)
            return workflow
        return workflow.model_copy(update={"observed_at": self._observer.asked_at(workflow.id)})

    async def _started(self, workflow_id: str) -> Workflow:
        """Return a workflow once this process is not just starting it."""
        await self._flights.landed(workflow_id)
        return await self._store.get_workflow(workflow_id)


def _refuse_ended(workflow: Workflow) -> None:
    if workflow.status.terminal:
        raise errors.WorkflowEnded(f"workflow {workflow.id} has already ended: it {_ENDINGS[workflow.status]}")


def _refuse_unless_cancelled(workflow: Workflow) -> None:
    if workflow.status in {WorkflowStatus.SUCCEEDED, WorkflowStatus.FAILED}:
        _refuse_ended(workflow)


_ENDINGS: Final = {
    WorkflowStatus.SUCCEEDED: "succeeded",
    WorkflowStatus.FAILED: "failed",
    WorkflowStatus.CANCELLED: "was cancelled",
}
