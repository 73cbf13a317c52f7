"""Starting executions: a recorded workflow becomes exactly one execution, however often it is tried."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import structlog

from app import errors, states_language
from app.executor import inputs
from app.executor.state_machines import Account, StateMachine, StateMachines, state_machine
from app.models import Workflow, WorkflowDefinition
from app.store import Store

if TYPE_CHECKING:
    from types_aiobotocore_stepfunctions import SFNClient

log = structlog.get_logger(__name__)

MAX_REMEMBERED_MACHINES = 1_000
"""Expanded definitions kept at hand, so that a start of a known one need not expand it again."""


class Launcher:
    """Starts the execution of a workflow. Its name is the workflow's id, so a second start is the same start."""

    def __init__(self, sfn: "SFNClient", store: Store, machines: StateMachines, account: Account) -> None:
        self._sfn = sfn
        self._store = store
        self._machines = machines
        self._account = account
        self._expanded: dict[tuple[object, ...], StateMachine] = {}

    async def state_machine(self, definition: WorkflowDefinition, *, namespace: str) -> StateMachine:
        """Expand a definition with what is registered in the namespace now."""
        names = states_language.resource_names(definition.state_machine)
        resources: Mapping[str, str] = {}
        if names:
            found = await self._store.find_state_resources(namespace, names)
            resources = {name: resource.uri for name, resource in found.items()}
        start_at = definition.state_machine["StartAt"]
        key = (definition.id, start_at, namespace, *sorted(resources.items()))
        machine = self._expanded.get(key)
        if machine is None:
            machine = state_machine(definition, namespace=namespace, resources=resources, account=self._account)
            if len(self._expanded) >= MAX_REMEMBERED_MACHINES:
                self._expanded.pop(next(iter(self._expanded)))
            self._expanded[key] = machine
        return machine

    async def launch(self, workflow: Workflow, machine: StateMachine) -> None:
        """Start the execution of a workflow, or find it started.

        Raises ``RefusedByAWS`` or ``AccessDenied`` when it can never start, ``Unavailable`` when nobody knows.
        """
        await self._machines.ensure(machine)
        try:
            await self._start(workflow, machine)
        except errors.StateMachineNotFound:
            self._machines.forget(machine)
            await self._machines.ensure(machine)
            await self._start(workflow, machine)

    async def _start(self, workflow: Workflow, machine: StateMachine) -> None:
        try:
            await self._sfn.start_execution(
                stateMachineArn=machine.arn,
                name=workflow.id,
                input=inputs.for_execution(workflow.input, workflow.id),
            )
        except errors.ExecutionExists:
            log.info("execution was started before", action="start-execution-again", workflow_id=workflow.id)
            return
        log.info("execution started", action="start-execution", workflow_id=workflow.id, state_machine=machine.name)
