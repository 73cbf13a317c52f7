"""What a Task's ``Resource`` can be: an ARN, or one of the short forms that the service expands."""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from workflow_manager.states_language.findings import Findings, Pointer, quoted

MAX_NAME_LENGTH: Final = 128

_NAME: Final = re.compile(rf"[A-Za-z0-9._-]{{1,{MAX_NAME_LENGTH}}}")
_ARN: Final = re.compile(r"arn:aws[a-z-]*+:[a-z0-9-]++:[a-zA-Z0-9-]*+:[a-zA-Z0-9_-]*+:\S++")


class Form(Enum):
    """How a resource is written."""

    ARN = "arn"
    ACTIVITY = ""
    LAMBDA = "lambda"
    GLUE = "glue"


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource as written in a definition."""

    text: str
    form: Form
    name: str
    """The part that is joined with the namespace; for an ARN, the ARN."""


def parse(text: str) -> Resource | None:
    """Read a resource, or return None when it has none of the forms."""
    if text.startswith("arn:"):
        return Resource(text, Form.ARN, text) if _ARN.fullmatch(text) else None
    prefix, colon, rest = text.partition(":")
    form, name = Form.ACTIVITY, text
    if colon:
        if prefix not in {Form.LAMBDA.value, Form.GLUE.value}:
            return None
        form, name = Form(prefix), rest
    return Resource(text, form, name) if _NAME.fullmatch(name) else None


def is_activity(uri: str) -> bool:
    """Tell whether an ARN names an activity."""
    parts = uri.split(":", 6)
    return len(parts) == 7 and parts[2] == "states" and parts[5] == "activity"


def resource(value: object, pointer: Pointer, found: Findings) -> None:
    """Accept the ``Resource`` of a Task."""
    if not isinstance(value, str):
        found.add(pointer, f"This must be a string, not {quoted(value)}.")
    elif parse(value) is None:
        found.add(pointer, f"{quoted(value)} is no resource; {_advice(value)}.")


def _advice(text: str) -> str:
    if text.startswith("arn:"):
        return "an ARN has the form arn:aws:SERVICE:REGION:ACCOUNT:NAME"
    if text in {"lambda:", "glue:"}:
        return f"put a name after {text}"
    return "write a worker's name (letters, digits, . _ -), lambda:NAME, glue:NAME or an ARN"


def integration_arn(value: object, pointer: Pointer, found: Findings) -> None:
    """Accept the ``Resource`` of an ItemReader or a ResultWriter, which is always an ARN."""
    if not isinstance(value, str) or not _ARN.fullmatch(value):
        found.add(pointer, f"{quoted(value)} is no resource; use an ARN such as arn:aws:states:::s3:getObject.")
