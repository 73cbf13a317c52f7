"""What ``sfncli`` does with one task, with worker processes on the embedded AWS.

The first paragraph of each docstring is a row of the table in ``docs/worker.md``.

Covers `workflow_manager.cli.worker.sfncli` and `workflow_manager.worker.activity.task_runner`.
"""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.eventually import eventually
from tests.sdk.worker.executions import Execution, Machine
from tests.sdk.worker.processes import PYTHON, Nursery, WorkerProcess, arguments, puppet, write_script

EXECUTION_NAME = "_EXECUTION_NAME"


@dataclass(frozen=True)
class Case:
    """A task for the worker that all cases share: what the command does, and the members of the input."""

    script: str
    members: dict[str, Any] = field(default_factory=dict)
    whole_input: str | None = None


CASES: dict[str, Case] = {}


def task(script: str = "true", *, whole_input: str | None = None, **members: Any) -> Callable[[Any], Any]:
    """Let the shared worker do a task before the test, which gets its execution as ``run``."""

    def registered(test: Any) -> Any:
        CASES[test.__name__] = Case(script, members, whole_input)
        return test

    return registered


@dataclass
class Rig:
    """The shared worker, and what came of its tasks."""

    worker: WorkerProcess
    runs: dict[str, Execution]
    work_dir: Path
    scripts: Path


