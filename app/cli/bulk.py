"""One thing done to many workflows: counted, confirmed, paced, shown one by one, and resumable."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import typer

from app import errors, models
from app.cli.exits import ExitCode, exit_code_of
from app.cli.journal import Journal
from app.cli.lines import note, write_line
from app.cli.options import Format
from app.cli.output import write_documents, write_table
from app.cli.progress import Progress, no_progress, progress_bar
from app.cli.selection import Choice, Scope, select
from app.cli.tables import WORKFLOW_COLUMNS
from app.cli.text import visible
from app.client import WorkflowManager

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]
Deed = Callable[[WorkflowManager, str, str], Awaitable[str]]
"""Does it to the workflow of an id, given a key that is the same when it is repeated; returns what came of it."""

CONCURRENCY: Final = 8
MAX_FAILURES_IN_A_ROW: Final = 10
"""When so many fail one after the other without an answer, the rest would as well."""


class Result(StrEnum):
    """How it went with one workflow."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class Outcome(models.Response):
    """What came of it for one workflow."""

    id: str
    result: Result
    message: str


@dataclass(frozen=True, slots=True)
class Bulk:
    """What is to be done, and to which workflows it can be."""

    verb: str
    done_word: str
    scope: Scope
    deed: Deed
    choice: Choice


def run_bulk(bulk: Bulk) -> ExitCode:
    """Select, confirm, do; return the exit code of the worst that happened."""
    with Journal(bulk.verb, None if bulk.choice.dry_run else bulk.choice.journal) as journal:
        found = asyncio.run(_select(bulk))
        left = [workflow for workflow in found if workflow.id not in journal.done]
        if len(left) < len(found):
            note(f"{counted(len(found) - len(left))} left out: the journal says that it is done.")
        if bulk.choice.dry_run:
            return _show(bulk, left)
        if not left:
            note("There is nothing to do.")
            return ExitCode.OK
        if not _confirmed(bulk, len(left)):
            note("Nothing was done.")
            return ExitCode.INTERRUPTED
        return asyncio.run(_do(bulk, left, journal))


def counted(number: int) -> str:
    """Write a number of workflows."""
    return f"{number} workflow" + ("" if number == 1 else "s")


class Pace:
    """Lets callers through one after the other, so many a second."""

    def __init__(self, rate: float, *, clock: Clock, sleep: Sleep = asyncio.sleep) -> None:
        self._interval = 1 / rate
        self._clock = clock
        self._sleep = sleep
        self._next = clock()

    async def turn(self) -> None:
        """Wait for the next turn."""
        at = max(self._next, self._clock())
        self._next = at + self._interval
        await self._sleep(at - self._clock())


class Run:
    """Does it to one workflow after the other, several at a time."""

    def __init__(
        self, manager: WorkflowManager, bulk: Bulk, journal: Journal, pace: Pace, *, show: Callable[[Outcome], None]
    ) -> None:
        self._manager = manager
        self._bulk = bulk
        self._journal = journal
        self._pace = pace
        self._show = show
        self._failures = 0
        self.stopped_by: errors.WorkflowManagerError | None = None
        self.codes: set[ExitCode] = set()

    async def run(self, workflows: Sequence[models.Workflow]) -> None:
        """Do it to all; stop when the service is gone or will not have us."""
        waiting = iter(workflows)
        await asyncio.gather(*(self._work(waiting) for _ in range(CONCURRENCY)))

    async def _work(self, waiting: Iterator[models.Workflow]) -> None:
        for workflow in waiting:
            await self._pace.turn()
            if self.stopped_by is not None:
                return
            self._show(await self._try(workflow))

    async def _try(self, workflow: models.Workflow) -> Outcome:
        try:
            message = await self._bulk.deed(self._manager, workflow.id, f"{self._journal.key}-{workflow.id}")
        except errors.WorkflowManagerError as error:
            return self._failed(workflow.id, error)
        self._failures = 0
        self._journal.add(workflow.id)
        return Outcome(id=workflow.id, result=Result.DONE, message=message)

    def _failed(self, workflow_id: str, error: errors.WorkflowManagerError) -> Outcome:
        code = exit_code_of(error)
        refused = code not in {ExitCode.UNAVAILABLE, ExitCode.AUTH}
        self._failures = 0 if refused else self._failures + 1
        if code is ExitCode.AUTH or self._failures == MAX_FAILURES_IN_A_ROW:
            self.stopped_by = error
        # That one of many is not as it would have to be is no wrong usage.
        self.codes.add(ExitCode.REFUSED if refused else code)
        result = Result.REFUSED if refused else Result.FAILED
        return Outcome(id=workflow_id, result=result, message=error.message)


