"""Small state machines for tables of cases, and the ones kept as files."""

import json
from pathlib import Path
from typing import Any

Json = dict[str, Any]

VALID_MACHINES = sorted((Path(__file__).parent / "machines" / "valid").glob("*.json"))


def read(path: Path) -> Json:
    """Read a machine that is kept as a file."""
    machine: Json = json.loads(path.read_text(encoding="utf-8"))
    return machine


def machine(states: Json, **fields: object) -> Json:
    """Make a machine that starts at its first state."""
    return {"StartAt": next(iter(states), ""), "States": states, **fields}


def one(state: Json, **fields: object) -> Json:
    """Make a machine of the state ``A``, with a state ``B`` that it can lead to."""
    lead = {"Type": "Choice", "Choices": [{"Variable": "$.b", "IsPresent": True, "Next": "B"}], "Default": "A"}
    if fields.get("QueryLanguage") == "JSONata":
        lead = {"Type": "Choice", "Choices": [{"Condition": "{% true %}", "Next": "B"}], "Default": "A"}
    return machine({"Lead": lead, "A": state, "B": {"Type": "Succeed"}}, **fields)


def task(**fields: object) -> Json:
    """Make a Task that ends the run."""
    return {"Type": "Task", "Resource": "worker", "End": True, **fields}


def passing(**fields: object) -> Json:
    """Make a Pass that ends the run."""
    return {"Type": "Pass", "End": True, **fields}


def mapping(**fields: object) -> Json:
    """Make a Map that ends the run."""
    body = {"StartAt": "Item", "States": {"Item": {"Type": "Pass", "End": True}}}
    return {"Type": "Map", "ItemProcessor": body, "End": True, **fields}


def jsonata(state: Json) -> Json:
    """Put a state into JSONata."""
    return {"QueryLanguage": "JSONata", **state}


def choosing(*rules: Json) -> Json:
    """Make a Choice of these rules."""
    return {"Type": "Choice", "Choices": list(rules), "Default": "B"}


def dropped(state: Json, field: str) -> Json:
    """Return the state without a field."""
    return {key: value for key, value in state.items() if key != field}
