"""The verb ``poll``."""

from typing import Annotated

import typer

from app import errors
from app.cli.exits import ExitCode
from app.cli.output import write_line
from app.cli.server import LOOPBACK, Listen, Ready, ServiceRun
from app.main import create_poller_app
from app.settings import Settings, StoreBackend


def poll(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 is every one.")] = LOOPBACK,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8081,
) -> ExitCode:
    """Keep workflows up to date without serving the API.

    At the port are only /_health, /_ready, /metrics and /quotas. Any number of pollers may run; one of them leads at a
    time, and all take events. SIGTERM and Ctrl-C stop it.
    """
    if Settings.load().store is StoreBackend.MEMORY:
        raise errors.SettingsError("WFM_STORE is memory: a poller of its own needs a store that it shares with others")
    run = ServiceRun(
        Listen(host, port),
        local=None,
        settings={"poller_enabled": True},
        announce=_announce,
        create=create_poller_app,
    )
    return run.run_to_end()


def _announce(ready: Ready) -> None:
    write_line(f"Polling. Health, readiness and metrics: {ready.api}")
