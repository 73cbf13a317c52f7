"""The client with which a command calls the service."""

import sys
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from workflow_manager import errors
from workflow_manager.cli.async_runner import run
from workflow_manager.cli.options.connection import Service
from workflow_manager.cli.options.token_command import CommandToken
from workflow_manager.cli.output.console import note
from workflow_manager.client import RetryPolicy, WorkflowManager

T = TypeVar("T")

REFUSED_SECONDS: Final = 8.0
"""Longer than a restart of the service takes; a port that refuses connections for longer may have no service."""


def connect(service: Service, *, attempts: int | None = None) -> WorkflowManager:
    """Return a client that answers or fails within the time limit of one request, retries included."""
    return WorkflowManager(
        service.url,
        timeout_seconds=service.request_timeout_seconds,
        retries=RetryPolicy(
            attempts=attempts, refused_seconds=REFUSED_SECONDS, total_seconds=service.request_timeout_seconds
        ),
        headers=service.headers,
        auth=None if service.token_command is None else CommandToken(service.token_command),
        on_retry=WaitingNote(service).on_retry if sys.stderr.isatty() else None,
    )


def call(service: Service, operation: Callable[[WorkflowManager], Awaitable[T]]) -> T:
    """Run one operation on a client of the service, and return its result."""

    async def work() -> T:
        async with connect(service) as manager:
            return await operation(manager)

    return run(work())


class WaitingNote:
    """Prints, once, that the command is waiting for its service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._shown = False

    def on_retry(self, _failure: errors.WorkflowManagerError) -> None:
        """Print the note after the first failed attempt."""
        if not self._shown:
            note(f"Waiting for {self._service} (Ctrl-C to stop) ...")
        self._shown = True
