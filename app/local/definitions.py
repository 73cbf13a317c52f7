"""Definitions as they arrive: refused as AWS would, else made a program."""

import json
from typing import Final

from moto.stepfunctions.parser.api import InvalidDefinition
from moto.stepfunctions.parser.asl.component.program.program import Program

from app import errors, states_language
from app.local.language.compiling import InvalidDefinitionError, compile_text

MAX_NAMED: Final = 10
"""Findings that the message of a refusal has."""


def check(definition: str) -> None:
    """Raise AWS's error for a definition that it would not take."""
    try:
        states_language.check(json.loads(definition))
        compile_text(definition)
    except errors.InvalidDefinition as invalid:
        findings = "; ".join(
            f"{finding.message} at {finding.pointer or '/'}" for finding in invalid.findings[:MAX_NAMED]
        )
        raise _refusal(findings) from None
    except (InvalidDefinitionError, ValueError, RecursionError) as invalid:
        raise _refusal(str(invalid)) from None


def parse(definition: str) -> tuple[Program, None]:
    """Return the program of a definition, and no syntax tree, which nobody asks for."""
    return compile_text(definition), None


def _refusal(reason: str) -> InvalidDefinition:
    return InvalidDefinition(message=f"Invalid State Machine Definition: '{reason}'")
