"""Which payloads are kept of a run that has more of them than are kept, and where the others come from.

Covers `app.executor.history.payloads`.
"""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from app.executor import history
from app.executor.history import Event
from app.executor.history.payloads import ForResume, Newest, Only
from app.executor.sfn import history_reader
from app.executor.sfn.history_reader import HistoryReader
from tests import samples
from tests.app.executor.history.recorded import event
from tests.fake_sfn import FakeSFN
from tests.rig import Rig
from workflow_manager import errors, models
from workflow_manager.models import Job, Workflow, WorkflowDefinitionOverrides

KILOBYTE = 1024
DOCUMENT_BYTES = 100 * KILOBYTE
LIMIT_BYTES = 16 * KILOBYTE * KILOBYTE
START = {"workflowDefinition": {"name": "echo"}, "namespace": "dev", "input": {}}


def document(number: int) -> str:
    """Write one of many documents that differ."""
    return json.dumps({"turn": number, "data": "x" * DOCUMENT_BYTES})


def loop(turns: int, *, first: int = 2) -> Iterator[Event]:
    """Write a loop of one Pass that hands on another document in each turn."""
    for turn in range(turns):
        entry = first + 2 * turn
        yield event(entry, entry - 1, "PassStateEntered", name="Next", input=document(turn))
        yield event(entry + 1, entry, "PassStateExited", name="Next", output=document(turn + 1))


def fold(events: Iterator[Event] | list[Event], payloads: Newest | Only | ForResume) -> history.HistoryFold:
    """Fold events under a rule for payloads."""
    whole = history.HistoryFold(payloads=payloads)
    whole.add(events)
    return whole


def has_payloads(job: Job) -> bool:
    """Whether a job has its input."""
    return job.input is not None


def test_a_run_that_fits_keeps_every_payload() -> None:
    jobs = fold(loop(50), Newest(LIMIT_BYTES)).jobs()
    assert all(job.input and job.output and job.payloads_left_out is None for job in jobs)


def test_a_run_that_does_not_fit_keeps_the_payloads_of_its_last_jobs_and_everything_else() -> None:
    whole = fold(loop(500), Newest(LIMIT_BYTES))
    jobs = whole.jobs()
    kept = [job for job in jobs if has_payloads(job)]
    assert len(jobs) == 500
    assert jobs[-1] in kept
    assert kept == list(jobs[-len(kept) :])
    assert all(job.payloads_left_out and job.status == "succeeded" and job.stopped_at for job in jobs[: -len(kept)])
    assert LIMIT_BYTES - 3 * DOCUMENT_BYTES < whole.kept_bytes <= LIMIT_BYTES


def test_what_is_kept_does_not_depend_on_how_the_history_is_cut() -> None:
    pieces = history.HistoryFold(payloads=Newest(LIMIT_BYTES))
    for one in loop(300):
        pieces.add([one])
    assert pieces.jobs() == fold(loop(300), Newest(LIMIT_BYTES)).jobs()


def test_causes_and_variables_count_too() -> None:
    events: list[Event] = []
    for number in range(1, 400, 4):
        cause, value = "c" * 30 * KILOBYTE, json.dumps("v" * 30 * KILOBYTE)
        events += [
            event(number, number - 1, "TaskStateEntered", name="Work"),
            event(number + 1, number, "TaskScheduled", resourceType="sqs", resource="sendMessage"),
            event(number + 2, number + 1, "TaskFailed", error="E", cause=cause),
            event(number + 3, number + 2, "TaskStateExited", name="Work", assignedVariables={"v": value}),
        ]
    whole = fold(events, Newest(KILOBYTE * KILOBYTE))
    first, last = whole.jobs()[0], whole.jobs()[-1]
    assert whole.kept_bytes <= KILOBYTE * KILOBYTE
    assert (first.cause, first.assigned_variables, first.error, first.payloads_left_out) == (None, None, "E", True)
    assert last.cause
    assert last.assigned_variables


def test_a_text_that_is_handed_on_is_held_once() -> None:
    jobs = fold(loop(3), Newest(LIMIT_BYTES)).jobs()
    assert jobs[1].input is jobs[0].output


def test_single_jobs_can_be_read_whole() -> None:
    jobs = fold(loop(300), Only({2, 102})).jobs()
    assert [job.id for job in jobs if has_payloads(job)] == ["2", "102"]


def test_a_resume_finds_the_last_input_of_its_state_and_the_variables_before_it() -> None:
    events: list[Event] = [
        event(1, 0, "PassStateEntered", name="Set", input="{}"),
        event(2, 1, "PassStateExited", name="Set", assignedVariables={"day": '"monday"', "n": "1"}),
        event(3, 2, "PassStateEntered", name="Work", input='{"n":1}'),
        event(4, 3, "PassStateExited", name="Work", assignedVariables={"n": "2"}),
        event(5, 4, "PassStateEntered", name="Work", input='{"n":2}'),
        event(6, 5, "PassStateExited", name="Work", assignedVariables={"n": "3"}),
        event(7, 6, "FailStateEntered", name="Stop"),
    ]
    first, second, third, stop = fold(events, ForResume("Work")).jobs()
    assert third.input == '{"n":2}'
    assert second.assigned_variables == {"day": '"monday"', "n": "2"}
    assert (first.assigned_variables, stop.input) == (None, None)


