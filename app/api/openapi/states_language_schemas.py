"""Schemas of the States Language for generated clients, under the names that the peer's clients use.

They describe, and leave room: whatever is added to the language passes; ``workflow_manager.states_language`` judges.
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


def _array(name: str) -> JSON:
    return {"type": "array", "items": _ref(name)}


def _or_nothing(schema: JSON) -> JSON:
    """Let a field be null, or an empty text: clients write what their callers left out so, and it is kept so."""
    if "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    if "enum" in schema:
        return {**schema, "type": [schema["type"], "null"], "enum": [*schema["enum"], "", None]}
    return {**schema, "type": [schema["type"], "null"]} if schema else schema


TEXT: Final = {"type": "string"}
FLAG: Final = {"type": "boolean"}
ANYTHING: Final[JSON] = {}

SCHEMAS: Final[dict[str, JSON]] = {
    "SLStateMachine": _object(
        "A state machine in the Amazon States Language.",
        {
            "Comment": TEXT,
            "QueryLanguage": {"type": "string", "enum": ["JSONPath", "JSONata"]},
            "StartAt": TEXT,
            "States": {"type": "object", "additionalProperties": _ref("SLState")},
            "TimeoutSeconds": {"type": "integer"},
            "Version": TEXT,
        },
        required=("StartAt", "States"),
    ),
    "SLState": _object(
        "One state; which fields it may have depends on its type.",
        {
            "Type": _ref("SLStateType"),
            "Comment": TEXT,
            "Next": TEXT,
            "End": FLAG,
            "Resource": {"type": "string", "description": "An ARN, or a short name such as `echo` or `lambda:echo`."},
            "InputPath": TEXT,
            "OutputPath": TEXT,
            "ResultPath": TEXT,
            "Parameters": ANYTHING,
            "ResultSelector": ANYTHING,
            "Result": ANYTHING,
            "Retry": _array("SLRetrier"),
            "Catch": _array("SLCatcher"),
            "Choices": _array("SLChoice"),
            "Default": TEXT,
            "Branches": _array("SLStateMachine"),
            "Iterator": _ref("SLStateMachine"),
            "ItemProcessor": _ref("SLStateMachine"),
        },
        required=("Type",),
    ),
    "SLStateType": {
        "type": "string",
        "enum": ["Pass", "Task", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map"],
    },
    "SLChoice": _object(
        "A rule of a Choice state.",
        {
            "Variable": TEXT,
            "Next": TEXT,
            "Not": _ref("SLChoice"),
            "And": _array("SLChoice"),
            "Or": _array("SLChoice"),
        },
    ),
    "SLRetrier": _object(
        "When and how often a failed state is tried again.",
        {
            "ErrorEquals": _array("SLErrorEquals"),
            "IntervalSeconds": {"type": "integer"},
            "MaxAttempts": {"type": "integer", "minimum": 0},
            "BackoffRate": {"type": "number"},
        },
        required=("ErrorEquals",),
    ),
    "SLCatcher": _object(
        "Where a run goes on after a failure.",
        {"ErrorEquals": _array("SLErrorEquals"), "Next": TEXT, "ResultPath": TEXT},
        required=("ErrorEquals", "Next"),
    ),
    "SLErrorEquals": {"type": "string", "description": "Name of an error, such as `States.ALL`."},
}
