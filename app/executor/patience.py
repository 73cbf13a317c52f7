"""Giving up on AWS in time."""

import asyncio
from datetime import timedelta
from types import TracebackType
from typing import Self

from app import errors


class Within:
    """Gives up on what happens inside its block after some time, as on any call without an answer: ``NoAnswer``.

    ``what`` names what there was no answer to. A class, because every start of a workflow passes through one, and a
    generator would cost several times as much.
    """

    __slots__ = ("_limit", "_timeout", "_what")

    def __init__(self, limit: timedelta, *, what: str) -> None:
        self._limit = limit.total_seconds()
        self._what = what
        self._timeout = asyncio.timeout(self._limit)

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError as late:
            raise errors.NoAnswer(f"no answer to {self._what} within {self._limit:g} s") from late
