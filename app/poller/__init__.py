"""When to ask Step Functions."""

from app.poller.event_intake import EventIntake
from app.poller.event_queue import EventConsumer
from app.poller.leadership import Leadership
from app.poller.poller import Poller, PollerStatus, RoundReport

__all__ = ["EventConsumer", "EventIntake", "Leadership", "Poller", "PollerStatus", "RoundReport"]
