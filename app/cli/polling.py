"""What the verb ``poll`` does: a poller without an API, until a signal."""

import asyncio
import signal

from prometheus_client import start_http_server

from app import errors, logs
from app.cli import garbage
from app.cli.exits import ExitCode
from app.cli.lines import write_line
from app.services import open_services
from app.settings import Settings


def run_poller(*, metrics_port: int | None) -> ExitCode:
    """Poll until a signal asks to stop; serve metrics on a port if there is one."""
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
