"""The verbs ``queues list``, ``get``, ``put``, ``delete``, ``pause`` and ``resume``."""

from typing import TYPE_CHECKING, Annotated

import typer

from workflow_manager.cli.options.common import Format, FormatOption
from workflow_manager.cli.options.completion import complete_queue
from workflow_manager.cli.options.connection import DEFAULT_SERVICE, Service, ServiceOption
from workflow_manager.cli.output.console import note

if TYPE_CHECKING:
    from workflow_manager import models
    from workflow_manager.client import WorkflowManager

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Queue name.", autocompletion=complete_queue)]


def list_queues(*, service: ServiceOption = DEFAULT_SERVICE, output: FormatOption = Format.TABLE) -> None:
    """List the queues that have limits."""
    from workflow_manager.cli.options.client import call
    from workflow_manager.cli.output.columns import QUEUE_COLUMNS
    from workflow_manager.cli.output.formats import write_results

    found = call(service, lambda manager: manager.list_queues())
    write_results(found, QUEUE_COLUMNS, output=output)


def get_queue(
    name: NameArgument, *, service: ServiceOption = DEFAULT_SERVICE, output: FormatOption = Format.TABLE
) -> None:
    """Show the limits of a queue and how many of its workflows are running."""
    from workflow_manager.cli.options.client import call

    _write(call(service, lambda manager: manager.get_queue(name)), output=output)


def put_queue(
    name: NameArgument,
    *,
    max_running: Annotated[
        int | None, typer.Option(min=0, max=5_000, metavar="N", help="Maximum number of running workflows.")
    ] = None,
    starts_per_second: Annotated[
        float | None, typer.Option(min=0.0001, max=1_000, metavar="X", help="Maximum starts per second.")
    ] = None,
    paused: Annotated[
        bool,
        typer.Option(
            "--paused/--no-paused",
            help="Whether the queue is paused: queued workflows wait, running ones continue.",
        ),
    ] = False,
    service: ServiceOption = DEFAULT_SERVICE,
    output: FormatOption = Format.TABLE,
) -> None:
    """Set the limits of a queue.

    Omitted limits are removed; running workflows are not affected.
    """
    from workflow_manager import models
    from workflow_manager.cli.options.client import call
    from workflow_manager.client.request_parts import valid

    limits = valid(models.QueueLimits, max_running=max_running, starts_per_second=starts_per_second, paused=paused)
    _write(call(service, lambda manager: manager.put_queue(name, limits)), output=output)


def delete_queue(name: NameArgument, *, service: ServiceOption = DEFAULT_SERVICE) -> None:
    """Remove all limits of a queue.

    Its queued workflows start immediately.
    """
    from workflow_manager.cli.options.client import call

    call(service, lambda manager: manager.delete_queue(name))
    note(f"Removed all limits of queue {name}.")


def pause_queue(
    name: NameArgument, *, service: ServiceOption = DEFAULT_SERVICE, output: FormatOption = Format.TABLE
) -> None:
    """Pause a queue: queued workflows wait, running ones continue.

    Its limits are kept.
    """
    _set_paused(name, paused=True, service=service, output=output)


def resume_queue(
    name: NameArgument, *, service: ServiceOption = DEFAULT_SERVICE, output: FormatOption = Format.TABLE
) -> None:
    """Resume a paused queue.

    Its limits are kept.
    """
    _set_paused(name, paused=False, service=service, output=output)


def _set_paused(name: str, *, paused: bool, service: Service, output: Format) -> None:
    from workflow_manager import models
    from workflow_manager.cli.options.client import call

    async def change(manager: "WorkflowManager") -> "tuple[bool, models.Queue]":
        present = await manager.get_queue(name)
        limits = models.QueueLimits(
            max_running=present.max_running, starts_per_second=present.starts_per_second, paused=paused
        )
        has_limits = limits.model_copy(update={"paused": False}).limited
        known = present.paused or has_limits or await _is_used(manager, present)
        return known, await manager.put_queue(name, limits)

    known, changed = call(service, change)
    _write(changed, output=output)
    if not known:
        note(f"Queue {name} had no limits, and no workflow has ever used it; check the name.")


async def _is_used(manager: "WorkflowManager", queue: "models.Queue") -> bool:
    """Look for a workflow of the queue; the service counts running ones only for queues with limits."""
    if queue.running or queue.queued:
        return True
    found = await manager.list_workflows(queue=queue.name, limit=1, summary_only=True)
    return bool(found.workflows)


def _write(queue: "models.Queue", *, output: Format) -> None:
    from workflow_manager.cli.output.columns import QUEUE_COLUMNS
    from workflow_manager.cli.output.formats import write_result

    write_result(queue, QUEUE_COLUMNS, output=output)
