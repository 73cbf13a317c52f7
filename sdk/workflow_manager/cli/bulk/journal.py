"""The journal of a bulk command: a rerun skips the workflows that it records."""

import json
import uuid
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

from workflow_manager import errors

VERB: Final = "verb"
KEY: Final = "key"
DONE: Final = "done"
UNTIL: Final = "until"


class Journal:
    """Records the ids that are done, in a file of JSON lines if ``path`` is given.

    ``key`` is the same in a rerun, so that the service recognises repeated requests. ``until`` is the creation time of
    the newest workflow that the filters matched in the first run: workflows that the command itself creates are newer.
    With ``read_only`` the file is not changed.
    """

    def __init__(self, verb: str, path: Path | None, *, read_only: bool = False) -> None:
        self._verb = verb
        self._path = path
        self._read_only = read_only
        self._file: IO[str] | None = None
        self.key = str(uuid.uuid4())
        self.done: set[str] = set()
        self.until: datetime | None = None

    def __enter__(self) -> Self:
        if self._path is None:
            return self
        try:
            self._open(self._path)
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise errors.InvalidRequest(f"Cannot use {self._path} as a journal: {reason}.") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, workflow_id: str) -> None:
        """Record that a workflow is done."""
        self.done.add(workflow_id)
        self._write({DONE: workflow_id})

    def record_until(self, time: datetime) -> None:
        """Record the creation time of the newest workflow, unless an earlier run has."""
        if self.until is None:
            self.until = time
            self._write({UNTIL: time.isoformat()})

    def _open(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        lines = text.splitlines(keepends=True)
        # A last line without a newline was cut off when an earlier run was killed.
        whole = [line for line in lines if line.endswith("\n")]
        if whole:
            self._read(path, whole)
        if self._read_only:
            return
        self._file = path.open("a", encoding="utf-8")
        if len(whole) < len(lines):
            self._file.truncate(len("".join(whole).encode()))
        if not whole:
            self._write({VERB: self._verb, KEY: self.key})

    def _read(self, path: Path, lines: list[str]) -> None:
        try:
            head, *entries = map(json.loads, lines)
            verb, self.key = head[VERB], str(head[KEY])
            until = [datetime.fromisoformat(entry[UNTIL]) for entry in entries if UNTIL in entry]
            self.until = until[0] if until else None
            self.done = {str(entry[DONE]) for entry in entries if UNTIL not in entry}
        except (ValueError, KeyError, TypeError) as error:
            raise errors.InvalidRequest(f"{path} is not a journal of this command; choose another file.") from error
        if verb != self._verb:
            raise errors.InvalidRequest(f"{path} is a journal of `{verb}`, not of `{self._verb}`; choose another file.")

    def _write(self, entry: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()
