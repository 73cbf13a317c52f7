"""Pages of lists that change while they are read: a page token is a position, not an item."""

import base64
import json
from collections.abc import Iterable
from typing import Any

from moto.stepfunctions.exceptions import InvalidToken

from workflow_manager.local.stepfunctions.executions import Execution


def encode(position: Any) -> str:
    """Write a position as an opaque page token."""
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode()


def decode(token: str) -> Any:
    """Read a page token; raises InvalidToken."""
    try:
        return json.loads(base64.urlsafe_b64decode(token.encode()))
    except ValueError:
        raise InvalidToken("'The page token is not valid'") from None


def newest_first(
    executions: Iterable[Execution], *, limit: int, next_token: str | None
) -> tuple[list[Execution], str | None]:
    """Return a page of executions and the token of the next one, if there is one."""
    ordered = sorted(executions, key=_place, reverse=True)
    if next_token is not None:
        last = _read_place(next_token)
        ordered = [execution for execution in ordered if _place(execution) < last]
    page = ordered[:limit]
    return page, encode(_place(page[-1])) if len(ordered) > limit else None


def _place(execution: Execution) -> tuple[float, str]:
    return execution.start_date.timestamp(), execution.execution_arn


def _read_place(token: str) -> tuple[float, str]:
    match decode(token):
        case [float(seconds), str(arn)]:
            return seconds, arn
    raise InvalidToken("'The page token is not valid'")


def read_event_id(token: str) -> int:
    """Read a page token that is the id of an event; raises InvalidToken."""
    match decode(token):
        case int(event_id) if event_id > 0:
            return event_id
    raise InvalidToken("'The page token is not valid'")
