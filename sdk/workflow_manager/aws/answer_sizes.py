"""How large an answer may be: a caller who can ask for less at a time sets a limit, and larger ones are not read."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from workflow_manager import errors

_limit: ContextVar[int | None] = ContextVar("answer-limit", default=None)


@contextmanager
def answers_up_to(limit_bytes: int | None) -> Iterator[None]:
    """Make every call inside raise ``AnswerTooLarge`` for what is larger; None is no limit."""
    token = _limit.set(limit_bytes)
    try:
        yield
    finally:
        _limit.reset(token)


def is_limited() -> bool:
    """Tell whether calls made here have a limit."""
    return _limit.get() is not None


def check(size_bytes: int) -> None:
    """Raise ``AnswerTooLarge`` for what exceeds the limit that is set here."""
    limit = _limit.get()
    if limit is not None and size_bytes > limit:
        raise errors.AnswerTooLarge(f"the answer has {size_bytes:,} bytes", size_bytes=size_bytes)
