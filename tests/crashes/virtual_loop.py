"""An event loop whose clock jumps, and whose tasks know the process that they belong to."""

import asyncio
import selectors
from collections.abc import Coroutine
from contextvars import Context, ContextVar
from typing import Any, Protocol, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")


Tasks: TypeAlias = "WeakKeyDictionary[asyncio.Task[Any], None]"
"""Tasks in the order in which they were started; the order of a set would differ from run to run."""


class Owner(Protocol):
    """What tasks belong to."""

    tasks: "Tasks"


OWNER: ContextVar[Owner | None] = ContextVar("owner", default=None)
"""Whose code runs; tasks that it makes are its own."""


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout == 0:
            return []
        if timeout is None:
            raise AssertionError("everything waits for something that will never happen")
        self.now += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Does at once what would happen later. Nothing in it may wait for a thread or a socket."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        self.set_task_factory(_owned_task)  # type: ignore[arg-type]  # the protocol has no named context

    def time(self) -> float:
        """Return the virtual time, in seconds since the loop was made."""
        return self._jumping.now


def _owned_task(
    loop: asyncio.AbstractEventLoop,
    coroutine: Coroutine[Any, Any, T],
    *,
    context: Context | None = None,
    **options: Any,
) -> "asyncio.Task[T]":
    task = asyncio.Task(coroutine, loop=loop, context=context, **options)
    owner = context.get(OWNER) if context is not None else OWNER.get()
    if owner is not None:
        owner.tasks[task] = None
    return task


def start(owner: Owner | None, work: Coroutine[Any, Any, T], *, name: str | None = None) -> "asyncio.Task[T]":
    """Start a task on behalf of an owner, or of nobody."""
    context = Context()
    context.run(OWNER.set, owner)
    return asyncio.get_running_loop().create_task(work, name=name, context=context)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
