"""Verbs that start, show and follow workflows."""
