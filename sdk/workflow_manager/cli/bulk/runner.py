"""Running an action on many workflows: confirmation, rate limit, results and journal."""

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
from workflow_manager.cli.bulk.results import ActionResult, Result, Summary
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
Action = Callable[[WorkflowManager, str, str, str | None], Awaitable[str]]
"""Performs the action on one workflow and returns a short message: (client, id, key, state). ``key`` is stable across
retries; ``state`` is the state to act at, where that is known already."""

CONCURRENCY: Final = 8
MAX_FAILURES_IN_A_ROW: Final = 10
"""After this many consecutive failures without an answer the run stops: the rest would fail too."""

MAX_GROUPS: Final = 10
"""How many namespaces and definitions a confirmation lists."""


@dataclass(frozen=True, slots=True)
class Bulk:
    """An action, and the workflows it is meant for."""

    verb: str
    done_word: str
    eligibility: Eligibility
    action: Action
    selection: Selection
    state_of: Callable[[models.Workflow], str] | None = None
    """Returns the state of a workflow to act at; raises ``InvalidRequest`` or ``Conflict`` if there is none."""
    checks_first: bool = False
    """Whether each workflow is read and checked first; otherwise only the service checks, by the same rule."""


def run_bulk(bulk: Bulk) -> ExitCode:
    """Select the workflows, ask for confirmation and run the action; return the worst exit code."""
    selection = bulk.selection
    with Journal(bulk.verb, selection.journal, read_only=selection.dry_run) as journal:
        if selection.ids is not None and not selection.dry_run:
            return _do_all(bulk, _skip_done(selection.ids, journal), journal)
        found, missing = run(_find(bulk))
        if selection.ids is None:
            found = _skip_newer(found, journal)[: selection.limit]
        left = set(_skip_done([workflow.id for workflow in found], journal))
        workflows = [workflow for workflow in found if workflow.id in left]
        if selection.dry_run:
            return _show_dry_run(bulk, workflows, run(_refusals(bulk, workflows)) | missing)
        if workflows and not selection.yes and not _confirmed(bulk.verb, bulk.done_word, workflows, selection.service):
            note("Nothing was done.")
            return ExitCode.INTERRUPTED
        return _do_all(bulk, [workflow.id for workflow in workflows], journal)


class Pacer:
    """Limits callers to ``rate`` per second."""

    def __init__(self, rate: float, *, clock: Clock, sleep: Sleep = asyncio.sleep) -> None:
        self._interval = 1 / rate
        self._clock = clock
        self._sleep = sleep
        self._next = clock()

    async def wait(self) -> None:
        """Wait until the next caller may proceed."""
        at = max(self._next, self._clock())
        self._next = at + self._interval
        await self._sleep(at - self._clock())


class BulkRun:
    """Runs the action on workflows, several at a time."""

    def __init__(
        self,
        manager: WorkflowManager,
        bulk: Bulk,
        journal: Journal,
        pacer: Pacer,
        *,
        show: Callable[[ActionResult], None],
    ) -> None:
        self._manager = manager
        self._bulk = bulk
        self._journal = journal
        self._pacer = pacer
        self._show = show
        self._failures = 0
        self.stopped_by: errors.WorkflowManagerError | None = None
        self.codes: set[ExitCode] = set()

    async def run(self, ids: Sequence[str]) -> None:
        """Run the action on all ids; stop early if the service is unavailable or refuses the credentials."""
        waiting = iter(ids)
        await asyncio.gather(*(self._work(waiting) for _ in range(CONCURRENCY)))

    async def _work(self, waiting: Iterator[str]) -> None:
        for workflow_id in waiting:
            await self._pacer.wait()
            if self.stopped_by is not None:
                return
            self._show(await self._try(workflow_id))

    async def _try(self, workflow_id: str) -> ActionResult:
        try:
            state = await decide(self._manager, self._bulk, workflow_id)
            message = await self._bulk.action(self._manager, workflow_id, f"{self._journal.key}-{workflow_id}", state)
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
        # One ineligible workflow among many is a refusal, not wrong usage.
        self.codes.add(ExitCode.REFUSED if refused else code)
        result = Result.REFUSED if refused else Result.FAILED
        return ActionResult(id=workflow_id, result=result, message=error.message)


async def decide(manager: WorkflowManager, bulk: Bulk, workflow_id: str) -> str | None:
    """Return the state to act at, if it is known. Raises ``Conflict`` for what a dry run shows as a refusal.

    A workflow that cannot be read is left to the service, which reports the error. With a journal, so is one that was
    resumed before: only the service can recognise a repeated request by its key.
    """
    if not bulk.checks_first:
        return None
    try:
        workflow = await manager.get_workflow(workflow_id, fetch_history=bulk.state_of is not None)
    except errors.WorkflowManagerError:
        return None
    eligibility = bulk.eligibility
    if bulk.selection.journal is not None:
        eligibility = eligibility._replace(refuses_resumed=False)
    return await _state_for(manager, replace(bulk, eligibility=eligibility), workflow)


