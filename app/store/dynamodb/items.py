"""How a workflow looks in DynamoDB: models to items and back, without I/O.

A workflow is a collection of items under its id. One, the summary, holds what keys, indexes and conditions need, one
attribute for each field that changes, and a packed body for the rest. Payloads (input, output, reason, history) are
attributes of the summary while they are small; a larger one is cut into parts, which are items of their own, and the
summary then names the generation of its parts.
"""

import json
import re
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, TypeAlias

from app.store import compression
from app.store.paging import Position
from app.store.unreadable import BROKEN
from workflow_manager.models import Manager, Workflow, WorkflowDefinition, WorkflowStatus, WorkflowWarning

AttributeValue: TypeAlias = Mapping[str, Any]
Item: TypeAlias = dict[str, AttributeValue]
Edits: TypeAlias = dict[str, AttributeValue | str | None]
"""New values of attributes: a string copies the attribute of that name, None removes the value."""

SUMMARY: Final = "summary"

SHARDS: Final = 4
"""Partitions that ``by-time`` and the active workflows are spread over. One takes 1,000 write units a second; Step
Functions starts 300 workflows a second, after a burst of 1,300, and each start and each end writes to an index."""

UNIX_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)

TIMES: Final = ("started_at", "stopped_at", "last_updated", "observed_at", "redriven_at")

PENDING: Final = ("details_pending", "stop_pending")
"""Flags that keep an ended workflow among the active ones."""

FLAGS: Final = (*PENDING, "details_deferred", "start_pending")
"""Internal flags; the attribute of a flag exists while it is set."""

DEFERRED: Final = "deferred"
"""What ``by-state`` files those under that succeeded and have their details deferred."""

ACTORS: Final = ("cancelled_by", "resolved_by_caller", "resolve_reason", "redriven_by")
"""Who changed a workflow and why; an attribute exists while it is known."""

ATTRIBUTES: Final = frozenset(
    {"id", "created_at", "workflow_definition", "status", "error", "namespace", "queue"}
    | {"resolved_by_user", "resolved_by", "fingerprint", "warnings", "redrives", *ACTORS}
    | {"retries", "tags", "revision", *TIMES, *FLAGS}
)
"""Fields that have attributes of their own."""

PAYLOADS: Final = frozenset({"input", "output", "status_reason", "variables", "execution_input", "jobs", "last_job"})
"""Fields that can be large."""

BODY: Final = tuple(sorted(Workflow.model_fields.keys() - ATTRIBUTES - PAYLOADS - {"unreadable"}))
"""All other fields: they never change, and no index needs them."""


POSITION: Final = re.compile(r"[0-9]{13}#.+", re.DOTALL)
"""What ``position`` makes."""


MAX_KEY_BYTES: Final = 1024
"""Limit of DynamoDB for a sort key; that of a partition key is wider."""

RESERVED_BYTES: Final = 64
"""Room for what the store puts before or after a name."""


class DefinitionKey(NamedTuple):
    """Names a definition version as a workflow runs it: whole, or cut to what is reachable from a state."""

    name: str
    version: int
    start_at: str | None


def sendable(name: str) -> bool:
    """Tell whether a name can be part of a key."""
    try:
        return 0 < len(name.encode()) <= MAX_KEY_BYTES - RESERVED_BYTES
    except UnicodeEncodeError:
        return False


def text(value: str) -> AttributeValue:
    """Return a string as an attribute."""
    return {"S": value}


def number(value: int) -> AttributeValue:
    """Return a number as an attribute."""
    return {"N": str(value)}


def milliseconds(moment: datetime) -> int:
    """Return a time as whole milliseconds since 1970, cut off like the times that are shown."""
    return (moment - UNIX_EPOCH) // MILLISECOND


def moment(since_epoch: str) -> datetime:
    """Return the time that ``milliseconds`` was given."""
    return UNIX_EPOCH + int(since_epoch) * MILLISECOND


def position(created_at: datetime, workflow_id: str) -> str:
    """Return the sort key of every index: as strings they are in the order of listings."""
    return f"{milliseconds(created_at):013d}#{workflow_id}"


def read_position(key: str) -> Position:
    """Return the position that a sort key stands for."""
    since_epoch, _, workflow_id = key.partition("#")
    return Position(moment(since_epoch), workflow_id)


def position_id(key: str) -> str:
    """Return the id in a sort key, without reading its time."""
    return key.partition("#")[2]


