"""Fair turns: an execution that never waits for anything leaves time to the others."""

import threading
import time
from typing import Final

FREE_EVENTS: Final = 200.0
"""Events that an execution may add in one go."""

FREE_EVENTS_PER_SECOND: Final = 100.0
"""Events a second that never make it wait; AWS needs longer for them."""

PAUSE_SECONDS: Final = 0.0005
"""Length of a pause. All executions that must pause do so one after the other, so that their number does not matter."""

_ONE_AT_A_TIME: Final = threading.Lock()


class FairTurns:
    """The turns of one execution."""

    def __init__(self) -> None:
        self._free = FREE_EVENTS
        self._counted_at = time.monotonic()

    def take(self) -> None:
        """Count an event, and pause when there were many of late."""
        now = time.monotonic()
        # Threads of the same execution may lose a count to each other, which does not matter.
        self._free = min(FREE_EVENTS, self._free + (now - self._counted_at) * FREE_EVENTS_PER_SECOND) - 1
        self._counted_at = now
        if self._free < 0:
            self._free = 0.0
            with _ONE_AT_A_TIME:
                time.sleep(PAUSE_SECONDS)
