"""Redriving executions of the embedded Step Functions: who may go on, where, and what AWS tells of it.

The shape of the histories is that of recorded redrives of AWS: a state that goes on is not entered again, and its next
event follows its entry.

Covers `workflow_manager.local.stepfunctions.redrive`, `workflow_manager.local.stepfunctions.checkpoints` and
`workflow_manager.local.stepfunctions.executions`.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.eventually import eventually
from tests.sdk.local.test_process import SERVE, first_line, python, workbench
from tests.sdk.local.workbench import PASS, Workbench, code_of, task, unique
from workflow_manager.local.stepfunctions import redrive
from workflow_manager.local.stepfunctions.redrive import Redrives

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)
FAIL = {"Type": "Fail", "Error": "Broken", "Cause": "on purpose"}
WAIT = {"Type": "Wait", "Seconds": 600, "End": True}


def links(events: list[dict[str, Any]]) -> list[tuple[int, int, str]]:
    """Return id, id of the event before, and type of events."""
    return [(event["id"], event["previousEventId"], event["type"]) for event in events]


def failed_task(bench: Workbench, **fields: Any) -> tuple[str, str]:
    """Run a Pass and a task that fails; return the execution and the activity."""
    activity = bench.activity()
    states = {"First": {"Type": "Pass", "Next": "Work"}, "Work": task(activity, Next="Last", **fields), "Last": PASS}
    execution_arn = bench.start({"StartAt": "First", "States": states}, {"n": 1})
    bench.fail(bench.take(activity))
    assert bench.finish(execution_arn).status == "FAILED"
    return execution_arn, activity


# The rules


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({}, None),
        ({"status": "ABORTED"}, None),
        ({"status": "TIMED_OUT"}, None),
        ({"status": "RUNNING", "stopped": None}, "Execution is RUNNING and cannot be redriven"),
        ({"status": "SUCCEEDED"}, "Execution is SUCCEEDED and cannot be redriven"),
        ({"events": 24_998}, None),
        ({"events": 24_999}, "Execution history event limit exceeded"),
        ({"events": 25_000}, "Execution history event limit exceeded"),
        ({"stopped": NOW - timedelta(days=13, hours=23, minutes=59)}, None),
        ({"stopped": NOW - timedelta(days=14, minutes=1)}, "Execution redrivable period exceeded"),
        ({"started": NOW - timedelta(days=364)}, None),
        ({"started": NOW - timedelta(days=365)}, "Execution has exceeded the max execution time"),
        ({"is_express": True}, "Express executions cannot be redriven"),
    ],
)
def test_who_may_be_redriven(facts: dict[str, Any], reason: str | None) -> None:
    known = {"status": "FAILED", "started": NOW - timedelta(days=20), "stopped": NOW - timedelta(hours=1), "events": 7}

    assert redrive.refusal(**{**known, **facts}, now=NOW) == reason


def test_a_client_token_has_the_same_answer_for_15_minutes() -> None:
    redrives = Redrives().after("a", now=NOW)

    assert redrives.answered("a", now=NOW + timedelta(minutes=14, seconds=59)) == NOW
    assert redrives.answered("a", now=NOW + timedelta(minutes=15)) is None
    assert redrives.answered("b", now=NOW) is None
    assert redrives.answered(None, now=NOW) is None


def test_the_last_ten_client_tokens_are_known() -> None:
    redrives = Redrives()
    for number in range(11):
        redrives = redrives.after(f"token-{number}", now=NOW)

    assert (redrives.count, redrives.date) == (11, NOW)
    assert [redrives.answered(f"token-{number}", now=NOW) for number in range(11)] == [None, *[NOW] * 10]


def test_a_token_that_was_used_up_counts_from_its_new_use() -> None:
    later = NOW + timedelta(hours=1)
    redrives = Redrives().after("a", now=NOW).after("a", now=later)

    assert (redrives.count, redrives.tokens) == (2, (("a", later),))


# What a redrive does


def test_a_failed_task_runs_again_and_its_state_is_not_entered_again(bench: Workbench) -> None:
    execution_arn, activity = failed_task(bench, ResultPath="$.work")
    answer: Any = bench.client.redrive_execution(executionArn=execution_arn)
    running: Any = bench.client.describe_execution(executionArn=execution_arn)

    bench.echo(bench.take(activity, "second"))
    run = bench.finish(execution_arn)

    assert (running["status"], running["redriveCount"], running["redriveDate"]) == ("RUNNING", 1, answer["redriveDate"])
    assert not {"stopDate", "error", "cause", "output"} & set(running)
    assert (run.status, run.output) == ("SUCCEEDED", {"n": 1, "work": {"got": {"n": 1}}})
    assert links(run.events)[3:] == [
        (4, 3, "TaskStateEntered"),
        (5, 4, "ActivityScheduled"),
        (6, 5, "ActivityStarted"),
        (7, 6, "ActivityFailed"),
        (8, 7, "ExecutionFailed"),
        (9, 8, "ExecutionRedriven"),
        (10, 4, "ActivityScheduled"),
        (11, 10, "ActivityStarted"),
        (12, 11, "ActivitySucceeded"),
        (13, 12, "TaskStateExited"),
        (14, 13, "PassStateEntered"),
        (15, 14, "PassStateExited"),
        (16, 15, "ExecutionSucceeded"),
    ]
    assert run.events[8]["executionRedrivenEventDetails"] == {"redriveCount": 1}


def test_what_describe_and_lists_tell_of_redrives(bench: Workbench) -> None:
    execution_arn, activity = failed_task(bench)
    fields = ("status", "redriveCount", "redriveDate", "redriveStatus", "redriveStatusReason")

    def told() -> list[Any]:
        description: Any = bench.client.describe_execution(executionArn=execution_arn)
        machine = description["stateMachineArn"]
        (row,) = bench.client.list_executions(stateMachineArn=machine)["executions"]
        assert [row.get(name) for name in fields[:3]] == [description.get(name) for name in fields[:3]]
        return [description.get(name) for name in fields]

    running, succeeded = (f"Execution is {status} and cannot be redriven" for status in ("RUNNING", "SUCCEEDED"))
    assert told() == ["FAILED", 0, None, "REDRIVABLE", None]
    date = bench.client.redrive_execution(executionArn=execution_arn)["redriveDate"]
    assert told() == ["RUNNING", 1, date, "NOT_REDRIVABLE", running]
    bench.fail(bench.take(activity))
    bench.finish(execution_arn)
    assert told() == ["FAILED", 1, date, "REDRIVABLE", None]
    date = bench.client.redrive_execution(executionArn=execution_arn)["redriveDate"]
    bench.echo(bench.take(activity))
    bench.finish(execution_arn)
    assert told() == ["SUCCEEDED", 2, date, "NOT_REDRIVABLE", succeeded]


def test_who_may_not_be_redriven_is_told_in_the_words_of_aws(bench: Workbench) -> None:
    running = bench.start(WAIT)
    succeeded = bench.run(PASS).description["executionArn"]
    unknown = succeeded + "-other"

    for execution_arn, status in ((running, "RUNNING"), (succeeded, "SUCCEEDED")):
        with pytest.raises(bench.client.exceptions.ExecutionNotRedrivable) as refused:
            bench.client.redrive_execution(executionArn=execution_arn)
        assert refused.value.response["Error"]["Message"] == (
            f"Execution {execution_arn} invalid for redrive as: Execution is {status} and cannot be redriven"
        )
    with pytest.raises(bench.client.exceptions.ExecutionDoesNotExist):
        bench.client.redrive_execution(executionArn=unknown)


def test_lists_by_state_machine_have_no_filter_of_redrives(bench: Workbench) -> None:
    """AWS has it for Map Runs only."""
    machine_arn = bench.machine(PASS)

    for wrong in ({"redriveFilter": "REDRIVEN"}, {"statusFilter": "PENDING_REDRIVE"}):
        options: Any = {"stateMachineArn": machine_arn, **wrong}
        with pytest.raises(ClientError) as refused:
            bench.client.list_executions(**options)
        assert code_of(refused.value) == "ValidationException"


def test_the_same_client_token_redrives_once(bench: Workbench) -> None:
    execution_arn, activity = failed_task(bench)
    again: Any = {"executionArn": execution_arn, "clientToken": "token-a"}
    first = bench.client.redrive_execution(**again)["redriveDate"]

    assert bench.client.redrive_execution(**again)["redriveDate"] == first
    with pytest.raises(bench.client.exceptions.ExecutionNotRedrivable):
        bench.client.redrive_execution(executionArn=execution_arn, clientToken="token-b")
    bench.fail(bench.take(activity))
    bench.finish(execution_arn)
    assert bench.client.redrive_execution(**again)["redriveDate"] == first
    assert bench.client.describe_execution(executionArn=execution_arn)["status"] == "FAILED"

    second = bench.client.redrive_execution(executionArn=execution_arn, clientToken="token-b")["redriveDate"]

    assert second > first
    assert bench.client.redrive_execution(**again)["redriveDate"] == first


def test_retries_count_anew(bench: Workbench) -> None:
    retry = [{"ErrorEquals": ["Broken"], "MaxAttempts": 1, "IntervalSeconds": 1}]
    activity = bench.activity()
    execution_arn = bench.start(task(activity, Retry=retry, Parameters={"retries.$": "$$.State.RetryCount"}))
    seen = []

    def fail_all() -> None:
        for _ in range(2):
            taken = bench.take(activity)
            seen.append(json.loads(taken["input"])["retries"])
            bench.fail(taken)
        bench.finish(execution_arn)

    fail_all()
    bench.client.redrive_execution(executionArn=execution_arn)
    fail_all()

    assert seen == [0, 1, 0, 1]


def test_a_task_gets_a_new_token_and_the_old_one_has_timed_out(bench: Workbench) -> None:
    activity = bench.activity()
    execution_arn = bench.start(task(activity))
    old = bench.take(activity)
    bench.client.stop_execution(executionArn=execution_arn)
    bench.client.redrive_execution(executionArn=execution_arn)
    new = bench.take(activity)

    with pytest.raises(bench.client.exceptions.TaskTimedOut):
        bench.echo(old)
    with pytest.raises(bench.client.exceptions.TaskTimedOut):
        bench.fail(old)
    with pytest.raises(bench.client.exceptions.TaskTimedOut):
        bench.client.send_task_heartbeat(taskToken=old["taskToken"])

    bench.echo(new)
    assert bench.finish(execution_arn).status == "SUCCEEDED"


def test_input_and_variables_are_those_of_the_failed_state(bench: Workbench) -> None:
    activity = bench.activity()
    states = {
        "Note": {"Type": "Pass", "Assign": {"day": "{% 'Monday' %}"}, "Output": {"n": 7}, "Next": "Work"},
        "Work": task(activity, Arguments={"n": "{% $states.input.n %}", "day": "{% $day %}"}),
    }
    execution_arn = bench.start({"QueryLanguage": "JSONata", "StartAt": "Note", "States": states})
    first = bench.take(activity)
    bench.fail(first)
    bench.finish(execution_arn)
    bench.client.redrive_execution(executionArn=execution_arn)

    second = bench.take(activity)

    assert json.loads(second["input"]) == json.loads(first["input"]) == {"n": 7, "day": "Monday"}


def test_the_context_tells_of_redrives_and_keeps_its_times(bench: Workbench) -> None:
    activity = bench.activity()
    context = {"execution.$": "$$.Execution", "state.$": "$$.State"}
    execution_arn = bench.start(task(activity, Parameters=context))
    first = bench.take(activity)
    bench.fail(first)
    bench.finish(execution_arn)
    date = bench.client.redrive_execution(executionArn=execution_arn)["redriveDate"]

    before, after = json.loads(first["input"]), json.loads(bench.take(activity)["input"])

    assert (before["execution"]["RedriveCount"], "RedriveTime" in before["execution"]) == (0, False)
    assert after["execution"]["RedriveCount"] == 1
    assert datetime.fromisoformat(after["execution"]["RedriveTime"]) == date.astimezone(UTC)
    assert after["execution"]["StartTime"] == before["execution"]["StartTime"]
    assert after["state"] == before["state"]


def test_a_definition_that_was_changed_meanwhile_does_not_matter(bench: Workbench) -> None:
    execution_arn, activity = failed_task(bench)
    machine_arn = bench.client.describe_execution(executionArn=execution_arn)["stateMachineArn"]
    other = json.dumps({"StartAt": "Other", "States": {"Other": PASS}})
    bench.client.update_state_machine(stateMachineArn=machine_arn, definition=other)
    bench.client.redrive_execution(executionArn=execution_arn)

    bench.echo(bench.take(activity))

    assert bench.finish(execution_arn).output == {"got": {"n": 1}}


def test_a_fail_state_fails_again_without_being_entered(bench: Workbench) -> None:
    execution_arn = bench.run(FAIL).description["executionArn"]

    run = bench.redrive(execution_arn)

    assert (run.status, run.error) == ("FAILED", ("Broken", "on purpose"))
    assert links(run.events)[1:] == [
        (2, 0, "FailStateEntered"),
        (3, 2, "ExecutionFailed"),
        (4, 3, "ExecutionRedriven"),
        (5, 4, "ExecutionFailed"),
    ]


def test_an_aborted_wait_until_a_moment_that_has_passed_goes_on_at_once(bench: Workbench) -> None:
    moment = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
    execution_arn = bench.start(
        {"StartAt": "A", "States": {"A": {"Type": "Wait", "TimestampPath": "$.until", "Next": "B"}, "B": PASS}},
        {"until": moment},
    )
    bench.client.stop_execution(executionArn=execution_arn)

    run = bench.redrive(execution_arn)

    assert run.status == "SUCCEEDED"
    assert links(run.events)[1:5] == [
        (2, 0, "WaitStateEntered"),
        (3, 0, "ExecutionAborted"),
        (4, 3, "ExecutionRedriven"),
        (5, 2, "WaitStateExited"),
    ]


def test_a_choice_without_a_match_is_evaluated_again(bench: Workbench) -> None:
    choice = {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericEquals": 2, "Next": "B"}]}
    failed = bench.run({"StartAt": "A", "States": {"A": choice, "B": PASS}}, {"n": 1})

    run = bench.redrive(failed.description["executionArn"])

    assert run.error == failed.error
    assert run.event_types[2:] == ["ExecutionFailed", "ExecutionRedriven", "ExecutionFailed"]


def test_the_timeout_of_the_machine_counts_anew(bench: Workbench) -> None:
    activity = bench.activity()
    machine = {"StartAt": "A", "TimeoutSeconds": 1, "States": {"A": task(activity)}}
    execution_arn = bench.start(machine)
    assert bench.finish(execution_arn).status == "TIMED_OUT"
    bench.client.redrive_execution(executionArn=execution_arn)
    bench.echo(bench.take(activity))
    assert bench.finish(execution_arn).status == "SUCCEEDED"


def test_a_redriven_execution_times_out_again(bench: Workbench) -> None:
    execution_arn = bench.run({"StartAt": "A", "TimeoutSeconds": 1, "States": {"A": WAIT}}).description["executionArn"]

    run = bench.redrive(execution_arn)

    assert run.status == "TIMED_OUT"
    assert run.event_types[2:] == ["ExecutionTimedOut", "ExecutionRedriven", "ExecutionTimedOut"]


def test_a_redriven_execution_can_be_stopped_and_redriven(bench: Workbench) -> None:
    activity = bench.activity()
    execution_arn = bench.start(task(activity))
    for _ in range(3):
        bench.client.stop_execution(executionArn=execution_arn, error="Enough")
        assert bench.client.describe_execution(executionArn=execution_arn)["status"] == "ABORTED"
        bench.client.redrive_execution(executionArn=execution_arn)
    bench.echo(bench.take(activity))

    run = bench.finish(execution_arn)

    assert (run.status, run.description["redriveCount"]) == ("SUCCEEDED", 3)
    assert [event["id"] for event in run.events] == list(range(1, len(run.events) + 1))


def test_a_run_that_runs_again_has_its_name_for_itself(bench: Workbench) -> None:
    machine_arn, name = bench.machine(WAIT), unique("run")
    start: Any = {"stateMachineArn": machine_arn, "name": name, "input": "{}"}
    execution_arn = bench.client.start_execution(**start)["executionArn"]
    bench.client.stop_execution(executionArn=execution_arn)
    with pytest.raises(bench.client.exceptions.ExecutionAlreadyExists):
        bench.client.start_execution(**start)
    bench.client.redrive_execution(executionArn=execution_arn)

    assert bench.client.start_execution(**start)["executionArn"] == execution_arn


def test_an_express_execution_is_not_redriven(bench: Workbench) -> None:
    machine_arn = bench.machine(FAIL, type="EXPRESS")
    execution_arn = bench.client.start_execution(stateMachineArn=machine_arn)["executionArn"]

    assert bench.finish(execution_arn).description["redriveStatus"] == "NOT_REDRIVABLE"
    with pytest.raises(bench.client.exceptions.ExecutionNotRedrivable):
        bench.client.redrive_execution(executionArn=execution_arn)


# In an embedded AWS of its own

BENT = """
from datetime import UTC, datetime, timedelta
from pathlib import Path
from workflow_manager.local.stepfunctions.skip_batch import spare_batch
spare_batch()
from workflow_manager.local.options import Options
from workflow_manager.local.stepfunctions.backend import Backend
Backend.now = staticmethod(lambda: datetime.now(UTC) + timedelta(seconds=float(Path({clock!r}).read_text())))
"""


def test_a_redrive_is_possible_for_14_days_after_the_end(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    clock.write_text("0")
    with python(BENT.format(clock=str(clock)) + SERVE.format(port=0)) as child:
        bench = workbench(first_line(child))
        try:
            execution_arn = bench.run(FAIL).description["executionArn"]
            clock.write_text(str(timedelta(days=13, hours=23, minutes=59).total_seconds()))
            assert bench.redrive(execution_arn).description["redriveStatus"] == "REDRIVABLE"
            clock.write_text(str(timedelta(days=28, minutes=1).total_seconds()))

            description: Any = bench.client.describe_execution(executionArn=execution_arn)
            with pytest.raises(bench.client.exceptions.ExecutionNotRedrivable, match="redrivable period exceeded"):
                bench.client.redrive_execution(executionArn=execution_arn)
        finally:
            bench.client.close()
            child.kill()
    assert (description["redriveStatus"], description["redriveStatusReason"]) == (
        "NOT_REDRIVABLE",
        "Execution redrivable period exceeded",
    )


def test_a_redriven_execution_is_not_forgotten_while_it_runs() -> None:
    code = "from workflow_manager.local.options import Options; " + SERVE.replace("{port},", "{port}, Options(keep=2),")
    with python(code.format(port=0)) as child:
        bench = workbench(first_line(child))
        try:
            execution_arn, activity = failed_task(bench)
            bench.client.redrive_execution(executionArn=execution_arn)
            for _ in range(4):
                bench.run(PASS)
            bench.echo(bench.take(activity))
            assert bench.finish(execution_arn).status == "SUCCEEDED"
        finally:
            bench.client.close()
            child.kill()


def test_of_many_who_redrive_at_once_one_does(bench: Workbench) -> None:
    execution_arn, activity = failed_task(bench)

    def attempt(number: int) -> str:
        try:
            bench.client.redrive_execution(executionArn=execution_arn, clientToken=f"token-{number}")
        except ClientError as refused:
            return code_of(refused)
        return "redriven"

    with ThreadPoolExecutor(20) as pool:
        answers = sorted(pool.map(attempt, range(20)))

    assert answers == ["ExecutionNotRedrivable"] * 19 + ["redriven"]
    assert eventually(lambda: bench.history(execution_arn), what="events")[-1]["type"] != "ExecutionFailed"
    bench.echo(bench.take(activity))
    assert bench.finish(execution_arn).description["redriveCount"] == 1
