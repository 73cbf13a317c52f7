"""Counting workflows by a property, on every store.

Covers `app.store.counts`.
"""

from collections.abc import Mapping

import pytest

from app.store import Store, WorkflowQuery
from app.store.counts import count_workflows
from app.store.visibility import Visible
from tests import samples
from workflow_manager.models import WorkflowProperty, WorkflowStatus


async def fill(store: Store) -> None:
    """Store five workflows: two failed of one error, one of none."""
    for name in ("sfncli-test:master", "other"):
        await store.create_definition(samples.definition(name))
    failed = WorkflowStatus.FAILED
    for number, workflow in enumerate(
        [
            samples.workflow("a", status=failed, error="E"),
            samples.workflow("b", status=failed, error="E", namespace="production"),
            samples.workflow("c", status=failed),
            samples.workflow("d", queue="slow"),
            samples.workflow("e", workflow_definition=samples.definition("other")),
        ]
    ):
        await store.create_workflow(workflow.model_copy(update={"created_at": samples.EPOCH.replace(minute=number)}))


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (WorkflowProperty.STATUS, {"failed": 3, "queued": 2}),
        (WorkflowProperty.DEFINITION, {"sfncli-test:master": 4, "other": 1}),
        (WorkflowProperty.NAMESPACE, {"dev": 4, "production": 1}),
        (WorkflowProperty.QUEUE, {"default": 4, "slow": 1}),
        (WorkflowProperty.ERROR, {"E": 2}),
    ],
)
async def test_workflows_are_counted_by_a_property_largest_first(
    store: Store, by: WorkflowProperty, expected: Mapping[str, int]
) -> None:
    await fill(store)

    counts = await count_workflows(store, WorkflowQuery(), by=by, limit=100)

    assert [(each.value, each.count) for each in counts.counts] == list(expected.items())
    assert (counts.by, counts.total, counts.more) == (by, 5, False)


async def test_filters_and_what_the_reader_may_see_apply(store: Store) -> None:
    await fill(store)
    query = WorkflowQuery(statuses=(WorkflowStatus.FAILED,), visible=Visible(((("dev",), ("*",)),)))

    counts = await count_workflows(store, query, by=WorkflowProperty.NAMESPACE, limit=100)

    assert [(each.value, each.count) for each in counts.counts] == [("dev", 2)]


@pytest.mark.parametrize(("limit", "more"), [(4, True), (5, False), (6, False)])
async def test_no_more_than_the_newest_are_counted(store: Store, limit: int, more: bool) -> None:
    await fill(store)

    counts = await count_workflows(store, WorkflowQuery(), by=WorkflowProperty.STATUS, limit=limit)

    assert (counts.total, counts.more) == (min(limit, 5), more)
    assert [each.count for each in counts.counts if each.value == "queued"] == [2]
