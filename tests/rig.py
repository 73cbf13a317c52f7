"""The service put together on a fake Step Functions, with a clock that tests move."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from app import metrics
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
from app.executor.sfn.quotas import Quota
from app.poller import Leadership, Poller
from app.poller.poller import DISPATCH, INTAKE, LEASE
from app.readiness import Readiness
from app.services import Services
from app.store.memory import MemoryStore
from app.store.unreadable import UnreadableRecords
from tests import samples
from tests.fake_sfn import FakeSFN
from workflow_manager import models

ROLE_ARN = "arn:aws:iam::123456789012:role/workflow-manager"
ACCOUNT = Account(region="us-west-2", account_id="123456789012", roles=NamespaceRoles.same(ROLE_ARN))


class Clock:
    """Time that stands still until a test moves it."""

    def __init__(self) -> None:
        self.moment = samples.EPOCH

    def now(self) -> datetime:
        """Return the present."""
        return self.moment

    def seconds(self) -> float:
        """Return the present on the clock of the loop."""
        return self.moment.timestamp()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.moment += timedelta(seconds=seconds)


class LoopClock(Clock):
    """The clock of the loop, as a date too."""

    def now(self) -> datetime:
        """Return the present."""
        moment = samples.EPOCH + timedelta(seconds=self.seconds())
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def seconds(self) -> float:
        """Return the time of the loop."""
        return asyncio.get_running_loop().time()


class Rig:
    """Everything but HTTP.

    A second one on the same store and AWS is a second replica; one on the same AWS alone is a neighbour, another
    installation in the same account.
    """

    def __init__(
        self,
        *,
        replica_of: "Rig | None" = None,
        neighbour_of: "Rig | None" = None,
        installation: str = "",
        roles: NamespaceRoles = ACCOUNT.roles,
        clock: Clock | None = None,
        quotas: Mapping[str, Quota] | None = None,
        poll_seconds: float = 0.01,
        lease_seconds: float = 15.0,
        store: MemoryStore | None = None,
    ) -> None:
        known = replica_of or neighbour_of
        self.clock: Clock = known.clock if known else clock or Clock()
        self.sfn: FakeSFN = known.sfn if known else FakeSFN(self.clock.now)
        account = replace(ACCOUNT, installation=installation, roles=roles)
        self.unreadable = UnreadableRecords()
        given = replica_of.store if replica_of else store
        self.store: MemoryStore = given or MemoryStore(unreadable=self.unreadable, now=self.clock.now)
        self.quotas = Quotas(quotas or {}, clock=self.clock.seconds)
        self.circuit_breaker = CircuitBreaker(clock=self.clock.seconds)
        client = throttled(self.sfn.client(), self.quotas, self.circuit_breaker, randomness=lambda: 0.5)
        self.machines = StateMachines(client, clock=self.clock.seconds, now=self.clock.now)
        self.reconciler = Reconciler(client, self.store, now=self.clock.now)
        catalog = DefinitionCache(self.store, clock=self.clock.seconds)
        launcher = ExecutionStarter(client, catalog, self.machines, account)
        self.queues = Queues(self.store, clock=self.clock.seconds, unreadable=self.unreadable)
        redriver = Redriver(client, self.store, self.reconciler, now=self.clock.now)
        self.outbox = Outbox(
            self.store,
            launcher,
            self.reconciler,
            self.queues,
            self.quotas,
            self.circuit_breaker,
            redriver,
            now=self.clock.now,
        )
        self.executor = Executor(client, self.store, catalog, self.reconciler, self.outbox, now=self.clock.now)
        self.recoverer = Recoverer(
            self.store,
            catalog,
            self.reconciler,
            redriver,
            self.outbox,
            self.executor,
            now=self.clock.now,
            enabled=True,
        )
        self.registry = Registry(self.store, catalog, now=self.clock.now)
        self.poller = Poller(
            self.store,
            self.outbox,
            self.reconciler,
            ExecutionLists(client),
            self.quotas,
            self.queues,
            self.circuit_breaker,
            Leadership(self.store, candidate=str(id(self)), lease_seconds=lease_seconds, clock=self.clock.seconds),
            now=self.clock.now,
            clock=self.clock.seconds,
            interval_seconds=poll_seconds,
        )

    def get_through(self) -> None:
        """Have every loop of the poller get through once, so that the service is ready."""
        for loop in (LEASE, INTAKE, DISPATCH):
            self.poller._liveness.tick(loop)

    def services(self) -> Services:
        """Return what the API needs."""
        return Services(
            store=self.store,
            executor=self.executor,
            registry=self.registry,
            queues=self.queues,
            quotas=self.quotas,
            metrics=metrics.registry(self.quotas, self.poller, self.unreadable),
            readiness=Readiness(self.store, polls=self.poller.ready, clock=self.clock.seconds),
            recoverer=self.recoverer,
            keys=KeyRing(self.store, clock=self.clock.seconds, now=self.clock.now),
            audit=AuditTrail(self.store, days=400, now=self.clock.now),
            audit_reader=AuditReader(self.store, now=self.clock.now),
        )

    async def define(
        self, machine: dict[str, Any] | None = None, *, name: str = "echo", tags: dict[str, str] | None = None
    ) -> models.WorkflowDefinition:
        """Register a definition."""
        request = models.NewWorkflowDefinitionRequest(
            name=name, state_machine=machine or samples.ECHO, default_tags=tags or {}
        )
        return await self.registry.create_definition(request)

    async def start(self, *, key: str | None = None, **fields: Any) -> models.Workflow:
        """Start a workflow of the definition ``echo``."""
        reference = models.WorkflowDefinitionRef(name="echo")
        values: dict[str, Any] = {"workflow_definition": reference, "namespace": "dev"} | fields
        return await self.executor.start(models.StartWorkflowRequest(**values), idempotency_key=key)

    async def started(self, **fields: Any) -> models.Workflow:
        """Define and start a workflow, and poll once."""
        await self.define()
        workflow = await self.start(**fields)
        await self.poller.poll_once()
        return await self.store.get_workflow(workflow.id)

    async def failed(self, machine: dict[str, Any] | None = None) -> models.Workflow:
        """Return a workflow that failed in its first state."""
        await self.define(machine)
        workflow = await self.start(input='{"n":1}')
        self.sfn.enter(workflow.id, "echo", input='{"n":1,"_EXECUTION_NAME":"x"}')
        self.sfn.fail(workflow.id, "Boom", "it broke")
        await self.poller.poll_once()
        return await self.store.get_workflow(workflow.id)
