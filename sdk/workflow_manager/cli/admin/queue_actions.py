"""What the verbs of queues ask of the service."""

from workflow_manager import models
from workflow_manager.cli.async_runner import run
from workflow_manager.cli.options.client import connect
from workflow_manager.cli.options.common import Format
from workflow_manager.cli.options.connection import Service
from workflow_manager.cli.output.columns import QUEUE_COLUMNS
from workflow_manager.cli.output.console import note
from workflow_manager.cli.output.formats import write_result, write_results
from workflow_manager.client import WorkflowManager
from workflow_manager.client.request_parts import valid


def show_queues(*, service: Service, output: Format) -> None:
    """Show the queues that have limits."""
    found = run(_list(service))
    write_results(found, QUEUE_COLUMNS, output=output)


def show_queue(name: str, *, service: Service, output: Format) -> None:
    """Show one queue."""
    _write(run(_get(name, service)), output=output)


def set_queue(
    name: str,
    *,
    max_running: int | None,
    starts_per_second: float | None,
    paused: bool,
    service: Service,
    output: Format,
) -> None:
    """Set all limits of a queue."""
    limits = valid(models.QueueLimits, max_running=max_running, starts_per_second=starts_per_second, paused=paused)
    _write(run(_put(name, limits, service)), output=output)


def remove_limits(name: str, *, service: Service) -> None:
    """Remove the limits of a queue."""
    run(_delete(name, service))
    note(f"Removed all limits of queue {name}.")


def change_queue(name: str, *, paused: bool, service: Service, output: Format) -> None:
    """Pause a queue or let it go on, and leave its limits as they are."""
    known, changed = run(_change(name, paused=paused, service=service))
    _write(changed, output=output)
    if not known:
        note(f"Queue {name} had no limits, and no workflow has ever used it; check the name.")


async def _list(service: Service) -> list[models.Queue]:
    async with connect(service) as manager:
        return await manager.list_queues()


async def _get(name: str, service: Service) -> models.Queue:
    async with connect(service) as manager:
        return await manager.get_queue(name)


async def _put(name: str, limits: models.QueueLimits, service: Service) -> models.Queue:
    async with connect(service) as manager:
        return await manager.put_queue(name, limits)


async def _delete(name: str, service: Service) -> None:
    async with connect(service) as manager:
        await manager.delete_queue(name)


async def _change(name: str, *, paused: bool, service: Service) -> tuple[bool, models.Queue]:
    """Return whether the queue was known before, and how it is now."""
    async with connect(service) as manager:
        present = await manager.get_queue(name)
        kept = models.QueueLimits(
            max_running=present.max_running, starts_per_second=present.starts_per_second, paused=paused
        )
        known = present.paused or kept.model_copy(update={"paused": False}).limited or await _used(manager, present)
        return known, await manager.put_queue(name, kept)


async def _used(manager: WorkflowManager, queue: models.Queue) -> bool:
    """Look for a workflow; what runs is counted only where there are limits."""
    if queue.running or queue.queued:
        return True
    found = await manager.list_workflows(queue=queue.name, limit=1, summary_only=True)
    return bool(found.workflows)


def _write(queue: models.Queue, *, output: Format) -> None:
    write_result(queue, QUEUE_COLUMNS, output=output)
