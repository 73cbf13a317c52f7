"""Machines in the manner of public repositories, each linted and run: the patterns that people bring along.

Covers `workflow_manager.local.stepfunctions`.
"""

import json
import threading
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from tests.sdk.local.conftest import CREDENTIALS, PATIENT
from tests.sdk.local.workbench import Workbench, task, unique
from workflow_manager import states_language

Machine = dict[str, Any]
Make = Callable[[Workbench], tuple[Machine, Any, Any]]


def machine(start: str, /, **states: Any) -> Machine:
    """Return a JSONPath machine; underscores in names become blanks."""
    return {"StartAt": start, "States": {name.replace("_", " "): body for name, body in states.items()}}


def jsonata(start: str, /, **states: Any) -> Machine:
    """Return a JSONata machine."""
    return {"QueryLanguage": "JSONata", **machine(start, **states)}


def other(bench: Workbench, service: str) -> Any:
    """Return a client of another service."""
    url = bench.client.meta.endpoint_url
    return boto3.client(service, endpoint_url=url, config=PATIENT, **CREDENTIALS)  # type: ignore[call-overload]


def worker(bench: Workbench, answer: Callable[[Any], Any], tasks: int = 1) -> str:
    """Create an activity with a worker that answers so many tasks; what is raised fails the task."""

    def respond(given: Any) -> None:
        try:
            output = answer(json.loads(given["input"]))
        except ValueError as error:
            bench.client.send_task_failure(taskToken=given["taskToken"], error=str(error), cause="in the test")
        else:
            bench.client.send_task_success(taskToken=given["taskToken"], output=json.dumps(output))

    arn = bench.activity()
    bench.work(arn, respond, tasks=tasks)
    return arn


def failing(times: int, error: str) -> Callable[[Any], Any]:
    """Return an answer that fails so many times before it succeeds."""
    left = [error] * times

    def answer(given: Any) -> Any:
        if left:
            raise ValueError(left.pop())
        return {"done": given}

    return answer


def job_poller(bench: Workbench) -> tuple[Machine, Any, Any]:
    """Ask for a status until it is there."""
    polls = worker(bench, lambda given: {"n": given["n"] + 1, "status": "DONE" if given["n"] else "RUNNING"}, tasks=2)
    states = machine(
        "Poll",
        Poll=task(polls, Next="Ready"),
        Ready={
            "Type": "Choice",
            "Choices": [{"Variable": "$.status", "StringEquals": "DONE", "Next": "Report"}],
            "Default": "Rest",
        },
        Rest={"Type": "Wait", "Seconds": 0, "Next": "Poll"},
        Report={"Type": "Pass", "Parameters": {"polls.$": "$.n"}, "End": True},
    )
    return states, {"n": 0}, {"polls": 2}


def saga(bench: Workbench) -> tuple[Machine, Any, Any]:
    """Undo what was done when a later step fails."""
    book, pay, cancel = (
        worker(bench, answer) for answer in (lambda _: "b-1", failing(1, "NoMoney"), lambda given: given)
    )
    undo = [{"ErrorEquals": ["NoMoney"], "ResultPath": "$.error", "Next": "Cancel"}]
    states = machine(
        "Book",
        Book=task(book, ResultPath="$.booking", Next="Pay"),
        Pay=task(pay, Catch=undo, End=True),
        Cancel=task(cancel, Parameters={"id.$": "$.booking", "why.$": "$.error.Error"}),
    )
    return states, {}, {"id": "b-1", "why": "NoMoney"}


def retried(bench: Workbench) -> tuple[Machine, Any, Any]:
    """Try again after errors that pass."""
    arn = worker(bench, failing(2, "Throttled"), tasks=3)
    retry = [
        {
            "ErrorEquals": ["Throttled"],
            "IntervalSeconds": 1,
            "BackoffRate": 1.0,
            "MaxAttempts": 2,
            "JitterStrategy": "FULL",
        }
    ]
    return machine("Do", Do=task(arn, Retry=retry)), {"a": 1}, {"done": {"a": 1}}


def errors_by_name(bench: Workbench) -> tuple[Machine, Any, Any]:
    """Go where the name of the error says."""
    arn = worker(bench, failing(1, "OutOfStock"))
    catch = [
        {"ErrorEquals": ["NoMoney"], "Next": "Other"},
        {"ErrorEquals": ["OutOfStock", "Gone"], "ResultPath": "$.problem", "Next": "Reorder"},
        {"ErrorEquals": ["States.ALL"], "Next": "Other"},
    ]
    ends = {
        name: {"Type": "Pass", "Parameters": {"at": name, "cause.$": "$.problem.Cause"}, "End": True}
        for name in ("Reorder", "Other")
    }
    return (
        machine("Buy", Buy=task(arn, Catch=catch, Next="Other"), **ends),
        {},
        {"at": "Reorder", "cause": "in the test"},
    )


