"""What a client of the embedded Step Functions does in these tests: make machines, run them, work on tasks."""

from __future__ import annotations

import json
import threading
import uuid
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from types_boto3_stepfunctions import SFNClient

ROLE = "arn:aws:iam::123456789012:role/workflow-manager"

PASS: dict[str, Any] = {"Type": "Pass", "End": True}


@dataclass(frozen=True)
class Run:
    """An execution that is over."""

    description: dict[str, Any]
    events: list[dict[str, Any]]

    @property
    def status(self) -> str:
        """Return its status."""
        return str(self.description["status"])

    @property
    def output(self) -> Any:
        """Return its output, parsed."""
        return json.loads(self.description["output"])

    @property
    def error(self) -> tuple[str | None, str | None]:
        """Return its error and cause."""
        return self.description.get("error"), self.description.get("cause")

    @property
    def event_types(self) -> list[str]:
        """Return the types of its events in order."""
        return [event["type"] for event in self.events]


class Workbench:
    """Step Functions through its ordinary API; every name it gives is new."""

    def __init__(self, client: SFNClient) -> None:
        self.client = client

    def machine(self, definition: dict[str, Any], **options: Any) -> str:
        """Create a state machine from a definition, or from its only state, and return its ARN."""
        return self.client.create_state_machine(
            name=unique("machine"), definition=text(definition), roleArn=ROLE, **options
        )["stateMachineArn"]

    def start(self, definition: dict[str, Any], given: Any = None, name: str | None = None) -> str:
        """Start an execution of a new state machine and return its ARN."""
        return self.client.start_execution(
            stateMachineArn=self.machine(definition),
            name=name or unique("run"),
            input=json.dumps({} if given is None else given),
        )["executionArn"]

    def finish(self, execution_arn: str) -> Run:
        """Wait for the end of an execution."""
        description = eventually(lambda: self.ended(execution_arn), what=f"the end of {execution_arn}")
        return Run(description, self.history(execution_arn))

    def run(self, definition: dict[str, Any], given: Any = None) -> Run:
        """Start an execution and wait for its end."""
        return self.finish(self.start(definition, given))

    def redrive(self, execution_arn: str, **options: str) -> Run:
        """Redrive an execution, and wait for its end."""
        self.client.redrive_execution(executionArn=execution_arn, **options)
        return self.finish(execution_arn)

    def history(self, execution_arn: str, **options: Any) -> list[dict[str, Any]]:
        """Return the events of an execution, as many as fit on one page."""
        answer: Any = self.client.get_execution_history(executionArn=execution_arn, maxResults=1000, **options)
        return list(answer["events"])

    def has_events(self, execution_arn: str, event_type: str, count: int = 1) -> None:
        """Wait until the history holds so many events of a type."""
        eventually(
            lambda: [event["type"] for event in self.history(execution_arn)].count(event_type) >= count or None,
            what=f"{count} {event_type} in {execution_arn}",
        )

    def activity(self) -> str:
        """Create an activity and return its ARN."""
        return self.client.create_activity(name=unique("activity"))["activityArn"]

    def take(self, activity_arn: str, worker: str = "worker-1") -> Any:
        """Take one task of an activity."""
        return self.client.get_activity_task(activityArn=activity_arn, workerName=worker)

    def work(self, activity_arn: str, answer: Callable[[Any], Any], *, tasks: int = 1) -> Future[list[Any]]:
        """Take so many tasks in a thread of their own; the result is what ``answer`` said to each."""
        result: Future[list[Any]] = Future()

        def work() -> None:
            try:
                result.set_result([answer(self.take(activity_arn)) for _ in range(tasks)])
            except Exception as error:  # noqa: BLE001 - handed to the test, which must see every kind
                result.set_exception(error)

        threading.Thread(target=work, daemon=True).start()
        return result

    def echo(self, task: Any) -> None:
        """Answer a task with its input."""
        self.client.send_task_success(
            taskToken=task["taskToken"], output=json.dumps({"got": json.loads(task["input"])})
        )

    def fail(self, task: Any) -> None:
        """Answer a task with an error."""
        self.client.send_task_failure(taskToken=task["taskToken"], error="Broken", cause="on purpose")

    def ended(self, execution_arn: str) -> dict[str, Any] | None:
        """Return the description of an execution that is over, else None."""
        description: Any = self.client.describe_execution(executionArn=execution_arn)
        return None if description["status"] == "RUNNING" else dict(description)


def unique(kind: str) -> str:
    """Return a name that nobody had before."""
    return f"{kind}-{uuid.uuid4().hex[:12]}"


def text(definition: dict[str, Any]) -> str:
    """Write a definition, or a machine whose only state this is."""
    complete = definition if "StartAt" in definition else {"StartAt": "Only", "States": {"Only": definition}}
    return json.dumps(complete)


def task(activity_arn: str, **fields: Any) -> dict[str, Any]:
    """Return a state whose task is an activity."""
    ending = {} if "Next" in fields else {"End": True}
    return {"Type": "Task", "Resource": activity_arn, **ending, **fields}


def code_of(error: Exception) -> str:
    """Return the error code of AWS."""
    response: Any = getattr(error, "response", {})
    return str(response["Error"]["Code"])
