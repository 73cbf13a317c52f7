"""The service: versioned workflows on AWS Step Functions, over REST."""

__version__ = "1.0.0"
