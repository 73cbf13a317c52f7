"""Giving up on AWS in time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from app import errors


@asynccontextmanager
async def within(limit: timedelta, *, what: str) -> AsyncIterator[None]:
    """Give up on what happens inside the block after some time, as on any call without an answer.

    Raises ``NoAnswer``; ``what`` names what there was no answer to.
    """
    try:
        async with asyncio.timeout(limit.total_seconds()):
            yield
    except TimeoutError as late:
        raise errors.NoAnswer(f"no answer to {what} within {limit.total_seconds():g} s") from late
