"""The names of all definitions of a service, for somebody who waits for them at the keyboard."""

import asyncio
from dataclasses import replace
from typing import Final

from app import errors
from app.cli.client import connect
from app.cli.connection import DEFAULT_SERVICE, Service

ANSWER_SECONDS: Final = 1.0
"""Whoever presses Tab waits no longer than this."""


def definition_names(service: Service | None) -> list[str]:
    """Ask for the names; none when the service does not answer at once."""
    asked = replace(service or DEFAULT_SERVICE, request_timeout_seconds=ANSWER_SECONDS)
    try:
        return asyncio.run(_ask(asked))
    except errors.WorkflowManagerError:
        return []


async def _ask(service: Service) -> list[str]:
    async with connect(service, attempts=1) as manager:
        return [definition.name for definition in await manager.list_definitions()]
