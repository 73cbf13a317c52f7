"""The only door to AWS: clients that raise our errors."""
