"""The principal of a request: who calls, and the roles that they hold in which namespaces."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

EVERYTHING: Final = "*"

Glob = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:*-]{1,128}$")]
"""A name in which `*` stands for any number of characters."""


class Role(StrEnum):
    """What a principal may do; each role includes the ones before it."""

    READ = "read"
    SUBMIT = "submit"
    OPERATE = "operate"
    AUTHOR = "author"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """The place of the role, from 0."""
        return _RANKS[self]

    def includes(self, other: "Role") -> bool:
        """Tell whether who has this role has the other one too."""
        return self.rank >= other.rank


_RANKS: Final = {role: rank for rank, role in enumerate(Role)}


class Binding(BaseModel):
    """A role in the namespaces, and for the definitions, that match one of the globs."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)

    role: Role = Field(description="Each role includes the ones before it.")
    namespaces: tuple[Glob, ...] = Field(
        default=(EVERYTHING,), min_length=1, max_length=100, description="Namespaces; `*` stands for any characters."
    )
    definitions: tuple[Glob, ...] = Field(
        default=(EVERYTHING,),
        min_length=1,
        max_length=100,
        description="Names of workflow definitions; `*` stands for any characters.",
    )

    @model_validator(mode="after")
    def _admin_is_everywhere(self) -> Self:
        if self.role is Role.ADMIN and not self.everywhere:
            raise ValueError("the role admin is for all namespaces and definitions; leave them out")
        return self

    @property
    def everywhere(self) -> bool:
        """Whether the binding covers every namespace and every definition."""
        return EVERYTHING in self.namespaces and EVERYTHING in self.definitions

    def covers_namespace(self, namespace: str) -> bool:
        """Tell whether a namespace matches."""
        return matches_any(self.namespaces, namespace)

    def covers_definition(self, definition: str) -> bool:
        """Tell whether the name of a definition matches."""
        return matches_any(self.definitions, definition)


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


def matches_any(globs: Sequence[str], name: str) -> bool:
    """Tell whether a name matches one of the globs."""
    return any(glob in {EVERYTHING, name} or matches(glob, name) for glob in globs)


def matches(glob: str, name: str) -> bool:
    """Tell whether a name matches a glob. A regular expression of many stars would take ages to say no."""
    first, *parts = glob.split("*")
    if not parts:
        return name == first
    *middle, last = parts
    end = len(name) - len(last)
    if end < len(first) or not (name.startswith(first) and name.endswith(last)):
        return False
    place = len(first)
    for part in middle:
        found = name.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return True
