"""What every store promises about workflows.

Covers `app.store.base`.
"""

import asyncio
import itertools
from datetime import timedelta

import pytest
import pytest_asyncio

from app.store import Store, WorkflowChanges, WorkflowQuery
from app.store.base import header
from tests import samples
from tests.app.store.incompressible import noise
from workflow_manager import errors
from workflow_manager.models import Job, JobStatus, Workflow, WorkflowStatus


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def _definitions(store: Store) -> None:
    """Store the definitions that the sample workflows name."""
    for name in ("sfncli-test:master", "other"):
        await store.create_definition(samples.definition(name))


async def test_a_created_workflow_can_be_read_back_equal(store: Store) -> None:
    workflow = samples.workflow("a", tags={"team": "infra"}, input='{"n": 1.10}')
    await store.create_workflow(workflow)

    assert await store.get_workflow("a") == workflow


async def test_an_id_is_taken_once(store: Store) -> None:
    await store.create_workflow(samples.workflow("a"))

    with pytest.raises(errors.VersionConflict):
        await store.create_workflow(samples.workflow("a"))


async def test_a_workflow_that_is_not_there_is_not_found(store: Store) -> None:
    with pytest.raises(errors.WorkflowNotFound):
        await store.get_workflow("a")
    with pytest.raises(errors.WorkflowNotFound):
        await store.update_workflow("a", {"output": "{}"}, revision=0)
    with pytest.raises(errors.WorkflowNotFound):
        await store.discard_workflow("a", revision=0)


async def test_an_update_changes_the_named_fields_only(store: Store) -> None:
    workflow = samples.workflow("a", tags={"team": "infra"})
    await store.create_workflow(workflow)

    changed = await store.update_workflow("a", {"status": WorkflowStatus.RUNNING}, revision=0)

    assert changed == workflow.model_copy(update={"status": WorkflowStatus.RUNNING, "revision": 1})
    assert await store.get_workflow("a") == changed


async def test_an_update_at_another_revision_is_refused(store: Store) -> None:
    await store.create_workflow(samples.workflow("a"))
    await store.update_workflow("a", {"output": "{}"}, revision=0)

    with pytest.raises(errors.VersionConflict):
        await store.update_workflow("a", {"output": "[]"}, revision=0)
    assert (await store.get_workflow("a")).output == "{}"


async def test_of_many_writers_at_one_revision_one_wins(store: Store) -> None:
    await store.create_workflow(samples.workflow("a"))

    outcomes = await asyncio.gather(
        *(store.update_workflow("a", {"output": str(n)}, revision=0) for n in range(20)), return_exceptions=True
    )

    assert sum(isinstance(outcome, Workflow) for outcome in outcomes) == 1
    assert (await store.get_workflow("a")).revision == 1


@pytest.mark.parametrize("status", [WorkflowStatus.SUCCEEDED, WorkflowStatus.FAILED, WorkflowStatus.CANCELLED])
async def test_a_terminal_status_is_final(store: Store, status: WorkflowStatus) -> None:
    await store.create_workflow(samples.workflow("a"))
    await store.update_workflow("a", {"status": status}, revision=0)

    for other in set(WorkflowStatus) - {status}:
        with pytest.raises(errors.VersionConflict):
            await store.update_workflow("a", {"status": other}, revision=1)
    assert (await store.update_workflow("a", {"resolved_by_user": True}, revision=1)).status is status


async def test_a_resumed_workflow_is_linked_with_its_original_in_one_step(store: Store) -> None:
    original = samples.workflow("a")
    await store.create_workflow(original)
    await store.create_workflow(samples.workflow("b", retry_for="a"), ancestors=[original])
    parent = await store.get_workflow("b")
    grandparent = await store.get_workflow("a")
    await store.create_workflow(samples.workflow("c", retry_for="b"), ancestors=[parent, grandparent])

    assert (await store.get_workflow("a")).retries == ("b",)
    assert (await store.get_workflow("a")).revision == 2
    assert (await store.get_workflow("b")).retries == ("c",)


