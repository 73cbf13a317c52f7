"""One run of the service in this process, from its socket to its shutdown."""

import asyncio
import errno
import ipaddress
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import Final, NamedTuple, cast

import structlog
import uvicorn
from fastapi import FastAPI

from app.api.shutdown import Shutdown
from app.cli import connections, gc_tuning
from app.main import create_app
from app.settings import Settings, StoreBackend
from app.store import tables
from workflow_manager import aws, errors
from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.local import ACCOUNT_ID, DEFAULT_REGION, LocalAWS
from workflow_manager.local.options import Options
from workflow_manager.logs import nonblocking

log = structlog.get_logger(__name__)

REQUESTS_GRACE_SECONDS: Final = 4
"""How long open requests may continue after a stop."""

HARD_STOP_SECONDS: Final = 8.0
"""If a stop takes longer than this, after draining, the process exits at once."""

DYNAMODB_URL_VARIABLE: Final = "AWS_ENDPOINT_URL_DYNAMODB"
"""Names another DynamoDB than that of AWS_ENDPOINT_URL."""

FOREIGN_AWS: Final = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")
"""Variables that would redirect calls from the embedded AWS, or send real credentials to it."""


class Listen(NamedTuple):
    """The address that a server listens on; port 0 picks a free one."""

    host: str
    port: int
    option: str = "--port"
    """The option that chooses another port."""


class Ready(NamedTuple):
    """The URLs of the running service."""

    api: str
    aws: str | None
    key: str | None = None
    """An API key for everything, if keys are asked for and kept in memory, where no other process can create one."""


class ServiceRun:
    """Runs the service until a signal, or until a part of it dies.

    ``announce`` is called once the service accepts requests. ``local`` is the address of the embedded AWS, and
    ``embedded`` its options; without it the AWS of the environment is used. ``create`` makes the application.
    """

    def __init__(
        self,
        listen: Listen,
        *,
        local: Listen | None,
        settings: Mapping[str, object],
        announce: Callable[[Ready], None],
        create: Callable[..., FastAPI] = create_app,
        embedded: Options | None = None,
    ) -> None:
        self._listen = listen
        self._local = local
        self._embedded = embedded
        self._overrides = dict(settings)
        self._announce = announce
        self._create = create
        self._server: uvicorn.Server | None = None
        self._shutdown: Shutdown | None = None
        self._drain_seconds = 0.0
        self._main: asyncio.Task[object] | None = None
        self._ending: ExitCode | None = None
        self._closing = False
        self._failure: str | None = None

    def run_to_end(self) -> ExitCode:
        """Call ``run`` on a new event loop."""
        with asyncio.Runner(loop_factory=uvicorn.Config("", log_config=None).get_loop_factory()) as runner:
            return runner.run(self.run())

    async def run(self) -> ExitCode:
        """Serve; return the exit code.

        Raises ``StartupError``, ``SettingsError`` or ``Unavailable`` if it cannot start, and ``Unavailable`` if a part
        of it dies.
        """
        self._main = asyncio.current_task()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._on_signal, number)
        try:
            async with AsyncExitStack() as stack:
                await self._open_and_serve(stack)
        except asyncio.CancelledError:
            if self._ending is None:
                raise
        if self._failure is not None:
            raise errors.Unavailable(self._failure)
        return ExitCode.OK if self._ending is None else self._ending

    async def _open_and_serve(self, stack: AsyncExitStack) -> None:
        # Read twice: first so that nothing starts with invalid settings, then with the changes for the embedded AWS.
        refuse_open_door(Settings.load(**self._overrides), self._listen.host)
        listener = stack.enter_context(bind(self._listen))
        aws_url = None if self._local is None else await self._open_local(stack, self._local)
        settings = Settings.load(**self._overrides)
        if self._local is not None and settings.store is StoreBackend.DYNAMODB:
            await _make_tables(settings)
        descriptors, wanted = connections.descriptors(), settings.aws_max_connections
        callers, each = connections.shares(descriptors, aws_connections=wanted)
        settings = settings.model_copy(update={"aws_max_connections": each}).known_as(self._listen.host)
        app = self._create(settings, on_fatal=lambda: self._fail("A background task of the service died."))
        # Entered here and not by uvicorn, so that a failure is raised as our error and not only logged.
        await stack.enter_async_context(app.router.lifespan_context(app))
        key = await app.state.services.first_key()
        self._shutdown, self._drain_seconds = app.state.shutdown, settings.drain_seconds
        if each < wanted:
            log.warning(
                "file descriptor limit is low, so fewer connections are allowed",
                action="few-descriptors",
                descriptors=descriptors,
                callers=callers,
                each_aws_service=each,
            )
        limits = connections.Limits(connections=callers)
        self._server = _Server(
            uvicorn.Config(
                app,
                lifespan="off",
                log_config=None,
                http=cast("type[asyncio.Protocol]", partial(connections.LimitedProtocol, limits)),
                ws="none",
                server_header=False,
                proxy_headers=False,  # the application knows which proxies are trusted
                access_log=settings.log_level == "debug",
                timeout_graceful_shutdown=REQUESTS_GRACE_SECONDS,
            ),
            on_started=lambda: self._announce(Ready(_url(listener), aws_url, key)),
        )
        await self._server.serve(sockets=[listener])

    async def _open_local(self, stack: AsyncExitStack, listen: Listen) -> str:
        if listen.port:
            # The child process that listens there does not know the option to name in an error.
            bind(listen).close()
        embedded = await stack.enter_async_context(LocalAWS(host=listen.host, port=listen.port, options=self._embedded))
        watch = asyncio.create_task(embedded.wait(), name="embedded-aws-watch")
        watch.add_done_callback(self._on_local_end)
        stack.callback(watch.cancel)
        use_embedded_aws(embedded.url)
        self._overrides |= {"account_id": ACCOUNT_ID, "sfn_role_arn": None, "sfn_roles": None}
        return embedded.url

    def _on_local_end(self, watch: asyncio.Task[int]) -> None:
        if not watch.cancelled():
            self._fail(f"The embedded AWS ended unexpectedly, with exit code {watch.result()}.")

    def _on_signal(self, number: signal.Signals) -> None:
        code = ExitCode.INTERRUPTED if number == signal.SIGINT else ExitCode.OK
        if self._closing:
            _end_at_once(code)
        elif self._ending is None and number == signal.SIGTERM and self._shutdown is not None and self._drain_seconds:
            self._drain(self._shutdown, code)
        else:
            self._stop(code)

    def _fail(self, reason: str) -> None:
        if not self._closing:
            log.error(reason, action="service-failed")
            self._failure = reason
            self._stop(ExitCode.UNAVAILABLE)

    def _drain(self, shutdown: Shutdown, code: ExitCode) -> None:
        """Continue to serve, so that requests of load balancers that have not noticed the stop are not lost."""
        self._ending = code
        log.info("service draining", action="service-drain", seconds=self._drain_seconds)
        shutdown.drain()
        asyncio.get_running_loop().call_later(self._drain_seconds, self._stop, code)

    def _stop(self, code: ExitCode) -> None:
        if self._closing:
            return
        self._ending, self._closing = code, True
        asyncio.get_running_loop().call_later(HARD_STOP_SECONDS, _end_late)
        if self._shutdown is not None:
            self._shutdown.close()
        if self._server is not None:
            self._server.should_exit = True
        elif self._main is not None:
            self._main.cancel()


