"""The verb ``poll``."""

from typing import Annotated

import typer

from workflow_manager import errors
from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.output.console import write_line


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
    from app.cli.service_process import Listen, ServiceRun
    from app.main import create_poller_app
    from app.settings import Settings, StoreBackend

    store = Settings.load().store
    if store is not StoreBackend.DYNAMODB:
        found = f"is {store}" if store else "is not set"
        raise errors.SettingsError(
            f"WFM_STORE {found}: a separate poller needs dynamodb, which it shares with the service"
        )
    polling = ServiceRun(
        Listen(host, port),
        local=None,
        settings={"poller_enabled": True, "drain_seconds": 0},
        announce=lambda ready: write_line(f"Polling. Health, readiness and metrics: {ready.api}"),
        create=create_poller_app,
    )
    return polling.run_to_end()