async def test_a_resume_is_refused_when_an_ancestor_changed(store: Store) -> None:
    original = samples.workflow("a")
    await store.create_workflow(original)
    await store.update_workflow("a", {"output": "{}"}, revision=0)

    with pytest.raises(errors.VersionConflict):
        await store.create_workflow(samples.workflow("b", retry_for="a"), ancestors=[original])
    with pytest.raises(errors.WorkflowNotFound):
        await store.get_workflow("b")
    assert (await store.get_workflow("a")).retries == ()


async def test_a_discarded_workflow_leaves_nothing_behind(store: Store) -> None:
    original = samples.workflow("a")
    await store.create_workflow(original)
    await store.create_workflow(samples.workflow("b", retry_for="a"), ancestors=[original])

    await store.discard_workflow("b", revision=0)

    with pytest.raises(errors.WorkflowNotFound):
        await store.get_workflow("b")
    assert (await store.get_workflow("a")).retries == ()
    assert await listed(store, WorkflowQuery()) == ["a"]
    assert [workflow.id for workflow in (await store.list_active_workflows(limit=10)).workflows] == ["a"]


async def test_only_a_queued_workflow_nobody_touched_can_be_discarded(store: Store) -> None:
    await store.create_workflow(samples.workflow("a"))
    await store.update_workflow("a", {"status": WorkflowStatus.RUNNING}, revision=0)

    for revision in (0, 1):
        with pytest.raises(errors.VersionConflict):
            await store.discard_workflow("a", revision=revision)


async def listed(store: Store, query: WorkflowQuery, *, limit: int = 100) -> list[str]:
    """Return the ids of all workflows of a listing, page after page."""
    ids: list[str] = []
    token = None
    while True:
        page = await store.list_workflows(query, limit=limit, page_token=token)
        ids += [workflow.id for workflow in page.workflows]
        if (token := page.next_token) is None:
            return ids
        assert len(page.workflows) == limit


async def test_listings_go_by_time_newest_first_or_oldest_first(store: Store) -> None:
    for number in (2, 0, 1):
        await store.create_workflow(samples.workflow(f"w{number}", minutes=number))

    assert await listed(store, WorkflowQuery()) == ["w2", "w1", "w0"]
    assert await listed(store, WorkflowQuery(oldest_first=True)) == ["w0", "w1", "w2"]


@pytest.mark.parametrize("oldest_first", [True, False])
@pytest.mark.parametrize("limit", [1, 7, 100])
async def test_pages_show_every_workflow_once_also_when_all_share_a_time(
    store: Store, limit: int, *, oldest_first: bool
) -> None:
    expected = {f"w{number:02}" for number in range(17)}
    await asyncio.gather(*(store.create_workflow(samples.workflow(workflow_id)) for workflow_id in expected))

    ids = await listed(store, WorkflowQuery(oldest_first=oldest_first), limit=limit)

    assert len(ids) == len(expected)
    assert set(ids) == expected


@pytest.mark.parametrize("oldest_first", [True, False])
async def test_pages_stay_whole_while_workflows_are_created(store: Store, *, oldest_first: bool) -> None:
    for number in range(10):
        await store.create_workflow(samples.workflow(f"w{number}", minutes=number))
    query = WorkflowQuery(oldest_first=oldest_first)
    first = await store.list_workflows(query, limit=4)
    await store.create_workflow(samples.workflow("new", minutes=100))
    await store.create_workflow(samples.workflow("old", minutes=-100))
    rest: list[str] = []
    token = first.next_token
    while token:
        page = await store.list_workflows(query, limit=4, page_token=token)
        rest += [workflow.id for workflow in page.workflows]
        token = page.next_token

    seen = [workflow.id for workflow in first.workflows] + rest

    assert sorted(set(seen) - {"new", "old"}) == [f"w{number}" for number in range(10)]
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("token", ["x", "!!!", "WzEsMl0", "bnVsbA", "W10", "é", "A" * 500])
async def test_a_token_that_no_page_gave_out_is_refused(store: Store, token: str) -> None:
    with pytest.raises(errors.InvalidPageToken):
        await store.list_workflows(WorkflowQuery(), limit=1, page_token=token)


