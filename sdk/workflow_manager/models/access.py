"""Access: roles, API keys, and who the caller is."""

from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from workflow_manager.models.wire import Request, Response, Timestamp, rfc3339

EVERYTHING: Final = "*"

Glob = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:*-]{1,128}$")]
"""A name in which `*` stands for any number of characters."""

KeyName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:@/ -]{1,128}$")]


class Role(StrEnum):
    """What a caller may do; each role includes the ones before it."""

    READ = "read"
    SUBMIT = "submit"
    OPERATE = "operate"
    AUTHOR = "author"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """The place of the role, from 0."""
        return _RANKS[self]

    def includes(self, other: "Role") -> bool:
        """Tell whether a caller with this role has the other one too."""
        return self.rank >= other.rank


_RANKS: Final = {role: rank for rank, role in enumerate(Role)}


class Binding(Request):
    """A role in the namespaces, and for the workflow definitions, that match."""

    model_config = ConfigDict(strict=False)

    role: Role = Field(description="What the key may do; each role includes the ones before it.")
    namespaces: tuple[Glob, ...] = Field(
        default=(EVERYTHING,),
        min_length=1,
        max_length=100,
        description="Namespaces; `*` stands for any number of characters. Default: all.",
    )
    definitions: tuple[Glob, ...] = Field(
        default=(EVERYTHING,),
        min_length=1,
        max_length=100,
        description="Names of workflow definitions; `*` stands for any number of characters. Default: all.",
    )

    @model_validator(mode="after")
    def _admin_is_everywhere(self) -> Self:
        if self.role is Role.ADMIN and not self.everywhere:
            raise ValueError("the role admin is for all namespaces and definitions; leave them out")
        return self

    @property
    def everywhere(self) -> bool:
        """Whether the binding covers every namespace and every definition."""
        return EVERYTHING in self.namespaces and EVERYTHING in self.definitions


class RoleBinding(Response):
    """A role that a caller has in some namespaces, and for some workflow definitions."""

    role: Role = Field(description="What the caller may do; each role includes the ones before it.")
    namespaces: tuple[str, ...] = Field(description="Namespaces; `*` stands for any number of characters.")
    definitions: tuple[str, ...] = Field(
        description="Names of workflow definitions; `*` stands for any number of characters."
    )


class NewApiKey(Request):
    """A key to be made."""

    model_config = ConfigDict(strict=False)

    name: KeyName = Field(description="What people call the key, such as the program that uses it.")
    bindings: tuple[Binding, ...] = Field(min_length=1, max_length=100, description="What the key may do.")
    expires_at: Annotated[AwareDatetime, BeforeValidator(rfc3339)] | None = Field(
        default=None, description="When the key ends, in RFC 3339; absent: never."
    )


class RotateApiKey(Request):
    """How a key gets another secret."""

    overlap_seconds: int = Field(
        default=86_400, ge=0, le=30 * 86_400, description="How long the secret before stays valid, in seconds."
    )


class ApiKey(Response):
    """An API key, without its secret, which is never shown again."""

    id: str = Field(description="Id of the key, the part of it that is no secret.")
    name: str = Field(description="What people call the key.")
    bindings: tuple[RoleBinding, ...] = Field(description="What the key may do.")
    created_at: Timestamp = Field(description="When the key was made.")
    created_by: str | None = Field(default=None, description="Who made the key.")
    expires_at: Timestamp | None = Field(default=None, description="When the key ends; absent: never.")
    last_used_at: Timestamp | None = Field(default=None, description="When the key was last used, to the hour.")
    previous_secret_until: Timestamp | None = Field(
        default=None, description="Until when the secret before the last rotation is valid as well."
    )


class IssuedApiKey(ApiKey):
    """An API key with its secret, which is shown this once."""

    key: str = Field(description="The key as it is sent: `Authorization: Bearer KEY`.")


class Identity(Response):
    """Who the caller is, and what they may do."""

    subject: str = Field(description="Identity of the caller: `key/ID`, `oidc/ISSUER/SUB` or `anonymous`.")
    kind: str = Field(description="`key`, `oidc`, `anonymous`, or `unrestricted` while access control is off.")
    name: str | None = Field(default=None, description="What people call the caller.")
    expires_at: Timestamp | None = Field(default=None, description="When the credential ends; absent: never.")
    bindings: tuple[RoleBinding, ...] = Field(description="What the caller may do.")
    allowed: bool | None = Field(default=None, description="Whether the caller has the `role` that was asked about.")
