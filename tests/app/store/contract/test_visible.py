"""What every store promises to a reader who may see a part.

Covers `app.store.base`, `app.store.visibility` and `app.store.paging`.
"""

import asyncio
import itertools
from dataclasses import replace
from typing import Any

import pytest

from app.store import Store, WorkflowQuery, paging
from app.store.dynamodb import listing
from app.store.visibility import Visible
from tests import samples
from workflow_manager.models import WorkflowStatus

OWN = Visible(((("own",), ("*",)),))
FOREIGN = 60


async def _fill(store: Store) -> None:
    """Fill a store with few workflows of ours between and behind many of others; some share a millisecond."""
    definitions = [samples.definition("echo"), samples.definition("greet")]
    for definition in definitions:
        await store.create_definition(definition)
    rows: list[dict[str, Any]] = [
        {"workflow_id": f"foreign{number:02}", "minutes": number, "namespace": "foreign"} for number in range(FOREIGN)
    ]
    rows += [{"workflow_id": f"own{number}", "minutes": number * 10, "namespace": "own"} for number in range(5)]
    rows += [
        {"workflow_id": f"tie{number}", "minutes": 45, "namespace": ns} for number, ns in enumerate(("own", "x", "own"))
    ]
    await asyncio.gather(
        *(
            store.create_workflow(
                samples.workflow(
                    row["workflow_id"],
                    minutes=row["minutes"],
                    namespace=row["namespace"],
                    workflow_definition=definitions[int(row["workflow_id"][-1]) % 2],
                )
            )
            for row in rows
        )
    )


async def _all(store: Store, query: WorkflowQuery, *, limit: int) -> tuple[list[str], list[str], int]:
    """Return the ids shown, the ids that tokens name, and the number of pages."""
    shown: list[str] = []
    named: list[str] = []
    pages, token = 0, None
    while pages == 0 or token:
        page = await store.list_workflows(query, limit=limit, page_token=token, summaries=True)
        shown += [workflow.id for workflow in page.workflows]
        pages, token = pages + 1, page.next_token
        if token:
            named.append(paging.decode(token).workflow_id)
    return shown, named, pages


@pytest.mark.parametrize("oldest_first", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_only_what_is_visible_is_shown_once_and_tokens_name_nothing_else(
    store: Store, limit: int, oldest_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MAX_ENTRIES", 12)
    await _fill(store)
    query = WorkflowQuery(visible=OWN, oldest_first=oldest_first)
    shown, named, pages = await _all(store, query, limit=limit)

    expected = ["own0", "own1", "own2", "own3", "own4", "tie0", "tie2"]
    assert shown == (expected if oldest_first else expected[::-1])
    assert {workflow_id for workflow_id in named if workflow_id} <= set(shown)
    assert pages <= FOREIGN


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ((), []),
        (((("own",), ("echo",)),), ["own0", "own2", "own4", "tie0", "tie2"]),
        (((("own",), ("gr*",)),), ["own1", "own3"]),
        (
            ((("o*",), ("echo", "greet")), (("x",), ("*",))),
            ["own0", "own1", "own2", "own3", "own4", "tie0", "tie1", "tie2"],
        ),
        (((("*wn",), ("*",)), (("o*n",), ("*",))), [f"own{n}" for n in range(5)] + ["tie0", "tie2"]),
        (((tuple(f"n{number}" for number in range(60)), ("*",)), (("own",), ("*",))), None),
    ],
)
@pytest.mark.parametrize(
    "filters", [{}, {"statuses": [WorkflowStatus.QUEUED]}, {"definition_name": "echo"}, {"namespace": "own"}]
)
async def test_visibility_combines_with_the_filters(
    store: Store, pairs: Any, expected: list[str] | None, filters: dict[str, Any]
) -> None:
    await _fill(store)
    query = WorkflowQuery(visible=Visible(pairs), oldest_first=True, **filters)
    wanted = expected or (["own0", "own1", "own2", "own3", "own4", "tie0", "tie2"] if expected is None else [])
    if "definition_name" in filters:
        wanted = [each for each in wanted if int(each[-1]) % 2 == 0]
    if "namespace" in filters:
        wanted = [each for each in wanted if each != "tie1"]

    assert (await _all(store, query, limit=100))[0] == wanted


NAMESPACES = ("dev", "production", "team-a")
DEFINITIONS = ("echo", "other")

VISIBLE = [
    Visible(()),
    Visible(((("dev",), ("*",)),)),
    Visible(((("dev", "production"), ("*",)),)),
    Visible(((("team-*",), ("other",)),)),
    Visible(((("*",), ("other",)),)),
    Visible(((("dev",), ("*",)), (("production",), ("*",)))),
    Visible(((("dev",), ("other",)), (("team-*", "production"), ("ec*", "other")))),
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


@pytest.mark.parametrize("visible", VISIBLE, ids=range(len(VISIBLE)))
async def test_every_listing_is_that_of_all_without_what_is_not_visible(store: Store, visible: Visible) -> None:
    for name in DEFINITIONS:
        await store.create_definition(samples.definition(name))
    for number, (namespace, name) in enumerate(itertools.product(NAMESPACES, DEFINITIONS)):
        fields = {"namespace": namespace, "workflow_definition": samples.definition(name), "tags": {"team": "infra"}}
        await store.create_workflow(samples.workflow(f"w{number}", minutes=number, **fields))
    await store.update_workflow("w3", {"status": WorkflowStatus.FAILED}, revision=0)

    for query in QUERIES:
        everything = await store.list_workflows(query, limit=100)
        seen = [one.id for one in everything.workflows if visible.shows(one.namespace, one.workflow_definition.name)]
        shown, _, _ = await _all(store, replace(query, visible=visible), limit=2)
        assert shown == seen, query
