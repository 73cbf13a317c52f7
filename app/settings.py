"""All settings of the service, read once from the environment."""

import os
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import (
    AliasChoices,
    BeforeValidator,
    Field,
    IPvAnyNetwork,
    StringConstraints,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from workflow_manager import errors, strict_json
from workflow_manager.aws import AWSSettings


class StoreBackend(StrEnum):
    """Where definitions and workflows are kept."""

    MEMORY = "memory"
    DYNAMODB = "dynamodb"


AccountId = Annotated[str, StringConstraints(pattern=r"^\d{12}$")]
QueueUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^/]+/.+$")]
RoleArn = Annotated[str, StringConstraints(pattern=r"^arn:[a-z-]+:iam::\d{12}:role/.+$")]
NamespaceGlob = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:*-]{1,128}$")]


def _json(value: object) -> object:
    try:
        return strict_json.loads(value) if isinstance(value, str) else value
    except errors.InvalidRequest as invalid:
        raise ValueError(invalid.message) from None


SfnRoles = Annotated[dict[NamespaceGlob, RoleArn], Field(min_length=1), BeforeValidator(_json)]
HostName = Annotated[str, StringConstraints(pattern=r"^(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?\.?$")]
RootPath = Annotated[str, StringConstraints(pattern=r"^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$", max_length=200)]


PREFIX: Final = "WFM_"
ANY_INTERFACE: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  recognised here, nothing is bound
OTHERS: Final = frozenset({"WFM_DEBUG"})
"""Variables that the command line reads."""


class Settings(BaseSettings):
    """Settings of the service; each is read from the environment variable ``WFM_`` + its name in capitals.

    The variables of AWS (credentials, ``AWS_ENDPOINT_URL``, ``AWS_PROFILE``, ...) are left to botocore and mean what
    they mean everywhere; only the region is needed here too, because ARNs are made from it.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", populate_by_name=True)

    aws_region: str | None = Field(
        default=None,
        validation_alias=AliasChoices("aws_region", "AWS_REGION", "AWS_DEFAULT_REGION"),
        description="Region of Step Functions; when absent, that of the AWS profile.",
    )
    account_id: AccountId | None = Field(
        default=None, description="AWS account that ARNs are made for; asked of STS when absent."
    )
    sfn_role_arn: RoleArn | None = Field(default=None, description="Role that the state machines run with.")
    sfn_roles: Annotated[SfnRoles | None, NoDecode] = Field(
        default=None,
        description="Role that the state machines of each namespace run with, as a JSON object of globs and ARNs; "
        "a namespace that none matches is refused.",
    )
    auth: Literal["off", "keys", "oidc", "keys,oidc"] | None = Field(
        default=None,
        description="How callers prove who they are; absent, it counts as `off`, and only this machine is served.",
    )
    access_file: Path | None = Field(
        default=None, description="File with the rights of callers without a credential, and the identity providers."
    )
    audit_days: int = Field(default=400, ge=1, le=36_500, description="How long entries of the audit are kept.")
    store: StoreBackend | None = Field(
        default=None, description="Where workflows are kept; with the embedded AWS the default is `memory`."
    )
    table_prefix: str = Field(
        default="workflow-manager", pattern=r"^[A-Za-z0-9_.-]{1,200}$", description="Prefix of the DynamoDB tables."
    )
    retention_days: int = Field(default=90, ge=1, description="How long an ended workflow is kept.")
    history_bytes: int = Field(
        default=16 * 1024 * 1024,
        ge=1024 * 1024,
        description="Inputs, outputs and causes that are kept of the jobs of one run; Step Functions has the others.",
    )
    poller_enabled: bool = Field(default=True, description="Whether this process polls Step Functions.")
    poll_interval_seconds: float = Field(
        default=1.0, gt=0, le=3600, description="Least time between two questions about the same workflow."
    )
    lease_seconds: float = Field(
        default=15.0, ge=1, le=600, description="How long a poller must stand still before another one takes over."
    )
    events_queue_url: QueueUrl | None = Field(
        default=None, description="SQS queue with the status changes of executions that EventBridge sends."
    )
    quota_preset: Literal["auto", "large", "other", "none"] = Field(
        default="auto", description="Quotas of Step Functions to keep to; `auto` goes by the region."
    )
    quota_share: float = Field(default=1.0, gt=0, le=1, description="Part of the account's quotas that is ours.")
    aws_max_connections: int = Field(default=64, ge=1, le=10_000, description="Connections to each AWS service.")
    public_hosts: Annotated[tuple[IPvAnyNetwork | HostName, ...] | None, NoDecode] = Field(
        default=None,
        description="Hosts that the service is known by besides loopback: names, `*.` and a name, addresses, networks.",
    )
    trusted_proxies: Annotated[tuple[IPvAnyNetwork, ...] | None, NoDecode] = Field(
        default=None,
        description="Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` count: addresses and networks.",
    )
    root_path: RootPath | None = Field(default=None, description="Path that a proxy publishes the service under.")
    recover: bool = Field(
        default=False,
        description="Whether `recover` may be used: set it once no older version runs, which would end redriven runs.",
    )
    drain_seconds: float = Field(
        default=0.0,
        ge=0,
        le=600,
        description="How long requests are still served after SIGTERM, while `/_ready` already fails.",
    )
    log_format: Literal["auto", "console", "json"] = Field(
        default="auto", description="Form of the log lines; `auto` is `console` on a terminal, else `json`."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least important lines that are logged."
    )

    @field_validator("public_hosts", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return (
            tuple(part.strip().removeprefix("[").removesuffix("]") for part in value.split(",") if part.strip()) or None
        )

    @field_validator("root_path", mode="before")
    @classmethod
    def _without_last_slash(cls, value: object) -> object:
        return (value.rstrip("/") or None) if isinstance(value, str) else value

    @classmethod
    def load(cls, **overrides: object) -> Self:
        """Read the environment; ``overrides`` win over it.

        Raises ``SettingsError`` with one line that names every wrong variable.
        """
        try:
            return cls(**overrides)  # type: ignore[arg-type]  # pydantic checks the values
        except ValidationError as invalid:
            raise errors.SettingsError(_one_line(invalid)) from None

    @property
    def aws(self) -> AWSSettings:
        """What the clients of AWS need of these settings."""
        return AWSSettings(region=self.aws_region, max_connections=self.aws_max_connections)

    def known_as(self, host: str) -> Self:
        """Return these settings for a service that listens on an address or name, by which it can be called then."""
        if host in ANY_INTERFACE:
            return self
        return self.model_copy(update={"public_hosts": (*(self.public_hosts or ()), _host(host))})

    @classmethod
    def unknown_variables(cls) -> list[str]:
        """Return the variables of the environment that look like settings and are none: perhaps misspelt."""
        known = {f"{PREFIX}{name}".upper() for name in cls.model_fields} | OTHERS
        return sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)


def _host(text: str) -> IPv4Network | IPv6Network | str:
    try:
        return ip_network(text)
    except ValueError:
        return text


def _one_line(invalid: ValidationError) -> str:
    problems = (f"{_variable(problem['loc'])}: {problem['msg']}" for problem in invalid.errors())
    return "wrong settings: " + "; ".join(problems)


def _variable(location: tuple[int | str, ...]) -> str:
    name = str(location[0]) if location else "?"
    return name.upper() if name.upper().startswith("AWS_REGION") else f"WFM_{name}".upper()
