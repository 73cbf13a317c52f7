"""What is wrong with a command line that starts a worker, in one sentence.

Covers `workflow_manager.cli.worker.worker` and `workflow_manager.cli.worker.sfncli`.
"""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.cli.commands import main

Refused = Callable[..., str]


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Refused:
    """Run a command line that is refused with exit code 2, and return what it says."""
    for name in ("WORKFLOWMANAGER_NAMESPACE", "WFM_DEBUG", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> str:
        # In a thread, because asyncio.run would orphan the event loop that the test runner keeps in this one.
        with ThreadPoolExecutor(1) as thread:
            assert thread.submit(main, arguments).result() == 2
        said: str = capfd.readouterr().err
        return said.removeprefix("workflow-manager: ").strip()

    return run


HOW = "Give --activity NAME -- CMD, or --config FILE, or --module MODULE."
AWS_REGION_IS_NOT_SET = "AWS_REGION is not set (not needed with `serve --local` and with AWS_ENDPOINT_URL)"
ONLY_ACTIVITY = "--concurrency, --input-mode and --work-dir need --activity."


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("", HOW),
        ("--config a --module b", HOW),
        ("--activity a --module b -- true", HOW),
        ("--activity a", "A command is missing: --activity NAME -- CMD [ARGS]..."),
        ("-- true", "An activity is missing: --activity NAME -- CMD [ARGS]..."),
        ("--module a --concurrency 2", ONLY_ACTIVITY),
        ("--config a --work-dir b", ONLY_ACTIVITY),
        ("--activity a -- true", "--namespace is missing; give it or set WORKFLOWMANAGER_NAMESPACE."),
        ("-n dev --activity a -- true", AWS_REGION_IS_NOT_SET),
        ("-n dev --config none.yaml", "none.yaml cannot be read: [Errno 2] No such file or directory: 'none.yaml'"),
        ("--module ..no", "--module takes MODULE or MODULE:NAME, such as my.tasks:worker, not '..no'."),
        ("--module :worker", "--module takes MODULE or MODULE:NAME, such as my.tasks:worker, not ':worker'."),
        ("--module no.such", "--module no.such: No module named 'no'."),
        ("--module json:tool", "--module json:tool: json has no Worker named tool."),
        ("--module json", "--module json: json has no Worker named worker."),
    ],
)
def test_a_worker_says_what_it_misses(refused: Refused, arguments: str, sentence: str) -> None:
    assert refused("worker", *arguments.split()) == sentence


@pytest.mark.parametrize("way", [["--activity", "a", "--", "true"], ["--config", "w.yaml"], ["--module", "mine"]])
@pytest.mark.parametrize(
    ("namespace", "sentence"),
    [
        ("", "the namespace is empty; is a variable not set?"),
        ("$NO_SUCH_VARIABLE", "the namespace is empty; is a variable not set?"),
        ("a b", "a namespace has only letters, digits, '.', '_' and '-', unlike 'a b'"),
        ("a:b", "a namespace has only letters, digits, '.', '_' and '-', unlike 'a:b'"),
        (
            "x" * 100,
            "the namespace has 100 characters; the name of an activity, which holds it, has at most 80",
        ),
    ],
)
def test_a_namespace_that_no_workflow_with_activities_can_have_is_refused(
    refused: Refused, monkeypatch: pytest.MonkeyPatch, way: list[str], namespace: str, sentence: str
) -> None:
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    assert refused("worker", "-n", namespace, *way).splitlines()[-1].removeprefix("workflow-manager: ") == sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("activities: {}", "activities: Dictionary should have at least 1 item after validation, not 0"),
        ("activities: {a: {}}", "activities.a.command: Field required"),
        ("activities: {a: {command: ''}}", "activities.a.command: Value should have at least 1 item"),
        ("activities: {a: {command: x, size: 1}}", "activities.a.size: Extra inputs are not permitted"),
        ("activities: {a: {command: x, concurrency: 0}}", "activities.a.concurrency: Input should be greater than or"),
        ("activities: {a: {command: x}, a: {command: y}}", 'w.yaml:1: The key "a" is given twice in one object'),
        (
            "activities:\n  a:\n    command: x\n    command: y\n",
            'w.yaml:4: The key "command" is given twice in one object',
        ),
        ("[]", "file: Input should be a valid dictionary"),
        ("a: [", "w.yaml:1: Not YAML"),
        ("# nothing", "w.yaml:1: There is nothing in it."),
        ("activities: {a: {command: 'x \"y'}}", "activities.a.command: Value error, No closing quotation"),
    ],
)
def test_a_file_of_activities_says_what_is_wrong_with_it(
    refused: Refused, tmp_path: Path, text: str, sentence: str
) -> None:
    (tmp_path / "w.yaml").write_text(text)
    said = refused("worker", "-n", "dev", "--config", "w.yaml")
    assert sentence in said
    assert said.startswith("w.yaml")
    assert "\n" not in said


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("import no_such_library", "--module mine: No module named 'no_such_library'."),
        (
            "from workflow_manager.worker import Worker\nworker = Worker()\n@worker.task()\ndef f(a, b): ...",
            "f cannot be a task: it takes more than one input and one context.",
        ),
    ],
)
def test_a_module_says_what_is_wrong_with_it(
    refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, sentence: str
) -> None:
    (tmp_path / "mine.py").write_text(source)
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    assert sentence in refused("worker", "--module", "mine")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("-workername w -cmd c", "activityname is required"),
        ("-activityname a -workername w -cmd c", "AWS_REGION is not set"),
        ("-activityname a -workername w -cmd c -region us_west", "'us_west' is not the name of an AWS region"),
        (
            "-activityname a -workername w -cmd c -region us-west-2 -cloudwatchregion us_west",
            "'us_west' is not the name of an AWS region",
        ),
        ("-activityname a -workername w -cmd c -inputfile", "-inputfile needs -workdirectory"),
        (
            "-activityname a -workername w -cmd c -inputfile -workdirectory d -input-mode arg",
            "-inputfile contradicts -input-mode arg",
        ),
        ("-activityname", "Option '-activityname' requires an argument."),
        ("-nonsense", "No such option: -n"),
        ("-concurrency 0", "Invalid value for '-concurrency'"),
    ],
)
def test_sfncli_says_what_it_misses(refused: Refused, arguments: str, sentence: str) -> None:
    assert refused("sfncli", *arguments.split()).startswith(sentence)
