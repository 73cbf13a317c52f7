"""workflow-manager: versioned workflows on AWS Step Functions."""

__version__ = "1.0.0"
