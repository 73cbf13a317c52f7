"""What every store promises about records that cannot be read: each is one bad record, and takes no other along.

Covers `app.store.base` and `app.store.unreadable`.
"""

from datetime import timedelta

import pytest
import pytest_asyncio

from app.store import Store, WorkflowQuery
from tests import samples
from tests.app.store import backends
from tests.app.store.backends import Damage
from workflow_manager import errors, models
from workflow_manager.models import Job, JobStatus, WorkflowStatus

WHOLLY: list[Damage] = ["status", "body"]
PARTLY: list[Damage] = ["jobs", "definition"]


@pytest_asyncio.fixture(loop_scope="session")
async def three(store: Store) -> Store:
    """A store with three running workflows: a, bad and c."""
    await store.create_definition(samples.definition())
    for minutes, name in enumerate(("a", "bad", "c")):
        await store.create_workflow(samples.workflow(name, minutes=minutes, status=WorkflowStatus.RUNNING))
    return store


@pytest.mark.parametrize("kind", WHOLLY)
async def test_who_names_an_unreadable_workflow_is_told_and_given_a_placeholder(three: Store, kind: Damage) -> None:
    await backends.damage(three, "bad", kind)

    with pytest.raises(errors.RecordUnreadable, match="workflow bad cannot be read") as raised:
        await three.get_workflow("bad")

    shown = raised.value.placeholder
    assert isinstance(shown, models.Workflow)
    assert (shown.id, shown.created_at) == ("bad", samples.EPOCH + timedelta(minutes=1))
    assert (shown.workflow_definition.name, shown.namespace, shown.queue) == ("sfncli-test:master", "dev", "default")
    assert shown.status is WorkflowStatus.RUNNING
    assert shown.unreadable
    assert shown.status_reason == f"cannot be read: {shown.unreadable}"


@pytest.mark.parametrize("kind", [*WHOLLY, *PARTLY])
@pytest.mark.parametrize("summaries", [False, True])
@pytest.mark.parametrize(
    "query",
    [
        WorkflowQuery(),
        WorkflowQuery(definition_name="sfncli-test:master"),
        WorkflowQuery(statuses=(WorkflowStatus.RUNNING,)),
        WorkflowQuery(namespace="dev", oldest_first=True),
    ],
    ids=["all", "definition", "status", "namespace"],
)
async def test_a_listing_shows_an_unreadable_workflow_among_the_others(
    three: Store, kind: Damage, query: WorkflowQuery, *, summaries: bool
) -> None:
    await backends.damage(three, "bad", kind)

    page = await three.list_workflows(query, limit=10, summaries=summaries)

    found = {workflow.id: workflow.unreadable for workflow in page.workflows}
    assert sorted(found) == ["a", "bad", "c"]
    if kind != "jobs" or not summaries:
        assert [name for name, why in found.items() if why] == ["bad"]


@pytest.mark.parametrize("kind", WHOLLY)
async def test_pages_go_on_after_an_unreadable_workflow(three: Store, kind: Damage) -> None:
    await backends.damage(three, "bad", kind)

    ids: list[str] = []
    token = None
    for _ in range(3):
        page = await three.list_workflows(WorkflowQuery(), limit=1, page_token=token)
        ids += [workflow.id for workflow in page.workflows]
        token = page.next_token

    assert (ids, token) == (["c", "bad", "a"], None)


@pytest.mark.parametrize("kind", WHOLLY)
async def test_an_unreadable_workflow_is_left_out_of_the_active_ones(three: Store, kind: Damage) -> None:
    await backends.damage(three, "bad", kind)

    page = await three.list_active_workflows(limit=10)

    assert list(page.ids) == ["a", "c"]
    assert [workflow.id for workflow in page.workflows] == ["a", "c"]


@pytest.mark.parametrize("kind", PARTLY)
async def test_a_workflow_without_its_jobs_or_definition_is_still_followed(three: Store, kind: Damage) -> None:
    await backends.damage(three, "bad", kind)

    page = await three.list_active_workflows(limit=10)

    assert list(page.ids) == ["a", "bad", "c"]


async def test_an_unreadable_workflow_is_left_out_of_the_deferred_ones(store: Store) -> None:
    await store.create_definition(samples.definition())
    for name in ("a", "bad"):
        await store.create_workflow(
            samples.workflow(
                name,
                status=WorkflowStatus.SUCCEEDED,
                stopped_at=samples.EPOCH,
                resolved_by_user=True,
                details_pending=True,
                details_deferred=True,
            )
        )
    await backends.damage(store, "bad", "body")

    assert [workflow.id for workflow in await store.list_deferred_workflows(limit=10)] == ["a"]


async def test_new_jobs_take_the_place_of_those_that_cannot_be_read(three: Store) -> None:
    await backends.damage(three, "bad", "jobs")
    job = Job(id="1", state="echo", type="Task", status=JobStatus.RUNNING, created_at=samples.EPOCH)

    found = await three.get_workflow("bad")
    await three.update_workflow("bad", {"jobs": (job,), "last_job": job}, revision=found.revision)

    assert found.unreadable
    assert "history" in found.unreadable
    assert found.jobs == ()
    healed = await three.get_workflow("bad")
    assert (healed.jobs, healed.last_job, healed.unreadable) == ((job,), job, None)


async def test_a_workflow_whose_definition_is_missing_is_shown_with_a_placeholder(three: Store) -> None:
    await backends.damage(three, "bad", "definition")

    found = await three.get_workflow("bad")

    assert (found.workflow_definition.version, found.workflow_definition.state_machine) == (99, {})
    assert found.workflow_definition.unreadable
    assert (await three.update_workflow("bad", {"last_updated": samples.EPOCH}, revision=0)).revision == 1
