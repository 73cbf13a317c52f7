"""What every store promises a reader who may not see every workflow.

Covers `app.store.base` and `app.store.visibility`.
"""

import itertools
from dataclasses import replace

import pytest

from app.store import Store, WorkflowQuery
from app.store.visibility import Visible
from tests import samples
from workflow_manager.models import Workflow, WorkflowStatus

NAMESPACES = ("dev", "production", "team-a")
DEFINITIONS = ("sfncli-test:master", "other")

VISIBLE = [
    Visible(()),
    Visible(((("dev",), ("*",)),)),
    Visible(((("dev", "production"), ("*",)),)),
    Visible(((("team-*",), ("other",)),)),
    Visible(((("*",), ("other",)),)),
    Visible(((("dev",), ("*",)), (("production",), ("*",)))),
    Visible(((("dev",), ("other",)), (("team-*", "production"), ("sfncli-*", "other")))),
    Visible(((("dev",), ("*",)), (("*",), ("*",)))),
    Visible(((("dev", "*"), ("other", "x", "other")),)),
    Visible(((("*-a",), ("o*r",)),)),
    Visible(((("dev",), ("*",)), (("dev",), ("*",)))),
]
QUERIES = [
    WorkflowQuery(),
    WorkflowQuery(namespace="dev"),
    WorkflowQuery(definition_name="other"),
    WorkflowQuery(statuses=(WorkflowStatus.QUEUED, WorkflowStatus.FAILED)),
    WorkflowQuery(statuses=(WorkflowStatus.FAILED,), definition_name="other", tags={"team": "infra"}),
    WorkflowQuery(oldest_first=True, tags={"team": "infra"}),
]


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
@pytest.mark.parametrize("visible", VISIBLE, ids=range(len(VISIBLE)))
async def test_a_listing_holds_what_the_reader_may_see_and_nothing_else(
    store: Store, visible: Visible, query: WorkflowQuery
) -> None:
    for name in DEFINITIONS:
        await store.create_definition(samples.definition(name))
    for number, (namespace, name) in enumerate(itertools.product(NAMESPACES, DEFINITIONS)):
        definition = samples.definition(name)
        fields = {"namespace": namespace, "workflow_definition": definition, "tags": {"team": "infra"}}
        await store.create_workflow(samples.workflow(f"w{number}", minutes=number, **fields))
    await store.update_workflow("w3", {"status": WorkflowStatus.FAILED}, revision=0)

    found: list[Workflow] = []
    token = None
    while True:
        page = await store.list_workflows(replace(query, visible=visible), limit=2, page_token=token)
        found += page.workflows
        if (token := page.next_token) is None:
            break

    everything = await store.list_workflows(query, limit=100)
    expected = [
        each.id for each in everything.workflows if visible.shows(each.namespace, each.workflow_definition.name)
    ]
    assert [each.id for each in found] == expected
