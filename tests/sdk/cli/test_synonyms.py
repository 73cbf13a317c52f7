"""The command line that people guess: other words for verbs, nouns and options lead to them, or to a hint.

Covers `workflow_manager.cli.synonyms`.
"""

import shlex
from contextlib import suppress
from pathlib import Path

import pytest
import typer

from app.cli.commands import COMMANDS
from tests.sdk.cli.conftest import Run
from tests.sdk.cli.fake_service import FakeService
from tests.sdk.client.documents import definition_json, workflow_json
from workflow_manager.cli.commands import COMMANDS as CLIENT_COMMANDS
from workflow_manager.cli.commands import CommandGroup, load
from workflow_manager.cli.examples import EXAMPLES
from workflow_manager.cli.program import PROGRAM, SERVICE_COMMANDS
from workflow_manager.cli.synonyms import (
    MEMBERS,
    NOUNS,
    OPTION_ADVICE,
    VERBS,
    Advice,
    Hint,
    translate,
    translate_member,
)

LED = [
    ("ls", "workflows"),
    ("list --status failed", "workflows --status failed"),
    ("ps -A", "workflows -A"),
    ("get w", "workflows w"),
    ("show w", "workflows w"),
    ("describe w", "workflows w"),
    ("status w", "workflows w"),
    ("run x", "submit x"),
    ("start x", "submit x"),
    ("retry w", "resume w"),
    ("redrive w", "recover --mode redrive w"),
    ("stop w", "cancel w"),
    ("terminate w", "cancel w"),
    ("kill w", "cancel w"),
    ("watch w", "workflows --follow w"),
    ("tail w", "workflows --follow w"),
    ("events w", "workflows --follow w"),
    ("history w", "workflows --full w"),
    ("apply folder", "definitions apply folder"),
    ("workflow list", "workflows"),
    ("workflow w", "workflows w"),
    ("workflows ls", "workflows"),
    ("workflows get w", "workflows w"),
    ("workflows show w", "workflows w"),
    ("workflows describe w", "workflows w"),
    ("workflows cancel w", "cancel w"),
    ("workflows wait w", "wait w"),
    ("workflow start x", "submit x"),
    ("workflows help", "help workflows"),
    ("definition list", "definitions list"),
    ("get definitions", "definitions list"),
    ("get definition x", "definitions get x"),
    ("list definitions -o json", "definitions list -o json"),
    ("create definition f", "definitions create f"),
    ("describe queue q", "queues describe q"),
    ("queue list", "queues list"),
    ("get workflows", "workflows"),
    ("get workflow w", "workflows w"),
    ("cancel w", "cancel w"),
    ("delete resource dev x", "resources delete dev x"),
    ("show config", "config show"),
    ("list quotas", "quotas"),
    ("nonsense w", "nonsense w"),
]


@pytest.mark.parametrize(("typed", "meant"), LED, ids=[typed for typed, _ in LED])
def test_other_words_lead_to_the_command(typed: str, meant: str) -> None:
    assert translate(typed.split(), commands=COMMANDS) == meant.split()


MEANT_IN_FAMILIES = [
    ("definitions", "ls", "list"),
    ("definitions", "show x", "get x"),
    ("definitions", "describe x", "get x"),
    ("definitions", "create f", "put f"),
    ("definitions", "validate f", "lint f"),
    ("definitions", "versions x", "list x"),
    ("queues", "ls", "list"),
    ("queues", "set q", "put q"),
    ("resources", "rm dev x", "delete dev x"),
    ("tables", "ls", "describe"),
    ("config", "get", "show"),
    ("definitions", "list", "list"),
]


@pytest.mark.parametrize(("family", "typed", "meant"), MEANT_IN_FAMILIES)
def test_other_words_lead_to_the_command_of_a_family(family: str, typed: str, meant: str) -> None:
    entry = COMMANDS[family]
    assert isinstance(entry, CommandGroup)
    assert translate_member(typed.split(), group_name=family, commands=entry.members) == meant.split()


