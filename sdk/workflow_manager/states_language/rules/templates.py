"""Payload templates: JSON in which a field named ``x.$`` is computed; and ``Assign``, whose fields are variables."""

from typing import Final

from workflow_manager.states_language.findings import Findings, Pointer, quoted, values_in
from workflow_manager.states_language.rules import jsonata
from workflow_manager.states_language.rules.intrinsics import value_problem
from workflow_manager.states_language.rules.paths import variable_problem

COMPUTED: Final = ".$"
"""The end of a field's name that says: this value is a path or an intrinsic function."""


def template(value: object, pointer: Pointer, found: Findings) -> None:
    """Accept a payload template."""
    for item, place in values_in(value, pointer):
        if isinstance(item, dict):
            _check_fields(item, place, found)


def object_template(value: object, pointer: Pointer, found: Findings) -> None:
    """Accept a payload template that is an object."""
    if isinstance(value, dict):
        template(value, pointer, found)
    else:
        found.add(pointer, f"This must be an object, not {quoted(value)}.")


def assign(value: object, pointer: Pointer, found: Findings) -> None:
    """Accept the variables of a JSONPath state."""
    object_template(value, pointer, found)
    _check_variables(value, pointer, found, computed=COMPUTED)


def jsonata_assign(value: object, pointer: Pointer, found: Findings) -> None:
    """Accept the variables of a JSONata state."""
    if isinstance(value, dict):
        jsonata.template(value, pointer, found)
        _check_variables(value, pointer, found, computed="")
    else:
        found.add(pointer, f"This must be an object that names variables, not {quoted(value)}.")


def _check_fields(item: dict[str, object], place: Pointer, found: Findings) -> None:
    for key, value in item.items():
        if not key.endswith(COMPUTED):
            continue
        _check_computed(value, place / key, found)
        if key.removesuffix(COMPUTED) in item:
            found.add(place / key, f"{quoted(key.removesuffix(COMPUTED))} is there as well; keep one of the two.")


def _check_computed(value: object, pointer: Pointer, found: Findings) -> None:
    if not isinstance(value, str):
        found.add(pointer, f"A field that ends with .$ must be a path or an intrinsic function, not {quoted(value)}.")
        return
    problem = value_problem(value)
    if problem:
        found.add(pointer, f"{quoted(value)} {problem}.")


def _check_variables(value: object, pointer: Pointer, found: Findings, *, computed: str) -> None:
    for key in value if isinstance(value, dict) else ():
        problem = variable_problem(key.removesuffix(computed))
        if problem:
            found.add(pointer / key, f"{quoted(key)} {problem}.")
