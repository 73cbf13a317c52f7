"""What counts as absent in a state machine: null, empty and zero values that say nothing.

Generated clients write a field that a state does not have as null, an empty list, an empty text, zero or false. AWS
refuses most of those, so they are neither judged nor sent. Kept is what null or empty mean something for, such as a
path of null, and every empty object: clients write one only on purpose.
"""

from collections.abc import Iterator
from typing import Any, Final

from workflow_manager.states_language.model import KINDS, Scope, State, scopes
from workflow_manager.states_language.rules import values
from workflow_manager.states_language.rules.choices import COMBINATIONS, TESTS
from workflow_manager.states_language.rules.fields import FIELDS, REQUIRED

_NULL_MEANS_SOMETHING: Final = frozenset({"InputPath", "OutputPath", "ResultPath", "Result", "Output"})
_TEXTS: Final = frozenset(
    {
        *("Comment", "QueryLanguage", "Version", "Next", "Default", "Resource", "Timestamp", "Error", "Cause", "Label"),
        *("Variable", "Condition", "JitterStrategy", "InputType", "CSVHeaderLocation", "Mode", "ExecutionType"),
    }
)
"""Text fields other than paths; an empty text counts as absent in all of them."""

_LISTS: Final = frozenset({"Retry", "Catch", "Choices", "Branches", "Items"})
_NUMBERS: Final = frozenset(
    {
        *("TimeoutSeconds", "HeartbeatSeconds", "Seconds", "MaxConcurrency"),
        *("ToleratedFailureCount", "ToleratedFailurePercentage"),
    }
)
_POSITIVE: Final = frozenset({"TimeoutSeconds", "HeartbeatSeconds"})
_RETRIER_POSITIVE: Final = frozenset({"IntervalSeconds", "BackoffRate"})
_RETRIER_FIELDS: Final = _RETRIER_POSITIVE | {"MaxAttempts", "MaxDelaySeconds", "JitterStrategy", "Comment"}
_CATCHER_FIELDS: Final = frozenset({"ResultPath", "Output", "Assign", "Comment"})
_RULE_FIELDS: Final = frozenset({*TESTS, *COMBINATIONS, "Assign", "Comment", "Condition", "Output"})
_SCOPE_FIELDS: Final = frozenset({"Comment", "ProcessorConfig", "QueryLanguage", "TimeoutSeconds", "Version"})
_CONFIGURATIONS: Final = ("ItemReader", "ItemBatcher", "ResultWriter", "ReaderConfig", "WriterConfig")


def drop_absent(machine: dict[str, Any]) -> None:
    """Remove from a machine, in place, the optional fields that say nothing; positions in lists stay as they are."""
    for scope in scopes(machine):
        _drop_from_scope(scope)
        for state in scope.states():
            if state.kind in KINDS:
                _drop_from_state(state)


def _drop_from_scope(scope: Scope) -> None:
    body = scope.body
    config = body.get("ProcessorConfig")
    if isinstance(config, dict):
        _drop_nothings(config, frozenset(config))
    _drop_nothings(body, _SCOPE_FIELDS)
    if _is_zero(body.get("TimeoutSeconds")):
        del body["TimeoutSeconds"]


def _drop_from_state(state: State) -> None:
    body = state.body
    for field in [field for field, value in body.items() if _says_nothing(state, field, value)]:
        if not _is_needed(state, field):
            del body[field]
    if _is_zero(body.get("Seconds")) and len([field for field in REQUIRED["Wait"] if field in body]) > 1:
        del body["Seconds"]
    for retrier in _objects(body.get("Retry")):
        _drop_nothings(retrier, _RETRIER_FIELDS)
        for field in _RETRIER_POSITIVE:
            if _is_zero(retrier.get(field)):
                del retrier[field]
    for catcher in _objects(body.get("Catch")):
        _drop_nothings(catcher, _CATCHER_FIELDS)
    for rule in _objects(body.get("Choices")):
        _drop_from_rule(rule, _RULE_FIELDS)
    _drop_from_configurations(body)


def _says_nothing(state: State, field: str, value: object) -> bool:
    known = FIELDS.get(field)
    if known is None or field == "Type":
        return False
    if state.kind not in known.kinds or known.check(state.language) is None:
        return _is_zero_of(field, value)
    if value is None or value == "" or value is False:
        return _is_nothing(field, value)
    return (field in _POSITIVE and _is_zero(value)) or (field in {"Retry", "Catch"} and value == [])


def _is_needed(state: State, field: str) -> bool:
    """Tell whether a field, empty as it is, is the only one of those of which the state must have one."""
    alternatives = REQUIRED.get(state.kind, ())
    return field in alternatives and not any(other in state.body for other in alternatives if other != field)


def _drop_from_rule(rule: dict[str, Any], fields: frozenset[str]) -> None:
    """Clean a rule of a Choice and those inside it; what a test compares to may be empty."""
    _drop_nothings(rule, fields)
    if len([field for field in (*TESTS, *COMBINATIONS) if field in rule]) > 1:
        for field in ("And", "Or"):
            if rule.get(field) == []:
                del rule[field]
    if rule.get("Variable") in (None, "") and any(field in rule for field in COMBINATIONS):
        rule.pop("Variable", None)
    for field in COMBINATIONS:
        inner = rule.get(field)
        for nested in _objects([inner] if field == "Not" else inner):
            _drop_from_rule(nested, _RULE_FIELDS | {"Next"})


def _drop_from_configurations(body: dict[str, Any]) -> None:
    for name in _CONFIGURATIONS:
        config = body.get(name)
        if isinstance(config, dict):
            _drop_nothings(config, frozenset(config) - {"Resource"})
            _drop_from_configurations(config)


def _drop_nothings(body: dict[str, Any], fields: frozenset[str]) -> None:
    for field in fields & body.keys():
        if _is_nothing(field, body[field]):
            del body[field]


def _is_nothing(field: str, value: object) -> bool:
    """Tell whether a field of its place is null, an empty text or false, and means nothing by it."""
    if value is None:
        return field not in _NULL_MEANS_SOMETHING
    if value is False:
        return field == "End"
    return value == "" and (field in _TEXTS or field.endswith("Path"))


def _is_zero_of(field: str, value: object) -> bool:
    """Tell whether a value is null, or the zero value of the type of a field."""
    if value is None or (value == "" and field == "Result") or _is_nothing(field, value):
        return True
    return (field in _LISTS and value == []) or (field in _NUMBERS and _is_zero(value))


def _is_zero(value: object) -> bool:
    return values.is_number(value) and value == 0


def _objects(items: object) -> Iterator[dict[str, Any]]:
    return (item for item in (items if isinstance(items, list) else ()) if isinstance(item, dict))
