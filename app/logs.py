"""Set-up of structured logs: ours and those of the libraries, in one form on standard error."""

import json
import logging
import os
import sys
import threading
from datetime import UTC, datetime
from typing import Final, Literal, TextIO

import pydantic_core
import structlog
from structlog.typing import EventDict, Processor

LogFormat = Literal["auto", "console", "json"]

QUIET_LIBRARIES = ("aiobotocore", "boto3", "botocore", "httpx", "httpcore", "urllib3")
"""Libraries whose INFO lines tell an operator nothing."""

_WRITING: Final = threading.Lock()
"""Lines of several threads must not run into each other."""


def configure(log_format: LogFormat, level: str) -> None:
    """Send every log line to standard error in ``log_format``, from ``level`` (``info``, ...) upwards.

    Ours are rendered and written at once: through the standard library a line would cost several times as much.
    """
    if log_format == "auto":
        log_format = "console" if sys.stderr.isatty() else "json"
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _with_time,
    ]
    rendering = _rendering(log_format)
    structlog.configure(
        processors=[*shared, *rendering],
        logger_factory=lambda *_: _Lines(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    _configure_stdlib(level, [structlog.stdlib.ExtraAdder(), *shared, _without_duplicates], rendering)


def _configure_stdlib(level: str, preparing: list[Processor], rendering: list[Processor]) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=preparing,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)


def _rendering(log_format: LogFormat) -> list[Processor]:
    if log_format == "console":
        return [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                # The fancy one shows local variables, which can hold what no log should.
                exception_formatter=structlog.dev.plain_traceback,
            )
        ]
    return [
        # Local variables can hold what no log should, and megabytes of it.
        structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
        _as_json,
    ]


class _Lines:
    """Writes lines to a file. When nobody reads them any more, the work goes on all the same."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def msg(self, line: str) -> None:
        """Write a line at once."""
        try:
            with _WRITING:
                self._file.write(line + "\n")
                self._file.flush()
        except BrokenPipeError:
            _discard(self._file)
        except (OSError, ValueError):  # the disk is full, or the file closed
            pass

    debug = info = warning = error = critical = msg


def _discard(file: TextIO) -> None:
    """Send what else is written to a pipe without a reader nowhere.

    What waits in its buffer would be written once more when the process ends, and that failure would be its exit code.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, file.fileno())
    finally:
        os.close(nowhere)


def _with_time(_: object, __: str, event: EventDict) -> EventDict:
    event["timestamp"] = datetime.now(UTC).replace(tzinfo=None).isoformat() + "Z"
    return event


def _as_json(_: object, __: str, event: EventDict) -> str:
    try:
        return pydantic_core.to_json(event, fallback=repr, inf_nan_mode="strings").decode()
    except ValueError:  # bytes, half a surrogate pair, or something that holds itself
        return json.dumps({key: value if isinstance(value, str) else repr(value) for key, value in event.items()})


def _without_duplicates(_: object, __: str, event: EventDict) -> EventDict:
    event.pop("color_message", None)  # uvicorn's message once more, with escape codes
    return event
