"""Completion values that are read from the service, within a second."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from workflow_manager import errors, models
from workflow_manager.cli.options.client import connect
from workflow_manager.cli.options.common import NAMESPACE_VARIABLE
from workflow_manager.cli.options.connection import DEFAULT_SERVICE, Service
from workflow_manager.cli.options.id_prefixes import whole_id
from workflow_manager.cli.output.columns import WORKFLOW_COLUMNS
from workflow_manager.client import WorkflowManager
from workflow_manager.statuses import WorkflowStatus

T = TypeVar("T")

ANSWER_SECONDS: Final = 1.0
"""Time limit for a completion."""

NEWEST: Final = 200
"""How many workflows are searched for namespaces and tags."""

NEWEST_IDS: Final = 20


def definition_names(service: Service | None) -> list[str]:
    """Return the names of definitions; none if the service does not answer in time."""

    async def names(manager: WorkflowManager) -> list[str]:
        return [definition.name for definition in await manager.list_definitions()]

    return _ask(service, names)


def queue_names(service: Service | None) -> list[str]:
    """Return the names of queues that have, or had, limits; none if the service does not answer in time."""

    async def names(manager: WorkflowManager) -> list[str]:
        return [queue.name for queue in await manager.list_queues()]

    return _ask(service, names)


def workflow_ids(service: Service | None, statuses: Sequence[WorkflowStatus]) -> list[str]:
    """Return the ids of the newest workflows with these statuses, or with any."""
    return [workflow.id for workflow in _newest(service, statuses, limit=NEWEST_IDS)]


def namespaces(service: Service | None) -> list[str]:
    """Return the namespaces of the newest workflows, and the one of this shell."""
    of_shell = os.environ.get(NAMESPACE_VARIABLE)
    found = {workflow.namespace for workflow in _newest(service)} | ({of_shell} if of_shell else set())
    return sorted(found)


def tag_words(service: Service | None, incomplete: str) -> list[str]:
    """Return ``key=`` for the tags of the newest workflows, or whole tags once a key is typed."""
    tags = [tag for workflow in _newest(service) for tag in workflow.tags.items()]
    key, typed, _ = incomplete.partition("=")
    if typed:
        return sorted({f"{name}={value}" for name, value in tags if name == key})
    return sorted({f"{name}=" for name, _ in tags})


def state_names(service: Service | None, workflow_id: str) -> list[str]:
    """Return the states that a workflow has entered, latest first."""

    async def names(manager: WorkflowManager) -> list[str]:
        workflow = await manager.get_workflow(await whole_id(manager, workflow_id))
        return list(dict.fromkeys(job.state for job in reversed(workflow.jobs)))

    return _ask(service, names)


def column_names() -> list[str]:
    """Return the columns that a list of workflows can have."""
    return [title.replace(" ", "_") for title in WORKFLOW_COLUMNS]


def _newest(
    service: Service | None, statuses: Sequence[WorkflowStatus] = (), *, limit: int = NEWEST
) -> list[models.Workflow]:
    async def newest(manager: WorkflowManager) -> list[models.Workflow]:
        page = await manager.list_workflows(statuses=statuses or None, limit=limit, summary_only=True)
        return list(page.workflows)

    return _ask(service, newest)


def _ask(service: Service | None, names: Callable[[WorkflowManager], Awaitable[list[T]]]) -> list[T]:
    asked = replace(service or DEFAULT_SERVICE, request_timeout_seconds=ANSWER_SECONDS)

    async def ask() -> list[T]:
        async with connect(asked, attempts=1) as manager:
            return await names(manager)

    try:
        return asyncio.run(ask())
    except errors.WorkflowManagerError:
        return []
