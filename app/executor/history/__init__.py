"""The fold of an execution's history into jobs: pure functions."""

from app.executor.history.folding import HANDLED, IGNORED, Event, HistoryFold, failing_job, fold, last_job

__all__ = ["HANDLED", "IGNORED", "Event", "HistoryFold", "failing_job", "fold", "last_job"]
