"""The verb ``local-aws``."""

from typing import Annotated

import typer

from workflow_manager.cli.output.console import write_line
from workflow_manager.local.options import KEEP, Options


def local_aws(
    *,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to listen on; 0.0.0.0 for all interfaces.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free port.")] = 4566,
    keep: Annotated[
        int, typer.Option(min=0, help="Maximum number of ended executions to keep; the oldest are dropped.")
    ] = KEEP,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="Additional host name that clients may use; repeatable.")
    ] = None,
) -> None:
    """Run the embedded AWS on its own.

    Point clients at it with AWS_ENDPOINT_URL; any credentials work. SIGTERM and Ctrl-C stop it.
    """
    from workflow_manager.local import serve

    options = Options(keep=keep, allow_hosts=tuple(allow_host or ()))
    serve(host, port, options, on_ready=lambda url: write_line(f"AWS: {url}"))