FILTERS = [
    (WorkflowQuery(definition_name="other"), {"other"}),
    (WorkflowQuery(statuses=(WorkflowStatus.FAILED,)), {"failed", "retried"}),
    (WorkflowQuery(statuses=(WorkflowStatus.FAILED, WorkflowStatus.CANCELLED)), {"failed", "retried"}),
    (WorkflowQuery(id_prefix="t"), {"tagged", "twice"}),
    (WorkflowQuery(id_prefix="tw"), {"twice"}),
    (WorkflowQuery(id_prefix="t", tags={"tier": "1"}), {"twice"}),
    (WorkflowQuery(id_prefix="t", definition_name="other"), set()),
    (WorkflowQuery(id_prefix="twice-"), set()),
    (WorkflowQuery(resolved_by_user=True), {"resolved", "retried"}),
    (WorkflowQuery(resolved_by="retry"), {"retried"}),
    (WorkflowQuery(resolved_by="retry", definition_name="sfncli-test:master", resolved_by_user=True), {"retried"}),
    (WorkflowQuery(resolved_by="retry", resolved_by_user=False), set()),
    (WorkflowQuery(resolved_by="other"), set()),
    (WorkflowQuery(fingerprint="1:f"), {"failed", "retried"}),
    (WorkflowQuery(fingerprint="1:f", resolved_by_user=False), {"failed"}),
    (WorkflowQuery(fingerprint="1:f", statuses=(WorkflowStatus.FAILED,), resolved_by_user=False), {"failed"}),
    (WorkflowQuery(fingerprint="1:f", statuses=(WorkflowStatus.FAILED,), queue="other"), {"retried"}),
    (WorkflowQuery(fingerprint="1:f", statuses=(WorkflowStatus.RUNNING,)), set()),
    (WorkflowQuery(fingerprint="1:f", definition_name="other"), set()),
    (WorkflowQuery(fingerprint="1:f", id_prefix="f"), {"failed"}),
    (WorkflowQuery(fingerprint="1:g"), set()),
    (WorkflowQuery(fingerprint=""), set()),
    (WorkflowQuery(namespace="production"), {"production"}),
    (WorkflowQuery(queue="slow"), {"slow"}),
    (WorkflowQuery(tags={"team": "infra"}), {"tagged", "twice"}),
    (WorkflowQuery(tags={"team": "infra", "tier": "1"}), {"twice"}),
    (WorkflowQuery(tags={"team": ""}), set()),
    (WorkflowQuery(created_after=samples.EPOCH + timedelta(minutes=6)), {"twice"}),
    (WorkflowQuery(created_before=samples.EPOCH + timedelta(minutes=1)), {"other"}),
    (WorkflowQuery(definition_name="nothing"), set()),
    (WorkflowQuery(definition_name="sfncli-test:master", queue="slow", namespace="dev"), {"slow"}),
    (WorkflowQuery(queue="slow", namespace="production"), set()),
]


@pytest.mark.parametrize(("query", "expected"), FILTERS)
async def test_filters_combine(store: Store, query: WorkflowQuery, expected: set[str]) -> None:
    for number, workflow in enumerate(
        [
            samples.workflow("other", workflow_definition=samples.definition("other")),
            samples.workflow("failed", status=WorkflowStatus.FAILED, fingerprint="1:f"),
            samples.workflow("resolved", resolved_by_user=True),
            samples.workflow("production", namespace="production"),
            samples.workflow(
                "retried",
                status=WorkflowStatus.FAILED,
                resolved_by_user=True,
                resolved_by="retry",
                queue="other",
                fingerprint="1:f",
            ),
            samples.workflow("slow", queue="slow"),
            samples.workflow("tagged", tags={"team": "infra"}),
            samples.workflow("twice", tags={"team": "infra", "tier": "1"}),
        ]
    ):
        created_at = samples.EPOCH + timedelta(minutes=number + (1 if workflow.id == "twice" else 0))
        await store.create_workflow(workflow.model_copy(update={"created_at": created_at}))

    assert set(await listed(store, query, limit=1)) == expected


