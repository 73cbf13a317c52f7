"""Composition root: opens everything that the service is made of, in order, and closes it in reverse."""

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

import httpx
import structlog
from prometheus_client import CollectorRegistry

from app import __version__, metrics
from app.access.access_file import Issuer, read_access_file
from app.access.authenticator import Authenticator, TokenVerifier
from app.access.keys import KeyRing
from app.audit.reading import AuditReader
from app.audit.trail import AuditTrail
from app.executor import (
    Account,
    CircuitBreaker,
    DefinitionCache,
    ExecutionLists,
    ExecutionStarter,
    Executor,
    NamespaceRoles,
    Outbox,
    Queues,
    Quotas,
    Reconciler,
    Registry,
    StateMachines,
    throttled,
)
from app.executor.recovery.recoverer import Recoverer
from app.executor.recovery.redriver import Redriver
from app.executor.sfn import quotas
from app.poller import EventConsumer, Leadership, Poller, StatusEventHandler
from app.readiness import Readiness
from app.settings import Settings, StoreBackend
from app.store import Store
from app.store.dynamodb.store import DynamoDBStore
from app.store.memory import MemoryStore
from app.store.unreadable import UnreadableRecords
from workflow_manager import aws, errors
from workflow_manager.models import Binding, NewApiKey, Role, now

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Services:
    """What the API needs."""

    store: Store
    executor: Executor
    registry: Registry
    queues: Queues
    quotas: Quotas
    metrics: CollectorRegistry
    readiness: Readiness
    recoverer: Recoverer
    keys: KeyRing
    audit: AuditTrail
    audit_reader: AuditReader
    authenticator: Authenticator | None = None
    """Absent while access control is off."""

    async def first_key(self) -> str | None:
        """Create an API key for everything if keys are kept in memory: ``keys create`` cannot reach those."""
        if self.authenticator is None or not self.authenticator.takes_keys or not isinstance(self.store, MemoryStore):
            return None
        admin = NewApiKey(name="first", bindings=(Binding(role=Role.ADMIN),))
        return (await self.keys.create(admin)).key


@asynccontextmanager
async def open_services(settings: Settings, *, on_fatal: Callable[[], None]) -> AsyncIterator[Services]:
    """Open AWS clients, store, executor and poller.

    ``on_fatal`` is called when a background task dies. Raises ``SettingsError`` before anything is open, and
    ``Unavailable`` when AWS cannot be asked for the account.
    """
    async with AsyncExitStack() as stack:
        connection = aws.connect(settings.aws)
        backend = _store_backend(settings, connection)
        account = await _account(settings, connection)
        preset = quotas.preset_name(settings.quota_preset, region=connection.region, embedded=connection.embedded)
        _log_start(settings, backend=backend, account=account, preset=preset)
        limits = Quotas(
            quotas.share_of(quotas.preset(preset), settings.quota_share), clock=asyncio.get_running_loop().time
        )
        clock = asyncio.get_running_loop().time
        circuit_breaker = CircuitBreaker(clock=clock)
        sfn = throttled(await stack.enter_async_context(connection.step_functions(attempts=1)), limits, circuit_breaker)
        unreadable = UnreadableRecords()
        store = await _open_store(stack, backend, settings, connection, unreadable)
        reconciler = Reconciler(sfn, store, now=now, payload_bytes=settings.history_bytes)
        definition_cache = DefinitionCache(store, clock=clock)
        starter = ExecutionStarter(sfn, definition_cache, StateMachines(sfn, clock=clock), account)
        queues = Queues(store, clock=clock, unreadable=unreadable)
        redriver = Redriver(sfn, store, reconciler, now=now)
        outbox = Outbox(store, starter, reconciler, queues, limits, circuit_breaker, redriver, now=now)
        executor = Executor(sfn, store, definition_cache, reconciler, outbox, now=now)
        poller = None
        if settings.poller_enabled:
            poller = Poller(
                store,
                outbox,
                reconciler,
                ExecutionLists(sfn),
                limits,
                queues,
                circuit_breaker,
                _leadership(store, settings, clock, unreadable),
                now=now,
                clock=clock,
                interval_seconds=settings.poll_interval_seconds,
            )
            await stack.enter_async_context(_running("poller", poller, on_fatal))
            if settings.events_queue_url is not None:
                intake = StatusEventHandler(store, reconciler, poller)
                sqs = await stack.enter_async_context(connection.sqs())
                consumer = EventConsumer(sqs, intake, queue_url=settings.events_queue_url, now=now)
                await stack.enter_async_context(_running("event consumer", consumer, on_fatal))
        keys = KeyRing(store, clock=clock, now=now)
        stack.push_async_callback(keys.settle)
        audit = AuditTrail(store, days=settings.audit_days, now=now)
        stack.push_async_callback(audit.settle)
        yield Services(
            store=store,
            executor=executor,
            registry=Registry(store, definition_cache, now=now),
            queues=queues,
            quotas=limits,
            metrics=metrics.registry(limits, poller, unreadable),
            readiness=Readiness(store, polls=poller.ready if poller else lambda: True, clock=clock),
            recoverer=Recoverer(
                store,
                definition_cache,
                reconciler,
                redriver,
                outbox,
                executor,
                now=now,
                enabled=settings.recover or connection.embedded or backend is StoreBackend.MEMORY,
            ),
            keys=keys,
            audit=audit,
            audit_reader=AuditReader(store, now=now),
            authenticator=await _authenticator(stack, settings, keys),
        )


