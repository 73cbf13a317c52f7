"""Waiting in tests for something that another process does."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PAUSE_SECONDS = 0.05


def eventually(look: Callable[[], T | None], *, what: str, timeout_seconds: float = 30) -> T:
    """Look again and again until there is something to return; fail with ``what`` after the time-out."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout_seconds:g} s for {what}; last seen: {seen!r}")
        time.sleep(PAUSE_SECONDS)
