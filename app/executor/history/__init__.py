"""The fold of an execution's history into jobs: pure functions."""
