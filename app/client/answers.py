"""What the answers of the service are read as."""

from typing import Final

import pydantic

from app import models


class ListedDefinition(models.WorkflowDefinition):
    """A definition as a list of workflows names it: a summary holds no state machine."""

    state_machine: models.StateMachine = pydantic.Field(default_factory=dict)


class ListedWorkflow(models.Workflow):
    """A workflow as a list has it: a summary holds no input."""

    workflow_definition: ListedDefinition
    input: str = ""


DEFINITION: Final = pydantic.TypeAdapter(models.WorkflowDefinition)
DEFINITIONS: Final = pydantic.TypeAdapter(list[models.WorkflowDefinition])
WORKFLOW: Final = pydantic.TypeAdapter(models.Workflow)
LISTED_WORKFLOWS: Final = pydantic.TypeAdapter(tuple[ListedWorkflow, ...])
STATE_RESOURCE: Final = pydantic.TypeAdapter(models.StateResource)
QUEUE: Final = pydantic.TypeAdapter(models.Queue)
QUEUES: Final = pydantic.TypeAdapter(list[models.Queue])
QUOTAS: Final = pydantic.TypeAdapter(list[models.QuotaHeadroom])
