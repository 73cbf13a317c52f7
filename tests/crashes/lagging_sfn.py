"""Step Functions whose runs go on by themselves, and whose answers lag behind."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tests.fake_sfn import JSON, Execution, FakeSFN
from workflow_manager import errors

MOST_LAG_SECONDS = 2.0
"""Each answer comes from a replica that is this much behind, at the most."""

LONGEST_RUN_SECONDS = 20.0


class LaggingSFN(FakeSFN):
    """Runs start, enter their state, and succeed or fail after a while; some never end unless they are stopped."""

    def __init__(self, now: Callable[[], datetime], chance: random.Random) -> None:
        super().__init__(now)
        self.chance = chance
        self.inputs_given: defaultdict[str, set[str]] = defaultdict(set)
        """All texts that an execution was asked to start with, by its name."""
        self.most_lag_seconds = MOST_LAG_SECONDS
        self.on_start: Callable[[str], None] = lambda name: None

    async def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> JSON:  # noqa: A002, N803
        self.inputs_given[name].add(input)
        before = len(self.executions)
        answer = await super().start_execution(stateMachineArn=stateMachineArn, name=name, input=input)
        if len(self.executions) > before:
            self._live(name, input)
            self.on_start(name)
        return answer

    async def stop_execution(self, *, executionArn: str, cause: str = "", error: str = "") -> JSON:  # noqa: N803
        self._known(executionArn)
        execution = self.executions[executionArn]
        if execution.status == "RUNNING":
            execution.status, execution.stopped_at, execution.cause = "ABORTED", self.now(), cause
            execution.record("ExecutionAborted", self.now(), executionAbortedEventDetails={"cause": cause})
        return {"stopDate": execution.stopped_at}

    async def list_executions(
        self,
        *,
        stateMachineArn: str,  # noqa: N803
        statusFilter: str,  # noqa: N803
        maxResults: int,  # noqa: N803
    ) -> JSON:
        prefix = stateMachineArn.replace(":stateMachine:", ":execution:") + ":"
        rows = []
        for arn in reversed(self.executions):
            if not arn.startswith(prefix):
                continue
            try:
                seen = self._known(arn)
            except errors.ExecutionNotFound:
                continue
            if seen.status == statusFilter:
                rows.append(_row(seen))
        return {"executions": rows[:maxResults]}

    def runs(self, name: str) -> bool:
        """Tell whether the execution of a name goes on."""
        return any(
            execution.status == "RUNNING" and arn.endswith(f":{name}") for arn, execution in self.executions.items()
        )

    def end_all(self) -> None:
        """End every run that still goes on."""
        for arn, execution in self.executions.items():
            if execution.status == "RUNNING":
                self._finish(arn.rpartition(":")[2])

    def _live(self, name: str, text: str) -> None:
        loop = asyncio.get_running_loop()
        if self.chance.random() < 0.1:
            loop.call_later(self.chance.uniform(0, 0.1), self._finish, name)
        entered = self.chance.uniform(0, 1.5)
        loop.call_later(entered, self._enter, name, text)
        if self.chance.random() < 0.8:
            loop.call_later(entered + self.chance.uniform(0, LONGEST_RUN_SECONDS), self._finish, name)

    def _enter(self, name: str, text: str) -> None:
        if self.execution(name).status == "RUNNING":
            self.enter(name, "echo", input=text)

    def _finish(self, name: str) -> None:
        if self.execution(name).status != "RUNNING":
            return
        if self.chance.random() < 0.5:
            self.succeed(name, output=f'{{"by":"{name}"}}')
        else:
            self.fail(name, "Boom", "it broke")

    def _known(self, execution_arn: str) -> Execution:
        """Return an execution as somebody sees it who is a little behind."""
        execution = super()._known(execution_arn)
        lag = self.chance.choice((0.0, self.chance.uniform(0, self.most_lag_seconds)))
        moment = self.now() - timedelta(seconds=lag)
        if execution.started_at > moment:
            raise errors.ExecutionNotFound
        seen = replace(execution, events=[event for event in execution.events if event["timestamp"] <= moment])
        if execution.stopped_at is not None and execution.stopped_at > moment:
            seen = replace(seen, status="RUNNING", stopped_at=None, output=None, error=None, cause=None)
        return seen


def _row(execution: Execution) -> dict[str, Any]:
    row = {
        "executionArn": execution.arn,
        "name": execution.arn.rpartition(":")[2],
        "status": execution.status,
        "startDate": execution.started_at,
        "stopDate": execution.stopped_at,
    }
    return {key: value for key, value in row.items() if value is not None}
