"""One thing done to many workflows: counted, confirmed, paced, shown one by one, and resumable."""

import asyncio
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import typer

from workflow_manager import errors, models
from workflow_manager.cli.async_runner import run
from workflow_manager.cli.bulk.eligibility import Eligibility, select
from workflow_manager.cli.bulk.journal import Journal
from workflow_manager.cli.bulk.results import ActionResult, Result, Tally
from workflow_manager.cli.bulk.selection import Selection
from workflow_manager.cli.exit_codes import ExitCode, exit_code_of
from workflow_manager.cli.options.client import connect
from workflow_manager.cli.options.connection import Service
from workflow_manager.cli.output.columns import WORKFLOW_COLUMNS, definition_label
from workflow_manager.cli.output.console import counted, note
from workflow_manager.cli.output.formats import write_results
from workflow_manager.cli.output.progress import no_progress, progress_bar
from workflow_manager.client import WorkflowManager

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]
Deed = Callable[[WorkflowManager, str, str, str | None], Awaitable[str]]
"""Does it to the workflow of an id, given a key that is the same when it is repeated, and the place where that is known
already; returns what came of it."""

CONCURRENCY: Final = 8
MAX_FAILURES_IN_A_ROW: Final = 10
"""When so many fail one after the other without an answer, the rest would as well."""


MAX_GROUPS: Final = 10
"""How many namespaces and definitions a confirmation lists."""


@dataclass(frozen=True, slots=True)
class Bulk:
    """What is to be done, and to which workflows it can be."""

    verb: str
    done_word: str
    scope: Eligibility
    deed: Deed
    choice: Selection
    place: Callable[[models.Workflow], str] | None = None
    """Tells from a workflow where it would be done; raises ``InvalidRequest`` or ``Conflict`` when nobody can know."""
    looks_first: bool = False
    """Whether each workflow is looked at before; without that the service alone decides, by the same rule."""


def run_bulk(bulk: Bulk) -> ExitCode:
    """Select, confirm, do; return the exit code of the worst that happened."""
    choice = bulk.choice
    with Journal(bulk.verb, choice.journal, read_only=choice.dry_run) as journal:
        if choice.ids is not None and not choice.dry_run:
            return _do_all(bulk, _left(choice.ids, journal), journal)
        found, missing = run(_find(bulk))
        if choice.ids is None:
            found = _chosen_at_first(found, journal)[: choice.limit]
        left = set(_left([workflow.id for workflow in found], journal))
        workflows = [workflow for workflow in found if workflow.id in left]
        if choice.dry_run:
            return _show(bulk, workflows, run(_refusals(bulk, workflows)) | missing)
        if workflows and not choice.yes and not _confirmed(bulk.verb, bulk.done_word, workflows, choice.service):
            note("Nothing was done.")
            return ExitCode.INTERRUPTED
        return _do_all(bulk, [workflow.id for workflow in workflows], journal)


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


