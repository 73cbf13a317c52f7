"""State machines at AWS: what a definition becomes in a namespace, and making sure that it is there."""

import asyncio
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import inf
from typing import TYPE_CHECKING, Any, Final, Self

import structlog

from app.executor.activities import Activities
from app.executor.lru_cache import LRUCache
from app.executor.sfn.roles import NamespaceRoles
from workflow_manager import errors, states_language
from workflow_manager.models import WorkflowDefinition
from workflow_manager.models import now as wall_clock

if TYPE_CHECKING:
    from types_aiobotocore_stepfunctions import SFNClient
    from types_aiobotocore_stepfunctions.type_defs import TagTypeDef

log = structlog.get_logger(__name__)

MAX_TAGS: Final = 50
MAX_TAG_KEY_LENGTH: Final = 128
MAX_TAG_VALUE_LENGTH: Final = 256
TAG_CHARACTERS_REFUSED: Final = re.compile(r"[^\w\s.:/=+\-@]")
"""Limits of tags on resources of Step Functions (API reference, TagResource)."""


GOOD_FOR_SECONDS: Final = 60.0
"""So long a state machine is taken to be as it was seen; what another replica makes of it counts here after that."""

NEW_FOR: Final = timedelta(days=1)
"""A state machine that is older was started before, when its activities were created; asking again after every restart
would take hours of their quota."""

MADE_NOW: Final = timedelta(minutes=1)
"""A younger state machine was made by this call, or so lately that it is looked at again before long."""

MAX_SEEN: Final = 10_000
"""Maximum number of remembered state machines; any other costs an idempotent call."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where state machines are made: region, account, the roles they run with, and the installation they belong to."""

    region: str
    account_id: str
    roles: NamespaceRoles
    installation: str = ""
    """Part of the names of state machines; empty for the one installation of an account whose names are plain."""

    def arn(self, resource: str) -> str:
        """Return the ARN of a Step Functions resource such as ``stateMachine:name``."""
        return f"arn:{states_language.partition(self.region)}:states:{self.region}:{self.account_id}:{resource}"


@dataclass(frozen=True, slots=True)
class StateMachine:
    """A definition in a namespace, ready to be created at AWS."""

    name: str
    arn: str
    definition: str
    digest: bytes
    """Fingerprint of definition and role, to tell whether AWS has these."""
    role_arn: str
    tags: Mapping[str, str]
    activities: frozenset[str] = frozenset()
    """Names of the activities of this account and region that its tasks name."""

    def execution_arn(self, workflow_id: str) -> str:
        """Return the ARN of the execution that runs a workflow."""
        return f"{self.arn.replace(':stateMachine:', ':execution:', 1)}:{workflow_id}"

    def of_execution(self, execution_arn: str) -> Self:
        """Return the state machine under the name that an execution was recorded with.

        An earlier version may have named it otherwise, and a workflow that is started again under another name would
        run twice.
        """
        arn = execution_arn.replace(":execution:", ":stateMachine:", 1).rpartition(":")[0]
        return self if arn == self.arn else replace(self, name=arn.rpartition(":")[2], arn=arn)


def state_machine(
    definition: WorkflowDefinition,
    *,
    namespace: str,
    resources: Mapping[str, str],
    account: Account,
    restored: Sequence[str] | None = None,
) -> StateMachine:
    """Expand a definition for a namespace; ``resources`` are the registered URIs by name.

    With ``restored`` it begins with a state that assigns variables of these names. Raises ``NamespaceWithoutRole``.
    """
    role_arn = account.roles.arn(namespace)
    machine = definition.state_machine
    start_at = machine["StartAt"]
    name = states_language.state_machine_name(
        namespace,
        definition.name,
        definition.version,
        start_at,
        installation=account.installation,
        restored=restored,
    )
    expanded = states_language.expand(
        machine if restored is None else states_language.restoring(machine, restored),
        names=resources,
        namespace=namespace,
        region=account.region,
        account_id=account.account_id,
    )
    text = json.dumps(expanded, ensure_ascii=False, separators=(",", ":"))
    return StateMachine(
        name=name,
        arn=account.arn(f"stateMachine:{name}"),
        definition=text,
        digest=hashlib.sha256(f"{role_arn}\n{text}".encode()).digest(),
        role_arn=role_arn,
        tags=_tags(definition, namespace=namespace, start_at=start_at, installation=account.installation),
        activities=_activities(expanded, account),
    )


def _activities(machine: dict[str, Any], account: Account) -> frozenset[str]:
    own = account.arn("activity:")
    resources = (state.body.get("Resource") for state in states_language.walk(machine))
    return frozenset(
        resource.removeprefix(own) for resource in resources if isinstance(resource, str) and resource.startswith(own)
    )


