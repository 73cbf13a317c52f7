"""The sentence that tells what went wrong, found in the cause of a failure.

A cause is up to 32,768 characters of anything: prose, the output of a command, a stack trace, or the JSON in which
Lambda, ECS, Batch, Glue, EMR, SageMaker, Athena, CodeBuild and nested executions describe themselves.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

MESSAGE_KEYS: Final = (
    "errormessage",  # Lambda, Glue, Athena, DataBrew
    "failurereason",  # SageMaker, EMR on EKS
    "statechangereason",  # Athena; an object in answers of EMR
    "statusreason",  # Batch
    "stoppedreason",  # ECS
    "exitmessage",  # SageMaker processing
    "statedetails",  # EMR Serverless
    "failuremessage",
    "message",  # EMR, CodeBuild, API Gateway, Kubernetes
    "cause",  # a command that reports its own error
    "errordescription",
    "error_description",
    "msg",
    "detail",
    "details",
    "reason",
)
"""Where documents keep a sentence for people, in lower case, the most telling first."""

CODE_KEYS: Final = ("title", "error", "errortype", "errorcode", "failurecode", "code")
"""Where they keep a word for programs, which is better than nothing."""

ECHOES: Final = frozenset(
    {"input", "inputdetails", "overrides", "environment", "environmentvariables", "parameters", "hyperparameters"}
    | {"arguments", "tags", "attributes", "attachments", "stacktrace", "trace", "definition"}
)
"""Parts of a document that repeat the request; a message in them is not that of the failure."""

MAX_NESTING: Final = 16
"""Causes wrap each other once per nested execution; the escapes double each time, so 32,768 characters hold no more."""

_FRAME: Final = re.compile(r"\s+(?:at \S|from \S+:\d)")
"""A line of a stack trace of Java, JavaScript, .NET or Ruby."""

_PYTHON_TRACEBACK: Final = re.compile(r"(?:Exception Group )?Traceback \(most recent call last\)")
_TERMINAL_CODE: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_ROOT_CAUSE: Final = "Caused by: "
_CUT_OFF: Final = re.compile(rf'"(?:{"|".join(MESSAGE_KEYS)})"\s*:\s*"((?:[^"\\]|\\.)+)', re.IGNORECASE)
"""A message in JSON that was cut at the largest size of a cause, so that it cannot be read any more."""
_UNTELLING: Final = re.compile(
    r"(?:exit status \d+|note: run with `RUST_BACKTRACE.*|Stack trace:|#\d+ .*|thrown in .* on line \d+|\W*)"
)
_GROUP_MARGIN: Final = re.compile(r"\s*[|+] ?")
"""What stands before each line of a traceback of an exception group."""

_CODE: Final = re.compile(r"[A-Z0-9_]+")
"""A word for programs where a sentence was expected."""


def sentence(cause: str) -> str:
    """Return the one line of a cause that tells; empty when nothing is said."""
    return _sentence(cause, prose=False, nesting=0)


def headline(error: str, said: str) -> str:
    """Join the name of an error with what is said about it, which may begin with the name itself."""
    if not error or not said:
        return error or said
    return said if said == error or said.startswith(f"{error}:") else f"{error}: {said}"


def plain(cause: str) -> str:
    """Return a cause without colours, and without quotes when it is a text in JSON."""
    if cause.startswith('"'):
        with suppress(ValueError):  # it may only begin with a word in quotes
            cause = str(json.loads(cause))
    return _TERMINAL_CODE.sub("", cause).strip()


def rest(cause: str, said: str) -> str:
    """Return what a cause says besides its sentence."""
    if said == _one_line(cause):
        return ""
    document = _document(cause)
    if document is not None:
        return "" if isinstance(document, Mapping) and len(document) == 1 else cause
    lines = _lines(cause)
    telling = next((number for number in reversed(range(len(lines))) if said and said in lines[number]), None)
    return "\n".join(line for number, line in enumerate(lines) if number != telling)


def _sentence(cause: str, *, prose: bool, nesting: int) -> str:
    document = _document(cause) if nesting < MAX_NESTING else None
    if document is not None:
        return _said_by(document, nesting=nesting) or _one_line(cause)
    if (cut_off := _CUT_OFF.search(cause)) and cause.lstrip().startswith("{"):
        return _sentence(_unescaped(cut_off[1]), prose=True, nesting=nesting + 1)
    lines = _lines(cause)
    if not lines:
        return ""
    line = _thrown(lines) or (lines[0] if prose else _last_document(lines) or _last_telling(lines))
    return _sentence(line, prose=True, nesting=nesting + 1) if len(lines) > 1 and _document(line) else line.strip()


def _document(text: str) -> Any:
    """Read a JSON object or array; None where the text is none."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict | list) else None


