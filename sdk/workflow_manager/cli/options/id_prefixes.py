"""Expanding the first characters of a workflow id to the whole id."""

import asyncio
import re
from collections.abc import Sequence
from typing import Final

from workflow_manager import errors
from workflow_manager.cli.async_runner import run
from workflow_manager.cli.options.client import connect
from workflow_manager.cli.options.connection import Service
from workflow_manager.client import WorkflowManager

_PREFIX: Final = re.compile(r"[0-9a-f][0-9a-f-]{7,34}", re.ASCII | re.IGNORECASE)
"""Eight characters or more of a UUID, but not all 36 of them."""

SHOWN: Final = 5
"""How many ambiguous ids an error lists."""


def resolve_ids(ids: Sequence[str], service: Service) -> tuple[str, ...]:
    """Return whole ids; prefixes are looked up at the service."""
    if not any(map(_may_be_prefix, ids)):
        return tuple(ids)
    return run(_resolve(ids, service))


async def whole_ids(manager: WorkflowManager, ids: Sequence[str]) -> tuple[str, ...]:
    """Return whole ids; raises ``WorkflowNotFound`` for an unknown prefix, ``InvalidRequest`` for an ambiguous one."""
    return tuple(await asyncio.gather(*(whole_id(manager, each) for each in ids)))


async def whole_id(manager: WorkflowManager, prefix: str) -> str:
    """Return the id with the typed prefix; anything that is not a prefix is returned unchanged."""
    if not _may_be_prefix(prefix):
        return prefix
    page = await manager.list_workflows(id_prefix=prefix.lower(), limit=SHOWN, summary_only=True)
    found = [workflow.id for workflow in page.workflows]
    match found:
        case [only]:
            return only
        case []:
            among = " among the newest" if page.next_page_path else ""
            raise errors.WorkflowNotFound(f"there is no workflow whose id begins with {prefix!r}{among}")
    more = "" if len(found) < SHOWN else " and perhaps more"
    raise errors.InvalidRequest(f"Several ids begin with {prefix!r}: {', '.join(found)}{more}.")


async def _resolve(ids: Sequence[str], service: Service) -> tuple[str, ...]:
    async with connect(service) as manager:
        return await whole_ids(manager, ids)


def _may_be_prefix(word: str) -> bool:
    return _PREFIX.fullmatch(word) is not None
