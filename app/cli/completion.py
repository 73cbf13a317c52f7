"""Completion of definition names by the shell, asked of the service; silent when it does not answer at once."""

import asyncio
import os
from typing import Final

import typer

from app.cli.bash_words import TYPED_BEFORE
from app.cli.options import DEFAULT_URL

ANSWER_SECONDS: Final = 1.0
"""Whoever presses Tab waits no longer than this."""


def complete_definition(context: typer.Context, incomplete: str) -> list[str]:
    """Return the names of definitions that begin with what is typed."""
    url = str(context.params.get("url") or DEFAULT_URL)
    before = os.environ.get(TYPED_BEFORE, "")
    return [name.removeprefix(before) for name in _names(url) if name.startswith(before + incomplete)]


def _names(url: str) -> list[str]:
    # Loaded here, because the shell asks for every other word as well.
    from app import errors  # noqa: PLC0415
    from app.client import RetryPolicy, WorkflowManager  # noqa: PLC0415

    async def ask() -> list[str]:
        async with WorkflowManager(url, retries=RetryPolicy(attempts=1)) as manager:
            return [definition.name for definition in await manager.list_definitions()]

    async def ask_briefly() -> list[str]:
        return await asyncio.wait_for(ask(), ANSWER_SECONDS)

    try:
        return asyncio.run(ask_briefly())
    except (errors.WorkflowManagerError, TimeoutError):
        return []
