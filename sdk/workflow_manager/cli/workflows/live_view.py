"""The live tree of a workflow on a terminal, and what stays on the screen when it has ended."""

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from typing import Final

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from workflow_manager import errors, models
from workflow_manager.cli.output.columns import definition_label, duration
from workflow_manager.cli.output.escaping import escape
from workflow_manager.cli.output.formats import print_lines
from workflow_manager.cli.output.table_layout import STYLES, cut, fit
from workflow_manager.cli.workflows.change_lines import end_lines
from workflow_manager.cli.workflows.job_tree import TREE_COLUMNS, Node, Row, job_tree, rows
from workflow_manager.client.outage_tolerance import OnOutage

REFRESHES_PER_SECOND: Final = 5
LINES_AROUND_JOBS: Final = 4
"""Lines of the live view besides one per job: headline, outage, titles, and one for the cursor."""

LASTING_LINES: Final = 100
"""How many lines of the tree stay on the screen at the end; succeeded branches beyond them are counted."""

SPINNER_WIDTH: Final = 2

Snapshots = Callable[[OnOutage], AsyncGenerator[models.Workflow, None]]


async def show_live(snapshots: Snapshots, console: Console, *, full: str) -> models.Workflow:
    """Show each snapshot until the last; ``full`` is the command that shows the full text at the end."""
    view = LiveView(console)
    try:
        with Live(
            console=console,
            get_renderable=view.render,
            refresh_per_second=REFRESHES_PER_SECOND,
            transient=True,
        ):
            async with aclosing(snapshots(view.on_outage)) as found:
                async for workflow in found:
                    last = workflow
                    view.update(workflow)
    finally:
        view.leave()
    for line in end_lines(last, full=full):
        console.print(Text(line), soft_wrap=True)
    return last


class LiveView:
    """Renders the newest snapshot; durations advance between snapshots."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._spinner = Spinner("dots")
        self._workflow: models.Workflow | None = None
        self._tree: tuple[Node, ...] = ()
        self._fitting: tuple[tuple[Node, ...], int, Sequence[Row]] = (), 0, ()
        self._outage: str | None = None

    def update(self, workflow: models.Workflow) -> None:
        """Set the newest snapshot."""
        self._tree = job_tree(workflow.jobs)
        self._workflow = workflow

    def on_outage(self, outage: errors.Unavailable | None) -> None:
        """Show that the service is unavailable, or no longer."""
        self._outage = None if outage is None else f"The service is unavailable; retrying. {outage.message}"

    def render(self) -> Group | Text:
        """Render as much of the tree as fits on the screen."""
        if self._workflow is None:
            return Text("Waiting for the service …")
        self._spinner.update(text=headline(self._workflow, width=self.console.width - SPINNER_WIDTH))
        outage = Text(cut(escape(self._outage), self.console.width), style="yellow") if self._outage else None
        return Group(self._spinner, *([outage] if outage else []), *self._drawn(self._fitting_rows()))

    def leave(self) -> None:
        """Print the tree, so that it stays on the screen."""
        if self._workflow is not None:
            lasting = self._drawn(rows(self._tree, room=LASTING_LINES))
            print_lines(self.console, [headline(self._workflow, width=self.console.width), *lasting])

    def _fitting_rows(self) -> Sequence[Row]:
        """Choose the lines that fit, once per snapshot, since there can be thousands."""
        tree, room = self._tree, max(self.console.height - LINES_AROUND_JOBS, 1)
        if self._fitting[0] is not tree or self._fitting[1] != room:
            self._fitting = tree, room, rows(tree, room=room)
        return self._fitting[2]

    def _drawn(self, lines: Sequence[Row]) -> Iterator[Text]:
        return fit(TREE_COLUMNS, lines, width=self.console.width).lines() if lines else iter(())


def headline(workflow: models.Workflow, *, width: int) -> Text:
    """Return one line with id, status, duration and definition; id and status are never cut."""
    took = duration(workflow.started_at or workflow.created_at, workflow.stopped_at)
    line = Text(f"{escape(workflow.id)}  ")
    line.append(workflow.status.value, style=STYLES[workflow.status])
    line.append(f"  {took}  ")
    line.append(cut(escape(definition_label(workflow.workflow_definition)), max(width - line.cell_len, 1)))
    return line
