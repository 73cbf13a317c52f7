"""The worker whose tasks are Python functions."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeVar

import structlog

from workflow_manager import errors, models
from workflow_manager.aws import AWSSettings
from workflow_manager.worker.activity.worker import ActivityWorker
from workflow_manager.worker.backoff import wait_or_event
from workflow_manager.worker.config import WorkerSettings, check_namespace, qualified_name, tags_from_environment
from workflow_manager.worker.env_expansion import expand
from workflow_manager.worker.functions.definitions import DefinitionService, read_definitions, register
from workflow_manager.worker.functions.handler import FunctionHandler, TaskFunction
from workflow_manager.worker.functions.rules import FunctionCodec
from workflow_manager.worker.functions.signature import signature_of
from workflow_manager.worker.host.command_host import Host, default_worker_name
from workflow_manager.worker.host.group import WorkerGroup
from workflow_manager.worker.host.services import SharedServices, connect, open_services
from workflow_manager.worker.host.startup import PendingStop

log = structlog.get_logger()

HEAD_START_SECONDS: Final = 5.0
"""How long a program beside the worker waits for the service to learn the definitions, so that it finds them there."""


class Named(Protocol):
    """A function, as ``def`` makes it."""

    __name__: str

    def __call__(self, *args: Any, **kwargs: Any) -> object:
        """Do the work of a task."""
        ...


FunctionT = TypeVar("FunctionT", bound=Named)


class Worker:
    """Serves one activity for each function that is registered with ``task``.

    ``namespace`` is where the workflows run whose tasks it takes. ``definitions`` is a YAML or JSON file with workflow
    definitions, which the service learns when the worker starts.
    """

    def __init__(self, *, namespace: str | None = None, definitions: Path | str | None = None) -> None:
        self._namespace = namespace
        self._definitions_path = Path(definitions) if definitions is not None else None
        self._tasks: dict[str, TaskFunction] = {}
        self._group: WorkerGroup | None = None
        self._starting: PendingStop | None = None
        self._stop_requests = 0

    @property
    def tasks(self) -> Mapping[str, TaskFunction]:
        """The registered functions by name."""
        return MappingProxyType(self._tasks)

    @property
    def has_definitions(self) -> bool:
        """Whether definitions come with the worker."""
        return self._definitions_path is not None

    def definitions(self) -> list[models.NewWorkflowDefinitionRequest]:
        """Read the definitions; raises ``InvalidDefinition`` and ``SettingsError``."""
        return read_definitions(self._definitions_path) if self._definitions_path is not None else []

    def task(
        self,
        name: str | None = None,
        *,
        concurrency: int = 1,
        error_names: Mapping[type[BaseException], str] | None = None,
    ) -> Callable[[FunctionT], FunctionT]:
        """Register the decorated function for tasks whose ``Resource`` is ``name``, by default its own name.

        ``concurrency`` calls run at the same time. An exception of ``error_names`` is reported under the name given
        there, every other one under the name of its class. Raises ``SettingsError`` for a function that cannot be
        called with the input of a task.
        """

        def registered(function: FunctionT) -> FunctionT:
            self._add(name or function.__name__, function, concurrency, error_names or {})
            return function

        return registered

    async def run(
        self, host: Host | None = None, *, namespace: str | None = None, service: DefinitionService | None = None
    ) -> None:
        """Work until ``stop``; ``namespace`` wins over that of the worker, ``service`` learns the definitions.

        Raises what ``ActivityWorker.run`` does, and ``SettingsError`` when something is missing or wrong.
        """
        await self._run(host or Host(), namespace, service, asyncio.Event())

    @asynccontextmanager
    async def running(
        self, host: Host | None = None, *, namespace: str | None = None, service: DefinitionService | None = None
    ) -> AsyncIterator[None]:
        """Work beside the body of an ``async with``, and stop after it.

        The body begins when AWS knows the activities and the service the definitions. A service that is away does not
        hold it up: it learns them later. Raises what ``run`` does, before the body or after it.
        """
        ready = asyncio.Event()
        working = asyncio.create_task(self._run(host or Host(), namespace, service, ready), name="worker")
        try:
            await wait_or_event(working, unless=ready)
            try:
                if ready.is_set():
                    yield
            finally:
                if not working.done():
                    self.request_stop()
                    await asyncio.wait({working})
            await working
        finally:
            working.cancel()
            await asyncio.wait({working})

    async def group(self, services: SharedServices, *, host: Host, namespace: str | None = None) -> WorkerGroup:
        """Return the workers of all tasks, for a program that opens the equipment itself; raises ``SettingsError``."""
        namespace = namespace or self._namespace
        if not namespace:
            raise errors.SettingsError("The worker has no namespace: give it one, or set WORKFLOWMANAGER_NAMESPACE.")
        if not self._tasks:
            raise errors.SettingsError("The worker has no tasks: decorate functions with @worker.task().")
        namespace = expand(namespace, services.environ)
        check_namespace(namespace)
        worker_name = await services.expand(host.worker_name or default_worker_name())
        return WorkerGroup(
            [self._activity_worker(task, host, namespace, worker_name, services) for task in self._tasks.values()]
        )

    def request_stop(self) -> None:
        """Take no more tasks and cancel the running ones; a second call does not wait for them."""
        self._stop_requests += 1
        if self._starting is not None:
            self._starting.request_stop()

    async def stop(self) -> None:
        """Request a stop and wait until the functions have ended."""
        self.request_stop()
        if self._group is not None:
            await self._group.ended()

    async def _run(
        self, host: Host, namespace: str | None, service: DefinitionService | None, ready: asyncio.Event
    ) -> None:
        pending = self._starting = PendingStop()
        for _ in range(self._stop_requests):
            pending.request_stop()
        try:
            await pending.run(self._work(host, namespace, service, ready, pending))
        finally:
            self._group, self._starting, self._stop_requests = None, None, 0

    async def _work(
        self,
        host: Host,
        namespace: str | None,
        service: DefinitionService | None,
        ready: asyncio.Event,
        pending: PendingStop,
    ) -> None:
        definitions = self.definitions() if service is not None else []
        connection = connect(
            AWSSettings.from_environment(), slots=sum(task.concurrency for task in self._tasks.values())
        )
        async with open_services(connection, host.metrics_options) as services:
            self._group = await self.group(services, host=host, namespace=namespace)
            pending.attach(self._group)
            await _run(self._group, service, definitions, ready)

    def _add(
        self,
        name: str,
        function: Callable[..., object],
        concurrency: int,
        error_names: Mapping[type[BaseException], str],
    ) -> None:
        if name in self._tasks:
            raise errors.SettingsError(f"There are two functions for the task {name}.")
        if concurrency < 1:
            raise errors.SettingsError(f"The concurrency of the task {name} must be at least 1, not {concurrency}.")
        self._tasks[name] = TaskFunction(
            name=name,
            function=function,
            signature=signature_of(function),
            concurrency=concurrency,
            error_names=error_names,
        )

    def _activity_worker(
        self, task: TaskFunction, host: Host, namespace: str, worker_name: str, services: SharedServices
    ) -> ActivityWorker:
        settings = WorkerSettings(
            activity_name=qualified_name(namespace, task.name),
            worker_name=worker_name,
            concurrency=task.concurrency,
            tags=tags_from_environment(services.environ),
            timings=services.timings(host.timings),
        )
        handler = FunctionHandler(task, calls=services.calls)
        return ActivityWorker(settings, handler, rules=FunctionCodec(), **services.for_worker(settings))


async def _run(
    group: WorkerGroup,
    service: DefinitionService | None,
    definitions: Sequence[models.NewWorkflowDefinitionRequest],
    ready: asyncio.Event,
) -> None:
    """Run the workers; tasks do not wait until the definitions are registered."""
    telling = asyncio.create_task(_tell(group, service, definitions, ready), name="definitions")
    try:
        await group.run()
    finally:
        telling.cancel()
        await asyncio.wait({telling})
    if not telling.cancelled() and (failure := telling.exception()):
        raise failure


async def _tell(
    group: WorkerGroup,
    service: DefinitionService | None,
    definitions: Sequence[models.NewWorkflowDefinitionRequest],
    ready: asyncio.Event,
) -> None:
    try:
        # A workflow that meets an activity which does not exist yet fails.
        await group.registered()
        if service is not None:
            await _register(service, definitions, ready)
        ready.set()
    except Exception:
        log.exception("definitions cannot be registered; stopping the worker", action="definition-refused")
        group.begin_stop()
        raise


async def _register(
    service: DefinitionService, definitions: Sequence[models.NewWorkflowDefinitionRequest], ready: asyncio.Event
) -> None:
    """Register the definitions; ``ready`` is set before when the service is away or takes its time."""
    late = asyncio.get_running_loop().call_later(HEAD_START_SECONDS, ready.set)
    try:
        await register(service, definitions, on_delay=ready.set)
    finally:
        late.cancel()
