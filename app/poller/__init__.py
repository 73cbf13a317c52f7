"""When to ask Step Functions."""

from app.poller.poller import Poller, RoundReport

__all__ = ["Poller", "RoundReport"]
