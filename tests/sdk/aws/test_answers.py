"""What AWS cannot have said is no answer, on every client, whatever its status is.

Covers `workflow_manager.aws.answers`.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from workflow_manager import aws, errors
from workflow_manager.aws import clients

ARN = "arn:aws:states:us-west-2:123456789012:stateMachine:x"
RUN = "arn:aws:states:us-west-2:123456789012:execution:x:y"
PROVEN = b'{"ConsumedCapacity": {"TableName": "t", "CapacityUnits": 1.0}}'
"""What DynamoDB says of an item that is not there, and of a write."""

HTML = b"<html><body>Please log in.</body></html>"

Call = Callable[[aws.AWS], Awaitable[Any]]


@asynccontextmanager
async def answering(
    *bodies: bytes, status: bytes = b"200 OK", headers: bytes = b""
) -> AsyncIterator[tuple[aws.AWS, list[bytes]]]:
    """Stand in for AWS with fixed answers, the last one again and again; yields also the requests so far."""
    heads: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        body = bodies[min(len(heads), len(bodies)) - 1]
        head = b"HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %d\r\n%s\r\n" % (status, len(body), headers)
        writer.write(head + body)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            yield aws.connect(aws.AWSSettings("us-west-2")), heads


def of_sfn(operation: str, **parameters: Any) -> Call:
    async def call(connection: aws.AWS) -> Any:
        async with connection.step_functions(attempts=1) as client:
            return await getattr(client, operation)(**parameters)

    return call


def of_dynamodb(operation: str, **parameters: Any) -> Call:
    async def call(connection: aws.AWS) -> Any:
        async with connection.dynamodb() as client:
            return await getattr(client, operation)(TableName="t", **parameters)

    return call


async def receive(connection: aws.AWS) -> Any:
    async with connection.sqs() as client:
        return await client.receive_message(QueueUrl="http://q/1/q")


async def delete(connection: aws.AWS) -> Any:
    async with connection.sqs() as client:
        return await client.delete_message_batch(QueueUrl="http://q/1/q", Entries=[{"Id": "0", "ReceiptHandle": "h"}])


async def account(connection: aws.AWS) -> Any:
    return await connection.account_id()


SFN = {
    "start": of_sfn("start_execution", stateMachineArn=ARN, name="y", input="{}"),
    "stop": of_sfn("stop_execution", executionArn=RUN),
    "describe": of_sfn("describe_execution", executionArn=RUN),
    "history": of_sfn("get_execution_history", executionArn=RUN),
    "list": of_sfn("list_executions", stateMachineArn=ARN),
    "create": of_sfn("create_state_machine", name="x", definition="{}", roleArn="r"),
    "update": of_sfn("update_state_machine", stateMachineArn=ARN, definition="{}"),
    "machine": of_sfn("describe_state_machine", stateMachineArn=ARN),
    "activity": of_sfn("create_activity", name="x"),
    "task": of_sfn("get_activity_task", activityArn=ARN),
    "success": of_sfn("send_task_success", taskToken="t", output="{}"),
}
ROW = b'{"executionArn": "a", "stateMachineArn": "b", "name": "c", "status": 5, "startDate": 1}'
MAY_BE_EMPTY = {"task", "success"}


@pytest.mark.parametrize("body", [HTML, b"", b"null", b"[]", b'"{}"', b'{"executionArn": "a'], ids=repr)
@pytest.mark.parametrize("operation", ["start", "list", "task"])
async def test_what_is_no_json_object_is_no_answer_of_step_functions(operation: str, body: bytes) -> None:
    async with answering(body) as (connection, _):
        with pytest.raises(errors.NoAnswer):
            await SFN[operation](connection)


@pytest.mark.parametrize("operation", SFN)
async def test_an_empty_object_is_an_answer_only_where_it_can_be_one(operation: str) -> None:
    async with answering(b"{}") as (connection, _):
        if operation in MAY_BE_EMPTY:
            await SFN[operation](connection)
        else:
            with pytest.raises(errors.NoAnswer):
                await SFN[operation](connection)


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("list", b'{"executions": "none"}'),
        ("list", b'{"executions": null}'),
        ("list", b'{"executions": [null]}'),
        ("list", b'{"executions": [{"executionArn": "a"}]}'),
        ("list", b'{"executions": [], "nextToken": 5}'),
        ("list", b'{"executions": [%s]}' % ROW),
        ("history", b'{"events": {}}'),
        ("history", b'{"events": [{"timestamp": 1, "type": "TaskStarted"}]}'),
        ("start", b'{"executionArn": "a", "startDate": "yesterday"}'),
        ("describe", b'{"executionArn": "a", "stateMachineArn": "b", "status": {}, "startDate": 1}'),
    ],
)
async def test_parts_of_another_form_are_no_answer(operation: str, body: bytes) -> None:
    async with answering(body) as (connection, _):
        with pytest.raises(errors.NoAnswer):
            await SFN[operation](connection)


@pytest.mark.parametrize("status", [b"302 Found", b"403 Forbidden", b"404 Not Found", b"400 Bad Request"])
@pytest.mark.parametrize("body", [HTML, b"[]", b'{"__type": 5}'], ids=repr)
async def test_an_error_that_is_none_of_aws_is_no_answer(status: bytes, body: bytes) -> None:
    """A refusal ends a workflow, so it must be AWS's own."""
    async with answering(body, status=status) as (connection, _):
        with pytest.raises(errors.NoAnswer):
            await SFN["start"](connection)