async def _select(bulk: Bulk) -> list[models.Workflow]:
    async with WorkflowManager(bulk.choice.url) as manager:
        return await select(manager, bulk.choice.filters, bulk.scope)


def _show(bulk: Bulk, workflows: Sequence[models.Workflow]) -> ExitCode:
    if bulk.choice.output is Format.TABLE:
        write_table(workflows, WORKFLOW_COLUMNS)
    else:
        write_documents(workflows, output=bulk.choice.output)
    note(f"{counted(len(workflows))} would be {bulk.done_word}.")
    return ExitCode.OK


def _confirmed(bulk: Bulk, number: int) -> bool:
    if bulk.choice.yes:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise errors.InvalidRequest(
            f"{counted(number)} would be {bulk.done_word}; where nobody can be asked, add --yes (or --dry-run)."
        )
    return typer.confirm(f"{bulk.verb.capitalize()} {counted(number)}?", err=True)


async def _do(bulk: Bulk, workflows: Sequence[models.Workflow], journal: Journal) -> ExitCode:
    shown = Tally(bulk.choice.output)
    pace = Pace(bulk.choice.rate, clock=asyncio.get_running_loop().time)
    try:
        async with WorkflowManager(bulk.choice.url) as manager:
            with progress_bar(bulk.verb, len(workflows)) if sys.stderr.isatty() else no_progress() as progress:
                run = Run(manager, bulk, journal, pace, show=lambda outcome: shown.add(outcome, progress))
                await run.run(workflows)
    except asyncio.CancelledError:
        shown.finish()
        note(f"Interrupted: {shown.words(len(workflows), bulk.done_word)} {_way_on(bulk)}")
        raise
    shown.finish()
    if run.stopped_by is not None:
        note(f"Stopped: {run.stopped_by.message}")
    note(shown.words(len(workflows), bulk.done_word) + (f" {_way_on(bulk)}" if run.stopped_by else ""))
    return max(run.codes, default=ExitCode.OK)


class Tally:
    """Shows outcomes and counts them."""

    def __init__(self, output: Format) -> None:
        self._output = output
        self._outcomes: list[Outcome] = []

    def add(self, outcome: Outcome, progress: Progress) -> None:
        """Show one, or keep it for the document at the end."""
        self._outcomes.append(outcome)
        if self._output is Format.TABLE:
            write_line(visible(f"{outcome.id}  {outcome.result.value:<7}  {outcome.message}"))
        elif self._output is Format.JSONL:
            write_documents([outcome], output=self._output)
        progress(failed=outcome.result is not Result.DONE)

    def finish(self) -> None:
        """Write what is one document."""
        if self._output in {Format.JSON, Format.YAML}:
            write_documents(self._outcomes, output=self._output)

    def words(self, number: int, done_word: str) -> str:
        """Say how many are done, and how many are not."""
        of = {result: sum(outcome.result is result for outcome in self._outcomes) for result in Result}
        others = [f"{count} {result.value}" for result, count in of.items() if count and result is not Result.DONE]
        return ", ".join([f"{of[Result.DONE]} of {counted(number)} {done_word}", *others]) + "."


def _way_on(bulk: Bulk) -> str:
    if bulk.choice.journal is None:
        return "The same command goes on with what still fits."
    return f"The same command with --journal {bulk.choice.journal} goes on."
