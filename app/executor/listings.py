"""Lists of executions: a thousand statuses for one call."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from app.executor.observations import Observation, from_row

if TYPE_CHECKING:
    from types_aiobotocore_stepfunctions import SFNClient

PAGE_ROWS: Final = 1_000
"""Largest page of ListExecutions."""

ListedStatus = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]


@dataclass(frozen=True, slots=True)
class ListedPage:
    """One page: what is said of each execution, by its name, and when the earliest of them started."""

    observations: Mapping[str, Observation]
    earliest_start: datetime | None


class ExecutionLists:
    """Lists the executions of a state machine, those that started last first. Answers lag a little behind."""

    def __init__(self, sfn: "SFNClient") -> None:
        self._sfn = sfn

    async def pages(self, state_machine_arn: str, status: ListedStatus) -> AsyncIterator[ListedPage]:
        """Yield page after page, one call each. Raises ``StateMachineNotFound``, ``Unavailable``."""
        place: dict[str, Any] = {}
        while True:
            page = await self._sfn.list_executions(
                stateMachineArn=state_machine_arn, statusFilter=status, maxResults=PAGE_ROWS, **place
            )
            rows = page["executions"]
            yield ListedPage(
                observations={row["name"]: from_row(row) for row in rows},
                earliest_start=min((row["startDate"] for row in rows), default=None),
            )
            token = page.get("nextToken")
            if not token:
                return
            place = {"nextToken": token}
