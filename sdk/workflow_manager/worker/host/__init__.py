"""What workers of one process share: signals, clients and metrics."""
