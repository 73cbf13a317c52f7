"""The verb ``poll``."""

from app.cli.service_process import Listen, Ready, ServiceRun
from app.main import create_poller_app
from app.settings import Settings, StoreBackend
from workflow_manager import errors
from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.output.console import write_line


def run_poller(host: str, port: int) -> ExitCode:
    """Poll until a signal. Raises ``SettingsError`` if the store is not shared with the service."""
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
        announce=_announce,
        create=create_poller_app,
    )
    return polling.run_to_end()


def _announce(ready: Ready) -> None:
    write_line(f"Polling. Health, readiness and metrics: {ready.api}")