class BulkRun:
    """Does it to one workflow after the other, several at a time."""

    def __init__(
        self,
        manager: WorkflowManager,
        bulk: Bulk,
        journal: Journal,
        pace: Pace,
        *,
        show: Callable[[ActionResult], None],
    ) -> None:
        self._manager = manager
        self._bulk = bulk
        self._journal = journal
        self._pace = pace
        self._show = show
        self._failures = 0
        self.stopped_by: errors.WorkflowManagerError | None = None
        self.codes: set[ExitCode] = set()

    async def run(self, ids: Sequence[str]) -> None:
        """Do it to all; stop when the service is gone or will not have us."""
        waiting = iter(ids)
        await asyncio.gather(*(self._work(waiting) for _ in range(CONCURRENCY)))

    async def _work(self, waiting: Iterator[str]) -> None:
        for workflow_id in waiting:
            await self._pace.turn()
            if self.stopped_by is not None:
                return
            self._show(await self._try(workflow_id))

    async def _try(self, workflow_id: str) -> ActionResult:
        try:
            place = await decide(self._manager, self._bulk, workflow_id)
            message = await self._bulk.deed(self._manager, workflow_id, f"{self._journal.key}-{workflow_id}", place)
        except errors.WorkflowManagerError as error:
            return self._failed(workflow_id, error)
        self._failures = 0
        self._journal.add(workflow_id)
        return ActionResult(id=workflow_id, result=Result.DONE, message=message)

    def _failed(self, workflow_id: str, error: errors.WorkflowManagerError) -> ActionResult:
        code = exit_code_of(error)
        refused = code not in {ExitCode.UNAVAILABLE, ExitCode.AUTH}
        self._failures = 0 if refused else self._failures + 1
        if code is ExitCode.AUTH or self._failures == MAX_FAILURES_IN_A_ROW:
            self.stopped_by = error
        # That one of many is not as it would have to be is no wrong usage.
        self.codes.add(ExitCode.REFUSED if refused else code)
        result = Result.REFUSED if refused else Result.FAILED
        return ActionResult(id=workflow_id, result=result, message=error.message)


async def decide(manager: WorkflowManager, bulk: Bulk, workflow_id: str) -> str | None:
    """Return where it is to be done to a workflow, if that is known. Raises what a dry run tells as a refusal.

    A workflow that cannot be looked at is left to the service, which says what is wrong. So is one that was resumed
    before when there is a journal: only the service can tell a repetition by its key.
    """
    if not bulk.looks_first:
        return None
    try:
        workflow = await manager.get_workflow(workflow_id, fetch_history=bulk.place is not None)
    except errors.WorkflowManagerError:
        return None
    scope = bulk.scope
    if bulk.choice.journal is not None:
        scope = scope._replace(spares_resumed=False)
    return await _place(manager, replace(bulk, scope=scope), workflow)


async def _place(manager: WorkflowManager, bulk: Bulk, workflow: models.Workflow) -> str | None:
    reason = bulk.scope.why_not(workflow)
    if reason is None:
        return None if bulk.place is None else bulk.place(workflow)
    if bulk.scope.spares_resumed and workflow.retries and workflow.status in bulk.scope.possible:
        reason += await _as_it_is(manager, workflow.retries[-1])
    raise errors.Conflict(reason)


async def _as_it_is(manager: WorkflowManager, workflow_id: str) -> str:
    try:
        return f", whose status is {(await manager.get_workflow(workflow_id)).status}"
    except errors.WorkflowManagerError:
        return ""


async def _find(bulk: Bulk) -> tuple[list[models.Workflow], dict[str, str]]:
    """Return the workflows that it is about, and what is wrong with the ids that stand for none."""
    async with connect(bulk.choice.service) as manager:
        if bulk.choice.ids is None:
            return await select(manager, bulk.choice.filters, bulk.scope), {}
        found, missing = [], {}
        for each in bulk.choice.ids:
            try:
                found.append(await manager.get_workflow(each, fetch_history=bulk.place is not None))
            except errors.NotFound as nothing:
                missing[each] = nothing.message.removesuffix(".")
        return found, missing


async def _refusals(bulk: Bulk, workflows: Sequence[models.Workflow]) -> dict[str, str]:
    """Return why it would be refused for some; a summary without a job is looked at first, as the deed does."""
    refusals = {}
    async with connect(bulk.choice.service) as manager:
        for workflow in workflows:
            try:
                if bulk.choice.ids is None and workflow.last_job is None:
                    await decide(manager, bulk, workflow.id)
                else:
                    await _place(manager, bulk, workflow)
            except (errors.InvalidRequest, errors.Conflict) as refusal:
                refusals[workflow.id] = refusal.message.removesuffix(".")
    return refusals


