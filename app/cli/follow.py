"""Watching one workflow: a live tree on a terminal, a line per change in a pipe."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from app import models
from app.cli.exits import ExitCode
from app.cli.job_tree import TREE_COLUMNS, Node, Row, job_tree, rows
from app.cli.lines import note, write_line
from app.cli.options import Format
from app.cli.output import NOTHING, STATUS_STYLES, rich_table, write_document, write_documents
from app.cli.profiles import way_back
from app.cli.tables import definition_label, duration, excerpt, place
from app.cli.text import visible
from app.client import WorkflowManager

REFRESHES_PER_SECOND = 5
LINES_AROUND_JOBS = 6
"""What the live view needs besides one line per job."""

_EXIT_CODES = {
    models.WorkflowStatus.SUCCEEDED: ExitCode.OK,
    models.WorkflowStatus.FAILED: ExitCode.FAILED,
    models.WorkflowStatus.CANCELLED: ExitCode.WORKFLOW_CANCELLED,
}


async def follow(
    manager: WorkflowManager, workflow_id: str, *, output: Format, url: str, timeout_seconds: float | None
) -> ExitCode:
    """Show a workflow until it has ended; return the exit code that tells how.

    When it takes too long, or on Ctrl-C, the workflow goes on and the way back is printed.
    """
    try:
        async with asyncio.timeout(timeout_seconds):
            last = await _show(manager.follow(workflow_id), output=output)
    except TimeoutError:
        note(f"Not ended after {timeout_seconds:g} s; it goes on. Come back: {way_back(workflow_id, url=url)}")
        return ExitCode.WAIT_TIMED_OUT
    except asyncio.CancelledError:
        note(f"Detached; the workflow goes on. Come back: {way_back(workflow_id, url=url)}")
        raise
    return _EXIT_CODES[last.status]


async def _show(snapshots: AsyncIterator[models.Workflow], *, output: Format) -> models.Workflow:
    if output is Format.JSONL:
        return await _show_documents(snapshots)
    if output is not Format.TABLE:
        last = await _last(snapshots)
        write_document(last, output=output)
        return last
    console = Console(file=sys.stdout)
    return await (_show_live(snapshots, console) if console.is_terminal else _show_lines(snapshots))


async def _last(snapshots: AsyncIterator[models.Workflow]) -> models.Workflow:
    async for workflow in snapshots:
        last = workflow
    return last


async def _show_documents(snapshots: AsyncIterator[models.Workflow]) -> models.Workflow:
    async for workflow in snapshots:
        last = workflow
        write_documents([workflow], output=Format.JSONL)
    return last


async def _show_lines(snapshots: AsyncIterator[models.Workflow]) -> models.Workflow:
    shown: dict[str, str] = {}
    async for workflow in snapshots:
        last = workflow
        for line in changed_lines(workflow, shown):
            write_line(line)
    return last


async def _show_live(snapshots: AsyncIterator[models.Workflow], console: Console) -> models.Workflow:
    view = LiveView(console)
    try:
        with Live(console=console, get_renderable=view.render, refresh_per_second=REFRESHES_PER_SECOND, transient=True):
            async for workflow in snapshots:
                last = workflow
                view.update(workflow)
    finally:
        view.leave()
    return last


class LiveView:
    """What the live tree shows: the newest snapshot, its clocks running on between two of them."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._spinner = Spinner("dots")
        self._workflow: models.Workflow | None = None
        self._tree: tuple[Node, ...] = ()

    def update(self, workflow: models.Workflow) -> None:
        """Show another snapshot from now on."""
        self._workflow = workflow
        self._tree = job_tree(workflow.jobs)

    def render(self) -> Group | Text:
        """Draw as much of the tree as fits on the screen."""
        if self._workflow is None:
            return Text("Waiting for the service …")
        room = max(self._console.height - LINES_AROUND_JOBS, 1)
        self._spinner.update(text=headline(self._workflow))
        return Group(self._spinner, _tree_table(rows(self._tree, room=room)))

    def leave(self) -> None:
        """Print the whole tree once, so that it stays."""
        if self._workflow is not None:
            self._console.print(headline(self._workflow))
            self._console.print(_tree_table(rows(self._tree)))


def headline(workflow: models.Workflow) -> Text:
    """Say in one line what is followed, and how it is."""
    took = duration(workflow.started_at or workflow.created_at, workflow.stopped_at)
    line = Text(visible(f"{workflow.id}  {definition_label(workflow.workflow_definition)}  "), overflow="fold")
    line.append(workflow.status.value, style=STATUS_STYLES[workflow.status])
    line.append(f"  {took}")
    if workflow.status_reason:
        line.append(f"  {visible(excerpt(workflow.status_reason))}")
    return line


def changed_lines(workflow: models.Workflow, shown: dict[str, str]) -> Iterator[str]:
    """Write a line for each job, and for the workflow, that is not as ``shown`` remembers it; remember it."""
    for key, (moment, words) in _lines(workflow).items():
        if shown.get(key) != words:
            shown[key] = words
            yield visible(f"{models.format_time(moment)}  {words}")


def _lines(workflow: models.Workflow) -> Mapping[str, tuple[datetime, str]]:
    """Describe the jobs and the workflow; its end comes after its jobs, its start before them."""
    jobs = {job.id: (_changed_at(job), _job_words(job)) for job in sorted(workflow.jobs, key=_changed_at)}
    changed = workflow.stopped_at or workflow.started_at or workflow.created_at
    words = f"{workflow.status.value:<9}  workflow {workflow.id} {definition_label(workflow.workflow_definition)}"
    own = {"": (changed, words + _because(workflow.status_reason))}
    return jobs | own if workflow.status.terminal else own | jobs


def _job_words(job: models.Job) -> str:
    where = "" if (inside := place(job)) == NOTHING else f" ({inside})"
    attempt = f" attempt {len(job.attempts)}" if len(job.attempts) > 1 else ""
    return f"{job.status.value:<9}  {job.type} {job.state}{where}{attempt}{_because(job.status_reason)}"


def _because(reason: str | None) -> str:
    return f": {excerpt(reason)}" if reason else ""


def _changed_at(job: models.Job) -> datetime:
    return (job.stopped_at or job.started_at or job.created_at).astimezone(UTC)


def _tree_table(lines: Sequence[Row]) -> Table:
    return rich_table(TREE_COLUMNS, [[visible(show(line)) for show in TREE_COLUMNS.values()] for line in lines])
