"""Profiles of the configuration file, and what wins over what.

Covers `workflow_manager.cli.options.profiles`.
"""

import json
from pathlib import Path

import pytest

from tests.sdk.cli.conftest import Run
from tests.sdk.cli.fake_service import FakeService
from tests.sdk.client.documents import workflow_json
from workflow_manager import errors
from workflow_manager.cli.options.profiles import configuration_path, read_configuration

FILE = """\
profile = "dev"

[profiles.dev]
url = "http://dev.test"

[profiles.production]
url = "https://me:secret@production.test"
namespace = "production"
output = "yaml"
"""


@pytest.fixture
def home(wfm: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of the configuration file; the shell names no service."""
    monkeypatch.delenv("WORKFLOWMANAGER_URL")
    folder = tmp_path / ".config" / "workflow-manager"
    folder.mkdir(parents=True)
    return folder


def shown(wfm: Run, *arguments: str) -> dict[str, tuple[str, str]]:
    """Return what applies, and what says so."""
    outcome = wfm("config", "show", *arguments, "-o", "json")
    assert outcome.code == 0, outcome.err
    return {each["name"]: (each["value"], each["source"]) for each in json.loads(outcome.out)}


def test_without_a_file_the_defaults_apply(wfm: Run, home: Path) -> None:
    """Nothing has to be configured."""
    found = shown(wfm)
    assert found["url"] == ("http://localhost:8080", "default")
    assert found["namespace"] == ("dev", "default")
    assert found["profile"] == ("-", "default")
    assert wfm("config", "show").err.endswith(f"\n{home / 'config.toml'}: file not found.\n")


def test_the_namespace_is_not_shown_as_that_of_all_commands(wfm: Run, home: Path) -> None:
    """Lists and changes are about all namespaces."""
    assert wfm("config", "show").err.startswith("The namespace applies to submit and worker; ")


def test_the_file_names_the_usual_profile(wfm: Run, home: Path) -> None:
    """It applies when nothing else is said."""
    (home / "config.toml").write_text(FILE)
    found = shown(wfm)
    assert found["profile"] == ("dev", "file")
    assert found["url"] == ("http://dev.test", "profile dev")
    assert wfm("config", "show").err.endswith(f"\n{home / 'config.toml'}: profiles dev, production.\n")


def test_what_is_said_closer_wins(wfm: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An option, then a profile that was typed, then the shell's variables, then a profile of shell or file."""
    (home / "config.toml").write_text(FILE)
    monkeypatch.setenv("WORKFLOWMANAGER_PROFILE", "production")
    assert shown(wfm)["url"][1] == "profile production"
    assert shown(wfm)["profile"] == ("production", "WORKFLOWMANAGER_PROFILE")
    monkeypatch.setenv("WORKFLOWMANAGER_URL", "http://shell.test")
    assert shown(wfm)["url"] == ("http://shell.test", "WORKFLOWMANAGER_URL")
    assert shown(wfm, "--profile", "dev")["url"] == ("http://dev.test", "profile dev")
    assert shown(wfm, "--profile", "dev")["profile"] == ("dev", "command line")
    assert shown(wfm, "--profile", "dev", "--url", "http://typed.test")["url"] == ("http://typed.test", "command line")


def test_a_password_is_not_shown(wfm: Run, home: Path) -> None:
    """Screens are shared."""
    (home / "config.toml").write_text(FILE)
    outcome = wfm("config", "show", "--profile", "production")
    assert "https://me:***@production.test" in outcome.out
    assert "secret" not in outcome.out + outcome.err


def test_a_profile_says_which_service_is_asked_and_how(wfm: Run, home: Path, service: FakeService) -> None:
    """URL, namespace and format of every command."""
    (home / "config.toml").write_text(
        f'[profiles.p]\nurl = "{service.url}"\nnamespace = "staging"\noutput = "json"\n[profiles.q]\n'
    )
    service.on("POST /workflows", workflow_json("queued"))
    outcome = wfm("submit", "x", "--profile", "p")
    assert json.loads(outcome.out)["id"] == "w"
    assert service.asked[0].body["namespace"] == "staging"


def test_a_namespace_to_run_in_is_no_filter(wfm: Run, home: Path, service: FakeService) -> None:
    """Lists show all namespaces unless a filter is typed."""
    (home / "config.toml").write_text(f'[profiles.p]\nurl = "{service.url}"\nnamespace = "staging"\n')
    service.on("GET /workflows", [])
    assert wfm("workflows", "--profile", "p").code == 0
    assert "namespace" not in service.asked[0].line


def test_the_way_back_is_short_and_works(wfm: Run, home: Path, service: FakeService) -> None:
    """What is printed works in the same shell, whatever it was that named the service: it names the profile again."""
    service.on("GET /workflows/w", workflow_json("running"))
    follow = ("workflows", "--workflow-id", "w", "--follow", "--timeout", "0")
    (home / "config.toml").write_text(f'profile = "p"\n[profiles.p]\nurl = "{service.url}"\n')
    assert wfm(*follow).err.endswith("\n  workflow-manager workflows w --follow\n")
    (home / "config.toml").write_text(f'[profiles.p]\nurl = "{service.url}"\n')
    assert wfm(*follow, "--profile", "p").err.endswith(" w --follow --profile p\n")
    assert wfm(*follow, "--url", service.url).err.endswith(f" w --follow --url {service.url}\n")


WRONG = [
    ("profile = ", "is not TOML"),
    ("profile = 1", "'profile' must be the name of a profile"),
    ('profile = "nope"', "There is no profile 'nope'"),
    ("profiles = 1", "[profiles.NAME]"),
    ("colour = 1", "unknown key 'colour'"),
    ("[profiles]\na = 1", "[profiles.a] must be a table"),
    ('[profiles.a]\nulr = "x"', "[profiles.a]: unknown key 'ulr'; known keys: url, namespace, output,"),
    ("[profiles.a]\nurl = 1", "'url' must be a string"),
    ('[profiles.a]\noutput = "xml"', "'output' must be one of table, json, jsonl, yaml"),
]


@pytest.mark.parametrize(("content", "words"), WRONG)
def test_a_wrong_file_is_one_line(content: str, words: str, wfm: Run, home: Path) -> None:
    """It names the file, and the exit code is that of wrong usage."""
    (home / "config.toml").write_text(content)
    outcome = wfm("definitions", "list")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert words in outcome.err
    assert str(home) in outcome.err


def test_a_wrong_file_does_not_keep_the_help_back(wfm: Run, home: Path) -> None:
    """Nor what asks no service."""
    (home / "config.toml").write_text("nonsense")
    assert wfm("submit", "--help").code == 0
    assert wfm("serve", "--help").code == 0


def test_a_file_that_cannot_be_read_is_one_line(home: Path) -> None:
    """A folder in its place, for example."""
    (home / "config.toml").mkdir()
    with pytest.raises(errors.SettingsError, match="Cannot read"):
        read_configuration()


def test_a_relative_directory_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the XDG specification wants."""
    monkeypatch.setenv("HOME", "/home/x")
    for given in ("", "relative/path"):
        monkeypatch.setenv("XDG_CONFIG_HOME", given)
        assert configuration_path() == Path("/home/x/.config/workflow-manager/config.toml")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/etc/x")
    assert configuration_path() == Path("/etc/x/workflow-manager/config.toml")
