"""Redriving executions of the embedded Step Functions that failed in a branch, an item or a child run.

Covers `workflow_manager.local.stepfunctions.checkpoints`, `workflow_manager.local.language.maps` and
`workflow_manager.local.language.map_runs`.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.eventually import eventually
from tests.sdk.local.test_redrive import links
from tests.sdk.local.workbench import PASS, Run, Workbench, task

Event = dict[str, Any]


def parallel(*branches: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a Parallel whose branches are machines, or have one state each: Only0, Only1 …"""
    programs = [
        branch if "StartAt" in branch else {"StartAt": f"Only{number}", "States": {f"Only{number}": branch}}
        for number, branch in enumerate(branches)
    ]
    return {"Type": "Parallel", "Branches": programs, "End": True, **fields}


def inline_map(body: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a Map whose items go through one state, or a machine."""
    processor = body if "StartAt" in body else {"StartAt": "Work", "States": {"Work": body}}
    return {"Type": "Map", "ItemProcessor": processor, "End": True, **fields}


def take_all(bench: Workbench, activity: str, count: int) -> dict[Any, Any]:
    """Take so many tasks; return them by their input, parsed."""
    taken = [bench.take(activity) for _ in range(count)]
    return {json.loads(one["input"]): one for one in taken}


def done(bench: Workbench, taken: Any, output: Any) -> None:
    """Answer a task."""
    bench.client.send_task_success(taskToken=taken["taskToken"], output=json.dumps(output))


def after_redrive(run: Run) -> list[Event]:
    """Return the events since the last redrive."""
    last = max(place for place, kind in enumerate(run.event_types) if kind == "ExecutionRedriven")
    return run.events[last + 1 :]


def entries(run: Run) -> dict[str, int]:
    """Return the entry of each state by its name, the last one."""
    return {
        event["stateEnteredEventDetails"]["name"]: event["id"]
        for event in run.events
        if "stateEnteredEventDetails" in event
    }


# Parallel


def test_only_failed_and_aborted_branches_run_again(bench: Workbench) -> None:
    """The shape is that of a recorded redrive of AWS: no second start of the Parallel, no second entry."""
    activities = [bench.activity() for _ in range(3)]
    execution_arn = bench.start(parallel(*map(task, activities)))
    good, bad, aborted = (bench.take(one) for one in activities)
    done(bench, good, "kept")
    bench.has_events(execution_arn, "TaskStateExited")
    bench.fail(bad)
    bench.finish(execution_arn)
    bench.client.redrive_execution(executionArn=execution_arn)
    with pytest.raises(bench.client.exceptions.TaskTimedOut):
        done(bench, aborted, "late")
    for number, activity in enumerate(activities[1:]):
        done(bench, bench.take(activity), number)

    run = bench.finish(execution_arn)

    assert run.output == ["kept", 0, 1]
    again, entered = after_redrive(run), entries(run)
    scheduled = {event["previousEventId"] for event in again if event["type"] == "ActivityScheduled"}
    assert scheduled == {entered["Only1"], entered["Only2"]}
    assert [kind for kind in run.event_types if kind.endswith(("StateEntered", "StateStarted"))] == [
        "ParallelStateEntered",
        "ParallelStateStarted",
        *["TaskStateEntered"] * 3,
    ]
    assert [event["type"] for event in again][-3:] == [
        "ParallelStateSucceeded",
        "ParallelStateExited",
        "ExecutionSucceeded",
    ]


def test_a_branch_goes_on_in_its_middle(bench: Workbench) -> None:
    activity = bench.activity()
    states = {
        "A": {"Type": "Pass", "Result": 1, "Next": "B"},
        "B": task(activity, ResultPath=None, Next="C"),
        "C": {"Type": "Pass", "Result": 3, "End": True},
    }
    execution_arn = bench.start(parallel({"StartAt": "A", "States": states}, PASS))
    bench.fail(bench.take(activity))
    bench.finish(execution_arn)
    bench.client.redrive_execution(executionArn=execution_arn)
    taken = bench.take(activity)
    bench.echo(taken)

    run = bench.finish(execution_arn)

    assert (taken["input"], run.output) == ("1", [3, {}])
    assert [event["type"] for event in after_redrive(run)] == [
        "ActivityScheduled",
        "ActivityStarted",
        "ActivitySucceeded",
        "TaskStateExited",
        "PassStateEntered",
        "PassStateExited",
        "ParallelStateSucceeded",
        "ParallelStateExited",
        "ExecutionSucceeded",
    ]


def test_branches_inside_of_branches_go_on(bench: Workbench) -> None:
    inner, outer = bench.activity(), bench.activity()
    deep, quick = (
        {"StartAt": name, "States": {name: state}} for name, state in (("Deep", task(inner)), ("Quick", PASS))
    )
    nested = parallel(deep, quick)
    execution_arn = bench.start(parallel(nested, task(outer)))
    bench.take(outer)
    bench.fail(bench.take(inner))
    bench.finish(execution_arn)
    bench.client.redrive_execution(executionArn=execution_arn)
    done(bench, bench.take(outer), "outer")
    done(bench, bench.take(inner), "inner")

    run = bench.finish(execution_arn)

    assert run.output == [["inner", {}], "outer"]
    assert run.event_types.count("ParallelStateStarted") == 2
    assert run.event_types.count("PassStateEntered") == 1


def test_a_retry_after_a_redrive_starts_all_branches(bench: Workbench) -> None:
    activity = bench.activity()
    retry = [{"ErrorEquals": ["Broken"], "MaxAttempts": 1, "IntervalSeconds": 1}]
    execution_arn = bench.start(parallel(task(activity), PASS, Retry=retry))
    for _ in range(2):
        bench.fail(bench.take(activity))
    bench.finish(execution_arn)
    bench.client.redrive_execution(executionArn=execution_arn)
    bench.fail(bench.take(activity))
    done(bench, bench.take(activity), 1)

    run = bench.finish(execution_arn)

    assert run.output == [1, {}]
    assert [event["type"] for event in after_redrive(run)].count("ParallelStateStarted") == 1


def test_all_branches_run_again_after_a_result_that_was_too_large(bench: Workbench) -> None:
    large, activity = "x" * 200_000, bench.activity()
    execution_arn = bench.start(parallel({"Type": "Pass", "Result": large, "End": True}, task(activity)))
    done(bench, bench.take(activity), large)
    failed = bench.finish(execution_arn)
    assert failed.description["error"] == "States.DataLimitExceeded"
    bench.client.redrive_execution(executionArn=execution_arn)
    done(bench, bench.take(activity), "small")

    run = bench.finish(execution_arn)

    assert run.output == [large, "small"]
    kinds = [event["type"] for event in after_redrive(run)]
    assert (kinds.count("ParallelStateStarted"), kinds.count("PassStateEntered"), kinds.count("TaskStateEntered")) == (
        1,
        1,
        1,
    )
    assert "ParallelStateEntered" not in kinds


def test_variables_of_a_branch_are_kept(bench: Workbench) -> None:
    activity = bench.activity()
    branch = {
        "Note": {"Type": "Pass", "Assign": {"inner": 2}, "Next": "Work"},
        "Work": task(activity, Arguments={"sum": "{% $outer + $inner %}"}),
    }
    states = {
        "First": {"Type": "Pass", "Assign": {"outer": 1}, "Next": "Both"},
        "Both": parallel({"StartAt": "Note", "States": branch}, {"StartAt": "Quick", "States": {"Quick": PASS}}),
    }
    execution_arn = bench.start({"QueryLanguage": "JSONata", "StartAt": "First", "States": states})
    bench.fail(bench.take(activity))
    bench.finish(execution_arn)
    bench.client.redrive_execution(executionArn=execution_arn)

    assert json.loads(bench.take(activity)["input"]) == {"sum": 3}


def test_a_stopped_execution_goes_on_in_all_its_branches(bench: Workbench) -> None:
    activities = [bench.activity() for _ in range(3)]
    execution_arn = bench.start(parallel(*map(task, activities)))
    for activity in activities:
        bench.take(activity)
    bench.client.stop_execution(executionArn=execution_arn)
    bench.client.redrive_execution(executionArn=execution_arn)
    for number, activity in enumerate(activities):
        done(bench, bench.take(activity), number)

    assert bench.finish(execution_arn).output == [0, 1, 2]


def test_a_result_that_cannot_be_selected_fails_again_without_running_the_branches(bench: Workbench) -> None:
    failed = bench.run(parallel(PASS, PASS, ResultSelector={"x.$": "$[7].missing"}))

    run = bench.redrive(failed.description["executionArn"])

    assert run.error == failed.error
    kinds = [event["type"] for event in after_redrive(run)]
    assert (kinds.count("PassStateEntered"), kinds[-1]) == (0, "ExecutionFailed")


def test_a_nested_execution_that_failed_is_followed_by_a_new_one(bench: Workbench) -> None:
    activity = bench.activity()
    inner = bench.machine(task(activity))
    nested = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": inner, "Input": {}},
        "OutputPath": "$.Output",
        "End": True,
    }
    execution_arn = bench.start(nested)
    bench.fail(bench.take(activity))
    bench.finish(execution_arn)
    bench.client.redrive_execution(executionArn=execution_arn)
    done(bench, bench.take(activity), "good")

    assert bench.finish(execution_arn).output == "good"
    children = bench.client.list_executions(stateMachineArn=inner)["executions"]
    assert sorted((child["status"], child["redriveCount"]) for child in children) == [("FAILED", 0), ("SUCCEEDED", 0)]


# Inline Map


def test_only_failed_items_run_again_and_those_that_did_not_start_begin(bench: Workbench) -> None:
    """The shape is that of a recorded redrive of AWS."""
    activity = bench.activity()
    execution_arn = bench.start(inline_map(task(activity), MaxConcurrency=1), [0, 1, 2])
    done(bench, bench.take(activity), "kept")
    bench.fail(bench.take(activity))
    failed = bench.finish(execution_arn)
    bench.client.redrive_execution(executionArn=execution_arn)
    for _ in range(2):
        bench.echo(bench.take(activity))

    run = bench.finish(execution_arn)

    assert run.output == ["kept", {"got": 1}, {"got": 2}]
    last, entered = len(failed.events), entries(failed)["Work"]
    assert links(after_redrive(run)) == [
        (last + 2, entered, "ActivityScheduled"),
        (last + 3, last + 2, "ActivityStarted"),
        (last + 4, last + 3, "ActivitySucceeded"),
        (last + 5, last + 4, "TaskStateExited"),
        (last + 6, last + 5, "MapIterationSucceeded"),
        (last + 7, last + 5, "MapIterationStarted"),
        (last + 8, last + 7, "TaskStateEntered"),
        (last + 9, last + 8, "ActivityScheduled"),
        (last + 10, last + 9, "ActivityStarted"),
        (last + 11, last + 10, "ActivitySucceeded"),
        (last + 12, last + 11, "TaskStateExited"),
        (last + 13, last + 12, "MapIterationSucceeded"),
        (last + 14, last + 13, "MapStateSucceeded"),
        (last + 15, last + 13, "MapStateExited"),
        (last + 16, last + 15, "ExecutionSucceeded"),
    ]


def test_of_ten_items_two_run_again(bench: Workbench) -> None:
    activity = bench.activity()
    choice = {"Type": "Choice", "Choices": [{"Variable": "$.bad", "BooleanEquals": True, "Next": "Work"}]}
    body = {
        "StartAt": "Which",
        "States": {"Which": {**choice, "Default": "Quick"}, "Work": task(activity), "Quick": PASS},
    }
    items = [{"n": number, "bad": number in {2, 7}} for number in range(10)]
    execution_arn = bench.start(inline_map(body), items)
    first, _second = bench.take(activity), bench.take(activity)
    bench.has_events(execution_arn, "MapIterationSucceeded", 8)
    bench.fail(first)
    bench.finish(execution_arn)
    bench.client.redrive_execution(executionArn=execution_arn)
    for taken in (bench.take(activity), bench.take(activity)):
        done(bench, taken, json.loads(taken["input"])["n"])

    run = bench.finish(execution_arn)

    assert run.output == [number if number in {2, 7} else items[number] for number in range(10)]
    assert [event["type"] for event in after_redrive(run)].count("ActivityScheduled") == 2
    assert run.event_types.count("MapIterationStarted") == 10
    assert run.event_types.count("MapIterationSucceeded") == 10


def test_a_map_inside_of_a_map_goes_on(bench: Workbench) -> None:
    activity = bench.activity()
    inner = {"StartAt": "Inner", "States": {"Inner": inline_map(task(activity), ItemsPath="$")}}
    execution_arn = bench.start(inline_map(inner, MaxConcurrency=1), [[1, 2], [3]])
    taken = take_all(bench, activity, 2)
    done(bench, taken[1], "one")
    bench.has_events(execution_arn, "TaskStateExited")
    bench.fail(taken[2])
    bench.finish(execution_arn)
    bench.client.redrive_execution(executionArn=execution_arn)
    done(bench, bench.take(activity), "two")
    done(bench, bench.take(activity), "three")

    run = bench.finish(execution_arn)

    assert run.output == [["one", "two"], ["three"]]
    assert run.event_types.count("MapStateStarted") == 3


def test_all_items_run_again_after_a_result_that_was_too_large(bench: Workbench) -> None:
    activity, large = bench.activity(), "x" * 150_000
    execution_arn = bench.start(inline_map(task(activity)), [1, 2])
    for taken in take_all(bench, activity, 2).values():
        done(bench, taken, large)
    assert bench.finish(execution_arn).description["error"] == "States.DataLimitExceeded"
    bench.client.redrive_execution(executionArn=execution_arn)
    for number, taken in take_all(bench, activity, 2).items():
        done(bench, taken, number)

    run = bench.finish(execution_arn)

    assert run.output == [1, 2]
    assert run.event_types.count("MapStateStarted") == 2


# Distributed Map


def distributed(body: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a distributed Map of standard children."""
    made = inline_map(body, **fields)
    made["ItemProcessor"]["ProcessorConfig"] = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    return made


def map_run(bench: Workbench, execution_arn: str) -> Any:
    """Return the description of the only Map Run of an execution."""
    (run,) = bench.client.list_map_runs(executionArn=execution_arn)["mapRuns"]
    return bench.client.describe_map_run(mapRunArn=run["mapRunArn"])


def test_children_that_failed_or_never_ran_are_redriven_in_the_same_map_run(bench: Workbench) -> None:
    activity = bench.activity()
    execution_arn = bench.start(distributed(task(activity), MaxConcurrency=1), [1, 2, 3])
    done(bench, bench.take(activity), "kept")
    bench.fail(bench.take(activity))
    failed, before = bench.finish(execution_arn), map_run(bench, execution_arn)
    date = bench.client.redrive_execution(executionArn=execution_arn)["redriveDate"]
    first = bench.take(activity)
    during = map_run(bench, execution_arn)
    bench.echo(first)
    bench.echo(bench.take(activity))

    run, after = bench.finish(execution_arn), map_run(bench, execution_arn)

    assert run.output == ["kept", {"got": 2}, {"got": 3}]
    assert (before["status"], before["redriveCount"], "redriveDate" in before) == ("FAILED", 0, False)
    assert (during["status"], during["redriveCount"], "stopDate" in during) == ("RUNNING", 1, False)
    assert during["redriveDate"] >= date
    assert (after["status"], after["redriveCount"], after["mapRunArn"]) == ("SUCCEEDED", 1, before["mapRunArn"])
    told = ("total", "pending", "running", "succeeded", "failed", "pendingRedrive", "failuresNotRedrivable")
    assert [[one["itemCounts"][name] for name in told] for one in (before, during, after)] == [
        [3, 1, 0, 1, 1, 0, 0],
        [3, 1, 1, 1, 0, 0, 0],
        [3, 0, 0, 3, 0, 0, 0],
    ]
    assert before["executionCounts"] == before["itemCounts"]
    last, started = len(failed.events), next(e["id"] for e in failed.events if e["type"] == "MapStateStarted")
    assert links(after_redrive(run)) == [
        (last + 2, started, "MapRunRedriven"),
        (last + 3, last + 2, "MapRunSucceeded"),
        (last + 4, last + 3, "MapStateSucceeded"),
        (last + 5, last + 3, "MapStateExited"),
        (last + 6, last + 5, "ExecutionSucceeded"),
    ]
    assert after_redrive(run)[0]["mapRunRedrivenEventDetails"] == {
        "mapRunArn": before["mapRunArn"],
        "redriveCount": 1,
    }


def test_a_child_goes_on_in_its_middle(bench: Workbench) -> None:
    activity = bench.activity()
    body = {
        "StartAt": "A",
        "States": {"A": task(activity, ResultPath="$.a", Next="B"), "B": task(activity, ResultPath="$.b")},
    }
    execution_arn = bench.start(distributed(body), [{"n": 1}])
    done(bench, bench.take(activity), "first")
    bench.fail(bench.take(activity))
    bench.finish(execution_arn)
    bench.client.redrive_execution(executionArn=execution_arn)
    taken = bench.take(activity)
    done(bench, taken, "second")

    assert json.loads(taken["input"]) == {"n": 1, "a": "first"}
    assert bench.finish(execution_arn).output == [{"n": 1, "a": "first", "b": "second"}]


def test_a_stopped_map_run_is_aborted_and_goes_on(bench: Workbench) -> None:
    activity = bench.activity()
    execution_arn = bench.start(distributed(task(activity)), [1])
    bench.take(activity)
    bench.client.stop_execution(executionArn=execution_arn)
    bench.finish(execution_arn)

    def aborted() -> Any:
        run = map_run(bench, execution_arn)
        return run if run["status"] == "ABORTED" else None

    assert eventually(aborted, what="an aborted Map Run")["itemCounts"]["aborted"] == 1
    bench.client.redrive_execution(executionArn=execution_arn)
    bench.echo(bench.take(activity))
    assert bench.finish(execution_arn).output == [{"got": 1}]


def test_a_new_map_run_starts_after_a_result_that_was_too_large(bench: Workbench) -> None:
    activity, large = bench.activity(), "x" * 150_000
    execution_arn = bench.start(distributed(task(activity)), [1, 2])
    for taken in take_all(bench, activity, 2).values():
        done(bench, taken, large)
    assert bench.finish(execution_arn).description["error"] == "States.DataLimitExceeded"
    bench.client.redrive_execution(executionArn=execution_arn)
    for number, taken in take_all(bench, activity, 2).items():
        done(bench, taken, number)

    run = bench.finish(execution_arn)

    assert run.output == [1, 2]
    assert len(bench.client.list_map_runs(executionArn=execution_arn)["mapRuns"]) == 2
    assert run.event_types.count("MapRunStarted") == 2
