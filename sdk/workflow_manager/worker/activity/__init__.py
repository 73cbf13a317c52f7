"""Serving one activity: polling, heartbeats and reports."""
