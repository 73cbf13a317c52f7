"""Warnings before a failure: what will end a run that goes on as it does.

A warning stays once it is there, as it was when it appeared, so that a run is written once for each code.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from workflow_manager.models import Job, WorkflowWarning, to_milliseconds

MAX_EVENTS: Final = 25_000
"""Events of a history, after which AWS ends the run, which can then not be redriven (service-quotas)."""

MANY_EVENTS: Final = 20_000

MAX_PAYLOAD_BYTES: Final = 262_144
"""Bytes of UTF-8 in the input or output of a state (service-quotas)."""

LARGE_PAYLOAD_BYTES: Final = 209_715
"""80 % of them."""

FORECAST: Final = timedelta(hours=48)
"""A run that reaches the limit of events within this time at its rate so far is warned of."""

MIN_AGE: Final = timedelta(hours=1)
"""Younger runs have no rate yet: many begin with a burst."""

MIN_EVENTS: Final = 1_000

HISTORY_EVENTS: Final = "history-events"
PAYLOAD: Final = "payload"


def warnings(
    known: Sequence[WorkflowWarning],
    *,
    jobs: Iterable[Job],
    events: int,
    started_at: datetime | None,
    now: datetime,
    running: bool,
) -> tuple[WorkflowWarning, ...]:
    """Return the warnings about a run: the known ones, and new ones from its history.

    ``events`` are those of the whole history, also of attempts before a redrive. A run that ended gets no forecast.
    """
    codes = {warning.code for warning in known}
    found = list(known)
    if HISTORY_EVENTS not in codes and (message := _about_events(events, started_at if running else None, now)):
        found.append(_warning(HISTORY_EVENTS, message, now, value=events, limit=MAX_EVENTS))
    if PAYLOAD not in codes and (largest := _largest_payload(jobs)):
        state, size = largest
        message = f"State {state!r} has an input or output of {size:,} bytes; AWS fails it above {MAX_PAYLOAD_BYTES:,}."
        found.append(_warning(PAYLOAD, message, now, value=size, limit=MAX_PAYLOAD_BYTES))
    return tuple(found)


def _about_events(events: int, started_at: datetime | None, now: datetime) -> str | None:
    if events >= MANY_EVENTS:
        return f"The history has {events:,} events; AWS ends the run at {MAX_EVENTS:,}."
    age = now - started_at if started_at is not None else timedelta()
    if events < MIN_EVENTS or age < MIN_AGE:
        return None
    left = age * ((MAX_EVENTS - events) / events)
    if left >= FORECAST:
        return None
    hours = max(1, round(left / timedelta(hours=1)))
    return f"The history has {events:,} events and reaches {MAX_EVENTS:,}, which end the run, in about {hours} h."


def _largest_payload(jobs: Iterable[Job]) -> tuple[str, int] | None:
    """Return the state with the largest input or output that is near the limit, and its size."""
    sizes = (
        (len(text.encode(errors="surrogatepass")), job.state)
        for job in jobs
        for text in (job.input, job.output)
        if text and len(text) * 4 >= LARGE_PAYLOAD_BYTES
    )
    size, state = max(sizes, default=(0, ""))
    return (state, size) if size >= LARGE_PAYLOAD_BYTES else None


def _warning(code: str, message: str, now: datetime, *, value: int, limit: int) -> WorkflowWarning:
    return WorkflowWarning(code=code, message=message, since=to_milliseconds(now), value=value, limit=limit)
