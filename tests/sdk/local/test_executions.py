"""Starting, stopping, listing and reading executions of the embedded Step Functions.

Covers `workflow_manager.local.stepfunctions.executions`.
"""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sdk.local.workbench import PASS, Workbench, code_of, unique

WAIT: dict[str, Any] = {"Type": "Wait", "Seconds": 600, "End": True}
THREE: dict[str, Any] = {
    "StartAt": "A",
    "States": {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "Next": "C"}, "C": PASS},
}
ENDINGS = {"ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"}


def test_starting_again_with_the_same_name_and_input_gives_the_running_execution(bench: Workbench) -> None:
    start = {"stateMachineArn": bench.machine(WAIT), "name": "same", "input": '{"a":1}'}

    first, second = (bench.client.start_execution(**start) for _ in range(2))

    assert (first["executionArn"], first["startDate"]) == (second["executionArn"], second["startDate"])


def test_starting_again_with_another_input_is_refused(bench: Workbench) -> None:
    machine_arn = bench.machine(WAIT)
    bench.client.start_execution(stateMachineArn=machine_arn, name="same", input='{"a":1}')

    with pytest.raises(bench.client.exceptions.ExecutionAlreadyExists):
        bench.client.start_execution(stateMachineArn=machine_arn, name="same", input='{"a":2}')


def test_starting_again_after_the_end_is_refused(bench: Workbench) -> None:
    machine_arn = bench.machine(PASS)
    bench.finish(bench.client.start_execution(stateMachineArn=machine_arn, name="same")["executionArn"])

    with pytest.raises(bench.client.exceptions.ExecutionAlreadyExists):
        bench.client.start_execution(stateMachineArn=machine_arn, name="same")


def test_an_execution_without_a_name_gets_one_of_its_own(bench: Workbench) -> None:
    machine_arn = bench.machine(PASS)

    first, second = (bench.client.start_execution(stateMachineArn=machine_arn)["executionArn"] for _ in range(2))

    assert first != second


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"name": "bad name"}, "InvalidName"),
        ({"name": "x" * 81}, "ValidationException"),
        ({"input": "{no json"}, "InvalidExecutionInput"),
        ({"input": "[NaN]"}, "InvalidExecutionInput"),
        ({"input": '"' + "x" * 262_143 + '"'}, "ValidationException"),
    ],
)
def test_a_start_that_aws_refuses_is_refused(bench: Workbench, wrong: dict[str, str], code: str) -> None:
    machine_arn = bench.machine(PASS)

    with pytest.raises(ClientError) as refused:
        bench.client.start_execution(stateMachineArn=machine_arn, **wrong)

    assert code_of(refused.value) == code


def test_an_input_of_the_largest_size_is_accepted(bench: Workbench) -> None:
    run = bench.run({"Type": "Pass", "Result": 1, "End": True}, "x" * 262_142)

    assert run.status == "SUCCEEDED"


def test_what_does_not_exist_is_reported_as_such(bench: Workbench) -> None:
    nowhere = "arn:aws:states:us-west-2:123456789012"

    with pytest.raises(bench.client.exceptions.StateMachineDoesNotExist):
        bench.client.start_execution(stateMachineArn=f"{nowhere}:stateMachine:none")
    with pytest.raises(bench.client.exceptions.StateMachineDoesNotExist):
        bench.client.describe_state_machine(stateMachineArn=f"{nowhere}:stateMachine:none")
    with pytest.raises(bench.client.exceptions.ExecutionDoesNotExist):
        bench.client.describe_execution(executionArn=f"{nowhere}:execution:none:none")
    with pytest.raises(bench.client.exceptions.ExecutionDoesNotExist):
        bench.client.get_execution_history(executionArn=f"{nowhere}:execution:none:none")


def test_a_stopped_execution_is_aborted_at_once_with_error_and_cause(bench: Workbench) -> None:
    execution_arn = bench.start(WAIT)

    stopped = bench.client.stop_execution(executionArn=execution_arn, error="Mine", cause="because")

    run = bench.finish(execution_arn)
    assert (run.status, run.error) == ("ABORTED", ("Mine", "because"))
    assert run.description["stopDate"] == stopped["stopDate"]
    assert run.events[-1]["type"] == "ExecutionAborted"
    assert run.events[-1]["executionAbortedEventDetails"] == {"error": "Mine", "cause": "because"}


def test_an_execution_stopped_without_a_reason_has_none(bench: Workbench) -> None:
    execution_arn = bench.start(WAIT)

    bench.client.stop_execution(executionArn=execution_arn)

    run = bench.finish(execution_arn)
    assert (run.error, run.events[-1].get("executionAbortedEventDetails")) == ((None, None), {})


def test_stopping_what_is_over_changes_nothing(bench: Workbench) -> None:
    before = bench.run(PASS)

    bench.client.stop_execution(executionArn=before.description["executionArn"], error="Late")

    after = bench.finish(before.description["executionArn"])
    assert (after.status, after.error, after.events) == ("SUCCEEDED", (None, None), before.events)


def test_a_machine_that_takes_too_long_times_out(bench: Workbench) -> None:
    run = bench.run({"TimeoutSeconds": 1, "StartAt": "A", "States": {"A": WAIT}})

    assert (run.status, run.error) == ("TIMED_OUT", (None, None))
    assert run.events[-1]["executionTimedOutEventDetails"] == {"error": "States.Timeout"}
    assert [kind for kind in run.event_types if kind in ENDINGS] == ["ExecutionTimedOut"]


def test_a_machine_whose_start_state_is_missing_is_refused(bench: Workbench) -> None:
    with pytest.raises(bench.client.exceptions.InvalidDefinition, match="Nowhere"):
        bench.machine({"StartAt": "Nowhere", "States": {"A": PASS}})


