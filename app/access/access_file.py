"""The file of ``WFM_ACCESS_FILE``: what callers without a credential may do, and which identity providers to trust."""

import json
import tomllib
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from app.access.principal import Binding
from workflow_manager import errors

PROVES_NOTHING: Final = frozenset({"aud", "iss", "email"})
"""Claims that alone identify no user: every user of a provider has the first two, and an address can pass to
another person."""

HttpsUrl = Annotated[str, StringConstraints(pattern=r"^https://[^\s/?#]+[^\s?#]*$", max_length=1024)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Anonymous(_Part):
    """What callers without a credential may do."""

    bindings: tuple[Binding, ...] = ()


class ClaimRule(_Part):
    """Who has all of these claims gets the bindings."""

    claims: dict[str, tuple[str, ...]] = Field(min_length=1)
    """Globs by claim, one of which must match the claim, or one of its members when it is a list."""
    bindings: tuple[Binding, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _one_is_a_list(cls, data: object) -> object:
        if isinstance(data, dict) and isinstance(claims := data.get("claims"), dict):
            return {**data, "claims": {name: [v] if isinstance(v, str) else v for name, v in claims.items()}}
        return data

    @model_validator(mode="after")
    def _says_who(self) -> Self:
        if "email" in self.claims:
            raise ValueError("the claim email can pass to another person; match sub, or groups")
        if not self.claims.keys() - PROVES_NOTHING or all(
            set(globs) == {"*"} for name, globs in self.claims.items() if name not in PROVES_NOTHING
        ):
            raise ValueError(
                "a rule needs a claim beside aud and iss, such as sub: every user of the provider has those"
            )
        return self


class Issuer(_Part):
    """An identity provider."""

    alias: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    """Short name, which is part of the identity of its users."""
    issuer: HttpsUrl
    audience: Annotated[str, StringConstraints(min_length=1, max_length=512)]
    jwks_url: HttpsUrl | None = None
    """Where its keys are; by default its discovery document says so."""
    name_claim: str | None = None
    """Claim that people know its users by."""
    rules: tuple[ClaimRule, ...] = Field(min_length=1)


class AccessFile(_Part):
    """The contents of the file."""

    anonymous: Anonymous = Anonymous()
    issuers: tuple[Issuer, ...] = ()

    @model_validator(mode="after")
    def _unique(self) -> Self:
        for what, values in (
            ("alias", [each.alias for each in self.issuers]),
            ("issuer", [each.issuer for each in self.issuers]),
        ):
            if len(set(values)) < len(values):
                raise ValueError(f"two issuers have the same {what}")
        return self


def read_access_file(path: Path | None) -> AccessFile:
    """Read the file, TOML or JSON by its name; without a path nothing is granted. Raises ``SettingsError``."""
    if path is None:
        return AccessFile()
    try:
        text = path.read_text()
        data = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
        return AccessFile.model_validate(data)
    except OSError as error:
        raise errors.SettingsError(f"WFM_ACCESS_FILE: {path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, ValueError) as error:
        raise errors.SettingsError(f"WFM_ACCESS_FILE: {path}: {_one_line(error)}") from None


def _one_line(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    problems = (f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors())
    return "; ".join(problems)