@pytest.mark.parametrize(
    ("call", "bad", "good"),
    [
        (of_dynamodb("put_item", Item={"k": {"S": "x"}}), HTML, PROVEN),
        (of_dynamodb("put_item", Item={"k": {"S": "x"}}), b"", PROVEN),
        (of_dynamodb("put_item", Item={"k": {"S": "x"}}), b"{}", PROVEN),
        (of_dynamodb("get_item", Key={"k": {"S": "x"}}), b"{}", PROVEN),
        (of_dynamodb("delete_item", Key={"k": {"S": "x"}}), b"{}", PROVEN),
        (of_dynamodb("query"), b"{}", b'{"Items": [], "Count": 0, "ConsumedCapacity": {}}'),
        (of_dynamodb("query"), b'{"Items": "x"}', b'{"Items": [], "Count": 0, "ConsumedCapacity": {}}'),
        (of_dynamodb("describe_table"), b"{}", b'{"Table": {}}'),
        (receive, HTML, b"{}"),
        (receive, b'{"Messages": [{"MessageId": "1"}]}', b"{}"),
        (delete, b"[]", b'{"Successful": [{"Id": "0"}]}'),
        (account, HTML, b"<R><GetCallerIdentityResult><Account>1</Account></GetCallerIdentityResult></R>"),
        (account, b"{}", b"<R><GetCallerIdentityResult><Account>1</Account></GetCallerIdentityResult></R>"),
        (account, b"<R/>", b"<R><GetCallerIdentityResult><Account>1</Account></GetCallerIdentityResult></R>"),
    ],
)
async def test_what_got_a_malformed_answer_is_repeated(call: Call, bad: bytes, good: bytes) -> None:
    """By the SDK, which repeats a write under the same token."""
    async with answering(bad, good) as (connection, heads):
        await call(connection)
    assert len(heads) == 2


async def test_a_malformed_answer_that_stays_is_no_answer() -> None:
    async with answering(HTML) as (connection, heads):
        with pytest.raises(errors.NoAnswer, match="none of AWS's"):
            await of_dynamodb("put_item", Item={"k": {"S": "x"}})(connection)
    assert len(heads) == aws.ATTEMPTS


async def test_an_item_that_is_not_there_is_told_from_an_answer_that_was_changed() -> None:
    """DynamoDB sends a checksum."""
    read = of_dynamodb("get_item", Key={"k": {"S": "x"}})
    async with answering(PROVEN, headers=b"x-amz-crc32: %d\r\n" % zlib.crc32(PROVEN)) as (connection, _):
        assert "Item" not in await read(connection)
    async with answering(PROVEN, headers=b"x-amz-crc32: 1\r\n") as (connection, _):
        with pytest.raises(errors.NoAnswer):
            await read(connection)


@pytest.mark.parametrize("trickle", [False, True], ids=["silent", "trickling"])
async def test_an_attempt_of_the_store_is_given_up(monkeypatch: pytest.MonkeyPatch, trickle: bool) -> None:
    """However it fails to answer; three seconds are long for DynamoDB, and three attempts are made."""
    assert clients.STORE_ATTEMPT_SECONDS == 3
    monkeypatch.setattr(clients, "STORE_ATTEMPT_SECONDS", 0.5)
    attempts: list[asyncio.Task[None] | None] = []
    over = asyncio.Event()

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        attempts.append(asyncio.current_task())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" if trickle else b"")
        while not over.is_set():
            writer.write(b" " if trickle else b"")
            await asyncio.sleep(0.01)
        writer.close()

    async with await asyncio.start_server(keep, "127.0.0.1", 0) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        with pytest.raises(errors.NoAnswer):
            await of_dynamodb("get_item", Key={"k": {"S": "x"}})(aws.connect(aws.AWSSettings("us-west-2")))
        over.set()
        await asyncio.gather(*filter(None, attempts))
    assert len(attempts) == aws.ATTEMPTS
