"""What the audit is to know of a request, noted where it is known."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Notes:
    """The notes of one request."""

    namespace: str | None = None
    definition: str | None = None
    object: str | None = None
    """What was made, which the path of the request cannot name."""
    reason: str | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    hidden: bool = False
    """Whether a 404 hides an object that exists from the caller."""


_notes: ContextVar[Notes | None] = ContextVar("audit_notes", default=None)


@contextmanager
def taking_notes() -> Iterator[Notes]:
    """Collect the notes of what is done in this context, and in tasks that it starts."""
    notes = Notes()
    token = _notes.set(notes)
    try:
        yield notes
    finally:
        _notes.reset(token)


def note(
    *,
    namespace: str | None = None,
    definition: str | None = None,
    made: str | None = None,
    reason: str | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Note what is known; what is None stays as it was. Outside of requests nothing is noted."""
    notes = _notes.get()
    if notes is None:
        return
    notes.namespace = namespace or notes.namespace
    notes.definition = definition or notes.definition
    notes.object = made or notes.object
    notes.reason = reason or notes.reason
    notes.before = notes.before if before is None else before
    notes.after = notes.after if after is None else after


def note_hidden() -> None:
    """Note that the caller may not know of the object."""
    if (notes := _notes.get()) is not None:
        notes.hidden = True
