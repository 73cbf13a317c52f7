"""Judging a state machine as AWS would, before AWS sees it."""

import copy
from collections.abc import Iterable, Mapping
from typing import Final

from workflow_manager import errors
from workflow_manager.states_language import resources
from workflow_manager.states_language.absent import drop_absent
from workflow_manager.states_language.document import check_document
from workflow_manager.states_language.expansion import EXECUTION_NAME, loses_execution_name
from workflow_manager.states_language.findings import ROOT, Findings, Pointer, listed, quoted, values_in
from workflow_manager.states_language.graph import check_graph
from workflow_manager.states_language.model import (
    BODY_FIELDS,
    JSONATA,
    JSONPATH,
    KINDS,
    LANGUAGES,
    Scope,
    State,
    scopes,
)
from workflow_manager.states_language.rules import maps, values
from workflow_manager.states_language.rules.fields import EXCLUSIVE, FIELDS, KNOWN, REQUIRED, misplaced, unknown_kind
from workflow_manager.states_language.rules.jsonata import is_expression
from workflow_manager.states_language.rules.members import only_one, warn_of_unknown
from workflow_manager.states_language.substitutions import TemplateFindings

MAX_NAME_LENGTH: Final = 80
"""Characters in the name of a state."""

_FLOWING_KINDS: Final = FIELDS["Next"].kinds
_SCOPE_FIELDS: Final = frozenset({"StartAt", "States", "Comment", "QueryLanguage", "ProcessorConfig"})
_MACHINE_FIELDS: Final = _SCOPE_FIELDS - {"ProcessorConfig"} | {"Version", "TimeoutSeconds"}
_TIMEOUT: Final = values.whole(1, values.MAX_SECONDS)


def validate(machine: object) -> list[errors.Finding]:
    """Return everything that is wrong with a state machine (parsed JSON), each with an RFC 6901 pointer.

    The rules are those of the Amazon States Language (https://states-language.net/spec.html) as AWS applies them, and
    the short forms of ``Resource``; what counts as absent is not looked at. Never raises, whatever JSON comes in.
    """
    found = Findings()
    _judge(machine, found)
    return list(found)


def validate_template(
    machine: object, substitutions: Mapping[str, str], *, unresolved: errors.Severity
) -> list[errors.Finding]:
    """Return everything that is wrong with a state machine that can have placeholders (``${NAME}``).

    ``unresolved`` is how bad those are that have no value in ``substitutions``; what they stand for is not judged.
    """
    found = TemplateFindings(machine)
    if _judge(machine, found):
        found.add_unresolved(substitutions, severity=unresolved)
    return list(found)


def check(machine: object) -> list[errors.Finding]:
    """Return the warnings about a state machine. Raises ``InvalidDefinition`` with all findings if one is an error."""
    findings = validate(machine)
    first = next((finding for finding in findings if finding.is_error), None)
    if first is not None:
        more = f" ({len(findings) - 1} more)" if len(findings) > 1 else ""
        raise errors.InvalidDefinition(f"{first.pointer or '/'}: {first.message}{more}", findings=findings)
    return findings


def _judge(machine: object, found: Findings) -> bool:
    """Tell also whether the machine could be looked into."""
    sound = check_document(machine, found)
    if sound and values.is_object(machine, ROOT, found):
        judged = copy.deepcopy(machine)
        drop_absent(judged)
        _check_machine(judged, found)
    return sound


def _check_machine(machine: dict[str, object], found: Findings) -> None:
    if "Version" in machine:
        values.one_of("1.0")(machine["Version"], ROOT / "Version", found)
    if "TimeoutSeconds" in machine:
        _TIMEOUT(machine["TimeoutSeconds"], ROOT / "TimeoutSeconds", found)
    everything = list(scopes(machine))
    places: dict[str, Pointer] = {}
    for scope in everything:
        _check_names(scope, places, found)
    _check_labels(everything, found)
    for scope in everything:
        _check_scope(scope, found)
        for state in scope.states():
            _check_state(state, found, top_language=everything[0].language)
        check_graph(scope, places, found)


