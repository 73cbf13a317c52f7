"""What the benchmarks of the API measure, each served by a process of its own that tells its CPU time."""

import asyncio
import json
import multiprocessing
import os
import resource
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any, Final, cast

import aioboto3
import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI
from jwt.algorithms import RSAAlgorithm
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from app.access import oidc
from app.cli import gc_tuning
from app.main import create_app
from app.services import Services
from app.settings import Settings
from app.store import tables
from workflow_manager import aws
from workflow_manager.models import (
    Binding,
    Manager,
    NewApiKey,
    Role,
    StartWorkflowRequest,
    Workflow,
    WorkflowDefinition,
    WorkflowStatus,
)

CPU_PATH: Final = "/cpu-seconds"
PEAK_PATH: Final = "/peak-mebibytes"
CALLS_PATH: Final = "/calls"
TOKEN_PATH: Final = "/token"  # noqa: S105 (where one is told)
"""Where a service with access control tells a credential that may do everything."""
CALLERS: Final = 16
"""Calls and requests that are under way at the same time."""

REGION: Final = "us-west-2"
ISSUER: Final = "https://issuer.example"
ACCOUNT_ID: Final = "123456789012"
ROLE_ARN: Final = f"arn:aws:iam::{ACCOUNT_ID}:role/workflow-manager"
MACHINE: Final[dict[str, Any]] = {
    "Comment": "Fetches the weather of a city, and reports it.",
    "StartAt": "fetch",
    "States": {
        "fetch": {"Type": "Task", "Resource": "fetch-weather", "TimeoutSeconds": 300, "Next": "report"},
        "report": {"Type": "Task", "Resource": "lambda:report", "End": True},
    },
}
WORKFLOW_ID: Final = "0b3b5c9e-5f0b-4c39-9c55-1d1f4e6a7b8c"
DEFINITION: Final = {"name": "weather", "stateMachine": MACHINE, "defaultTags": {"team": "infra"}}
START: Final = {
    "workflowDefinition": {"name": "weather", "version": 0},
    "namespace": "bench",
    "queue": "default",
    "input": '{"city":"Oslo"}',
    "tags": {"customer": "bench"},
}


class Metered:
    """Tells CPU time and most memory of its process at paths of their own, beside an application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == CPU_PATH:
            await PlainTextResponse(str(time.process_time()))(scope, receive, send)
            return
        if scope["type"] == "http" and scope["path"] == PEAK_PATH:
            await PlainTextResponse(str(peak_mebibytes()))(scope, receive, send)
            return
        await self._app(scope, receive, send)


class NoAWS(aws.AWS):
    """An AWS whose calls are answered in this process."""

    def __init__(self) -> None:
        super().__init__(None, region=REGION, embedded=True, max_connections=CALLERS)

    @asynccontextmanager
    async def step_functions(self, *, attempts: int = 1) -> AsyncIterator[Any]:
        """Give a fake."""
        yield FakeSFN()


class FakeSFN:
    """The calls that a start makes."""

    async def create_state_machine(self, **_: object) -> Mapping[str, object]:
        return {}

    async def create_activity(self, **_: object) -> Mapping[str, object]:
        return {}

    async def describe_state_machine(self, **_: object) -> Mapping[str, object]:
        return {"definition": "", "roleArn": ""}

    async def update_state_machine(self, **_: object) -> Mapping[str, object]:
        return {}

    async def start_execution(self, **_: object) -> Mapping[str, object]:
        return {}


def peak_mebibytes() -> float:
    """Return the most memory that this process has held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def service(
    listener: socket.socket,
    aws_url: str,
    poller: bool = False,
    preset: str = "auto",
    dynamodb_url: str | None = None,
) -> None:
    """Serve the service on an AWS at a URL, as the verb ``serve`` does, with the memory store or a DynamoDB."""
    _configure(aws_url)
    if dynamodb_url:
        os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = dynamodb_url
        asyncio.run(_create_tables())
    settings = Settings.load(
        account_id=ACCOUNT_ID,
        poller_enabled=poller,
        quota_preset=preset,
        store="dynamodb" if dynamodb_url else "memory",
        sfn_role_arn=ROLE_ARN,
    )
    _serve(create_app(settings), listener, lifespan="on")


def service_with_key(listener: socket.socket, aws_url: str) -> None:
    """Serve the service with access control, and tell an API key for everything."""
    _serve_with_access(listener, aws_url, "keys", _new_key)


def service_with_jwt(listener: socket.socket, aws_url: str) -> None:
    """Serve the service with access control, and tell a token of an identity provider of its own."""
    key = rsa.generate_private_key(65537, 2048)
    shown = {**json.loads(RSAAlgorithm(RSAAlgorithm.SHA256).to_jwk(key.public_key())), "kid": "bench", "alg": "RS256"}
    rule = {"claims": {"sub": "bench"}, "bindings": [{"role": "admin"}]}
    issuer = {"alias": "bench", "issuer": ISSUER, "audience": "bench", "jwks_url": f"{ISSUER}/keys", "rules": [rule]}

    async def fetch(_url: str) -> bytes:
        return json.dumps({"keys": [shown]}).encode()

    oidc.fetcher = lambda client: fetch
    claims = {"iss": ISSUER, "aud": "bench", "sub": "bench", "exp": int(time.time()) + 86_400}
    token = jwt.encode(claims, key, "RS256", headers={"kid": "bench"})

    async def tell(_app: FastAPI) -> str:
        return token

    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"issuers": [issuer]}, file)
        file.flush()
        _serve_with_access(listener, aws_url, "oidc", tell, access_file=file.name)


