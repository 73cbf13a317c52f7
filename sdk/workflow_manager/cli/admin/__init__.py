"""Verbs for those who run the service: its state, queues, resources, configuration and the embedded AWS."""
