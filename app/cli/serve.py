"""The verb ``serve``."""

import asyncio
from typing import Annotated

import typer
import uvicorn

from app import errors
from app.cli.exits import ExitCode
from app.cli.lines import write_line
from app.cli.server import Listen, Ready, ServiceRun
from app.settings import StoreBackend

LOOPBACK = "127.0.0.1"


def serve(
    *,
    local: Annotated[bool, typer.Option("--local", help="Start an embedded AWS with it: no account needed.")] = False,
    aws_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="With --local: port of the embedded AWS; 0 takes a free one.")
    ] = None,
    store: Annotated[StoreBackend | None, typer.Option(help="Where workflows are kept; overrides WFM_STORE.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 is every one.")] = LOOPBACK,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8080,
) -> ExitCode:
    """Run the service.

    The URLs are printed once requests are answered. SIGTERM and Ctrl-C stop it within ten seconds; a second
    Ctrl-C at once.
    """
    if aws_port is not None and not local:
        raise errors.InvalidRequest("--aws-port needs --local.")
    run = ServiceRun(
        Listen(host, port),
        local=Listen(LOOPBACK, aws_port or 0) if local else None,
        settings={"store": store} if store is not None else {},
        announce=_announce,
    )
    with asyncio.Runner(loop_factory=uvicorn.Config("", log_config=None).get_loop_factory()) as runner:
        return runner.run(run.run())


def _announce(ready: Ready) -> None:
    write_line(f"API:  {ready.api}")
    write_line(f"Docs: {ready.api}/docs")
    if ready.aws is not None:
        write_line(f"AWS:  {ready.aws}")
