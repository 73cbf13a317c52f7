"""One table says what the policy decides.

Covers `app.access.policy` and `app.access.principal`.
"""

import asyncio

import pytest
from pydantic import ValidationError

from app.access import policy, principal
from app.access.policy import Decision, Target, decide
from app.access.principal import UNRESTRICTED, Binding, Principal, PrincipalKind, Role
from workflow_manager import errors

ALLOWED, FORBIDDEN, HIDDEN = Decision.ALLOWED, Decision.FORBIDDEN, Decision.HIDDEN


def _who(*bindings: Binding, subject: str = "key/1") -> Principal:
    return Principal(subject, PrincipalKind.KEY, bindings)


def _in(role: Role, *namespaces: str, definitions: tuple[str, ...] = ("*",)) -> Binding:
    return Binding(role=role, namespaces=namespaces or ("*",), definitions=definitions)


DEV = Target(namespace="dev", definition="echo")
GREET = Target(namespace="dev", definition="greet")
PRODUCTION = Target(namespace="production", definition="echo")
TEAM = Target(namespace="team-a-dev")
ECHO = Target(definition="echo")
ALL = Target(everywhere=True)
ANY = Target()

READ_DEV = _who(_in(Role.READ, "dev"))
TWO = _who(_in(Role.READ), _in(Role.OPERATE, "dev"))
SOME = _who(_in(Role.SUBMIT, "dev", definitions=("echo", "team-*")))
STARS = _who(_in(Role.AUTHOR, "team-*-dev"))
ADMIN = _who(_in(Role.ADMIN))
READ_ALL = _who(_in(Role.READ))
MINE = Target(namespace="dev", definition="echo", created_by="key/1")
THEIRS = Target(namespace="dev", definition="echo", created_by="key/2")


@pytest.mark.parametrize(
    ("who", "role", "target", "expected"),
    [
        (UNRESTRICTED, Role.ADMIN, ALL, ALLOWED),
        (_who(), Role.READ, DEV, HIDDEN),
        (_who(), Role.READ, ANY, HIDDEN),
        *((READ_DEV, role, DEV, ALLOWED if role is Role.READ else FORBIDDEN) for role in Role),
        *((READ_DEV, role, PRODUCTION, HIDDEN) for role in Role),
        *((ADMIN, role, target, ALLOWED) for role in Role for target in (DEV, PRODUCTION, TEAM, ECHO, ALL, ANY)),
        (TWO, Role.OPERATE, DEV, ALLOWED),
        (TWO, Role.OPERATE, PRODUCTION, FORBIDDEN),
        (TWO, Role.READ, PRODUCTION, ALLOWED),
        (TWO, Role.READ, ALL, ALLOWED),
        (TWO, Role.OPERATE, ALL, FORBIDDEN),
        (READ_DEV, Role.READ, ALL, HIDDEN),
        (READ_DEV, Role.READ, ANY, ALLOWED),
        (SOME, Role.SUBMIT, DEV, ALLOWED),
        (SOME, Role.READ, GREET, HIDDEN),
        (SOME, Role.READ, Target(definition="team-x"), ALLOWED),
        (SOME, Role.READ, Target(definition="Team-x"), HIDDEN),
        (SOME, Role.READ, Target(definition="a-team-x"), HIDDEN),
        (SOME, Role.AUTHOR, ECHO, FORBIDDEN),
        (SOME, Role.SUBMIT, ALL, HIDDEN),
        (STARS, Role.AUTHOR, TEAM, ALLOWED),
        (STARS, Role.READ, Target(namespace="team-dev"), HIDDEN),
        (STARS, Role.READ, Target(namespace="team-a-dev\n"), HIDDEN),
        (STARS, Role.AUTHOR, ECHO, ALLOWED),
        (READ_ALL, Role.READ, Target(namespace="", definition=""), ALLOWED),
    ],
)
def test_decision(who: Principal, role: Role, target: Target, expected: Decision) -> None:
    assert decide(who, role, target) is expected


@pytest.mark.parametrize(
    ("held", "target", "expected"),
    [
        (Role.READ, MINE, FORBIDDEN),
        (Role.SUBMIT, MINE, ALLOWED),
        (Role.SUBMIT, THEIRS, FORBIDDEN),
        (Role.SUBMIT, DEV, FORBIDDEN),
        (Role.OPERATE, THEIRS, ALLOWED),
    ],
)
def test_what_one_created_needs_the_role_submit(held: Role, target: Target, expected: Decision) -> None:
    assert decide(_who(_in(held, "dev")), Role.OPERATE, target, own_suffices=True) is expected
    assert decide(_who(_in(Role.SUBMIT, "dev")), Role.OPERATE, MINE) is FORBIDDEN


def test_what_one_created_in_a_namespace_that_was_taken_away_is_hidden() -> None:
    mine = Target(namespace="production", definition="echo", created_by="key/1")

    assert decide(READ_DEV, Role.OPERATE, mine, own_suffices=True) is HIDDEN


@pytest.mark.parametrize("fields", [{"namespaces": ("dev",)}, {"definitions": ("echo",)}])
def test_an_admin_is_one_everywhere(fields: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(ValidationError, match="for all namespaces and definitions"):
        Binding(role=Role.ADMIN, **fields)


@pytest.mark.parametrize("glob", ["", "a b", "[ab]", "dev?", "x" * 129, "dev\n"])
def test_a_glob_has_names_and_stars_alone(glob: str) -> None:
    with pytest.raises(ValidationError):
        Binding(role=Role.READ, namespaces=(glob,))


def test_a_refusal_names_the_role_and_the_namespace() -> None:
    with (
        principal.acting_as(READ_DEV),
        pytest.raises(errors.NotAllowed, match="the role operate in namespace 'dev' for workflow definition 'echo'"),
    ):
        policy.require(Role.OPERATE, DEV, missing=errors.WorkflowNotFound("there is no workflow 'x'"))


def test_what_is_hidden_is_missing() -> None:
    missing = errors.WorkflowNotFound("there is no workflow 'x'")
    with principal.acting_as(READ_DEV), pytest.raises(errors.WorkflowNotFound) as raised:
        policy.require(Role.OPERATE, PRODUCTION, missing=missing)
    assert raised.value is missing


def test_what_would_be_made_elsewhere_is_refused() -> None:
    with principal.acting_as(READ_DEV), pytest.raises(errors.NotAllowed, match="submit in namespace 'production'"):
        policy.require(Role.SUBMIT, PRODUCTION)


async def test_tasks_act_as_the_principal_that_started_them() -> None:
    async def subject() -> str:
        await asyncio.sleep(0)
        return principal.current().subject

    with principal.acting_as(READ_DEV):
        task = asyncio.create_task(subject())
    assert principal.current() is UNRESTRICTED
    assert await task == "key/1"
