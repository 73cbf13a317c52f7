"""Step Functions with runs that loop over a large document which cannot be deflated, as answers for ``canned_sfn``."""

import base64
import json
import random
from typing import Any, Final

from benchmarks.canned_sfn import ANSWERS, STARTED_AT

STEPS: Final = ("PassStateEntered", "PassStateExited", "ChoiceStateEntered", "ChoiceStateExited")
FIRST_STEP: Final = 2
"""Id of the event after ``ExecutionStarted``."""

SMALL: Final = "small"
"""In the names of executions that have a short history and succeed when they are asked about for the second time."""

RANDOM_BYTES_OF_TEXT: Final = 3 / 4


class LoopingSFN:
    """Runs of so many turns. The Pass makes another document in each, which the Choice and the next turn are given."""

    def __init__(self, *, turns: int, document_bytes: int) -> None:
        self._length = 1 + turns * len(STEPS)
        self._document_bytes = document_bytes
        self._started: list[str] = []
        self._looks: dict[str, int] = {}

    def __call__(self, action: str, body: bytes) -> object:
        """Answer."""
        request = json.loads(body)
        if action == "startexecution":
            machine = request["stateMachineArn"].replace(":stateMachine:", ":execution:")
            arn = f"{machine}:{request['name']}"
            self._started.append(arn)
            return {"executionArn": arn, "startDate": STARTED_AT}
        if action == "getexecutionhistory":
            return self._history(request)
        if action == "describeexecution":
            return self._description(request["executionArn"])
        if action == "listexecutions":
            return {"executions": [self._row(arn) for arn in self._listed(request)]}
        return next(answer for name, answer in ANSWERS.items() if name.lower() == action)

    def _listed(self, request: dict[str, Any]) -> list[str]:
        prefix = request["stateMachineArn"].replace(":stateMachine:", ":execution:")
        wanted = request.get("statusFilter")
        return [arn for arn in self._started if arn.startswith(prefix) and wanted in {None, self._status(arn)}]

    def _status(self, arn: str) -> str:
        return "SUCCEEDED" if self._looks.get(arn, 0) > 1 else "RUNNING"

    def _row(self, arn: str) -> dict[str, Any]:
        machine, _, name = arn.replace(":execution:", ":stateMachine:").rpartition(":")
        status = self._status(arn)
        stopped = {"stopDate": STARTED_AT + 1} if status != "RUNNING" else {}
        row = {"executionArn": arn, "stateMachineArn": machine, "name": name, "status": status}
        return {**row, "startDate": STARTED_AT, **stopped}

    def _description(self, arn: str) -> dict[str, Any]:
        self._looks[arn] = self._looks.get(arn, 0) + self._is_small(arn)
        return {**self._row(arn), "input": "{}"}

    def _is_small(self, arn: str) -> bool:
        return f"--{SMALL}--" in arn

    def _history(self, request: dict[str, Any]) -> dict[str, Any]:
        arn, first = request["executionArn"], int(request.get("nextToken", "1"))
        if self._is_small(arn):
            self._looks[arn] = self._looks.get(arn, 0) + 1
            return {"events": self._small(self._status(arn))}
        after = min(first + (request.get("maxResults") or 100), self._length + 1)
        page: dict[str, Any] = {"events": [self._event(arn, number) for number in range(first, after)]}
        return page if after > self._length else {**page, "nextToken": str(after)}

    def _small(self, status: str) -> list[dict[str, Any]]:
        events = [{"id": 1, "previousEventId": 0, "timestamp": STARTED_AT, "type": "ExecutionStarted"}]
        if status != "RUNNING":
            events.append({"id": 2, "previousEventId": 1, "timestamp": STARTED_AT, "type": "ExecutionSucceeded"})
        return events

    def _event(self, arn: str, number: int) -> dict[str, Any]:
        common = {"id": number, "previousEventId": number - 1, "timestamp": STARTED_AT + number}
        if number < FIRST_STEP:
            return {**common, "type": "ExecutionStarted"}
        turn, step = divmod(number - FIRST_STEP, len(STEPS))
        seen = random.Random(f"{arn} {turn + (step > 0)}").randbytes(int(self._document_bytes * RANDOM_BYTES_OF_TEXT))
        text = json.dumps({"data": base64.b64encode(seen).decode()})
        entered = STEPS[step].endswith("Entered")
        name = "Count" if step < len(STEPS) // 2 else "Again"
        details = {"name": name, "input" if entered else "output": text}
        return {**common, "type": STEPS[step], f"state{'Entered' if entered else 'Exited'}EventDetails": details}
