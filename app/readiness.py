"""Whether the service does its work: its poller gets through, and its store answers."""

import asyncio
from collections.abc import Callable
from math import inf
from typing import Final

from app.store import Store
from workflow_manager import errors

FRESH_SECONDS: Final = 1.0
"""The store is asked at most this often, however many ask whether the service is ready."""

PATIENCE_SECONDS: Final = 2.0
"""A store that takes longer counts as silent; load balancers wait for five seconds or more."""


class Readiness:
    """Judges whether requests should be sent here. ``clock`` gives seconds.

    ``polls`` tells whether the poller of this process does its work; without a poller it is always true.
    """

    def __init__(self, store: Store, *, polls: Callable[[], bool], clock: Callable[[], float]) -> None:
        self._store = store
        self._polls = polls
        self._clock = clock
        self._asked_at = -inf
        self._trouble: str | None = None
        self._question: asyncio.Task[None] | None = None

    async def check(self) -> None:
        """Raise ``NotReady``, with the reason, unless the service does its work."""
        if not self._polls():
            raise errors.NotReady
        if self._question is None and self._clock() - self._asked_at >= FRESH_SECONDS:
            self._question = asyncio.create_task(self._ask(), name="readiness")
        if self._question is not None:
            # A caller that goes away must not take the answer from the others.
            await asyncio.shield(self._question)
        if self._trouble is not None:
            raise errors.NotReady(f"the store cannot be read: {self._trouble}")

    async def _ask(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._store.check()
        except TimeoutError:
            self._trouble = f"no answer within {PATIENCE_SECONDS:g} seconds"
        except errors.WorkflowManagerError as trouble:
            self._trouble = trouble.message
        else:
            self._trouble = None
        finally:
            self._asked_at = self._clock()
            self._question = None
