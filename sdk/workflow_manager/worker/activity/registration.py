"""Makes the activity known to AWS."""

import structlog

from workflow_manager import errors
from workflow_manager.worker.backoff import Backoff, pause, unless
from workflow_manager.worker.config import Timings, WorkerSettings
from workflow_manager.worker.sfn_protocols import ActivityCalls
from workflow_manager.worker.shutdown import WorkerShutdown

log = structlog.get_logger()


class Registration:
    """Creates the activity with its tags, however long AWS is away."""

    def __init__(self, calls: ActivityCalls, settings: WorkerSettings, shutdown: WorkerShutdown) -> None:
        self._calls = calls
        self._name = settings.activity_name
        self._tags = [{"key": key, "value": value} for key, value in settings.tags.items()]
        self._pace: Timings = settings.pace
        self._shutdown = shutdown

    async def register(self) -> str | None:
        """Return the ARN of the activity; nothing when the worker stops before AWS answers.

        Raises ``RefusedByAWS`` and ``AccessDenied``: neither goes away by waiting.
        """
        backoff = Backoff(first_seconds=self._pace.backoff_first_seconds, cap_seconds=self._pace.backoff_cap_seconds)
        while not self._shutdown.requested.is_set():
            try:
                return await unless(self._create(), self._shutdown.requested)
            except errors.Unavailable as failed:
                log.warning("Activity not registered yet", action="register-retried", error=str(failed))
                await pause(backoff.next_seconds(), unless=self._shutdown.requested)
        return None

    async def _create(self) -> str:
        answer = await self._calls.create_activity(name=self._name, tags=self._tags)
        arn = str(answer["activityArn"])
        if self._tags:
            await self._tag(arn)
        return arn

    async def _tag(self, arn: str) -> None:
        """Set the tags again: AWS ignores those of CreateActivity when the activity is there already."""
        try:
            await self._calls.tag_resource(resourceArn=arn, tags=self._tags)
        except errors.AccessDenied as denied:
            log.warning("Activity cannot be tagged", action="tag-denied", activity_arn=arn, error=str(denied))
