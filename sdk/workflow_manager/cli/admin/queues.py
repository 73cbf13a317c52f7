"""The verbs ``queues list``, ``get``, ``put``, ``pause`` and ``resume``."""

from typing import Annotated

import typer

from workflow_manager.cli.options.common import Format, FormatOption
from workflow_manager.cli.options.completion import complete_queue
from workflow_manager.cli.options.connection import DEFAULT_SERVICE, ServiceOption

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Queue name.", autocompletion=complete_queue)]


def list_queues(*, service: ServiceOption = DEFAULT_SERVICE, output: FormatOption = Format.TABLE) -> None:
    """List the queues that have limits."""
    from workflow_manager.cli.admin.queue_actions import show_queues

    show_queues(service=service, output=output)


def get_queue(
    name: NameArgument, *, service: ServiceOption = DEFAULT_SERVICE, output: FormatOption = Format.TABLE
) -> None:
    """Show the limits of a queue and how many of its workflows are running."""
    from workflow_manager.cli.admin.queue_actions import show_queue

    show_queue(name, service=service, output=output)


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
            "--paused/--no-paused", help="Whether the queue is paused: queued workflows wait, running ones continue."
        ),
    ] = False,
    service: ServiceOption = DEFAULT_SERVICE,
    output: FormatOption = Format.TABLE,
) -> None:
    """Set the limits of a queue.

    Omitted limits are removed; running workflows are not affected.
    """
    from workflow_manager.cli.admin.queue_actions import set_queue

    set_queue(
        name,
        max_running=max_running,
        starts_per_second=starts_per_second,
        paused=paused,
        service=service,
        output=output,
    )


def pause_queue(
    name: NameArgument, *, service: ServiceOption = DEFAULT_SERVICE, output: FormatOption = Format.TABLE
) -> None:
    """Pause a queue: queued workflows wait, running ones continue.

    Its limits are kept.
    """
    from workflow_manager.cli.admin.queue_actions import change_queue

    change_queue(name, paused=True, service=service, output=output)


def resume_queue(
    name: NameArgument, *, service: ServiceOption = DEFAULT_SERVICE, output: FormatOption = Format.TABLE
) -> None:
    """Resume a paused queue.

    Its limits are kept.
    """
    from workflow_manager.cli.admin.queue_actions import change_queue

    change_queue(name, paused=False, service=service, output=output)


def delete_queue(name: NameArgument, *, service: ServiceOption = DEFAULT_SERVICE) -> None:
    """Remove all limits of a queue.

    Its queued workflows start immediately.
    """
    from workflow_manager.cli.admin.queue_actions import remove_limits

    remove_limits(name, service=service)
