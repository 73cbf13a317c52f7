"""Makes the activity known to AWS."""

from typing import TYPE_CHECKING

import structlog

from workflow_manager import errors
from workflow_manager.worker.backoff import Backoff, pause, run_unless
from workflow_manager.worker.config import Timings, WorkerSettings
from workflow_manager.worker.shutdown import WorkerShutdown

if TYPE_CHECKING:
    from types_aiobotocore_stepfunctions import SFNClient
    from types_aiobotocore_stepfunctions.type_defs import TagTypeDef

log = structlog.get_logger()


class Registration:
    """Creates the activity with its tags, retrying while AWS is unavailable."""

    def __init__(self, calls: "SFNClient", settings: WorkerSettings, shutdown: WorkerShutdown) -> None:
        self._calls = calls
        self._name = settings.activity_name
        self._tags: list[TagTypeDef] = [{"key": key, "value": value} for key, value in settings.tags.items()]
        self._timings: Timings = settings.timings
        self._shutdown = shutdown

    async def register(self) -> str | None:
        """Return the ARN of the activity; nothing when the worker stops before AWS answers.

        Raises ``RefusedByAWS`` and ``AccessDenied``: neither goes away by waiting.
        """
        backoff = Backoff(
            first_seconds=self._timings.backoff_first_seconds, cap_seconds=self._timings.backoff_cap_seconds
        )
        while not self._shutdown.requested.is_set():
            try:
                return await run_unless(self._create(), self._shutdown.requested)
            except errors.Unavailable as failed:
                log.warning("activity not registered yet", action="register-retried", error=str(failed))
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
            log.warning("activity cannot be tagged", action="tag-denied", activity_arn=arn, error=str(denied))
