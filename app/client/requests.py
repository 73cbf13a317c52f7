"""What the requests of the client are made of: the URL, paths and parameters."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final, TypedDict
from urllib.parse import quote

import httpx
from pydantic.alias_generators import to_camel

from app import errors, models

NEXT_PAGE_HEADER: Final = "X-Next-Page-Path"
PARAMETERS: Final = {"definition_name": "workflowDefinitionName", "tags": "tag"}
"""Filters whose parameter is not simply the same name in camel case."""


class WorkflowFilters(TypedDict, total=False):
    """What a list of workflows may be narrowed by, and how it is cut into pages.

    Filters combine; ``tags`` are those that a workflow must all have. Times need a zone.
    """

    definition_name: str
    status: models.WorkflowStatus
    resolved_by_user: bool
    namespace: str
    queue: str
    tags: Mapping[str, str]
    created_after: datetime
    created_before: datetime
    oldest_first: bool
    summary_only: bool
    limit: int


def checked_url(url: str) -> httpx.URL:
    """Parse the URL of a service; raises ``SettingsError`` when it is none."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise errors.SettingsError(f"The URL of the service is not valid: {url!r}: {error}.") from error
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise errors.SettingsError(f"The URL of the service must be like http://localhost:8080, not {url!r}.")
    return parsed


def segment(value: str) -> str:
    """Quote one segment of a path; an empty or all-dots one would name another resource."""
    if not value.strip("."):
        raise errors.InvalidRequest(f"{value!r} is neither a name nor an id.")
    return quote(value, safe=":")


def workflow_path(workflow_id: str) -> str:
    """Return the path of a workflow."""
    return f"/workflows/{segment(workflow_id)}"


def state_resource_path(namespace: str, name: str) -> str:
    """Return the path of a state resource."""
    return f"/state-resources/{segment(namespace)}/{segment(name)}"


def filter_params(filters: WorkflowFilters) -> Iterator[tuple[str, str]]:
    """Yield the query parameters of filters; several tags are one parameter repeated."""
    for name, value in filters.items():
        parameter = PARAMETERS.get(name) or to_camel(name)
        match value:
            case bool():
                yield parameter, flag(value)
            case Mapping():
                yield from ((parameter, f"{key}:{tag}") for key, tag in value.items())
            case datetime():
                yield parameter, models.format_time(value)
            case _:
                yield parameter, str(value)


def flag(value: bool) -> str:
    """Write a truth value as the API reads it."""
    return "true" if value else "false"


def same_service_path(response: httpx.Response) -> str | None:
    """Read where the next page is; it must be on the service that was asked."""
    path: str | None = response.headers.get(NEXT_PAGE_HEADER)
    if path is not None and (not path.startswith("/") or path.startswith("//")):
        raise errors.Unavailable(f"The service named a next page that is not its own: {path!r}.")
    return path