async def test_the_active_list_has_what_has_not_ended_oldest_first(store: Store) -> None:
    for number in range(4):
        await store.create_workflow(samples.workflow(f"w{number}", minutes=number))
    await store.update_workflow("w1", {"status": WorkflowStatus.RUNNING}, revision=0)
    ended: WorkflowChanges = {"status": WorkflowStatus.SUCCEEDED}
    await store.update_workflow("w2", ended, revision=0)

    first = await store.list_active_workflows(limit=2)
    second = await store.list_active_workflows(limit=2, page_token=first.next_token)

    assert [workflow.id for workflow in first.workflows] == ["w0", "w1"]
    assert [workflow.id for workflow in second.workflows] == ["w3"]
    assert second.next_token is None


async def test_ended_workflows_stay_in_the_active_list_until_their_details_are_there(store: Store) -> None:
    for number, status in enumerate((WorkflowStatus.SUCCEEDED, WorkflowStatus.FAILED, WorkflowStatus.CANCELLED)):
        await store.create_workflow(samples.workflow(f"w{number}", minutes=number))
        ended: WorkflowChanges = {
            "status": status,
            "stopped_at": samples.EPOCH,
            "resolved_by_user": status is not WorkflowStatus.FAILED,
            "details_pending": True,
        }
        await store.update_workflow(f"w{number}", ended, revision=0)
    waiting = [workflow.id for workflow in (await store.list_active_workflows(limit=10)).workflows]
    failed = await listed(store, WorkflowQuery(statuses=(WorkflowStatus.FAILED,), resolved_by_user=False))
    for number in range(3):
        await store.update_workflow(f"w{number}", {"output": "{}", "details_pending": False}, revision=1)

    assert waiting == ["w0", "w1", "w2"]
    assert failed == ["w1"]
    assert (await store.list_active_workflows(limit=10)).workflows == []
    assert await listed(store, WorkflowQuery(statuses=(WorkflowStatus.FAILED,))) == ["w1"]
    assert await listed(store, WorkflowQuery(statuses=(WorkflowStatus.CANCELLED,))) == ["w2"]


async def test_known_workflows_are_named_in_the_active_list_and_not_read(store: Store) -> None:
    for number in range(3):
        await store.create_workflow(samples.workflow(f"w{number}", minutes=number))

    page = await store.list_active_workflows(limit=2, known={"w0", "w2"})
    rest = await store.list_active_workflows(limit=2, page_token=page.next_token, known={"w0", "w2"})

    assert (page.ids, [workflow.id for workflow in page.workflows]) == (["w0", "w1"], ["w1"])
    assert page.last == (samples.EPOCH + timedelta(minutes=1), "w1")
    assert (rest.ids, rest.workflows, rest.next_token) == (["w2"], [], None)


DEFERRED: WorkflowChanges = {
    "status": WorkflowStatus.SUCCEEDED,
    "stopped_at": samples.EPOCH,
    "resolved_by_user": True,
    "details_pending": True,
    "details_deferred": True,
}


async def test_deferred_details_are_listed_apart_from_the_active_workflows_until_they_are_there(store: Store) -> None:
    for number in range(3):
        await store.create_workflow(samples.workflow(f"w{number}", minutes=number))
        await store.update_workflow(f"w{number}", DEFERRED, revision=0)
    await store.update_workflow("w1", {"output": "{}", "details_pending": False}, revision=1)

    deferred = await store.list_deferred_workflows(limit=10)

    assert [workflow.id for workflow in deferred] == ["w0", "w2"]
    assert [workflow.id for workflow in await store.list_deferred_workflows(limit=1)] == ["w0"]
    assert (await store.list_active_workflows(limit=10)).ids == []


@pytest.mark.parametrize(
    "changes",
    [{"status": WorkflowStatus.FAILED, "resolved_by_user": False}, {"stop_pending": True}, {"details_deferred": False}],
)
async def test_only_the_details_of_what_went_well_can_be_deferred(store: Store, changes: WorkflowChanges) -> None:
    await store.create_workflow(samples.workflow("a"))

    await store.update_workflow("a", {**DEFERRED, **changes}, revision=0)

    assert await store.list_deferred_workflows(limit=10) == []
    assert (await store.list_active_workflows(limit=10)).ids == ["a"]


