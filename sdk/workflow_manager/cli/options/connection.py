"""The service that a command calls: its URL, credentials and time limit."""

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, NamedTuple

import typer

from workflow_manager import errors
from workflow_manager.cli.options.common import DEFAULT_URL, URL_VARIABLE
from workflow_manager.cli.options.profiles import (
    HEADERS,
    PROFILE_VARIABLE,
    TOKEN,
    TOKEN_COMMAND,
    TOKEN_ENV,
    read_configuration,
)
from workflow_manager.cli.output.console import note
from workflow_manager.cli.program import program_name
from workflow_manager.masking import masked

TOKEN_VARIABLE: Final = "WORKFLOWMANAGER_TOKEN"  # noqa: S105  where it is, not what it is
OTHER_URL_VARIABLE: Final = "WFM_URL"
"""Looks like a setting of the service, whose variables begin with WFM_, but is none."""

AUTHORIZATION: Final = "Authorization"
DEFAULT_REQUEST_TIMEOUT_SECONDS: Final = 30.0


class Credential(NamedTuple):
    """A header that authenticates requests, and where it comes from."""

    header: str
    value: str
    source: str


class TokenCommand(NamedTuple):
    """A command that prints a token, and where it is configured."""

    words: tuple[str, ...]
    source: str

    @classmethod
    def parse(cls, setting: str | list[str], *, source: str) -> "TokenCommand":
        """Read the setting of a profile: words, or a line that is split as a shell does it."""
        words = shlex.split(setting) if isinstance(setting, str) else setting
        return cls(tuple(words), source)


NOTHING: Final = Credential("", "", "")


class ActiveProfile(NamedTuple):
    """The profile in use, if any; ``from_option`` if it was given with --profile."""

    name: str | None = None
    from_option: bool = False
    settings: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Service:
    """The service that a command calls."""

    url: str
    profile: str | None = None
    """The profile that was given with --profile."""
    credentials: tuple[Credential, ...] = ()
    token_command: TokenCommand | None = None
    """A command that prints a token; it is run when the first request is sent."""
    request_timeout_seconds: float = DEFAULT_REQUEST_TIMEOUT_SECONDS

    def __str__(self) -> str:
        """Return the URL without its password."""
        return masked(self.url)

    @property
    def headers(self) -> dict[str, str]:
        """Headers that are sent with every request."""
        return {credential.header: credential.value for credential in self.credentials}

    def command(self, *words: str) -> str:
        """Return a command that calls the same service from the same shell; a password is masked."""
        options: list[str] = []
        if self.profile is not None:
            options += ["--profile", self.profile]
        if self.url != _usual_url(self.profile):
            options += ["--url", masked(self.url)]
        return shlex.join([program_name(), *words, *options])


def remember(
    context: typer.Context, *, active: ActiveProfile | None = None, request_timeout: float | None = None
) -> None:
    """Store options that are read before the URL."""
    if active is not None:
        context.meta["active"] = active
    if request_timeout is not None:
        context.meta["request_timeout"] = request_timeout


def active_profile(context: typer.Context) -> ActiveProfile:
    """Return the profile that a command uses."""
    active: ActiveProfile = context.meta.get("active", ActiveProfile())
    return active


def _usual_url(profile: str | None) -> str:
    """Return the URL that a command without --url uses in this shell."""
    active = profile or os.environ.get(PROFILE_VARIABLE) or None
    of_profile = read_configuration().settings_of(active).get("url")
    of_shell = os.environ.get(URL_VARIABLE)
    return next((url for url in ((of_profile, of_shell) if profile else (of_shell, of_profile)) if url), DEFAULT_URL)


def _parse(value: object) -> Service:
    return value if isinstance(value, Service) else Service(str(value))


def _complete(context: typer.Context, service: Service) -> Service:
    """Add the profile, credentials and time limit, from options, the profile and the shell."""
    active = active_profile(context)
    source = context.get_parameter_source("service")
    if source is not None and source.name == "DEFAULT" and os.environ.get(OTHER_URL_VARIABLE):
        note(f"{OTHER_URL_VARIABLE} is ignored; the URL of the service is read from {URL_VARIABLE}.")
    # The credentials of a profile belong to its URL and are sent to no other.
    elsewhere = "url" in active.settings and (source is None or source.name != "DEFAULT_MAP")
    credentials = _credentials(active, with_profile=not elsewhere)
    command = None if elsewhere or _has_token(credentials, active) else active.settings.get(TOKEN_COMMAND)
    return replace(
        service,
        profile=active.name if active.from_option else None,
        credentials=tuple(credentials.values()),
        token_command=command and TokenCommand.parse(command, source=f"profile {active.name}"),
        request_timeout_seconds=context.meta.get("request_timeout", DEFAULT_REQUEST_TIMEOUT_SECONDS),
    )


def _has_token(credentials: Mapping[str, Credential], active: ActiveProfile) -> bool:
    """Return whether a token of the shell is sent, which only a profile given as an option wins over."""
    return credentials.get(AUTHORIZATION.lower(), NOTHING).source == TOKEN_VARIABLE and not active.from_option


def _credentials(active: ActiveProfile, *, with_profile: bool) -> dict[str, Credential]:
    """Return credentials by header; a profile given as an option wins over the shell, and that over other profiles."""
    found = _profile_credentials(active) if with_profile else {}
    token = os.environ.get(TOKEN_VARIABLE)
    of_profile = AUTHORIZATION.lower() in found or (with_profile and TOKEN_COMMAND in active.settings)
    if token and not (active.from_option and of_profile):
        found[AUTHORIZATION.lower()] = _bearer(token, source=TOKEN_VARIABLE)
    return found


def _profile_credentials(active: ActiveProfile) -> dict[str, Credential]:
    source = f"profile {active.name}"
    headers: Mapping[str, str] = active.settings.get(HEADERS, {})
    found = {name.lower(): Credential(name, value, source) for name, value in headers.items()}
    if token := active.settings.get(TOKEN):
        found[AUTHORIZATION.lower()] = _bearer(token, source=source)
    if variable := active.settings.get(TOKEN_ENV):
        token = os.environ.get(variable)
        if not token:
            raise errors.SettingsError(
                f"The {source} takes its token from the environment variable {variable}, which is not set."
            )
        found[AUTHORIZATION.lower()] = _bearer(token, source=f"{source}, {variable}")
    return found


def secret_variables() -> frozenset[str]:
    """Return the environment variables that hold tokens, including those named by profiles."""
    named = (settings.get(TOKEN_ENV) for settings in read_configuration().profiles.values())
    return frozenset({TOKEN_VARIABLE, *filter(None, named)})


def _bearer(token: str, *, source: str) -> Credential:
    return Credential(AUTHORIZATION, f"Bearer {token}", source)


DEFAULT_SERVICE: Final = Service(DEFAULT_URL)
ServiceOption = Annotated[
    Service,
    typer.Option(
        "--url", envvar=URL_VARIABLE, metavar="URL", parser=_parse, callback=_complete, help="URL of the service."
    ),
]
