"""Many clients of the embedded AWS at once.

Covers `workflow_manager.local.server`.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.eventually import eventually
from tests.sdk.local.workbench import Workbench, task, unique

if TYPE_CHECKING:
    from collections.abc import Iterator

MANY = 120
"""More than fit on a page of ListExecutions, and than clients are at work."""
ENDINGS = {"ExecutionSucceeded", "ExecutionAborted"}

AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-west-2/states/aws4_request, SignedHeaders=host, Signature=none"
)


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(50) as threads:
        yield threads


def statuses(bench: Workbench, machine_arn: str, status: str) -> set[str]:
    """Return the ARNs of all executions of a machine that have a status."""
    pages = bench.client.get_paginator("list_executions").paginate(
        stateMachineArn=machine_arn,
        statusFilter=status,  # type: ignore[arg-type]
    )
    return {row["executionArn"] for page in pages for row in page["executions"]}


def start_many(bench: Workbench, pool: ThreadPoolExecutor, activity_arn: str) -> tuple[str, set[str]]:
    """Start many executions that wait for a task each; return their machine and their ARNs."""
    machine_arn = bench.machine(task(activity_arn))

    def start(number: int) -> str:
        return bench.client.start_execution(stateMachineArn=machine_arn, input=str(number))["executionArn"]

    return machine_arn, set(pool.map(start, range(MANY)))


def test_many_waiting_executions_are_all_served(bench: Workbench, pool: ThreadPoolExecutor) -> None:
    arn = bench.activity()
    machine_arn, started = start_many(bench, pool, arn)
    assert statuses(bench, machine_arn, "RUNNING") == started

    def serve(_: int) -> int:
        got = bench.take(arn)
        bench.echo(got)
        return int(json.loads(got["input"]))

    served = list(pool.map(serve, range(MANY)))

    assert sorted(served) == list(range(MANY))
    eventually(lambda: statuses(bench, machine_arn, "SUCCEEDED") == started, what="all executions have succeeded")


def test_many_waiting_executions_can_all_be_stopped(bench: Workbench, pool: ThreadPoolExecutor) -> None:
    machine_arn, started = start_many(bench, pool, bench.activity())

    list(pool.map(lambda execution_arn: bench.client.stop_execution(executionArn=execution_arn), started))

    assert statuses(bench, machine_arn, "ABORTED") == started


def test_an_answer_and_a_stop_at_once_give_one_ending(bench: Workbench, pool: ThreadPoolExecutor) -> None:
    arn = bench.activity()
    machine_arn = bench.machine(task(arn))
    started = [bench.client.start_execution(stateMachineArn=machine_arn)["executionArn"] for _ in range(20)]
    taken = [bench.take(arn) for _ in started]

    def echo(got: Any) -> None:
        with contextlib.suppress(bench.client.exceptions.TaskTimedOut):
            bench.echo(got)

    def stop(execution_arn: str) -> None:
        bench.client.stop_execution(executionArn=execution_arn)

    at_once = [*(pool.submit(echo, got) for got in taken), *(pool.submit(stop, arn) for arn in started)]
    for call in at_once:
        call.result()

    for execution_arn in started:
        run = bench.finish(execution_arn)
        ending = {"SUCCEEDED": "ExecutionSucceeded", "ABORTED": "ExecutionAborted"}[run.status]
        assert [kind for kind in run.event_types if kind in ENDINGS] == [ending] == run.event_types[-1:]


def test_one_name_started_by_many_at_once_is_one_execution(bench: Workbench, pool: ThreadPoolExecutor) -> None:
    # Many states take long to read, which gives the others time to start it as well.
    states: dict[str, Any] = {f"P{number}": {"Type": "Pass", "Next": f"P{number + 1}"} for number in range(100)}
    states |= {"P100": {"Type": "Wait", "Seconds": 600, "End": True}}
    machine_arn = bench.machine({"StartAt": "P0", "States": states})

    answers = list(
        pool.map(lambda _: bench.client.start_execution(stateMachineArn=machine_arn, name="same"), range(20))
    )

    (row,) = bench.client.list_executions(stateMachineArn=machine_arn)["executions"]
    assert {answer["startDate"] for answer in answers} == {row["startDate"]}


def test_one_machine_and_activity_created_by_many_at_once_exist_once(
    bench: Workbench, pool: ThreadPoolExecutor
) -> None:
    name = unique("activity")

    created = list(pool.map(lambda _: bench.client.create_activity(name=name), range(20)))

    assert len({(one["activityArn"], one["creationDate"]) for one in created}) == 1


def test_a_worker_that_hung_up_does_not_swallow_a_task(bench: Workbench, local_aws_url: str) -> None:
    arn = bench.activity()
    for _ in range(5):
        poll = request(local_aws_url, "GetActivityTask", {"activityArn": arn})
        poll.close()

    execution_arn = bench.start(task(arn))
    bench.echo(bench.take(arn))

    assert bench.finish(execution_arn).status == "SUCCEEDED"


def test_of_conditional_writes_at_once_to_dynamodb_one_wins(dynamodb: Any) -> None:
    # With more writers the turns of this process would keep the requests apart.
    table, writers, rounds = unique("table"), 4, 30
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    barrier = threading.Barrier(writers)

    def write(_: int) -> list[int]:
        return [number for number in range(rounds) if advance(dynamodb, table, number, barrier)]

    with ThreadPoolExecutor(writers) as together:
        won = [number for numbers in together.map(write, range(writers)) for number in numbers]

    assert sorted(won) == list(range(rounds))


def advance(dynamodb: Any, table: str, number: int, barrier: threading.Barrier) -> bool:
    """Set the version of an item if it is not there yet, together with others; return whether that worked."""
    barrier.wait()
    try:
        dynamodb.update_item(
            TableName=table,
            Key={"k": {"S": str(number)}},
            UpdateExpression="SET v = :new",
            ConditionExpression="attribute_not_exists(v)",
            ExpressionAttributeValues={":new": {"N": "1"}},
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return False
    return True


def test_more_clients_can_connect_at_once_than_servers_let_wait(local_aws_url: str) -> None:
    """Which is 128, unless a server says otherwise."""
    address = urlsplit(local_aws_url)
    connections = [socket.create_connection((str(address.hostname), address.port or 0), 10) for _ in range(250)]
    try:
        for connection in connections:
            connection.sendall(raw("ListActivities", {}))
        answers = [connection.recv(4096) for connection in connections]
    finally:
        for connection in connections:
            connection.close()

    assert {answer.split(b"\r\n")[0] for answer in answers} == {b"HTTP/1.1 200 OK"}


def test_a_connection_stays_open_for_the_next_request(local_aws_url: str) -> None:
    connection = request(local_aws_url, "ListActivities", {})
    with connection.getresponse() as first:
        first.read()
    sock = connection.sock

    connection.request("POST", "/", "{}", headers("ListStateMachines"))
    with connection.getresponse() as second:
        second.read()

    assert (first.status, second.status) == (200, 200)
    assert connection.sock is sock is not None
    connection.close()


@pytest.mark.parametrize(
    ("action", "body", "code"),
    [
        ("StartExecution", b"{", "SerializationException"),
        ("StartExecution", b"[]", "SerializationException"),
        ("StartExecution", b"\xff\xfe", "SerializationException"),
        ("StartExecution", b"{}", "ValidationException"),
        ("StartExecution", b'{"stateMachineArn": 7}', "ValidationException"),
        ("GetExecutionHistory", b'{"executionArn": "x", "maxResults": 1001}', "ValidationException"),
        ("GetActivityTask", b'{"activityArn": "rubbish"}', "InvalidArn"),
        ("DropEverything", b"{}", "UnknownOperationException"),
    ],
)
def test_rubbish_gets_an_error_of_aws(local_aws_url: str, action: str, body: bytes, code: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(local_aws_url).netloc, timeout=30)
    connection.request("POST", "/", body, headers(action))
    with connection.getresponse() as answer:
        content = json.loads(answer.read())
    connection.close()

    assert (answer.status, content["__type"].split("#")[-1]) == (400, code)


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("Content-Length: abc", "{}"),
        ("Content-Length: -5", "{}"),
        ("Transfer-Encoding: chunked", "zz\r\n{}\r\n0\r\n\r\n"),
    ],
)
def test_a_body_of_no_clear_length_is_refused_and_the_connection_closed(
    local_aws_url: str, head: str, body: str
) -> None:
    address = urlsplit(local_aws_url)
    with socket.create_connection((str(address.hostname), address.port or 0), 10) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\nHost: aws\r\n{head}\r\n\r\n{body}".encode())
        answer = b"".join(iter(lambda: connection.recv(4096), b""))

    assert answer.startswith(b"HTTP/1.1 400 ")


def headers(action: str) -> dict[str, str]:
    """Return what a client of Step Functions says about its request."""
    return {
        "X-Amz-Target": f"AWSStepFunctions.{action}",
        "Content-Type": "application/x-amz-json-1.0",
        "Authorization": AUTHORIZATION,
    }


def request(url: str, action: str, fields: dict[str, Any]) -> http.client.HTTPConnection:
    """Send a request on a connection of its own."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    connection.request("POST", "/", json.dumps(fields), headers(action))
    return connection


def raw(action: str, fields: dict[str, Any]) -> bytes:
    """Return the bytes of a request."""
    body = json.dumps(fields)
    lines = [f"{name}: {value}" for name, value in headers(action).items()]
    return "\r\n".join(["POST / HTTP/1.1", "Host: aws", *lines, f"Content-Length: {len(body)}", "", body]).encode()
