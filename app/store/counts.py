"""Counting the newest workflows that match, by one of their properties."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from app.store.base import WorkflowQuery, WorkflowStore
from workflow_manager.models import Workflow, WorkflowCount, WorkflowCounts, WorkflowProperty

PAGE_SIZE: Final = 500

MAX_PAGES: Final = 40
"""Pages that one count reads; a page may be empty, when the filters dropped thousands of workflows."""

PROPERTIES: Final[Mapping[WorkflowProperty, Callable[[Workflow], str | None]]] = {
    WorkflowProperty.STATUS: lambda workflow: workflow.status.value,
    WorkflowProperty.DEFINITION: lambda workflow: workflow.workflow_definition.name,
    WorkflowProperty.NAMESPACE: lambda workflow: workflow.namespace,
    WorkflowProperty.QUEUE: lambda workflow: workflow.queue,
    WorkflowProperty.ERROR: lambda workflow: workflow.error,
}


async def count_workflows(
    store: WorkflowStore, query: WorkflowQuery, *, by: WorkflowProperty, limit: int
) -> WorkflowCounts:
    """Count workflows by a property, the largest count first; those without the property are not listed.

    No more than ``limit`` workflows are read, the newest first; ``more`` tells that others match, which makes every
    count a lower bound. It costs what listing those workflows as summaries costs.
    """
    of = PROPERTIES[by]
    counts: Counter[str] = Counter()
    total, token = 0, None
    for _ in range(MAX_PAGES):
        page = await store.list_workflows(query, limit=min(PAGE_SIZE, limit - total), page_token=token, summaries=True)
        total += len(page.workflows)
        counts.update(value for workflow in page.workflows if (value := of(workflow)))
        token = page.next_token
        if token is None or total >= limit:
            break
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    found = tuple(WorkflowCount(value=value, count=count) for value, count in ordered)
    return WorkflowCounts(by=by, counts=found, total=total, more=token is not None)
