"""When to ask Step Functions."""

from app.poller.events.consumer import EventConsumer
from app.poller.events.handler import EventIntake
from app.poller.leadership import Leadership
from app.poller.poller import Poller, PollerStatus, RoundReport

__all__ = ["EventConsumer", "EventIntake", "Leadership", "Poller", "PollerStatus", "RoundReport"]
