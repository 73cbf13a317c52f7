"""How ``sfncli`` starts and asks for tasks, with worker processes on the embedded AWS.

The first paragraph of each docstring is a row of the table in ``docs/worker.md``.

Covers `workflow_manager.cli.worker.sfncli`.
"""

import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.eventually import eventually
from tests.sdk.worker.conftest import sfn_client
from tests.sdk.worker.executions import Execution, Machine
from tests.sdk.worker.processes import PYTHON, Nursery, arguments, write_script
from tests.sdk.worker.recording_proxy import TASK_ARN, Recorder, recording
from workflow_manager.version import __version__

INPUT_BYTES = 250 * 1024


@dataclass
class Start:
    """A worker that was started with everything at once, behind a recorder."""

    recorder: Recorder
    activity: str
    runs: list[Execution]


TAGS = {
    "_DEPLOY_ENV": ("environment", "dev"),
    "_APP_NAME": ("application", "images"),
    "_POD_ID": ("pod", "p-1"),
    "_POD_SHORTNAME": ("pod-shortname", "p"),
    "_POD_REGION": ("pod-region", "us-west-1"),
    "_POD_ACCOUNT": ("pod-account", "123456789012"),
    "_TEAM_OWNER": ("team", "media"),
}


VARIABLES: Any = {variable: value for variable, (_, value) in TAGS.items()}


@pytest.fixture(scope="module")
def start(started: Start) -> Start:
    """The worker, when its tasks are done."""
    for run in started.runs:
        run.ended()
    return started


