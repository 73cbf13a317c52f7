"""The input of a run: what callers may give, and the exact text that Step Functions gets."""

import json
from typing import Any, Final

from workflow_manager import errors, strict_json
from workflow_manager.states_language import RESTORED

EXECUTION_NAME_KEY: Final = "_EXECUTION_NAME"
"""Key under which every run finds the id of its workflow; workers of the sfncli kind need it."""

MAX_INPUT_BYTES: Final = 262_144
"""Largest input of an execution, in UTF-8 (quota of Step Functions)."""


def normalize(given: str | dict[str, Any]) -> str:
    """Return the input as JSON text: an object is written down, an empty text means ``{}``.

    A text is kept to the letter. Raises ``InvalidInput`` when it is not the text of one JSON object.
    """
    if isinstance(given, dict):
        return json.dumps(given, ensure_ascii=False, separators=(",", ":"))
    text = given.strip()
    if not text:
        return "{}"
    try:
        value = strict_json.loads(text)
    except errors.InvalidRequest as invalid:
        raise errors.InvalidInput(f"input is {invalid.message}") from None
    if not isinstance(value, dict):
        raise errors.InvalidInput("input must be a JSON object, such as {}")
    return text


def for_execution(
    text: str, workflow_id: str, *, variables: str | None = None, execution_input: str | None = None
) -> str:
    """Return the text that the execution is started with: the input with the workflow's id in it.

    The same arguments give the same bytes, which is what makes starting again safe. An input that is not an object
    (a resumed state can have had any) is passed on as it is. With ``variables`` it is wrapped as the state that
    restores them expects it; ``execution_input`` is then what states find in the context object. Raises
    ``InvalidInput`` when the text is too large.
    """
    named = _with_name(text, workflow_id)
    what = f"input has {{}} bytes with {EXECUTION_NAME_KEY}"
    if variables is not None:
        outer = _with_name(_without(execution_input or "{}", RESTORED), workflow_id)
        named = f'{outer[:-1]},"{RESTORED}":{{"input":{named},"variables":{variables}}}}}'
        what += " and all that the run it resumes had: its variables, and its own input where states read that"
    size = len(named.encode())
    if size > MAX_INPUT_BYTES:
        raise errors.InvalidInput(f"{what.format(size)}; the most is {MAX_INPUT_BYTES}")
    return named


def names(variables: str) -> tuple[str, ...]:
    """Return the names of variables, in an order that is the same for the same set of them."""
    return tuple(sorted(json.loads(variables)))


def without_name(text: str) -> str:
    """Return the input that a state of an earlier run had, without that run's id."""
    return _without(text, EXECUTION_NAME_KEY)


def _without(text: str, key: str) -> str:
    value = json.loads(text)
    if not isinstance(value, dict) or key not in value:
        return text
    del value[key]
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _with_name(text: str, workflow_id: str) -> str:
    if _may_have_name(text):
        value = json.loads(text)
        if not isinstance(value, dict):
            return text
        if EXECUTION_NAME_KEY in value:
            return json.dumps({**value, EXECUTION_NAME_KEY: workflow_id}, ensure_ascii=False, separators=(",", ":"))
    name = f'"{EXECUTION_NAME_KEY}":"{workflow_id}"'
    body = text.rstrip().removesuffix("}").rstrip()
    return f"{{{name}}}" if body == "{" else f"{body},{name}}}"


def _may_have_name(text: str) -> bool:
    """Tell whether a text must be parsed: it is no object, or holds the key somewhere, perhaps written with escapes."""
    return not text.startswith("{") or EXECUTION_NAME_KEY in text or "\\" in text
