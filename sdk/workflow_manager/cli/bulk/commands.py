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
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why it is cancelled; shown with its status.")] = "",
) -> ExitCode:
    """Cancel one or more workflows.

    With filters instead of ids: all matching queued and running workflows.
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
            help="State to resume from; default: the state that failed.",
            autocompletion=complete_state,
        ),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Resume even if it was resumed before.")] = False,
    follow_it: FollowOption = False,
    timeout: TimeoutOption = None,
) -> ExitCode:
    """Resume one or more ended workflows from one of their states.

    A new workflow starts with the input and the variables that the state last had. A workflow that was resumed before
    needs --again, one that succeeded --start-at. When the new workflow succeeds, the failed one counts as resolved.
    With filters instead of ids: all matching failed workflows that were neither resumed nor resolved before.
    """
    from workflow_manager.cli.bulk.actions import resume_workflows

    watch = watch_of(wanted=follow_it, timeout_seconds=timeout, service=choice.service, output=choice.output)
    if start_at == "":
        raise errors.InvalidRequest("--start-at must name a state; omit it to resume from the state that failed.")
    if watch is not None and choice.only_id is None:
        raise errors.InvalidRequest("--follow needs exactly one ID, without --dry-run and --journal.")
    return resume_workflows(choice, start_at=start_at, again=again, watch=watch)


@with_choice
def resolve(choice: Selection) -> ExitCode:
    """Mark failed workflows as needing no further attention.

    With filters instead of ids: all matching failed workflows that are not resolved.
    """
    from workflow_manager.cli.bulk.actions import resolve_workflows

    return resolve_workflows(choice)


@with_choice
def refresh(choice: Selection) -> ExitCode:
    """Read the current state of workflows from Step Functions.

    With filters instead of ids: all matching queued and running workflows.
    """
    from workflow_manager.cli.bulk.actions import refresh_workflows

    return refresh_workflows(choice)