class _Server(uvicorn.Server):
    """A server that does not handle signals, and calls back once it has started."""

    def __init__(self, config: uvicorn.Config, *, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        await self._serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        gc_tuning.settle()
        self._on_started()


def refuse_open_door(settings: Settings, host: str) -> None:
    """Raise ``SettingsError`` if other machines could call and ``WFM_AUTH`` is not set."""
    if settings.auth is None and not _is_loopback(host):
        raise errors.SettingsError(
            f"WFM_AUTH is not set, and {host} is open to other machines: keys asks callers for an API key, "
            "off lets everybody do everything"
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def bind(listen: Listen) -> socket.socket:
    """Listen on the address; raises ``StartupError`` if it is not available."""
    try:
        family = socket.getaddrinfo(listen.host, listen.port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((listen.host, listen.port), family=family, backlog=2048)
    except socket.gaierror as error:
        raise errors.StartupError(f"Cannot listen on {listen.host}: {error.strerror}.") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise errors.StartupError(
                f"Port {listen.port} on {listen.host} is in use; choose another with {listen.option}."
            ) from error
        # The message of the error itself would repeat the address.
        reason = os.strerror(error.errno or 0)
        raise errors.StartupError(f"Cannot listen on {listen.host}:{listen.port}: {reason}.") from error


def use_embedded_aws(url: str) -> None:
    """Point every AWS client of this process to the embedded AWS, with made-up credentials.

    A replacement for DynamoDB in the environment, such as DynamoDB Local, stays in use.
    """
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or DEFAULT_REGION
    dynamodb_url = os.environ.get(DYNAMODB_URL_VARIABLE)
    for name in [name for name in os.environ if name.startswith("AWS_ENDPOINT_URL_") or name in FOREIGN_AWS]:
        del os.environ[name]
    if dynamodb_url and aws.is_embedded(dynamodb_url):
        os.environ[DYNAMODB_URL_VARIABLE] = dynamodb_url
    os.environ |= {
        "AWS_ENDPOINT_URL": url,
        "AWS_REGION": region,
        "AWS_ACCESS_KEY_ID": "embedded",
        "AWS_SECRET_ACCESS_KEY": "embedded",
    }


async def _make_tables(settings: Settings) -> None:
    """Create missing tables; an embedded AWS starts without any."""
    async with aws.connect(settings.aws).dynamodb() as client:
        await tables.create_tables(client, settings.table_prefix)


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104  a name for people to open, nothing is bound here
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _end_late() -> None:
    log.error("service did not stop in time; exiting", action="hard-stop")
    _end_at_once(ExitCode.UNAVAILABLE)


def _end_at_once(code: ExitCode) -> None:
    """Exit without closing anything; the embedded AWS notices and exits too."""
    sys.stdout.flush()
    nonblocking.flush()
    os._exit(code)
