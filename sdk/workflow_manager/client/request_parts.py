"""The parts of requests: URL, paths, parameters, bodies and headers."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypedDict, TypeVar
from urllib.parse import quote

import httpx
import pydantic
from pydantic.alias_generators import to_camel

from workflow_manager import errors, models
from workflow_manager.masking import masked

NEXT_PAGE_HEADER: Final = "X-Next-Page-Path"
PARAMETERS: Final = {"definition_name": "workflowDefinitionName", "tags": "tag"}
"""Filters source parameter is not simply the same name in camel case."""

KEY_HEADER: Final = "Idempotency-Key"
LONGEST_KEY: Final = 255

M = TypeVar("M", bound=pydantic.BaseModel)

_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_HEADER_VALUE: Final = re.compile(r"[!-~]([ -~]*[!-~])?", re.ASCII)
"""Visible ASCII with spaces inside: what no server and no proxy reads differently (RFC 9110, section 5.5)."""


class WorkflowFilters(TypedDict, total=False):
    """Filters and paging of a list of workflows; None is no filter.

    Filters combine. A workflow matches one of ``statuses`` and all ``tags``, whose keys cannot contain a colon;
    ``id_prefix`` has at least 8 characters. Times need a zone.
    """

    definition_name: str | None
    status: models.WorkflowStatus | None
    statuses: Sequence[models.WorkflowStatus] | None
    id_prefix: str | None
    resolved_by_user: bool | None
    resolved_by: str | None
    fingerprint: str | None
    namespace: str | None
    queue: str | None
    tags: Mapping[str, str] | None
    created_after: datetime | None
    created_before: datetime | None
    oldest_first: bool | None
    summary_only: bool | None
    omit_input: bool | None
    limit: int | None


def checked_url(url: str) -> httpx.URL:
    """Parse the URL of a service; raises ``SettingsError`` if it is not valid."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise errors.SettingsError(f"The URL of the service is not valid: {masked(url)!r}: {error}.") from error
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise errors.SettingsError(f"The URL of the service must be like http://localhost:8080, not {masked(url)!r}.")
    return parsed


def checked_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Return the headers if they are valid; raises ``SettingsError``, which does not show the value."""
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise errors.SettingsError(f"{name!r} is not a valid header name.")
        if value and not _HEADER_VALUE.fullmatch(value):
            raise errors.SettingsError(f"The value of the header {name} must be visible ASCII characters.")
    return headers


def idempotency_header(key: str) -> dict[str, str]:
    """Return the header for a key; raises ``InvalidRequest`` if it is not valid."""
    if len(key) > LONGEST_KEY or not _HEADER_VALUE.fullmatch(key):
        raise errors.InvalidRequest(f"An idempotency key must be 1 to {LONGEST_KEY} visible ASCII characters.")
    return {KEY_HEADER: key}


def valid(model: type[M], **fields: Any) -> M:
    """Build a model; ``InvalidRequest`` names the invalid field as the API does."""
    try:
        return model(**fields)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise errors.InvalidRequest(f"{where}: {first['msg']}.") from error


def segment(value: str) -> str:
    """Quote one segment of a path; an empty one, or one of dots, would name another resource."""
    if not value.strip("."):
        raise errors.InvalidRequest(f"{value!r} is not a valid name or id.")
    try:
        return quote(value, safe=":")
    except UnicodeEncodeError as error:
        raise errors.InvalidRequest(f"{value!r} is not a valid name or id.") from error


def workflow_path(workflow_id: str) -> str:
    """Return the path of a workflow."""
    return f"/workflows/{segment(workflow_id)}"


def job_path(workflow_id: str, job_id: str) -> str:
    """Return the path of a job of a workflow."""
    return f"{workflow_path(workflow_id)}/jobs/{segment(job_id)}"


def state_resource_path(namespace: str, name: str) -> str:
    """Return the path of a state resource."""
    return f"/state-resources/{segment(namespace)}/{segment(name)}"


def filter_params(filters: WorkflowFilters) -> Iterator[tuple[str, str]]:
    """Yield the query parameters of filters; a parameter is repeated for several values."""
    for name, value in filters.items():
        parameter = PARAMETERS.get(name) or to_camel(name)
        match value:
            case None:
                continue
            case bool():
                yield parameter, flag(value)
            case Mapping():
                yield from ((parameter, _tag(key, tag)) for key, tag in value.items())
            case list() | tuple():
                yield from ((parameter, str(each)) for each in value)
            case datetime():
                yield parameter, _moment(name, value)
            case _:
                yield parameter, str(value)


def flag(value: bool) -> str:
    """Return a boolean as the API reads it."""
    return "true" if value else "false"


def same_service_path(response: httpx.Response) -> str | None:
    """Return the path of the next page, which must be on the same service."""
    path: str | None = response.headers.get(NEXT_PAGE_HEADER)
    if path is not None and (not path.startswith("/") or path.startswith("//")):
        raise errors.Unavailable(f"The service named a next page outside its own URL: {path!r}.")
    return path


def _tag(key: str, value: str) -> str:
    """Return a tag as the API reads it: the key ends at the first colon."""
    if not key or ":" in key:
        raise errors.InvalidRequest(f"Cannot filter by the tag {key!r}: its key is empty or contains a colon.")
    return f"{key}:{value}"


def _moment(name: str, value: datetime) -> str:
    if value.tzinfo is None:
        raise errors.InvalidRequest(f"{name} needs a time zone, such as datetime.UTC.")
    return models.format_time(value)
