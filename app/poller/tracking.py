"""What the poller remembers of active workflows: little of each, and by state machine and queue."""

import sys
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from workflow_manager.models import WorkflowStatus

NEVER: Final = float("-inf")


@dataclass(slots=True, eq=False)
class Tracked:
    """An active workflow. Times are seconds on the clock of the loop."""

    id: str
    machine: str
    """ARN of its state machine; the same string for all workflows of one."""
    queue: str
    status: WorkflowStatus
    revision: int
    since: float
    """When it came to be tracked."""
    asked_at: float = NEVER
    """When it was its turn to be asked about, with an answer or without."""
    seen_at: float = NEVER
    """When it was last seen, in a list or otherwise."""
    denied_at: float | None = None
    """When Step Functions first said that it does not know it, since it last knew it."""
    resumes: bool = False
    """Whether it resumes another workflow."""
    redrives: int = 0
    tries: int = 0
    """Times in a row that its details could not be read."""

    @property
    def execution_arn(self) -> str:
        """ARN of its execution."""
        return f"{self.machine.replace(':stateMachine:', ':execution:', 1)}:{self.id}"


class ActiveSet:
    """All tracked workflows, by id, by state machine and by queue."""

    def __init__(self) -> None:
        self._by_id: dict[str, Tracked] = {}
        self._by_machine: dict[str, dict[str, Tracked]] = {}
        self._by_queue: dict[str, dict[str, Tracked]] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Tracked]:
        return iter(list(self._by_id.values()))

    def __contains__(self, workflow_id: object) -> bool:
        return workflow_id in self._by_id

    def get(self, workflow_id: str) -> Tracked | None:
        """Return a workflow, if it is tracked."""
        return self._by_id.get(workflow_id)

    def add(self, tracked: Tracked) -> None:
        """Track a workflow."""
        tracked.machine, tracked.queue = sys.intern(tracked.machine), sys.intern(tracked.queue)
        self._by_id[tracked.id] = tracked
        self._by_machine.setdefault(tracked.machine, {})[tracked.id] = tracked
        self._by_queue.setdefault(tracked.queue, {})[tracked.id] = tracked

    def remove(self, tracked: Tracked) -> None:
        """Stop tracking a workflow."""
        if self._by_id.pop(tracked.id, None) is None:
            return
        for groups, name in ((self._by_machine, tracked.machine), (self._by_queue, tracked.queue)):
            del groups[name][tracked.id]
            if not groups[name]:
                del groups[name]

    def members(self, machine: str) -> Mapping[str, Tracked]:
        """Return the workflows of a state machine, by id."""
        return self._by_machine.get(machine, {})

    def in_queue(self, queue: str) -> Mapping[str, Tracked]:
        """Return the workflows of a queue, by id."""
        return self._by_queue.get(queue, {})

    def queues(self) -> AbstractSet[str]:
        """Return the names of the queues that have workflows."""
        return self._by_queue.keys()

    def counts(self) -> Mapping[str, int]:
        """Return how many workflows each state machine has."""
        return {machine: len(members) for machine, members in self._by_machine.items()}


def state_machine_of(execution_arn: str) -> str:
    """Return the ARN of the state machine that an execution belongs to."""
    return execution_arn.replace(":execution:", ":stateMachine:", 1).rpartition(":")[0]
