"""Activities and their tasks, through the ordinary API.

Covers `workflow_manager.local.stepfunctions.activities`.
"""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sdk.local.workbench import PASS, Workbench, code_of, task, unique

RECOVER: dict[str, Any] = {"ErrorEquals": ["Broken"], "ResultPath": "$.error", "Next": "Recovered"}


def test_a_worker_gets_the_input_and_gives_the_output(bench: Workbench) -> None:
    arn = bench.activity()
    bench.work(arn, bench.echo)

    run = bench.run(task(arn, TimeoutSeconds=20, HeartbeatSeconds=10), {"q": 1})

    assert (run.status, run.output) == ("SUCCEEDED", {"got": {"q": 1}})
    assert [(event["id"], event["previousEventId"], event["type"]) for event in run.events] == [
        (1, 0, "ExecutionStarted"),
        (2, 0, "TaskStateEntered"),
        (3, 2, "ActivityScheduled"),
        (4, 3, "ActivityStarted"),
        (5, 4, "ActivitySucceeded"),
        (6, 5, "TaskStateExited"),
        (7, 6, "ExecutionSucceeded"),
    ]
    assert run.events[2]["activityScheduledEventDetails"] == {
        "resource": arn,
        "input": '{"q":1}',
        "inputDetails": {"truncated": False},
        "timeoutInSeconds": 20,
        "heartbeatInSeconds": 10,
    }
    assert run.events[3]["activityStartedEventDetails"] == {"workerName": "worker-1"}


@pytest.mark.parametrize("given", ["text", 7, None, [1], {"ä": '"'}], ids=repr)
def test_the_input_of_a_task_is_always_json(bench: Workbench, given: Any) -> None:
    arn = bench.activity()
    machine_arn = bench.machine(task(arn))
    bench.client.start_execution(stateMachineArn=machine_arn, input=json.dumps(given))

    assert json.loads(bench.take(arn)["input"]) == given


def test_a_worker_may_have_no_name(bench: Workbench) -> None:
    arn = bench.activity()
    execution_arn = bench.start(task(arn))

    bench.echo(bench.client.get_activity_task(activityArn=arn))

    run = bench.finish(execution_arn)
    assert run.events[3]["activityStartedEventDetails"] == {}


