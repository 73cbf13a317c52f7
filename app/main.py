"""The application: routers, error answers and the life of the services behind them."""

import os
import signal
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, nullcontext
from types import ModuleType
from typing import Final

import structlog
from fastapi import FastAPI

from app import __version__
from app.api import error_responses, guard, middleware
from app.api.audited import AuditedRequests
from app.api.bodies import Bodies
from app.api.openapi import document, swagger_ui
from app.api.request_stats import RequestStats
from app.api.routes import (
    access,
    audit,
    definitions,
    events,
    health,
    operations,
    queues,
    recovery,
    state_resources,
    workflows,
)
from app.api.security import root_path
from app.api.security.request_filter import FilterRules, RequestFilter
from app.api.shutdown import Shutdown, on_stop_signal
from app.api.workflow_feeds import Feeds
from app.services import open_services
from app.settings import Settings
from workflow_manager.logs.setup import configure

log = structlog.get_logger(__name__)

DESCRIPTION = (
    "Versioned workflows on AWS Step Functions: register a workflow definition, start workflows of it in a namespace "
    "and a queue, and ask here (not AWS) for their status, jobs, inputs and outputs."
)


API: Final[tuple[ModuleType, ...]] = (
    workflows,
    events,
    recovery,
    definitions,
    state_resources,
    queues,
    access,
    audit,
    operations,
    health,
)
OPERATIONS: Final[tuple[ModuleType, ...]] = (operations, health)


def create_app(settings: Settings | None = None, *, on_fatal: Callable[[], None] | None = None) -> FastAPI:
    """Build the application; nothing is opened before its lifespan starts.

    ``on_fatal`` is called when a background task of the service dies; by default the process is asked to stop. Who
    gives it runs the process, and calls ``app.state.shutdown`` when it stops; by default signals do.
    """
    app = _application(API, settings, on_fatal)
    swagger_ui.install(app)
    document.install(app)
    guard.protect(app)
    return app


def create_poller_app(settings: Settings, *, on_fatal: Callable[[], None]) -> FastAPI:
    """Build what runs beside a poller without an API: its health, readiness, metrics and quotas."""
    app = _application(OPERATIONS, settings, on_fatal)
    app.openapi_url = None
    guard.protect(app)
    return app


def _application(
    modules: Iterable[ModuleType], settings: Settings | None, on_fatal: Callable[[], None] | None
) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        loaded = settings or Settings.load()
        app.state.rules = FilterRules.of(loaded)
        if loaded.root_path is not None:
            root_path.refuse_ambiguous(loaded.root_path, (getattr(route, "path", "/") for route in app.routes))
        configure(loaded.log_format, loaded.log_level)
        if unknown := Settings.unknown_variables():
            log.warning("unknown settings", action="unknown-settings", variables=unknown)
        async with open_services(loaded, on_fatal=fail) as services:
            app.state.services = services
            services.metrics.register(app.state.request_stats.histogram)
            with on_stop_signal(app.state.shutdown.close) if on_fatal is None else nullcontext():
                yield

    def fail() -> None:
        app.state.shutdown.close()
        (on_fatal or _stop_process)()

    app = FastAPI(
        title="workflow-manager",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        strict_content_type=False,
        redirect_slashes=False,
        # The framework's telemetry is off: it would look for exporters in every request.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.bodies = Bodies()
    app.state.feeds = Feeds(bodies=app.state.bodies)
    app.state.shutdown = Shutdown(app.state.feeds)
    for module in modules:
        # Not with include_router: a request would be matched twice, with the overhead of every router before its own.
        app.router.routes.extend(module.router.routes)
    error_responses.install(app)
    app.state.request_stats = RequestStats()
    app.state.rules = FilterRules.of(settings) if settings else FilterRules()
    app.add_middleware(RequestFilter)
    app.add_middleware(AuditedRequests)
    app.add_middleware(middleware.RequestContext, stats=app.state.request_stats, shutdown=app.state.shutdown)
    return app


def _stop_process() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
