"""How large workflows and definitions are when they are written as JSON, near enough to end a page in time."""

import json
from typing import Final

from app.models import Job, Workflow, WorkflowDefinition

RECORD_BYTES: Final = 500
"""What the small fields of a workflow, a job or a definition take."""


class Scale:
    """Weighs what a page shows; a definition that several workflows share is measured once."""

    def __init__(self) -> None:
        self._definitions: dict[int, tuple[WorkflowDefinition, int]] = {}

    def workflow(self, workflow: Workflow) -> int:
        """Return the size of a workflow in bytes."""
        texts = (workflow.input, workflow.output, workflow.status_reason, workflow.variables)
        payloads = sum(len(text) for text in texts if text) + sum(_job(job) for job in workflow.jobs)
        return RECORD_BYTES + payloads + self.definition(workflow.workflow_definition)

    def definition(self, definition: WorkflowDefinition) -> int:
        """Return the size of a definition version in bytes."""
        known = self._definitions.get(id(definition))
        if known is None:
            size = RECORD_BYTES + len(json.dumps(definition.state_machine))
            known = self._definitions[id(definition)] = (definition, size)
        return known[1]


def _job(job: Job) -> int:
    return RECORD_BYTES + sum(len(text) for text in (job.input, job.output, job.cause, job.status_reason) if text)
