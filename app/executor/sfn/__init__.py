"""Calls of Step Functions, within its quotas."""