def test_history_ids_count_from_one_and_name_the_event_before(bench: Workbench) -> None:
    run = bench.run(THREE)

    assert [event["id"] for event in run.events] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [event["previousEventId"] for event in run.events] == [0, 0, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("newest_first", [False, True])
def test_pages_of_a_history_add_up_to_the_whole(bench: Workbench, newest_first: bool) -> None:
    execution_arn = bench.run(THREE).description["executionArn"]
    whole = bench.history(execution_arn, reverseOrder=newest_first)

    paginator = bench.client.get_paginator("get_execution_history")
    pages: list[Any] = list(
        paginator.paginate(executionArn=execution_arn, reverseOrder=newest_first, PaginationConfig={"PageSize": 3})
    )

    assert [len(page["events"]) for page in pages] == [3, 3, 2]
    assert [event for page in pages for event in page["events"]] == whole
    assert whole[0]["type"] == ("ExecutionSucceeded" if newest_first else "ExecutionStarted")


def test_pages_of_a_growing_history_do_not_move(bench: Workbench) -> None:
    execution_arn = bench.start(WAIT)
    page = bench.client.get_execution_history(executionArn=execution_arn, reverseOrder=True, maxResults=1)
    bench.client.stop_execution(executionArn=execution_arn)

    rest = bench.client.get_execution_history(
        executionArn=execution_arn, reverseOrder=True, nextToken=page["nextToken"]
    )

    assert [event["id"] for event in page["events"] + rest["events"]] == [2, 1]


def test_a_history_without_execution_data_has_no_input_and_output(bench: Workbench) -> None:
    execution_arn = bench.run(PASS, {"secret": 1}).description["executionArn"]

    events = bench.history(execution_arn, includeExecutionData=False)

    assert "secret" not in repr(events)
    assert events[0]["executionStartedEventDetails"]["roleArn"]


@pytest.mark.parametrize("token", ["rubbish", "MA==", "WzFd", "é"])
def test_a_page_token_that_nobody_gave_is_refused(bench: Workbench, token: str) -> None:
    execution_arn = bench.start(WAIT)

    with pytest.raises(bench.client.exceptions.InvalidToken):
        bench.client.get_execution_history(executionArn=execution_arn, nextToken=token)


def test_executions_are_listed_newest_first_in_pages_by_status(bench: Workbench) -> None:
    machine_arn = bench.machine(PASS)
    starts = [bench.client.start_execution(stateMachineArn=machine_arn)["executionArn"] for _ in range(7)]
    for execution_arn in starts:
        bench.finish(execution_arn)

    paginator = bench.client.get_paginator("list_executions")
    pages = list(
        paginator.paginate(stateMachineArn=machine_arn, statusFilter="SUCCEEDED", PaginationConfig={"PageSize": 3})
    )

    assert [len(page["executions"]) for page in pages] == [3, 3, 1]
    assert [row["executionArn"] for page in pages for row in page["executions"]] == starts[::-1]
    assert bench.client.list_executions(stateMachineArn=machine_arn, statusFilter="FAILED")["executions"] == []


def test_a_list_can_be_turned_while_its_executions_end(bench: Workbench) -> None:
    machine_arn = bench.machine(WAIT)
    starts = [bench.client.start_execution(stateMachineArn=machine_arn)["executionArn"] for _ in range(4)]
    listed: Any = {"stateMachineArn": machine_arn, "statusFilter": "RUNNING", "maxResults": 2}
    page = bench.client.list_executions(**listed)

    for execution_arn in starts[1:]:
        bench.client.stop_execution(executionArn=execution_arn)
    rest = bench.client.list_executions(**listed, nextToken=page["nextToken"])

    assert [row["executionArn"] for row in rest["executions"]] == starts[:1]
    assert "nextToken" not in rest


def test_a_listed_execution_has_its_dates(bench: Workbench) -> None:
    machine_arn = bench.machine(PASS)
    execution_arn = bench.client.start_execution(stateMachineArn=machine_arn)["executionArn"]
    run = bench.finish(execution_arn)

    (row,) = bench.client.list_executions(stateMachineArn=machine_arn)["executions"]

    assert row["startDate"] == run.description["startDate"] <= row["stopDate"] == run.description["stopDate"]


def test_an_action_that_is_not_there_is_named(bench: Workbench) -> None:
    with pytest.raises(ClientError, match="ListStateMachineVersions") as refused:
        bench.client.list_state_machine_versions(stateMachineArn=bench.machine(PASS))

    assert code_of(refused.value) == "UnknownOperationException"


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.list_state_machine_versions(stateMachineArn="arn:aws:states:us-west-2:1:stateMachine:x"),
        lambda client: client.test_state(definition="{}", roleArn="arn:aws:iam::123456789012:role/x"),
        lambda client: client.start_sync_execution(stateMachineArn="arn:aws:states:us-west-2:1:stateMachine:x"),
    ],
    ids=["versions", "test-state", "sync"],
)
def test_what_moto_lacks_is_refused_and_not_a_crash(bench: Workbench, call: Any) -> None:
    with pytest.raises(ClientError) as refused:
        call(bench.client)

    assert code_of(refused.value) == "UnknownOperationException"


def test_the_caller_is_in_the_account_of_the_embedded_aws(sts: Any) -> None:
    assert sts.get_caller_identity()["Account"] == "123456789012"


def test_an_execution_arn_names_region_account_machine_and_run(bench: Workbench) -> None:
    name = unique("run")

    execution_arn = bench.start(PASS, name=name)

    *prefix, _machine, run = execution_arn.split(":")
    assert (prefix, run) == (["arn", "aws", "states", "us-west-2", "123456789012", "execution"], name)
