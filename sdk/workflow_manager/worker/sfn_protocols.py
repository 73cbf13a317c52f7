"""The calls of the Step Functions API that a worker makes."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol


class ActivityPolls(Protocol):
    """The long poll; its client reads for at least 70 s and never tries again by itself."""

    async def get_activity_task(self, *, activityArn: str, workerName: str) -> Mapping[str, Any]:  # noqa: N803  # AWS's names
        """Wait up to 60 s for a task; the answer has no ``taskToken`` when none came.

        Raises ``ActivityNotFound``, ``Unavailable``, ``AccessDenied``.
        """
        ...


class ActivityCalls(Protocol):
    """The short calls: registering the activity, and everything that carries a task token.

    Those with a token raise ``TaskLost`` when the task timed out or its execution ended.
    """

    async def create_activity(self, *, name: str, tags: Sequence[Mapping[str, str]]) -> Mapping[str, Any]:
        """Create the activity, or find the one of that name; the answer holds ``activityArn``."""
        ...

    async def tag_resource(self, *, resourceArn: str, tags: Sequence[Mapping[str, str]]) -> object:  # noqa: N803
        """Set tags, also on an activity that was there before."""
        ...

    async def send_task_heartbeat(self, *, taskToken: str) -> object:  # noqa: N803
        """Say that the task is still worked on."""
        ...

    async def send_task_success(self, *, taskToken: str, output: str) -> object:  # noqa: N803
        """End the task with JSON text; raises ``RefusedByAWS`` for one that AWS does not accept."""
        ...

    async def send_task_failure(self, *, taskToken: str, error: str, cause: str) -> object:  # noqa: N803
        """End the task with an error name and its cause."""
        ...


class Assignment(NamedTuple):
    """What a poll brought: the right to work on one task, and its input."""

    token: str
    input: str
