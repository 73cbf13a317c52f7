"""Everything that talks to Step Functions."""

from app.executor.definition_cache import DefinitionCache
from app.executor.executor import Executor
from app.executor.outbox import NotTried, Outbox
from app.executor.queues import Queues
from app.executor.reconciler import Reconciler
from app.executor.registry import Registry
from app.executor.sfn.circuit_breaker import CircuitBreaker
from app.executor.sfn.execution_lists import ExecutionLists
from app.executor.sfn.quotas import Quotas
from app.executor.sfn.roles import NamespaceRoles
from app.executor.sfn.state_machines import Account, StateMachines
from app.executor.sfn.throttled_client import throttled
from app.executor.starter import ExecutionStarter

__all__ = [
    "Account",
    "CircuitBreaker",
    "DefinitionCache",
    "ExecutionLists",
    "ExecutionStarter",
    "Executor",
    "NamespaceRoles",
    "NotTried",
    "Outbox",
    "Queues",
    "Quotas",
    "Reconciler",
    "Registry",
    "StateMachines",
    "throttled",
]
