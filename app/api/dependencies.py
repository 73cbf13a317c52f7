"""What routes are given: the parts of the service that the application holds."""

from typing import Annotated

from fastapi import Depends, Request

from app.access.keys import KeyRing
from app.api.bodies import Bodies
from app.audit.reading import AuditReader
from app.audit.trail import AuditTrail
from app.executor import Executor, Queues, Quotas, Registry
from app.store import Store


async def _bodies(request: Request) -> Bodies:
    bodies: Bodies = request.app.state.bodies
    return bodies


async def _executor(request: Request) -> Executor:
    executor: Executor = request.app.state.services.executor
    return executor


async def _registry(request: Request) -> Registry:
    registry: Registry = request.app.state.services.registry
    return registry


async def _store(request: Request) -> Store:
    store: Store = request.app.state.services.store
    return store


async def _queues(request: Request) -> Queues:
    queues: Queues = request.app.state.services.queues
    return queues


async def _keys(request: Request) -> KeyRing:
    keys: KeyRing = request.app.state.services.keys
    return keys


async def _quotas(request: Request) -> Quotas:
    quotas: Quotas = request.app.state.services.quotas
    return quotas


async def _audit(request: Request) -> AuditTrail:
    audit: AuditTrail = request.app.state.services.audit
    return audit


async def _audit_reader(request: Request) -> AuditReader:
    reader: AuditReader = request.app.state.services.audit_reader
    return reader


AuditDep = Annotated[AuditTrail, Depends(_audit)]
AuditReaderDep = Annotated[AuditReader, Depends(_audit_reader)]
BodiesDep = Annotated[Bodies, Depends(_bodies)]
ExecutorDep = Annotated[Executor, Depends(_executor)]
KeysDep = Annotated[KeyRing, Depends(_keys)]
QueuesDep = Annotated[Queues, Depends(_queues)]
QuotasDep = Annotated[Quotas, Depends(_quotas)]
RegistryDep = Annotated[Registry, Depends(_registry)]
StoreDep = Annotated[Store, Depends(_store)]