async def looping(rig: Rig, turns: int) -> Workflow:
    """Run a loop over documents; it goes on."""
    workflow = await rig.started(input=json.dumps({"data": "x" * DOCUMENT_BYTES}))
    for turn in range(turns):
        rig.sfn.execution(workflow.id).record(
            "PassStateEntered", rig.clock.now(), stateEnteredEventDetails={"name": "echo", "input": document(turn)}
        )
        rig.sfn.leave(workflow.id, "echo")
    return await rig.store.get_workflow(workflow.id)


async def test_a_job_whose_payloads_are_left_out_is_read_from_step_functions(rig: Rig) -> None:
    workflow = await looping(rig, 200)
    rig.sfn.succeed(workflow.id)
    seen = await rig.executor.get(workflow.id, fetch_history=True)
    first = seen.jobs[0]
    assert (first.input, first.payloads_left_out) == (None, True)

    job = await rig.executor.job(workflow.id, first.id)

    assert json.loads(job.input or "")["turn"] == 0
    assert job.payloads_left_out is None


async def test_a_job_that_is_kept_whole_costs_no_call(rig: Rig) -> None:
    workflow = await looping(rig, 1)
    rig.sfn.succeed(workflow.id)
    seen = await rig.executor.get(workflow.id, fetch_history=True)
    before = rig.sfn.calls["get_execution_history"]
    assert await rig.executor.job(workflow.id, seen.jobs[0].id) == seen.jobs[0]
    assert rig.sfn.calls["get_execution_history"] == before


@pytest.mark.parametrize("job_id", ["999", "x", "0"])
async def test_a_job_that_is_not_there_is_not_found(rig: Rig, job_id: str) -> None:
    workflow = await looping(rig, 1)
    with pytest.raises(errors.JobNotFound):
        await rig.executor.job(workflow.id, job_id)


async def test_payloads_that_nobody_has_any_more_are_not_found(rig: Rig) -> None:
    workflow = await looping(rig, 200)
    rig.sfn.succeed(workflow.id)
    seen = await rig.executor.get(workflow.id, fetch_history=True)
    rig.sfn.forget(workflow.id)
    with pytest.raises(errors.JobNotFound, match="no longer"):
        await rig.executor.job(workflow.id, seen.jobs[0].id)


async def test_a_resume_asks_step_functions_for_an_input_that_was_left_out(rig: Rig) -> None:
    workflow = await looping(rig, 1)
    for turn in range(200):
        rig.sfn.execution(workflow.id).record(
            "PassStateEntered", rig.clock.now(), stateEnteredEventDetails={"name": "other", "input": document(turn)}
        )
    rig.sfn.fail(workflow.id, "E", "c")
    seen = await rig.executor.get(workflow.id, fetch_history=True)
    assert seen.jobs[0].payloads_left_out

    retry = await rig.executor.resume(workflow.id, WorkflowDefinitionOverrides(start_at="echo"))

    assert json.loads(retry.input)["turn"] == 0


async def test_twenty_loops_over_large_documents_are_held_within_a_limit() -> None:
    """What is held of runs that go on is counted in bytes, and their pages hold few events."""
    sfn = FakeSFN()
    reader = HistoryReader(sfn.client(), payload_bytes=2 * KILOBYTE * KILOBYTE, bookmark_bytes=8 * KILOBYTE * KILOBYTE)
    asked, _ = pages_of(sfn)
    large = json.dumps({"data": "x" * DOCUMENT_BYTES})
    for number in range(20):
        workflow = samples.workflow(f"w{number}", input=large)
        machine = workflow.execution_arn.rpartition(":")[0].replace(":execution:", ":stateMachine:")
        sfn.machines[machine] = {}
        await sfn.start_execution(stateMachineArn=machine, name=workflow.id, input=large)
        sfn.execution(workflow.id).events += [dict(one) for one in loop(60)]
        for _ in range(2):
            observation = await reader.read(workflow)
        assert len(observation.jobs or ()) == 60
        assert reader.held_bytes <= 8 * KILOBYTE * KILOBYTE
    assert max(asked) * DOCUMENT_BYTES <= history_reader.PAGE_BYTES


