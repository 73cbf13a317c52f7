"""Verbs that run the service."""
