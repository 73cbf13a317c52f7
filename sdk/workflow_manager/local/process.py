"""Running the embedded AWS: in this process with ``serve``, or as a child with ``LocalAWS``."""

import asyncio
import contextlib
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Self

from workflow_manager import errors
from workflow_manager.local import handshake, listening, stopping
from workflow_manager.local.options import Options
from workflow_manager.local.stepfunctions.skip_batch import spare_batch

MISSING_EXTRA: Final = "The embedded AWS needs the extra: pip install 'sfn-workflow-manager[local]'"

READY_SECONDS: Final = 60.0
"""Loading takes more than a second; a machine under heavy load may need many times that."""

TERMINATE_SECONDS: Final = 3.0
"""How long the child may take to end by itself before it is killed."""


def serve(
    host: str,
    port: int,
    options: Options | None = None,
    *,
    on_ready: Callable[[str], None] | None = None,
    owner: int | None = None,
) -> None:
    """Serve the embedded AWS from this process until SIGTERM or SIGINT; call it from the main thread.

    Port 0 takes a free one; ``on_ready`` gets the URL once requests are answered. With ``owner``, a file
    descriptor, serving also ends when that reaches its end of file. Raises ``StartupError`` when the port
    cannot be had or the extra is not installed.
    """
    with listening.listen(host, port) as listener, stopping.stop_requests(owner) as wait_for_stop:
        url = listening.url(host, listener)
        _load_server().run(
            listener,
            options or Options(),
            on_ready=lambda: on_ready(url) if on_ready else None,
            wait_for_stop=wait_for_stop,
        )


def _load_server() -> Any:
    try:
        spare_batch()
        # Not before, because this module must stay cheap for those who never serve.
        from workflow_manager.local import server  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.split(".")[0] == "workflow_manager":
            raise
        raise errors.StartupError(MISSING_EXTRA) from missing
    return server


class LocalAWS:
    """The embedded AWS in a child process, for as long as the ``async with`` block lasts.

    The child ends with the block, and also when this process dies in any way.
    """

    def __init__(self, *, port: int = 0, host: str = "127.0.0.1", options: Options | None = None) -> None:
        self._host = host
        self._options = options or Options()
        self._port = port
        self._child: Process | None = None
        self._url = ""

    @property
    def url(self) -> str:
        """The endpoint for AWS clients; known once the block is entered."""
        return self._url

    @property
    def pid(self) -> int:
        """The id of the child process."""
        return self._running().pid

    async def wait(self) -> int:
        """Wait until the child has ended and return its exit code; inside the block that is always unexpected."""
        return await self._running().wait()

    async def __aenter__(self) -> Self:
        # Its own session, so that a Ctrl-C at the terminal reaches the service first and lets it finish its work.
        self._child = await asyncio.create_subprocess_exec(
            *handshake.command(self._host, self._port, self._options), stdin=PIPE, stdout=PIPE, start_new_session=True
        )
        try:
            self._url = await self._ready(self._child)
        except BaseException:
            await _kill(self._child)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._end(self._running())

    def _running(self) -> Process:
        if self._child is None:
            raise RuntimeError("LocalAWS is used as an async context manager")
        return self._child

    async def _ready(self, child: Process) -> str:
        assert child.stdout is not None  # noqa: S101 - it was opened as a pipe
        try:
            async with asyncio.timeout(READY_SECONDS):
                line = await child.stdout.readline()
        except TimeoutError:
            raise errors.StartupError(f"The embedded AWS was not ready within {READY_SECONDS:.0f} seconds") from None
        return handshake.read(line)

    async def _end(self, child: Process) -> None:
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
        try:
            async with asyncio.timeout(TERMINATE_SECONDS):
                await child.wait()
        except TimeoutError:
            await _kill(child)


async def _kill(child: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.kill()
    await child.wait()