async def test_runs_with_many_payloads_are_refreshed_one_at_a_time(rig: Rig) -> None:
    """Each holds its workflow meanwhile; those with few payloads wait for nobody."""
    heavy = await looping(rig, 200)
    await rig.reconciler.read_history(heavy)
    entered = asyncio.Event()

    async def enter() -> None:
        async with rig.reconciler.turn(heavy.id):
            entered.set()

    async with rig.reconciler.turn(heavy.id):
        waiting = asyncio.create_task(enter())
        async with rig.reconciler.turn("another"), rig.reconciler.turn(heavy.id):
            await asyncio.sleep(0)
            assert not entered.is_set()
        assert not rig.reconciler.busy(heavy.id)
    await waiting
    assert entered.is_set()


async def test_who_does_not_wait_for_a_turn_is_told_that_it_is_taken(rig: Rig) -> None:
    first = await looping(rig, 200)
    await rig.reconciler.read_history(first)
    second = await rig.executor.start(models.StartWorkflowRequest.model_validate(START))
    rig.sfn.execution(second.id).events += [dict(one) for one in loop(200)]
    held, release = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with rig.reconciler.turn(first.id):
            held.set()
            await release.wait()

    holding = asyncio.create_task(hold())
    await held.wait()
    with pytest.raises(errors.ExecutionBusy):  # nothing was known of it before
        await rig.reconciler.read_history(second, wait=False)
    assert rig.reconciler.busy(second.id)
    release.set()
    await holding
    observation = await rig.reconciler.read_history(second, wait=False)
    assert len(observation.jobs or ()) == 200


async def test_a_small_input_does_not_lead_to_a_large_page(rig: Rig) -> None:
    """A page that weighs too much is not taken; the history is read anew in pages that fit."""
    workflow = await rig.started(input="{}")
    for _ in range(20):
        rig.sfn.enter(workflow.id, "echo")
        rig.sfn.leave(workflow.id, "echo")
    for turn in range(300):
        rig.sfn.execution(workflow.id).record(
            "PassStateEntered", rig.clock.now(), stateEnteredEventDetails={"name": "echo", "input": document(turn)}
        )
        rig.sfn.leave(workflow.id, "echo")
    asked, taken = pages_of(rig.sfn)
    reader = HistoryReader(rig.sfn.client())

    observation = await reader.read(workflow)
    again = await reader.read(workflow)

    assert len(observation.jobs or ()) == 320
    assert again.jobs == observation.jobs
    assert asked[0] == history_reader.PAGE_EVENTS
    assert max(taken) <= history_reader.PAGE_BYTES
    assert not any(size == history_reader.PAGE_EVENTS for size in asked[1:])


async def test_another_replica_knows_from_what_is_stored_how_large_pages_are(rig: Rig) -> None:
    workflow = await looping(rig, 300)
    await rig.reconciler.observe(workflow)
    stored = (await rig.store.get_workflow(workflow.id)).model_copy(update={"input": "{}"})
    asked, taken = pages_of(rig.sfn)

    observation = await HistoryReader(rig.sfn.client()).read(stored)

    assert len(observation.jobs or ()) == 300
    assert asked[0] < 100
    assert len(taken) == len(asked)
    assert max(taken) <= history_reader.PAGE_BYTES


async def test_single_payloads_beyond_any_page_are_read_all_the_same(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_reader, "PAGE_BYTES", DOCUMENT_BYTES)
    workflow = await looping(rig, 30)
    rig.sfn.succeed(workflow.id)
    observation = await rig.reconciler.read_history(workflow)
    assert len(observation.jobs or ()) == 30
    assert observation.status.terminal


async def test_all_pages_of_one_reading_have_the_same_size(rig: Rig) -> None:
    """As AWS wants it: the token of a page goes with the other arguments of the call that gave it."""
    workflow = await looping(rig, 300)
    sizes: dict[str, int] = {}
    original = rig.sfn.get_execution_history

    async def checked(**arguments: Any) -> Any:
        if token := arguments.get("nextToken"):
            assert sizes[token] == arguments["maxResults"]
        page = await original(**arguments)
        if "nextToken" in page:
            sizes[page["nextToken"]] = arguments["maxResults"]
        return page

    rig.sfn.get_execution_history = checked  # type: ignore[method-assign]  # watched
    reader = HistoryReader(rig.sfn.client())
    for _ in range(3):
        await reader.read(workflow.model_copy(update={"input": "{}"}))
    assert sizes


def texts(one: Event) -> list[str]:
    """Return the payloads of an event."""
    return [text for value in one.values() if isinstance(value, dict) for text in value.values() if len(text) > 100]


def pages_of(sfn: FakeSFN) -> tuple[list[int], list[int]]:
    """Watch which pages are asked for, and how many bytes those have that are taken."""
    asked: list[int] = []
    taken: list[int] = []
    original = sfn.get_execution_history

    async def watched(**arguments: Any) -> Any:
        asked.append(arguments["maxResults"])
        page = await original(**arguments)
        taken.append(sum(len(text) for one in page["events"] for text in texts(one)))
        return page

    sfn.get_execution_history = watched  # type: ignore[method-assign]  # watched
    return asked, taken
