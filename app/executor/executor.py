"""The use cases of workflows: start, get, cancel, resume, resolve."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, cast

import structlog

from app.access import checks
from app.access.principal import Role, current
from app.executor import inputs, lineage, resuming
from app.executor.deadline import deadline
from app.executor.definition_cache import DefinitionCache
from app.executor.idempotency import IdempotencyToken, SecretKeeper
from app.executor.lru_cache import LRUCache
from app.executor.outbox import MAX_TRIES, NewWorkflow, Outbox, never_attempted
from app.executor.reconciler import MAX_REMEMBERED, Reconciler
from app.executor.starter import LAG, start_window_over
from app.executor.turns import Place
from app.store import Store
from workflow_manager import errors, states_language
from workflow_manager.models import (
    Job,
    Request,
    StartWorkflowRequest,
    Workflow,
    WorkflowDefinitionOverrides,
    WorkflowStatus,
)

if TYPE_CHECKING:
    from types_aiobotocore_stepfunctions import SFNClient

log = structlog.get_logger(__name__)

REFRESH_EVERY: Final = timedelta(seconds=1)
"""Minimum time between two refreshes of an active workflow by reads."""

LOOK_EVERY: Final = timedelta(minutes=1)
REDRIVABLE: Final = timedelta(days=14)
"""How often a failed workflow that is read is looked at for redrives outside of the service, and how long after its end
there can be any."""

READ_TIMEOUT: Final = timedelta(seconds=2)
"""How long a read waits for Step Functions before it returns the stored state."""

CALL_TIMEOUT: Final = timedelta(seconds=15)
"""How long a request waits for what only Step Functions can answer."""

SHOWN_AT_ONCE: Final = 2
"""Maximum number of workflows with many payloads that are read and sent at the same time."""

_EVENT_ID: Final = re.compile(r"[1-9][0-9]{0,5}")


class Executor:
    """The operations of the API on workflows; safe for concurrent callers."""

    def __init__(
        self,
        sfn: "SFNClient",
        store: Store,
        definition_cache: DefinitionCache,
        reconciler: Reconciler,
        outbox: Outbox,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._sfn = sfn
        self._store = store
        self._definition_cache = definition_cache
        self._reconciler = reconciler
        self._outbox = outbox
        self._now = now
        self._keeper = SecretKeeper(store, now=now)
        self._refreshed_at: LRUCache[str, datetime] = LRUCache(MAX_REMEMBERED)
        self._looked_at: LRUCache[str, datetime] = LRUCache(MAX_REMEMBERED)
        self._shown = asyncio.Semaphore(SHOWN_AT_ONCE)

    async def start(self, request: StartWorkflowRequest, *, idempotency_key: str | None = None) -> Workflow:
        """Record a workflow and start its execution.

        Once recorded it is never lost: when AWS gives no clear answer it stays ``queued`` and is started later.
        Raises ``DefinitionNotFound``, ``InvalidInput``, ``NamespaceWithoutRole``, ``IdempotencyKeyReused``, and
        ``RefusedByAWS`` or ``AccessDenied`` when AWS will never run it; then nothing is left of it.
        """
        checks.start(namespace=request.namespace, definition=request.workflow_definition.name)
        token = await self._token(
            request, operation="start", idempotency_key=idempotency_key, namespace=request.namespace
        )
        return await self._outbox.once(token, lambda: self._start(request, token))

    async def resume(
        self,
        workflow_id: str,
        overrides: WorkflowDefinitionOverrides,
        *,
        force: bool = False,
        idempotency_key: str | None = None,
    ) -> Workflow:
        """Start a new workflow at a state of an ended one, with the input and the variables that state last had.

        A workflow that was resumed before needs ``force``. Raises ``WorkflowNotFound``,
        ``UnknownState``, ``WorkflowActive``, ``AlreadyResumed``, ``IdempotencyKeyReused`` and what ``start`` raises.
        """
        namespace = await self._resumable_in(workflow_id)
        token = await self._token(
            overrides, operation=f"resume {workflow_id}", idempotency_key=idempotency_key, namespace=namespace
        )
        retry = await self._outbox.once(
            token, lambda: self._resume(workflow_id, overrides.start_at, token, force=force)
        )
        log.info("workflow resumed", action="resume-workflow", workflow_id=workflow_id, retry_id=retry.id)
        return retry

    async def get(self, workflow_id: str, *, fetch_history: bool = False) -> Workflow:
        """Return a workflow; an active one is brought up to date first, at most once in ``REFRESH_EVERY``.

        With ``fetch_history`` the jobs are read from Step Functions, also when the store has none. Raises
        ``WorkflowNotFound``. When Step Functions does not tell, what is stored is returned; of a record that cannot be
        read, what can be shown of it.
        """
        workflow = checks.workflow(await self.stored(workflow_id), Role.READ)
        if not workflow.execution_arn:
            return workflow
        timeout = CALL_TIMEOUT if fetch_history else READ_TIMEOUT
        try:
            async with deadline(timeout, what=f"a question about workflow {workflow_id}"):
                if never_attempted(workflow):
                    return workflow.model_copy(update={"status_reason": await self._outbox.why_waiting(workflow)})
                if not workflow.status.terminal:
                    return await self._refreshed(workflow, at_once=fetch_history)
                if workflow.details_pending:
                    return await self._reconciler.observe(workflow) if self._due(workflow) else workflow
                if self._may_go_on(workflow):
                    workflow = await self._reconciler.look(workflow)
                if fetch_history and not workflow.jobs:
                    return workflow.model_copy(update={"jobs": (await self._reconciler.read_history(workflow)).jobs})
        except errors.WorkflowNotFound:
            raise
        except errors.WorkflowManagerError as trouble:
            # The stored state is worth more to the caller than an error of AWS.
            log.warning("workflow shown as stored", action="refresh", workflow_id=workflow_id, error=trouble.message)
        return workflow

    async def stored(self, workflow_id: str) -> Workflow:
        """Return a workflow as it is stored, or what can be shown of it. Raises ``WorkflowNotFound``."""
        try:
            workflow = await self._store.get_workflow(workflow_id)
        except errors.RecordUnreadable as unreadable:
            return cast("Workflow", unreadable.placeholder)
        self._reconciler.weigh(workflow)
        return workflow

    async def place_to_show(self, workflow_id: str) -> Place | None:
        """Wait until one more workflow with many payloads may be held to be shown; others need no place."""
        return await Place.among(self._shown) if self._reconciler.heavy(workflow_id) else None

    async def job(self, workflow_id: str, job_id: str) -> Job:
        """Return one job of a workflow with all its payloads, including those that only Step Functions keeps.

        Raises ``WorkflowNotFound``, ``Unavailable``, and ``JobNotFound``, also when Step Functions no longer has what
        was left out.
        """
        workflow = await self._permitted(self._store.get_workflow(workflow_id), Role.READ)
        job = next((one for one in workflow.jobs if one.id == job_id), None)
        if (job is None or job.payloads_left_out) and _EVENT_ID.fullmatch(job_id) and not never_attempted(workflow):
            job = await self._job_at_aws(workflow, job_id)
        if job is None:
            raise errors.JobNotFound(f"workflow {workflow_id} has no job {job_id!r}")
        return job

    async def _job_at_aws(self, workflow: Workflow, job_id: str) -> Job | None:
        try:
            async with deadline(CALL_TIMEOUT, what=f"a question about workflow {workflow.id}"):
                return await self._reconciler.read_job(workflow, job_id)
        except errors.ExecutionNotFound:
            raise errors.JobNotFound(
                f"Step Functions no longer has the history of workflow {workflow.id}, nor the payloads of job {job_id}"
            ) from None

    async def cancel(self, workflow_id: str, reason: str) -> None:
        """Stop a workflow. Raises ``WorkflowNotFound``, ``WorkflowEnded``, ``VersionConflict``, ``Unavailable``.

        When the run ends by itself at the same time, what Step Functions says counts. A workflow without an execution
        is cancelled at once; one that another process is just starting is stopped by the poller when it appears. Once
        the execution is stopped the workflow is cancelled, whatever keeps its end from being seen just now.
        """
        for _ in range(MAX_TRIES):
            async with deadline(CALL_TIMEOUT, what=f"the cancellation of workflow {workflow_id}"):
                reading = self._outbox.finished(workflow_id)
                workflow = await self._permitted(reading, Role.OPERATE, own_suffices=True)
            _refuse_ended(workflow)
            try:
                stopped = await self._cancel(workflow, reason)
            except errors.VersionConflict:
                continue
            if stopped:
                _refuse_unless_cancelled(await self._seen(workflow, cancelled_by=current().subject or None))
            log.info("workflow cancelled", action="cancel-workflow", workflow_id=workflow_id, reason=reason)
            return
        raise errors.VersionConflict

    async def resolve(self, workflow_id: str, reason: str = "") -> None:
        """Mark a failed workflow as resolved. Raises ``WorkflowNotFound``, ``AlreadyResolved``."""
        for _ in range(MAX_TRIES):
            workflow = await self._permitted(self._store.get_workflow(workflow_id), Role.OPERATE)
            if workflow.resolved_by_user:
                by = f" by {workflow.resolved_by_caller}" if workflow.resolved_by_caller else ""
                if workflow.resolved_by:
                    by = f" by {workflow.resolved_by}, which resumed it and succeeded"
                raise errors.AlreadyResolved(f"workflow {workflow_id} is already resolved{by}")
            try:
                await self._store.update_workflow(
                    workflow_id,
                    {
                        "resolved_by_user": True,
                        "resolved_by_caller": current().subject or None,
                        "resolve_reason": reason or None,
                        "last_updated": self._now(),
                    },
                    revision=workflow.revision,
                )
            except errors.VersionConflict:
                continue
            except errors.Unavailable as silence:
                await self._make_sure(workflow_id, lambda found: found.resolved_by_user, silence)
            retry_id = workflow.retries[-1] if workflow.retries else None
            log.info("workflow resolved", action="resolve-workflow", workflow_id=workflow_id, retry_id=retry_id)
            return
        raise errors.VersionConflict

    async def _cancel(self, workflow: Workflow, reason: str) -> bool:
        """Cancel a workflow; tell whether that stopped an execution, the end of which is still to be seen."""
        if never_attempted(workflow):
            # A later attempt to start it finds another revision.
            await self._end_cancelled(workflow, reason)
            return False
        if workflow.status is WorkflowStatus.QUEUED and workflow.redrives:
            # Its redrive may just be made by another process: the poller makes sure that nothing runs.
            await self._end_cancelled(workflow, reason, stop_pending=True)
            return False
        waits = workflow.status is WorkflowStatus.QUEUED and workflow.start_pending
        try:
            async with deadline(READ_TIMEOUT if waits else CALL_TIMEOUT, what=f"the stop of workflow {workflow.id}"):
                await self._sfn.stop_execution(executionArn=workflow.execution_arn, cause=reason)
        except errors.ExecutionNotFound:
            await self._cancel_unseen(workflow, reason)
            return False
        except errors.Unavailable:
            if waits:
                # It is not known to have started, and an outage must not prevent the cancellation.
                await self._end_cancelled(workflow, reason, stop_pending=True)
                return False
            if (await self._seen(workflow)).status.terminal:
                return True  # only the answer was lost
            raise
        return True

    async def _cancel_unseen(self, workflow: Workflow, reason: str) -> None:
        """Cancel a workflow whose execution Step Functions does not know, or not yet."""
        moment = self._now()
        if workflow.status is WorkflowStatus.RUNNING and moment - (workflow.started_at or workflow.last_updated) < LAG:
            raise errors.Unavailable(f"workflow {workflow.id} started just now and cannot be stopped yet; try again")
        may_appear = workflow.status is WorkflowStatus.QUEUED and not start_window_over(workflow, moment)
        await self._end_cancelled(workflow, reason, stop_pending=may_appear)

    async def _end_cancelled(self, workflow: Workflow, reason: str, *, stop_pending: bool = False) -> None:
        try:
            await self._reconciler.end(
                workflow,
                WorkflowStatus.CANCELLED,
                reason,
                stop_pending=stop_pending,
                cancelled_by=current().subject or None,
            )
        except errors.Unavailable as silence:
            await self._make_sure(workflow.id, lambda found: found.status is WorkflowStatus.CANCELLED, silence)

    async def _seen(self, workflow: Workflow, *, cancelled_by: str | None = None) -> Workflow:
        """Look at a workflow after something was done to it; what cannot be seen just now stays as it was known."""
        try:
            async with deadline(READ_TIMEOUT, what=f"a question about workflow {workflow.id}"):
                return await self._reconciler.observe(workflow, cancelled_by=cancelled_by)
        except errors.WorkflowManagerError as silence:
            log.warning("stop not confirmed yet", action="cancel", workflow_id=workflow.id, error=silence.message)
            return workflow

    async def _make_sure(
        self, workflow_id: str, was_written: Callable[[Workflow], bool], silence: errors.Unavailable
    ) -> None:
        """Raise the error of a write unless it was written after all, and only the answer was lost."""
        try:
            found = await self._store.get_workflow(workflow_id)
        except errors.WorkflowManagerError:
            raise silence from None
        if not was_written(found):
            raise silence

    async def require_readable(self, workflow_id: str) -> None:
        """Raise ``WorkflowNotFound`` unless the caller may read a workflow; who may read everything costs no read."""
        if current().restricted:
            checks.workflow(await self.stored(workflow_id), Role.READ)

    async def _permitted(self, reading: Awaitable[Workflow], role: Role, *, own_suffices: bool = False) -> Workflow:
        """Return a workflow that the caller may do something to. Raises ``WorkflowNotFound``, ``NotAllowed``."""
        try:
            return checks.workflow(await reading, role, own_suffices=own_suffices)
        except errors.RecordUnreadable as unreadable:
            checks.workflow(cast("Workflow", unreadable.placeholder), role, own_suffices=own_suffices)
            raise

    async def _resumable_in(self, workflow_id: str) -> str | None:
        """Return the namespace of a workflow that a restricted caller may resume."""
        if not current().restricted:
            return None
        return checks.workflow(await self.stored(workflow_id), Role.OPERATE, own_suffices=True).namespace

    async def _token(
        self, request: Request, *, operation: str, idempotency_key: str | None, namespace: str | None
    ) -> IdempotencyToken:
        return await IdempotencyToken.of(
            request,
            operation=operation,
            idempotency_key=idempotency_key,
            namespace=namespace if current().restricted else None,
            keeper=self._keeper,
            now=self._now(),
        )

    async def _start(self, request: StartWorkflowRequest, token: IdempotencyToken) -> Workflow:
        reference = request.workflow_definition
        definition = await self._definition_cache.definition(
            reference.name, version=reference.version if reference.version >= 0 else None
        )
        new = NewWorkflow(
            definition=definition,
            namespace=request.namespace,
            queue=request.queue,
            input=inputs.normalize(request.input),
            tags={**definition.default_tags, **request.tags},
            priority=request.priority,
        )
        return await self._outbox.submit(new, token)

    async def _resume(self, workflow_id: str, start_at: str, token: IdempotencyToken, *, force: bool) -> Workflow:
        original = await self.get(workflow_id)
        if original.unreadable is not None:
            raise errors.RecordUnreadable(
                f"workflow {workflow_id} cannot be resumed: its record cannot be read ({original.unreadable})"
            )
        await lineage.refuse_while_active(self._store, original)
        if not force:
            await lineage.refuse_resumed(self._store, original)
        definition = original.workflow_definition
        pruned = states_language.prune(definition.state_machine, start_at=start_at)
        ancestors = await lineage.ancestors(self._store, original)
        jobs = await self.jobs_before(original, start_at)
        had = resuming.beginning(original, jobs, machine=pruned, first=ancestors[-1])
        new = NewWorkflow(
            definition=definition.model_copy(update={"state_machine": pruned}),
            namespace=original.namespace,
            queue=original.queue,
            input=had.input,
            variables=had.variables,
            execution_input=had.execution_input,
            tags=original.tags,
            priority=original.priority,
            ancestors=ancestors,
        )
        return await self._outbox.submit(new, token)

    async def jobs_before(self, workflow: Workflow, state: str) -> Sequence[Job]:
        """Return the jobs of an ended workflow with what a resume at a state needs of them."""
        if workflow.jobs and not workflow.details_pending and resuming.whole(workflow):
            return workflow.jobs
        try:
            async with deadline(CALL_TIMEOUT, what=f"a question about workflow {workflow.id}"):
                return await self._reconciler.read_for_resume(workflow, state)
        except errors.ExecutionNotFound:
            if workflow.jobs and not resuming.left_out(workflow):
                return workflow.jobs
            raise errors.UnknownState(f"Step Functions no longer has the history of workflow {workflow.id}") from None

    async def _refreshed(self, workflow: Workflow, *, at_once: bool) -> Workflow:
        if at_once or self._due(workflow):
            workflow = await self._reconciler.observe(workflow)
        if workflow.status.terminal:
            return workflow
        return workflow.model_copy(update={"observed_at": self._reconciler.asked_at(workflow.id)})

    def _may_go_on(self, workflow: Workflow) -> bool:
        """Tell whether to ask if a failed run was redriven outside of the service, and note that it is asked."""
        moment = self._now()
        ended = workflow.stopped_at or workflow.last_updated
        asked = max(filter(None, (ended, workflow.observed_at, self._looked_at.get(workflow.id))))
        if workflow.status is not WorkflowStatus.FAILED or moment - asked < LOOK_EVERY or moment - ended > REDRIVABLE:
            return False
        self._looked_at.put(workflow.id, moment)
        return True

    def _due(self, workflow: Workflow) -> bool:
        """Tell whether it is time to ask about a workflow, and note that it is asked about."""
        if self._reconciler.busy(workflow.id):
            return False  # the poller sees to its status, and to its jobs in turn
        moment = self._now()
        asked = max(
            filter(None, (self._refreshed_at.get(workflow.id), self._reconciler.asked_at(workflow.id))), default=None
        )
        if asked is not None and moment - asked < REFRESH_EVERY:
            return False
        self._refreshed_at.put(workflow.id, moment)
        return True


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
