"""What the steps of the walk do again and again, with the client that was generated from openapi.json."""

# The client is there only where the walk runs.
# mypy: disable-error-code="import-not-found"

import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from workflow_manager_client import Client
from workflow_manager_client.api.workflow_definitions import new_workflow_definition
from workflow_manager_client.api.workflows import get_workflow_by_id, start_workflow
from workflow_manager_client.models import (
    NewWorkflowDefinitionRequest,
    SLStateMachine,
    StartWorkflowRequest,
    Workflow,
    WorkflowDefinition,
    WorkflowDefinitionRef,
    WorkflowStatus,
)

T = TypeVar("T")

ENDED: Final = {WorkflowStatus.SUCCEEDED, WorkflowStatus.FAILED, WorkflowStatus.CANCELLED}
TIMEOUT_SECONDS: Final = 30
PAUSE_SECONDS: Final = 0.1


def expect(kind: type[T], answer: object) -> T:
    """Return the answer when it is of this model, which also tells the type checker."""
    assert isinstance(answer, kind), f"expected {kind.__name__}, got {answer!r}"
    return answer


def expect_all(kind: type[T], answer: object) -> list[T]:
    """Return the answer when it is a list of this model."""
    return [expect(kind, item) for item in expect(list, answer)]


def eventually(look: Callable[[], T | None], *, what: str) -> T:
    """Look again and again until there is something to return."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while (seen := look()) is None:
        assert time.monotonic() < deadline, f"waited {TIMEOUT_SECONDS} s for {what}"
        time.sleep(PAUSE_SECONDS)
    return seen


def new_definition(name: str, machine: Mapping[str, Any]) -> NewWorkflowDefinitionRequest:
    """Return the request that makes a definition."""
    return NewWorkflowDefinitionRequest(name=name, state_machine=SLStateMachine.from_dict(machine))


class Session:
    """A client, and the short ways to define, start and await workflows with it."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def define(self, name: str, machine: Mapping[str, Any]) -> WorkflowDefinition:
        """Register a definition."""
        answer = new_workflow_definition.sync(client=self.client, body=new_definition(name, machine))
        return expect(WorkflowDefinition, answer)

    def start(self, name: str) -> Workflow:
        """Start a workflow of the latest version as the README does."""
        body = StartWorkflowRequest(
            workflow_definition=WorkflowDefinitionRef(name=name), namespace="dev", input_='{"foo": true}'
        )
        return expect(Workflow, start_workflow.sync(client=self.client, body=body))

    def get(self, workflow_id: str) -> Workflow:
        """Return a workflow with its jobs."""
        return expect(Workflow, get_workflow_by_id.sync(workflow_id, client=self.client, fetch_history=True))

    def until(self, workflow_id: str, *, holds: Callable[[Workflow], bool], what: str) -> Workflow:
        """Return the workflow once something holds of it."""

        def look() -> Workflow | None:
            workflow = self.get(workflow_id)
            return workflow if holds(workflow) else None

        return eventually(look, what=f"{what} of workflow {workflow_id}")

    def ended(self, workflow_id: str) -> Workflow:
        """Return the workflow once it has ended."""
        return self.until(workflow_id, holds=lambda workflow: workflow.status in ENDED, what="the end")
