"""The verb ``poll``."""

from typing import Annotated

import typer

from workflow_manager.cli.exit_codes import ExitCode


def poll(
    *,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to listen on; 0.0.0.0 for all interfaces.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free port.")] = 8081,
) -> ExitCode:
    """Run only the poller: keep workflows up to date without serving the API.

    The port serves only /_health, /_ready, /metrics and /quotas. Any number of pollers may run: one leads at a time,
    and all handle events. SIGTERM and Ctrl-C stop it.
    """
    from app.cli.poller_process import run_poller

    return run_poller(host, port)
