"""Profiles: named sets of defaults in the configuration file."""

import os
import shlex
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from workflow_manager import errors
from workflow_manager.cli.options.common import NAMESPACE_VARIABLE, URL_VARIABLE, Format

PROFILE_VARIABLE: Final = "WORKFLOWMANAGER_PROFILE"
REQUEST_TIMEOUT_VARIABLE: Final = "WORKFLOWMANAGER_REQUEST_TIMEOUT"
CHOICE: Final = "profile"
"""Key of the file that names the default profile."""

PROFILES: Final = "profiles"
TOKEN_ENV: Final = "token_env"  # noqa: S105  where its name is, not what it is
TOKEN: Final = "token"  # noqa: S105  a name, too
TOKEN_COMMAND: Final = "token_command"  # noqa: S105
TOKENS: Final = (TOKEN, TOKEN_ENV, TOKEN_COMMAND)
HEADERS: Final = "headers"
VARIABLES: Final[Mapping[str, str]] = {
    "url": URL_VARIABLE,
    "namespace": NAMESPACE_VARIABLE,
    "request_timeout": REQUEST_TIMEOUT_VARIABLE,
}


class Configuration(NamedTuple):
    """The configuration file; empty if there is none."""

    path: Path
    default: str | None = None
    profiles: Mapping[str, Mapping[str, Any]] = {}

    def settings_of(self, name: str | None) -> Mapping[str, Any]:
        """Return the settings of a profile, or of the default one. Raises ``SettingsError`` for an unknown one."""
        chosen = name or self.default
        if chosen is None:
            return {}
        if chosen not in self.profiles:
            known = ", ".join(sorted(self.profiles)) or "none"
            raise errors.SettingsError(f"There is no profile {chosen!r} in {self.path}; known profiles: {known}.")
        return self.profiles[chosen]


def configuration_path() -> Path:
    """Return the path of the file (XDG Base Directory Specification: a relative directory is ignored)."""
    given = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    return (given if given.is_absolute() else Path("~/.config").expanduser()) / "workflow-manager" / "config.toml"


def read_configuration() -> Configuration:
    """Read the file, if it exists. Raises ``SettingsError``, naming the file."""
    path = configuration_path()
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return Configuration(path)
    except OSError as error:
        raise errors.SettingsError(f"Cannot read {path}: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise errors.SettingsError(f"{path} is not TOML: {error}.") from error
    return _checked(path, document)


def _checked(path: Path, document: Mapping[str, Any]) -> Configuration:
    default, profiles = document.get(CHOICE), document.get(PROFILES, {})
    for key in document:
        if key not in {CHOICE, PROFILES}:
            raise errors.SettingsError(f"{path}: unknown key {key!r}; known keys: {CHOICE!r} and {PROFILES!r}.")
    if not isinstance(default, str | None):
        raise errors.SettingsError(f"{path}: {CHOICE!r} must be the name of a profile.")
    if not isinstance(profiles, dict):
        raise errors.SettingsError(f"{path}: a profile is written as [{PROFILES}.NAME].")
    for name, settings in profiles.items():
        _check_profile(f"{path}: [{PROFILES}.{name}]", settings)
    return Configuration(path, default, profiles)


def _check_profile(where: str, settings: object) -> None:
    if not isinstance(settings, dict):
        raise errors.SettingsError(f"{where} must be a table.")
    given = [key for key in TOKENS if key in settings]
    if len(given) > 1:
        raise errors.SettingsError(f"{where}: {' and '.join(map(repr, given))} exclude each other.")
    for key, value in settings.items():
        if key not in SETTINGS:
            raise errors.SettingsError(f"{where}: unknown key {key!r}; known keys: {', '.join(SETTINGS)}.")
        fits, words = SETTINGS[key]
        if not fits(value):
            raise errors.SettingsError(f"{where}: {key!r} must be {words}.")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_command(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and all(map(_is_text, value))
    try:
        return isinstance(value, str) and bool(shlex.split(value))
    except ValueError:  # a quote is missing
        return False


def _is_duration(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _are_headers(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())


SETTINGS: Final[Mapping[str, tuple[Callable[[object], bool], str]]] = {
    "url": (_is_text, "a string"),
    "namespace": (_is_text, "a string"),
    "output": (lambda value: isinstance(value, str) and value in set(Format), f"one of {', '.join(Format)}"),
    "request_timeout": (_is_duration, "a number of seconds"),
    TOKEN: (_is_text, "a string"),
    TOKEN_COMMAND: (_is_command, "a command, as a string or a list of strings"),
    TOKEN_ENV: (_is_text, "the name of an environment variable"),
    HEADERS: (_are_headers, "a table of strings"),
}
"""The settings of a profile, each with a check and a description of valid values."""
