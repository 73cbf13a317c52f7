"""Workflows in little memory: tuples of plain values, which the garbage collector need not look into.

A pydantic model is several objects that every full collection visits; a hundred thousand of them stop the process for
a good part of a second each time. A tuple of texts, numbers and times is let go by the collector at its first look.
"""

import sys
from itertools import chain
from operator import attrgetter
from typing import Any, Final

from pydantic import TypeAdapter

from app.store import compression
from app.store.unreadable import BROKEN, UnreadableRecords, reason
from workflow_manager import errors
from workflow_manager.models import Job, Workflow, WorkflowDefinition, WorkflowStatus

Record = tuple[Any, ...]

PACKED: Final = ("workflow_definition", "status", "namespace", "queue", "tags", "execution_arn", "jobs", "last_job")
"""Fields that are kept in another form, at the start of a record and in this order."""

PLAIN: Final = tuple(name for name in Workflow.model_fields if name not in PACKED)
"""Fields that are kept as they are, after those."""

HEAVY_BYTES: Final = 1024 * 1024
"""Jobs with more inputs and outputs than that are packed, each text for itself."""

LARGE_TEXT_LENGTH: Final = 1024
"""Texts from this length are held once, however many jobs hand them on."""

_plain: Final = attrgetter(*PLAIN)

_JOBS: Final[TypeAdapter[tuple[Job, ...]]] = TypeAdapter(tuple[Job, ...])
_STATUSES: Final = {status.value: status for status in WorkflowStatus}


class CompactWorkflows:
    """Workflows by id, as a dictionary has them; they share their definitions."""

    def __init__(self, unreadable: UnreadableRecords | None = None) -> None:
        self._unreadable = unreadable or UnreadableRecords()
        self._records: dict[str, Record] = {}
        self._definitions: list[WorkflowDefinition] = []
        self._numbers: dict[Record, int] = {}
        self._blank: Workflow | None = None

    def __contains__(self, workflow_id: str) -> bool:
        return workflow_id in self._records

    def __getitem__(self, workflow_id: str) -> Workflow:
        return self._read(workflow_id)

    def __setitem__(self, workflow_id: str, workflow: Workflow) -> None:
        self._blank = self._blank or workflow.model_copy(update={"unreadable": None})
        self._records[workflow_id] = self._pack(workflow)

    def __delitem__(self, workflow_id: str) -> None:
        del self._records[workflow_id]

    def get(self, workflow_id: str) -> Workflow | None:
        """Return a workflow, if there is one of this id."""
        return self[workflow_id] if workflow_id in self._records else None

    def without_jobs(self, workflow_id: str) -> Workflow:
        """Return a workflow with none of its jobs but the last; reading them would take most of the time."""
        return self._read(workflow_id, with_jobs=False)

    def _read(self, workflow_id: str, *, with_jobs: bool = True) -> Workflow:
        """Read a record. Raises ``RecordUnreadable``."""
        record = self._records[workflow_id]
        try:
            return self._unpack(record, with_jobs=with_jobs)
        except BROKEN as broken:
            why = reason(broken)
            self._unreadable.note("workflow", workflow_id, why)
            raise errors.RecordUnreadable(
                f"workflow {workflow_id} cannot be read ({why}); perhaps a later version of the service wrote it",
                placeholder=self._placeholder(workflow_id, record, why),
            ) from broken

    def _placeholder(self, workflow_id: str, record: Record, why: str) -> Workflow:
        """Return what can be shown of a record that cannot be read."""
        number, status, namespace, queue, *_ = record
        values = dict(zip(PLAIN, record[len(PACKED) :], strict=True))
        ended = values["stopped_at"] is not None
        return Workflow.model_construct(
            **values
            | {
                "workflow_definition": self._definitions[number],
                "status": _STATUSES.get(status, WorkflowStatus.FAILED if ended else WorkflowStatus.RUNNING),
                "status_reason": f"cannot be read: {why}",
                "namespace": namespace,
                "queue": queue,
                "tags": {},
                "execution_arn": "",
                "unreadable": why,
            }
        )

    def _pack(self, workflow: Workflow) -> Record:
        return (
            self._number(workflow.workflow_definition),
            str(workflow.status),
            sys.intern(workflow.namespace),
            sys.intern(workflow.queue),
            tuple(chain.from_iterable(workflow.tags.items())),
            _packed_arn(workflow),
            _packed_jobs(workflow.jobs),
            _packed_jobs((workflow.last_job,)) if workflow.last_job else None,
            *_plain(workflow),
        )

    def _unpack(self, record: Record, *, with_jobs: bool = True) -> Workflow:
        number, status, namespace, queue, tags, arn, jobs, last_job, *plain = record
        values: dict[str, Any] = dict(zip(PLAIN, plain, strict=True))
        values |= {
            "workflow_definition": self._definitions[number],
            "unreadable": self._definitions[number].unreadable,
            "status": _STATUSES[status],
            "namespace": namespace,
            "queue": queue,
            "tags": dict(zip(tags[::2], tags[1::2], strict=True)),
            "execution_arn": arn + values["id"] if isinstance(arn, str) else arn[0],
        }
        try:
            values["jobs"] = _unpacked_jobs(jobs) if with_jobs else ()
            values["last_job"] = _unpacked_jobs(last_job)[0] if last_job else None
        except BROKEN as broken:
            values |= {"jobs": (), "last_job": None, "unreadable": f"history: {reason(broken)}"}
            self._unreadable.note("workflow", values["id"], values["unreadable"])
        # A copy with other values takes a third of the time that making a model takes, and all were checked once.
        return self._blank.model_copy(update=values) if self._blank else Workflow.model_construct(**values)

    def _number(self, definition: WorkflowDefinition) -> int:
        """Return the place of a definition, which is kept once for all workflows that run it from the same state."""
        key: Record = (definition.name, definition.version, definition.state_machine.get("StartAt"))
        while True:
            number = self._numbers.setdefault(key, len(self._definitions))
            if number == len(self._definitions):
                self._definitions.append(definition)
            known = self._definitions[number]
            if known is definition or known == definition:
                return number
            key = (*key, definition.id)


