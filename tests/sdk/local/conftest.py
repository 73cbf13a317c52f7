"""Clients of the embedded AWS that the session shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from tests.sdk.local.workbench import Workbench

if TYPE_CHECKING:
    from collections.abc import Iterator

CREDENTIALS = {"region_name": "us-west-2", "aws_access_key_id": "test", "aws_secret_access_key": "test"}

PATIENT = Config(retries={"total_max_attempts": 1}, read_timeout=75, max_pool_connections=100, inject_host_prefix=False)
"""No retries, which would hide errors; long polls need the read timeout."""


@pytest.fixture(scope="session")
def bench(local_aws_url: str) -> Iterator[Workbench]:
    client = boto3.client("stepfunctions", endpoint_url=local_aws_url, config=PATIENT, **CREDENTIALS)  # type: ignore[call-overload]
    yield Workbench(client)
    client.close()


@pytest.fixture(scope="session")
def dynamodb(local_aws_url: str) -> Iterator[Any]:
    client: Any = boto3.client("dynamodb", endpoint_url=local_aws_url, config=PATIENT, **CREDENTIALS)  # type: ignore[call-overload]
    yield client
    client.close()


@pytest.fixture(scope="session")
def sts(local_aws_url: str) -> Iterator[Any]:
    client: Any = boto3.client("sts", endpoint_url=local_aws_url, config=PATIENT, **CREDENTIALS)  # type: ignore[call-overload]
    yield client
    client.close()
