"""Completion by the shell: of commands, options, and names of definitions.

Covers `workflow_manager.cli.options.completion` and `workflow_manager.cli.options.bash_completion`.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import ROOT
from tests.sdk.cli.conftest import Run
from tests.sdk.cli.fake_service import Answer, FakeService
from tests.sdk.client.documents import definition_json, job_json, workflow_json
from workflow_manager.cli.options.bash_completion import join_words

NAMES = ("sfncli-test:master", "sfncli-test:next", "other")


def offered(process: Run, words: str, cursor: int, **extra: str) -> list[str]:
    """Return what bash is offered for its words, one a line."""
    variables = {"COMP_WORDS": words, "COMP_CWORD": str(cursor), "_WORKFLOW_MANAGER_COMPLETE": "complete_bash", **extra}
    outcome = process(extra=variables)
    assert outcome.err == ""
    return outcome.out.split()


@pytest.fixture
def named(service: FakeService) -> FakeService:
    service.on("GET /workflow-definitions", [definition_json(name=name) for name in NAMES])
    return service


def test_commands_and_options_are_offered(process: Run) -> None:
    """Without asking anybody."""
    assert set(offered(process, "wfm\nre", 1)) == {"recover", "refresh", "resolve", "resources", "resume"}
    assert set(offered(process, "wfm\ncancel\n--d", 2)) == {"--definition", "--dry-run"}
    assert offered(process, "wfm\nworkflows\n--status\nfa", 3) == ["failed"]


@pytest.mark.parametrize(
    "words", ["submit\n", "definitions\nget\n", "definitions\nlist\n", "workflows\n-d\n", "cancel\n--definition\n"]
)
def test_names_of_definitions_are_offered(words: str, process: Run, named: FakeService) -> None:
    """Wherever one is wanted."""
    cursor = words.count("\n") + 1
    assert offered(process, f"wfm\n{words}", cursor) == list(NAMES)
    assert offered(process, f"wfm\n{words}oth", cursor) == ["other"]


@pytest.mark.parametrize("words", ["queues\npause\n", "submit\nx\n--queue\n", "cancel\n--queue\n", "queues\nput\n"])
def test_names_of_queues_are_offered(words: str, process: Run, service: FakeService) -> None:
    """The names come from the service."""
    limits = {"paused": False, "running": 0, "queued": 0}
    service.on("GET /queues", [{"name": name, **limits} for name in ("default", "slow")])
    cursor = words.count("\n") + 1
    assert offered(process, f"wfm\n{words}", cursor) == ["default", "slow"]
    assert offered(process, f"wfm\n{words}s", cursor) == ["slow"]


IDS = ("7c5f3a52-3d0e-4c52-8a53-1f6b8b1b4c55", "d1a7c9f0-52b4-4a1c-b6f1-9f6b6f0f8a21")


@pytest.fixture
def busy(service: FakeService) -> FakeService:
    """A service with two workflows."""
    tags = ({"team": "infra"}, {"team": "web", "tier": "1"})
    listed = [
        workflow_json("failed", id=each, tags=of, namespace=of["team"]) for each, of in zip(IDS, tags, strict=True)
    ]
    service.on("GET /workflows", listed)
    service.on(
        f"GET /workflows/{IDS[0]}", workflow_json("failed", id=IDS[0], jobs=[job_json("load"), job_json("save")])
    )
    return service


@pytest.mark.parametrize(
    "words", ["workflows\n", "cancel\n", "resume\n", "wait\n", "refresh\n", "workflows\n--workflow-id\n"]
)
def test_ids_of_recent_workflows_are_offered(words: str, process: Run, busy: FakeService) -> None:
    """Only ids in statuses that the command usually works on."""
    cursor = words.count("\n") + 1
    assert offered(process, f"wfm\n{words}", cursor) == list(IDS)
    assert offered(process, f"wfm\n{words}7c5", cursor) == [IDS[0]]
    line = busy.asked[0].line
    assert ("statuses=failed" in line) == words.startswith("resume")
    assert ("statuses=running" in line) == words.startswith(("cancel", "wait", "refresh"))


def test_namespaces_and_tags_are_offered(process: Run, busy: FakeService) -> None:
    """Those of the newest workflows; of a tag first the key, then its values."""
    assert offered(process, "wfm\nworkflows\n-n\n", 3) == ["infra", "web"]
    assert offered(process, "wfm\nsubmit\nx\n-n\nw", 4) == ["web"]
    assert offered(process, "wfm\nworkflows\n--tag\n", 3) == ["team=", "tier="]
    assert offered(process, "wfm\nworkflows\n--tag\nteam\n=\nw", 5) == ["web"]


def test_states_are_offered_to_start_at(process: Run, busy: FakeService) -> None:
    assert offered(process, f"wfm\nresume\n{IDS[0]}\n--start-at\n", 4) == ["save", "load"]


def test_statuses_and_columns_are_offered_after_commas_too(process: Run) -> None:
    assert offered(process, "wfm\nworkflows\n--status\nfailed,ca", 3) == ["failed,cancelled"]
    assert offered(process, "wfm\nworkflows\n--columns\nid,st", 3) == ["id,status", "id,started", "id,stopped"]


def test_commands_are_offered_to_help(process: Run) -> None:
    assert offered(process, "wfm\nhelp\ndef", 2) == ["definitions"]
    assert offered(process, "wfm\nhelp\ndefinitions\nl", 3) == ["list", "lint"]


@pytest.mark.parametrize(
    "words",
    ["definitions\napply\n", "definitions\nput\n", "worker\n--config\n", "cancel\n--journal\n", "openapi\n-o\n"],
)
def test_files_are_offered_where_one_is_wanted(words: str, process: Run, tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("")
    (tmp_path / "folder").mkdir()
    cursor = words.count("\n") + 1
    assert offered(process, f"wfm\n{words}{tmp_path}/", cursor) == [f"{tmp_path}/folder/", f"{tmp_path}/one.yaml"]


def test_shells_offer_no_files_by_themselves(process: Run) -> None:
    """Neither bash, where nothing is left to its default, nor zsh."""
    script = process(extra={"_WORKFLOW_MANAGER_COMPLETE": "source_bash"}).out
    assert "-o default" not in script
    assert "complete -F" in script
    nothing = {"_WORKFLOW_MANAGER_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "wfm queues get "}
    assert process(extra={**nothing, "WORKFLOWMANAGER_URL": "http://127.0.0.1:1"}).out.strip() == ":"


def test_a_colon_is_a_part_of_a_name(process: Run, named: FakeService) -> None:
    """Bash takes it for a word, and replaces only what comes after it."""
    assert offered(process, "wfm\nsubmit\nsfncli-test\n:\n", 4) == ["master", "next"]
    assert offered(process, "wfm\nsubmit\nsfncli-test\n:\nma", 4) == ["master"]
    assert offered(process, "wfm\nsubmit\nsfncli-test\n:", 3) == ["master", "next"]


def test_other_shells_replace_the_whole_word(process: Run, named: FakeService) -> None:
    """Fish, for example."""
    variables = {
        "_WORKFLOW_MANAGER_COMPLETE": "complete_fish",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "_TYPER_COMPLETE_ARGS": "wfm submit sfncli-test:ma",
    }
    assert process(extra=variables).out.split() == ["sfncli-test:master"]


@pytest.mark.parametrize("answer", [Answer({"message": "no"}, 500), Answer({"hello": "world"}), Answer([])])
def test_a_service_that_does_not_help_is_silence(answer: Answer, process: Run, service: FakeService) -> None:
    """No error is written into the line being typed."""
    service.on("GET /workflow-definitions", answer)
    assert offered(process, "wfm\nsubmit\n", 2) == []


def test_no_service_and_a_wrong_configuration_are_silence(process: Run, tmp_path: Path) -> None:
    """Pressing Tab is no question that deserves an error."""
    assert offered(process, "wfm\nsubmit\n", 2, WORKFLOWMANAGER_URL="http://127.0.0.1:1") == []
    assert offered(process, "wfm\nsubmit\n", 2, WORKFLOWMANAGER_URL="nonsense") == []
    folder = tmp_path / ".config" / "workflow-manager"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text("nonsense")
    assert offered(process, "wfm\nsubmit\n", 2, WORKFLOWMANAGER_URL="http://127.0.0.1:1") == []


def test_the_profile_of_the_line_is_asked(process: Run, named: FakeService, tmp_path: Path) -> None:
    """The names are those of the service that the command will ask."""
    folder = tmp_path / ".config" / "workflow-manager"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(f'[profiles.p]\nurl = "{named.url}"\n')
    words = "wfm\nsubmit\n--profile\np\noth"
    assert offered(process, words, 4, WORKFLOWMANAGER_URL="http://127.0.0.1:1") == ["other"]


WORDS = [
    (["wfm", "ls", "--tag", "team", "=", "in"], 5, ["wfm", "ls", "--tag", "in"], "team="),
    (["wfm", "ls", "--tag", "team", "="], 4, ["wfm", "ls", "--tag", ""], "team="),
    (["wfm", "ls", "--tag", "team", "=", "x", "--st"], 6, ["wfm", "ls", "--tag", "team=x", "--st"], None),
    (["wfm", "ls", "--status", "=", "fa"], 4, ["wfm", "ls", "--status", "fa"], None),
    (["wfm", "ls", "--status", "="], 3, ["wfm", "ls", "--status", ""], None),
    (["wfm", "ls", "--status", "=", "failed", "--tag", ""], 6, ["wfm", "ls", "--status=failed", "--tag", ""], None),
    (["wfm", "ls", "-d", "a", ":", "b"], 5, ["wfm", "ls", "-d", "b"], "a:"),
    (["wfm", "ls", "--definition", "=", "a", ":", "b"], 6, ["wfm", "ls", "--definition", "b"], "a:"),
    (["wfm", "submit", "a", ":", "b"], 4, ["wfm", "submit", "b"], "a:"),
    (["wfm", "submit", "a", ":", "b", ":", "c"], 6, ["wfm", "submit", "c"], "a:b:"),
    (["wfm", "submit", "a", ":", ""], 4, ["wfm", "submit", ""], "a:"),
    (["wfm", "submit", "a", ":"], 3, ["wfm", "submit", ""], "a:"),
    (["wfm", "submit", "a", ":", "b", "{}", "--"], 6, ["wfm", "submit", "a:b", "{}", "--"], None),
    (["wfm", "submit", "a", "b"], 3, ["wfm", "submit", "a", "b"], None),
    (["wfm", "submit", "a:b"], 2, ["wfm", "submit", "a:b"], None),
    (["wfm", "submit", "a", ":", "b", "{}"], 3, ["wfm", "submit", ""], "a:"),
    (["wfm", "submit", "x", "@", "in"], 4, ["wfm", "submit", "x", "@in"], None),
    (["wfm", "submit", "x", "@"], 3, ["wfm", "submit", "x", "@"], None),
    (["wfm", "submit", "x", "@", ""], 4, ["wfm", "submit", "x", "@"], None),
    (["wfm", "submit", "a", ":", "b", "@", "c", ":", "d"], 8, ["wfm", "submit", "a:b", "d"], "@c:"),
    (["wfm", "submit", "x", "@", "in", "--"], 5, ["wfm", "submit", "x", "@in", "--"], None),
    (["wfm", ":"], 1, ["wfm", ":"], None),
    (["wfm"], 1, ["wfm"], None),
]


@pytest.mark.parametrize(("words", "cursor", "joined", "before"), WORDS)
def test_words_are_joined_where_bash_cuts(words: list[str], cursor: int, joined: list[str], before: str | None) -> None:
    """Up to the one under the cursor, of which bash replaces only the end."""
    environment = {"_X_COMPLETE": "complete_bash", "COMP_WORDS": "\n".join(words), "COMP_CWORD": str(cursor)}
    join_words(environment)
    assert environment["COMP_WORDS"].split("\n") == joined
    assert environment["COMP_CWORD"] == str(len(joined) - 1)
    assert environment.get("WORKFLOWMANAGER_TYPED_BEFORE") == before


@pytest.mark.parametrize("environment", [{}, {"_X_COMPLETE": "complete_bash"}, {"COMP_CWORD": "1", "COMP_WORDS": "a:"}])
def test_other_environments_are_left_alone(environment: dict[str, str]) -> None:
    """Only bash cuts words."""
    before = dict(environment)
    join_words(environment)
    assert environment == before


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_a_name(named: FakeService, tmp_path: Path) -> None:
    """With the script that `--show-completion` prints, and a real shell that cuts the words."""
    command = tmp_path / "workflow-manager"
    command.write_text(
        f"#!/bin/sh\nexec {sys.executable} -c \"import sys; sys.argv[0] = 'workflow-manager'\n"
        'from app.cli.commands import main; sys.exit(main())" "$@"\n'
    )
    command.chmod(0o755)
    program = """
        eval "$(_WORKFLOW_MANAGER_COMPLETE=source_bash workflow-manager)"
        COMP_WORDS=(workflow-manager submit sfncli-test : ma) COMP_CWORD=4
        $(complete -p workflow-manager | sed 's/.*-F \\([^ ]*\\).*/\\1/') workflow-manager
        echo "${COMPREPLY[@]}"
    """
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "WORKFLOWMANAGER_URL": named.url,
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        ["bash", "--norc", "-c", program], env=environment, capture_output=True, text=True, timeout=20, check=False
    )
    assert (done.stdout, done.stderr) == ("master\n", "")


def test_names_of_profiles_are_offered(process: Run, tmp_path: Path) -> None:
    """Read from the configuration file, without the service."""
    folder = tmp_path / ".config" / "workflow-manager"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text("[profiles.dev]\n[profiles.production]\n[profiles.preview]\n")
    assert offered(process, "wfm\nworkflows\n--profile\np", 3) == ["preview", "production"]


def test_files_are_offered_after_an_at_sign(process: Run, tmp_path: Path) -> None:
    """For the input of a workflow; a folder ends with a slash, so that completion can continue."""
    (tmp_path / "inputs").mkdir()
    for name in ("inputs/one.json", "inputs/two.json", "input.json", ".hidden"):
        (tmp_path / name).write_text("{}")
    start = f"wfm\nsubmit\nx\n@{tmp_path}"
    assert offered(process, f"{start}/in", 3) == [f"@{tmp_path}/input.json", f"@{tmp_path}/inputs/"]
    assert offered(process, f"{start}/inputs/", 3) == [f"@{tmp_path}/inputs/one.json", f"@{tmp_path}/inputs/two.json"]
    assert offered(process, f"{start}/nope/", 3) == []
    in_bash = f"wfm\nsubmit\nx\n@\n{tmp_path}"
    assert offered(process, f"{in_bash}/in", 4) == [f"@{tmp_path}/input.json", f"@{tmp_path}/inputs/"]
    assert all(each.startswith("@") for each in offered(process, "wfm\nsubmit\nx\n@", 3))
    assert offered(process, "wfm\nsubmit\nx\n{", 3) == []


@pytest.mark.parametrize(
    ("shell", "files"),
    [
        ("bash", [".bash_completions/wfm.sh", ".bash_completions/workflow-manager.sh"]),
        ("fish", [".config/fish/completions/wfm.fish", ".config/fish/completions/workflow-manager.fish"]),
        ("zsh", [".zfunc/_wfm", ".zfunc/_workflow-manager"]),
    ],
)
def test_completion_is_installed_for_both_names(shell: str, files: list[str], process: Run, tmp_path: Path) -> None:
    """Whichever of them is typed later."""
    variables = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    outcome = process("--install-completion", shell, extra=variables)
    assert (outcome.code, outcome.err) == (0, "")
    for name, program in zip(files, ("wfm", "workflow-manager"), strict=True):
        assert program in (tmp_path / name).read_text()
        assert f"completion of {program} installed in {tmp_path / name}" in outcome.out
