"""Step Functions in memory: executions start, and end when a test says so."""

import json
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from workflow_manager import errors, models
from workflow_manager.aws import answer_sizes
from workflow_manager.local.stepfunctions import redrive
from workflow_manager.local.stepfunctions.redrive import Redrives

if TYPE_CHECKING:
    from types_aiobotocore_stepfunctions import SFNClient

JSON = dict[str, Any]


@dataclass
class Execution:
    """One execution and its history."""

    arn: str
    input: str
    started_at: datetime
    status: str = "RUNNING"
    stopped_at: datetime | None = None
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    events: list[JSON] = field(default_factory=list)
    redrives: Redrives = field(default_factory=Redrives)

    def redrive_refusal(self, now: datetime) -> str | None:
        """Return why Step Functions would not redrive it."""
        return redrive.refusal(
            status=self.status, started=self.started_at, stopped=self.stopped_at, events=len(self.events), now=now
        )

    def record(self, kind: str, moment: datetime, **details: JSON) -> int:
        """Append an event that follows the one before it; returns its id."""
        number = len(self.events) + 1
        event = {"id": number, "previousEventId": number - 1, "type": kind, "timestamp": moment, **details}
        self.events.append(event)
        return number


class FakeSFN:
    """What the service uses of an SFN client, raising our errors as the translate client does."""

    def __init__(self, now: Callable[[], datetime] = models.now) -> None:
        self.machines: dict[str, JSON] = {}
        self.activities: dict[str, None] = {}
        self.executions: dict[str, Execution] = {}
        self.calls: Counter[str] = Counter()
        self.failures: defaultdict[str, deque[Exception]] = defaultdict(deque)
        self.before: dict[str, Callable[[], Awaitable[None]]] = {}
        self.now = now

    def client(self) -> "SFNClient":
        """Return this fake under the type of the real client."""
        return cast("SFNClient", self)

    def fail_next(self, operation: str, *failures: Exception) -> None:
        """Make the next calls of an operation raise, one failure each."""
        self.failures[operation].extend(failures)

    def execution(self, workflow_id: str) -> Execution:
        """Return the execution that runs a workflow."""
        return next(execution for arn, execution in self.executions.items() if arn.endswith(f":{workflow_id}"))

    def enter(self, workflow_id: str, state: str, *, kind: str = "Task", input: str = "{}") -> None:  # noqa: A002
        """Let a run enter a state."""
        self.execution(workflow_id).record(
            f"{kind}StateEntered", self.now(), stateEnteredEventDetails={"name": state, "input": input}
        )

    def leave(self, workflow_id: str, state: str, *, kind: str = "Pass", **assigned: str) -> None:
        """Let a run leave a state that assigned variables, each given as JSON text."""
        details = {"name": state, "output": "{}", "assignedVariables": assigned}
        self.execution(workflow_id).record(f"{kind}StateExited", self.now(), stateExitedEventDetails=details)

    def succeed(self, workflow_id: str, output: str = "{}") -> None:
        """End a run well."""
        self._end(workflow_id, "SUCCEEDED", "ExecutionSucceeded", output=output)

    def fail(self, workflow_id: str, error: str, cause: str) -> None:
        """End a run with an error."""
        self._end(workflow_id, "FAILED", "ExecutionFailed", error=error, cause=cause)

    def redrive(self, workflow_id: str) -> None:
        """Let a run go on without anybody having asked through the service."""
        self._redrive(self.execution(workflow_id))

    def forget(self, workflow_id: str) -> None:
        """Lose an execution, as Step Functions does after 90 days."""
        del self.executions[self.execution(workflow_id).arn]

    async def create_state_machine(
        self,
        *,
        name: str,
        definition: str,
        roleArn: str,
        tags: list[JSON],
    ) -> JSON:
        await self._called("create_state_machine")
        arn = f"arn:aws:states:us-west-2:123456789012:stateMachine:{name}"
        known = self.machines.get(arn)
        if known and known["definition"] != definition:
            raise errors.StateMachineExists
        if known is None:
            known = {"definition": definition, "roleArn": roleArn, "tags": tags, "creationDate": self.now()}
            self.machines[arn] = known
        # Another role or other tags make no difference to AWS, and do not come into force either.
        return {"stateMachineArn": arn, "creationDate": known.get("creationDate", self.now())}

    async def create_activity(self, *, name: str) -> JSON:
        await self._called("create_activity")
        arn = f"arn:aws:states:us-west-2:123456789012:activity:{name}"
        self.activities[arn] = None
        return {"activityArn": arn}

    async def describe_state_machine(self, *, stateMachineArn: str) -> JSON:
        await self._called("describe_state_machine")
        if stateMachineArn not in self.machines:
            raise errors.StateMachineNotFound
        return {key: self.machines[stateMachineArn][key] for key in ("definition", "roleArn")}

    async def update_state_machine(self, *, stateMachineArn: str, definition: str, roleArn: str) -> JSON:
        await self._called("update_state_machine")
        self.machines[stateMachineArn] |= {"definition": definition, "roleArn": roleArn}
        return {}

    async def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> JSON:  # noqa: A002
        await self._called("start_execution")
        if stateMachineArn not in self.machines:
            raise errors.StateMachineNotFound
        arn = f"{stateMachineArn.replace(':stateMachine:', ':execution:')}:{name}"
        known = self.executions.get(arn)
        if known and (known.input, known.status) != (input, "RUNNING"):
            raise errors.ExecutionExists
        if not known:
            execution = self.executions[arn] = Execution(arn=arn, input=input, started_at=self.now())
            execution.record("ExecutionStarted", self.now(), executionStartedEventDetails={"input": input})
        return {"executionArn": arn, "startDate": self.executions[arn].started_at}

    async def describe_execution(self, *, executionArn: str) -> JSON:
        await self._called("describe_execution")
        execution = self._known(executionArn)
        answer = {
            "executionArn": executionArn,
            "status": execution.status,
            "startDate": execution.started_at,
            "stopDate": execution.stopped_at,
            "input": execution.input,
            "output": execution.output,
            "error": execution.error,
            "cause": execution.cause,
            "redriveCount": execution.redrives.count,
            "redriveDate": execution.redrives.date,
            "redriveStatus": "NOT_REDRIVABLE" if (reason := execution.redrive_refusal(self.now())) else "REDRIVABLE",
            "redriveStatusReason": reason,
        }
        return {key: value for key, value in answer.items() if value is not None}

    async def redrive_execution(self, *, executionArn: str, clientToken: str) -> JSON:
        await self._called("redrive_execution")
        execution, now = self._known(executionArn), self.now()
        date = execution.redrives.answered(clientToken, now=now)
        if date is None:
            if reason := execution.redrive_refusal(now):
                raise errors.NotRedrivable(f"Execution {executionArn} invalid for redrive as: {reason}")
            date = self._redrive(execution, clientToken)
        return {"redriveDate": date}

    async def get_execution_history(
        self,
        *,
        executionArn: str,
        maxResults: int,
        nextToken: str = "0",
    ) -> JSON:
        await self._called("get_execution_history")
        events = self._known(executionArn).events
        start = int(nextToken)
        page: JSON = {"events": events[start : start + maxResults]}
        if start + maxResults < len(events):
            page["nextToken"] = str(start + maxResults)
        if answer_sizes.is_limited():
            answer_sizes.check(sum(map(_size, page["events"])))
        return page

    async def stop_execution(self, *, executionArn: str, cause: str = "", error: str = "") -> JSON:
        await self._called("stop_execution")
        execution = self._known(executionArn)
        if execution.status == "RUNNING":
            execution.status, execution.stopped_at = "ABORTED", self.now()
            execution.error, execution.cause = error or None, cause or None
            execution.record("ExecutionAborted", self.now(), executionAbortedEventDetails={"cause": cause})
        return {"stopDate": execution.stopped_at}

    def inputs(self) -> list[JSON]:
        """Return what every execution was started with."""
        return [json.loads(execution.input) for execution in self.executions.values()]

    async def _called(self, operation: str) -> None:
        self.calls[operation] += 1
        if hook := self.before.get(operation):
            await hook()
        if self.failures[operation]:
            raise self.failures[operation].popleft()

    def _known(self, execution_arn: str) -> Execution:
        try:
            return self.executions[execution_arn]
        except KeyError:
            raise errors.ExecutionNotFound from None

    def _redrive(self, execution: Execution, token: str = "") -> datetime:
        moment = self.now()
        execution.redrives = execution.redrives.after(token, now=moment)
        execution.status, execution.stopped_at = "RUNNING", None
        execution.output = execution.error = execution.cause = None
        count = {"redriveCount": execution.redrives.count}
        execution.record("ExecutionRedriven", moment, executionRedrivenEventDetails=count)
        return moment

    def _end(self, workflow_id: str, status: str, event: str, **details: str) -> None:
        execution = self.execution(workflow_id)
        execution.status, execution.stopped_at = status, self.now()
        for name, value in details.items():
            setattr(execution, name, value)
        execution.record(event, self.now(), **{event[0].lower() + event[1:] + "EventDetails": dict(details)})


def _size(event: JSON) -> int:
    """Tell how large an event is, nearly: its texts."""
    details = [value for value in event.values() if isinstance(value, dict)]
    return sum(len(text) for one in details for text in one.values() if isinstance(text, str))