def fan_out(bench: Workbench) -> tuple[Machine, Any, Any]:
    """Work on every item, a few at a time, and gather."""
    arn = worker(bench, lambda given: given["item"] * given["factor"], tasks=3)
    each = {
        "Type": "Map",
        "ItemsPath": "$.items",
        "MaxConcurrency": 2,
        "ItemSelector": {"item.$": "$$.Map.Item.Value", "factor.$": "$.factor"},
        "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, **machine("Work", Work=task(arn))},
        "ResultPath": "$.results",
        "Next": "Gather",
    }
    gather = {
        "Type": "Pass",
        "Parameters": {"count.$": "States.ArrayLength($.results)", "all.$": "$.results"},
        "End": True,
    }
    return (
        machine("Each", Each=each, Gather=gather),
        {"items": [1, 2, 3], "factor": 10},
        {"count": 3, "all": [10, 20, 30]},
    )


def branches(bench: Workbench) -> tuple[Machine, Any, Any]:
    """Do different things at once, and keep on when one of them fails."""
    arn = worker(bench, failing(1, "Broken"))
    safe = machine(
        "Try",
        Try=task(arn, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Note"}]),
        Note={"Type": "Pass", "OutputPath": "$.Error", "End": True},
    )
    sizes = machine(
        "Size", Size={"Type": "Pass", "Parameters": {"v.$": "States.JsonToString($)"}, "OutputPath": "$.v", "End": True}
    )
    both = {
        "Type": "Parallel",
        "Branches": [safe, sizes],
        "ResultSelector": {"first.$": "$[0]", "second.$": "$[1]"},
        "ResultPath": "$.both",
        "OutputPath": "$.both",
        "End": True,
    }
    return machine("Both", Both=both), {"a": [1]}, {"first": "Broken", "second": '{"a":[1]}'}


def nested(bench: Workbench) -> tuple[Machine, Any, Any]:
    """Run another machine and wait for it."""
    inner = bench.machine(
        jsonata("Add", Add={"Type": "Pass", "Output": {"sum": "{% $sum($states.input.n) %}"}, "End": True})
    )
    run = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {
            "StateMachineArn": inner,
            "Input": {"n.$": "$.numbers", "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID.$": "$$.Execution.Id"},
        },
        "ResultSelector": {"total.$": "$.Output.sum"},
        "End": True,
    }
    return machine("Run", Run=run), {"numbers": [1, 2, 3]}, {"total": 6}


def nested_failure(bench: Workbench) -> tuple[Machine, Any, Any]:
    """Catch the failure of another machine."""
    inner = bench.machine({"Type": "Fail", "Error": "Inner", "Cause": "on purpose"})
    run = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": inner},
        "Catch": [{"ErrorEquals": ["States.TaskFailed"], "ResultPath": "$.failed", "Next": "Look"}],
        "End": True,
    }
    look = {
        "Type": "Pass",
        "Parameters": {"why.$": "States.StringToJson($.failed.Cause)"},
        "OutputPath": "$.why.Error",
        "End": True,
    }
    return machine("Run", Run=run, Look=look), {}, "Inner"


def continue_as_new(bench: Workbench) -> tuple[Machine, Any, Any]:
    """Start the next run and end."""
    follower = bench.machine({"Type": "Pass", "End": True})
    start = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution",
        "Arguments": {"StateMachineArn": follower, "Input": {"page": "{% $states.input.page + 1 %}"}},
        "Output": "{% $contains($states.result.ExecutionArn, ':execution:') %}",
        "End": True,
    }
    return jsonata("Start", Start=start), {"page": 1}, True


def callback(bench: Workbench) -> tuple[Machine, Any, Any]:
    """Hand out a task token with an activity, and have another state wait for nobody."""
    arn = worker(bench, lambda given: {"approved": given["amount"] < 100})
    decide = {
        "Type": "Choice",
        "Choices": [
            {
                "And": [
                    {"Variable": "$.approved", "IsPresent": True},
                    {"Variable": "$.approved", "BooleanEquals": True},
                ],
                "Next": "Yes",
            }
        ],
        "Default": "No",
    }
    ends = {name: {"Type": "Pass", "Result": name, "End": True} for name in ("Yes", "No")}
    return (
        machine("Ask", Ask=task(arn, Next="Decide", TimeoutSeconds=60, HeartbeatSeconds=30), Decide=decide, **ends),
        {"amount": 5},
        "Yes",
    )


