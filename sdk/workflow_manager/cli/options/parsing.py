"""Parsing of option values: ``NAME:VERSION``, ``KEY=VALUE``, statuses, times and filters."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from workflow_manager import errors
from workflow_manager.cli.options.filters import Filters
from workflow_manager.statuses import WorkflowStatus

STATUS_SYNONYMS: Final[Mapping[str, Sequence[WorkflowStatus]]] = {
    "active": (WorkflowStatus.QUEUED, WorkflowStatus.RUNNING),
    "pending": (WorkflowStatus.QUEUED,),
    "success": (WorkflowStatus.SUCCEEDED,),
    "failure": (WorkflowStatus.FAILED,),
    "error": (WorkflowStatus.FAILED,),
    "timed_out": (WorkflowStatus.FAILED,),
    "canceled": (WorkflowStatus.CANCELLED,),
    "aborted": (WorkflowStatus.CANCELLED,),
}
"""Names of statuses in other tools."""

_VERSIONED: Final = re.compile(r"(?P<name>.+):(?P<version>-1|[0-9]{1,18})", re.ASCII | re.DOTALL)

_AGE: Final = re.compile(
    r"-?\s*(?:(\d+)\s*w(?:eeks?)?)?\s*(?:(\d+)\s*d(?:ays?)?)?\s*(?:(\d+)\s*h(?:ours?|rs?)?)?"
    r"\s*(?:(\d+)\s*m(?:in(?:ute)?s?)?)?\s*(?:(\d+)\s*s(?:ec(?:ond)?s?)?)?(?:\s+ago)?",
    re.ASCII | re.IGNORECASE,
)
_UNITS: Final = ("weeks", "days", "hours", "minutes", "seconds")
_DAYS_AGO: Final = {"today": 0, "yesterday": 1}
TIME_FORMS: Final = "2026-01-31T12:00:00Z, 2026-01-31, yesterday, or an age: 2d, 3h, 1h30m"


def parse_definition(text: str) -> tuple[str, int | None]:
    """Split ``NAME[:VERSION]``; names may hold colons, so only a number counts as a version (-1 = the latest)."""
    match = _VERSIONED.fullmatch(text)
    if match is None:
        return text, None
    version = int(match["version"])
    return match["name"], None if version == -1 else version


def parse_tags(pairs: Iterable[str]) -> dict[str, str]:
    """Parse ``KEY=VALUE`` pairs; for a repeated key the last value wins."""
    tags: dict[str, str] = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not (key and separator):
            raise errors.InvalidRequest(f"A tag must be KEY=VALUE, not {pair!r}.")
        tags[key] = value
    return tags


def parse_statuses(words: Iterable[str]) -> tuple[WorkflowStatus, ...]:
    """Parse comma-separated statuses in any case; duplicates are removed."""
    found: list[WorkflowStatus] = []
    for word in (part.strip() for each in words for part in each.lower().split(",")):
        found += STATUS_SYNONYMS.get(word) or [_status(word)]
    return tuple(dict.fromkeys(found))


def _status(word: str) -> WorkflowStatus:
    try:
        return WorkflowStatus(word)
    except ValueError as error:
        known = ", ".join(WorkflowStatus)
        raise errors.InvalidRequest(f"--status takes {known}, not {word!r}.") from error


def parse_filters(
    *,
    definition: str | None,
    status: Sequence[str] | None,
    namespace: str | None,
    queue: str | None,
    tag: Sequence[str] | None,
    created_after: str | None,
    created_before: str | None,
    resolved: bool | None = None,
    resolved_by: str | None = None,
    fingerprint: str | None = None,
) -> Filters:
    """Parse the options that filter workflows."""
    texts = {
        "--definition": definition,
        "--namespace": namespace,
        "--queue": queue,
        "--resolved-by": resolved_by,
        "--fingerprint": fingerprint,
    }
    for option, text in texts.items():
        if text == "":
            raise errors.InvalidRequest(f"{option} must not be empty; omit it to match all.")
    name, version = (None, None) if definition is None else parse_definition(definition)
    return Filters(
        definition_name=name,
        version=version,
        statuses=_statuses(parse_statuses(status or ()), resolved=resolved),
        namespace=namespace,
        queue=queue,
        tags=parse_tags(tag or ()) or None,
        created_after=parse_time(created_after, option="--created-after"),
        created_before=parse_time(created_before, option="--created-before"),
        resolved=resolved,
        resolved_by=resolved_by,
        fingerprint=fingerprint,
    )


def _statuses(given: Sequence[WorkflowStatus], *, resolved: bool | None) -> tuple[WorkflowStatus, ...]:
    """Return the statuses to filter by; only failed workflows can be unresolved."""
    if resolved is not False:
        return tuple(given)
    if given and WorkflowStatus.FAILED not in given:
        raise errors.InvalidRequest("--unresolved selects failed workflows; omit --status.")
    return (WorkflowStatus.FAILED,)


def parse_time(text: str | None, *, option: str, now: datetime | None = None) -> datetime | None:
    """Parse a time or day (in UTC unless it has a zone), or an age; the error names the option."""
    if text is None:
        return None
    try:
        return _parse_time(text.strip(), now or datetime.now(UTC))
    except (ValueError, OverflowError) as error:
        raise errors.InvalidRequest(f"{option} must be a time such as {TIME_FORMS}, not {text!r}.") from error


def _parse_time(text: str, now: datetime) -> datetime:
    word = text.lower()
    if word == "now":
        return now
    if word in _DAYS_AGO:
        return now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=_DAYS_AGO[word])
    ago = _AGE.fullmatch(text)
    if ago and any(ago.groups()):
        return now - timedelta(**{unit: int(number) for unit, number in zip(_UNITS, ago.groups("0"), strict=True)})
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