def _chosen_at_first(found: Sequence[models.Workflow], journal: Journal) -> list[models.Workflow]:
    """Leave out what is newer than the journal: it may have been made by the command that began it."""
    if found:
        journal.choose_until(max(workflow.created_at for workflow in found))
    chosen = [each for each in found if journal.until is None or each.created_at <= journal.until]
    if len(chosen) < len(found):
        note(f"{counted(len(found) - len(chosen), 'workflow')} skipped: created after the journal was started.")
    return chosen


def _left(ids: Sequence[str], journal: Journal) -> list[str]:
    left = [workflow_id for workflow_id in ids if workflow_id not in journal.done]
    if len(left) < len(ids):
        note(f"{counted(len(ids) - len(left), 'workflow')} skipped: recorded as done in the journal.")
    return left


def _show(bulk: Bulk, workflows: Sequence[models.Workflow], refusals: Mapping[str, str]) -> ExitCode:
    """Show to which it would be done; those to which it cannot be are told one by one."""
    possible = [workflow for workflow in workflows if workflow.id not in refusals]
    write_results(possible, WORKFLOW_COLUMNS, output=bulk.choice.output)
    for workflow_id, reason in refusals.items():
        note(f"{workflow_id} would be refused: {reason}.")
    if bulk.place is not None and bulk.choice.ids is not None:
        for workflow in possible:
            note(f"{workflow.id} would be {bulk.done_word} at {bulk.place(workflow)}.")
    note(f"{counted(len(possible), 'workflow')} would be {bulk.done_word}.")
    return ExitCode.REFUSED if refusals else ExitCode.OK


def _confirmed(verb: str, done_word: str, workflows: Sequence[models.Workflow], service: Service) -> bool:
    """Show what would be changed, and ask. Raises ``InvalidRequest`` without a terminal."""
    number = counted(len(workflows), "workflow")
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise errors.InvalidRequest(
            f"{number} would be {done_word}; without a terminal to confirm on, add --yes (or --dry-run)."
        )
    note(f"At {service}:")
    for line in _groups(workflows):
        note(line)
    return typer.confirm(f"{verb.capitalize()} {number}?", err=True)


def _groups(workflows: Sequence[models.Workflow]) -> list[str]:
    """Count the workflows by namespace and definition, largest group first."""
    counts = Counter((each.namespace, definition_label(each.workflow_definition)) for each in workflows)
    groups = counts.most_common()
    shown = [f"{count:>6}  {namespace}  {definition}" for (namespace, definition), count in groups[:MAX_GROUPS]]
    more = len(groups) - len(shown)
    return [*shown, f"        and {counted(more, 'more definition')}"] if more else shown


def _do_all(bulk: Bulk, ids: Sequence[str], journal: Journal) -> ExitCode:
    if not ids:
        Tally(bulk.choice.output).finish()
        note("Nothing to do.")
        return ExitCode.OK
    return run(_do(bulk, ids, journal))


async def _do(bulk: Bulk, ids: Sequence[str], journal: Journal) -> ExitCode:
    shown = Tally(bulk.choice.output)
    pace = Pace(bulk.choice.rate, clock=asyncio.get_running_loop().time)
    try:
        async with connect(bulk.choice.service) as manager:
            with progress_bar(bulk.verb, len(ids)) if sys.stderr.isatty() else no_progress() as progress:
                work = BulkRun(manager, bulk, journal, pace, show=lambda outcome: shown.add(outcome, progress))
                await work.run(ids)
    except asyncio.CancelledError:
        shown.finish()
        note(f"Interrupted: {shown.words(len(ids), bulk.done_word)} {_way_on(bulk)}")
        raise
    shown.finish()
    if work.stopped_by is not None:
        note(f"Stopped: {work.stopped_by.message}")
    note(shown.words(len(ids), bulk.done_word) + (f" {_way_on(bulk)}" if work.stopped_by else ""))
    return max(work.codes, default=ExitCode.OK)


def _way_on(bulk: Bulk) -> str:
    if bulk.choice.journal is None:
        return "Rerun the command for the rest."
    return f"Rerun the command with --journal {bulk.choice.journal} for the rest."
