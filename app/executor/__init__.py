"""Everything that talks to Step Functions."""

from app.executor.catalog import Catalog
from app.executor.executor import Executor
from app.executor.launcher import Launcher
from app.executor.listings import ExecutionLists
from app.executor.observer import Observer
from app.executor.outages import Outage
from app.executor.outbox import NotTried, Outbox
from app.executor.pacing import paced
from app.executor.queues import Queues
from app.executor.quotas import Quotas
from app.executor.registry import Registry
from app.executor.state_machines import Account, StateMachines

__all__ = [
    "Account",
    "Catalog",
    "ExecutionLists",
    "Executor",
    "Launcher",
    "NotTried",
    "Observer",
    "Outage",
    "Outbox",
    "Queues",
    "Quotas",
    "Registry",
    "StateMachines",
    "paced",
]
