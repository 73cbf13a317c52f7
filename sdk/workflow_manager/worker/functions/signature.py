"""How a Python function takes the input of a task and gives its output, read from its annotations."""

import inspect
import typing
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pydantic
from pydantic_core import PydanticSerializationError

from workflow_manager import errors
from workflow_manager.worker.functions.context import Context, SyncContext
from workflow_manager.worker.functions.rules import without_execution_name
from workflow_manager.worker.task_errors import FunctionErrorName, TaskFailed
from workflow_manager.worker.task_json import is_json

CONTEXTS: Final = (Context, SyncContext)
SHOWN_VALUE_CHARACTERS: Final = 100

NUMBERS_AS_THEY_ARE: Final = pydantic.ConfigDict(ser_json_inf_nan="constants")
"""NaN is written as such, so that it can be refused: by default pydantic makes it null."""


@dataclass(frozen=True)
class Signature:
    """Which parameters a function has, and the types of its input and output."""

    is_async: bool
    """Whether it is called on the event loop; any other is called in a thread, also one that returns a coroutine."""

    context_type: type[Context] | type[SyncContext]
    input_parameter: str | None
    context_parameter: str | None
    input_type: pydantic.TypeAdapter[Any]
    output_type: pydantic.TypeAdapter[Any]

    def read_input(self, text: str) -> Any:
        """Turn JSON text into what the function takes; raises ``TaskFailed`` with ``Worker.InvalidInput``."""
        try:
            return self.input_type.validate_json(without_execution_name(text))
        except pydantic.ValidationError as invalid:
            raise TaskFailed(FunctionErrorName.INVALID_INPUT, _explain(invalid)) from None

    def arguments(self, value: object, context: Context | SyncContext) -> dict[str, object]:
        """Return the keyword arguments of one call."""
        given = ((self.input_parameter, value), (self.context_parameter, context))
        return {name: argument for name, argument in given if name is not None}

    def write_output(self, value: object) -> str:
        """Turn what the function returned into JSON text.

        Raises ``TaskFailed`` with ``Worker.InvalidOutput`` for what is not of the declared type, or no JSON.
        """
        try:
            valid = self.output_type.validate_python(value)
            text = self.output_type.dump_json(valid, by_alias=True).decode()
        except pydantic.ValidationError as invalid:
            raise TaskFailed(FunctionErrorName.INVALID_OUTPUT, _explain(invalid)) from None
        except (PydanticSerializationError, ValueError) as unwritable:
            raise TaskFailed(FunctionErrorName.INVALID_OUTPUT, f"cannot be written as JSON: {unwritable}") from None
        if not is_json(text):
            raise TaskFailed(FunctionErrorName.INVALID_OUTPUT, "NaN and infinite numbers are not JSON")
        return text


def signature_of(function: Callable[..., object]) -> Signature:
    """Read the signature of a function; raises ``SettingsError`` for one that cannot be a task."""
    hints = _hints(function)
    parameters = _parameters(function)
    contexts = [parameter.name for parameter in parameters if hints.get(parameter.name) in CONTEXTS]
    inputs = _inputs([parameter for parameter in parameters if parameter.name not in contexts])
    if len(inputs) > 1 or len(contexts) > 1:
        raise _unusable(function, "takes more than one input and one context")
    innermost = inspect.unwrap(function)
    if any(inspect.isgeneratorfunction(one) or inspect.isasyncgenfunction(one) for one in (function, innermost)):
        raise _unusable(function, "is a generator: it must return its output")
    awaits = inspect.iscoroutinefunction(innermost)
    context_type = Context if awaits else SyncContext
    if contexts and hints[contexts[0]] is not context_type:
        kind = "async" if awaits else "not async"
        raise _unusable(function, f"is {kind}, so its context is a {context_type.__name__}")
    return Signature(
        is_async=inspect.iscoroutinefunction(function),
        context_type=context_type,
        input_parameter=inputs[0] if inputs else None,
        context_parameter=contexts[0] if contexts else None,
        input_type=_adapter(function, hints.get(inputs[0], Any) if inputs else Any),
        output_type=_adapter(function, _awaited(hints.get("return", Any))),
    )


def _parameters(function: Callable[..., object]) -> list[inspect.Parameter]:
    parameters = list(inspect.signature(function).parameters.values())
    kinds = {parameter.kind for parameter in parameters}
    if kinds & {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}:
        # Mostly a decorator without functools.wraps: what the function itself takes cannot be seen.
        raise _unusable(function, "takes *args or **kwargs, so its input is unknown")
    if inspect.Parameter.POSITIONAL_ONLY in kinds:
        raise _unusable(function, "has positional-only parameters")
    return parameters


def _inputs(candidates: list[inspect.Parameter]) -> list[str]:
    """Return the parameters that take the input; if all have a default, that is the first one."""
    required = [parameter.name for parameter in candidates if parameter.default is parameter.empty]
    return required or [parameter.name for parameter in candidates[:1]]


def _hints(function: Callable[..., object]) -> Mapping[str, Any]:
    try:
        return typing.get_type_hints(function, include_extras=True)
    except (NameError, TypeError) as unknown:
        raise _unusable(function, f"has an annotation that cannot be read: {unknown}") from None


def _awaited(kind: Any) -> Any:
    """Return what a function gives in the end that is declared to return something awaitable."""
    return typing.get_args(kind)[-1] if typing.get_origin(kind) in {Awaitable, Coroutine} else kind


def _adapter(function: Callable[..., object], kind: Any) -> pydantic.TypeAdapter[Any]:
    try:
        return _configured(kind)
    except (pydantic.PydanticSchemaGenerationError, pydantic.PydanticUserError, NameError) as unusual:
        summary = str(unusual).partition("\n")[0]
        raise _unusable(function, f"has a type that JSON cannot be read into: {summary}") from None


def _configured(kind: Any) -> pydantic.TypeAdapter[Any]:
    try:
        return pydantic.TypeAdapter(kind, config=NUMBERS_AS_THEY_ARE)
    except pydantic.PydanticUserError as unusual:
        if unusual.code != "type-adapter-config-unused":
            raise
        return pydantic.TypeAdapter(kind)  # a model, which says itself how it is written


def _unusable(function: Callable[..., object], why: str) -> errors.SettingsError:
    name = getattr(function, "__qualname__", repr(function))
    return errors.SettingsError(f"{name} cannot be a task: it {why}.")


def _explain(invalid: pydantic.ValidationError) -> str:
    """Write one line for each thing that is wrong: where, what, and what was there instead."""
    return "\n".join(_line(found["loc"], found["msg"], found["input"]) for found in invalid.errors(include_url=False))


def _line(location: tuple[int | str, ...], message: str, value: object) -> str:
    where = ".".join(str(part) for part in location)
    shown = repr(value)
    if len(shown) > SHOWN_VALUE_CHARACTERS:
        shown = shown[:SHOWN_VALUE_CHARACTERS] + "..."
    return f"{where + ': ' if where else ''}{message} (got {shown})"
