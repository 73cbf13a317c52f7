"""Redrives through the service: each is written down before it is made, so that every number is made once.

A workflow that is to be redriven is ``queued`` with the number of the redrive. The process that finds it claims it,
asks Step Functions whether that redrive was made, and makes it if not, under a token of its number.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, cast

import structlog

from app.executor import lineage, observations
from app.executor.deadline import deadline
from app.executor.observations import is_stale
from app.executor.reconciler import Reconciler
from app.executor.recovery.planning import Standing
from app.executor.sfn.redrive import redrive
from app.executor.starter import LAUNCH_LIMIT
from app.store import Store, WorkflowChanges
from workflow_manager import errors
from workflow_manager.models import Workflow, WorkflowStatus

if TYPE_CHECKING:
    from types_aiobotocore_stepfunctions import SFNClient

log = structlog.get_logger(__name__)

NOT_MADE: Final = "It could not be redriven: {}"
REFUSALS: Final = (errors.NotRedrivable, errors.ExecutionNotFound, errors.AccessDenied, errors.RefusedByAWS)


class Redriver:
    """Writes redrives down and makes them."""

    def __init__(self, sfn: "SFNClient", store: Store, reconciler: Reconciler, *, now: Callable[[], datetime]) -> None:
        self._sfn = sfn
        self._store = store
        self._reconciler = reconciler
        self._now = now

    async def standing(self, workflow: Workflow) -> Standing | None:
        """Ask how an execution stands; None when Step Functions has forgotten it. Raises ``Unavailable``."""
        try:
            answer = await self._sfn.describe_execution(executionArn=workflow.execution_arn)
        except errors.ExecutionNotFound:
            return None
        status = answer["status"]
        refused = answer.get("redriveStatus") != "REDRIVABLE"
        return Standing(
            redrives=answer.get("redriveCount", 0),
            ended=observations.STATUSES[status].terminal,
            refusal=answer.get("redriveStatusReason", f"it is {status}") if refused else None,
        )

    async def begin(self, workflow: Workflow, *, redrives: int, by: str | None, waits: bool) -> Workflow:
        """Write that a workflow is to be redriven. Raises ``VersionConflict`` for all but one who do so at once."""
        changes = observations.reopening(redrives, by=by, now=self._now(), status=WorkflowStatus.QUEUED)
        changes["start_pending"] = waits
        return await self._store.update_workflow(workflow.id, changes, revision=workflow.revision)

    async def go_on(self, queued: Workflow) -> Workflow:
        """Make the redrive that is written down, unless it was made; another process may have died over it.

        Raises ``Unavailable`` when that is unknown, and ``VersionConflict`` when another process does the same.
        """
        claimed = await self._store.update_workflow(queued.id, {"last_updated": self._now()}, revision=queued.revision)
        return await self._running(claimed) if await self._was_made(claimed) else await self.make(claimed)

    async def make(self, claimed: Workflow, *, before: Workflow | None = None) -> Workflow:
        """Make the redrive that the last write of a workflow has claimed; a refusal takes it back.

        It is refused too while another workflow of the lineage runs: of two that are redriven at once, each has
        written that down before it looks for the other. ``before`` is the workflow as it had ended, if known. A process
        that was frozen since must not make it: the token is forgotten after a while. Raises ``Unavailable``.
        """
        if (other := await lineage.active_relative(self._store, claimed)) is not None:
            return await self._take_back(claimed, f"workflow {other.id} does the same work", before)
        left = LAUNCH_LIMIT - (self._now() - claimed.last_updated)
        if left <= timedelta(0):
            raise errors.Unavailable(f"too late to redrive workflow {claimed.id}; the claim is too old")
        token = f"{claimed.id}-{claimed.redrives}"
        try:
            async with deadline(left, what=f"the redrive of workflow {claimed.id}"):
                await redrive(self._sfn, claimed.execution_arn, client_token=token)
        except REFUSALS as refusal:
            if not await self._was_made(claimed):
                return await self._take_back(claimed, refusal.message, before)
        except errors.Unavailable:
            if not await self._was_made(claimed):
                raise
        except errors.AWSError as unknown:
            raise errors.Unavailable(f"AWS gave an unknown answer: {unknown.message}") from unknown
        log.info("execution redriven", action="redrive", workflow_id=claimed.id, redrives=claimed.redrives)
        return await self._running(claimed)

    async def _was_made(self, claimed: Workflow) -> bool:
        try:
            return not is_stale(await self._reconciler.describe(claimed.execution_arn), claimed.redrives)
        except errors.ExecutionNotFound:
            return False

    async def _running(self, claimed: Workflow) -> Workflow:
        moment = self._now()
        changes: WorkflowChanges = {
            "status": WorkflowStatus.RUNNING,
            "start_pending": False,
            "last_updated": moment,
            "observed_at": moment,
        }
        try:
            return await self._store.update_workflow(claimed.id, changes, revision=claimed.revision)
        except errors.VersionConflict:
            return await self._store.get_workflow(claimed.id)  # its run was observed, or it was cancelled

    async def _take_back(self, claimed: Workflow, why: str, before: Workflow | None) -> Workflow:
        """Restore the last end of a workflow that was not redriven: as it was, or as Step Functions knows it."""
        reason = NOT_MADE.format(why)
        log.warning("redrive refused", action="redrive-refused", workflow_id=claimed.id, error=why)
        if before is not None:
            moment = self._now()
            kept = {name: getattr(before, name) for name in observations.reopening(0, by=None, now=moment)}
            reasons = "\n".join(filter(None, (reason, before.status_reason)))
            restored = cast("WorkflowChanges", {**kept, "last_updated": moment, "status_reason": reasons})
            return await self._store.update_workflow(claimed.id, restored, revision=claimed.revision)
        changes: WorkflowChanges = {"status": WorkflowStatus.FAILED, "stopped_at": self._now(), "error": None}
        redrives = claimed.redrives - 1
        try:
            seen = await self._reconciler.describe(claimed.execution_arn)
        except errors.ExecutionNotFound:
            seen = None
        if seen is not None and seen.status.terminal:
            changes = observations.changes(seen, before=None, now=self._now())
            redrives = seen.redrives or 0
        changes["status_reason"] = "\n".join(filter(None, (reason, seen.reason if seen else None)))
        changes.update({"redrives": redrives, "redriven_at": None, "redriven_by": None, "start_pending": False})
        return await self._store.update_workflow(claimed.id, changes, revision=claimed.revision)
