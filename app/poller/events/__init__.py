"""Status changes that EventBridge sends through SQS."""
