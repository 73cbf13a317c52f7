"""Schemas of the States Language for generated clients, under the names that older clients use.

They allow unknown fields, so that additions to the language pass; ``workflow_manager.states_language`` validates.
"""

from typing import Any, Final

JSON = dict[str, Any]


def _ref(name: str) -> JSON:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(description: str, properties: JSON, *, required: tuple[str, ...] = ()) -> JSON:
    described = {name: schema if name in required else _or_nothing(schema) for name, schema in properties.items()}
    schema: JSON = {"type": "object", "description": description, "properties": described}
    if required:
        schema["required"] = list(required)
    return schema | {"additionalProperties": True}


def _array(name: str, description: str) -> JSON:
    return {"type": "array", "items": _ref(name), "description": description}


def _text(description: str) -> JSON:
    return {"type": "string", "description": description}


def _any(description: str) -> JSON:
    return {"description": description}


def _or_nothing(schema: JSON) -> JSON:
    """Allow null or an empty text, which generated clients send for fields that their callers left out."""
    if "$ref" in schema:
        return {"anyOf": [{"$ref": schema["$ref"]}, {"type": "null"}], "description": schema["description"]}
    if "enum" in schema:
        return {**schema, "type": [schema["type"], "null"], "enum": [*schema["enum"], "", None]}
    return {**schema, "type": [schema["type"], "null"]} if "type" in schema else schema


COMMENT: Final = _text("Comment for readers; it has no effect.")
NEXT: Final = _text("Name of the state that follows.")

SCHEMAS: Final[dict[str, JSON]] = {
    "SLStateMachine": _object(
        "A state machine in the Amazon States Language.",
        {
            "Comment": COMMENT,
            "QueryLanguage": {
                "type": "string",
                "enum": ["JSONPath", "JSONata"],
                "description": "Query language of states that name none; JSONPath by default.",
            },
            "StartAt": _text("Name of the first state."),
            "States": {
                "type": "object",
                "additionalProperties": _ref("SLState"),
                "description": "The states, by name.",
            },
            "TimeoutSeconds": {
                "type": "integer",
                "description": "Maximum duration of a run in seconds; a longer run fails with `States.Timeout`.",
            },
            "Version": _text("Version of the States Language; `1.0` by default."),
        },
        required=("StartAt", "States"),
    ),
    "SLState": _object(
        "A state. Its type determines which fields it may have.",
        {
            "Type": _ref("SLStateType") | {"description": "Type of the state."},
            "Comment": COMMENT,
            "Next": NEXT,
            "End": {"type": "boolean", "description": "Whether the run, branch or iteration ends with this state."},
            "Resource": _text("Resource of a Task: an ARN, or a short name such as `echo` or `lambda:echo`."),
            "InputPath": _text("Path of the part of the input that the state uses; `$` by default."),
            "OutputPath": _text("Path of the part of the result that becomes the output; `$` by default."),
            "ResultPath": _text("Where the result is placed in the input; `$`, the default, replaces it."),
            "Parameters": _any("Payload template of the effective input."),
            "ResultSelector": _any("Payload template applied to the result of a Task, Parallel or Map."),
            "Result": _any("Result of a Pass state."),
            "Retry": _array("SLRetrier", "Retriers, of which the first that matches an error applies."),
            "Catch": _array("SLCatcher", "Catchers, of which the first that matches an error applies."),
            "Choices": _array("SLChoice", "Rules of a Choice, of which the first that is true applies."),
            "Default": _text("Name of the state that follows a Choice when no rule is true."),
            "Branches": _array("SLStateMachine", "Branches of a Parallel, which run at the same time."),
            "Iterator": _ref("SLStateMachine") | {"description": "Older name of `ItemProcessor`."},
            "ItemProcessor": _ref("SLStateMachine") | {"description": "States that a Map runs for each item."},
        },
        required=("Type",),
    ),
    "SLStateType": {
        "type": "string",
        "enum": ["Pass", "Task", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map"],
    },
    "SLChoice": _object(
        "A rule of a Choice state. Comparison operators are fields beside `Variable`.",
        {
            "Variable": _text("Path of the value to compare."),
            "Next": _text("Name of the state that follows when the rule is true."),
            "Not": _ref("SLChoice") | {"description": "Rule that must be false."},
            "And": _array("SLChoice", "Rules that must all be true."),
            "Or": _array("SLChoice", "Rules of which one must be true."),
        },
    ),
    "SLRetrier": _object(
        "When and how often a failed state is retried.",
        {
            "ErrorEquals": _array("SLErrorEquals", "Names of the errors that are retried."),
            "IntervalSeconds": {"type": "integer", "description": "Seconds before the first retry; 1 by default."},
            "MaxAttempts": {"type": "integer", "minimum": 0, "description": "Maximum number of retries; 3 by default."},
            "BackoffRate": {"type": "number", "description": "Factor of the interval at each retry; 2.0 by default."},
        },
        required=("ErrorEquals",),
    ),
    "SLCatcher": _object(
        "Where a run continues after a failure.",
        {
            "ErrorEquals": _array("SLErrorEquals", "Names of the errors that are caught."),
            "Next": NEXT,
            "ResultPath": _text("Where the error is placed in the input; `$`, the default, replaces it."),
        },
        required=("ErrorEquals", "Next"),
    ),
    "SLErrorEquals": {"type": "string", "description": "Name of an error, such as `States.ALL`."},
}
