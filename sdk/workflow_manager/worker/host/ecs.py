"""What Amazon ECS knows of the container that a worker runs in."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final

import httpx
import structlog

from workflow_manager import errors
from workflow_manager.worker.backoff import pause

log = structlog.get_logger()

TASK_ARN: Final = "MAGIC_ECS_TASK_ARN"
TASK_ID: Final = "MAGIC_ECS_TASK_ID"
"""Texts in a worker name that stand for the ARN, and the last part of the ARN, of the ECS task."""

ENDPOINT_VARIABLES: Final = ("ECS_CONTAINER_METADATA_URI_V4", "ECS_CONTAINER_METADATA_URI")
FILE_VARIABLE: Final = "ECS_CONTAINER_METADATA_FILE"
AGENT_VARIABLE: Final = "ECS_AGENT_URI"
"""Variables that ECS sets, depending on the version of its agent."""

PROTECTION_MINUTES: Final = 120
"""How long ECS keeps a protection that is not ended."""

PROTECTION_RENEWAL_SECONDS: Final = 3600.0

PROTECTION_LINGER_SECONDS: Final = 1.0
"""How long a worker stays protected after a task: short ones that follow each other are one errand to ECS."""

LAST_WORD_SECONDS: Final = 1.0
"""How long the end of a worker waits for ECS."""


async def expand_ecs_task(
    text: str,
    environ: Mapping[str, str],
    http: httpx.AsyncClient,
    *,
    endpoint_wait_seconds: float = 10.0,
    file_wait_seconds: float = 60.0,
    check_seconds: float = 1.0,
) -> str:
    """Replace ``MAGIC_ECS_TASK_ARN`` and ``MAGIC_ECS_TASK_ID``; asks ECS only if one of them is there.

    The metadata endpoint is asked first, which may not know the task at once, then the metadata file, which the agent
    writes some time after the start of the container. Raises ``SettingsError`` when neither tells.
    """
    if TASK_ARN not in text and TASK_ID not in text:
        return text
    arn = None
    if any(environ.get(variable) for variable in ENDPOINT_VARIABLES):
        arn = await _look(lambda: _arn_from_endpoint(environ, http), endpoint_wait_seconds, check_seconds)
    if arn is None and environ.get(FILE_VARIABLE):
        path = Path(environ[FILE_VARIABLE])
        arn = await _look(lambda: asyncio.to_thread(_arn_from_file, path), file_wait_seconds, check_seconds)
    if not arn:
        raise errors.SettingsError(f"{text}: ECS does not tell its task; are we in a container of ECS?")
    return text.replace(TASK_ARN, arn).replace(TASK_ID, arn.rpartition("/")[2])


async def _look(look: Callable[[], Awaitable[str | None]], wait_seconds: float, check_seconds: float) -> str | None:
    """Look again and again until there is something; nothing when the time is over."""
    try:
        async with asyncio.timeout(wait_seconds):
            while True:
                if found := await look():
                    return found
                await asyncio.sleep(check_seconds)
    except TimeoutError:
        return None


async def _arn_from_endpoint(environ: Mapping[str, str], http: httpx.AsyncClient) -> str | None:
    for variable in ENDPOINT_VARIABLES:
        if not environ.get(variable):
            continue
        try:
            answer = await http.get(environ[variable] + "/task")
            answer.raise_for_status()
            return _task_arn(answer.text)
        except (httpx.HTTPError, httpx.InvalidURL) as failed:
            log.warning("ECS metadata cannot be read", action="ecs-metadata-failed", source=variable, error=str(failed))
    return None


def _arn_from_file(path: Path) -> str | None:
    try:
        return _task_arn(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, UnicodeDecodeError):  # not there yet, or not whole
        return None
    except OSError as unreadable:
        raise errors.SettingsError(f"{FILE_VARIABLE}: {path} cannot be read: {unreadable.strerror}") from None


def _task_arn(text: str) -> str | None:
    """Take the task's ARN out of ECS metadata; nothing when it is not there yet, or half written."""
    try:
        metadata = json.loads(text)
    except ValueError:
        return None
    arn = metadata.get("TaskARN") if isinstance(metadata, dict) else None
    return arn if isinstance(arn, str) and arn else None


class TaskProtection:
    """Keeps ECS from ending the container by scaling in while at least one task runs.

    Enter it around each task, which never waits for ECS. That ECS does not answer is logged and hinders nothing.
    """

    def __init__(self, agent_uri: str, http: httpx.AsyncClient) -> None:
        self._url = agent_uri + "/task-protection/v1/state"
        self._http = http
        self._users = 0
        self._idle = asyncio.Event()
        self._hurry = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        self._users += 1
        self._idle.clear()
        self._hurry.set()
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.create_task(self._keep(), name="ecs-task-protection")

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._users -= 1
        if self._users == 0:
            self._hurry.clear()
            self._idle.set()

    @property
    def idle(self) -> bool:
        """Whether no task runs."""
        return self._users == 0

    async def close(self) -> None:
        """Wait a moment for ECS to hear that nothing needs protection any more."""
        self._hurry.set()
        if self._keeping is not None:
            await asyncio.wait({self._keeping}, timeout=LAST_WORD_SECONDS)
            self._keeping.cancel()
            await asyncio.wait({self._keeping})

    async def _keep(self) -> None:
        """Tell ECS what holds, one thing after the other, until it has heard that no task runs."""
        while True:
            await self._put({"ProtectionEnabled": True, "ExpiresInMinutes": PROTECTION_MINUTES})
            if await self._used_for(PROTECTION_RENEWAL_SECONDS):
                continue
            await self._put({"ProtectionEnabled": False})
            if not self._users:
                return

    async def _used_for(self, seconds: float) -> bool:
        """Wait until no task runs and none comes for a moment; tell whether the time was over before."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    await self._idle.wait()
                    await pause(PROTECTION_LINGER_SECONDS, unless=self._hurry)
                    if not self._users:
                        return False
        except TimeoutError:
            return True

    async def _put(self, state: Mapping[str, object]) -> None:
        try:
            (await self._http.put(self._url, json=state)).raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as failed:
            log.warning("ECS task protection not set", action="ecs-protection-failed", error=str(failed), **state)