def arn_parts(_: Workbench) -> tuple[Machine, Any, Any]:
    """Take an ARN apart with nested functions."""
    part = "States.ArrayGetItem(States.StringSplit(States.ArrayGetItem(States.StringSplit($.arn, '/'), 1), '.'), 0)"
    name = {"Type": "Pass", "Parameters": {"name.$": f"States.Format('{{}}-{{}}', {part}, $$.State.Name)"}, "End": True}
    return machine("Name", Name=name), {"arn": "arn:x:y/image.v1/2"}, {"name": "image-Name"}


def variables(_: Workbench) -> tuple[Machine, Any, Any]:
    """Keep something aside over several states, also inside a Map."""
    body = machine(
        "Use",
        Use={
            "Type": "Pass",
            "Parameters": {"v.$": "States.Format('{}/{}', $day, $)"},
            "OutputPath": "$.v",
            "End": True,
        },
    )
    states = machine(
        "Keep",
        Keep={"Type": "Pass", "Assign": {"day.$": "$.day", "n": 2}, "Next": "Each"},
        Each={"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": body, "Next": "Last"},
        Last={"Type": "Pass", "Parameters": {"day.$": "$day", "n.$": "$n", "all.$": "$"}, "End": True},
    )
    return states, {"day": "mon", "items": ["a", "b"]}, {"day": "mon", "n": 2, "all": ["mon/a", "mon/b"]}


def orders(_: Workbench) -> tuple[Machine, Any, Any]:
    """Sum up and sort with JSONata."""
    total = "{% $sum($states.input.lines.(price * count)) %}"
    dear = "{% [$sort($states.input.lines[price > 1], function($a, $b) { $a.price < $b.price }).name] %}"
    states = jsonata(
        "Price",
        Price={"Type": "Pass", "Assign": {"total": total}, "Output": {"dear": dear}, "Next": "Large"},
        Large={
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": "{% $total > 10 %}",
                    "Next": "Report",
                    "Output": "{% $merge([$states.input, {'large': true}]) %}",
                }
            ],
            "Default": "Report",
        },
        Report={"Type": "Succeed", "Output": {"total": "{% $total %}", "rest": "{% $states.input %}"}},
    )
    lines = [{"name": n, "price": p, "count": c} for n, p, c in (("pen", 1, 3), ("ink", 4, 2), ("box", 2, 1))]
    return states, {"lines": lines}, {"total": 13, "rest": {"dear": ["ink", "box"], "large": True}}


def jsonata_map(bench: Workbench) -> tuple[Machine, Any, Any]:
    """Iterate with JSONata over what an expression makes."""
    arn = worker(bench, lambda given: given["v"] + given["i"], tasks=3)
    each = {
        "Type": "Map",
        "Items": "{% $range(1, 5, 2) %}",
        "ItemSelector": {"v": "{% $states.context.Map.Item.Value %}", "i": "{% $states.context.Map.Item.Index %}"},
        "MaxConcurrency": "{% $states.input.n %}",
        "ItemProcessor": machine("Work", Work={**task(arn), "Output": "{% $states.result * 10 %}"}),
        "Output": "{% $sum($states.result) %}",
        "End": True,
    }
    return jsonata("Each", Each=each), {"n": 2}, 120


def jsonata_catch(bench: Workbench) -> tuple[Machine, Any, Any]:
    """Catch in JSONata, with what the error says."""
    arn = worker(bench, failing(1, "Odd"))
    catch = [
        {
            "ErrorEquals": ["States.ALL"],
            "Next": "After",
            "Assign": {"why": "{% $states.errorOutput.Error %}"},
            "Output": "{% $states.input %}",
        }
    ]
    after = {"Type": "Pass", "Output": {"why": "{% $why %}", "in": "{% $states.input %}"}, "End": True}
    return (
        jsonata("Try", Try={**task(arn, Catch=catch), "Arguments": {"a": 1}}, After=after),
        {"q": 2},
        {"why": "Odd", "in": {"q": 2}},
    )


