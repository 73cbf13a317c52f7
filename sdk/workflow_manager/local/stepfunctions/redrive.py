"""The rules of RedriveExecution: which executions may go on, and which requests are the same."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

REDRIVABLE_PERIOD: Final = timedelta(days=14)
"""Time after its end in which an execution can be redriven."""

MAX_OPEN_TIME: Final = timedelta(days=365)
"""Time after its start in which an execution may be open."""

MAX_EVENTS_BEFORE: Final = 24_999
"""An execution with this many events has no room for two more."""

TOKEN_SECONDS_VALID: Final = 15 * 60
"""How long after its first use a client token gets the same answer."""

TOKENS_KEPT: Final = 10
"""Client tokens that are known of an execution, those of the last redrives."""

FINAL: Final = frozenset({"RUNNING", "SUCCEEDED"})
"""Statuses that do not allow a redrive."""


def refusal(
    *, status: str, started: datetime, stopped: datetime | None, events: int, now: datetime, is_express: bool = False
) -> str | None:
    """Return why an execution cannot be redriven, in AWS's words, or None (API reference, DescribeExecution)."""
    if is_express:
        return "Express executions cannot be redriven"
    if status in FINAL:
        return f"Execution is {status} and cannot be redriven"
    if events >= MAX_EVENTS_BEFORE:
        return "Execution history event limit exceeded"
    if now - started >= MAX_OPEN_TIME:
        return "Execution has exceeded the max execution time"
    if stopped is not None and now - stopped > REDRIVABLE_PERIOD:
        return "Execution redrivable period exceeded"
    return None


@dataclass(frozen=True)
class Redrives:
    """The redrives of an execution."""

    count: int = 0
    date: datetime | None = None
    """When the last one was."""
    tokens: tuple[tuple[str, datetime], ...] = ()
    """Client tokens of redrives and the date of each, oldest first."""

    def answered(self, token: str | None, *, now: datetime) -> datetime | None:
        """Return the answer that a client token has had, if it is still valid."""
        date = dict(self.tokens).get(token or "")
        valid = date is not None and (now - date).total_seconds() < TOKEN_SECONDS_VALID
        return date if valid else None

    def after(self, token: str | None, *, now: datetime) -> "Redrives":
        """Return the redrives with one more."""
        others = tuple(known for known in self.tokens if known[0] != token)
        tokens = (*others, (token, now))[-TOKENS_KEPT:] if token else self.tokens
        return replace(self, count=self.count + 1, date=now, tokens=tokens)
