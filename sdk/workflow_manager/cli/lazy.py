"""Functions that are loaded when they are called: what a verb takes can be told without loading what it does."""

from collections.abc import Callable
from importlib import import_module
from typing import Any


def later(target: str) -> Callable[..., Any]:
    """Return a stand-in for ``module:function``, whose first call imports it."""
    module, _, name = target.partition(":")

    def call(*arguments: Any, **named: Any) -> Any:
        return getattr(import_module(module), name)(*arguments, **named)

    return call