@pytest.fixture(scope="module")
def rig(nursery: Nursery, sfn: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Have all cases done at once."""
    directory = tmp_path_factory.mktemp("puppet")
    machine = Machine(sfn)
    flags = ("-concurrency", "14", "-workdirectory", str(directory / "deep" / "work"))
    words = (*arguments(machine.name, str(puppet(directory)), *flags), "fixed", "a b")
    worker = nursery.start(*words, WORKFLOWMANAGER_TOKEN="s3cret", COLOUR="red")
    runs: dict[str, Execution] = {}
    for name, case in CASES.items():
        execution_name = f"run-{uuid.uuid4()}"
        write_script(directory / execution_name, case.script)
        text = case.whole_input or json.dumps({**case.members, EXECUTION_NAME: execution_name})
        runs[name] = machine.start(text, name=execution_name)
    yield Rig(worker, runs, directory / "deep" / "work", directory)
    worker.end()


@pytest.fixture
def run(rig: Rig, request: pytest.FixtureRequest) -> Execution:
    """The execution of the test's case, at its end."""
    return rig.runs[request.node.name].ended()


@task('printf \'{"count":%d,"input":%s}\' $# "$3"', n=1)
def test_input_argument(run: Execution) -> None:
    """The input is the last argument of the command, after its own, unchanged."""
    assert json.loads(run.output) == {
        EXECUTION_NAME: run.name,
        "count": 3,
        "input": {"n": 1, EXECUTION_NAME: run.name},
    }


@task('echo "{\\"name\\":\\"$_EXECUTION_NAME\\"}"')
def test_execution_name_variable(run: Execution) -> None:
    """`_EXECUTION_NAME` of the input is an environment variable of the command."""
    assert json.loads(run.output)["name"] == run.name


@task(whole_input='["_EXECUTION_NAME"]')
def test_input_not_an_object(run: Execution) -> None:
    """An input that is no JSON object, or nested more than 900 deep, fails with `sfncli.TaskInputNotJSON`."""
    assert run.error[0] == "sfncli.TaskInputNotJSON"


@task(whole_input='{"_EXECUTION_NAME":7}')
def test_input_without_execution_name(run: Execution) -> None:
    """An input without the string `_EXECUTION_NAME` fails with `sfncli.TaskInputMissingExecutionName`."""
    assert run.error[0] == "sfncli.TaskInputMissingExecutionName"


@task('touch "$WORK_DIR/file"; printf \'{"dir":"%s"}\' "$WORK_DIR"')
def test_work_dir(run: Execution, rig: Rig) -> None:
    """With `-workdirectory`, which is made if need be, each task has a `WORK_DIR` that is removed after it."""
    directory = Path(json.loads(run.output)["dir"])
    assert directory.parent == rig.work_dir
    eventually(lambda: not directory.exists(), what="the work directory is removed")


@task("echo to-stdout; echo to-stderr >&2; echo '{}'")
def test_passed_through(run: Execution, rig: Rig) -> None:
    """What the command writes to stdout and stderr appears on those of the worker as it comes; with `-concurrency`, a
    part of a line waits up to 0.2 s for the rest.
    """
    assert run.output
    eventually(lambda: "to-stdout\n{}\n" in rig.worker.stdout, what="stdout")
    eventually(lambda: "to-stderr\n" in rig.worker.stderr, what="stderr")


@task('echo first; echo \'{"a":1,"_EXECUTION_NAME":"other"}\'')
def test_output_is_last_line(run: Execution) -> None:
    """The last line on stdout is the output, with `_EXECUTION_NAME` put back."""
    assert json.loads(run.output) == {EXECUTION_NAME: run.name, "a": 1}


@task("true")
def test_no_output(run: Execution) -> None:
    """No output counts as `{}`."""
    assert json.loads(run.output) == {EXECUTION_NAME: run.name}


@task("echo null")
def test_null_output(run: Execution) -> None:
    """The output `null` counts as `{}`."""
    assert json.loads(run.output) == {EXECUTION_NAME: run.name}


@task('echo "$3"', n=9007199254740993, exact=0.1)
def test_integers(run: Execution) -> None:
    """Integers above 2^53 pass unchanged, in and out."""
    assert '"n":9007199254740993' in run.output.replace(" ", "")


FULL_OUTPUT = """
frame = len(json.dumps({"_EXECUTION_NAME": os.environ["_EXECUTION_NAME"], "a": ""}, separators=(",", ":")))
print('{"a":"' + "x" * (262_144 - frame) + '"}')
"""


@task(PYTHON + FULL_OUTPUT)
def test_large_output(run: Execution) -> None:
    """Outputs of up to 256 KiB, to the last byte, are delivered."""
    assert len(json.dumps(json.loads(run.output), separators=(",", ":"))) == 262_144


@task(PYTHON + "print(json.dumps({'a': 'x' * 262_200}))")
def test_too_large_output(run: Execution) -> None:
    """Larger outputs fail with `sfncli.TaskOutputNotJSON` and a cause that says so."""
    assert run.error[0] == "sfncli.TaskOutputNotJSON"
    assert "larger than the 262,144 bytes" in run.error[1]


@task("echo '{\"a\":1e999}'")
def test_output_not_json(run: Execution) -> None:
    """A last line that is no JSON object, or holds a number like 1e999, fails with `sfncli.TaskOutputNotJSON`."""
    assert run.error[0] == "sfncli.TaskOutputNotJSON"
    assert "1e999 is larger than any number" in run.error[1]


@task("true", padding="x" * 131_072)
def test_large_input_argument(run: Execution) -> None:
    """An input over 128 KiB, the most that Linux takes as an argument, is refused with a cause that says what to do."""
    assert run.error[0] == "sfncli.Unknown"
    assert "too large for an argument" in run.error[1]
    assert "input mode 'stdin' or 'file'" in run.error[1]


@task("echo first >&2; echo last >&2; exit 3")
def test_exit_nonzero(run: Execution) -> None:
    """A command that exits with a status other than 0 fails with `sfncli.CommandExitedNonzero` and its stderr."""
    assert run.error == ("sfncli.CommandExitedNonzero", "first\nlast")


@task('echo \'{"error":"App.Full","cause":"disk"}\'; exit 1')
def test_own_error(run: Execution) -> None:
    """A last line `{"error": ..., "cause": ...}` of a command that failed is its error and cause; the two names may be
    written in any case.
    """
    assert run.error == ("App.Full", "disk")


@task("echo words >&2; kill -KILL $$")
def test_killed(run: Execution) -> None:
    """A command that somebody kills fails with `sfncli.CommandKilled`."""
    assert run.error == ("sfncli.CommandKilled", "words")


@task("echo words >&2; kill -TERM $$")
def test_terminated(run: Execution) -> None:
    """A command that somebody terminates fails with `sfncli.CommandTerminated`."""
    assert run.error == ("sfncli.CommandTerminated", "words")


@task("echo words >&2; kill -ABRT $$")
def test_unknown(run: Execution) -> None:
    """Every other end fails with `sfncli.Unknown`."""
    assert run.error == ("sfncli.Unknown", "the command ended by SIGABRT\nwords")


@task(PYTHON + "print(json.dumps({'error': 'é' * 300, 'cause': 'c'}))\nsys.exit(1)")
def test_long_error(run: Execution) -> None:
    """Error names are cut to 256 bytes, between two characters, and end with `[truncated]`."""
    assert len(run.error[0].encode()) <= 256
    assert run.error[0].endswith("é[truncated]")


@task(PYTHON + "print('€' * 20_000 + 'end', file=sys.stderr)\nsys.exit(1)")
def test_long_cause(run: Execution) -> None:
    """Causes are cut to 32,768 bytes, between two characters; of stderr the end is kept, after `[truncated]`."""
    cause = run.error[1]
    assert len(cause.encode()) <= 32_768
    assert cause.startswith("[truncated]€")
    assert cause.endswith("€end")


@task(PYTHON + "print(json.dumps({'error': 'App.Full', 'cause': '€' * 20_000}))\nsys.exit(1)")
def test_long_own_cause(run: Execution) -> None:
    """Of a long cause that the command itself reports the beginning is kept, before `[truncated]`."""
    error, cause = run.error
    assert error == "App.Full"
    assert len(cause.encode()) <= 32_768
    assert cause.startswith("€€")
    assert cause.endswith("€[truncated]")


@task("""printf '{"colour": "%s", "secrets": "%s"}\\n' "$COLOUR" "$(env | grep -c s3cret)" """)
def test_the_environment_of_the_worker_without_its_secrets_is_that_of_the_command(run: Execution) -> None:
    """Commands get the environment of the worker; ours lacks the token of the service."""
    assert json.loads(run.output) == {"colour": "red", "secrets": "0", EXECUTION_NAME: run.name}
