"""A progress bar on the error stream, for a person at a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress


class Progress(Protocol):
    """Advances the progress by one workflow."""

    def __call__(self, *, failed: bool) -> None: ...


@contextmanager
def no_progress() -> Iterator[Progress]:
    """Show nothing."""
    yield lambda *, failed: None


@contextmanager
def progress_bar(title: str, total: int) -> Iterator[Progress]:
    """Show a bar with count, failures, rate and time left; it is removed at the end."""
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
        # Result lines are printed above the bar only if both share a terminal.
        redirect_stdout=sys.stdout.isatty(),
        redirect_stderr=True,
    )
    with bar:
        task = bar.add_task(title, total=total, failed=0, rate=0.0)

        def advance(*, failed: bool) -> None:
            shown = bar.tasks[0]
            rate = (shown.completed + 1) / max(shown.elapsed or 0.0, 0.1)
            bar.update(task, advance=1, failed=shown.fields["failed"] + failed, rate=rate)

        yield advance
