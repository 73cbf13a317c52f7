"""The policy: whether a principal may do something to an object. Nothing else decides that."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from app.access.principal import Binding, Principal, Role, current
from app.audit.notes import note, note_hidden
from app.store.visibility import EVERYTHING, matches_any
from workflow_manager import errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What an operation is about; what is None plays no part in the decision.

    A workflow has a namespace and a definition, a state resource a namespace, a definition only its name.
    """

    namespace: str | None = None
    definition: str | None = None
    created_by: str | None = None
    """Subject of the principal that created it."""
    every_definition: bool = False
    """Whether it concerns all definitions of its namespace, as state resources do when they change."""
    everywhere: bool = False
    """Whether it belongs to all namespaces at once, as queues and keys do."""


class Decision(Enum):
    """The answer of the policy."""

    ALLOWED = auto()
    FORBIDDEN = auto()
    """The principal may read the object, but not do this to it."""
    HIDDEN = auto()
    """The principal may not know that the object exists."""


def decide(principal: Principal, role: Role, target: Target, *, own_suffices: bool = False) -> Decision:
    """Decide whether a principal may do what needs ``role`` to ``target``.

    With ``own_suffices`` the role ``submit`` is enough for what the principal created itself.
    """
    if not principal.restricted:
        return Decision.ALLOWED
    roles = [binding.role for binding in _covering(principal, target)]
    if not roles:
        return Decision.HIDDEN
    highest = max(roles, key=lambda held: held.rank)
    is_own = own_suffices and target.created_by is not None and target.created_by == principal.subject
    needed = Role.SUBMIT if is_own and role.includes(Role.SUBMIT) else role
    return Decision.ALLOWED if highest.includes(needed) else Decision.FORBIDDEN


def require(role: Role, target: Target, *, missing: errors.NotFound | None = None, own_suffices: bool = False) -> None:
    """Refuse what the current principal may not do.

    Raises ``missing``, which must be the error of an object that does not exist, when the principal may not know the
    object; without ``missing``, and when the principal may not do this to the object, raises ``NotAllowed``.
    """
    note(namespace=target.namespace, definition=target.definition)
    match decide(current(), role, target, own_suffices=own_suffices):
        case Decision.ALLOWED:
            return
        case Decision.HIDDEN if missing is not None:
            note_hidden()
            raise missing
    raise errors.NotAllowed(refusal(role, target))


def refusal(role: Role, target: Target) -> str:
    """Say which role is missing, and where."""
    if target.everywhere:
        where = "in all namespaces"
    elif target.every_definition:
        where = f"in namespace {target.namespace!r} for all workflow definitions"
    elif target.namespace is not None:
        where = f"in namespace {target.namespace!r}"
        if target.definition is not None:
            where += f" for workflow definition {target.definition!r}"
    elif target.definition is not None:
        where = f"for workflow definition {target.definition!r}"
    else:
        where = "in any namespace"
    return f"this needs the role {role} {where}; ask an administrator for it, or use another credential"


def _covering(principal: Principal, target: Target) -> Iterator[Binding]:
    for binding in principal.bindings:
        if target.everywhere and not binding.everywhere:
            continue
        if target.every_definition and EVERYTHING not in binding.definitions:
            continue
        if target.namespace is not None and not matches_any(binding.namespaces, target.namespace):
            continue
        if target.definition is not None and not matches_any(binding.definitions, target.definition):
            continue
        yield binding
