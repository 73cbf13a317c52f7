"""Times as people type them: a moment, or how long ago it was."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from app import errors

_AGO: Final = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", re.ASCII)
_UNITS: Final = ("weeks", "days", "hours", "minutes", "seconds")
FORMS: Final = "2026-01-31T12:00:00Z, or how long ago: 2d, 3h, 1h30m"


def parse_moment(text: str | None, *, option: str, now: datetime | None = None) -> datetime | None:
    """Read RFC 3339, with its zone, or a duration before now; the error names the option."""
    if text is None:
        return None
    try:
        return _read(text, now or datetime.now(UTC))
    except (ValueError, OverflowError) as error:
        raise errors.InvalidRequest(f"{option} is a time such as {FORMS}, not {text!r}.") from error


def _read(text: str, now: datetime) -> datetime:
    if text and (ago := _AGO.fullmatch(text)):
        return now - timedelta(**{unit: int(number) for unit, number in zip(_UNITS, ago.groups("0"), strict=True)})
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError
    return moment
