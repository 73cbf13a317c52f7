"""How large workflows and definitions are, roughly: as JSON, to end a page in time, and once they are parsed."""

import json
from typing import Final

from workflow_manager.models import Job, Workflow, WorkflowDefinition

RECORD_BYTES: Final = 500
"""What the small fields of a workflow, a job or a definition take."""

BRACKET_BYTES: Final = 64
FIELDS_BYTES: Final = 128
MEMBER_BYTES: Final = 40
"""What an object or array takes in memory, an object that is not empty on top of that, and a member of either."""

WIDE: Final = 4
"""Maximum bytes of a character of a text that is not ASCII."""


def held_bytes(text: bytes) -> int:
    """Return roughly what JSON in ASCII takes once it is parsed: many times its length where it is brackets."""
    characters = len(text) * (WIDE if b"\\u" in text else 1)
    brackets = BRACKET_BYTES * (text.count(b"{") + text.count(b"[")) + FIELDS_BYTES * text.count(b'{"')
    return characters + brackets + MEMBER_BYTES * text.count(b",")


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
