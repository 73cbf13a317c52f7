"""Verbs that run workers."""
