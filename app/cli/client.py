"""The client of the service that a command asks."""

from app.cli.connection import Service
from app.client import RetryPolicy, WorkflowManager


def connect(service: Service) -> WorkflowManager:
    """Make a client; a person gets an answer, or the news that there is none, within the time of one request."""
    return WorkflowManager(
        service.url,
        timeout_seconds=service.request_timeout_seconds,
        retries=RetryPolicy(total_seconds=service.request_timeout_seconds),
        headers=service.headers,
    )
