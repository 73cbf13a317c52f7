"""Starting executions: a recorded workflow becomes exactly one execution, however many attempts it takes."""

import asyncio
import sys
from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

from app.executor import inputs
from app.executor.deadline import deadline
from app.executor.definition_cache import DefinitionCache
from app.executor.lru_cache import LRUCache
from app.executor.sfn.state_machines import Account, StateMachine, StateMachines, state_machine
from workflow_manager import errors, states_language
from workflow_manager.models import Workflow, WorkflowDefinition

if TYPE_CHECKING:
    from types_aiobotocore_stepfunctions import SFNClient

log = structlog.get_logger(__name__)

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

MAX_REMEMBERED_MACHINES: Final = 1_000
"""Expanded definitions kept at hand, so that a start of a known one need not expand it again."""

MAX_REMEMBERED_BYTES: Final = 32 * 1024 * 1024
"""What they may take together: callers choose namespaces, and each has its own copy of a definition of up to 1 MB."""

MAX_REMEMBERED_NAMES: Final = 100_000
"""Short resources kept at hand, of all definitions together."""

MAX_EXPANDED_AT_ONCE: Final = 50_000
"""Characters of a definition that are expanded on the event loop, in some 50 ms at worst."""

LAUNCH_LIMIT: Final = timedelta(seconds=5)
"""A start without an answer this long after its claim is left to the poller."""

LAG: Final = timedelta(seconds=5)
"""A cancelled call can still reach AWS a little later, and answers of AWS can lag behind its state."""

START_WINDOW: Final = LAUNCH_LIMIT + LAG
"""This long after its last claim, an execution that does not exist was not started."""


def start_window_over(workflow: Workflow, now: datetime) -> bool:
    """Return whether an execution that does not exist now cannot appear any more without a new attempt."""
    return now - workflow.last_updated >= START_WINDOW


class ExecutionStarter:
    """Starts the execution of a workflow. Its name is the workflow's id, so a second start is the same start."""

    def __init__(
        self, sfn: "SFNClient", definition_cache: DefinitionCache, machines: StateMachines, account: Account
    ) -> None:
        self._sfn = sfn
        self._definition_cache = definition_cache
        self._machines = machines
        self._account = account
        self._names: LRUCache[tuple[str, str], frozenset[str]] = LRUCache(
            MAX_REMEMBERED_MACHINES, max_weight=MAX_REMEMBERED_NAMES, weigh=len
        )
        self._expanded: LRUCache[tuple[object, ...], StateMachine] = LRUCache(
            MAX_REMEMBERED_MACHINES,
            max_weight=MAX_REMEMBERED_BYTES,
            weigh=lambda machine: sys.getsizeof(machine.definition),
        )
        self._large = asyncio.Semaphore(1)

    async def state_machine(
        self, definition: WorkflowDefinition, *, namespace: str, variables: str | None = None
    ) -> StateMachine:
        """Expand a definition with what is registered in the namespace now.

        ``variables`` are the variables that the run starts with, as the workflow has them. Raises
        ``NamespaceWithoutRole``.
        """
        self._account.roles.arn(namespace)  # before anything is read or expanded for nothing
        restored = None if variables is None else inputs.names(variables)
        start_at = definition.state_machine["StartAt"]
        names = await self._at_hand(
            self._names,
            (definition.id, start_at),
            lambda: states_language.resource_names(definition.state_machine),
            definition=definition,
        )
        resources = await self._definition_cache.uris(namespace, names)
        key = (definition.id, start_at, restored, namespace, *sorted(resources.items()))
        return await self._at_hand(
            self._expanded,
            key,
            lambda: state_machine(
                definition, namespace=namespace, resources=resources, account=self._account, restored=restored
            ),
            definition=definition,
        )

    async def _at_hand(
        self, kept: LRUCache[K, T], key: K, make: Callable[[], T], *, definition: WorkflowDefinition
    ) -> T:
        """Return what is made of a definition, which is kept.

        That of a large one is made in a thread, one at a time, so that the event loop goes on.
        """
        known = kept.get(key)
        if known is not None:
            return known
        if not states_language.is_heavy(definition.state_machine, characters=MAX_EXPANDED_AT_ONCE):
            return kept.setdefault(key, make())
        async with self._large:
            known = kept.get(key)
            return kept.setdefault(key, await asyncio.to_thread(make)) if known is None else known

    async def launch(
        self, workflow: Workflow, machine: StateMachine, text: str, *, now: datetime, limit: timedelta = LAUNCH_LIMIT
    ) -> None:
        """Start the execution of a workflow with the input ``text``, or find it started.

        The last write of the workflow is its claim, after which there is only ``LAUNCH_LIMIT`` to start it: also a
        process that was frozen in between must not start what has been cancelled long ago. Callers with less
        ``limit`` leave it to the poller sooner.

        Raises ``RefusedByAWS`` or ``AccessDenied`` when it can never start, ``Unavailable`` when that is unknown, which
        includes every answer that has no meaning here, because only a definite refusal may end a workflow.
        """
        left = min(limit, LAUNCH_LIMIT - (now - workflow.last_updated))
        if left <= timedelta(0):
            raise errors.Unavailable(f"too late to start workflow {workflow.id}; the claim is too old")
        try:
            async with deadline(left, what=f"the start of workflow {workflow.id}"):
                await self._launch(workflow, machine, text)
        except errors.AWSError as unknown:
            raise _meaningless(unknown) from unknown

    def at_hand(self, machine: StateMachine) -> bool:
        """Return whether a start needs no call before StartExecution, or only waits for one in progress."""
        return self._machines.at_hand(machine)

    def in_flight(self, machine: StateMachine) -> bool:
        """Tell whether a start waits for a state machine, or for its activities, that is just being made."""
        return self._machines.in_flight(machine)

    async def ensure(self, machine: StateMachine) -> None:
        """Make sure that a state machine exists. Raises what ``launch`` raises; nothing is started."""
        try:
            async with deadline(LAUNCH_LIMIT, what=f"the question for the state machine {machine.name}"):
                await self._machines.ensure(machine)
        except errors.AWSError as unknown:
            raise _meaningless(unknown) from unknown

    async def _launch(self, workflow: Workflow, machine: StateMachine, text: str) -> None:
        await self._machines.ensure(machine)
        try:
            await self._start(workflow, machine, text)
        except errors.StateMachineNotFound:
            self._machines.forget(machine)
            await self._machines.ensure(machine)
            try:
                await self._start(workflow, machine, text)
            except errors.StateMachineNotFound as lagging:
                raise errors.Unavailable(f"AWS does not see the new state machine {machine.name} yet") from lagging

    async def _start(self, workflow: Workflow, machine: StateMachine, text: str) -> None:
        try:
            await self._sfn.start_execution(stateMachineArn=machine.arn, name=workflow.id, input=text)
        except errors.ExecutionExists:
            log.info("execution was started before", action="start-execution-again", workflow_id=workflow.id)
            return
        log.info("execution started", action="start-execution", workflow_id=workflow.id, state_machine=machine.name)


def _meaningless(answer: errors.AWSError) -> errors.Unavailable:
    """Take an answer without a meaning here as none."""
    log.error("unexpected answer from AWS", action="unknown-answer", error=answer.message)
    return errors.Unavailable(f"AWS gave an unknown answer: {answer.message}")