def test_a_task_of_an_activity_that_does_not_exist_fails_its_execution_for_good(bench: Workbench) -> None:
    """As AWS was recorded to do; neither ``Retry`` nor ``Catch`` hold for ``States.Runtime``."""
    arn = bench.activity()
    bench.client.delete_activity(activityArn=arn)
    rules = {"Retry": [{"ErrorEquals": ["States.ALL"]}], "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]}
    machine = {"StartAt": "Work", "States": {"Work": task(arn, **rules), "Caught": PASS}}

    run = bench.run(machine)

    assert run.event_types == ["ExecutionStarted", "TaskStateEntered", "ExecutionFailed"]
    where = "An error occurred while executing the state 'Work' (entered at the event id #2)."
    assert run.error == ("States.Runtime", f"{where} The activity {arn} does not exist.")


def output_of_size(size: int, filling: str) -> str:
    """Write an object of exactly so many bytes."""
    frame = '{"a":1,"b":""}'
    count, rest = divmod(size - len(frame), len(filling.encode()))
    return f'{{"a":1,"b":"{filling * count}{"x" * rest}"}}'


@pytest.mark.parametrize("filling", ["x", "é"])
def test_an_output_of_exactly_the_quota_is_taken(bench: Workbench, filling: str) -> None:
    arn, output = bench.activity(), output_of_size(262_144, filling)
    bench.work(arn, lambda got: bench.client.send_task_success(taskToken=got["taskToken"], output=output))

    run = bench.run(task(arn))

    assert len(output.encode()) == 262_144
    assert (run.status, run.output) == ("SUCCEEDED", json.loads(output))


def test_a_state_whose_output_is_over_the_quota_fails(bench: Workbench) -> None:
    arn, output = bench.activity(), output_of_size(262_144, "x")
    bench.work(arn, lambda got: bench.client.send_task_success(taskToken=got["taskToken"], output=output))

    run = bench.run(task(arn, ResultPath="$.result"))

    assert (run.status, run.error[0]) == ("FAILED", "States.DataLimitExceeded")


def test_a_failed_task_fails_the_execution(bench: Workbench) -> None:
    arn = bench.activity()
    bench.work(arn, bench.fail)

    run = bench.run(task(arn))

    assert (run.status, run.error) == ("FAILED", ("Broken", "on purpose"))
    assert run.event_types[-2:] == ["ActivityFailed", "ExecutionFailed"]


def test_a_task_can_fail_without_a_reason(bench: Workbench) -> None:
    arn = bench.activity()
    bench.work(arn, lambda got: bench.client.send_task_failure(taskToken=got["taskToken"]))

    run = bench.run(task(arn))

    assert (run.status, run.error) == ("FAILED", (None, None))


def test_a_failed_task_can_be_caught(bench: Workbench) -> None:
    arn = bench.activity()
    bench.work(arn, bench.fail)

    run = bench.run({"StartAt": "A", "States": {"A": task(arn, Catch=[RECOVER]), "Recovered": PASS}}, {"q": 1})

    assert run.output == {"q": 1, "error": {"Error": "Broken", "Cause": "on purpose"}}


def test_a_failed_task_is_tried_again(bench: Workbench) -> None:
    arn = bench.activity()
    retry = {"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 1, "MaxAttempts": 3, "BackoffRate": 1.0}
    execution_arn = bench.start(task(arn, Retry=[retry]))

    bench.fail(bench.take(arn))
    bench.echo(bench.take(arn))

    run = bench.finish(execution_arn)
    assert run.status == "SUCCEEDED"
    assert [kind for kind in run.event_types if kind.startswith("Activity")] == [
        *["ActivityScheduled", "ActivityStarted", "ActivityFailed"],
        *["ActivityScheduled", "ActivityStarted", "ActivitySucceeded"],
    ]


def test_parameters_selector_and_result_path_shape_input_and_output(bench: Workbench) -> None:
    arn = bench.activity()
    bench.work(arn, bench.echo)
    name = unique("run")
    state = task(
        arn,
        Parameters={"in.$": "$", "run.$": "$$.Execution.Name"},
        ResultSelector={"chosen.$": "$.got"},
        ResultPath="$.result",
    )

    run = bench.finish(bench.start(state, {"q": 1}, name))

    assert run.output == {"q": 1, "result": {"chosen": {"in": {"q": 1}, "run": name}}}


def test_arguments_output_and_assign_are_jsonata(bench: Workbench) -> None:
    arn = bench.activity()
    bench.work(arn, bench.echo)
    state = {
        "Type": "Task",
        "Resource": arn,
        "Arguments": {"v": "{% $states.input.q + 1 %}"},
        "Assign": {"kept": "{% $states.result.got.v * 10 %}"},
        "Output": "{% $states.result.got %}",
        "Next": "B",
    }
    after = {"Type": "Pass", "Output": {"task": "{% $states.input %}", "kept": "{% $kept %}"}, "End": True}

    run = bench.run({"QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": state, "B": after}}, {"q": 1})

    assert run.output == {"task": {"v": 2}, "kept": 20}


def test_branches_have_tasks_at_the_same_time(bench: Workbench) -> None:
    arn = bench.activity()
    branches = [{"StartAt": name, "States": {name: task(arn)}} for name in "ABCD"]
    execution_arn = bench.start({"Type": "Parallel", "Branches": branches, "End": True}, {"q": 1})

    taken = [bench.take(arn) for _ in branches]
    for one in taken:
        bench.echo(one)

    assert bench.finish(execution_arn).output == [{"got": {"q": 1}}] * 4


def test_items_of_a_map_have_tasks_at_the_same_time(bench: Workbench) -> None:
    arn = bench.activity()
    processor = {"ProcessorConfig": {"Mode": "INLINE"}, "StartAt": "A", "States": {"A": task(arn)}}
    execution_arn = bench.start({"Type": "Map", "ItemProcessor": processor, "End": True}, [1, "2", 3])

    taken = [bench.take(arn) for _ in range(3)]
    for one in taken:
        bench.echo(one)

    assert bench.finish(execution_arn).output == [{"got": 1}, {"got": "2"}, {"got": 3}]


@pytest.mark.parametrize("kind", ["parallel", "map"])
def test_the_failure_of_one_sibling_takes_the_tasks_of_the_others(bench: Workbench, kind: str) -> None:
    """The execution goes on after a Catch; the worker of the abandoned task is told so and changes nothing."""
    broken, slow, last = bench.activity(), bench.activity(), bench.activity()
    both = siblings(kind, broken, slow) | {"Catch": [RECOVER | {"ResultPath": None}], "End": True}
    execution_arn = bench.start({"StartAt": "Both", "States": {"Both": both, "Recovered": task(last)}}, ["b", "s"])
    abandoned = bench.take(slow)

    bench.fail(bench.take(broken))
    after = bench.take(last)
    with pytest.raises(ClientError) as late:
        bench.echo(abandoned)
    bench.echo(after)

    run = bench.finish(execution_arn)
    assert (code_of(late.value), run.status) == ("TaskTimedOut", "SUCCEEDED")
    failed = next(i for i, kind_ in enumerate(run.event_types) if kind_ in {"ParallelStateFailed", "MapStateFailed"})
    assert [kind_ for kind_ in run.event_types[failed:] if kind_.startswith(("Activity", "Execution"))] == [
        "ActivityScheduled",
        "ActivityStarted",
        "ActivitySucceeded",
        "ExecutionSucceeded",
    ]


def siblings(kind: str, broken: str, slow: str) -> dict[str, Any]:
    """Return a state that runs a task of each activity at once."""
    if kind == "parallel":
        branches = [{"StartAt": name, "States": {name: task(arn)}} for name, arn in (("B", broken), ("S", slow))]
        return {"Type": "Parallel", "Branches": branches}
    choose = {"Type": "Choice", "Choices": [{"Variable": "$", "StringEquals": "b", "Next": "B"}], "Default": "S"}
    states = {"Choose": choose, "B": task(broken), "S": task(slow)}
    return {"Type": "Map", "ItemProcessor": {"StartAt": "Choose", "States": states}}


def test_a_task_of_an_activity_that_does_not_exist_fails_the_execution(bench: Workbench) -> None:
    run = bench.run(task("arn:aws:states:us-west-2:123456789012:activity:nope"))

    assert (run.status, run.error[0]) == ("FAILED", "States.Runtime")
    assert run.event_types == ["ExecutionStarted", "TaskStateEntered", "ExecutionFailed"]


def test_creating_an_activity_again_gives_the_same_one(bench: Workbench) -> None:
    name = unique("activity")
    first = bench.client.create_activity(name=name, tags=[{"key": "a", "value": "1"}])

    second = bench.client.create_activity(name=name)

    assert (first["activityArn"], first["creationDate"]) == (second["activityArn"], second["creationDate"])
    tags = bench.client.list_tags_for_resource(resourceArn=first["activityArn"])["tags"]
    assert tags == [{"key": "a", "value": "1"}]


def test_an_activity_is_described_listed_and_tagged(bench: Workbench) -> None:
    name = unique("activity")
    arn = bench.client.create_activity(name=name)["activityArn"]

    bench.client.tag_resource(resourceArn=arn, tags=[{"key": "b", "value": "2"}])

    pages = bench.client.get_paginator("list_activities").paginate(PaginationConfig={"PageSize": 5})
    assert arn in [activity["activityArn"] for page in pages for activity in page["activities"]]
    assert bench.client.describe_activity(activityArn=arn)["name"] == name
    assert bench.client.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "b", "value": "2"}]


