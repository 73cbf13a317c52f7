"""The principal of a request: who calls, and the roles that they hold in which namespaces."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from workflow_manager.models import Binding, Role

__all__ = ["UNRESTRICTED", "Binding", "Principal", "PrincipalKind", "Role", "acting_as", "current"]


class PrincipalKind(StrEnum):
    """How a principal became known."""

    UNRESTRICTED = "unrestricted"
    """Access control is off, or the service itself acts."""
    KEY = "key"
    OIDC = "oidc"
    ANONYMOUS = "anonymous"
    SCHEDULE = "schedule"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls."""

    subject: str
    """Identity that never passes to another: ``key/<id>``, ``oidc/<issuer alias>/<sub>``, ``anonymous`` or
    ``schedule/<namespace>/<name>``; empty when access control is off."""
    kind: PrincipalKind
    bindings: tuple[Binding, ...] = ()
    name: str | None = None
    """What people call the principal, such as the name of a key; it proves nothing."""
    key_id: str | None = None
    expires_at: datetime | None = None
    """When the credential ends, and with it every stream that it opened."""

    @property
    def restricted(self) -> bool:
        """Whether roles limit what the principal may do."""
        return self.kind is not PrincipalKind.UNRESTRICTED


UNRESTRICTED: Final = Principal("", PrincipalKind.UNRESTRICTED)
"""The principal of every request while access control is off, and of the poller."""

_current: ContextVar[Principal] = ContextVar("principal", default=UNRESTRICTED)


def current() -> Principal:
    """Return the principal of the request that is being handled; outside of requests, ``UNRESTRICTED``."""
    return _current.get()


@contextmanager
def acting_as(principal: Principal) -> Iterator[None]:
    """Handle what follows, and the tasks that it starts, as a principal."""
    token = _current.set(principal)
    try:
        yield
    finally:
        _current.reset(token)