def shard(workflow_id: str) -> int:
    """Return the shard of a workflow, the same for ever."""
    return zlib.crc32(workflow_id.encode()) % SHARDS


def active(shard: int) -> str:
    """Return what ``by-state`` files one shard of the active workflows under."""
    return f"active#{shard}"


def timeline(shard: int) -> str:
    """Return what ``by-time`` files one shard of all workflows under."""
    return f"all#{shard}"


def state(status: WorkflowStatus, *, resolved: bool, pending: bool) -> str | None:
    """Return the key of an ended workflow in ``by-state``; None for succeeded ones, which the index leaves out."""
    if status is WorkflowStatus.SUCCEEDED and resolved:
        return None
    if pending:
        return "pending"
    return status.value if resolved else f"{status.value}-unresolved"


def state_edits(workflow_id: str, values: Mapping[str, Any]) -> Edits:
    """Return the attributes that file a workflow by its state, from its status and all of its flags.

    What went well stays among the active ones while something is pending, which spares moving it.
    """
    among_active = text(active(shard(workflow_id)))
    if not values["status"].terminal:
        return {"state": among_active, "troubled": None}
    pending = any(values[name] for name in PENDING)
    name = state(values["status"], resolved=values["resolved_by_user"], pending=pending)
    if name is None:
        deferred = values["details_deferred"] and not values["stop_pending"]
        waiting = text(DEFERRED) if deferred else among_active
        return {"state": waiting if pending else None, "troubled": None}
    return {"state": text(name), "troubled": "definition"}


def summary(
    workflow: Workflow, *, payloads: Mapping[str, AttributeValue], write_id: str, expires_at: AttributeValue | None
) -> Item:
    """Return the summary of a new workflow; ``payloads`` are inline values or names of generations."""
    definition = workflow.workflow_definition
    edits: Edits = {
        "id": text(workflow.id),
        "part": text(SUMMARY),
        "definition": text(definition.name),
        "version": number(definition.version),
        "start_at": text(definition.state_machine["StartAt"]),
        "position": text(position(workflow.created_at, workflow.id)),
        "timeline": text(timeline(shard(workflow.id))),
        "namespace": text(workflow.namespace),
        "queue": text(workflow.queue),
        "tags": None if "many_tags" in payloads else _tags(workflow.tags),
        "revision": number(workflow.revision),
        "write_id": text(write_id),
        "created_by": text(write_id),
        "expires_at": expires_at,
        "body": {"B": _pack_body(workflow)},
        "retries": {"L": [text(retry) for retry in workflow.retries]} if workflow.retries else None,
        **scalar_edits(dict(workflow)),
        **state_edits(workflow.id, dict(workflow)),
        **payloads,
    }
    return edited({}, edits)


def scalar_edits(values: Mapping[str, Any]) -> Edits:
    """Return the attributes of those changed fields that are small."""
    edits: Edits = {
        name: None if values[name] is None else number(milliseconds(values[name])) for name in TIMES if name in values
    }
    if "status" in values:
        edits["status"] = text(values["status"])
    if "resolved_by_user" in values:
        edits["resolved"] = {"BOOL": values["resolved_by_user"]}
    if "resolved_by" in values:
        edits["resolved_by"] = None if values["resolved_by"] is None else text(values["resolved_by"])
    for name in ("error", "fingerprint", *ACTORS):
        if name in values:
            edits[name] = text(values[name]) if values[name] else None
    if "warnings" in values:
        edits["warnings"] = _warnings(values["warnings"])
    if "redrives" in values:
        edits["redrives"] = number(values["redrives"]) if values["redrives"] else None
    for name in FLAGS:
        if name in values:
            edits[name] = {"BOOL": True} if values[name] else None
    return edits


def _warnings(warnings: Sequence[WorkflowWarning]) -> AttributeValue | None:
    return (
        text(json.dumps([warning.model_dump(mode="json", by_alias=True) for warning in warnings])) if warnings else None
    )


def _tags(tags: Mapping[str, str]) -> AttributeValue | None:
    return {"M": {key: text(value) for key, value in tags.items()}} if tags else None


def _pack_body(workflow: Workflow) -> bytes:
    rest = {name: value for name in BODY if (value := getattr(workflow, name)) != Workflow.model_fields[name].default}
    return compression.pack(json.dumps(rest, separators=(",", ":")).encode())


