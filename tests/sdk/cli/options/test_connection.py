"""Which service is called, with which credentials and time limit; secrets are never shown.

Covers `workflow_manager.cli.options.connection`.
"""

import json
from pathlib import Path

import pytest

from tests.sdk.cli.conftest import Run
from tests.sdk.cli.fake_service import SILENCE, Answer, FakeService
from tests.sdk.client.documents import workflow_json
from workflow_manager.masking import masked

FOLLOW = ("workflows", "w", "--follow", "--timeout", "0")
LIST = ("definitions", "list")


@pytest.fixture
def config(wfm: Run, service: FakeService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of the configuration file; the shell names neither service nor token."""
    for name in ("WORKFLOWMANAGER_URL", "WORKFLOWMANAGER_TOKEN", "WORKFLOWMANAGER_REQUEST_TIMEOUT"):
        monkeypatch.delenv(name, raising=False)
    service.on("GET /workflow-definitions", [])
    path = tmp_path / ".config" / "workflow-manager" / "config.toml"
    path.parent.mkdir(parents=True)
    return path


def sent(service: FakeService, name: str) -> str | None:
    """Return a header of the last request."""
    return service.asked[-1].headers.get(name)


# Who asks


def test_a_token_of_the_shell_is_sent(
    config: Path, wfm: Run, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With every request to any service; without a token there is no header."""
    assert wfm(*LIST, "--url", service.url).code == 0
    assert sent(service, "Authorization") is None
    monkeypatch.setenv("WORKFLOWMANAGER_TOKEN", "t0ken")
    assert wfm(*LIST, "--url", service.url).code == 0
    assert sent(service, "Authorization") == "Bearer t0ken"


PROFILES = """
profile = "p"
[profiles.p]
url = "{url}"
token_env = "P_TOKEN"
headers = {{X-Team = "infra"}}
[profiles.other]
url = "{url}"
"""


def test_a_profile_says_who_asks(config: Path, wfm: Run, service: FakeService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its token comes from a variable, so that no secret is in the file."""
    config.write_text(PROFILES.format(url=service.url))
    monkeypatch.setenv("P_TOKEN", "of-p")
    assert wfm(*LIST).code == 0
    assert (sent(service, "Authorization"), sent(service, "X-Team")) == ("Bearer of-p", "infra")
    assert wfm(*LIST, "--profile", "other").code == 0
    assert (sent(service, "Authorization"), sent(service, "X-Team")) == (None, None)


def test_what_is_said_closer_wins(
    config: Path, wfm: Run, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A typed profile, then the shell, then the profile of the file."""
    config.write_text(PROFILES.format(url=service.url))
    monkeypatch.setenv("P_TOKEN", "of-p")
    monkeypatch.setenv("WORKFLOWMANAGER_TOKEN", "of-shell")
    assert wfm(*LIST).code == 0
    assert sent(service, "Authorization") == "Bearer of-shell"
    assert wfm(*LIST, "--profile", "p").code == 0
    assert sent(service, "Authorization") == "Bearer of-p"


def test_a_header_is_sent_once_however_it_is_written(
    config: Path, wfm: Run, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token wins over a header of the same name."""
    config.write_text(f'profile = "p"\n[profiles.p]\nurl = "{service.url}"\nheaders = {{authorization = "Basic x"}}\n')
    assert wfm(*LIST).code == 0
    assert sent(service, "authorization") == "Basic x"
    monkeypatch.setenv("WORKFLOWMANAGER_TOKEN", "t")
    assert wfm(*LIST).code == 0
    assert (sent(service, "authorization"), sent(service, "Authorization")) == (None, "Bearer t")


def test_credentials_of_a_profile_go_to_no_other_service(
    config: Path, wfm: Run, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who types another URL does not show the token to it."""
    config.write_text(PROFILES.format(url="https://production.test"))
    monkeypatch.setenv("P_TOKEN", "of-p")
    assert wfm(*LIST, "--url", service.url).code == 0
    assert (sent(service, "Authorization"), sent(service, "X-Team")) == (None, None)
    monkeypatch.setenv("WORKFLOWMANAGER_URL", service.url)
    assert wfm(*LIST).code == 0
    assert sent(service, "Authorization") is None


def test_a_token_that_is_not_there_is_wrong_usage(config: Path, wfm: Run, service: FakeService) -> None:
    """The line names the variable."""
    config.write_text(PROFILES.format(url=service.url))
    outcome = wfm(*LIST)
    assert (outcome.code, service.asked) == (2, [])
    assert outcome.err == (
        "workflow-manager: The profile p takes its token from the environment variable P_TOKEN, which is not set.\n"
    )


def test_secrets_are_never_shown(config: Path, wfm: Run, service: FakeService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by `config show`, nor in a command to paste, nor in an error."""
    secret = service.url.replace("//", "//me:geheim@")
    config.write_text(PROFILES.format(url=secret))
    monkeypatch.setenv("P_TOKEN", "geheim2\nx")
    service.on("GET /workflows/w", workflow_json("running"))
    outcomes = [
        wfm("config", "show"),
        wfm("config", "show", "-o", "json"),
        wfm(*FOLLOW, "--profile", "other"),
        wfm(*FOLLOW, "--url", secret),
        wfm(*LIST),
        wfm(*LIST, "--url", "http//me:geheim@x"),
    ]
    assert [outcome.code for outcome in outcomes] == [0, 0, 124, 124, 2, 2]
    assert not any("geheim" in outcome.out + outcome.err for outcome in outcomes)
    found = {each["name"]: (each["value"], each["source"]) for each in json.loads(outcomes[1].out)}
    assert found["url"][0] == service.url.replace("//", "//me:***@")
    assert found["Authorization"] == ("***", "profile p, P_TOKEN")
    assert found["X-Team"] == ("***", "profile p")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://h:8080/x", "http://h:8080/x"),
        ("https://me:pw@h", "https://me:***@h"),
        ("https://me:p:w@h:1/a@b", "https://me:***@h:1/a@b"),
        ("https://:pw@h", "https://:***@h"),
        ("https://me@h", "https://me@h"),
    ],
)
def test_a_password_is_masked(url: str, shown: str) -> None:
    assert masked(url) == shown


# The way back


@pytest.mark.parametrize("name", ["p q", "p"])
def test_the_way_back_names_the_profile_that_was_typed(name: str, config: Path, wfm: Run, service: FakeService) -> None:
    """As a shell reads it; the URL is in the file, with its password."""
    config.write_text(f'[profiles."{name}"]\nurl = "{service.url}"\n')
    service.on("GET /workflows/w", workflow_json("running"))
    quoted = f"'{name}'" if " " in name else name
    last = wfm(*FOLLOW, "--profile", name).err.splitlines()[-1]
    assert last == f"  workflow-manager workflows w --follow --profile {quoted}"


def test_the_way_back_leaves_the_password_to_the_person(config: Path, wfm: Run, service: FakeService) -> None:
    """The person fills it in."""
    service.on("GET /workflows/w", workflow_json("running"))
    last = wfm(*FOLLOW, "--url", service.url.replace("//", "//me:geheim@")).err.splitlines()[-1]
    assert last.endswith(f" --url '{service.url.replace('//', '//me:***@')}'")


# OutageTolerance


def test_a_service_that_hangs_is_told(config: Path, wfm: Run, service: FakeService) -> None:
    """After the time for all attempts together, in one line."""
    service.on("GET /workflow-definitions", Answer(SILENCE))
    outcome = wfm(*LIST, "--url", service.url, "--request-timeout", "0.2")
    assert (outcome.code, outcome.err.count("\n")) == (5, 1)
    assert outcome.err == f"workflow-manager: No response from {service.url} within 0.2 s.\n"


def test_the_time_of_a_request_can_be_set_for_good(config: Path, wfm: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a profile, or in the shell, or where the command is typed."""

    def shown(*arguments: str) -> tuple[str, str]:
        found = json.loads(wfm("config", "show", "-o", "json", *arguments).out)
        [row] = [each for each in found if each["name"] == "request_timeout"]
        return row["value"], row["source"]

    assert shown() == ("30", "default")
    config.write_text('profile = "p"\n[profiles.p]\nrequest_timeout = 5\n')
    assert shown() == ("5", "profile p")
    monkeypatch.setenv("WORKFLOWMANAGER_REQUEST_TIMEOUT", "7")
    assert shown() == ("7", "WORKFLOWMANAGER_REQUEST_TIMEOUT")
    assert shown("--profile", "p") == ("5", "profile p")
    assert shown("--request-timeout", "9.5") == ("9.5", "command line")


WRONG = [
    ("request_timeout = 0", "'request_timeout' must be a number of seconds"),
    ("request_timeout = true", "'request_timeout' must be a number of seconds"),
    ("request_timeout = 'x'", "'request_timeout' must be a number of seconds"),
    ("token_env = 1", "'token_env' must be the name of an environment variable"),
    ("headers = 1", "'headers' must be a table of strings"),
    ("headers = {a = 1}", "'headers' must be a table of strings"),
    ('headers = {"a b" = "c"}', "'a b' is not a valid header name"),
    ("output = []", "'output' must be one of"),
]


@pytest.mark.parametrize(("line", "words"), WRONG)
def test_a_wrong_profile_is_one_line(line: str, words: str, config: Path, wfm: Run) -> None:
    config.write_text(f'profile = "p"\n[profiles.p]\nurl = "http://127.0.0.1:1"\n{line}\n')
    outcome = wfm(*LIST)
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert words in outcome.err


def test_a_variable_of_another_name_is_not_ignored_in_silence(
    config: Path, wfm: Run, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variables of the service begin with WFM_; nothing is said where another URL is given."""
    note = "WFM_URL is ignored; the URL of the service is read from WORKFLOWMANAGER_URL.\n"
    monkeypatch.setenv("WFM_URL", service.url)
    assert wfm("config", "show").err.startswith(note)
    assert wfm(*LIST, "--url", service.url).err == ""
    monkeypatch.setenv("WORKFLOWMANAGER_URL", service.url)
    assert wfm(*LIST).err == ""
