"""The only door to AWS: clients that raise our errors."""

from workflow_manager.aws.clients import (
    ATTEMPTS,
    AWS,
    ERRORS_BY_CODE,
    READ_TIMEOUT_SECONDS,
    connect,
    is_embedded,
    translated_errors,
    translating,
)
from workflow_manager.aws.settings import AWSSettings

__all__ = [
    "ATTEMPTS",
    "AWS",
    "ERRORS_BY_CODE",
    "READ_TIMEOUT_SECONDS",
    "AWSSettings",
    "connect",
    "is_embedded",
    "translated_errors",
    "translating",
]
