"""The rules of a Choice state: data tests, their nesting, and JSONata conditions."""

from collections.abc import Mapping
from typing import Final

from workflow_manager.states_language.findings import Check, Findings, Pointer, listed
from workflow_manager.states_language.model import JSONATA, JSONPATH
from workflow_manager.states_language.rules import jsonata, paths, templates, values
from workflow_manager.states_language.rules.members import warn_of_unknown, wrong_language

_COMPARED: Final[Mapping[str, Check]] = {
    "String": values.text,
    "Numeric": values.number,
    "Timestamp": values.timestamp,
}
_RELATIONS: Final = ("Equals", "LessThan", "GreaterThan", "LessThanEquals", "GreaterThanEquals")

TESTS: Final[Mapping[str, Check]] = {
    **{f"{kind}{relation}": check for kind, check in _COMPARED.items() for relation in _RELATIONS},
    **{f"{kind}{relation}Path": paths.reference_path for kind in _COMPARED for relation in _RELATIONS},
    "BooleanEquals": values.boolean,
    "BooleanEqualsPath": paths.reference_path,
    "StringMatches": values.text,
    **{f"Is{what}": values.boolean for what in ("Null", "Present", "Numeric", "String", "Boolean", "Timestamp")},
}
"""Every data test with the check of what it compares to."""

COMBINATIONS: Final = ("And", "Or", "Not")

_RULE_FIELDS: Final = frozenset({*TESTS, *COMBINATIONS, "Variable", "Next", "Comment", "Assign", "Condition", "Output"})


def check_choices(language: str) -> Check:
    """Make the check of the rules of a Choice state."""
    check_rule = _check_jsonata_rule if language == JSONATA else _check_jsonpath_rule

    def check(value: object, pointer: Pointer, found: Findings) -> None:
        if value == []:
            found.add(pointer, "There is no choice; add a rule, or make this a Pass state.")
        for rule, place in values.objects(value, pointer, found):
            if "Next" not in rule:
                found.add(place, "Next is missing; name the state that this rule leads to.")
            if "Comment" in rule:
                values.text(rule["Comment"], place / "Comment", found)
            check_rule(rule, place, found)
            for field in rule:
                warn_of_unknown(field, _RULE_FIELDS, place, found)

    return check


def _check_jsonata_rule(rule: dict[str, object], pointer: Pointer, found: Findings) -> None:
    if "Condition" not in rule:
        found.add(pointer, "Condition is missing; a JSONata rule is chosen by {% an expression %}.")
    elif not isinstance(rule["Condition"], bool):
        jsonata.expression(rule["Condition"], pointer / "Condition", found)
    if "Assign" in rule:
        templates.jsonata_assign(rule["Assign"], pointer / "Assign", found)
    if "Output" in rule:
        jsonata.template(rule["Output"], pointer / "Output", found)
    for field in rule:
        if field == "Variable" or field in TESTS or field in COMBINATIONS:
            found.add(pointer / field, f"{field} belongs to {JSONPATH}; put the test into Condition.")


def _check_jsonpath_rule(rule: dict[str, object], pointer: Pointer, found: Findings) -> None:
    for field in ("Condition", "Output"):
        if field in rule:
            found.add(pointer / field, wrong_language(field, JSONATA, JSONPATH))
    if "Assign" in rule:
        templates.assign(rule["Assign"], pointer / "Assign", found)
    if "Condition" in rule:
        return
    _check_test(rule, pointer, found)
    for nested, place in _nested(rule, pointer, found):
        _check_nested(nested, place, found)


def _check_nested(rule: dict[str, object], pointer: Pointer, found: Findings) -> None:
    """Check what stands inside And, Or and Not; the depth of the machine bounds the recursion."""
    if "Next" in rule:
        found.add(pointer / "Next", "A rule inside And, Or or Not leads nowhere; move Next to the outermost rule.")
    if "Assign" in rule:
        found.add(
            pointer / "Assign", "A rule inside And, Or or Not assigns nothing; move Assign to the outermost rule."
        )
    _check_test(rule, pointer, found)
    for field in rule:
        warn_of_unknown(field, _RULE_FIELDS, pointer, found)
    for nested, place in _nested(rule, pointer, found):
        _check_nested(nested, place, found)


def _nested(rule: dict[str, object], pointer: Pointer, found: Findings) -> list[tuple[dict[str, object], Pointer]]:
    nested: list[tuple[dict[str, object], Pointer]] = []
    for field in ("And", "Or"):
        if field in rule:
            if rule[field] == []:
                found.add(pointer / field, f"{field} needs at least one rule.")
            nested.extend(values.objects(rule[field], pointer / field, found))
    if "Not" in rule:
        inner = rule["Not"]
        if values.is_object(inner, pointer / "Not", found):
            nested.append((inner, pointer / "Not"))
    return nested


def _check_test(rule: dict[str, object], pointer: Pointer, found: Findings) -> None:
    """Check that a rule tests exactly one thing, and what it tests."""
    tests = [field for field in rule if field in TESTS]
    combinations = [field for field in COMBINATIONS if field in rule]
    given = [*tests, *combinations]
    if len(given) > 1:
        found.add(pointer, f"A rule makes one test and this has {listed(given)}; combine them with And.")
    elif not given:
        found.add(pointer, "The rule tests nothing; add a comparison such as StringEquals, or And, Or, Not.")
    if combinations and not tests and "Variable" in rule:
        found.add(pointer / "Variable", f"{combinations[0]} takes no Variable; it belongs to the rules inside.")
    elif tests and "Variable" not in rule:
        found.add(pointer, f"Variable is missing; {tests[0]} needs the path of what it tests.")
    elif "Variable" in rule:
        paths.reference_path(rule["Variable"], pointer / "Variable", found)
    for field in tests:
        TESTS[field](rule[field], pointer / field, found)
