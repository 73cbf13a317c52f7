"""The verb ``poll``."""

import asyncio
import signal
from typing import Annotated

import typer
from prometheus_client import start_http_server

from app import errors, logs
from app.cli import garbage
from app.cli.exits import ExitCode
from app.cli.lines import write_line
from app.services import open_services
from app.settings import Settings


def poll(
    *,
    metrics_port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port to serve metrics on, for Prometheus.")
    ] = None,
) -> ExitCode:
    """Keep workflows up to date without serving the API.

    Any number of pollers may run; one of them leads at a time. SIGTERM and Ctrl-C stop it.
    """
    return asyncio.run(_poll(metrics_port))


async def _poll(metrics_port: int | None) -> ExitCode:
    settings = Settings.load(poller_enabled=True)
    logs.configure(settings.log_format, settings.log_level)
    stopped, failed = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)

    def fail() -> None:
        failed.set()
        stopped.set()

    async with open_services(settings, on_fatal=fail) as services:
        if metrics_port is not None:
            start_http_server(metrics_port, registry=services.metrics)
        garbage.settle()
        write_line("Polling.")
        await stopped.wait()
    if failed.is_set():
        raise errors.Unavailable("The poller died; its log says why.")
    return ExitCode.OK
