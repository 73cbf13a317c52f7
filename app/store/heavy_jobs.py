"""Jobs with many inputs and outputs, as those of a loop, in little memory."""

from typing import Final

from pydantic import TypeAdapter

from app.store import compression
from workflow_manager.models import Job

HEAVY_BYTES: Final = 1024 * 1024
"""Jobs with more inputs and outputs than that are packed."""

LARGE_TEXT_LENGTH: Final = 1024
"""Texts from this length are held once, however many jobs hand them on."""

_JOBS: Final[TypeAdapter[tuple[Job, ...]]] = TypeAdapter(tuple[Job, ...])


def are_heavy(jobs: tuple[Job, ...]) -> bool:
    """Tell whether jobs are worth packing."""
    return sum(len(job.input or "") + len(job.output or "") for job in jobs) > HEAVY_BYTES


class HeavyJobs:
    """Packed jobs: each large text is compressed by itself, and once.

    A state passes its output on as the input of the next one, too far apart in the JSON of the jobs for zlib to notice.
    """

    __slots__ = ("_bare", "_places", "_texts")

    def __init__(self, bare: bytes, texts: tuple[bytes, ...], places: tuple[int | None, ...]) -> None:
        self._bare = bare
        self._texts = texts
        self._places = places
        """Indices of the texts of each job: that of its input, then that of its output."""

    @classmethod
    def of(cls, jobs: tuple[Job, ...]) -> "HeavyJobs":
        """Pack jobs. Raises ``ValueError`` for text that is not proper Unicode."""
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
        """Unpack the jobs."""
        texts = [compression.unpack(packed).decode() for packed in self._texts]
        whole = []
        bare = _JOBS.validate_json(compression.unpack(self._bare))
        for job, into, out in zip(bare, self._places[::2], self._places[1::2], strict=True):
            large = {name: texts[place] for name, place in (("input", into), ("output", out)) if place is not None}
            whole.append(job.model_copy(update=large) if large else job)
        return tuple(whole)
