"""The jobs of a workflow as a tree: the branches and items of a Parallel or Map are its children."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from workflow_manager import models
from workflow_manager.cli.output.columns import attempts, began, duration, excerpt, headline
from workflow_manager.cli.output.table_layout import NOTHING, Column, Columns

LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
PASSED: Final = models.JobStatus.SUCCEEDED
LIVE: Final = frozenset(
    {
        models.JobStatus.CREATED,
        models.JobStatus.QUEUED,
        models.JobStatus.WAITING_FOR_DEPS,
        models.JobStatus.RUNNING,
    }
)


@dataclass(frozen=True, slots=True)
class Node:
    """A job, or a branch or item of several jobs, with its children."""

    label: str
    jobs: tuple[models.Job, ...]
    """The job itself, or all jobs of a branch or item."""
    children: tuple["Node", ...] = ()

    @property
    def job(self) -> models.Job | None:
        """The job; None for a branch or item of several jobs."""
        return None if self.children and self.children[0].jobs[0] is self.jobs[0] else self.jobs[0]

    @property
    def status(self) -> models.JobStatus:
        """The status; of several jobs, the first active or unsuccessful one decides."""
        statuses = [job.status for job in self.jobs]
        return next(
            (status for status in statuses if status in LIVE), next((one for one in statuses if one != PASSED), PASSED)
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the tree; ``node`` is None for a line that counts omitted ones."""

    text: str
    node: Node | None = None

    @property
    def interest(self) -> tuple[bool, datetime]:
        """Sort key: active jobs over ended ones, recent changes over older ones."""
        if self.node is None:
            return False, LONG_AGO
        times = [job.stopped_at or job.started_at or job.created_at for job in self.node.jobs]
        return self.node.status in LIVE, max(times)


def job_tree(jobs: Sequence[models.Job]) -> tuple[Node, ...]:
    """Arrange jobs below the Parallel or Map that they ran in; a job whose parent is missing becomes a root."""
    known = {job.id for job in jobs}
    inside: defaultdict[str | None, list[models.Job]] = defaultdict(list)
    for job in jobs:
        inside[job.parent if job.parent in known else None].append(job)
    return tuple(_nodes(inside[None], inside))


def rows(tree: Sequence[Node], *, room: int | None = None) -> list[Row]:
    """Return the lines of the tree.

    If there are more than ``room``, branches and items that succeeded are only counted; if there are still too many,
    the lines that changed last are kept.
    """
    lines = list(_lines(tree, shorten=False))
    if room is None or len(lines) <= room:
        return lines
    lines = list(_lines(tree, shorten=True))
    if len(lines) <= room:
        return lines
    newest = sorted(range(len(lines)), key=lambda number: (lines[number].interest, number))
    kept = [lines[number] for number in sorted(newest[len(lines) - room + 1 :])]
    return [Row(f"… and {len(lines) - len(kept)} more lines"), *kept]


def _nodes(jobs: Sequence[models.Job], inside: Mapping[str | None, list[models.Job]]) -> Iterator[Node]:
    groups: defaultdict[str, list[models.Job]] = defaultdict(list)
    for job in sorted(jobs, key=_place):
        groups[_place_words(job)].append(job)
    for place, members in groups.items():
        nodes = tuple(
            Node(job.state, (job,), tuple(_nodes(inside[job.id], inside)) if job.id in inside else ())
            for job in members
        )
        if not place:
            yield from nodes
        elif len(nodes) == 1:
            yield Node(f"{place}: {nodes[0].label}", nodes[0].jobs, nodes[0].children)
        else:
            yield Node(place, tuple(members), nodes)


def _place(job: models.Job) -> tuple[int, int]:
    return (-1 if job.branch is None else job.branch, -1 if job.iteration is None else job.iteration)


def _place_words(job: models.Job) -> str:
    words = [("branch", job.branch), ("item", job.iteration)]
    return " ".join(f"{word} {number}" for word, number in words if number is not None)


def _lines(nodes: Sequence[Node], *, shorten: bool, indent: str = "", top: bool = True) -> Iterator[Row]:
    shown = [node for node in nodes if not (shorten and not top and node.status == PASSED)]
    left_out = len(nodes) - len(shown)
    for number, node in enumerate(shown, start=1):
        last = number == len(shown) and not left_out
        yield Row(node.label if top else f"{indent}{'└─ ' if last else '├─ '}{node.label}", node)
        deeper = "" if top else f"{indent}{'   ' if last else '│  '}"
        yield from _lines(node.children, shorten=shorten, indent=deeper, top=False)
    if left_out:
        yield Row(f"{indent}└─ {left_out} succeeded")


def _of_job(show: Callable[[models.Job], str]) -> Callable[[Row], str]:
    """Return a column that shows a job, but not a branch or item of several jobs."""

    def of_row(row: Row) -> str:
        if row.node is None:
            return ""
        return NOTHING if row.node.job is None else show(row.node.job)

    return of_row


def _duration(row: Row) -> str:
    if row.node is None:
        return ""
    jobs = row.node.jobs
    ends = [job.stopped_at for job in jobs]
    return duration(min(map(began, jobs)), _latest(ends))


def _latest(ends: Sequence[datetime | None]) -> datetime | None:
    known = [end for end in ends if end is not None]
    return max(known) if len(known) == len(ends) else None


TREE_COLUMNS: Final[Columns[Row]] = {
    "state": Column(lambda row: row.text, min_width=16),
    "type": Column(_of_job(lambda job: job.type), drop_priority=5),
    "status": Column(lambda row: row.node.status.value if row.node else ""),
    "attempts": Column(_of_job(attempts), drop_priority=4),
    "duration": Column(_duration, drop_priority=2),
    "worker": Column(_of_job(lambda job: job.container or NOTHING), min_width=12, drop_priority=6),
    "reason": Column(
        _of_job(lambda job: excerpt(headline(job.status_reason), length=80)), min_width=12, drop_priority=1
    ),
}
