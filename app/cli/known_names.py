"""The names of what a service has, for somebody who waits for them at the keyboard."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from app import errors
from app.cli.client import connect
from app.cli.connection import DEFAULT_SERVICE, Service
from app.client import WorkflowManager

ANSWER_SECONDS: Final = 1.0
"""Whoever presses Tab waits no longer than this."""


def definition_names(service: Service | None) -> list[str]:
    """Ask for the names of definitions; none when the service does not answer at once."""

    async def names(manager: WorkflowManager) -> list[str]:
        return [definition.name for definition in await manager.list_definitions()]

    return _ask(service, names)


def queue_names(service: Service | None) -> list[str]:
    """Ask for the names of the queues that have, or had, limits; none when the service does not answer at once."""

    async def names(manager: WorkflowManager) -> list[str]:
        return [queue.name for queue in await manager.list_queues()]

    return _ask(service, names)


def _ask(service: Service | None, names: Callable[[WorkflowManager], Awaitable[list[str]]]) -> list[str]:
    asked = replace(service or DEFAULT_SERVICE, request_timeout_seconds=ANSWER_SECONDS)

    async def ask() -> list[str]:
        async with connect(asked, attempts=1) as manager:
            return await names(manager)

    try:
        return asyncio.run(ask())
    except errors.WorkflowManagerError:
        return []