def _packed_arn(workflow: Workflow) -> str | tuple[str]:
    """Return the ARN without the id at its end, which all workflows of a state machine share; in a tuple if whole."""
    arn = workflow.execution_arn
    return sys.intern(arn.removesuffix(workflow.id)) if arn.endswith(workflow.id) else (arn,)


def _packed_jobs(jobs: tuple[Job, ...]) -> "bytes | HeavyJobs | tuple[Job, ...]":
    if not jobs:
        return ()
    try:
        if sum(len(job.input or "") + len(job.output or "") for job in jobs) > HEAVY_BYTES:
            return HeavyJobs.of(jobs)
        return _JOBS.dump_json(jobs, by_alias=True, exclude_none=True)
    except ValueError:  # text that is no proper Unicode cannot be written
        return jobs


def _unpacked_jobs(packed: "bytes | HeavyJobs | tuple[Job, ...]") -> tuple[Job, ...]:
    if isinstance(packed, HeavyJobs):
        return packed.jobs()
    return _JOBS.validate_json(packed) if isinstance(packed, bytes) else packed


class HeavyJobs:
    """Jobs with many inputs and outputs, as those of a loop: each large text is packed once, and never all at a time.

    A state hands its output on as the input of the next one, too far apart in the JSON of the jobs for zlib to see.
    """

    __slots__ = ("_bare", "_places", "_texts")

    def __init__(self, bare: bytes, texts: tuple[bytes, ...], places: tuple[int | None, ...]) -> None:
        self._bare = bare
        self._texts = texts
        self._places = places
        """Of the input of each job and its output: where in the texts they are."""

    @classmethod
    def of(cls, jobs: tuple[Job, ...]) -> "HeavyJobs":
        """Pack jobs. Raises ``ValueError`` for text that is no proper Unicode."""
        numbers: dict[str, int] = {}
        places: list[int | None] = []
        bare: list[Job] = []
        for job in jobs:
            large = {
                name: numbers.setdefault(text, len(numbers))
                for name, text in (("input", job.input), ("output", job.output))
                if text is not None and len(text) >= LARGE_TEXT_LENGTH
            }
            places += large.get("input"), large.get("output")
            bare.append(job.model_copy(update=dict.fromkeys(large)) if large else job)
        raw = _JOBS.dump_json(tuple(bare), by_alias=True, exclude_none=True)
        return cls(compression.pack(raw), tuple(compression.pack(text.encode()) for text in numbers), tuple(places))

    def jobs(self) -> tuple[Job, ...]:
        """Unpack them."""
        texts = [compression.unpack(packed).decode() for packed in self._texts]
        whole = []
        bare = _JOBS.validate_json(compression.unpack(self._bare))
        for job, into, out in zip(bare, self._places[::2], self._places[1::2], strict=True):
            large = {name: texts[place] for name, place in (("input", into), ("output", out)) if place is not None}
            whole.append(job.model_copy(update=large) if large else job)
        return tuple(whole)
