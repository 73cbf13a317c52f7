"""Metrics of workers, for Prometheus and CloudWatch."""