async def test_a_workflow_whose_start_is_pending_says_so(store: Store) -> None:
    await store.create_workflow(samples.workflow("a", start_pending=True))
    await store.create_workflow(samples.workflow("b"))

    before = [(await store.get_workflow(workflow_id)).start_pending for workflow_id in ("a", "b")]
    await store.update_workflow("b", {"start_pending": True}, revision=0)

    assert before == [True, False]
    assert [workflow.start_pending for workflow in (await store.list_active_workflows(limit=10)).workflows] == [
        True
    ] * 2


@pytest.mark.parametrize("resolved_first", [True, False])
async def test_a_listing_follows_a_workflow_through_its_life(store: Store, *, resolved_first: bool) -> None:
    """Resolving an active workflow is possible; its failure then is resolved already."""
    await store.create_workflow(samples.workflow("a"))
    steps: list[WorkflowChanges] = [{"status": WorkflowStatus.FAILED, "stopped_at": samples.EPOCH}]
    steps.insert(0 if resolved_first else 1, {"resolved_by_user": True})
    for revision, step in enumerate(steps):
        await store.update_workflow("a", step, revision=revision)
        workflow = await store.get_workflow("a")
        for status in WorkflowStatus:
            for resolved in (None, True, False):
                for name in (None, "sfncli-test:master"):
                    query = WorkflowQuery(statuses=(status,), resolved_by_user=resolved, definition_name=name)
                    assert await listed(store, query) == (["a"] if query.matches(workflow) else [])


@pytest.mark.parametrize("size", [1, 5_000, 300_000])
async def test_what_a_resumed_run_begins_with_is_kept_and_not_listed(store: Store, size: int) -> None:
    large = f'{{"x": "{noise(size)}"}}'
    workflow = samples.workflow("a", variables=large, execution_input=large)
    await store.create_workflow(workflow)

    changed = await store.update_workflow("a", {"status": WorkflowStatus.RUNNING}, revision=0)

    assert await store.get_workflow("a") == changed
    assert (changed.variables, changed.execution_input) == (large, large)
    (listed_one,) = (await store.list_workflows(WorkflowQuery(), limit=1, summaries=True)).workflows
    assert (listed_one.variables, listed_one.execution_input) == (None, None)


async def test_who_resolved_a_workflow_is_kept(store: Store) -> None:
    await store.create_workflow(samples.workflow("a", status=WorkflowStatus.FAILED, stopped_at=samples.EPOCH))
    changed = await store.update_workflow("a", {"resolved_by_user": True, "resolved_by": "retry"}, revision=0)

    assert (changed.resolved_by_user, changed.resolved_by) == (True, "retry")
    assert await store.get_workflow("a") == changed
    assert await listed(store, WorkflowQuery(resolved_by="retry")) == ["a"]


async def test_a_failure_is_found_by_its_fingerprint_as_the_last_write_left_it(store: Store) -> None:
    for number in range(3):
        await store.create_workflow(samples.workflow(f"w{number}", minutes=number))
        ended: WorkflowChanges = {"status": WorkflowStatus.FAILED, "stopped_at": samples.EPOCH, "fingerprint": "1:f"}
        await store.update_workflow(f"w{number}", ended, revision=0)
    await store.update_workflow("w1", {"fingerprint": "1:g"}, revision=1)
    changed = await store.update_workflow("w2", {"fingerprint": None}, revision=1)

    assert (changed.fingerprint, (await store.get_workflow("w1")).fingerprint) == (None, "1:g")
    assert await listed(store, WorkflowQuery(fingerprint="1:f")) == ["w0"]
    assert await listed(store, WorkflowQuery(fingerprint="1:g")) == ["w1"]
    (shown,) = (await store.list_workflows(WorkflowQuery(fingerprint="1:g"), limit=9, summaries=True)).workflows
    assert shown.fingerprint == "1:g"


