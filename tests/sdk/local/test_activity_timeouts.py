"""Time limits of activity tasks. The runs wait for real seconds, so all of them wait together.

Covers `workflow_manager.local.stepfunctions.activity_state`.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from botocore.exceptions import ClientError

from tests.sdk.local.workbench import PASS, Run, Workbench, code_of, task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future


class Outcome(NamedTuple):
    """How a run ended, and what its worker saw."""

    run: Run
    seen: Any


def never_taken(bench: Workbench) -> Outcome:
    arn = bench.activity()
    run = bench.run(task(arn, TimeoutSeconds=1))
    execution_arn = bench.start(task(arn), "next")
    got = bench.take(arn)
    bench.client.stop_execution(executionArn=execution_arn)
    return Outcome(run, got["input"])


def taken_but_not_answered(bench: Workbench) -> Outcome:
    arn = bench.activity()
    execution_arn = bench.start(task(arn, TimeoutSeconds=1))
    got = bench.take(arn)
    run = bench.finish(execution_arn)
    return Outcome(run, [refusal(lambda: bench.echo(got)), refusal(lambda: beat(bench, got))])


def no_heartbeat(bench: Workbench) -> Outcome:
    arn = bench.activity()
    catch = [{"ErrorEquals": ["States.Timeout"], "ResultPath": "$.error", "Next": "Caught"}]
    state = task(arn, TimeoutSeconds=60, HeartbeatSeconds=1, Catch=catch)
    execution_arn = bench.start({"StartAt": "A", "States": {"A": state, "Caught": PASS}})
    got = bench.take(arn)
    run = bench.finish(execution_arn)
    return Outcome(run, refusal(lambda: bench.echo(got)))


def heartbeats(bench: Workbench) -> Outcome:
    """Answer later than a heartbeat may take, after heartbeats that leave a busy machine time to stumble."""
    arn = bench.activity()
    execution_arn = bench.start(task(arn, TimeoutSeconds=60, HeartbeatSeconds=3))
    got = bench.take(arn)
    for _ in range(4):
        one_second(bench)
        beat(bench, got)
    bench.echo(got)
    return Outcome(bench.finish(execution_arn), None)


def timeout_in_spite_of_heartbeats(bench: Workbench) -> Outcome:
    arn = bench.activity()
    execution_arn = bench.start(task(arn, TimeoutSeconds=2, HeartbeatSeconds=1))
    got = bench.take(arn)
    beats = 0
    while (seen := refusal(lambda: beat(bench, got))) is None:
        beats += 1
    return Outcome(bench.finish(execution_arn), (seen, beats > 2))


def tried_again_after_a_timeout(bench: Workbench) -> Outcome:
    arn = bench.activity()
    retry = [{"ErrorEquals": ["States.Timeout"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    execution_arn = bench.start(task(arn, TimeoutSeconds=1, Retry=retry))
    first = bench.take(arn)
    second = bench.take(arn)
    late = refusal(lambda: bench.echo(first))
    bench.echo(second)
    return Outcome(bench.finish(execution_arn), late)


def timeout_from_the_input(bench: Workbench) -> Outcome:
    state = task(bench.activity(), TimeoutSecondsPath="$.seconds")
    return Outcome(bench.run(state, {"seconds": 1}), None)


def answers_around_the_timeout(bench: Workbench) -> Outcome:
    """Return, for answers a little before and after the timeout, whether the run succeeded and the answer counted."""

    def race(late_seconds: float) -> tuple[Run, bool]:
        arn = bench.activity()
        machine_arn = bench.machine(task(arn, TimeoutSeconds=1))
        started = bench.client.start_execution(stateMachineArn=machine_arn)
        got = bench.take(arn)
        passed = (datetime.now(UTC) - started["startDate"]).total_seconds()
        threading.Event().wait(1 + late_seconds - passed)
        counted = refusal(lambda: bench.echo(got)) is None
        return bench.finish(started["executionArn"]), counted

    with ThreadPoolExecutor(12) as racers:
        results = list(racers.map(race, [number / 200 - 0.02 for number in range(12)]))
    return Outcome(results[0][0], [(run.status == "SUCCEEDED", counted) for run, counted in results])


SCENARIOS: tuple[Callable[[Workbench], Outcome], ...] = (
    never_taken,
    taken_but_not_answered,
    no_heartbeat,
    heartbeats,
    timeout_in_spite_of_heartbeats,
    tried_again_after_a_timeout,
    timeout_from_the_input,
    answers_around_the_timeout,
)


@pytest.fixture(scope="module")
def outcomes(bench: Workbench) -> Iterator[dict[str, Future[Outcome]]]:
    with ThreadPoolExecutor(len(SCENARIOS)) as pool:
        yield {scenario.__name__: pool.submit(scenario, bench) for scenario in SCENARIOS}


def test_a_task_that_nobody_takes_times_out(outcomes: dict[str, Future[Outcome]]) -> None:
    run = outcomes["never_taken"].result().run

    assert (run.status, run.error) == ("FAILED", ("States.Timeout", None))
    assert run.event_types[2:] == ["ActivityScheduled", "ActivityTimedOut", "ExecutionFailed"]


def test_a_task_that_timed_out_is_not_given_to_a_worker(outcomes: dict[str, Future[Outcome]]) -> None:
    assert outcomes["never_taken"].result().seen == '"next"'


def test_a_task_without_an_answer_times_out(outcomes: dict[str, Future[Outcome]]) -> None:
    run = outcomes["taken_but_not_answered"].result().run

    assert (run.status, run.error) == ("FAILED", ("States.Timeout", None))
    assert run.event_types[2:] == ["ActivityScheduled", "ActivityStarted", "ActivityTimedOut", "ExecutionFailed"]


def test_an_answer_after_the_timeout_is_too_late(outcomes: dict[str, Future[Outcome]]) -> None:
    assert outcomes["taken_but_not_answered"].result().seen == ["TaskTimedOut", "TaskTimedOut"]


def test_a_task_without_heartbeats_times_out_long_before_its_timeout(outcomes: dict[str, Future[Outcome]]) -> None:
    run, late = outcomes["no_heartbeat"].result()

    assert (run.status, run.output["error"]["Error"], late) == ("SUCCEEDED", "States.Timeout", "TaskTimedOut")
    assert run.event_types[2:5] == ["ActivityScheduled", "ActivityStarted", "ActivityTimedOut"]
    assert (run.description["stopDate"] - run.description["startDate"]).total_seconds() < 30


def test_heartbeats_keep_a_task_alive(outcomes: dict[str, Future[Outcome]]) -> None:
    run = outcomes["heartbeats"].result().run

    assert run.status == "SUCCEEDED"
    assert (run.description["stopDate"] - run.description["startDate"]).total_seconds() > 3.9


def test_heartbeats_do_not_move_the_timeout(outcomes: dict[str, Future[Outcome]]) -> None:
    run, seen = outcomes["timeout_in_spite_of_heartbeats"].result()

    assert (run.status, run.error[0], seen) == ("FAILED", "States.Timeout", ("TaskTimedOut", True))


def test_a_task_that_timed_out_is_tried_again_with_a_token_of_its_own(outcomes: dict[str, Future[Outcome]]) -> None:
    run, late = outcomes["tried_again_after_a_timeout"].result()

    assert (run.status, late) == ("SUCCEEDED", "TaskTimedOut")
    assert run.event_types[2:8] == [
        "ActivityScheduled",
        "ActivityStarted",
        "ActivityTimedOut",
        "ActivityScheduled",
        "ActivityStarted",
        "ActivitySucceeded",
    ]


def test_a_timeout_can_come_from_the_input(outcomes: dict[str, Future[Outcome]]) -> None:
    run = outcomes["timeout_from_the_input"].result().run

    assert (run.status, run.error[0]) == ("FAILED", "States.Timeout")
    assert run.events[2]["activityScheduledEventDetails"]["timeoutInSeconds"] == 1


def test_an_answer_counts_exactly_when_the_run_succeeds(outcomes: dict[str, Future[Outcome]]) -> None:
    seen = outcomes["answers_around_the_timeout"].result().seen

    assert [succeeded for succeeded, _ in seen] == [counted for _, counted in seen]


def test_heartbeats_are_welcome_where_none_are_asked_for(bench: Workbench) -> None:
    arn = bench.activity()
    execution_arn = bench.start(task(arn))
    got = bench.take(arn)

    beat(bench, got)
    beat(bench, got)
    bench.echo(got)

    assert bench.finish(execution_arn).status == "SUCCEEDED"


def beat(bench: Workbench, got: Any) -> None:
    """Send a heartbeat for a task."""
    bench.client.send_task_heartbeat(taskToken=got["taskToken"])


def refusal(call: Callable[[], object]) -> str | None:
    """Return the error code that a call gets, if any."""
    try:
        call()
    except ClientError as error:
        return code_of(error)
    return None


def one_second(bench: Workbench) -> None:
    """Let a second pass on the clock of the server, which is the one that counts."""
    bench.run({"Type": "Wait", "Seconds": 1, "End": True})
