"""Which field belongs to which state type and query language, and how its value is checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from workflow_manager.states_language import resources
from workflow_manager.states_language.findings import Check, Findings, Pointer, listed, quoted
from workflow_manager.states_language.model import JSONATA, JSONPATH, KINDS, LANGUAGES
from workflow_manager.states_language.rules import (
    choices,
    credentials,
    error_handling,
    intrinsics,
    jsonata,
    maps,
    paths,
    templates,
    values,
)
from workflow_manager.states_language.rules.members import wrong_language


@dataclass(frozen=True, slots=True)
class Field:
    """A field of states: the types that have it, and its check in each query language (None: not there)."""

    kinds: frozenset[str]
    jsonpath: Check | None
    jsonata: Check | None

    def check(self, language: str) -> Check | None:
        """Return the check for a query language."""
        return self.jsonata if language == JSONATA else self.jsonpath


_ALL: Final = frozenset(KINDS)
_NOT_FAIL: Final = _ALL - {"Fail"}
_FLOW: Final = frozenset({"Task", "Pass", "Wait", "Parallel", "Map"})
_WORK: Final = frozenset({"Task", "Parallel", "Map"})
_TASK: Final = frozenset({"Task"})
_WAIT: Final = frozenset({"Wait"})
_FAIL: Final = frozenset({"Fail"})
_MAP: Final = frozenset({"Map"})

_TIMEOUT: Final = values.whole(1, values.MAX_SECONDS)
_WAIT_SECONDS: Final = values.whole(0, values.MAX_SECONDS)
_COUNT: Final = values.whole(0)
_PERCENTAGE: Final = values.at_least(0, 100)


def _same(kinds: frozenset[str], check: Check) -> Field:
    return Field(kinds, check, check)


def _either(kinds: frozenset[str], check: Check) -> Field:
    """A plain value, which in JSONata can be an expression instead."""
    return Field(kinds, check, jsonata.or_expression(check))


def _jsonpath(kinds: frozenset[str], check: Check) -> Field:
    return Field(kinds, check, None)


def _jsonata(kinds: frozenset[str], check: Check) -> Field:
    return Field(kinds, None, check)


def _branches(value: object, pointer: Pointer, found: Findings) -> None:
    if value == []:
        found.add(pointer, "There is no branch; add one with StartAt and States.")
    for _branch in values.objects(value, pointer, found):
        pass


FIELDS: Final[Mapping[str, Field]] = {
    "Type": _same(_ALL, values.any_value),
    "Comment": _same(_ALL, values.text),
    "QueryLanguage": _same(_ALL, values.one_of(*LANGUAGES)),
    "Next": _same(_FLOW, values.any_value),
    "End": _same(_FLOW, values.boolean),
    "InputPath": _jsonpath(_NOT_FAIL, paths.path_or_null),
    "OutputPath": _jsonpath(_NOT_FAIL, paths.path_or_null),
    "ResultPath": _jsonpath(_FLOW - _WAIT, paths.result_path),
    "Parameters": _jsonpath(_FLOW - _WAIT, templates.template),
    "ResultSelector": _jsonpath(_WORK, templates.object_template),
    "Result": _jsonpath(frozenset({"Pass"}), values.any_value),
    "Arguments": _jsonata(frozenset({"Task", "Parallel"}), jsonata.object_template),
    "Output": _jsonata(_NOT_FAIL, jsonata.template),
    "Assign": Field(_FLOW | {"Choice"}, templates.assign, templates.jsonata_assign),
    "Resource": _same(_TASK, resources.resource),
    "Credentials": Field(_TASK, credentials.in_jsonpath, credentials.in_jsonata),
    "TimeoutSeconds": _either(_TASK, _TIMEOUT),
    "TimeoutSecondsPath": _jsonpath(_TASK, paths.reference_path),
    "HeartbeatSeconds": _either(_TASK, _TIMEOUT),
    "HeartbeatSecondsPath": _jsonpath(_TASK, paths.reference_path),
    "Retry": _same(_WORK, error_handling.check_retry),
    "Catch": Field(_WORK, error_handling.check_catch(JSONPATH), error_handling.check_catch(JSONATA)),
    "Choices": Field(frozenset({"Choice"}), choices.check_choices(JSONPATH), choices.check_choices(JSONATA)),
    "Default": _same(frozenset({"Choice"}), values.any_value),
    "Seconds": _either(_WAIT, _WAIT_SECONDS),
    "Timestamp": _either(_WAIT, values.timestamp),
    "SecondsPath": _jsonpath(_WAIT, paths.time_path),
    "TimestampPath": _jsonpath(_WAIT, paths.time_path),
    "Error": Field(_FAIL, values.text, jsonata.text),
    "Cause": Field(_FAIL, values.text, jsonata.text),
    "ErrorPath": _jsonpath(_FAIL, intrinsics.text_path),
    "CausePath": _jsonpath(_FAIL, intrinsics.text_path),
    "Branches": _same(frozenset({"Parallel"}), _branches),
    "ItemProcessor": _same(_MAP, values.is_object),
    "Iterator": _same(_MAP, values.is_object),
    "ItemsPath": _jsonpath(_MAP, paths.reference_path),
    "Items": _jsonata(_MAP, maps.items),
    "ItemSelector": Field(_MAP, templates.template, jsonata.template),
    "ItemReader": Field(_MAP, maps.item_reader(JSONPATH), maps.item_reader(JSONATA)),
    "ItemBatcher": Field(_MAP, maps.item_batcher(JSONPATH), maps.item_batcher(JSONATA)),
    "ResultWriter": Field(_MAP, maps.result_writer(JSONPATH), maps.result_writer(JSONATA)),
    "Label": _same(_MAP, maps.label),
    "MaxConcurrency": _either(_MAP, _COUNT),
    "MaxConcurrencyPath": _jsonpath(_MAP, paths.reference_path),
    "ToleratedFailureCount": _either(_MAP, _COUNT),
    "ToleratedFailureCountPath": _jsonpath(_MAP, paths.reference_path),
    "ToleratedFailurePercentage": _either(_MAP, _PERCENTAGE),
    "ToleratedFailurePercentagePath": _jsonpath(_MAP, paths.reference_path),
}

EXCLUSIVE: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "Task": (("TimeoutSeconds", "TimeoutSecondsPath"), ("HeartbeatSeconds", "HeartbeatSecondsPath")),
    "Fail": (("Error", "ErrorPath"), ("Cause", "CausePath")),
    "Wait": (("Seconds", "SecondsPath", "Timestamp", "TimestampPath"),),
    "Map": (
        ("ItemProcessor", "Iterator"),
        ("ItemSelector", "Parameters"),
        ("MaxConcurrency", "MaxConcurrencyPath"),
        ("ToleratedFailureCount", "ToleratedFailureCountPath"),
        ("ToleratedFailurePercentage", "ToleratedFailurePercentagePath"),
    ),
}
"""By state type: fields of which at most one may be there."""

REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "Task": ("Resource",),
    "Choice": ("Choices",),
    "Wait": ("Seconds", "SecondsPath", "Timestamp", "TimestampPath"),
    "Parallel": ("Branches",),
    "Map": ("ItemProcessor", "Iterator"),
}
"""By state type: fields of which one must be there, the usual one first."""


KNOWN: Final[Mapping[str, frozenset[str]]] = {
    kind: frozenset(name for name, field in FIELDS.items() if kind in field.kinds) for kind in KINDS
}
"""By state type: all its fields."""


def misplaced(field: str, kind: str, language: str) -> str:
    """Say why a known field does not belong into a state of a type and query language."""
    kinds = FIELDS[field].kinds
    if kind not in kinds:
        owners = [name for name in KINDS if name in kinds]
        return f"{field} is a field of {listed(owners)} states, not of {kind} states; remove it."
    return wrong_language(field, JSONPATH if language == JSONATA else JSONATA, language)


def unknown_kind(kind: object) -> str:
    """Say which state types there are."""
    return f"{quoted(kind)} is no state type; use {listed(KINDS, 'or')}."