def _check_names(scope: Scope, places: dict[str, Pointer], found: Findings) -> None:
    """Check the names of states, which are unique across the machine, branches and Map bodies included."""
    states = scope.body.get("States")
    for name in states if isinstance(states, dict) else ():
        pointer = scope.place / "States" / name
        if not name:
            found.add(pointer, "The name of a state is empty; give it one.")
        if len(name) > MAX_NAME_LENGTH:
            found.add(pointer, f"The name has {len(name)} characters; AWS allows {MAX_NAME_LENGTH}.")
        if name in places:
            found.add(
                pointer, f"There is another state {quoted(name)} at {places[name]}; names are unique in a machine."
            )
        places.setdefault(name, pointer)


def _check_labels(everything: Iterable[Scope], found: Findings) -> None:
    """Check that no two Maps of the machine have the same label, which is part of ARNs."""
    places: dict[str, Pointer] = {}
    for state in (state for scope in everything for state in scope.states() if state.kind == "Map"):
        label = state.body.get("Label")
        if isinstance(label, str) and label in places:
            found.add(state.place / "Label", f"The Map at {places[label]} has the label {quoted(label)} as well.")
        elif isinstance(label, str):
            places[label] = state.place


def _check_scope(scope: Scope, found: Findings) -> None:
    body = scope.body
    missing = tuple(field for field in ("StartAt", "States") if field not in body)
    if missing:
        found.add(scope.place, f"{listed(missing)} {'is' if len(missing) == 1 else 'are'} missing.")
    if "Comment" in body:
        values.text(body["Comment"], scope.place / "Comment", found)
    if "QueryLanguage" in body:
        values.one_of(*LANGUAGES)(body["QueryLanguage"], scope.place / "QueryLanguage", found)
    if "ProcessorConfig" in body and scope.parent is not None and scope.parent.kind == "Map":
        maps.processor_config(body["ProcessorConfig"], scope.place / "ProcessorConfig", found)
    known = _MACHINE_FIELDS if scope.parent is None else _SCOPE_FIELDS
    for field in body:
        warn_of_unknown(field, known, scope.place, found)
    if "States" in body:
        _check_states(body["States"], scope.place / "States", found)


def _check_states(states: object, pointer: Pointer, found: Findings) -> None:
    if not values.is_object(states, pointer, found):
        return
    if not states:
        found.add(pointer, "There is no state; add at least one.")
    for name, state in states.items():
        if not isinstance(state, dict):
            found.add(pointer / name, f"A state must be an object, not {quoted(state)}.")


def _check_state(state: State, found: Findings, *, top_language: str | None) -> None:
    if "Type" not in state.body:
        found.add(state.place, f"Type is missing; use {listed(KINDS, 'or')}.")
    elif state.kind not in KINDS:
        found.add(state.place / "Type", unknown_kind(state.body["Type"]))
    else:
        _check_language(state, found, top_language=top_language)
        before = found.error_count
        _check_fields(state, found)
        if _is_left_alone(state) and (found.error_count > before or _holds_expressions(state)):
            found.warn(state.place, _not_inherited(state))
        _check_presence(state, found)
        if state.kind == "Task":
            _check_task(state, found)


def _check_language(state: State, found: Findings, *, top_language: str | None) -> None:
    if top_language == JSONATA and state.body.get("QueryLanguage") == JSONPATH:
        found.add(
            state.place / "QueryLanguage",
            "JSONPath cannot be used in a machine whose QueryLanguage is JSONata; remove it.",
        )


def _is_left_alone(state: State) -> bool:
    """Tell whether a state is in JSONPath though the Map or Parallel around it is not."""
    outer = state.parent
    return outer is not None and outer.language == JSONATA != state.language and "QueryLanguage" not in state.body


