"""Executions of one activity task each on the embedded AWS, seen with a client that waits."""

import json
import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.eventually import eventually

ROLE = "arn:aws:iam::123456789012:role/workflow-manager"
RETRIED = ["sfncli.CommandTerminated", "States.Timeout", "States.HeartbeatTimeout"]


@dataclass
class Execution:
    """One execution."""

    client: Any
    arn: str
    name: str

    def ended(self) -> "Execution":
        """Wait for its end."""
        eventually(lambda: self.description["status"] != "RUNNING", what=f"the end of {self.name}")
        return self

    def stop(self) -> None:
        """Stop it from outside."""
        self.client.stop_execution(executionArn=self.arn)

    @property
    def description(self) -> Mapping[str, Any]:
        """What AWS says about it."""
        described: Mapping[str, Any] = self.client.describe_execution(executionArn=self.arn)
        return described

    @property
    def output(self) -> str:
        """Its output, once it has succeeded."""
        described = self.description
        assert described["status"] == "SUCCEEDED", described
        return str(described["output"])

    @property
    def error(self) -> tuple[str, str]:
        """Error name and cause, once it has failed."""
        described = self.description
        assert described["status"] == "FAILED", described
        return described["error"], described.get("cause", "")

    @property
    def events(self) -> Mapping[str, list[Mapping[str, Any]]]:
        """The details of all events by their type, in order."""
        found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for page in self.client.get_paginator("get_execution_history").paginate(executionArn=self.arn):
            for event in page["events"]:
                kind = event["type"]
                found[kind].append(event.get(kind[0].lower() + kind[1:] + "EventDetails", {}))
        return found


class Machine:
    """A state machine of one task state, for an activity of the same name."""

    def __init__(self, client: Any, name: str | None = None, *, heartbeat_seconds: int = 60, retries: int = 0) -> None:
        self.client = client
        self.name = name or f"conformance-{uuid.uuid4()}"
        arn = client.create_activity(name=self.name)["activityArn"]
        state: dict[str, Any] = {"Type": "Task", "Resource": arn, "HeartbeatSeconds": heartbeat_seconds, "End": True}
        if retries:
            rule = {"ErrorEquals": RETRIED, "IntervalSeconds": 1, "MaxAttempts": retries, "BackoffRate": 1.0}
            state["Retry"] = [rule]
        definition = json.dumps({"StartAt": "Work", "States": {"Work": state}})
        made = client.create_state_machine(name=self.name, roleArn=ROLE, definition=definition)
        self._arn = made["stateMachineArn"]

    def start(self, task_input: str | None = None, *, name: str | None = None) -> Execution:
        """Start an execution, whose name is in its input unless the input is given."""
        name = name or str(uuid.uuid4())
        text = json.dumps({"_EXECUTION_NAME": name}) if task_input is None else task_input
        started = self.client.start_execution(stateMachineArn=self._arn, name=name, input=text)
        return Execution(self.client, started["executionArn"], name)
