"""Tasks that a worker performs with real commands.

Covers `workflow_manager.worker.activity.task_runner` and `workflow_manager.worker.activity.reporter`.
"""

import io
import json
import os
import re
import signal
import threading
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.sdk.worker.conftest import INPUT, StartWorker, alive, eventually
from tests.sdk.worker.processes import PYTHON, write_script
from workflow_manager.worker.config import InputMode

KIB = 1024


async def test_the_input_is_the_last_argument_and_the_execution_name_is_in_the_environment(
    start_worker: StartWorker,
) -> None:
    running = await start_worker(
        'printf \'{"args":%d,"input":%s,"name":"%s"}\' $# "$3" "$_EXECUTION_NAME"', args=("a", "b c")
    )
    task = await running.perform('{ "n": 9007199254740993, "_EXECUTION_NAME": "run-1" }')
    assert task.output == (
        '{"_EXECUTION_NAME":"run-1","args":3,"input":{ "n": 9007199254740993, "_EXECUTION_NAME": "run-1" },'
        '"name":"run-1"}'
    )
    assert task.worker_name == "worker-1"


async def test_the_last_line_that_is_not_blank_is_the_output(start_worker: StartWorker) -> None:
    running = await start_worker('echo starting; echo \'{"a":1}\'; echo; echo "  "; echo done >&2')
    assert (await running.perform()).output == '{"_EXECUTION_NAME":"run-1","a":1}'


@pytest.mark.parametrize("script", ["true", "echo", "echo null"])
async def test_no_output_and_null_count_as_an_empty_object(start_worker: StartWorker, script: str) -> None:
    assert (await (await start_worker(script)).perform()).output == '{"_EXECUTION_NAME":"run-1"}'


async def test_both_outputs_are_passed_through(start_worker: StartWorker) -> None:
    running = await start_worker("echo one; echo two >&2; echo '{}'; printf three >&2")
    await running.perform()
    assert running.stdout.getvalue() == b"one\n{}\n"
    assert running.stderr.getvalue() == b"two\nthree"


async def test_output_is_passed_through_while_the_command_runs(start_worker: StartWorker, tmp_path: Path) -> None:
    running = await start_worker('echo started; until [ -e "$HERE/go" ]; do sleep 0.01; done')
    task = await running.schedule(INPUT)
    await eventually(lambda: running.stdout.getvalue() == b"started\n", "the line is shown")
    assert not task.ended.is_set()
    (tmp_path / "go").touch()
    await running.end_of(task)


@pytest.mark.parametrize("concurrency", [1, 2])
async def test_a_part_of_a_line_is_passed_through_while_the_command_runs(
    start_worker: StartWorker, tmp_path: Path, concurrency: int
) -> None:
    script = 'printf "50 %%"; printf "?" >&2; until [ -e "$HERE/go" ]; do sleep 0.01; done; echo; echo "{}"'
    running = await start_worker(script, concurrency=concurrency)
    task = await running.schedule(INPUT)
    await eventually(lambda: running.stdout.getvalue() == b"50 %", "the part is shown")
    await eventually(lambda: running.stderr.getvalue() == b"?", "the part is shown")
    assert not task.ended.is_set()
    (tmp_path / "go").touch()
    await running.end_of(task)
    assert running.stdout.getvalue() == b"50 %\n{}\n"


@pytest.mark.parametrize(
    ("task_input", "error"),
    [
        ("nope", "sfncli.TaskInputNotJSON"),
        ('["_EXECUTION_NAME"]', "sfncli.TaskInputNotJSON"),
        ("", "sfncli.TaskInputNotJSON"),
        ("{}", "sfncli.TaskInputMissingExecutionName"),
        ('{"_EXECUTION_NAME":7}', "sfncli.TaskInputMissingExecutionName"),
    ],
)
async def test_bad_input_fails_the_task_and_the_worker_goes_on(
    start_worker: StartWorker, task_input: str, error: str
) -> None:
    running = await start_worker("true")
    task = await running.perform(task_input)
    assert (task.status, task.error) == ("FAILED", error)
    assert task.cause is not None
    assert f"'{task_input}'" in task.cause
    assert (await running.perform()).status == "SUCCEEDED"


