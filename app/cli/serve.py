"""The verb ``serve``."""

from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from workflow_manager import errors
from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.output.console import write_line
from workflow_manager.local.options import KEEP, Options

if TYPE_CHECKING:
    from app.cli.service_process import Ready

LOOPBACK: Final = "127.0.0.1"


def serve(
    *,
    local: Annotated[bool, typer.Option("--local", help="Also start an embedded AWS; no account needed.")] = False,
    aws_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="With --local: port of the embedded AWS; 0 picks a free port.")
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(min=0, help=f"With --local: maximum number of ended executions to keep; default {KEEP}."),
    ] = None,
    store: Annotated[
        Literal["memory", "dynamodb"] | None, typer.Option(help="Where workflows are stored; overrides WFM_STORE.")
    ] = None,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to listen on; 0.0.0.0 for all interfaces.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free port.")] = 8080,
) -> ExitCode:
    """Run the service.

    Prints its URLs once it accepts requests. Ctrl-C stops it within ten seconds, a second Ctrl-C immediately. After
    SIGTERM, /_ready fails while requests are served for another WFM_DRAIN_SECONDS; then the service stops.
    """
    from app.cli.service_process import Listen, ServiceRun

    for option, value in (("--aws-port", aws_port), ("--keep", keep)):
        if value is not None and not local:
            raise errors.InvalidRequest(f"{option} needs --local.")
    settings: dict[str, object] = {} if store is None else {"store": store}
    if local:
        settings["drain_seconds"] = 0  # its AWS ends with it, so there is no other replica
    service = ServiceRun(
        Listen(host, port),
        local=Listen(LOOPBACK, aws_port or 0, "--aws-port") if local else None,
        settings=settings,
        announce=_announce,
        embedded=Options(keep=KEEP if keep is None else keep),
    )
    return service.run_to_end()


def _announce(ready: "Ready") -> None:
    write_line(f"API:  {ready.api}")
    write_line(f"Docs: {ready.api}/docs")
    if ready.aws is not None:
        write_line(f"AWS:  {ready.aws}")
    if ready.key is not None:
        write_line(f"Key:  {ready.key}  (admin, until this process ends)")
