"""The fields of a workflow that can be large, as bytes: inside the summary while they are small, else in parts."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypedDict, cast

from pydantic import BaseModel

from app.store import compression
from app.store.base import brief
from app.store.dynamodb.items import AttributeValue
from workflow_manager.models import Job

INLINE_BYTES: Final = {
    "input": 1024,
    "output": 1024,
    "status_reason": 1024,
    "variables": 1024,
    "execution_input": 1024,
    "history": 4096,
    "last_job": 1024,
    "many_tags": 0,
}
"""Largest packed payload that rides in the summary. A larger one there would make every update dearer, as DynamoDB
bills an update by the size of the whole item; the history is new in nearly every update, so it may be larger."""

PAYLOAD_OF: Final = {
    "input": "input",
    "output": "output",
    "status_reason": "status_reason",
    "variables": "variables",
    "execution_input": "execution_input",
    "jobs": "history",
    "last_job": "history",
    "tags": "many_tags",
}
"""Field of a workflow to the payload that has it. Beside a large history the last job is a payload as well."""

TEXTS: Final = ("input", "output", "status_reason", "variables", "execution_input")
"""Payloads that are a field each, and plain text."""

IN_LISTINGS: Final = frozenset({"status_reason", "last_job", "many_tags"})
"""Payloads that a listing of summaries reads even when they are parts."""

INDEXED_TAGS_BYTES: Final = 512
"""Tags up to this size are an attribute, which indexes include: their entries then stay below one write unit. So are
not those with an empty name, which DynamoDB does not take."""


GENERATION: Final = re.compile(r"[^#]+#[0-9]{1,4}")
"""Name of a generation: the id of its write, and how many parts it has."""


class StoredPayloads(TypedDict, total=False):
    """The fields of a workflow that can be large."""

    input: str
    output: str | None
    status_reason: str | None
    variables: str | None
    execution_input: str | None
    jobs: tuple[Job, ...]
    last_job: Job | None
    tags: dict[str, str]


class _History(BaseModel):
    jobs: tuple[Job, ...] = ()
    last: int | None = None
    """Index of the last job, which nearly always is one of the jobs."""
    last_job: Job | None = None


def raw_payloads(values: Mapping[str, Any]) -> dict[str, bytes | None]:
    """Return the payloads among the fields of a workflow as bytes; None where one is empty.

    ``jobs`` and ``last_job`` are one payload and come together.
    """
    raw = {name: None if values[name] is None else values[name].encode() for name in TEXTS if name in values}
    if "jobs" in values:
        raw["history"] = history = _dump_history(values["jobs"], values["last_job"])
        large = history is not None and len(history) > INLINE_BYTES["history"]
        raw["last_job"] = _dump_job(values["last_job"]) if large else None
    if "tags" in values:
        tags = json.dumps(values["tags"]).encode()
        indexed = len(tags) <= INDEXED_TAGS_BYTES and "" not in values["tags"]
        raw["many_tags"] = None if indexed else tags
    return raw


def read_payload(name: str, raw: bytes) -> StoredPayloads:
    """Return the fields that a payload of ``raw_payloads`` holds. Raises ``ValueError`` when it cannot be read."""
    if name == "last_job":
        return {"last_job": Job.model_validate_json(raw)}
    if name == "many_tags":
        return {"tags": json.loads(raw)}
    if name == "history":
        history = _History.model_validate_json(raw)
        last = history.last_job if history.last is None else history.jobs[history.last]
        return {"jobs": history.jobs, "last_job": last}
    return cast("StoredPayloads", {name: raw.decode()})


def _dump_history(jobs: tuple[Job, ...], last_job: Job | None) -> bytes | None:
    if not jobs and last_job is None:
        return None
    last = None if last_job is None else _index(jobs, last_job)
    history = _History.model_construct(jobs=jobs, last=last, last_job=last_job if last is None else None)
    return history.model_dump_json(exclude_defaults=True).encode()


def _dump_job(job: Job | None) -> bytes | None:
    return None if job is None else brief(job).model_dump_json(exclude_defaults=True).encode()


def _index(jobs: tuple[Job, ...], wanted: Job) -> int | None:
    return next((index for index, job in enumerate(jobs) if job.id == wanted.id and job == wanted), None)


def detached(item: Mapping[str, AttributeValue], names: Iterable[str] = INLINE_BYTES) -> dict[str, str]:
    """Return the payloads of a summary that are parts: their name and generation."""
    return {name: item[name]["S"] for name in names if GENERATION.fullmatch(item.get(name, {}).get("S", ""))}


def inline(item: Mapping[str, AttributeValue], names: Iterable[str] = INLINE_BYTES) -> dict[str, bytes | ValueError]:
    """Return the payloads of a summary that it holds itself, unpacked, or why one cannot be."""
    return {name: _unpack(item[name]["B"]) for name in names if "B" in item.get(name, {})}


def _unpack(packed: bytes) -> bytes | ValueError:
    try:
        return compression.unpack(packed)
    except ValueError as damaged:
        return damaged
