"""Lines for a reader who may not read.

Covers `workflow_manager.logs.nonblocking`.
"""

import io
import os
import select
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import pytest

from tests.eventually import eventually
from workflow_manager.logs.nonblocking import Lines


@contextmanager
def pipe() -> Iterator[tuple[int, TextIO]]:
    """Open a pipe: the number of its reading end, and a file to write to."""
    reader, writer = os.pipe()
    with os.fdopen(writer, "w", encoding="utf-8") as file:
        yield reader, file
    os.close(reader)


def read(reader: int, count: int) -> list[str]:
    """Read so many lines."""
    data = b""
    while data.count(b"\n") < count:
        data += os.read(reader, 65_536)
    return data.decode().splitlines()


def test_a_line_is_there_at_once() -> None:
    with pipe() as (reader, file):
        Lines(file).write("é \ud800")
        assert read(reader, 1) == ["é \\ud800"]


@pytest.mark.parametrize("can_be_reopened", [True, False])
def test_lines_that_had_to_wait_come_in_order(can_be_reopened: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not can_be_reopened:
        monkeypatch.setattr("workflow_manager.logs.nonblocking._reopened", lambda _: None)
    with pipe() as (reader, file):
        lines = Lines(file)
        for number in range(100):
            lines.write(f"{number} {'x' * 5000}")
        assert [int(line.split()[0]) for line in read(reader, 100)] == list(range(100))


def test_what_finds_no_room_is_dropped_and_counted() -> None:
    dropped: list[int] = []
    with pipe() as (reader, file):
        lines = Lines(file, on_dropped=dropped.append, max_waiting_bytes=10_000)
        for number in range(1000):
            lines.write(f"{number:04} {'x' * 1000}")
        kept = read(reader, 70)
        eventually(lambda: dropped, what="the count of what was dropped")
        kept += read(reader, 1000 - dropped[0] - len(kept)) if len(kept) + dropped[0] < 1000 else []
    assert [int(line.split()[0]) for line in kept] == list(range(len(kept)))
    assert len(kept) + dropped[0] == 1000


def test_a_flush_waits_no_longer_than_it_may() -> None:
    with pipe() as (reader, file):
        lines = Lines(file)
        for _ in range(100):
            lines.write("x" * 5000)
        lines.flush(seconds=0.01)
        read(reader, 100)
        lines.flush(seconds=30)


def test_a_reader_that_goes_away_ends_the_waiting() -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w", encoding="utf-8") as file:
        lines = Lines(file)
        for _ in range(100):
            lines.write("x" * 5000)
        os.close(reader)
        lines.flush(seconds=30)
        lines.write("into the void")


def test_a_file_without_descriptor_is_written_to() -> None:
    file = io.StringIO()
    Lines(file).write("one")
    assert file.getvalue() == "one\n"
    file.close()
    Lines(file).write("two")


def test_nothing_is_written_to_a_closed_file() -> None:
    with pipe() as (reader, file):
        lines = Lines(file)
        file.close()
        lines.write("lost")
        assert select.select([reader], [], [], 0) == ([], [], [])
