"""A progress bar for the person at the terminal, on the error stream."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from workflow_manager.cli.output.suspend import suspendable


class Progress(Protocol):
    """Takes note that one more is over."""

    def __call__(self, *, failed: bool) -> None: ...


@contextmanager
def no_progress() -> Iterator[Progress]:
    """Show nothing."""
    yield lambda *, failed: None


@contextmanager
def progress_bar(title: str, total: int) -> Iterator[Progress]:
    """Show a bar with count, failures, rate and time left; it goes away at the end."""
    bar = RichProgress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failed]} failed"),
        TextColumn("{task.fields[rate]:.1f}/s"),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=Console(file=sys.stderr),
        transient=True,
        # Lines of results go above the bar when both are on one screen, and nowhere else otherwise.
        redirect_stdout=sys.stdout.isatty(),
        redirect_stderr=True,
    )
    with suspendable(bar):
        task = bar.add_task(title, total=total, failed=0, rate=0.0)

        def advance(*, failed: bool) -> None:
            shown = bar.tasks[0]
            rate = (shown.completed + 1) / max(shown.elapsed or 0.0, 0.1)
            bar.update(task, advance=1, failed=shown.fields["failed"] + failed, rate=rate)

        yield advance
