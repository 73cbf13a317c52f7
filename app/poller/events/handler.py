"""What a status change of an execution does to its workflow."""

import structlog

from app.executor import Reconciler
from app.executor.observations import is_later, is_stale
from app.executor.sfn.quotas import Priority, with_priority
from app.poller.events.messages import StatusEvent
from app.poller.poller import Poller
from app.store import Store
from workflow_manager import errors
from workflow_manager.models import Workflow, WorkflowStatus

log = structlog.get_logger(__name__)


class StatusEventHandler:
    """Applies status events, in any order and any number of times.

    An event that tells of a failure, and of a success as long as the quotas have room, only makes its workflow due:
    Step Functions is asked at once, and its answer is written. So nothing but Step Functions can fail a workflow. Every
    other event is written as it is.

    The workflows that the poller of this process follows cost no read; the others are read first, because any
    execution of the account can have the name of one.
    """

    def __init__(self, store: Store, reconciler: Reconciler, poller: Poller) -> None:
        self._store = store
        self._reconciler = reconciler
        self._poller = poller

    async def take(self, event: StatusEvent) -> None:
        """Write what an event says, if it is about a workflow and news.

        Raises ``Unavailable`` and ``VersionConflict`` when it could not be written; then it is to be taken again.
        """
        tracked = self._poller.followed(event.workflow_id)
        try:
            is_followed = tracked is not None and tracked.execution_arn == event.execution_arn
            if tracked is None or not is_followed or is_later(event.observation, tracked.redrives):
                await self._take_of_stored(event)
            elif is_stale(event.observation, tracked.redrives) or tracked.status is event.observation.status:
                return
            elif self._is_asked_about(event):
                self._poller.ask_next(tracked)
            else:
                recorded = await self._reconciler.record(
                    tracked.id,
                    event.observation,
                    revision=tracked.revision,
                    defer_details=self._poller.defers_details,
                    resumes=tracked.resumes,
                )
                self._poller.on_event(recorded)
        except errors.WorkflowNotFound:
            log.debug("event of an unknown execution", action="event-foreign", execution_arn=event.execution_arn)
        except errors.RecordUnreadable:
            # Step Functions is asked when the record can be read again.
            log.debug("event of an unreadable workflow", action="event-skip", workflow_id=event.workflow_id)

    async def _take_of_stored(self, event: StatusEvent) -> None:
        workflow = await self._store.get_workflow(event.workflow_id)
        if workflow.execution_arn != event.execution_arn:
            raise errors.WorkflowNotFound
        if is_later(event.observation, workflow.redrives):
            recorded = await self._looked_at(workflow)
        elif not workflow.status.terminal and self._is_asked_about(event):
            recorded = await self._asked_about(workflow)
        else:
            recorded = await self._reconciler.record(
                workflow.id, event.observation, before=workflow, defer_details=self._poller.defers_details
            )
        self._poller.on_event(recorded)

    async def _looked_at(self, workflow: Workflow) -> Workflow:
        """Ask Step Functions whether a run was redriven, as an event says: nothing else can reopen a workflow."""
        try:
            with with_priority(Priority.STATUS):
                return await self._reconciler.look(workflow)
        except errors.ExecutionNotFound:
            return workflow

    def _is_asked_about(self, event: StatusEvent) -> bool:
        status = event.observation.status
        return status.terminal and (status is not WorkflowStatus.SUCCEEDED or self._poller.can_ask)

    async def _asked_about(self, workflow: Workflow) -> Workflow:
        """Ask Step Functions; when it has no end to tell, the poller that leads goes on asking."""
        try:
            with with_priority(Priority.STATUS):
                observed = await self._reconciler.observe(workflow)
        except errors.ExecutionNotFound:
            observed = workflow
        if not observed.status.terminal:
            log.info("end not confirmed yet", action="event-unconfirmed", workflow_id=workflow.id)
        return observed
