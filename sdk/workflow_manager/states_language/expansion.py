"""What the service changes in a definition for AWS: short resources, the default retrier, ``_EXECUTION_NAME``."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from workflow_manager import errors
from workflow_manager.states_language import names as aws_names
from workflow_manager.states_language.absent import drop_absent
from workflow_manager.states_language.model import JSONATA, State, walk
from workflow_manager.states_language.resources import Form, is_activity, parse

COMMAND_TERMINATED: Final = "sfncli.CommandTerminated"
"""The error of a worker that was stopped while its command ran; another worker can take the task."""

EXECUTION_NAME: Final = "_EXECUTION_NAME"
"""The field of the input that holds the workflow's id."""

_OWN_NAME: Final = "Execution.Name"
_INHERITED_NAME: Final = f"Execution.Input.{EXECUTION_NAME}"


@dataclass(frozen=True, slots=True)
class _Place:
    namespace: str
    region: str
    account_id: str


def resource_names(machine: dict[str, Any]) -> frozenset[str]:
    """Return the short resources of a machine as written: the names that state resources can be registered for."""
    resources = (parse(text) for state in walk(machine) if (text := _resource(state)) is not None)
    return frozenset(resource.text for resource in resources if resource is not None and resource.form is not Form.ARN)


def expand(
    machine: dict[str, Any], *, names: Mapping[str, str], namespace: str, region: str, account_id: str
) -> dict[str, Any]:
    """Return a valid machine as it is sent to AWS; the argument stays as it is.

    ``names`` are the URIs of the state resources registered in the namespace, by name. Their keys win over the naming
    convention. Everything else of the machine stays equal, but that what counts as absent is left out. Raises
    ``RefusedByAWS`` when a name in this namespace is none that AWS takes.
    """
    expanded = copy.deepcopy(machine)
    drop_absent(expanded)
    place = _Place(namespace, region, account_id)
    for state in walk(expanded):
        if state.kind == "Task":
            _expand_resource(state, names, place)
            _add_retrier(state)
        elif state.kind == "Map":
            _add_execution_name(state)
    return expanded


def _resource(state: State) -> str | None:
    text = state.body.get("Resource") if state.kind == "Task" else None
    return text if isinstance(text, str) else None


def _expand_resource(state: State, names: Mapping[str, str], place: _Place) -> None:
    text = _resource(state)
    resource = parse(text) if text is not None else None
    if resource is None or resource.form is Form.ARN:
        return
    if resource.text in names:
        state.body["Resource"] = names[resource.text]
    elif resource.form is Form.ACTIVITY:
        _refuse(aws_names.activity_name_problem(resource.name, namespace=place.namespace))
        state.body["Resource"] = aws_names.activity_arn(
            resource.name, namespace=place.namespace, region=place.region, account_id=place.account_id
        )
    elif resource.form is Form.LAMBDA:
        _refuse(aws_names.lambda_name_problem(resource.name, namespace=place.namespace))
        state.body["Resource"] = aws_names.lambda_arn(
            resource.name, namespace=place.namespace, region=place.region, account_id=place.account_id
        )
    else:
        state.body["Resource"] = aws_names.glue_arn(region=place.region)
        _set_job_name(state, aws_names.scoped(resource.name, namespace=place.namespace))


def _refuse(problem: str | None) -> None:
    if problem:
        raise errors.RefusedByAWS(problem)


def _set_job_name(state: State, job_name: str) -> None:
    field = "Arguments" if state.language == JSONATA else "Parameters"
    given = state.body.get(field)
    kept = {key: value for key, value in given.items() if key != "JobName.$"} if isinstance(given, dict) else {}
    state.body[field] = {**kept, "JobName": job_name}


def _add_retrier(state: State) -> None:
    text = _resource(state)
    if text is None or not is_activity(text):
        return
    retriers = state.body.get("Retry", [])
    if not any(COMMAND_TERMINATED in retrier.get("ErrorEquals", ()) for retrier in retriers):
        state.body["Retry"] = [_default_retrier(), *retriers]


def _default_retrier() -> dict[str, Any]:
    return {"ErrorEquals": [COMMAND_TERMINATED], "IntervalSeconds": 10, "MaxAttempts": 10, "BackoffRate": 1.0}


def _add_execution_name(state: State) -> None:
    """Add the workflow's id to the input that a Map makes for its iterations, where it makes one.

    The context object knows the id whatever has become of the state's input. Inside the child executions of a
    distributed Map it holds the child's own name, so there the id is taken from the child's input, if it got there.
    """
    selector = _selector(state)
    if selector is None or _has_execution_name(selector):
        return
    outer = _child_execution_of(state)
    if outer is None:
        source = _OWN_NAME
    elif _passes_execution_name(outer):
        source = _INHERITED_NAME
    else:
        return
    if state.language == JSONATA:
        selector[EXECUTION_NAME] = f"{{% $states.context.{source} %}}"
    else:
        selector[f"{EXECUTION_NAME}.$"] = f"$$.{source}"


def loses_execution_name(task: State) -> State | None:
    """Return the Map around a Task that keeps the workflow's id from its input, if one does."""
    outer = task.parent
    while outer is not None and outer.kind != "Map":
        outer = outer.parent
    if outer is None or _mentions_execution_name(task.body.get("Parameters", task.body.get("Arguments"))):
        return None
    batcher = outer.body.get("ItemBatcher")
    if isinstance(batcher, dict):
        return None if _mentions_execution_name(batcher.get("BatchInput")) else outer
    selector = _selector(outer)
    if selector is None:
        return None if _mentions_execution_name(outer.body.get("ItemSelector")) else outer
    around = _child_execution_of(outer)
    added = around is None or _passes_execution_name(around)
    return None if added or _has_execution_name(selector) else outer


def _mentions_execution_name(value: object) -> bool:
    """Tell whether an object has the id as a field, or the text of an expression speaks of it."""
    if isinstance(value, str):
        return EXECUTION_NAME in value
    return isinstance(value, dict) and _has_execution_name(value)


def _selector(state: State) -> dict[str, Any] | None:
    fields = ("ItemSelector",) if state.language == JSONATA else ("ItemSelector", "Parameters")
    return next((state.body[field] for field in fields if isinstance(state.body.get(field), dict)), None)


def _has_execution_name(selector: dict[str, Any]) -> bool:
    return EXECUTION_NAME in selector or f"{EXECUTION_NAME}.$" in selector


def _child_execution_of(state: State) -> State | None:
    """Return the nearest distributed Map around a state, if any."""
    outer = state.parent
    while outer is not None and not outer.distributed:
        outer = outer.parent
    return outer


def _passes_execution_name(outer: State) -> bool:
    """Tell whether a child execution finds the id in its input; a batch wraps the items, so it does not."""
    selector = _selector(outer)
    return selector is not None and _has_execution_name(selector) and "ItemBatcher" not in outer.body
