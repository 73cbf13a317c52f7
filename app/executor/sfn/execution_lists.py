"""Lists of executions: a thousand statuses for one call."""

from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from app.executor.observations import Observation, from_row

if TYPE_CHECKING:
    from types_aiobotocore_stepfunctions import SFNClient

PAGE_ROWS: Final = 1_000
"""Largest page of ListExecutions."""

ListedStatus = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]


class ListedRuns(Mapping[str, Observation]):
    """What a page says of executions, by name. A row is read when it is asked for: few of a thousand are news."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self._rows = {row["name"]: row for row in rows}

    def __getitem__(self, name: str) -> Observation:
        return from_row(self._rows[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, name: object) -> bool:
        return name in self._rows


@dataclass(frozen=True, slots=True)
class ListedPage:
    """One page: what is said of each execution, by its name."""

    observations: Mapping[str, Observation]


class ExecutionLists:
    """Lists the executions of a state machine, newest first. The lists are eventually consistent."""

    def __init__(self, sfn: "SFNClient") -> None:
        self._sfn = sfn

    async def pages(self, state_machine_arn: str, status: ListedStatus) -> AsyncGenerator[ListedPage, None]:
        """Yield page after page, one call each. Raises ``StateMachineNotFound``, ``Unavailable``."""
        place: dict[str, Any] = {}
        while True:
            page = await self._sfn.list_executions(
                stateMachineArn=state_machine_arn, statusFilter=status, maxResults=PAGE_ROWS, **place
            )
            yield ListedPage(ListedRuns(page["executions"]))
            token = page.get("nextToken")
            if not token:
                return
            place = {"nextToken": token}