async def _new_key(app: FastAPI) -> str:
    admin = NewApiKey(name="bench", bindings=(Binding(role=Role.ADMIN),))
    services: Services = app.state.services
    return (await services.keys.create(admin)).key


def _serve_with_access(
    listener: socket.socket,
    aws_url: str,
    auth: str,
    credential: Callable[[FastAPI], Awaitable[str]],
    *,
    access_file: str | None = None,
) -> None:
    _configure(aws_url)
    settings = Settings.load(
        account_id=ACCOUNT_ID,
        poller_enabled=False,
        store="memory",
        sfn_role_arn=ROLE_ARN,
        auth=auth,
        access_file=access_file,
    )
    app = create_app(settings)

    async def with_token(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == TOKEN_PATH:
            await JSONResponse(await credential(app))(scope, receive, send)
        else:
            await app(scope, receive, send)

    _serve(with_token, listener, lifespan="on")


async def _create_tables() -> None:
    settings = Settings.load(account_id=ACCOUNT_ID)
    async with aws.connect(settings.aws).dynamodb() as client:
        await tables.create_tables(client, settings.table_prefix)


def service_without_aws(listener: socket.socket) -> None:
    """Serve the service on a Step Functions that is a fake in this process."""
    settings = Settings.load(account_id=ACCOUNT_ID, sfn_role_arn=ROLE_ARN, poller_enabled=False, quota_preset="none")
    aws.connect = lambda _: NoAWS()  # type: ignore[assignment]
    _serve(create_app(settings), listener, lifespan="on")


def bare_fastapi(listener: socket.socket) -> None:
    """Serve one route that takes and returns the same bodies, and does nothing."""
    app = FastAPI()
    moment = datetime.now(UTC)
    definition = WorkflowDefinition(
        id="2f1f5a55-3f0e-4c25-a52b-1b8d4c5a5d5e",
        name="weather",
        version=0,
        created_at=moment,
        manager=Manager.STEP_FUNCTIONS,
        state_machine=MACHINE,
        default_tags={"team": "infra"},
    )

    @app.post("/workflows", response_model_exclude_none=True)
    async def start(request: StartWorkflowRequest) -> Workflow:
        return Workflow(
            id=WORKFLOW_ID,
            created_at=moment,
            last_updated=moment,
            workflow_definition=definition,
            status=WorkflowStatus.QUEUED,
            namespace=request.namespace,
            queue=request.queue,
            input=str(request.input),
            tags={**definition.default_tags, **request.tags},
            execution_arn=f"arn:aws:states:{REGION}:{ACCOUNT_ID}:execution:bench--weather--0--fetch:{WORKFLOW_ID}",
        )

    _serve(app, listener)


def bare_sdk(listener: socket.socket, aws_url: str) -> None:
    """Serve a path that makes calls of StartExecution with nothing around them, and tells the CPU time they took."""
    _configure(aws_url)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        calls = int(scope["query_string"])
        async with aioboto3.Session().client("stepfunctions") as client:
            await _call(client, CALLERS)
            began = time.process_time()
            await _call(client, calls)
            spent = time.process_time() - began
        await PlainTextResponse(str(spent))(scope, receive, send)

    _serve(app, listener)


async def _call(client: Any, calls: int) -> None:
    waiting = iter(range(calls))

    async def caller() -> None:
        for number in waiting:
            await client.start_execution(
                stateMachineArn="arn:aws:states:us-west-2:123456789012:stateMachine:bench--weather--0--fetch",
                name=f"0b3b5c9e-5f0b-4c39-9c55-{number:012}",
                input=f'{{"city":"Oslo","_EXECUTION_NAME":"{WORKFLOW_ID}"}}',
            )

    await asyncio.gather(*(caller() for _ in range(CALLERS)))


def _configure(aws_url: str) -> None:
    os.environ |= {
        "AWS_ENDPOINT_URL": aws_url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
    }


def _serve(app: ASGIApp, listener: socket.socket, lifespan: str = "off") -> None:
    config = uvicorn.Config(
        Metered(app), lifespan=cast("Any", lifespan), log_config=None, access_log=False, timeout_keep_alive=300
    )
    (_SettledServer if lifespan == "on" else uvicorn.Server)(config).run(sockets=[listener])


class _SettledServer(uvicorn.Server):
    """A server that collects garbage as that of ``serve`` does."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen."""
        await super().startup(sockets)
        gc_tuning.settle()


@contextmanager
def serving(run: Callable[..., None], **arguments: object) -> Iterator[tuple[str, int]]:
    """Serve a subject; gives host and port. What it logs is formatted and written, and lost."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    process = multiprocessing.get_context("spawn").Process(
        target=_quietly, args=(run, listener, arguments), daemon=True
    )
    process.start()
    try:
        yield listener.getsockname()
    finally:
        process.terminate()
        process.join()


def _quietly(run: Callable[..., None], listener: socket.socket, arguments: Mapping[str, object]) -> None:
    os.dup2(os.open(os.environ.get("XLOG", os.devnull), os.O_WRONLY | os.O_CREAT), 2)
    run(listener, **arguments)
