"""Set-up of structured logs: ours and those of the libraries, in one form on standard error."""

import logging
import sys
from typing import Literal

import structlog

LogFormat = Literal["auto", "console", "json"]

QUIET_LIBRARIES = ("aiobotocore", "boto3", "botocore", "httpx", "httpcore", "urllib3")
"""Libraries whose INFO lines tell an operator nothing."""


def configure(log_format: LogFormat, level: str) -> None:
    """Send every log line to standard error in ``log_format``, from ``level`` (``info``, ...) upwards."""
    if log_format == "auto":
        log_format = "console" if sys.stderr.isatty() else "json"
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_duplicates,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    _configure_stdlib(log_format, level, shared)


def _configure_stdlib(log_format: LogFormat, level: str, shared: list[structlog.typing.Processor]) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(log_format)],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)


def _rendering(log_format: LogFormat) -> list[structlog.typing.Processor]:
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
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]


def _without_duplicates(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    event.pop("color_message", None)  # uvicorn's message once more, with escape codes
    return event
