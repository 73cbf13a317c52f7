"""Pages end: what every store promises about how much of a listing comes at once.

Covers `app.store.base` and `app.store.paging`.
"""

import json
from typing import Any

import pytest

from app.store import Store, WorkflowQuery
from app.store.base import summary
from tests import samples
from workflow_manager import errors, models

LARGE = json.dumps({"x": "x" * 50_000})


async def filled(store: Store, count: int = 6) -> Store:
    """Fill a store with workflows of 100 KB."""
    await store.create_definition(samples.definition())
    for number in range(count):
        await store.create_workflow(samples.workflow(f"w{number}", minutes=number, input=LARGE, output=LARGE))
    return store


async def test_a_page_ends_soon_after_so_many_bytes_and_the_next_goes_on(store: Store) -> None:
    await filled(store)
    pages: list[list[str]] = []
    token = None
    while not pages or token:
        page = await store.list_workflows(WorkflowQuery(), limit=100, page_token=token, max_bytes=150_000)
        pages.append([workflow.id for workflow in page.workflows])
        token = page.next_token

    assert [workflow_id for page in pages for workflow_id in page] == ["w5", "w4", "w3", "w2", "w1", "w0"]


async def test_a_page_has_at_least_one_workflow(store: Store) -> None:
    await filled(store, 1)

    page = await store.list_workflows(WorkflowQuery(), limit=100, max_bytes=1)

    assert [workflow.id for workflow in page.workflows] == ["w0"]


@pytest.mark.parametrize("limit", [1, 2, 5, 6, 100])
async def test_limits_and_bytes_together_lose_and_repeat_nothing(store: Store, limit: int) -> None:
    await filled(store)
    found: list[str] = []
    token = None
    while True:
        page = await store.list_workflows(
            WorkflowQuery(oldest_first=True, queue="default"), limit=limit, page_token=token, max_bytes=250_000
        )
        found += [workflow.id for workflow in page.workflows]
        if (token := page.next_token) is None:
            break

    assert found == [f"w{number}" for number in range(6)]


async def test_a_summary_has_no_state_machine_and_the_rest_of_its_definition(store: Store) -> None:
    await filled(store, 1)

    (listed,) = (await store.list_workflows(WorkflowQuery(), limit=1, summaries=True)).workflows
    (active,) = (await store.list_active_workflows(limit=1)).workflows
    whole = await store.get_workflow("w0")

    assert listed == active == summary(whole)
    assert listed.workflow_definition == samples.definition().model_copy(update={"state_machine": {}})


def large(name: str, version: int = 0) -> models.WorkflowDefinition:
    """Return a definition of 100 KB."""
    machine: dict[str, Any] = samples.ECHO | {"Comment": "x" * 100_000}
    return samples.definition(name, version=version, machine=machine)


async def definition_pages(store: Store, name: str | None, **limits: Any) -> list[list[models.WorkflowDefinition]]:
    """Return all pages of a listing of definitions."""
    pages: list[list[models.WorkflowDefinition]] = []
    token = None
    while not pages or token:
        page = await store.list_definitions(name, page_token=token, **limits)
        pages.append(list(page.definitions))
        token = page.next_token
    return pages


@pytest.mark.parametrize("summaries", [False, True])
@pytest.mark.parametrize("limits", [{}, {"limit": 1}, {"limit": 4}, {"max_bytes": 1}, {"limit": 3, "max_bytes": 10**6}])
async def test_definitions_come_in_pages_too(store: Store, limits: dict[str, int], *, summaries: bool) -> None:
    for name in ("a", "b", "c"):
        await store.create_definition(large(name))
    for version in (1, 2, 3):
        await store.add_definition_version(large("b", version))

    latest = await definition_pages(store, None, summaries=summaries, **limits)
    versions = await definition_pages(store, "b", summaries=summaries, **limits)

    assert [(each.name, each.version) for page in latest for each in page] == [("a", 0), ("b", 3), ("c", 0)]
    oldest = await definition_pages(store, "b", summaries=summaries, oldest_first=True, **limits)
    assert [each.version for page in versions for each in page] == [3, 2, 1, 0]
    assert [each.version for page in oldest for each in page] == [0, 1, 2, 3]
    assert {bool(each.state_machine) for page in (*latest, *versions) for each in page} == {not summaries}
    assert all(each.default_tags == {"team": "infra"} and each.id for page in latest for each in page)
    if "limit" in limits:
        assert all(len(page) <= limits["limit"] for page in (*latest, *versions))


async def test_more_definitions_than_bytes_come_in_several_pages(store: Store) -> None:
    for number in range(12):
        await store.create_definition(large(f"d{number:02}"))

    pages = await definition_pages(store, None, max_bytes=300_000)

    assert len(pages) > 1
    assert [each.name for page in pages for each in page] == [f"d{number:02}" for number in range(12)]


@pytest.mark.parametrize("token", ["x", "WzFd", "W10", "bnVsbA"])
async def test_a_token_that_no_page_of_definitions_gave_out_is_refused(store: Store, token: str) -> None:
    with pytest.raises(errors.InvalidPageToken):
        await store.list_definitions(page_token=token)
