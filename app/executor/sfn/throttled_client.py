"""A client of Step Functions that keeps to the quotas, and repeats what got no answer."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, cast

from app.executor.sfn.circuit_breaker import CircuitBreaker
from app.executor.sfn.quotas import Quotas
from workflow_manager import errors

if TYPE_CHECKING:
    from types_aiobotocore_stepfunctions import SFNClient

ATTEMPTS: Final = 3
"""Times that one call is made. Each can be repeated: a start has a name, a redrive a client token; the others ask, or
set the same again."""

FIRST_PAUSE_SECONDS: Final = 0.1
"""Before a call without an answer is repeated; each pause is twice as long as the one before, and up to half longer."""


STARTING: Final = frozenset({"CreateStateMachine", "StartExecution", "UpdateStateMachine"})
"""Actions whose silence is an outage for who wants to start something. Throttled, they are not repeated: what was not
started is the dispatcher's, who lets it wait in its turn."""


def throttled(
    client: "SFNClient",
    quotas: Quotas,
    circuit_breaker: CircuitBreaker | None = None,
    *,
    randomness: Callable[[], float] = random.random,
) -> "SFNClient":
    """Return a client whose calls wait for their quota, and whose throttled calls lower it.

    Retries wait for the quota too, so ``client`` must not retry by itself. ``circuit_breaker`` records the results of
    the calls that start something.
    """
    return cast("SFNClient", _ThrottledClient(client, quotas, circuit_breaker, randomness))


class _ThrottledClient:
    def __init__(
        self,
        client: "SFNClient",
        quotas: Quotas,
        circuit_breaker: CircuitBreaker | None,
        randomness: Callable[[], float],
    ) -> None:
        self._client = client
        self._quotas = quotas
        self._circuit_breaker = circuit_breaker
        self._randomness = randomness

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(self._client, name)
        action = "".join(word.capitalize() for word in name.split("_"))

        watched = (
            method
            if self._circuit_breaker is None or action not in STARTING
            else _watched(method, self._circuit_breaker)
        )

        async def call(**parameters: object) -> Any:
            return await self._call(action, lambda: watched(**parameters))

        setattr(self, name, call)
        return call

    async def _call(self, action: str, attempt: Callable[[], Awaitable[Any]]) -> Any:
        unanswered = 0
        for left in reversed(range(ATTEMPTS)):
            await self._quotas.take(action)
            try:
                return await attempt()
            except errors.Throttled:
                self._quotas.refused(action)
                if not left or action in STARTING:
                    raise
            except errors.NoAnswer:
                unanswered += 1
                if not left:
                    raise
                await self._pause(unanswered)
            except errors.WorkflowManagerError as refusal:
                if not unanswered or not _is_refusal(refusal):
                    raise
                # The attempt without an answer may have been accepted before that.
                raise errors.NoAnswer(f"AWS gave no answer at first, and then: {refusal.message}") from refusal
        raise AssertionError("the last attempt returns or raises")

    async def _pause(self, number: int) -> None:
        await asyncio.sleep(FIRST_PAUSE_SECONDS * 2 ** (number - 1) * (1 + self._randomness() / 2))


def _is_refusal(error: errors.WorkflowManagerError) -> bool:
    """Tell whether AWS only said no; other errors tell how things are."""
    return isinstance(error, errors.AccessDenied | errors.RefusedByAWS) or type(error) is errors.AWSError


def _watched(method: Callable[..., Awaitable[Any]], circuit_breaker: CircuitBreaker) -> Callable[..., Awaitable[Any]]:
    async def call(**parameters: object) -> Any:
        began = asyncio.get_running_loop().time()
        try:
            answer = await method(**parameters)
        except errors.NoAnswer:
            circuit_breaker.record_failure()
            raise
        except asyncio.CancelledError:
            circuit_breaker.record_failure(after_seconds=asyncio.get_running_loop().time() - began)
            raise
        except errors.WorkflowManagerError:
            circuit_breaker.record_success()
            raise
        circuit_breaker.record_success()
        return answer

    return call