@pytest.mark.parametrize(
    ("script", "error", "cause"),
    [
        ("echo first >&2; echo last >&2; exit 3", "sfncli.CommandExitedNonzero", "first\nlast"),
        ('echo \'{"error":"App.Full","cause":"disk"}\'; exit 1', "App.Full", "disk"),
        ("echo words >&2; kill -KILL $$", "sfncli.CommandKilled", "words"),
        ("echo words >&2; kill -TERM $$", "sfncli.CommandTerminated", "words"),
        ("echo words >&2; kill -ABRT $$", "sfncli.Unknown", "the command ended by SIGABRT\nwords"),
        ("echo nope", "sfncli.TaskOutputNotJSON", "stdout not valid JSON: .*'nope'"),
        ("echo '[1]'", "sfncli.TaskOutputNotJSON", "not a JSON object"),
        ("echo '{\"a\":NaN}'", "sfncli.TaskOutputNotJSON", "NaN"),
    ],
)
async def test_a_command_that_fails_is_reported_with_its_error_and_cause(
    start_worker: StartWorker, script: str, error: str, cause: str
) -> None:
    task = await (await start_worker(script)).perform()
    assert (task.status, task.error) == ("FAILED", error)
    assert re.search(cause, task.cause or "")


@pytest.mark.parametrize("command", ["/does/not/exist", "not-on-the-path"])
async def test_a_command_that_is_not_there_is_reported_as_not_found(start_worker: StartWorker, command: str) -> None:
    task = await (await start_worker(command=command)).perform()
    assert (task.error, task.cause) == ("sfncli.CommandNotFound", f"command not found: '{command}'")


