"""Deadlines of calls to AWS."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from workflow_manager import errors


@asynccontextmanager
async def deadline(limit: timedelta, *, what: str) -> AsyncIterator[None]:
    """Raise ``NoAnswer`` when the block takes longer than ``limit``; ``what`` names the call in the message."""
    try:
        async with asyncio.timeout(limit.total_seconds()) as scope:
            yield
    except TimeoutError as error:
        if not scope.expired():
            raise
        raise errors.NoAnswer(f"no answer to {what} within {limit.total_seconds():g} s") from error