@asynccontextmanager
async def open_key_ring(settings: Settings) -> AsyncIterator[KeyRing]:
    """Open the keys in the tables, for who has the rights to them and needs no service.

    Raises ``SettingsError`` when keys are kept in memory, which no other process sees, and ``StartupError`` when the
    tables are missing.
    """
    if settings.store is StoreBackend.MEMORY:
        raise errors.SettingsError("WFM_STORE is memory: keys of a service that keeps them in memory cannot be reached")
    async with AsyncExitStack() as stack:
        connection = aws.connect(settings.aws)
        store = await _open_store(stack, StoreBackend.DYNAMODB, settings, connection, UnreadableRecords())
        yield KeyRing(store, clock=asyncio.get_running_loop().time, now=now)


async def _authenticator(stack: AsyncExitStack, settings: Settings, keys: KeyRing) -> Authenticator | None:
    """Return what tells who calls; None while access control is off. Raises ``SettingsError``."""
    accepted = (settings.auth or "off").split(",")
    if accepted == ["off"]:
        return None
    access_file = read_access_file(settings.access_file)
    tokens = await _tokens(stack, access_file.issuers) if "oidc" in accepted else None
    anonymous = access_file.anonymous.bindings
    if anonymous:
        log.warning(
            "callers without a credential have rights",
            action="anonymous-access",
            bindings=[binding.model_dump(mode="json") for binding in anonymous],
        )
    return Authenticator(key_ring=keys if "keys" in accepted else None, tokens=tokens, anonymous=anonymous, now=now)


async def _tokens(stack: AsyncExitStack, issuers: Sequence[Issuer]) -> TokenVerifier:
    """Open what checks tokens of identity providers. Their keys are fetched when the first token comes."""
    try:
        from app.access import oidc  # noqa: PLC0415 (its packages are an extra)
    except ImportError as missing:
        raise errors.SettingsError(
            "WFM_AUTH has oidc, which needs more packages: install the service with the extra oidc"
        ) from missing
    client = await stack.enter_async_context(httpx.AsyncClient(trust_env=True))
    fetch = oidc.fetcher(client)
    found = oidc.providers(issuers, fetch=fetch, clock=asyncio.get_running_loop().time)
    return oidc.Tokens(found, now=now)


def _leadership(
    store: Store, settings: Settings, clock: Callable[[], float], unreadable: UnreadableRecords
) -> Leadership:
    candidate = f"{socket.gethostname()}-{uuid.uuid4().hex[:8]}"
    return Leadership(
        store, candidate=candidate, lease_seconds=settings.lease_seconds, clock=clock, unreadable=unreadable
    )


