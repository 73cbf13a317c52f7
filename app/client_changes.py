"""How the client watches a workflow change: by asking again, in growing intervals."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from app import errors, models

SHORTEST_INTERVAL_SECONDS = 0.2
LONGEST_INTERVAL_SECONDS = 2.0
INTERVAL_GROWTH = 1.5
MAX_FAILED_READS = 15
"""Reads in a row that may fail before the watcher gives up: enough for a restart of the service."""

Read = Callable[[], Awaitable[models.Workflow]]
Sleep = Callable[[float], Awaitable[None]]


async def poll_changes(read: Read, *, sleep: Sleep) -> AsyncIterator[models.Workflow]:
    """Yield the workflow now and whenever it differs from what was yielded last; end with its terminal state.

    The interval starts small, grows while nothing happens, and is small again after a change. An
    outage in the middle is waited out; one at the first read is raised.
    """
    last = await read()
    yield last
    intervals = _intervals()
    failures = 0
    while not last.status.terminal:
        await sleep(next(intervals))
        try:
            workflow = await read()
        except errors.Unavailable:
            failures += 1
            if failures == MAX_FAILED_READS:
                raise
            continue
        failures = 0
        if _differs(workflow, last):
            last, intervals = workflow, _intervals()
            yield workflow


def _intervals() -> Iterator[float]:
    interval = SHORTEST_INTERVAL_SECONDS
    while True:
        yield interval
        interval = min(interval * INTERVAL_GROWTH, LONGEST_INTERVAL_SECONDS)


def _differs(one: models.Workflow, other: models.Workflow) -> bool:
    """Compare what happened to a workflow, not when somebody last looked at it."""
    looked_at = {"observed_at": None, "last_updated": one.last_updated}
    return one.model_copy(update=looked_at) != other.model_copy(update=looked_at)
