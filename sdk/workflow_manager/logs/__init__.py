"""Structured logs that never wait for their reader."""
