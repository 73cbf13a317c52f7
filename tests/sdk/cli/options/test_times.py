"""Times as people type them.

Covers `workflow_manager.cli.options.parsing`.
"""

from datetime import UTC, datetime, timedelta

import pytest

from tests.sdk.cli.conftest import Run
from tests.sdk.cli.fake_service import FakeService
from tests.sdk.client.documents import workflow_json
from workflow_manager import errors
from workflow_manager.cli.options.parsing import parse_time

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)

TIMES = [
    ("2026-01-31T12:00:00Z", NOON),
    ("2026-01-31T13:00:00+01:00", NOON),
    ("2026-01-31 12:00Z", NOON),
    ("2d", NOON - timedelta(days=2)),
    ("3h", NOON - timedelta(hours=3)),
    ("1h30m", NOON - timedelta(minutes=90)),
    ("1w2d3h4m5s", NOON - timedelta(weeks=1, days=2, hours=3, minutes=4, seconds=5)),
    ("0s", NOON),
    ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
    ("2026-01-31T12:00:00", NOON),
    ("today", datetime(2026, 1, 31, tzinfo=UTC)),
    ("Yesterday", datetime(2026, 1, 30, tzinfo=UTC)),
    ("now", NOON),
    ("-1h", NOON - timedelta(hours=1)),
    ("1h ago", NOON - timedelta(hours=1)),
    ("2 days", NOON - timedelta(days=2)),
    ("1 hour 30 minutes ago", NOON - timedelta(minutes=90)),
]


@pytest.mark.parametrize(("text", "moment"), TIMES)
def test_a_time_is_a_moment_or_how_long_ago_it_was(text: str, moment: datetime) -> None:
    assert parse_time(text, option="--x", now=NOON) == moment


@pytest.mark.parametrize(
    "text",
    ["", " ", "-", "ago", "2", "h", "1.5h", "9999999999w", "12:00Z", "next week", "2026-13-01"],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    """The error shows the forms."""
    with pytest.raises(
        errors.InvalidRequest,
        match=r"^--x must be a time such as 2026-01-31T12:00:00Z, 2026-01-31, yesterday, or an age: 2d",
    ):
        parse_time(text, option="--x", now=NOON)


@pytest.mark.parametrize("verb", [("workflows",), ("cancel", "--dry-run")])
def test_lists_are_narrowed_by_time(verb: tuple[str, ...], wfm: Run, service: FakeService) -> None:
    """Of one workflow after the other, and of many at once."""
    service.on("GET /workflows", [workflow_json("queued")])
    after, before = "2026-01-02T03:04:05Z", "2026-01-03T03:04:05+01:00"
    assert wfm(*verb, "--created-after", after, "--created-before", before).code == 0
    line = service.asked[0].line
    assert "createdAfter=2026-01-02T03%3A04%3A05.000Z&createdBefore=2026-01-03T02%3A04%3A05.000Z" in line
