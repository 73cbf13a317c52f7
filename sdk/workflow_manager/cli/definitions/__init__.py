"""Verbs for workflow definitions."""