@pytest.fixture(scope="module", autouse=True)
def started(nursery: Nursery, local_aws_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start the worker, and two tasks for it; with its pauses it takes a while."""
    command = write_script(
        tmp_path_factory.mktemp("start") / "command",
        PYTHON + "print(json.dumps({'args': sys.argv[1:-1], 'work_dir': os.environ.get('WORK_DIR')}))",
    )
    with recording(local_aws_url) as recorder, sfn_client(local_aws_url, region="eu-west-1") as client:
        prefix = f"conformance-{uuid.uuid4()}"
        # More often than the client itself tries again.
        recorder.refuse("CreateActivity", *["ThrottlingException"] * 3)
        recorder.refuse("TagResource", "ThrottlingException")
        recorder.refuse("GetActivityTask", "ThrottlingException")
        worker = nursery.start(
            "sfncli",
            "-activityname",
            "${PREFIX}-$SUFFIX",
            "--workername=$WORKER-MAGIC_ECS_TASK_ID",
            "-region=eu-west-1",
            "--cmd",
            "$COMMAND",
            "fixed",
            "-region",
            "b c",
            AWS_ENDPOINT_URL=recorder.url,
            ECS_CONTAINER_METADATA_URI_V4=recorder.url,
            ECS_AGENT_URI=recorder.url,
            PREFIX=prefix,
            SUFFIX="made",
            WORKER="w",
            COMMAND=str(command),
            **VARIABLES,
        )
        machine = Machine(client, f"{prefix}-made")
        yield Start(recorder, machine.name, [machine.start() for _ in range(2)])
        worker.end()


def test_version(nursery: Nursery) -> None:
    """`-version` prints the version and exits with 0."""
    process = nursery.start("sfncli", "-version")
    assert process.wait() == 0
    assert process.stdout == f"{__version__}\n"


@pytest.mark.parametrize("missing", ["activityname", "workername", "cmd"])
def test_required(nursery: Nursery, missing: str) -> None:
    """activityname, workername and cmd are required: without them the start is refused."""
    flags = {"activityname": "a", "workername": "b", "cmd": "c"}
    process = nursery.start("sfncli", *(f"-{name}={value}" for name, value in flags.items() if name != missing))
    assert process.wait() == 2
    assert f"{missing} is required" in process.stderr


def test_command_not_found(nursery: Nursery, sfn: Any) -> None:
    """A command that is not there fails each task with `sfncli.CommandNotFound`."""
    machine = Machine(sfn)
    nursery.start(*arguments(machine.name, "/does/not/exist"))
    assert machine.start().ended().error == ("sfncli.CommandNotFound", "command not found: '/does/not/exist'")


@pytest.mark.parametrize(("mode", "script"), [("stdin", "wc -c"), ("file", 'wc -c < "$1"')])
def test_input_modes(nursery: Nursery, sfn: Any, tmp_path: Path, mode: str, script: str) -> None:
    """`-input-mode stdin` and `-input-mode file` carry inputs of any size."""
    machine = Machine(sfn)
    command = write_script(tmp_path / "command", f"printf '{{\"bytes\":%d}}' $({script})")
    nursery.start(*arguments(machine.name, str(command), "-input-mode", mode))
    text = json.dumps({"_EXECUTION_NAME": "big", "a": "x" * INPUT_BYTES}, separators=(",", ":"))
    assert json.loads(machine.start(text).ended().output)["bytes"] == len(text)


def test_input_file(nursery: Nursery, sfn: Any, tmp_path: Path) -> None:
    """`-inputfile` puts the input into `input.json` of the `WORK_DIR`, and the path is the last argument."""
    machine = Machine(sfn)
    command = write_script(tmp_path / "command", 'printf \'{"args":"%s","input":%s}\' "$*" "$(cat "$2")"')
    nursery.start(
        *arguments(machine.name, str(command), "-inputfile", "-workdirectory", str(tmp_path / "work")), "fixed"
    )
    output = json.loads(machine.start('{"_EXECUTION_NAME":"run","n":1}').ended().output)
    assert output["input"] == {"_EXECUTION_NAME": "run", "n": 1}
    assert re.fullmatch(rf"fixed {tmp_path}/work/[^/ ]+/input.json", output["args"])


def test_flags(start: Start) -> None:
    """Flags are given with one dash or two, `-flag value` or `-flag=value`, and end at the first argument."""
    assert [json.loads(run.output)["args"] for run in start.runs] == [["fixed", "-region", "b c"]] * 2


def test_flag_values(nursery: Nursery, sfn: Any, tmp_path: Path) -> None:
    """Flags that are true or false take a value too, as in `-version=false` and `-inputfile=true`; any other value is
    refused.
    """
    machine = Machine(sfn)
    command = write_script(tmp_path / "command", 'printf \'{"args":"%s"}\' "$*"')
    flags = ("-version=false", "--inputfile=T", "-workdirectory", str(tmp_path / "work"))
    nursery.start(*arguments(machine.name, str(command), *flags), "fixed", "-version=x")
    assert re.fullmatch(r"fixed -version=x .*/input.json", json.loads(machine.start().ended().output)["args"])
    refused = nursery.start("sfncli", "-version=x")
    assert refused.wait() == 2
    assert "-version is true or false, not 'x'" in refused.stderr


def test_long_worker_name(nursery: Nursery, sfn: Any) -> None:
    """A worker name over 80 characters, as the ARN of an ECS task can be, does not keep the worker from starting; when
    AWS refuses it at the poll, a line of the log says so each time.
    """
    worker = nursery.start(*arguments(Machine(sfn).name, "true", f"-workername={TASK_ARN * 2}"))
    worker.until_logged("worker-name-refused")
    assert "which is too long; MAGIC_ECS_TASK_ID is shorter than the ARN" in worker.stderr
    worker.end()


def test_no_work_dir(start: Start) -> None:
    """Without `-workdirectory` there is no `WORK_DIR`."""
    assert json.loads(start.runs[0].output)["work_dir"] is None


def test_expansion(start: Start) -> None:
    """`$VAR` and `${VAR}` are expanded in activityname, workername and cmd."""
    assert start.recorder.of("CreateActivity")[-1].body["name"] == start.activity
    assert start.recorder.of("GetActivityTask")[0].body["workerName"].startswith("w-")
    assert start.runs[0].output


def test_ecs_task(start: Start) -> None:
    """`MAGIC_ECS_TASK_ARN` and `MAGIC_ECS_TASK_ID` in workername become what the ECS metadata tell."""
    assert start.recorder.of("GetActivityTask")[0].body["workerName"] == f"w-{TASK_ARN.rpartition('/')[2]}"


def test_region(start: Start) -> None:
    """`-region` is where the activity is; without it `AWS_REGION`."""
    assert start.recorder.of("GetActivityTask")[0].region == "eu-west-1"
    assert ":eu-west-1:" in start.recorder.of("GetActivityTask")[0].body["activityArn"]


def test_tags(start: Start) -> None:
    """CreateActivity, then TagResource, with tags from the `_DEPLOY_ENV` family of variables."""
    operations = [call.operation for call in start.recorder.calls]
    assert operations.index("TagResource") > operations.index("CreateActivity")
    for operation in ("CreateActivity", "TagResource"):
        tags = {tag["key"]: tag["value"] for tag in start.recorder.of(operation)[-1].body["tags"]}
        assert tags == dict(TAGS.values())


def test_throttled_start(start: Start) -> None:
    """The start survives an AWS that throttles CreateActivity, TagResource and GetActivityTask."""
    assert len(start.recorder.of("CreateActivity")) == 4
    assert len(start.recorder.of("TagResource")) == 2
    assert not start.recorder.refusals["GetActivityTask"]


JITTER_SECONDS = 0.5
"""What a call may need longer on its way when it is the first."""


def test_poll_rate(start: Start) -> None:
    """AWS is asked for a task once a second at most."""
    times = [call.at for call in start.recorder.of("GetActivityTask")]
    assert len(times) >= 2
    assert times[-1] - times[0] > len(times) - 1 - JITTER_SECONDS


def test_one_at_a_time(start: Start) -> None:
    """One task at a time: AWS is asked for the next one when the last one is reported."""
    asked = {"GetActivityTask", "SendTaskSuccess"}
    operations = [call.operation for call in start.recorder.calls if call.operation in asked]
    assert operations[1:5] == ["GetActivityTask", "SendTaskSuccess"] * 2


def test_protection(start: Start) -> None:
    """The ECS task is protected from being scaled in while a task runs."""
    eventually(lambda: len(start.recorder.states) >= 2, what="the protection begins and ends")
    assert [state["ProtectionEnabled"] for state in start.recorder.states[:2]] == [True, False]
