"""Which partitions and filters answer which listing.

Covers `app.store.dynamodb.query_plan`.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.store import WorkflowQuery
from app.store.base import WorkflowChanges
from app.store.dynamodb.items import ACTORS, FLAGS, PAYLOADS, TIMES, position, read_position
from app.store.dynamodb.query_plan import Range, active_partitions, filter_expression, partitions
from app.store.paging import Position
from app.store.tables import BY_DEFINITION, BY_FAILURE, BY_STATE, BY_TIME, BY_TROUBLE
from workflow_manager.models import WorkflowStatus

ACTIVE = [("by-state", f"active#{shard}") for shard in range(4)]

PLANS: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({}, [("by-time", f"all#{shard}") for shard in range(4)]),
    ({"resolved_by_user": True}, [("by-time", f"all#{shard}") for shard in range(4)]),
    ({"statuses": (WorkflowStatus.SUCCEEDED,)}, [("by-time", f"all#{shard}") for shard in range(4)]),
    ({"statuses": (WorkflowStatus.RUNNING,)}, ACTIVE),
    ({"statuses": (WorkflowStatus.QUEUED,), "resolved_by_user": True}, ACTIVE),
    (
        {"statuses": (WorkflowStatus.FAILED,)},
        [("by-state", "failed"), ("by-state", "failed-unresolved"), ("by-state", "pending")],
    ),
    (
        {"statuses": (WorkflowStatus.FAILED,), "resolved_by_user": False},
        [("by-state", "failed-unresolved"), ("by-state", "pending")],
    ),
    (
        {"resolved_by_user": False},
        [
            *ACTIVE,
            ("by-state", "cancelled-unresolved"),
            ("by-state", "failed-unresolved"),
            ("by-state", "pending"),
            ("by-state", "succeeded-unresolved"),
        ],
    ),
    (
        {"statuses": (WorkflowStatus.FAILED, WorkflowStatus.RUNNING)},
        [*ACTIVE, ("by-state", "failed"), ("by-state", "failed-unresolved"), ("by-state", "pending")],
    ),
    (
        {"statuses": (WorkflowStatus.FAILED, WorkflowStatus.SUCCEEDED)},
        [("by-time", f"all#{shard}") for shard in range(4)],
    ),
    ({"definition_name": "a"}, [("by-definition", "a")]),
    ({"definition_name": "a", "statuses": (WorkflowStatus.SUCCEEDED,)}, [("by-definition", "a")]),
    ({"definition_name": "a", "statuses": (WorkflowStatus.QUEUED,)}, ACTIVE),
    ({"definition_name": "a", "statuses": (WorkflowStatus.CANCELLED,)}, [("by-trouble", "a")]),
    ({"definition_name": "a", "resolved_by_user": False}, [*ACTIVE, ("by-trouble", "a")]),
    ({"fingerprint": "1:f"}, [("by-failure", "1:f")]),
    ({"fingerprint": "1:f", "definition_name": "a", "resolved_by_user": False}, [("by-failure", "1:f")]),
]


@pytest.mark.parametrize(("filters", "expected"), PLANS)
def test_a_listing_reads_the_smallest_partitions_that_have_all_of_it(
    filters: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    found = partitions(WorkflowQuery(**filters))

    assert [(partition.index.name, partition.value) for partition in found] == expected


def test_the_active_list_reads_what_is_active_and_what_waits_for_details() -> None:
    assert [partition.value for partition in active_partitions()] == [name for _, name in ACTIVE] + ["pending"]


MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
MILLISECONDS = 1767225600000


@pytest.mark.parametrize(
    ("query", "after", "expected"),
    [
        (WorkflowQuery(), None, ("0", ":")),
        (WorkflowQuery(created_after=MOMENT), None, (f"{MILLISECONDS + 1}", ":")),
        (WorkflowQuery(created_after=MOMENT + timedelta(microseconds=999)), None, (f"{MILLISECONDS + 1}", ":")),
        (WorkflowQuery(created_before=MOMENT), None, ("0", f"{MILLISECONDS}")),
        (WorkflowQuery(created_before=MOMENT + timedelta(microseconds=1)), None, ("0", f"{MILLISECONDS + 1}")),
        (WorkflowQuery(created_after=datetime.max.replace(tzinfo=UTC)), None, ("9999999999999", ":")),
        (WorkflowQuery(created_before=datetime.min.replace(tzinfo=UTC)), None, ("0", "0000000000000")),
        (WorkflowQuery(), Position(MOMENT, "w"), ("0", f"{MILLISECONDS}#w")),
        (WorkflowQuery(oldest_first=True), Position(MOMENT, "w"), (f"{MILLISECONDS}#w", ":")),
    ],
)
def test_the_range_of_a_page_is_exact(query: WorkflowQuery, after: Position | None, expected: tuple[str, str]) -> None:
    span = Range.of(query, after)

    assert (span.first, span.last) == expected
    assert not span.empty


def test_a_range_that_ends_before_it_begins_is_empty() -> None:
    query = WorkflowQuery(created_after=MOMENT, created_before=MOMENT, oldest_first=True)

    assert Range.of(query, None).empty
    assert Range.of(WorkflowQuery(created_after=MOMENT), Position(MOMENT - timedelta(days=1), "w")).empty


FILTERS: list[tuple[dict[str, Any], Any, str | None]] = [
    ({}, BY_TIME, None),
    ({"definition_name": "a"}, BY_DEFINITION, None),
    ({"definition_name": "a"}, BY_STATE, "#definition = :definition"),
    ({"namespace": "dev", "queue": "q"}, BY_TIME, "#namespace = :namespace AND #queue = :queue"),
    ({"tags": {"t": "1"}}, BY_TIME, "(attribute_exists(#many_tags) OR (#tags.#tag0 = :tag0))"),
    ({"tags": {"": "1"}}, BY_TIME, "(attribute_exists(#many_tags))"),
    (
        {"definition_name": "a", "statuses": (WorkflowStatus.FAILED,)},
        BY_TROUBLE,
        "(#state = :state0 OR #state = :state1 OR #state = :state2)",
    ),
    ({"fingerprint": "1:f"}, BY_FAILURE, None),
    ({"fingerprint": "1:f", "resolved_by_user": True}, BY_FAILURE, None),
    ({"fingerprint": "1:f", "resolved_by_user": False}, BY_FAILURE, None),
    (
        {"fingerprint": "1:f", "statuses": (WorkflowStatus.FAILED,), "resolved_by_user": False},
        BY_FAILURE,
        "(#state = :state0 OR #state = :state1)",
    ),
]


@pytest.mark.parametrize(("filters", "index", "expected"), FILTERS)
def test_what_never_changes_is_filtered_by_dynamodb(filters: dict[str, Any], index: Any, expected: str | None) -> None:
    expression = filter_expression(WorkflowQuery(**filters), index)

    assert expression.get("FilterExpression") == expected
    used = expression.get("FilterExpression", "")
    assert all(name in used for name in expression.get("ExpressionAttributeNames", {}))
    assert all(name in used for name in expression.get("ExpressionAttributeValues", {}))


def test_positions_sort_like_listings_and_can_be_read_back() -> None:
    places = [
        Position(MOMENT + timedelta(milliseconds=milliseconds), name)
        for milliseconds in (0, 1, 999, 10**9)
        for name in ("#", "a", "a#b", "é", "\U0001f600")
    ]
    keys = [position(*place) for place in places]

    assert sorted(keys, key=str.encode) == [position(*place) for place in sorted(places)]
    assert [read_position(key) for key in keys] == places


def test_every_field_that_can_change_is_stored() -> None:
    fixed = {"input", "variables", "execution_input"}
    stored = {
        *TIMES,
        *FLAGS,
        *PAYLOADS - fixed,
        "status",
        "error",
        "resolved_by",
        "resolved_by_user",
        "fingerprint",
        "warnings",
        "redrives",
        *ACTORS,
    }

    assert WorkflowChanges.__annotations__.keys() == stored
