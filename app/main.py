"""The application: routers, error answers and the life of the services behind them."""

import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI

from app import __version__, logs
from app.api import (
    context,
    definitions,
    docs,
    health,
    openapi,
    operations,
    problems,
    queues,
    state_resources,
    workflows,
)
from app.services import open_services
from app.settings import Settings

DESCRIPTION = (
    "Versioned workflows on AWS Step Functions: register a workflow definition, start workflows of it in a namespace "
    "and a queue, and ask here (not AWS) for their status, jobs, inputs and outputs."
)


def create_app(settings: Settings | None = None, *, on_fatal: Callable[[], None] | None = None) -> FastAPI:
    """Build the application; nothing is opened before its lifespan starts.

    ``on_fatal`` is called when a background task of the service dies; by default the process is asked to stop.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        loaded = settings or Settings.load()
        logs.configure(loaded.log_format, loaded.log_level)
        async with open_services(loaded, on_fatal=on_fatal or _stop_process) as services:
            app.state.services = services
            yield

    app = FastAPI(
        title="workflow-manager",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        strict_content_type=False,
        redirect_slashes=False,
    )
    for module in (health, definitions, workflows, state_resources, queues, operations):
        app.include_router(module.router)
    problems.install(app)
    docs.install(app)
    openapi.install(app)
    app.add_middleware(context.RequestContext)
    return app


def _stop_process() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
