"""The client of the service that a command asks."""

import sys
from typing import Final

from workflow_manager import errors
from workflow_manager.cli.options.connection import Service
from workflow_manager.cli.output.console import note
from workflow_manager.client import RetryPolicy, WorkflowManager

REFUSED_SECONDS: Final = 8.0
"""Longer than the service needs to start again; where nothing listens for so long, nothing may be there at all."""


def connect(service: Service, *, attempts: int | None = None) -> WorkflowManager:
    """Make a client; a person gets an answer, or the news that there is none, within the time of one request."""
    return WorkflowManager(
        service.url,
        timeout_seconds=service.request_timeout_seconds,
        retries=RetryPolicy(
            attempts=attempts, refused_seconds=REFUSED_SECONDS, total_seconds=service.request_timeout_seconds
        ),
        headers=service.headers,
        on_retry=WaitingNote(service).tell if sys.stderr.isatty() else None,
    )


class WaitingNote:
    """Tells the person at the terminal, once, that the command waits for its service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._told = False

    def tell(self, _failure: errors.WorkflowManagerError) -> None:
        """Say so after the first attempt in vain."""
        if not self._told:
            note(f"Waiting for {self._service} (Ctrl-C to stop) ...")
        self._told = True
