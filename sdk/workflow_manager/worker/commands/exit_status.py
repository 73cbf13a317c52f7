"""What the end of a command means for its task."""

import signal
from dataclasses import dataclass
from typing import Final

from workflow_manager.worker.task_errors import MAX_CAUSE_BYTES, ErrorName, TaskFailed, clip_start
from workflow_manager.worker.task_json import is_object, members, output_too_large

MAX_LAST_LINE_BYTES: Final = 4_194_304
"""Far more than AWS takes, so that an error with a long cause still has its name."""


@dataclass(frozen=True, kw_only=True)
class Exit:
    """How a command ended: its code (negative: the signal), and what it last wrote."""

    code: int
    told_to_end: bool = False
    last_line: bytes = b""
    last_line_too_long: bool = False
    stderr: bytes = b""
    stderr_cut: bool = False


def output_of(end: Exit) -> str:
    """Return the last line that a successful command wrote to stdout; raises ``TaskFailed`` for every other end.

    A command that was asked to end never succeeds: many programs answer SIGTERM with a clean exit, leave their work
    undone, and what they logged last can well look like an output. A task reported as terminated is tried again, one
    that counts as done is not.
    """
    line = end.last_line.decode(errors="replace")
    if end.told_to_end:
        raise _terminated(end, _own_error(end, line))
    if end.code != 0:
        raise _failure(end, line)
    if end.last_line_too_long:
        raise output_too_large()
    return line


def _terminated(end: Exit, own: TaskFailed | None = None) -> TaskFailed:
    cause = f"{own.error}: {own.cause}" if own else _stderr(end)
    return TaskFailed(ErrorName.COMMAND_TERMINATED, cause or "the command was asked to stop")


def _failure(end: Exit, line: str) -> TaskFailed:
    if own := _own_error(end, line):
        return own
    if end.code == -signal.SIGTERM:
        return _terminated(end)
    if end.code == -signal.SIGKILL:
        return TaskFailed(ErrorName.COMMAND_KILLED, _stderr(end) or "the command was killed")
    if end.code < 0:
        return TaskFailed(ErrorName.UNKNOWN, f"the command ended by {_signal_name(-end.code)}\n{_stderr(end)}".rstrip())
    cause = _stderr(end) or f"the command exited with status {end.code} and wrote nothing to stderr"
    if end.last_line_too_long:
        cause = f"its last line is longer than the {MAX_LAST_LINE_BYTES:,} bytes that are read\n{cause}"
    return TaskFailed(ErrorName.COMMAND_EXITED_NONZERO, cause)


def _own_error(end: Exit, line: str) -> TaskFailed | None:
    """Read the failure that the command itself chose: ``{"error": NAME, "cause": TEXT}`` as its last line.

    The two are found in any case, and of several the last one counts, as Go reads them.
    """
    if end.last_line_too_long or not is_object(line):
        return None
    said = {member.key.casefold(): member for member in members(line)}
    error = said["error"].value if "error" in said else None
    if not isinstance(error, str) or not error:
        return None
    if "cause" not in said:
        return TaskFailed(error, _stderr(end))
    cause = said["cause"]
    return TaskFailed(error, cause.value if isinstance(cause.value, str) else cause.value_text)


def _stderr(end: Exit) -> str:
    # A cut can leave the tail of a character in front.
    tail = end.stderr.lstrip(bytes(range(0x80, 0xC0))) if end.stderr_cut else end.stderr
    return clip_start(tail.decode(errors="replace").strip(), MAX_CAUSE_BYTES, already_cut=end.stderr_cut)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
