"""The answers of the embedded Step Functions on the wire, where they differ from moto's."""

import socket
from collections.abc import Callable
from typing import Any

from moto.core.common_types import TYPE_RESPONSE
from moto.core.exceptions import AWSError
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import camelcase_to_underscores
from moto.stepfunctions.responses import StepFunctionResponse

from workflow_manager.local.stepfunctions import paging, validation
from workflow_manager.local.stepfunctions.backend import Backend, backends
from workflow_manager.local.stepfunctions.executions import Execution, ExecutionSnapshot
from workflow_manager.local.stepfunctions.history import Event

HISTORY_LIMIT = 100
"""Events on a page of GetExecutionHistory when the caller names no number, as AWS does."""

PAYLOADS = frozenset({"input", "output", "inputDetails", "outputDetails"})
"""What ``includeExecutionData = false`` leaves out of events and descriptions."""


class StepFunctionsResponse(StepFunctionResponse):
    """One request to Step Functions and its answer."""

    use_raw_body = True

    @property
    def stepfunction_backend(self) -> Backend:
        """The Step Functions of the account and region that the request is for."""
        return backends[self.current_account][self.region]

    def call_action(self) -> TYPE_RESPONSE:
        """Answer, or refuse what AWS would refuse outright."""
        action = self._get_action()
        try:
            validation.check(action, self.body)
            if not hasattr(self, camelcase_to_underscores(action)):
                raise validation.UnknownOperationException(f"The embedded AWS does not have {action}")
        except AWSError as refused:
            return refused.code, dict(refused.get_headers()), refused.get_body()
        return super().call_action()

    # Executions

    def list_executions(self) -> ActionResult:
        """Answer ListExecutions."""
        if self._get_param("redriveFilter") or self._get_param("statusFilter") == "PENDING_REDRIVE":
            raise validation.ValidationException("Redrives can be listed by mapRunArn only, not by stateMachineArn")
        executions, next_token = self.stepfunction_backend.list_executions(
            self._get_param("stateMachineArn"),
            status_filter=self._get_param("statusFilter"),
            max_results=self._get_param("maxResults"),
            next_token=self._get_param("nextToken"),
        )
        return ActionResult({"executions": [_row(one, one.snapshot) for one in executions], "nextToken": next_token})

    def describe_execution(self) -> ActionResult:
        """Answer DescribeExecution."""
        execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        snapshot = execution.snapshot
        not_redrivable = execution.redrive_refusal(snapshot)
        description = _row(execution, snapshot) | {
            "input": execution.execution_input,
            "inputDetails": {"included": True},
            "output": snapshot.output,
            "outputDetails": {"included": True} if snapshot.output is not None else None,
            "error": snapshot.error,
            "cause": snapshot.cause,
            "redriveStatus": "NOT_REDRIVABLE" if not_redrivable else "REDRIVABLE",
            "redriveStatusReason": not_redrivable,
        }
        without = PAYLOADS if self._get_param("includedData") == "METADATA_ONLY" else ()
        return ActionResult({name: value for name, value in description.items() if name not in without})

    def describe_state_machine_for_execution(self) -> ActionResult:
        """Answer DescribeStateMachineForExecution: the machine as it was when the execution started."""
        execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        machine: Any = execution.state_machine
        return ActionResult(
            {
                "stateMachineArn": machine.arn,
                "name": machine.name,
                "definition": machine.definition,
                "roleArn": machine.roleArn,
                "updateDate": machine.update_date,
                "loggingConfiguration": machine.loggingConfiguration,
                "tracingConfiguration": machine.tracingConfiguration,
            }
        )

    def stop_execution(self) -> ActionResult:
        """Answer StopExecution."""
        execution = self.stepfunction_backend.stop_execution(
            self._get_param("executionArn"), self._get_param("error"), self._get_param("cause")
        )
        return ActionResult({"stopDate": execution.snapshot.stop_date})

    def redrive_execution(self) -> ActionResult:
        """Answer RedriveExecution."""
        date = self.stepfunction_backend.redrive_execution(
            self._get_param("executionArn"), self._get_param("clientToken")
        )
        return ActionResult({"redriveDate": date})

    def get_execution_history(self) -> ActionResult:
        """Answer GetExecutionHistory."""
        execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        token = self._get_param("nextToken")
        events, next_id = execution.history.page(
            first_id=paging.read_event_id(token) if token else None,
            limit=self._get_param("maxResults") or HISTORY_LIMIT,
            newest_first=bool(self._get_param("reverseOrder")),
        )
        if self._get_param("includeExecutionData") is False:
            events = [_without_payloads(event) for event in events]
        return ActionResult({"events": events, "nextToken": paging.encode(next_id) if next_id else None})

    def validate_state_machine_definition(self) -> ActionResult:
        """Answer ValidateStateMachineDefinition."""
        try:
            self.stepfunction_backend._validate_definition(self._get_param("definition"))  # noqa: SLF001 - moto's only way
        except AWSError as invalid:
            finding = {"severity": "ERROR", "code": "SCHEMA_VALIDATION_FAILED", "message": invalid.message}
            return ActionResult({"result": "FAIL", "diagnostics": [finding]})
        return ActionResult({"result": "OK", "diagnostics": []})

    # Activities

    def get_activity_task(self) -> ActionResult:
        """Answer GetActivityTask: hold the request until there is a task, a minute at most."""
        task = self.stepfunction_backend.get_activity_task(
            self._get_param("activityArn"), self._get_param("workerName"), self._hung_up()
        )
        return ActionResult({"taskToken": task.callback_id, "input": task.input} if task else {})

    def send_task_failure(self) -> ActionResult:
        """Answer SendTaskFailure."""
        self.stepfunction_backend.send_task_failure(
            self._get_param("taskToken"), self._get_param("error"), self._get_param("cause")
        )
        return EmptyResult()

    def _hung_up(self) -> Callable[[], bool]:
        connection: socket.socket = self.normalized_request.environ["werkzeug.socket"]

        def hung_up() -> bool:
            try:
                return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
            except BlockingIOError:
                return False
            except OSError:
                return True

        return hung_up


def _row(execution: Execution, snapshot: ExecutionSnapshot) -> dict[str, Any]:
    return {
        "executionArn": execution.execution_arn,
        "stateMachineArn": execution.state_machine_arn,
        "name": execution.name,
        "status": snapshot.status.value,
        "startDate": execution.start_date,
        "stopDate": snapshot.stop_date,
        "redriveCount": snapshot.redrives.count,
        "redriveDate": snapshot.redrives.date,
    }


def _without_payloads(event: Event) -> Event:
    return {name: _stripped(value) if isinstance(value, dict) else value for name, value in event.items()}


def _stripped(details: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in details.items() if name not in PAYLOADS}
