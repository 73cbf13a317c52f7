"""Errors of AWS become ours, and nothing is sent that nobody counts.

Covers `workflow_manager.errors` and `app.executor.sfn.throttled_client`.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import botocore.session
import pytest
from botocore.exceptions import EndpointConnectionError

from app.executor import Quotas, throttled
from app.executor.sfn.throttled_client import ATTEMPTS
from app.settings import Settings
from workflow_manager import aws, errors

OPERATIONS = (
    "CreateActivity",
    "CreateStateMachine",
    "DescribeExecution",
    "GetExecutionHistory",
    "ListExecutions",
    "RedriveExecution",
    "StartExecution",
    "StopExecution",
    "UpdateStateMachine",
)
"""What the service calls."""


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_error_that_an_operation_can_answer_has_a_meaning_here(operation: str) -> None:
    model = botocore.session.get_session().get_service_model("stepfunctions").operation_model(operation)

    codes = {shape.metadata.get("error", {}).get("code", shape.name) for shape in model.error_shapes}

    assert codes - aws.ERRORS_BY_CODE.keys() == set()


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (EndpointConnectionError(endpoint_url="http://x"), errors.NoAnswer),
        (TimeoutError(), errors.NoAnswer),
        (
            RuntimeError("Credentials were refreshed, but the refreshed credentials are still expired."),
            errors.CredentialsRejected,
        ),
        (RuntimeError("a bug"), RuntimeError),
    ],
)
def test_what_the_sdk_raises_by_itself_becomes_ours_unless_it_is_a_bug(
    raised: Exception, kind: type[Exception]
) -> None:
    with pytest.raises(kind), aws.translated_errors():
        raise raised


@asynccontextmanager
async def refusing(code: str) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Serve an AWS that refuses everything; yields its URL, and the heads of the requests so far."""
    heads: list[bytes] = []
    body = json.dumps({"__type": code, "message": "no"}).encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        heads.append(head)
        writer.write(b"HTTP/1.1 400 No\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", heads


async def test_what_is_throttled_is_sent_as_often_as_it_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    quotas = Quotas({}, clock=asyncio.get_running_loop().time)
    async with refusing("ThrottlingException") as (url, heads):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        async with aws.connect(Settings.load(aws_region="us-west-2").aws).step_functions(attempts=1) as client:
            with pytest.raises(errors.Throttled):
                await throttled(client, quotas).describe_execution(
                    executionArn="arn:aws:states:us-west-2:1:execution:x:y"
                )

    assert len(heads) == ATTEMPTS
