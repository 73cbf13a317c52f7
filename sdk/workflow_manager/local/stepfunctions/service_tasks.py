"""Tasks of the interpreter that call an AWS service: how they get a client, and nested executions."""

import threading
from typing import Any

import boto3
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sfn import (
    StateTaskServiceSfn,
)
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str


class SerialClients:
    """Makes clients one at a time, which boto3's default session demands; stands in for the module boto3."""

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()

    def client(self, **settings: Any) -> Any:
        """Return a new client."""
        with self._one_at_a_time:
            return boto3.client(**settings)


def nested_parameters(_task: StateTaskServiceSfn, parameters: dict[str, Any], *_: Any, **__: Any) -> None:
    """Turn the parameters of a nested execution from the spelling of states to that of the API, in place."""
    given = dict(parameters)
    if not isinstance(given.setdefault("Input", {}), str):
        given["Input"] = to_json_str(given["Input"], separators=(",", ":"))
    parameters.clear()
    parameters.update({name[0].lower() + name[1:]: value for name, value in given.items()})


def nested_result(_task: StateTaskServiceSfn, response: Any, *_: Any, **__: Any) -> None:
    """Turn the answer about a nested execution from the spelling of the API to that of states, in place."""
    given = dict(response)
    response.clear()
    response.update({name[0].upper() + name[1:]: value for name, value in given.items()})
