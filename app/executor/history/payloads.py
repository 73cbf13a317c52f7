"""Which payloads of a run are kept while its history is folded: inputs, outputs, variables and causes of jobs."""

import sys
from collections import OrderedDict
from collections.abc import Collection
from typing import Final, Protocol

from app.executor.history.records import Record

DEFAULT_BYTES: Final = 16 * 1024 * 1024
"""Payloads of one run that are kept: those of all but loops and Maps over large documents."""


class Payloads(Protocol):
    """Decides which payloads are kept; it is called for every job that gets one."""

    @property
    def kept_bytes(self) -> int:
        """What is held now."""
        ...

    def took(self, record: Record) -> None:
        """Count what a job holds, after it was entered, left or failed; jobs may be made to give up what they hold."""
        ...


class Newest:
    """Keeps a limited number of bytes: the payloads of the most recently changed jobs."""

    def __init__(self, limit_bytes: int = DEFAULT_BYTES) -> None:
        self._limit = limit_bytes
        self._held: OrderedDict[int, int] = OrderedDict()
        self._records: dict[int, Record] = {}
        self.kept_bytes = 0

    def took(self, record: Record) -> None:
        held = _size(record)
        self.kept_bytes += held - self._held.pop(record.id, 0)
        if held:
            self._held[record.id], self._records[record.id] = held, record
        while self.kept_bytes > self._limit:
            oldest, freed = self._held.popitem(last=False)
            self._records.pop(oldest).drop_payloads()
            self.kept_bytes -= freed


class Only:
    """Keeps everything of some jobs, and nothing of the others."""

    def __init__(self, ids: Collection[int]) -> None:
        self._ids = frozenset(ids)
        self.kept_bytes = 0

    def took(self, record: Record) -> None:
        if record.id not in self._ids:
            record.drop_payloads()


class ForResume:
    """Keeps what a resume needs: the last input of a state, and all variables that were assigned before.

    Variables are handed on from job to job, so that no more is held than what a run can have at one time.
    """

    def __init__(self, state: str) -> None:
        self._state = state
        self._variables: dict[str, str] = {}
        self._entry: Record | None = None
        self._before: Record | None = None
        self._last: Record | None = None
        self.kept_bytes = 0

    def took(self, record: Record) -> None:
        if record.place.container.job is not None:
            record.drop_payloads()
            return
        if record.assigned and record is not self._before:
            self._variables |= record.assigned
        if record.state == self._state and not record.exited and record is not self._entry:
            self._enter(record)
        elif record not in {self._entry, self._before}:
            record.drop_payloads()
        self._last = record

    def _enter(self, record: Record) -> None:
        for forgotten in (self._entry, self._before):
            if forgotten is not None and forgotten is not self._last:
                forgotten.drop_payloads()
        self._entry, self._before = record, self._last
        if self._before is not None:
            self._before.assigned = dict(self._variables)


def _size(record: Record) -> int:
    texts = (record.input, record.output, record.why.cause, *(record.assigned or {}).values())
    return sum(sys.getsizeof(text) for text in texts if text is not None)
