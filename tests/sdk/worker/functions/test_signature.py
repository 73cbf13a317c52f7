"""Which functions can be tasks.

Covers `workflow_manager.worker.functions.signature`.
"""

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date
from typing import Any

import pytest
from typing_extensions import TypedDict

from workflow_manager import errors
from workflow_manager.worker import Context, SyncContext, Worker
from workflow_manager.worker.functions.signature import signature_of


class Trip(TypedDict):
    """A typed dict."""

    day: date


def nothing() -> None: ...
def named(given: Trip, context: SyncContext) -> None: ...
def context_first(context: SyncContext, given: Trip) -> None: ...
def with_default(given: Trip, size: int = 3) -> None: ...
async def only_context(context: Context) -> None: ...
def only_default(given: int = 7) -> None: ...
def only_defaults(context: SyncContext, given: Trip | None = None, size: int = 3) -> None: ...
def keyword(*, given: int = 7) -> None: ...


@pytest.mark.parametrize(
    ("function", "input_parameter", "context_parameter"),
    [
        (nothing, None, None),
        (named, "given", "context"),
        (context_first, "given", "context"),
        (with_default, "given", None),
        (only_context, None, "context"),
        (only_default, "given", None),
        (only_defaults, "given", "context"),
        (keyword, "given", None),
    ],
)
def test_input_and_context_are_told_apart_by_their_types(
    function: Callable[..., Any], input_parameter: str | None, context_parameter: str | None
) -> None:
    signature = signature_of(function)
    assert (signature.input_parameter, signature.context_parameter) == (input_parameter, context_parameter)


def test_texts_of_json_become_what_the_type_says() -> None:
    signature = signature_of(named)
    assert signature.read_input('{"day":"2026-11-23","_EXECUTION_NAME":"r"}') == {"day": date(2026, 11, 23)}


def two_inputs(one: str, two: str) -> None: ...
def two_contexts(one: SyncContext, two: SyncContext) -> None: ...
def wrong_context(context: Context) -> None: ...
async def wrong_async_context(context: SyncContext) -> None: ...
def positional(given: str, /) -> None: ...
def generator(given: str) -> Iterator[str]:
    yield given


async def async_generator(given: str) -> AsyncIterator[str]:
    yield given


@functools.wraps(generator)
def hidden_generator(given: str) -> Iterator[str]:
    return generator(given)


def many(*args: str) -> None: ...
def named_many(given: str, **options: str) -> None: ...
def unknown(given: "Missing") -> None: ...  # type: ignore[name-defined]  # noqa: F821  # on purpose
def no_schema(given: Callable[[], "functools.partial[Any]"] | functools.partial[Any]) -> None: ...


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (two_inputs, "takes more than one input and one context"),
        (two_contexts, "takes more than one input and one context"),
        (wrong_context, "is not async, so its context is a SyncContext"),
        (wrong_async_context, "is async, so its context is a Context"),
        (positional, "has positional-only parameters"),
        (generator, "is a generator: it must return its output"),
        (async_generator, "is a generator: it must return its output"),
        (hidden_generator, "is a generator: it must return its output"),
        (many, "takes *args or **kwargs, so its input is unknown"),
        (named_many, "takes *args or **kwargs, so its input is unknown"),
        (unknown, "has an annotation that cannot be read: name 'Missing' is not defined"),
        (no_schema, "has a type that JSON cannot be read into: Unable to generate pydantic-core schema"),
    ],
)
def test_a_function_that_cannot_be_a_task_is_refused_where_it_is_registered(
    function: Callable[..., Any], why: str
) -> None:
    with pytest.raises(errors.SettingsError) as refused:
        Worker().task("work")(function)
    assert refused.value.message.startswith(f"{function.__qualname__} cannot be a task: it {why}")


def test_a_function_stays_what_it_was() -> None:
    worker = Worker()
    assert worker.task()(nothing) is nothing
    assert list(worker.tasks) == ["nothing"]


def test_two_functions_cannot_have_one_name() -> None:
    worker = Worker()
    worker.task("work")(nothing)
    with pytest.raises(errors.SettingsError, match="two functions for the task work"):
        worker.task("work")(named)


def test_the_concurrency_is_at_least_one() -> None:
    with pytest.raises(errors.SettingsError, match="concurrency of the task nothing must be at least 1, not 0"):
        Worker().task(concurrency=0)(nothing)
