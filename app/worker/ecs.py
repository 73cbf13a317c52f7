"""What Amazon ECS knows of the container that a worker runs in."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final

import httpx
import structlog

from app import errors

log = structlog.get_logger()

TASK_ARN: Final = "MAGIC_ECS_TASK_ARN"
TASK_ID: Final = "MAGIC_ECS_TASK_ID"
"""Texts in a worker name that stand for the ARN, and the last part of the ARN, of the ECS task."""

ENDPOINT_VARIABLES: Final = ("ECS_CONTAINER_METADATA_URI_V4", "ECS_CONTAINER_METADATA_URI")
FILE_VARIABLE: Final = "ECS_CONTAINER_METADATA_FILE"
AGENT_VARIABLE: Final = "ECS_AGENT_URI"
"""Variables that ECS sets, depending on the version of its agent."""

PROTECTION_MINUTES: Final = 120
"""How long ECS keeps up a protection that nobody ends."""

PROTECTION_RENEWAL_SECONDS: Final = 3600.0


async def expand_ecs_task(
    text: str,
    environ: Mapping[str, str],
    http: httpx.AsyncClient,
    *,
    file_wait_seconds: float = 60.0,
    file_check_seconds: float = 1.0,
) -> str:
    """Replace ``MAGIC_ECS_TASK_ARN`` and ``MAGIC_ECS_TASK_ID``; asks ECS only if one of them is there.

    The metadata endpoint is asked first, then the metadata file, which the agent writes some time after the start of
    the container. Raises ``SettingsError`` when neither tells.
    """
    if TASK_ARN not in text and TASK_ID not in text:
        return text
    arn = await _arn_from_endpoint(environ, http)
    if arn is None and FILE_VARIABLE in environ:
        arn = await _arn_from_file(Path(environ[FILE_VARIABLE]), file_wait_seconds, file_check_seconds)
    if not arn:
        raise errors.SettingsError(f"{text}: ECS does not tell its task; are we in a container of ECS?")
    return text.replace(TASK_ARN, arn).replace(TASK_ID, arn.rpartition("/")[2])


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


async def _arn_from_file(path: Path, wait_seconds: float, check_seconds: float) -> str | None:
    try:
        async with asyncio.timeout(wait_seconds):
            while True:
                if arn := await asyncio.to_thread(_read_arn, path):
                    return arn
                await asyncio.sleep(check_seconds)
    except TimeoutError:
        return None


def _read_arn(path: Path) -> str | None:
    try:
        return _task_arn(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


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

    Enter it around each task. That ECS does not answer is logged and hinders nothing.
    """

    def __init__(self, agent_uri: str, http: httpx.AsyncClient) -> None:
        self._url = agent_uri + "/task-protection/v1/state"
        self._http = http
        self._turn = asyncio.Lock()
        self._users = 0
        self._keeping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        self._users += 1
        if self._keeping is None:
            self._keeping = asyncio.create_task(self._keep(), name="ecs-task-protection")

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._users -= 1
        if self._users == 0 and self._keeping is not None:
            keeping, self._keeping = self._keeping, None
            keeping.cancel()
            await asyncio.wait({keeping})
            if self._keeping is None:
                await self._put({"ProtectionEnabled": False})

    async def _keep(self) -> None:
        while True:
            await self._put({"ProtectionEnabled": True, "ExpiresInMinutes": PROTECTION_MINUTES})
            await asyncio.sleep(PROTECTION_RENEWAL_SECONDS)

    async def _put(self, state: Mapping[str, object]) -> None:
        try:
            async with self._turn:
                (await self._http.put(self._url, json=state)).raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as failed:
            log.warning("ECS task protection was not set", action="ecs-protection-failed", error=str(failed), **state)
