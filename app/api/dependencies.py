"""What routes are given: the parts of the service that the application holds."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, Request

from app.access.keys import KeyRing
from app.api.bodies import Bodies
from app.audit.reading import AuditReader
from app.audit.trail import AuditTrail
from app.executor import Executor, Queues, Quotas, Registry
from app.executor.recovery.recoverer import Recoverer
from app.store import Store


def _part(name: str) -> Callable[[Request], Awaitable[Any]]:
    async def part(request: Request) -> Any:
        return getattr(request.app.state.services, name)

    return part


async def _bodies(request: Request) -> Bodies:
    bodies: Bodies = request.app.state.bodies
    return bodies


AuditDep = Annotated[AuditTrail, Depends(_part("audit"))]
AuditReaderDep = Annotated[AuditReader, Depends(_part("audit_reader"))]
BodiesDep = Annotated[Bodies, Depends(_bodies)]
ExecutorDep = Annotated[Executor, Depends(_part("executor"))]
KeysDep = Annotated[KeyRing, Depends(_part("keys"))]
QueuesDep = Annotated[Queues, Depends(_part("queues"))]
QuotasDep = Annotated[Quotas, Depends(_part("quotas"))]
RecovererDep = Annotated[Recoverer, Depends(_part("recoverer"))]
RegistryDep = Annotated[Registry, Depends(_part("registry"))]
StoreDep = Annotated[Store, Depends(_part("store"))]