def fields(item: Mapping[str, AttributeValue]) -> dict[str, Any]:
    """Return the fields of a workflow that its summary holds; definition and payloads are not among them."""
    created_at, workflow_id = read_position(item["position"]["S"])
    return {
        "id": workflow_id,
        "created_at": created_at,
        "namespace": item["namespace"]["S"],
        "queue": item["queue"]["S"],
        "tags": {key: value["S"] for key, value in item["tags"]["M"].items()} if "tags" in item else {},
        "status": WorkflowStatus(item["status"]["S"]),
        "error": item["error"]["S"] if "error" in item else None,
        "resolved_by_user": item["resolved"]["BOOL"],
        "resolved_by": item["resolved_by"]["S"] if "resolved_by" in item else None,
        "fingerprint": item["fingerprint"]["S"] if "fingerprint" in item else None,
        "warnings": tuple(json.loads(item["warnings"]["S"])) if "warnings" in item else (),
        **{name: item[name]["S"] for name in ACTORS if name in item},
        "redrives": int(item["redrives"]["N"]) if "redrives" in item else 0,
        **{name: name in item for name in FLAGS},
        "revision": int(item["revision"]["N"]),
        "retries": tuple(retry["S"] for retry in item["retries"]["L"]) if "retries" in item else (),
        **{name: moment(item[name]["N"]) for name in TIMES if name in item},
        **json.loads(compression.unpack(item["body"]["B"])),
    }


def placeholder(item: Mapping[str, AttributeValue], why: str) -> Workflow:
    """Return what can be shown of a summary that cannot be read as a whole."""
    workflow_id = item["id"]["S"]
    try:
        created_at, _ = read_position(item["position"]["S"])
    except BROKEN:
        created_at = UNIX_EPOCH
    try:
        version = int(item["version"]["N"])
    except BROKEN:
        version = 0
    name = _string(item, "definition")
    return Workflow(
        id=workflow_id,
        created_at=created_at,
        last_updated=created_at,
        workflow_definition=definition_placeholder(DefinitionKey(name, version, None), why),
        status=_nearest_status(item),
        status_reason=f"cannot be read: {why}",
        namespace=_string(item, "namespace"),
        queue=_string(item, "queue"),
        input="",
        tags={},
        resolved_by_user=item.get("resolved", {}).get("BOOL") is True,
        execution_arn="",
        unreadable=why,
    )


def definition_placeholder(key: DefinitionKey, why: str) -> WorkflowDefinition:
    """Return what stands for a definition version that cannot be read."""
    return WorkflowDefinition(
        id="",
        name=key.name,
        version=key.version,
        created_at=UNIX_EPOCH,
        manager=Manager.STEP_FUNCTIONS,
        state_machine={},
        default_tags={},
        unreadable=why,
    )


def _nearest_status(item: Mapping[str, AttributeValue]) -> WorkflowStatus:
    """Return the status of a summary, or the nearest one to a status that this version does not know."""
    try:
        return WorkflowStatus(_string(item, "status"))
    except ValueError:
        filed = _string(item, "state")
    if filed.startswith("active#") or "expires_at" not in item:
        return WorkflowStatus.RUNNING
    known = (status for status in WorkflowStatus if filed.startswith(status))
    return next(known, WorkflowStatus.FAILED if filed else WorkflowStatus.SUCCEEDED)


def _string(item: Mapping[str, AttributeValue], name: str) -> str:
    return str(item.get(name, {}).get("S", ""))


def definition_key(item: Mapping[str, AttributeValue]) -> DefinitionKey:
    """Return which definition version a summary names."""
    return DefinitionKey(item["definition"]["S"], int(item["version"]["N"]), item["start_at"]["S"])


def edited(item: Mapping[str, AttributeValue], edits: Edits) -> Item:
    """Return an item as it is after an update."""
    changed = {**item, **edits}
    values = {name: changed.get(value) if isinstance(value, str) else value for name, value in changed.items()}
    return {name: value for name, value in values.items() if value is not None and not isinstance(value, str)}


def expired(item: Mapping[str, AttributeValue], now: datetime) -> bool:
    """Tell whether an item is only there because DynamoDB has not removed it yet."""
    expires_at = item.get("expires_at", {}).get("N")
    return expires_at is not None and int(expires_at) <= now.timestamp()


def expiry(end: datetime, retention: timedelta) -> AttributeValue:
    """Return when an item may go: some time after the end of its run."""
    return number(-(-milliseconds(end + retention) // 1000))