def _unescaped(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text


def _one_line(text: str) -> str:
    return " ".join(text.split()) if "\n" in text else text


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def _thrown(lines: list[str]) -> str | None:
    """Find what a stack trace is about."""
    starts = [(number, found) for number, line in enumerate(lines) if (found := _PYTHON_TRACEBACK.search(line))]
    if starts:
        number, found = starts[-1]
        after = _without_margin(lines[number + 1 :], lines[number][: found.start()])
        return next((line for line in after if not line[0].isspace()), lines[-1])
    frames = [number for number, line in enumerate(lines) if _FRAME.match(line)]
    if frames:
        roots = [line.strip() for line in lines if line.lstrip().startswith(_ROOT_CAUSE)]
        if roots:
            return roots[-1].removeprefix(_ROOT_CAUSE)
        return next((line for line in reversed(lines[: frames[0]]) if not line[0].isspace()), None)
    return next((line for line in lines if line.startswith("panic: ")), None)


def _without_margin(lines: list[str], margin: str) -> list[str]:
    """Cut off what stands before the first line of a traceback where it stands before the others as well."""
    if _GROUP_MARGIN.fullmatch(margin):
        lines = [_GROUP_MARGIN.sub("", line, count=1) for line in lines]
    return [line for line in (line.removeprefix(margin) for line in lines) if line]


def _last_document(lines: list[str]) -> str | None:
    """Find the JSON that an output ends with, when it is written in several lines."""
    start = next((number for number in reversed(range(len(lines))) if lines[number] in {"{", "["}), None)
    if start is None:
        return None
    text = "\n".join(lines[start:])
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None
    return text[:end]


def _last_telling(lines: list[str]) -> str:
    return next((line for line in reversed(lines) if not _UNTELLING.fullmatch(line.strip())), lines[-1])


def _said_by(document: Any, *, nesting: int) -> str:
    """Say what a document is about, in the words of the service that wrote it."""
    if isinstance(document, Mapping):
        if "ExecutionArn" in document and "Status" in document:
            return _nested_execution(document, nesting=nesting)
        containers = _containers(document)
        if containers is not None:
            return containers
    found = _message(document)
    return _sentence(found, prose=True, nesting=nesting + 1) if found else ""


def _nested_execution(document: Mapping[str, Any], *, nesting: int) -> str:
    cause = document.get("Cause")
    sentence_of_cause = _sentence(plain(cause), prose=True, nesting=nesting + 1) if isinstance(cause, str) else ""
    said = headline(_text(document.get("Error")), sentence_of_cause)
    if said:
        return said
    status = _text(document["Status"]).lower().replace("_", " ")
    return f"Execution {_text(document.get('Name')) or document['ExecutionArn']} {status}".replace(
        " aborted", " was aborted"
    )


def _containers(document: Mapping[str, Any]) -> str | None:
    """Say how the containers of an ECS task or a Batch job ended; None for any other document."""
    if isinstance(document.get("Containers"), list) and "LastStatus" in document:
        reason, containers = _text(document.get("StoppedReason")), document["Containers"]
    elif isinstance(document.get("Container"), Mapping) and "JobId" in document:
        reason, containers = _text(document.get("StatusReason")), [document["Container"]]
    else:
        return None
    endings = ", ".join(filter(None, map(_ending, containers)))
    if reason and endings:
        return f"{reason} ({endings})"
    return reason or endings


def _ending(container: object) -> str:
    if not isinstance(container, Mapping):
        return ""
    code = container.get("ExitCode")
    parts = [f"exit code {code}" if code not in {None, 0, "0"} else "", _text(container.get("Reason"))]
    said = ", ".join(filter(None, parts))
    name = _text(container.get("Name"))
    return f"{name}: {said}" if name and said else said


def _message(document: Any) -> str | None:
    """Find the sentence that is least deep in a document, else a code."""
    level, code = [document], None
    while level:
        fields = [(key.lower(), value) for one in level for key, value in _fields(one)]
        texts = [said for key, value in fields if (said := _field_text(key, value))]
        messages = [
            (_CODE.fullmatch(text) is not None, MESSAGE_KEYS.index(key), number)
            for number, (key, text) in enumerate(texts)
            if key in MESSAGE_KEYS
        ]
        if messages:
            return texts[min(messages)[-1]][1]
        code = code or next((value for wanted in CODE_KEYS for key, value in texts if key == wanted), None)
        level = [value for key, value in fields if isinstance(value, dict | list) and key not in ECHOES]
    return code


def _field_text(key: str, value: object) -> tuple[str, str] | None:
    """Return the key and the text of a field; of a list of texts the first, under the word for one of them."""
    if isinstance(value, list):
        key, value = key.removesuffix("s"), next((item for item in value if isinstance(item, str) and item.strip()), "")
    return (key, value) if isinstance(value, str) and value.strip() else None


def _fields(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the fields of an object, or of the objects in a list."""
    to_do = [value]
    while to_do:
        one = to_do.pop()
        if isinstance(one, dict):
            yield from one.items()
        elif isinstance(one, list):
            to_do.extend(reversed(one))


def _text(value: object) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""
