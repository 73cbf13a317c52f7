"""Times as people type them: a moment, a day, or how long ago it was."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from workflow_manager import errors

_AGO: Final = re.compile(
    r"-?\s*(?:(\d+)\s*w(?:eeks?)?)?\s*(?:(\d+)\s*d(?:ays?)?)?\s*(?:(\d+)\s*h(?:ours?|rs?)?)?"
    r"\s*(?:(\d+)\s*m(?:in(?:ute)?s?)?)?\s*(?:(\d+)\s*s(?:ec(?:ond)?s?)?)?(?:\s+ago)?",
    re.ASCII | re.IGNORECASE,
)
_UNITS: Final = ("weeks", "days", "hours", "minutes", "seconds")
_DAYS_AGO: Final = {"today": 0, "yesterday": 1}
FORMS: Final = "2026-01-31T12:00:00Z, 2026-01-31, yesterday, or an age: 2d, 3h, 1h30m"


def parse_moment(text: str | None, *, option: str, now: datetime | None = None) -> datetime | None:
    """Read a time or day (in UTC unless it has a zone), or a duration before now; the error names the option."""
    if text is None:
        return None
    try:
        return _read(text.strip(), now or datetime.now(UTC))
    except (ValueError, OverflowError) as error:
        raise errors.InvalidRequest(f"{option} must be a time such as {FORMS}, not {text!r}.") from error


def _read(text: str, now: datetime) -> datetime:
    word = text.lower()
    if word == "now":
        return now
    if word in _DAYS_AGO:
        return now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=_DAYS_AGO[word])
    ago = _AGO.fullmatch(text)
    if ago and any(ago.groups()):
        return now - timedelta(**{unit: int(number) for unit, number in zip(_UNITS, ago.groups("0"), strict=True)})
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
