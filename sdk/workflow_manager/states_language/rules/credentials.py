"""The ``Credentials`` of a Task: the role that it is done in.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-access-cross-acct-resources.html
"""

import re
from typing import Final

from workflow_manager.states_language.findings import Findings, Pointer, quoted
from workflow_manager.states_language.rules import jsonata, templates, values

ROLE: Final = "RoleArn"

_ROLE_ARN: Final = re.compile(r"arn:aws[a-z-]*+:iam::\d{12}:role/\S++", re.ASCII)


def in_jsonpath(value: object, pointer: Pointer, found: Findings) -> None:
    """Accept an object with a RoleArn, which can be computed."""
    if values.is_object(value, pointer, found):
        templates.template(value, pointer, found)
        _check_role(value, pointer, found, computed=f"{ROLE}{templates.COMPUTED}")


def in_jsonata(value: object, pointer: Pointer, found: Findings) -> None:
    """Accept an object with a RoleArn, or an expression for one."""
    jsonata.object_template(value, pointer, found)
    if isinstance(value, dict) and not jsonata.is_expression(value.get(ROLE)):
        _check_role(value, pointer, found, computed=None)


def _check_role(value: dict[str, object], pointer: Pointer, found: Findings, *, computed: str | None) -> None:
    if ROLE in value:
        arn = value[ROLE]
        if not isinstance(arn, str) or not _ROLE_ARN.fullmatch(arn):
            found.add(pointer / ROLE, f"{quoted(arn)} is no role; use an ARN like arn:aws:iam::123456789012:role/NAME.")
    elif computed not in value:
        found.add(pointer, f"{ROLE} is missing; name the role that the task is done in.")
