"""The verb ``poll``."""

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.exits import ExitCode
from app.cli.later import later

if TYPE_CHECKING:
    from app.cli.polling import run_poller
else:
    run_poller = later("app.cli.polling:run_poller")


def poll(
    *,
    metrics_port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port to serve metrics on, for Prometheus.")
    ] = None,
) -> ExitCode:
    """Keep workflows up to date without serving the API.

    Any number of pollers may run; one of them leads at a time. SIGTERM and Ctrl-C stop it.
    """
    return run_poller(metrics_port=metrics_port)
