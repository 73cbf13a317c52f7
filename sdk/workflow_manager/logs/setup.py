"""Set-up of structured logs: ours and those of the libraries, in one form on standard error."""

import atexit
import json
import logging
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal, cast, get_args

import pydantic_core
import structlog
from structlog.typing import EventDict, Processor

from workflow_manager import errors
from workflow_manager.logs.nonblocking import Lines, flush

LogFormat = Literal["auto", "console", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]

QUIET_LIBRARIES = ("aiobotocore", "boto3", "botocore", "httpx", "httpcore", "urllib3")
"""Libraries whose INFO lines tell an operator nothing."""


def configure(log_format: LogFormat, level: str) -> None:
    """Send every log line to standard error in ``log_format``, from ``level`` (``info``, ...) upwards.

    Our lines are rendered here: through the standard library a line would cost several times as much. Logging never
    waits for the reader of the lines.
    """
    if log_format == "auto":
        log_format = "console" if sys.stderr.isatty() else "json"
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _with_time,
    ]
    rendering = _rendering(log_format)
    lines = Lines(sys.stderr, on_dropped=_tell_dropped)
    atexit.unregister(flush)
    atexit.register(flush)
    logger = _Logger(lines)
    structlog.configure(
        processors=[*shared, *rendering],
        logger_factory=lambda *_: logger,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    _configure_stdlib(_Stream(lines), level, [structlog.stdlib.ExtraAdder(), *shared, _without_duplicates], rendering)


def configure_from_environment(environ: Mapping[str, str] = os.environ) -> None:
    """Configure by ``WFM_LOG_FORMAT`` and ``WFM_LOG_LEVEL``; raises ``SettingsError`` for other values."""
    configure(
        cast("LogFormat", _one_of(environ, "WFM_LOG_FORMAT", get_args(LogFormat), default="auto")),
        _one_of(environ, "WFM_LOG_LEVEL", get_args(LogLevel), default="info"),
    )


def _one_of(environ: Mapping[str, str], variable: str, values: tuple[str, ...], *, default: str) -> str:
    value = environ.get(variable, default)
    if value not in values:
        raise errors.SettingsError(f"wrong settings: {variable}: must be one of {', '.join(values)}, not {value!r}")
    return value


def _configure_stdlib(stream: "_Stream", level: str, preparing: list[Processor], rendering: list[Processor]) -> None:
    handler = logging.StreamHandler(stream)
    handler.terminator = ""
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


class _Logger:
    """What structlog gives rendered lines to."""

    def __init__(self, lines: Lines) -> None:
        self.debug = self.info = self.warning = self.error = self.critical = lines.write


class _Stream:
    """What the standard library writes lines to."""

    def __init__(self, lines: Lines) -> None:
        self.write = lines.write

    def flush(self) -> None:
        """Do nothing: lines are written as soon as they can be."""


def _tell_dropped(count: int) -> None:
    structlog.get_logger().warning("log lines dropped: the reader is too slow", action="log-dropped", count=count)


def _with_time(_: object, __: str, event: EventDict) -> EventDict:
    event["timestamp"] = datetime.now(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
    return event


def _as_json(_: object, __: str, event: EventDict) -> str:
    try:
        return pydantic_core.to_json(event, fallback=repr, inf_nan_mode="strings").decode()
    except ValueError:  # bytes, half a surrogate pair, or something that holds itself
        return json.dumps({key: value if isinstance(value, str) else repr(value) for key, value in event.items()})


def _without_duplicates(_: object, __: str, event: EventDict) -> EventDict:
    event.pop("color_message", None)  # uvicorn's message once more, with escape codes
    return event