def _holds_expressions(state: State) -> bool:
    return any(
        is_expression(value)
        for field, inner in state.body.items()
        if field not in {*BODY_FIELDS, "Branches"}
        for value, _ in values_in(inner, state.place)
    )


def _not_inherited(state: State) -> str:
    outer = state.parent
    around = f"{outer.kind} {quoted(outer.name)}" if outer is not None else "machine"
    return (
        f"A state does not inherit the query language of the {around} around it, so this one is in JSONPath; for "
        'JSONata it needs "QueryLanguage": "JSONata" itself.'
    )


def _check_fields(state: State, found: Findings) -> None:
    kind, language = state.kind, state.language
    for field, value in state.body.items():
        known = FIELDS.get(field)
        if known is None:
            warn_of_unknown(field, KNOWN[kind], state.place, found)
            continue
        pointer = state.place / field
        check_value = known.check(language) if kind in known.kinds else None
        if check_value is None:
            found.add(pointer, misplaced(field, kind, language))
        else:
            check_value(value, pointer, found)


def _check_presence(state: State, found: Findings) -> None:
    """Check what must be there, and what excludes each other."""
    body = state.body
    wanted = REQUIRED.get(state.kind, ())
    if wanted and not any(field in body for field in wanted):
        found.add(state.place, f"{listed(wanted, 'or')} is missing from this {state.kind} state.")
    for names in EXCLUSIVE.get(state.kind, ()):
        only_one(body, names, state.place, found)
    if state.kind not in _FLOWING_KINDS:
        return
    if "Next" in body and body.get("End") is True:
        found.add(state.place, "Next and End exclude each other; keep Next to go on, or End to stop here.")
    elif "Next" not in body and "End" not in body:
        found.add(state.place, "The state leads nowhere; add Next with a state's name, or End: true.")


def _check_task(state: State, found: Findings) -> None:
    body = state.body
    heartbeat, timeout = body.get("HeartbeatSeconds"), body.get("TimeoutSeconds")
    if values.is_number(heartbeat) and values.is_number(timeout) and heartbeat >= timeout > 0:
        found.add(
            state.place / "HeartbeatSeconds",
            f"The heartbeat must be shorter than TimeoutSeconds ({timeout}); lower it.",
        )
    text = body.get("Resource")
    resource = resources.parse(text) if isinstance(text, str) else None
    if resource is None:
        return
    if resource.form is resources.Form.ACTIVITY or resources.is_activity(resource.text):
        _check_execution_name(state, found)
    if resource.form is resources.Form.GLUE:
        _check_glue(state, found)
    if state.scope.express and resource.form is resources.Form.ARN:
        _check_express(state, resource.text, found)


def _check_execution_name(state: State, found: Findings) -> None:
    outer = loses_execution_name(state)
    if outer is not None:
        found.warn(
            state.place,
            f"The input of this task lacks {EXECUTION_NAME}, which workers of the sfncli kind need: the Map "
            f"{quoted(outer.name)} gives each iteration no more than its items. Give it an ItemSelector.",
        )


def _check_glue(state: State, found: Findings) -> None:
    """Check that JobName can be put into what a Glue task is given."""
    field = "Arguments" if state.language == JSONATA else "Parameters"
    if not isinstance(state.body.get(field, {}), dict):
        found.add(state.place / field, f"{field} of a glue: task must be an object, since JobName is put into it.")


def _check_express(state: State, arn: str, found: Findings) -> None:
    if resources.is_activity(arn):
        found.add(
            state.place / "Resource", "An EXPRESS child execution runs no activities; use ExecutionType STANDARD."
        )
    elif arn.endswith((".sync", ".sync:2", ".waitForTaskToken")):
        found.add(
            state.place / "Resource",
            "An EXPRESS child execution cannot wait for a job or token; use ExecutionType STANDARD.",
        )
