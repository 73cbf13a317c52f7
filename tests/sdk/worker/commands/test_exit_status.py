"""What the end of a command means.

Covers `workflow_manager.worker.commands.exit_status`.
"""

import pytest

from workflow_manager.worker.commands.exit_status import Exit, output_of
from workflow_manager.worker.task_errors import MAX_CAUSE_BYTES, TaskFailed

OWN = b'{"error":"App.Broken","cause":"disk full"}'


@pytest.mark.parametrize(
    ("end", "output"),
    [
        (Exit(code=0), ""),
        (Exit(code=0, last_line=b'{"a":1}', stderr=b"noise"), '{"a":1}'),
        (Exit(code=0, last_line=OWN), OWN.decode()),
        (Exit(code=0, last_line=b"text"), "text"),
        (Exit(code=0, last_line=b'{"a":"\xff"}'), '{"a":"\ufffd"}'),
    ],
)
def test_a_clean_exit_succeeds_with_the_last_line(end: Exit, output: str) -> None:
    assert output_of(end) == output


@pytest.mark.parametrize(
    ("end", "error", "cause"),
    [
        (Exit(code=3, stderr=b"first\nlast\n"), "sfncli.CommandExitedNonzero", "first\nlast"),
        (Exit(code=3), "sfncli.CommandExitedNonzero", "the command exited with status 3 and wrote nothing to stderr"),
        (Exit(code=3, last_line=b'{"a":1}', stderr=b"e"), "sfncli.CommandExitedNonzero", "e"),
        (Exit(code=3, last_line=OWN, stderr=b"e"), "App.Broken", "disk full"),
        (Exit(code=3, last_line=b'{"error":"App.Broken"}', stderr=b"e"), "App.Broken", "e"),
        (
            Exit(code=3, last_line=b'{"error":"App.Broken","cause":{"n":9007199254740993}}'),
            "App.Broken",
            '{"n":9007199254740993}',
        ),
        (Exit(code=3, last_line=b'{"Error":"App.Broken","Cause":"disk"}', stderr=b"e"), "App.Broken", "disk"),
        (Exit(code=3, last_line=b'{"ERROR":"App.Broken","cAUSE":"disk"}', stderr=b"e"), "App.Broken", "disk"),
        (Exit(code=3, last_line=b'{"error":"First","ErrOr":"App.Broken"}', stderr=b"e"), "App.Broken", "e"),
        (Exit(code=3, last_line=b'{"Error":""}', stderr=b"e"), "sfncli.CommandExitedNonzero", "e"),
        (Exit(code=3, last_line=b'{"error":""}', stderr=b"e"), "sfncli.CommandExitedNonzero", "e"),
        (Exit(code=3, last_line=b'{"error":7}', stderr=b"e"), "sfncli.CommandExitedNonzero", "e"),
        (Exit(code=3, last_line=b'["error"]', stderr=b"e"), "sfncli.CommandExitedNonzero", "e"),
        (Exit(code=-9, stderr=b"e"), "sfncli.CommandKilled", "e"),
        (Exit(code=-9), "sfncli.CommandKilled", "the command was killed"),
        (Exit(code=-15, stderr=b"e"), "sfncli.CommandTerminated", "e"),
        (Exit(code=-11, stderr=b"e"), "sfncli.Unknown", "the command ended by SIGSEGV\ne"),
        (Exit(code=-60), "sfncli.Unknown", "the command ended by signal 60"),
        (Exit(code=-9, told_to_end=True, stderr=b"e"), "sfncli.CommandTerminated", "e"),
        (Exit(code=1, told_to_end=True, stderr=b"e"), "sfncli.CommandTerminated", "e"),
        (Exit(code=1, told_to_end=True, last_line=OWN, stderr=b"e"), "sfncli.CommandTerminated", "App.Broken: "),
        (Exit(code=0, told_to_end=True, last_line=OWN), "sfncli.CommandTerminated", "App.Broken: disk full"),
        (Exit(code=0, told_to_end=True, last_line=b'{"a":1}', stderr=b"e"), "sfncli.CommandTerminated", "e"),
        (Exit(code=0, told_to_end=True, last_line=b"x", last_line_too_long=True), "sfncli.CommandTerminated", "the"),
        (Exit(code=0, told_to_end=True), "sfncli.CommandTerminated", "the command was asked to stop"),
        (Exit(code=0, told_to_end=True, last_line=b"bye"), "sfncli.CommandTerminated", "the command was asked to stop"),
        (Exit(code=0, last_line=b"{", last_line_too_long=True), "sfncli.TaskOutputNotJSON", "task output is larger"),
    ],
)
def test_every_other_end_is_a_failure(end: Exit, error: str, cause: str) -> None:
    with pytest.raises(TaskFailed) as failed:
        output_of(end)
    assert failed.value.error == error
    assert failed.value.cause.startswith(cause)


def test_the_cause_is_the_end_of_stderr_and_says_when_it_is_cut() -> None:
    with pytest.raises(TaskFailed) as failed:
        output_of(Exit(code=1, stderr="é".encode()[1:] + b"x" * (MAX_CAUSE_BYTES - 4) + b"end", stderr_cut=True))
    assert failed.value.cause.startswith("[truncated]xxx")
    assert failed.value.cause.endswith("xend")
    assert len(failed.value.cause.encode()) == MAX_CAUSE_BYTES


def test_stderr_that_is_no_utf8_stays_within_the_limit() -> None:
    with pytest.raises(TaskFailed) as failed:
        output_of(Exit(code=1, stderr=b"\xff" * MAX_CAUSE_BYTES))
    assert failed.value.cause.startswith("[truncated]\ufffd")
    assert len(failed.value.cause.encode()) <= MAX_CAUSE_BYTES
