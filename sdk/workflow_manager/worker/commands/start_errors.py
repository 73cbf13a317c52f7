"""What is said of a command that cannot be started: of a task when it is tried, and before the first one."""

import errno
import shutil
from pathlib import Path
from typing import Final

import structlog

from workflow_manager.worker.task_errors import ErrorName, TaskFailed

log = structlog.get_logger()

SHEBANG_BYTES: Final = 256
"""As much of the first line of a script as Linux looks at (BINPRM_BUF_SIZE)."""


def warn_unless_found(command: str, *, activity: str, search_path: str | None) -> None:
    """Log a warning when a command is not there, or not executable; it may still come before the first task."""
    if shutil.which(command, path=search_path) is None:
        log.warning(
            "command not found; its tasks will fail",
            action="command-missing",
            activity=activity,
            command=command,
        )


def start_failure(command: str, refusal: OSError, *, search_path: str | None) -> TaskFailed:
    """Make the failure of a task from what the system said when its command was to run.

    ``search_path`` is where a command without a slash is looked for.
    """
    if isinstance(refusal, FileNotFoundError):
        return TaskFailed(ErrorName.COMMAND_NOT_FOUND, _what_is_missing(command, search_path))
    cannot_be_run = isinstance(refusal, PermissionError | NotADirectoryError) or refusal.errno == errno.ENOEXEC
    name = ErrorName.COMMAND_NOT_FOUND if cannot_be_run else ErrorName.UNKNOWN
    return TaskFailed(name, _cannot_be_run(command, refusal.strerror or str(refusal)))


def _what_is_missing(command: str, search_path: str | None) -> str:
    """Tell a command that is not there from one that is, but needs something that is not: the error is the same."""
    found = shutil.which(command, path=search_path)
    if found is None:
        return f"command not found: '{command}'"
    interpreter = _interpreter(Path(found))
    what = f"its interpreter {interpreter!r}" if interpreter else "what it is to be loaded with"
    return _cannot_be_run(command, f"{what} is missing")


def _cannot_be_run(command: str, why: str) -> str:
    return f"command cannot be run: '{command}': {why}"


def _interpreter(script: Path) -> str | None:
    """Return the program that the first line of a script names."""
    try:
        with script.open("rb") as file:
            head = file.read(SHEBANG_BYTES)
    except OSError:
        return None
    words = head.partition(b"\n")[0].removeprefix(b"#!").strip(b" \t").split(b" ")
    return words[0].decode(errors="replace") if head.startswith(b"#!") and words[0] else None