async def _state_for(manager: WorkflowManager, bulk: Bulk, workflow: models.Workflow) -> str | None:
    reason = bulk.eligibility.refusal_reason(workflow)
    if reason is None:
        return None if bulk.state_of is None else bulk.state_of(workflow)
    if bulk.eligibility.refuses_resumed and workflow.retries and workflow.status in bulk.eligibility.allowed:
        reason += await _status_clause(manager, workflow.retries[-1])
    raise errors.Conflict(reason)


async def _status_clause(manager: WorkflowManager, workflow_id: str) -> str:
    try:
        return f", whose status is {(await manager.get_workflow(workflow_id)).status}"
    except errors.WorkflowManagerError:
        return ""


async def _find(bulk: Bulk) -> tuple[list[models.Workflow], dict[str, str]]:
    """Return the selected workflows, and a reason for each id without a workflow."""
    async with connect(bulk.selection.service) as manager:
        if bulk.selection.ids is None:
            return await select(manager, bulk.selection.filters, bulk.eligibility), {}
        found, missing = [], {}
        for each in bulk.selection.ids:
            try:
                found.append(await manager.get_workflow(each, fetch_history=bulk.state_of is not None))
            except errors.NotFound as nothing:
                missing[each] = nothing.message.removesuffix(".")
        return found, missing


async def _refusals(bulk: Bulk, workflows: Sequence[models.Workflow]) -> dict[str, str]:
    """Return the reasons of refusals, by id; a summary without a job is read in full first, as the action does."""
    refusals = {}
    async with connect(bulk.selection.service) as manager:
        for workflow in workflows:
            try:
                if bulk.selection.ids is None and workflow.last_job is None:
                    await decide(manager, bulk, workflow.id)
                else:
                    await _state_for(manager, bulk, workflow)
            except (errors.InvalidRequest, errors.Conflict) as refusal:
                refusals[workflow.id] = refusal.message.removesuffix(".")
    return refusals


def _skip_newer(found: Sequence[models.Workflow], journal: Journal) -> list[models.Workflow]:
    """Skip workflows newer than the journal: an earlier run of this command may have created them."""
    if found:
        journal.record_until(max(workflow.created_at for workflow in found))
    chosen = [each for each in found if journal.until is None or each.created_at <= journal.until]
    if len(chosen) < len(found):
        note(f"{counted(len(found) - len(chosen), 'workflow')} skipped: created after the journal was started.")
    return chosen


def _skip_done(ids: Sequence[str], journal: Journal) -> list[str]:
    left = [workflow_id for workflow_id in ids if workflow_id not in journal.done]
    if len(left) < len(ids):
        note(f"{counted(len(ids) - len(left), 'workflow')} skipped: recorded as done in the journal.")
    return left


def _show_dry_run(bulk: Bulk, workflows: Sequence[models.Workflow], refusals: Mapping[str, str]) -> ExitCode:
    """Show the workflows that would be changed, and a reason for each that would be refused."""
    possible = [workflow for workflow in workflows if workflow.id not in refusals]
    write_results(possible, WORKFLOW_COLUMNS, output=bulk.selection.output)
    for workflow_id, reason in refusals.items():
        note(f"{workflow_id} would be refused: {reason}.")
    if bulk.state_of is not None and bulk.selection.ids is not None:
        for workflow in possible:
            note(f"{workflow.id} would be {bulk.done_word} at {bulk.state_of(workflow)}.")
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
        Summary(bulk.selection.output).finish()
        note("Nothing to do.")
        return ExitCode.OK
    return run(_do(bulk, ids, journal))


async def _do(bulk: Bulk, ids: Sequence[str], journal: Journal) -> ExitCode:
    shown = Summary(bulk.selection.output)
    pacer = Pacer(bulk.selection.rate, clock=asyncio.get_running_loop().time)
    try:
        async with connect(bulk.selection.service) as manager:
            with progress_bar(bulk.verb, len(ids)) if sys.stderr.isatty() else no_progress() as progress:
                work = BulkRun(manager, bulk, journal, pacer, show=lambda outcome: shown.add(outcome, progress))
                await work.run(ids)
    except asyncio.CancelledError:
        shown.finish()
        note(f"Interrupted: {shown.words(len(ids), bulk.done_word)} {_continuation(bulk)}")
        raise
    shown.finish()
    if work.stopped_by is not None:
        note(f"Stopped: {work.stopped_by.message}")
    note(shown.words(len(ids), bulk.done_word) + (f" {_continuation(bulk)}" if work.stopped_by else ""))
    return max(work.codes, default=ExitCode.OK)


def _continuation(bulk: Bulk) -> str:
    if bulk.selection.journal is None:
        return "Rerun the command for the rest."
    return f"Rerun the command with --journal {bulk.selection.journal} for the rest."