HINTS = [
    ("restart 7c5f3a52", "workflow-manager resume 7c5f3a52"),
    ("rerun 7c5f3a52", "workflow-manager resume 7c5f3a52 --start-at STATE"),
    ("watch", "workflow-manager workflows ID --follow"),
    ("reset 7c5f3a52", "workflow-manager resume 7c5f3a52"),
    ("delete 7c5f3a52", "workflow-manager cancel 7c5f3a52"),
    ("logs 7c5f3a52", "workflow-manager workflows 7c5f3a52 --full"),
    ("create 'my name'", "workflow-manager submit 'my name'"),
    ("completion bash", "workflow-manager --show-completion"),
    ("definitions delete x", "workflow-manager definitions put x FILE"),
    ("resources list", "workflow-manager resources get NAMESPACE NAME"),
    ("workflows --sort-by duration", "workflow-manager workflows --all -o csv --columns duration,id,status | sort"),
]


@pytest.mark.parametrize(("typed", "command"), HINTS, ids=[typed for typed, _ in HINTS])
def test_what_is_no_command_gets_a_hint_that_can_be_pasted(
    typed: str, command: str, wfm: Run, service: FakeService
) -> None:
    outcome = wfm(*shlex.split(typed))
    assert (outcome.code, outcome.out, service.asked) == (2, "", [])
    assert f"  {command}" in outcome.err.splitlines()


def parsed(words: list[str]) -> None:
    """Parse a command as the command line does, and run nothing."""
    table = COMMANDS
    path: list[str] = []
    while True:
        path.append(words.pop(0))
        entry = table[path[-1]]
        if not isinstance(entry, CommandGroup):
            break
        table = entry.members
    command = load(path[-1], entry)
    if "--help" not in words:
        command.parse_args(command.context_class(command, info_name=path[-1]), words)


def every_verb() -> list[str]:
    """Return the words of every command."""
    return [
        " ".join(filter(None, [name, member]))
        for name, entry in COMMANDS.items()
        for member in ([*entry.members, ""] if isinstance(entry, CommandGroup) else [""])
    ]


