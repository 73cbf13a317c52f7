"""What the door to AWS needs to know of its surroundings."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from workflow_manager import errors

MAX_CONNECTIONS_VARIABLE = "WFM_AWS_MAX_CONNECTIONS"
REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")


@dataclass(frozen=True)
class AWSSettings:
    """The region, and how many connections to each AWS service may be open.

    Without a region that of the AWS profile is used. Everything else (credentials, ``AWS_ENDPOINT_URL``,
    ``AWS_PROFILE``, ...) is left to botocore.
    """

    region: str | None = None
    max_connections: int = 64

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read the region and ``WFM_AWS_MAX_CONNECTIONS``; raises ``SettingsError``."""
        region = next((environ[name] for name in REGION_VARIABLES if environ.get(name)), None)
        limit = environ.get(MAX_CONNECTIONS_VARIABLE, "64")
        if not (limit.isascii() and limit.isdecimal() and 1 <= int(limit) <= 10_000):
            raise errors.SettingsError(
                f"wrong settings: {MAX_CONNECTIONS_VARIABLE}: must be a number from 1 to 10000, not {limit!r}"
            )
        return cls(region=region, max_connections=int(limit))