def _tags(definition: WorkflowDefinition, *, namespace: str, start_at: str, installation: str) -> Mapping[str, str]:
    ours = {
        "application": definition.name,
        "environment": namespace,
        "workflow-definition-name": definition.name,
        "workflow-definition-version": str(definition.version),
        "workflow-definition-start-at": start_at,
        **({"workflow-manager-installation": installation} if installation else {}),
    }
    cleaned = {
        _clean(key, MAX_TAG_KEY_LENGTH): _clean(value, MAX_TAG_VALUE_LENGTH)
        for key, value in {**ours, **definition.default_tags}.items()
    }
    return dict(list(cleaned.items())[:MAX_TAGS])


def _clean(text: str, length: int) -> str:
    return TAG_CHARACTERS_REFUSED.sub("-", text)[:length]


class StateMachines:
    """Makes sure that state machines exist at AWS, and the activities of new ones; what was seen lately costs nothing.

    ``clock`` gives seconds, ``now`` the date that AWS's are compared with.
    """

    def __init__(
        self,
        sfn: "SFNClient",
        *,
        clock: Callable[[], float],
        now: Callable[[], datetime] = wall_clock,
    ) -> None:
        self._sfn = sfn
        self._activities = Activities(sfn)
        self._clock = clock
        self._now = now
        self._seen: LRUCache[str, tuple[bytes, float]] = LRUCache(MAX_SEEN)
        self._flights: dict[tuple[str, bytes], asyncio.Task[None]] = {}

    def at_hand(self, machine: StateMachine) -> bool:
        """Tell whether a state machine was seen with this definition, or is just being made."""
        digest, _ = self._seen.get(machine.arn) or (b"", -inf)
        return digest == machine.digest or self.in_flight(machine)

    def in_flight(self, machine: StateMachine) -> bool:
        """Tell whether a state machine, or what it needs, is just being made."""
        return (machine.arn, machine.digest) in self._flights

    async def ensure(self, machine: StateMachine) -> None:
        """Create the state machine, or give it this definition when it has another; once for all concurrent callers.

        Raises ``RefusedByAWS``, ``AccessDenied`` or ``Unavailable``.
        """
        digest, seen_at = self._seen.get(machine.arn) or (b"", -inf)
        if digest == machine.digest and self._clock() - seen_at < GOOD_FOR_SECONDS:
            return
        key = (machine.arn, machine.digest)
        flight = self._flights.get(key)
        if flight is None:
            work = self._verify(machine) if digest == machine.digest else self._create_or_update(machine)
            flight = asyncio.create_task(work, name=f"ensure {machine.name}")
            self._flights[key] = flight
            flight.add_done_callback(lambda landed: self._land(key, landed))
        # A caller that is cancelled must not cancel the call that others wait for.
        await asyncio.shield(flight)

    def forget(self, machine: StateMachine) -> None:
        """Take it that the state machine is gone, because AWS said so."""
        self._seen.put(machine.arn, (b"", -inf))

    def _land(self, key: tuple[str, bytes], flight: "asyncio.Task[None]") -> None:
        del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # if no caller waits any more, asyncio would log an exception that was never retrieved

    async def _verify(self, machine: StateMachine) -> None:
        """See whether a state machine is still as this process left it: another replica may have updated it since."""
        try:
            found = await self._sfn.describe_state_machine(stateMachineArn=machine.arn)
        except errors.StateMachineNotFound:
            await self._create_or_update(machine)
            return
        if (found["definition"], found["roleArn"]) != (machine.definition, machine.role_arn):
            await self._update(machine)
        self._note(machine)

    async def _create_or_update(self, machine: StateMachine) -> None:
        try:
            answer = await self._sfn.create_state_machine(
                name=machine.name,
                definition=machine.definition,
                roleArn=machine.role_arn,
                tags=_wire_tags(machine.tags),
            )
            log.info("state machine ensured", action="ensure-state-machine", state_machine=machine.name)
        except errors.StateMachineExists:
            await self._update(machine)
        else:
            moment = self._now()
            age = moment - answer.get("creationDate", moment)
            if age < NEW_FOR:
                await self._activities.ensure(machine.activities)
            if age >= MADE_NOW:
                await self._give_role(machine)
        self._note(machine)

    async def _give_role(self, machine: StateMachine) -> None:
        """Give its role to a state machine that was there before: creating it again has left it the role it had."""
        found = await self._sfn.describe_state_machine(stateMachineArn=machine.arn)
        if found["roleArn"] != machine.role_arn:
            await self._update(machine)

    async def _update(self, machine: StateMachine) -> None:
        try:
            await self._sfn.update_state_machine(
                stateMachineArn=machine.arn, definition=machine.definition, roleArn=machine.role_arn
            )
        except errors.StateMachineNotFound as gone:
            raise errors.Unavailable(f"the state machine {machine.name} was just deleted; try again") from gone
        log.info("state machine updated", action="update-state-machine", state_machine=machine.name)
        await self._activities.ensure(machine.activities)

    def _note(self, machine: StateMachine) -> None:
        self._seen.put(machine.arn, (machine.digest, self._clock()))


def _wire_tags(tags: Mapping[str, str]) -> "list[TagTypeDef]":
    return [{"key": key, "value": value} for key, value in tags.items()]