def test_every_command_has_two_examples() -> None:
    assert [name for name in every_verb() if len(EXAMPLES.get(name, ())) < 2] == []
    assert set(EXAMPLES) == {*every_verb(), ""}


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_the_examples_are_commands_that_fit(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each is parsed as it stands, and takes a line of 80 columns."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "workflow-manager").mkdir()
    (tmp_path / "workflow-manager" / "config.toml").write_text("[profiles.production]")
    for example in EXAMPLES[name]:
        assert len(example) <= 78
        for part in example.split(" | "):
            program, *words = shlex.split(part)
            assert program == (PROGRAM if words[0] in SERVICE_COMMANDS else "wfm")
            if words != ["--version"]:
                with suppress(typer.Exit):
                    parsed(words)


def test_the_help_fits_eighty_columns_and_speaks_plain_words(wfm: Run) -> None:
    """No names of types of a programming language, no inequalities."""
    for words in ["", *every_verb()]:
        text = wfm(*words.split(), "--help").out
        assert [line for line in text.splitlines() if len(line) > 80] == [], words
        assert not {"<int", "<str", "<float", "range>", "x>=", "INTEGER", "FLOAT"} & set(text.split()), words
        assert "x>=" not in text
        assert "<=x" not in text


@pytest.mark.parametrize(
    "advice", [each for each in [*VERBS.values(), *OPTION_ADVICE.values()] if isinstance(each, Advice)]
)
def test_the_commands_of_advice_are_there(advice: Advice) -> None:
    for command in advice.commands:
        first = command.split()[0]
        assert first in COMMANDS or first.startswith("--")


def test_every_synonym_leads_to_a_command() -> None:
    assert {meaning[0] for meaning in VERBS.values() if not isinstance(meaning, Advice)} <= set(COMMANDS)
    assert set(NOUNS.values()) <= set(COMMANDS)
    for family, members in MEMBERS.items():
        entry = COMMANDS[family]
        assert isinstance(entry, CommandGroup)
        meant = {meaning[0] for meaning in members.values() if not isinstance(meaning, Advice)}
        assert meant <= set(entry.members)
        assert not set(members) & set(entry.members)


OPTIONS = [
    ("--since 2026-01-02T00:00:00Z", "createdAfter=2026-01-02T00%3A00%3A00.000Z"),
    ("--until=2026-01-02", "createdBefore=2026-01-02T00%3A00%3A00.000Z"),
    ("--failed", "status=failed"),
    ("--running", "status=running"),
    ("-l team=infra", "tag=team%3Ainfra"),
    ("--selector team=infra", "tag=team%3Ainfra"),
    ("--count 5", "limit=6"),
]


@pytest.mark.parametrize(("typed", "sent"), OPTIONS)
def test_other_spellings_of_options_are_understood(typed: str, sent: str, wfm: Run, service: FakeService) -> None:
    service.on("GET /workflows", [])
    assert wfm("workflows", *typed.split()).code == 0
    assert sent in service.asked[0].line


@pytest.mark.parametrize(
    ("typed", "written"),
    [("--json", "[]\n"), ("--format json", "[]\n"), ("-q", ""), ("--format=yaml", "[]\n"), ("-A --jsonl", "")],
)
def test_other_spellings_of_formats_are_understood(typed: str, written: str, wfm: Run, service: FakeService) -> None:
    service.on("GET /workflows", [])
    assert wfm("workflows", *typed.split())[:2] == (0, written)


def test_other_spellings_are_not_read_out_of_values(wfm: Run, service: FakeService) -> None:
    """A reason that looks like an option is a reason."""
    service.on("DELETE /workflows/w", b"")
    assert wfm("stop", "w", "--reason", "--json").code == 0
    assert service.asked[0].body == {"reason": "--json"}


def test_guessed_commands_run(wfm: Run, service: FakeService) -> None:
    """From the typed words to the answer."""
    service.on("GET /workflows", [workflow_json("failed")])
    service.on("GET /workflow-definitions", [definition_json(name="x")])
    assert wfm("ls").out == wfm("workflows").out
    assert wfm("get", "definitions").out == wfm("definitions", "list").out
    assert wfm("definitions", "ls").out == wfm("definition", "list").out


def test_help_and_version_are_commands(wfm: Run) -> None:
    assert wfm("help") == wfm("--help")
    assert wfm("help", "submit") == wfm("submit", "--help")
    assert wfm("help", "definitions", "apply") == wfm("definitions", "apply", "--help")
    assert wfm("help", "ls") == wfm("workflows", "--help")
    assert wfm("definitions", "help") == wfm("definitions", "--help")
    assert wfm("definitions", "help", "put") == wfm("definitions", "put", "--help")
    assert wfm("version") == wfm("--version")
    assert wfm("help", "nonsense").code == 2


def test_advice_is_an_error_with_commands() -> None:
    with pytest.raises(Hint) as caught:
        translate(["rerun", "a b"], commands=COMMANDS)
    assert caught.value.commands[0] == "workflow-manager resume 'a b'"


@pytest.mark.parametrize(
    ("typed", "commands"),
    [
        ("rerun w --start-at A", ["resume w --start-at A"]),
        ("rerun w --start-at=A", ["resume w --start-at=A"]),
        ("rerun w --follow", ["resume w --follow", "resume w --follow --start-at STATE"]),
    ],
)
def test_a_hint_repeats_no_option_that_was_typed(typed: str, commands: list[str]) -> None:
    with pytest.raises(Hint) as caught:
        translate(typed.split(), commands=COMMANDS)
    assert list(caught.value.commands) == [f"workflow-manager {command}" for command in commands]


@pytest.mark.parametrize(
    ("typed", "suggestion"),
    [
        ("lss", "'ls'"),
        ("submitt x", "'submit'"),
        ("definitions lits", "'list'"),
        ("queues paus q", "'pause'"),
        ("definitions depoy f", "'deploy'"),
    ],
)
def test_a_mistyped_command_gets_a_suggestion(typed: str, suggestion: str, wfm: Run, service: FakeService) -> None:
    """Synonyms are suggested too."""
    outcome = wfm(*typed.split())
    assert (outcome.code, outcome.out, service.asked) == (2, "", [])
    assert "No such command" in outcome.err
    assert "Did you mean" in outcome.err
    assert suggestion in outcome.err


def test_following_without_an_id_names_the_command_and_no_option(wfm: Run) -> None:
    """Whatever word was typed for it."""
    assert wfm("watch").err.startswith("workflow-manager: Give the ID of the workflow to follow:\n")


def test_commands_of_the_service_lead_to_its_program() -> None:
    """The program of the client does not have them."""
    assert set(COMMANDS) - set(CLIENT_COMMANDS) == SERVICE_COMMANDS
    with pytest.raises(Hint) as hint:
        translate(["serve", "--port", "80"], commands=CLIENT_COMMANDS)
    assert hint.value.commands == ("workflow-manager serve --port 80",)
