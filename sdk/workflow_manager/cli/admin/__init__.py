"""Verbs to operate the service: health, quotas, queues, resources, configuration and the embedded AWS."""
