"""Writes of summaries as DynamoDB wants them: expressions and their conditions, without I/O."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias

from app.store.base import WorkflowChanges
from app.store.dynamodb.items import FLAGS, PENDING, AttributeValue, Edits, Item, number, text
from workflow_manager.models import ACTIVE_STATUSES, Workflow, WorkflowStatus

ACTIVE: Final = tuple(sorted(ACTIVE_STATUSES))

ALIVE: Final = "(attribute_not_exists(#expires_at) OR #expires_at > :now)"
ABSENT: Final = "attribute_not_exists(#id) OR #expires_at <= :now"
"""An item that only waits for DynamoDB to remove it counts as gone."""

REDRIVEN: Final = "#status <> :succeeded AND (attribute_not_exists(#redrives) OR #redrives < :redrives)"
"""Holds for an ended workflow that goes on; the new number of redrives is also assigned."""

Guesses: TypeAlias = frozenset[str]

GUESSED: Final = frozenset({"resolved_by_user", "details_deferred", *PENDING})
"""Flags that an update of an active workflow may take for False: they hardly ever are True before its end."""

SHOW_FOUND: Final = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


def put(table: str, item: Item, now: datetime) -> dict[str, Any]:
    """Return the put of a new summary, on condition that its id is free."""
    return {
        "TableName": table,
        "Item": item,
        "ConditionExpression": ABSENT,
        "ExpressionAttributeNames": {"#id": "id", "#expires_at": "expires_at"},
        "ExpressionAttributeValues": {":now": _seconds(now)},
        **SHOW_FOUND,
    }


def update(
    table: str,
    key: Item,
    edits: Edits,
    *,
    revision: int,
    status: WorkflowStatus | None,
    redrives: int = 0,
    guesses: Guesses,
    now: datetime,
) -> dict[str, Any]:
    """Return the update of a summary, on condition that it is at ``revision`` and may change to ``status``.

    With more ``redrives`` than before, an ended workflow may go on. The other condition is that the ``guesses`` are
    right.
    """
    conditions = ["#revision = :at_revision", ALIVE]
    values: dict[str, AttributeValue] = {":at_revision": number(revision), ":now": _seconds(now)}
    names = {"#revision": "revision", "#expires_at": "expires_at"}
    if status is not None:
        allowed = f"#status IN (:same, {', '.join(f':{active}' for active in ACTIVE)})"
        if redrives:
            allowed = f"({allowed} OR ({REDRIVEN}))"
            names["#redrives"] = "redrives"
            values[":succeeded"] = text(WorkflowStatus.SUCCEEDED)
        conditions.append(allowed)
        values |= {":same": text(status), **{f":{active}": text(active) for active in ACTIVE}}
        names["#status"] = "status"
    if "resolved_by_user" in guesses:
        conditions.append("#resolved = :unresolved")
        names["#resolved"] = "resolved"
        values[":unresolved"] = {"BOOL": False}
    for flag in guesses & set(FLAGS):
        conditions.append(f"attribute_not_exists(#{flag})")
        names[f"#{flag}"] = flag
    expression, edit_names, edit_values = _edit(edits)
    return {
        "TableName": table,
        "Key": key,
        "UpdateExpression": expression,
        "ConditionExpression": " AND ".join(conditions),
        "ExpressionAttributeNames": names | edit_names,
        "ExpressionAttributeValues": values | edit_values,
        **SHOW_FOUND,
    }


def append_retry(table: str, key: Item, ancestor: Workflow, retry: str | None, *, write_id: str) -> dict[str, Any]:
    """Return the update of an ancestor by a resume; the direct one also gets the id of its ``retry``."""
    edits: Edits = {"revision": number(ancestor.revision + 1), "write_id": text(write_id)}
    expression, names, values = _edit(edits)
    if retry is not None:
        expression += ", #retries = list_append(if_not_exists(#retries, :none), :retry)"
        names["#retries"] = "retries"
        values |= {":none": {"L": []}, ":retry": {"L": [text(retry)]}}
    return {
        "TableName": table,
        "Key": key,
        "UpdateExpression": expression,
        "ConditionExpression": "#revision = :at_revision",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values | {":at_revision": number(ancestor.revision)},
    }


def delete_queued(table: str, key: Item, *, revision: int) -> dict[str, Any]:
    """Return the removal of a summary, on condition that it is queued at ``revision``."""
    return {
        "TableName": table,
        "Key": key,
        "ConditionExpression": "#revision = :at_revision AND #status = :queued",
        "ExpressionAttributeNames": {"#revision": "revision", "#status": "status"},
        "ExpressionAttributeValues": {
            ":at_revision": number(revision),
            ":queued": text(WorkflowStatus.QUEUED),
        },
    }


def remove_retry(table: str, original: Item, retry: str, *, write_id: str) -> dict[str, Any]:
    """Return the update that takes a discarded workflow out of the ``retries`` of its original."""
    retries = [other for other in original.get("retries", {"L": []})["L"] if other["S"] != retry]
    revision = int(original["revision"]["N"])
    edits: Edits = {
        "revision": number(revision + 1),
        "write_id": text(write_id),
        "retries": {"L": retries} if retries else None,
    }
    expression, names, values = _edit(edits)
    return {
        "TableName": table,
        "Key": {"id": original["id"], "part": original["part"]},
        "UpdateExpression": expression,
        "ConditionExpression": "#revision = :at_revision",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values | {":at_revision": number(revision)},
    }


def needs_current(changes: WorkflowChanges) -> bool:
    """Tell whether an update can only be written by who knows the fields that it does not name.

    Most updates need no read. What files an ended workflow in the indexes depends on its status and its flags, and its
    expiry on its end; jobs and last job are one payload.
    """
    if ("jobs" in changes) != ("last_job" in changes):
        return True
    if "status" not in changes:
        return not changes.keys().isdisjoint({"stopped_at", *GUESSED})
    return changes["status"].terminal and "stopped_at" not in changes


def guesses(changes: WorkflowChanges) -> Guesses:
    """Return the flags that an update depends on, does not name, and takes for False."""
    ends = "status" in changes and changes["status"].terminal
    return GUESSED - changes.keys() if ends else frozenset()


def _edit(edits: Edits) -> tuple[str, dict[str, str], dict[str, AttributeValue]]:
    assigned, removed = [], []
    names, values = {f"#{name}": name for name in edits}, {}
    for name, value in edits.items():
        if value is None:
            removed.append(f"#{name}")
        elif isinstance(value, str):
            assigned.append(f"#{name} = #{value}")
            names[f"#{value}"] = value
        else:
            assigned.append(f"#{name} = :{name}")
            values[f":{name}"] = value
    # REMOVE goes first, so that callers can append to SET.
    removal = f"REMOVE {', '.join(removed)} " if removed else ""
    return f"{removal}SET {', '.join(assigned)}", names, values


def _seconds(now: datetime) -> AttributeValue:
    return number(int(now.timestamp()))


def write_id(found: Mapping[str, AttributeValue] | None) -> str | None:
    """Return the id of the write that left an item as it is."""
    return found.get("write_id", {}).get("S") if found else None


def created_by(found: Mapping[str, AttributeValue] | None, write_id: str) -> bool:
    """Tell whether an item was made by a write, whatever happened to it since."""
    return found is not None and found.get("created_by", {}).get("S") == write_id
