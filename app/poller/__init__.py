"""When to ask Step Functions."""

from app.poller.leadership import Leadership
from app.poller.poller import Poller, PollerStatus, RoundReport

__all__ = ["Leadership", "Poller", "PollerStatus", "RoundReport"]
