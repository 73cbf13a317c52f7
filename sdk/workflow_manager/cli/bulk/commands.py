"""The verbs ``cancel``, ``resume``, ``resolve`` and ``refresh``: for one workflow, or for many."""

from typing import Annotated

import typer

from workflow_manager import errors
from workflow_manager.cli.bulk.selection import Selection, with_choice
from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.options.common import FollowOption, TimeoutOption
from workflow_manager.cli.options.completion import complete_state
from workflow_manager.cli.workflows.follow_options import watch_of


@with_choice
def cancel(
    choice: Selection,
    *,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; shown as the reason of its status.")] = "",
) -> ExitCode:
    """Stop a workflow, or many.

    With filters instead of ids: all queued and running workflows that fit.
    """
    from workflow_manager.cli.bulk.actions import cancel_workflows

    return cancel_workflows(choice, reason=reason)


@with_choice
def resume(
    choice: Selection,
    *,
    start_at: Annotated[
        str | None,
        typer.Option(
            metavar="STATE",
            help="State to go on from; without it, the one that failed.",
            autocompletion=complete_state,
        ),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Resume it although it was resumed before.")] = False,
    follow_it: FollowOption = False,
    timeout: TimeoutOption = None,
) -> ExitCode:
    """Start a workflow, or many, anew from one of its states.

    The new workflow gets the input and the variables that the state had last. What was resumed before is refused
    without --again, and what succeeded without --start-at. When the new workflow succeeds, the failed one counts as
    resolved. With filters instead of ids: all failed workflows that
    fit and were neither resumed nor resolved before.
    """
    from workflow_manager.cli.bulk.actions import resume_workflows

    watch = watch_of(wanted=follow_it, timeout_seconds=timeout, service=choice.service, output=choice.output)
    if start_at == "":
        raise errors.InvalidRequest("--start-at must name a state; leave it out for the one that failed.")
    if watch is not None and choice.only_id is None:
        raise errors.InvalidRequest("--follow needs the id of one workflow, and neither --dry-run nor --journal.")
    return resume_workflows(choice, start_at=start_at, again=again, watch=watch)


@with_choice
def resolve(choice: Selection) -> ExitCode:
    """Mark a failed workflow, or many, as needing no more attention.

    With filters instead of ids: all failed workflows that fit and are not resolved.
    """
    from workflow_manager.cli.bulk.actions import resolve_workflows

    return resolve_workflows(choice)


@with_choice
def refresh(choice: Selection) -> ExitCode:
    """Ask Step Functions for the present state of a workflow, or of many.

    With filters instead of ids: all queued and running workflows that fit.
    """
    from workflow_manager.cli.bulk.actions import refresh_workflows

    return refresh_workflows(choice)