def pages(bench: Workbench) -> tuple[Machine, Any, Any]:
    """Turn pages until there is no more, gathering in a variable."""
    arn = worker(
        bench,
        lambda given: {"items": [given["page"]], **({"next": given["page"] + 1} if given["page"] < 3 else {})},
        tasks=3,
    )
    states = jsonata(
        "Begin",
        Begin={"Type": "Pass", "Assign": {"all": [], "page": 1}, "Next": "Page"},
        Page={
            **task(arn, Next="More"),
            "Arguments": {"page": "{% $page %}"},
            "Assign": {
                "all": "{% $append($all, $states.result.items) %}",
                "page": "{% $exists($states.result.next) ? $states.result.next : 0 %}",
            },
        },
        More={"Type": "Choice", "Choices": [{"Condition": "{% $page > 0 %}", "Next": "Page"}], "Default": "Done"},
        Done={"Type": "Succeed", "Output": "{% $all %}"},
    )
    return states, {}, [1, 2, 3]


def distributed(bench: Workbench) -> tuple[Machine, Any, Any]:
    """Work on batches in child runs, of which some may fail."""
    arn = worker(bench, lambda given: sum(given["Items"]), tasks=2)
    each = {
        "Type": "Map",
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            **machine("Work", Work=task(arn)),
        },
        "ItemBatcher": {"MaxItemsPerBatch": 2},
        "MaxConcurrency": 1,
        "ToleratedFailurePercentage": 5,
        "Label": "Batches",
        "End": True,
    }
    return machine("Each", Each=each), [1, 2, 3], [3, 3]


def of_s3(bench: Workbench, key: str, body: str, config: Machine) -> Machine:
    """Return a Map over an object in S3."""
    bucket = unique("bucket")
    store = other(bench, "s3")
    store.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    store.put_object(Bucket=bucket, Key=key, Body=body.encode())
    return {
        "Type": "Map",
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": config,
            "Parameters": {"Bucket": bucket, "Key": key},
        },
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
            **machine("Same", Same={"Type": "Pass", "End": True}),
        },
        "End": True,
    }


def csv_rows(bench: Workbench) -> tuple[Machine, Any, Any]:
    """Read rows of a CSV object."""
    config = {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW", "MaxItems": 2}
    return (
        machine("Rows", Rows=of_s3(bench, "rows.csv", "a,b\n1,x\n2,y\n3,z\n", config)),
        {},
        [{"a": "1", "b": "x"}, {"a": "2", "b": "y"}],
    )


def json_object(bench: Workbench) -> tuple[Machine, Any, Any]:
    """Read a JSON object without any configuration."""
    return machine("Items", Items=of_s3(bench, "items.json", '[1, {"a": 2}]', {})), {}, [1, {"a": 2}]


def objects(bench: Workbench) -> tuple[Machine, Any, Any]:
    """Go over the objects of a bucket."""
    each = of_s3(bench, "one.txt", "x", {})
    reader = each["ItemReader"]
    reader["Resource"] = "arn:aws:states:::s3:listObjectsV2"
    del reader["Parameters"]["Key"]
    each["ItemSelector"] = {"key.$": "$$.Map.Item.Value.Key", "size.$": "$$.Map.Item.Value.Size"}
    return machine("Objects", Objects=each), {}, [{"key": "one.txt", "size": 1}]


def message(bench: Workbench) -> tuple[Machine, Any, Any]:
    """Send a task token through a queue; whoever receives it answers."""
    queues = other(bench, "sqs")
    url = queues.create_queue(QueueName=unique("queue"))["QueueUrl"]
    send = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": url, "MessageBody": {"token.$": "$$.Task.Token", "ask.$": "$.ask"}},
        "End": True,
    }
    threading.Thread(target=_answer, args=(bench, queues, url), daemon=True).start()
    return machine("Send", Send=send), {"ask": "ok?"}, {"answer": "ok?"}


def _answer(bench: Workbench, queues: Any, url: str) -> None:
    [received] = queues.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
    body = json.loads(received["Body"])
    bench.client.send_task_success(taskToken=body["token"], output=json.dumps({"answer": body["ask"]}))


PATTERNS: list[Make] = [
    job_poller, saga, retried, errors_by_name, fan_out, branches, nested, nested_failure, continue_as_new, callback,
    arn_parts, variables, orders, jsonata_map, jsonata_catch, pages, distributed, csv_rows, json_object, objects,
    message,
]  # fmt: skip


@pytest.mark.parametrize("make", PATTERNS, ids=lambda make: make.__name__)
def test_a_machine_of_the_usual_kind_is_clean_and_runs(bench: Workbench, make: Make) -> None:
    definition, given, output = make(bench)

    assert [finding for finding in states_language.validate(definition) if finding.is_error] == []
    run = bench.run(definition, given)

    assert (run.status, run.error) == ("SUCCEEDED", (None, None))
    assert run.output == output