async def test_a_command_that_may_not_be_executed_says_why(start_worker: StartWorker, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no program")
    task = await (await start_worker(command=str(tmp_path / "data"))).perform()
    assert task.error == "sfncli.CommandNotFound"
    assert task.cause == f"command cannot be run: '{tmp_path / 'data'}': Permission denied"


@pytest.mark.parametrize(
    ("head", "missing"),
    [
        ("#!/no/such/shell -e\n", "its interpreter '/no/such/shell' is missing"),
        ("#! /no/such/shell\n", "its interpreter '/no/such/shell' is missing"),
        ("#!/no/such/shell\r\n", "its interpreter '/no/such/shell\\r' is missing"),
    ],
)
@pytest.mark.parametrize("on_path", [False, True])
async def test_a_script_without_its_interpreter_says_what_is_missing(
    start_worker: StartWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: str, missing: str, on_path: bool
) -> None:
    script = write_script(tmp_path / "our-script", head)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    command = script.name if on_path else str(script)
    task = await (await start_worker(command=command)).perform()
    assert (task.error, task.cause) == ("sfncli.CommandNotFound", f"command cannot be run: '{command}': {missing}")


async def test_an_own_error_over_256_kib_keeps_its_name(start_worker: StartWorker) -> None:
    program = PYTHON + 'print(\'{"error":"App.Full","cause":"\' + \'x\' * 300_000 + \'"}\')\nraise SystemExit(1)'
    task = await (await start_worker(program)).perform()
    assert task.error == "App.Full"
    assert (task.cause or "").endswith("xxx[truncated]")


async def test_a_last_line_that_is_too_long_for_any_use_is_told_of(start_worker: StartWorker) -> None:
    program = PYTHON + 'print(\'{"error":"App.Full","cause":"\' + \'x\' * 5_000_000 + \'"}\')\nraise SystemExit(1)'
    task = await (await start_worker(program)).perform()
    assert task.error == "sfncli.CommandExitedNonzero"
    assert "its last line is longer than the 4,194,304 bytes" in (task.cause or "")


async def test_a_command_is_found_on_the_path(start_worker: StartWorker) -> None:
    assert (await (await start_worker(command="true")).perform()).status == "SUCCEEDED"


async def test_the_cause_is_cut_to_what_aws_takes_and_keeps_the_end_of_stderr(start_worker: StartWorker) -> None:
    running = await start_worker("i=0; while [ $i -lt 5000 ]; do echo ééééé$i >&2; i=$((i+1)); done; exit 1")
    task = await running.perform()
    assert task.cause is not None
    assert len(task.cause.encode()) <= 32_768
    assert task.cause.startswith("[truncated]")
    assert task.cause.endswith("ééééé4999")
    assert "\ufffd" not in task.cause


async def test_an_own_error_is_cut_to_what_aws_takes(start_worker: StartWorker) -> None:
    program = (
        "#!/usr/bin/env python3\nimport json\n"
        "print(json.dumps({'error': 'é' * 300, 'cause': '€' * 20000}))\nraise SystemExit(1)"
    )
    task = await (await start_worker(program)).perform()
    assert task.error is not None
    assert task.cause is not None
    assert (len(task.error.encode()), task.error[-12:]) == (255, "é[truncated]")
    assert len(task.cause.encode()) <= 32_768
    assert task.cause.endswith("€[truncated]")


async def test_an_output_near_256_kib_is_delivered_whole_and_one_over_it_is_refused(start_worker: StartWorker) -> None:
    program = (
        "#!/usr/bin/env python3\nimport json,sys\n"
        "print('noise' * 20000)\nprint(json.dumps({'a': 'x' * json.loads(sys.argv[1])['size']}))"
    )
    running = await start_worker(program)
    task = await running.perform({**INPUT, "size": 262_000})
    assert task.json_output == {"_EXECUTION_NAME": "run-1", "a": "x" * 262_000}
    task = await running.perform({**INPUT, "size": 262_200})
    assert (task.error, task.cause) == (
        "sfncli.TaskOutputNotJSON",
        "task output is larger than the 262,144 bytes that Step Functions takes",
    )


async def test_an_output_that_aws_refuses_fails_the_task_with_the_words_of_aws(start_worker: StartWorker) -> None:
    running = await start_worker("echo '{}'")
    running.aws.fail("send_task_success", "InvalidOutput")
    task = await running.perform()
    assert task.error == "sfncli.TaskOutputNotJSON"
    assert "made up InvalidOutput" in (task.cause or "")


async def test_a_failure_that_aws_refuses_still_ends_the_task(start_worker: StartWorker) -> None:
    running = await start_worker("exit 1")
    running.aws.fail("send_task_failure", "ValidationException")
    task = await running.perform()
    assert task.error == "sfncli.Unknown"
    assert "sfncli.CommandExitedNonzero" in (task.cause or "")


@pytest.mark.parametrize("size", [1, 130 * KIB, 250 * KIB])
@pytest.mark.parametrize(
    ("mode", "script"),
    [(InputMode.STDIN, 'wc -c; [ $# = 1 ]; echo "{}"'), (InputMode.FILE, 'wc -c < "$2"; echo "{}"')],
)
async def test_stdin_and_file_carry_input_of_any_size(
    start_worker: StartWorker, mode: InputMode, script: str, size: int
) -> None:
    running = await start_worker(script, args=("fixed",), input_mode=mode)
    text = json.dumps({**INPUT, "a": "x" * size})
    assert (await running.perform(text)).status == "SUCCEEDED"
    assert running.stdout.getvalue().split() == [str(len(text)).encode(), b"{}"]


async def test_a_command_that_never_reads_its_stdin_succeeds(start_worker: StartWorker) -> None:
    running = await start_worker("true", input_mode=InputMode.STDIN)
    assert (await running.perform({**INPUT, "a": "x" * 200 * KIB})).status == "SUCCEEDED"


async def test_stdin_is_empty_in_the_other_modes(start_worker: StartWorker) -> None:
    assert (await (await start_worker("cat")).perform()).output == '{"_EXECUTION_NAME":"run-1"}'


async def test_an_input_of_the_largest_argument_is_passed_and_a_larger_one_is_refused(
    start_worker: StartWorker,
) -> None:
    running = await start_worker("true")
    frame = len(json.dumps({**INPUT, "a": ""}))
    assert (await running.perform({**INPUT, "a": "x" * (131_071 - frame)})).status == "SUCCEEDED"
    task = await running.perform({**INPUT, "a": "x" * (131_072 - frame)})
    assert task.error == "sfncli.Unknown"
    assert "131,072 bytes is too large for an argument" in (task.cause or "")
    assert "'stdin' or 'file'" in (task.cause or "")


async def test_each_task_has_its_own_work_directory_that_is_removed_afterwards(
    start_worker: StartWorker, tmp_path: Path
) -> None:
    work_dir = tmp_path / "work" / "deep"
    running = await start_worker(
        'mkdir "$WORK_DIR/sub"; echo x > "$WORK_DIR/sub/f"; echo "{\\"dir\\":\\"$WORK_DIR\\"}"', work_dir=work_dir
    )
    directories = [Path((await running.perform()).json_output["dir"]) for _ in range(2)]
    assert len(set(directories)) == 2
    assert {directory.parent for directory in directories} == {work_dir}
    await eventually(lambda: not any(work_dir.iterdir()), "the work directories are removed")


async def test_the_work_directory_is_removed_after_a_failure_too(start_worker: StartWorker, tmp_path: Path) -> None:
    running = await start_worker('echo x > "$WORK_DIR/f"; exit 1', work_dir=tmp_path / "work")
    assert (await running.perform()).error == "sfncli.CommandExitedNonzero"
    await eventually(lambda: not any((tmp_path / "work").iterdir()), "the work directory is removed")


async def test_without_a_work_directory_there_is_no_work_dir_variable(start_worker: StartWorker) -> None:
    task = await (await start_worker('echo "{\\"dir\\":\\"${WORK_DIR-unset}\\"}"')).perform()
    assert task.json_output["dir"] == "unset"


async def test_what_a_command_leaves_running_ends_with_its_task(start_worker: StartWorker) -> None:
    running = await start_worker('sleep 60 & echo "{\\"pid\\":$!}"')
    pid = (await running.perform()).json_output["pid"]
    await eventually(lambda: not alive(pid), "the process left behind is killed")


async def test_what_a_command_leaves_running_is_named_in_the_log(start_worker: StartWorker) -> None:
    running = await start_worker('sleep 60 >&- 2>&- & echo "{\\"pid\\":$!}"')
    with capture_logs() as logs:
        pid = (await running.perform()).json_output["pid"]
    told = [log for log in logs if log["action"] == "helpers-killed"]
    assert [(log["log_level"], log["processes"]) for log in told] == [("warning", [f"sleep ({pid})"])]


async def test_a_command_that_leaves_nothing_running_is_not_told_of(start_worker: StartWorker) -> None:
    running = await start_worker("sleep 0.01; echo '{}'")
    with capture_logs() as logs:
        await running.perform()
    assert "helpers-killed" not in [log["action"] for log in logs]


async def test_signals_reach_the_command_and_not_what_it_has_started(start_worker: StartWorker, tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    script = write_script(
        tmp_path / "helper", f'trap "echo helper >> {heard}" USR1; echo > {heard}; while :; do sleep 0.01; done'
    )
    running = await start_worker(
        f'trap \'echo "{{\\"signal\\":1}}"; exit 0\' USR1; {script} >&- 2>&- & '
        f"while ! test -e {heard}; do sleep 0.01; done; echo ready; while :; do sleep 0.01; done"
    )
    task = await running.schedule()
    await eventually(lambda: running.stdout.getvalue() == b"ready\n", "the command is ready")
    assert running.worker.forward_signal(signal.SIGUSR1)
    await running.end_of(task)
    assert task.json_output["signal"] == 1
    assert heard.read_text() == "\n"


async def test_output_that_follows_the_end_of_the_command_at_once_still_counts(start_worker: StartWorker) -> None:
    running = await start_worker('(sleep 0.05; echo "{\\"late\\":true}") &')
    assert (await running.perform()).json_output["late"] is True


async def test_a_process_that_leaves_the_group_does_not_hold_up_the_task(
    start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflow_manager.worker.commands.process.OUTPUT_DRAIN_SECONDS", 0.05)
    running = await start_worker('setsid sleep 3 & echo "{}"', output_drain_seconds=0.05)
    assert (await running.perform()).status == "SUCCEEDED"


async def test_without_pidfd_commands_are_run_as_well(
    start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("os.pidfd_open")
    running = await start_worker('sleep 60 & echo "{\\"pid\\":$!}"')
    pid = (await running.perform()).json_output["pid"]
    await eventually(lambda: not alive(pid), "the process left behind is killed")


async def test_where_processes_cannot_be_watched_commands_are_run_as_well(
    start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("os.pidfd_open")
    monkeypatch.delattr("os.waitid")
    running = await start_worker("sleep 0.1; echo '{\"a\":1}'")
    assert (await running.perform()).json_output["a"] == 1


async def test_signals_are_forwarded_to_the_command(start_worker: StartWorker) -> None:
    running = await start_worker(
        'trap \'echo "{\\"signal\\":1}"; exit 0\' HUP; echo ready; while :; do sleep 0.01; done'
    )
    task = await running.schedule()
    await eventually(lambda: running.stdout.getvalue() == b"ready\n", "the command is ready")
    assert running.worker.forward_signal(signal.SIGHUP)
    await running.end_of(task)
    assert task.json_output["signal"] == 1


async def test_a_broken_handler_fails_its_task_and_the_worker_goes_on(
    start_worker: StartWorker, tmp_path: Path
) -> None:
    work_dir = tmp_path / "work"
    running = await start_worker("true", work_dir=work_dir)
    await eventually(lambda: running.aws.activities, "the activity is registered")
    work_dir.rmdir()
    task = await running.perform()
    assert task.error == "sfncli.Unknown"
    assert "FileNotFoundError" in (task.cause or "")
    work_dir.mkdir()
    assert (await running.perform()).status == "SUCCEEDED"


async def test_slots_work_at_the_same_time(start_worker: StartWorker, tmp_path: Path) -> None:
    script = 'touch "$HERE/$_EXECUTION_NAME"; until [ -e "$HERE/a" ] && [ -e "$HERE/b" ]; do sleep 0.01; done'
    running = await start_worker(script, concurrency=2)
    tasks = [await running.schedule({"_EXECUTION_NAME": name}) for name in ("a", "b")]
    for task in tasks:
        await running.end_of(task)
    assert [task.status for task in tasks] == ["SUCCEEDED", "SUCCEEDED"]


class Clogged(io.BytesIO):
    """An output whose reader has stopped reading."""

    def __init__(self) -> None:
        super().__init__()
        self.drained = threading.Event()

    def flush(self) -> None:
        self.drained.wait(timeout=10)


async def test_an_output_that_nobody_reads_does_not_keep_a_task_from_its_heartbeats_and_report(
    start_worker: StartWorker,
) -> None:
    clogged = Clogged()
    running = await start_worker("echo one; echo '{\"a\":1}'", output_drain_seconds=0.1, stdout=clogged)
    try:
        task = await running.perform()
    finally:
        clogged.drained.set()
    assert task.heartbeats > 0
    assert task.json_output["a"] == 1
