"""Everything that talks to Step Functions."""

from app.executor.executor import Executor
from app.executor.launcher import Launcher
from app.executor.observer import Observer
from app.executor.registry import Registry
from app.executor.state_machines import Account, StateMachines

__all__ = ["Account", "Executor", "Launcher", "Observer", "Registry", "StateMachines"]
