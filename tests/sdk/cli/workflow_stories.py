"""A workflow that is followed, from its start to its end."""

from typing import Any

from tests.sdk.client.documents import job_json, workflow_json

FOLLOW = ("workflows", "--workflow-id", "w", "--follow")
STARTED = "2026-01-02T03:04:06.000Z"
STOPPED = "2026-01-02T03:04:09.500Z"


def story() -> list[dict[str, object]]:
    """A workflow with a task that is tried twice and one inside a Parallel, from start to end."""
    first_try = job_json("load", startedAt=STARTED)
    second_try = job_json("load", startedAt=STARTED, attempts=[{"startedAt": STARTED}])
    loaded = job_json("load", "succeeded", startedAt=STARTED, stoppedAt=STOPPED, attempts=[{"startedAt": STARTED}])
    both = job_json("both", "failed", type="Parallel", stoppedAt=STOPPED)
    fetched = job_json("fetch", "succeeded", stoppedAt=STOPPED, parent="both", branch=0)
    broken = job_json("store", "failed", stoppedAt=STOPPED, parent="both", branch=1, statusReason="Boom: no\nroom")
    return [
        workflow_json("queued"),
        workflow_json("running", startedAt=STARTED, jobs=[first_try]),
        workflow_json("running", startedAt=STARTED, jobs=[second_try]),
        workflow_json("running", startedAt=STARTED, jobs=[loaded]),
        workflow_json(
            "failed",
            startedAt=STARTED,
            stoppedAt=STOPPED,
            jobs=[loaded, both, fetched, broken],
            statusReason="Boom: no room",
        ),
    ]


def many_jobs(number: int, status: str = "succeeded", **fields: Any) -> list[dict[str, Any]]:
    """Return a Map and that many of its items."""
    outer = job_json("each", status, type="Map", startedAt=STARTED, stoppedAt=STOPPED)
    items = (
        job_json(
            f"item-{index}", status, parent="each", iteration=index, startedAt=STARTED, stoppedAt=STOPPED, **fields
        )
        for index in range(number)
    )
    return [outer, *items]