def test_a_deleted_activity_has_no_tasks(bench: Workbench) -> None:
    arn = bench.activity()

    bench.client.delete_activity(activityArn=arn)

    with pytest.raises(bench.client.exceptions.ActivityDoesNotExist):
        bench.take(arn)


@pytest.mark.parametrize("name", ["bad name", "a/b", "x" * 81])
def test_an_activity_with_a_bad_name_is_refused(bench: Workbench, name: str) -> None:
    with pytest.raises(ClientError) as refused:
        bench.client.create_activity(name=name)

    assert code_of(refused.value) in {"InvalidName", "ValidationException"}


def test_a_second_answer_to_a_task_is_too_late(bench: Workbench) -> None:
    arn = bench.activity()
    execution_arn = bench.start(task(arn))
    got = bench.take(arn)
    bench.echo(got)

    with pytest.raises(bench.client.exceptions.TaskTimedOut, match="does not exist anymore"):
        bench.fail(got)

    assert bench.finish(execution_arn).status == "SUCCEEDED"


def test_a_token_that_is_none_is_invalid(bench: Workbench) -> None:
    with pytest.raises(bench.client.exceptions.InvalidToken):
        bench.client.send_task_heartbeat(taskToken="bogus")


def test_a_token_that_nobody_gave_has_no_task(bench: Workbench) -> None:
    with pytest.raises(bench.client.exceptions.TaskDoesNotExist):
        bench.client.send_task_heartbeat(taskToken="00000000-0000-4000-8000-000000000000")


def test_an_output_that_is_not_json_is_refused_and_the_task_stays_open(bench: Workbench) -> None:
    arn = bench.activity()
    execution_arn = bench.start(task(arn))
    got = bench.take(arn)

    with pytest.raises(bench.client.exceptions.InvalidOutput):
        bench.client.send_task_success(taskToken=got["taskToken"], output="{no json")
    bench.echo(got)

    assert bench.finish(execution_arn).status == "SUCCEEDED"


def test_stopping_ends_a_task_that_a_worker_has(bench: Workbench) -> None:
    arn = bench.activity()
    execution_arn = bench.start(task(arn))
    got = bench.take(arn)
    bench.has_events(execution_arn, "ActivityStarted")

    bench.client.stop_execution(executionArn=execution_arn, error="User", cause="stop")

    run = bench.finish(execution_arn)
    assert (run.status, run.event_types[-2:]) == ("ABORTED", ["ActivityStarted", "ExecutionAborted"])
    with pytest.raises(bench.client.exceptions.TaskTimedOut):
        bench.client.send_task_heartbeat(taskToken=got["taskToken"])
    with pytest.raises(bench.client.exceptions.TaskTimedOut):
        bench.echo(got)


def test_stopping_takes_a_task_that_nobody_has(bench: Workbench) -> None:
    arn = bench.activity()
    stopped, other = bench.start(task(arn), "first"), bench.start(task(arn), "second")
    bench.has_events(stopped, "ActivityScheduled")
    bench.has_events(other, "ActivityScheduled")

    bench.client.stop_execution(executionArn=stopped)

    assert json.loads(bench.take(arn)["input"]) == "second"
    assert bench.finish(stopped).event_types[-2:] == ["ActivityScheduled", "ExecutionAborted"]
    bench.client.stop_execution(executionArn=other)