async def test_errors_and_causes_are_kept_apart_from_reasons(store: Store) -> None:
    cause = "a line of output\n" * 2_000
    job = Job(
        id="2",
        state="echo",
        type="Task",
        status=JobStatus.FAILED,
        created_at=samples.EPOCH,
        status_reason="Boom: no room",
        error="Boom",
        cause=cause,
    )
    await store.create_workflow(samples.workflow("w"))
    changes: WorkflowChanges = {
        "status": WorkflowStatus.FAILED,
        "stopped_at": samples.EPOCH,
        "status_reason": "Boom: no room",
        "error": "Boom",
        "jobs": (job,),
        "last_job": job,
    }
    await store.update_workflow("w", changes, revision=0)
    read = await store.get_workflow("w")
    (listed_one,) = (await store.list_workflows(WorkflowQuery(), limit=10, summaries=True)).workflows
    assert (read.error, read.jobs, read.last_job) == ("Boom", (job,), job)
    assert (listed_one.error, listed_one.last_job) == ("Boom", job.model_copy(update={"cause": None}))


async def test_summaries_leave_out_what_can_be_large(store: Store) -> None:
    job = Job(
        id="2",
        state="echo",
        type="Task",
        status=JobStatus.FAILED,
        created_at=samples.EPOCH,
        input="{}",
        assigned_variables={"x": "1"},
    )
    await store.create_workflow(samples.workflow("a", input='{"n": 1}'))
    whole = await store.update_workflow("a", {"output": "{}", "jobs": (job,), "last_job": job}, revision=0)

    (listed_one,) = (await store.list_workflows(WorkflowQuery(), limit=1, summaries=True)).workflows
    (with_input,) = (await store.list_workflows(WorkflowQuery(), limit=1, summaries=True, inputs=True)).workflows
    (active_one,) = (await store.list_active_workflows(limit=1)).workflows

    brief = job.model_copy(update={"input": None, "assigned_variables": None})
    large = {"input": "", "output": None, "jobs": (), "workflow_definition": header(whole.workflow_definition)}
    assert listed_one == whole.model_copy(update={**large, "last_job": brief})
    assert with_input == listed_one.model_copy(update={"input": '{"n": 1}'})
    assert active_one == listed_one


async def test_jobs_of_a_run_at_its_budget_come_back_whole(store: Store) -> None:
    """As many payloads as are kept of one run, which cannot be deflated; each is handed on to the next job."""
    texts = [noise(100 * 1024) for _ in range(41)]
    left_out = samples_of_jobs(texts[:2], payloads_left_out=True)
    kept = samples_of_jobs(texts)
    jobs = (*left_out, *kept)
    await store.create_workflow(samples.workflow("w"))

    changed = await store.update_workflow("w", {"jobs": jobs, "last_job": jobs[-1]}, revision=0)
    again = await store.update_workflow("w", {"last_updated": samples.EPOCH}, revision=changed.revision)

    found = await store.get_workflow("w")
    assert found.jobs == changed.jobs == again.jobs == jobs
    assert found.last_job == jobs[-1]
    assert [job.payloads_left_out for job in found.jobs[:2]] == [True, None]


def samples_of_jobs(texts: list[str], *, payloads_left_out: bool | None = None) -> tuple[Job, ...]:
    """Return one job for each step from text to text."""
    return tuple(
        Job(
            id=f"{number}{'x' if payloads_left_out else ''}",
            state="a",
            type="Pass",
            status=JobStatus.SUCCEEDED,
            created_at=samples.EPOCH,
            input=None if payloads_left_out else before,
            output=None if payloads_left_out else after,
            payloads_left_out=payloads_left_out,
        )
        for number, (before, after) in enumerate(itertools.pairwise(texts), start=1)
    )


async def test_who_did_what_to_a_workflow_is_kept_with_it(store: Store) -> None:
    await store.create_workflow(samples.workflow("a", created_by="key/creator"))

    await store.update_workflow("a", {"cancelled_by": "key/b"}, revision=0)
    changes: WorkflowChanges = {"resolved_by_caller": "oidc/idp/c", "resolve_reason": "known bug"}
    updated = await store.update_workflow("a", changes, revision=1)

    for found in (updated, await store.get_workflow("a")):
        assert (found.created_by, found.cancelled_by) == ("key/creator", "key/b")
        assert (found.resolved_by_caller, found.resolve_reason) == ("oidc/idp/c", "known bug")
    [listed] = (await store.list_workflows(WorkflowQuery(), limit=10, summaries=True, inputs=False)).workflows
    assert (listed.created_by, listed.cancelled_by) == ("key/creator", "key/b")
