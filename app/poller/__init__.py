"""When to ask Step Functions."""

from app.poller.events.consumer import EventConsumer
from app.poller.events.handler import StatusEventHandler
from app.poller.leadership import Leadership
from app.poller.poller import Poller, PollerStatus, RoundReport

__all__ = ["EventConsumer", "Leadership", "Poller", "PollerStatus", "RoundReport", "StatusEventHandler"]
