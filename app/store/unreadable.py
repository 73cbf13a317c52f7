"""Records that cannot be read: each is logged once and counted, and none takes others along."""

from collections import Counter, OrderedDict
from collections.abc import Mapping
from typing import Final

import structlog
from pydantic import ValidationError

from workflow_manager.models import Workflow

log = structlog.get_logger(__name__)

BROKEN: Final = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
"""What reading a record raises that is damaged, or that a later version of the service wrote."""

MAX_REMEMBERED: Final = 10_000
"""Records that are known to be unreadable; one beyond is logged and counted anew when it is met again."""

MAX_REASON_LENGTH: Final = 200


class UnreadableRecords:
    """Remembers which records of this process's store could not be read."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._counts: Counter[str] = Counter()

    @property
    def counts(self) -> Mapping[str, int]:
        """How many records of each kind could not be read since the start."""
        return dict(self._counts)

    def note(self, kind: str, key: str, why: str) -> None:
        """Log and count a record, if it is not known yet."""
        if (kind, key) in self._known:
            return
        self._known[kind, key] = None
        if len(self._known) > MAX_REMEMBERED:
            self._known.popitem(last=False)
        self._counts[kind] += 1
        log.error("record cannot be read", action="record-unreadable", kind=kind, key=key, error=why)


def reason(broken: Exception) -> str:
    """Say in a few words what is wrong with a record."""
    if isinstance(broken, ValidationError):
        first = broken.errors(include_url=False, include_context=False, include_input=False)[0]
        text = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    elif isinstance(broken, LookupError):
        text = f"{broken} is missing or unknown"
    else:
        text = str(broken) or type(broken).__name__
    return text if len(text) <= MAX_REASON_LENGTH else f"{text[:MAX_REASON_LENGTH]}…"


def is_placeholder(workflow: Workflow) -> bool:
    """Tell whether a workflow only stands for a record that cannot be read."""
    return bool(workflow.unreadable) and not workflow.execution_arn
