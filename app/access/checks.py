"""Checks of the current principal, made where objects are read: what may not be read does not exist."""

from app.access.policy import Decision, Target, decide, require
from app.access.principal import Role, current
from app.store.visibility import Visible
from workflow_manager import errors
from workflow_manager.models import Workflow


def workflow(found: Workflow, role: Role, *, own_suffices: bool = False) -> Workflow:
    """Return a workflow that the principal may do something to. Raises ``WorkflowNotFound``, ``NotAllowed``."""
    target = Target(
        namespace=found.namespace,
        definition=found.workflow_definition.name,
        created_by=found.created_by,
    )
    missing = errors.WorkflowNotFound(f"there is no workflow {found.id!r}")
    require(role, target, missing=missing, own_suffices=own_suffices)
    return found


def start(*, namespace: str, definition: str) -> None:
    """Refuse a start that the principal may not make. Raises ``DefinitionNotFound``, ``NotAllowed``."""
    existing_definition(definition, Role.READ)
    require(Role.SUBMIT, Target(namespace=namespace, definition=definition))


def existing_definition(name: str, role: Role) -> None:
    """Refuse what the principal may not do to a definition. Raises ``DefinitionNotFound``, ``NotAllowed``."""
    missing = errors.DefinitionNotFound(f"there is no workflow definition {name!r}")
    require(role, Target(definition=name), missing=missing)


def new_definition(name: str) -> None:
    """Refuse to make a definition under a name that the principal has no right to. Raises ``NotAllowed``."""
    require(Role.AUTHOR, Target(definition=name))


def shows_definition(name: str) -> bool:
    """Tell whether a listing shows the principal a definition."""
    return decide(current(), Role.READ, Target(definition=name)) is Decision.ALLOWED


def state_resource(namespace: str, name: str) -> None:
    """Refuse to show a state resource of a foreign namespace. Raises ``StateResourceNotFound``."""
    require(Role.READ, Target(namespace=namespace), missing=_no_resource(namespace, name))


def changed_state_resource(namespace: str, name: str, *, exists: bool) -> None:
    """Refuse a change of a state resource: it is one of all definitions of its namespace.

    Raises ``NotAllowed``, and ``StateResourceNotFound`` for what ``exists`` only if it may be seen.
    """
    if exists:
        state_resource(namespace, name)
    require(Role.AUTHOR, Target(namespace=namespace, every_definition=True))


def sees_counts() -> bool:
    """Tell whether the principal may know how many workflows of any namespace run and wait."""
    return decide(current(), Role.READ, Target(everywhere=True)) is Decision.ALLOWED


def visible() -> Visible | None:
    """Return which workflows a listing shows the principal; None: all."""
    principal = current()
    if sees_counts():
        return None
    return Visible(tuple((binding.namespaces, binding.definitions) for binding in principal.bindings))


def _no_resource(namespace: str, name: str) -> errors.StateResourceNotFound:
    return errors.StateResourceNotFound(f"there is no state resource {name!r} in namespace {namespace!r}")
