"""Which service a command asks, as whom, and with how much patience."""

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, NamedTuple

import typer

from workflow_manager import errors
from workflow_manager.cli.options.common import DEFAULT_URL, URL_VARIABLE
from workflow_manager.cli.options.profiles import HEADERS, PROFILE_VARIABLE, TOKEN_ENV, read_configuration
from workflow_manager.cli.output.console import note
from workflow_manager.cli.program import program_name
from workflow_manager.masking import masked

TOKEN_VARIABLE: Final = "WORKFLOWMANAGER_TOKEN"  # noqa: S105  where it is, not what it is
OTHER_URL_VARIABLE: Final = "WFM_URL"
"""Looks like a setting of the service, whose variables begin with WFM_, but is none."""

AUTHORIZATION: Final = "Authorization"
DEFAULT_REQUEST_TIMEOUT_SECONDS: Final = 30.0


class Credential(NamedTuple):
    """A header that says who asks, and where it comes from."""

    header: str
    value: str
    source: str


class Chosen(NamedTuple):
    """The profile that applies, if there is one, and whether it was typed on the command line."""

    name: str | None = None
    typed: bool = False
    settings: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Service:
    """The service that a command asks."""

    url: str
    profile: str | None = None
    """The profile that was typed on the command line."""
    credentials: tuple[Credential, ...] = ()
    request_timeout_seconds: float = DEFAULT_REQUEST_TIMEOUT_SECONDS

    def __str__(self) -> str:
        """Write what may be shown."""
        return masked(self.url)

    @property
    def headers(self) -> dict[str, str]:
        """What is sent with every request."""
        return {credential.header: credential.value for credential in self.credentials}

    def command(self, *words: str) -> str:
        """Write a command that asks the same service from the same shell; a password is for the person to fill in."""
        options: list[str] = []
        if self.profile is not None:
            options += ["--profile", self.profile]
        if self.url != _usual_url(self.profile):
            options += ["--url", masked(self.url)]
        return shlex.join([program_name(), *words, *options])


def remember(context: typer.Context, *, chosen: Chosen | None = None, request_timeout: float | None = None) -> None:
    """Keep what was said before the URL is looked at."""
    if chosen is not None:
        context.meta["chosen"] = chosen
    if request_timeout is not None:
        context.meta["request_timeout"] = request_timeout


def chosen_profile(context: typer.Context) -> Chosen:
    """Return the profile that applies to a command."""
    chosen: Chosen = context.meta.get("chosen", Chosen())
    return chosen


def _usual_url(profile: str | None) -> str:
    """Return the service that a command without --url asks, in this shell."""
    chosen = profile or os.environ.get(PROFILE_VARIABLE) or None
    of_profile = read_configuration().settings_of(chosen).get("url")
    of_shell = os.environ.get(URL_VARIABLE)
    return next((url for url in ((of_profile, of_shell) if profile else (of_shell, of_profile)) if url), DEFAULT_URL)


def _parse(value: object) -> Service:
    return value if isinstance(value, Service) else Service(str(value))


def _complete(context: typer.Context, service: Service) -> Service:
    """Add what else was said: by options, which are read before, by the profile, and by the shell."""
    chosen = chosen_profile(context)
    source = context.get_parameter_source("service")
    if source is not None and source.name == "DEFAULT" and os.environ.get(OTHER_URL_VARIABLE):
        note(f"{OTHER_URL_VARIABLE} is ignored; the URL of the service is read from {URL_VARIABLE}.")
    # Credentials belong to the service that the profile names, and are not shown to another one.
    elsewhere = "url" in chosen.settings and (source is None or source.name != "DEFAULT_MAP")
    return replace(
        service,
        profile=chosen.name if chosen.typed else None,
        credentials=tuple(_credentials(chosen, of_profile=not elsewhere).values()),
        request_timeout_seconds=context.meta.get("request_timeout", DEFAULT_REQUEST_TIMEOUT_SECONDS),
    )


def _credentials(chosen: Chosen, *, of_profile: bool) -> dict[str, Credential]:
    """Put credentials together, by header; what is said closer to the command wins: a typed profile, then the shell."""
    found = _of_profile(chosen) if of_profile else {}
    token = os.environ.get(TOKEN_VARIABLE)
    if token and not (chosen.typed and AUTHORIZATION.lower() in found):
        found[AUTHORIZATION.lower()] = _bearer(token, source=TOKEN_VARIABLE)
    return found


def _of_profile(chosen: Chosen) -> dict[str, Credential]:
    source = f"profile {chosen.name}"
    headers: Mapping[str, str] = chosen.settings.get(HEADERS, {})
    found = {name.lower(): Credential(name, value, source) for name, value in headers.items()}
    if variable := chosen.settings.get(TOKEN_ENV):
        token = os.environ.get(variable)
        if not token:
            raise errors.SettingsError(
                f"The {source} takes its token from the environment variable {variable}, which is not set."
            )
        found[AUTHORIZATION.lower()] = _bearer(token, source=f"{source}, {variable}")
    return found


def secret_variables() -> frozenset[str]:
    """Return the variables that hold tokens, those that profiles name among them."""
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