def _store_backend(settings: Settings, connection: aws.AWS) -> StoreBackend:
    """Return where workflows are kept. On AWS, `memory` must be set explicitly."""
    if settings.store is not None:
        return settings.store
    if not connection.embedded:
        raise errors.SettingsError(
            "WFM_STORE is not set: dynamodb keeps workflows (workflow-manager tables create makes its tables), "
            "memory forgets them when the service stops"
        )
    return StoreBackend.MEMORY


def _log_start(settings: Settings, *, backend: StoreBackend, account: Account, preset: str) -> None:
    """Log what this process runs on."""
    log.info(
        "service started",
        action="service-start",
        version=__version__,
        store=str(backend),
        auth=settings.auth or "off",
        tables=settings.table_prefix if backend is StoreBackend.DYNAMODB else None,
        account=account.account_id,
        region=account.region,
        quota_preset=preset,
        quota_share=settings.quota_share,
        poller=settings.poller_enabled,
        events_queue=settings.events_queue_url,
    )


async def _open_store(
    stack: AsyncExitStack,
    backend: StoreBackend,
    settings: Settings,
    connection: aws.AWS,
    unreadable: UnreadableRecords,
) -> Store:
    if backend is StoreBackend.MEMORY:
        if not connection.embedded:
            log.warning(
                "the memory store forgets all workflows when this process ends; their executions continue",
                action="memory-store",
            )
        return MemoryStore(unreadable=unreadable)
    client = await stack.enter_async_context(connection.dynamodb())
    store = DynamoDBStore(
        client,
        table_prefix=settings.table_prefix,
        retention_days=settings.retention_days,
        now=now,
        unreadable=unreadable,
    )
    try:
        await store.check()
    except (errors.Unavailable, errors.AccessDenied) as trouble:
        # It may pass, and the service is not ready before its poller has got through.
        log.error("the tables cannot be read", action="tables-unreadable", error=trouble.message)  # noqa: TRY400
    return store


async def _account(settings: Settings, connection: aws.AWS) -> Account:
    account_id = settings.account_id or await connection.account_id()
    return Account(
        region=connection.region,
        account_id=account_id,
        roles=_roles(settings, connection.default_role_arn(account_id)),
        installation=installation_of(settings, connection),
    )


def _roles(settings: Settings, default_arn: str | None) -> NamespaceRoles:
    """Return the roles of state machines: those of namespaces, and only without them one for all."""
    if settings.sfn_roles is not None:
        return NamespaceRoles(settings.sfn_roles)
    if (arn := settings.sfn_role_arn or default_arn) is None:
        raise errors.SettingsError(
            "neither WFM_SFN_ROLE_ARN nor WFM_SFN_ROLES is set: state machines need a role to run with"
        )
    return NamespaceRoles.same(arn)


def installation_of(settings: Settings, connection: aws.AWS) -> str:
    """Return what tells this installation from others in the account; the one with the usual tables has no name.

    A store in memory is an installation of its own on every machine: in the account of a real one it must not give
    its definitions to that one's state machines.
    """
    if settings.store is StoreBackend.MEMORY and not connection.embedded:
        return f"{settings.table_prefix}@{socket.gethostname()}"
    usual = Settings.model_fields["table_prefix"].default
    return "" if settings.table_prefix == usual else settings.table_prefix


@asynccontextmanager
async def _running(name: str, background: Poller | EventConsumer, on_fatal: Callable[[], None]) -> AsyncIterator[None]:
    task = asyncio.create_task(background.run(), name=name)
    task.add_done_callback(lambda done: _report(done, on_fatal))
    try:
        yield
    finally:
        background.stop()
        with suppress(Exception):  # reported when it happened
            await task


def _report(done: asyncio.Task[None], on_fatal: Callable[[], None]) -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        log.error(
            "background task died; stopping the service", action="task-died", task=done.get_name(), exc_info=error
        )
        on_fatal()
