"""The rules of ``Retry`` and ``Catch``."""

from typing import Final

from workflow_manager.states_language.findings import Check, Findings, Pointer, quoted
from workflow_manager.states_language.model import JSONPATH
from workflow_manager.states_language.rules import jsonata, paths, templates, values
from workflow_manager.states_language.rules.members import object_of

ALL: Final = "States.ALL"

RESERVED: Final = "States."
"""Names with this prefix are the interpreter's own."""

MAX_DELAY_SECONDS: Final = 31_622_400
"""The longest ``MaxDelaySeconds``: a leap year."""

ERROR_NAMES: Final = frozenset(
    {
        ALL,
        "States.BranchFailed",
        "States.DataLimitExceeded",
        "States.ExceedToleratedFailureThreshold",
        "States.HeartbeatTimeout",
        "States.IntrinsicFailure",
        "States.ItemReaderFailed",
        "States.NoChoiceMatched",
        "States.ParameterPathFailure",
        "States.Permissions",
        "States.QueryEvaluationError",
        "States.ResultPathMatchFailure",
        "States.ResultWriterFailed",
        "States.Runtime",
        "States.TaskFailed",
        "States.Timeout",
    }
)
"""The errors that the interpreter itself raises (concepts-error-handling); ``States.Http.`` ones are open-ended."""

_RETRIER: Final = object_of(
    JSONPATH,
    both={
        "IntervalSeconds": values.whole(1, values.MAX_SECONDS),
        "MaxAttempts": values.whole(0, values.MAX_SECONDS),
        "BackoffRate": values.at_least(1.0),
        "MaxDelaySeconds": values.whole(1, MAX_DELAY_SECONDS),
        "JitterStrategy": values.one_of("FULL", "NONE"),
        "Comment": values.text,
    },
    others=("ErrorEquals",),
)


def check_retry(value: object, pointer: Pointer, found: Findings) -> None:
    """Check the retriers of a state; null counts as none, since clients write empty lists so."""
    if value is None:
        return
    for retrier, place in values.objects(value, pointer, found):
        _RETRIER(retrier, place, found)
        _check_delays(retrier, place, found)
    _check_errors(value, pointer, found)


def check_catch(language: str) -> Check:
    """Make the check of the catchers of a state; null counts as none."""
    catcher = object_of(
        language,
        both={"Comment": values.text},
        jsonpath={"ResultPath": paths.result_path, "Assign": templates.assign},
        jsonata={"Output": jsonata.template, "Assign": templates.jsonata_assign},
        required=("Next",),
        others=("ErrorEquals",),
    )

    def check(value: object, pointer: Pointer, found: Findings) -> None:
        if value is None:
            return
        for item, place in values.objects(value, pointer, found):
            catcher(item, place, found)
        _check_errors(value, pointer, found)

    return check


def _check_delays(retrier: dict[str, object], pointer: Pointer, found: Findings) -> None:
    interval, longest = retrier.get("IntervalSeconds", 1), retrier.get("MaxDelaySeconds")
    if values.is_number(interval) and values.is_number(longest) and 1 <= longest < interval:
        found.add(pointer / "MaxDelaySeconds", f"The longest delay is below IntervalSeconds ({interval}); raise it.")


def _check_errors(value: object, pointer: Pointer, found: Findings) -> None:
    """Check the ``ErrorEquals`` of all retriers or catchers."""
    items = value if isinstance(value, list) else []
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            continue
        place = pointer / index / "ErrorEquals"
        if "ErrorEquals" not in item:
            found.add(pointer / index, 'ErrorEquals is missing; name errors, or use ["States.ALL"].')
            continue
        names = item["ErrorEquals"]
        _check_names(names, place, found)
        if isinstance(names, list) and ALL in names:
            if len(names) > 1:
                found.add(place, "States.ALL already means every error; let it stand alone.")
            if index < len(items) - 1:
                found.add(place, "States.ALL takes every error, so nothing after it is tried; put it last.")


def _check_names(names: object, pointer: Pointer, found: Findings) -> None:
    if not isinstance(names, list) or not names:
        found.add(pointer, f"This must be an array with at least one error name, not {_shown(names)}.")
        return
    for index, name in enumerate(names):
        if not isinstance(name, str):
            found.add(pointer / index, f"An error name is a string, not {quoted(name)}.")
        elif name.startswith(RESERVED) and name not in ERROR_NAMES and not name.startswith("States.Http."):
            found.warn(
                pointer / index, f"{quoted(name)} is no error of Step Functions; only a task could fail with that name."
            )


def _shown(names: object) -> str:
    return "an empty one" if names == [] else quoted(names)
