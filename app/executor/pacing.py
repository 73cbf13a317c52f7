"""A client of Step Functions that keeps to the quotas."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

from app import errors
from app.executor.quotas import Quotas

if TYPE_CHECKING:
    from types_aiobotocore_stepfunctions import SFNClient


def paced(client: "SFNClient", quotas: Quotas) -> "SFNClient":
    """Return a client whose calls wait for their quota, and whose refusals the quotas learn from."""
    return cast("SFNClient", _PacedClient(client, quotas))


class _PacedClient:
    def __init__(self, client: "SFNClient", quotas: Quotas) -> None:
        self._client = client
        self._quotas = quotas

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(self._client, name)
        action = "".join(word.capitalize() for word in name.split("_"))

        async def call(**parameters: object) -> Any:
            await self._quotas.take(action)
            try:
                return await method(**parameters)
            except errors.Throttled:
                self._quotas.refused(action)
                raise

        setattr(self, name, call)
        return call
