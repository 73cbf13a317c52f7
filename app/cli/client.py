"""The client of the service that a command asks."""

from typing import Final

from app.cli.connection import Service
from app.client import RetryPolicy, WorkflowManager

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
    )
