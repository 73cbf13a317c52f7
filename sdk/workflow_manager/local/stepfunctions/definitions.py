"""Definitions as they arrive: refused as AWS would, else made a program."""

import json
from typing import Final

from moto.stepfunctions.parser.api import InvalidDefinition
from moto.stepfunctions.parser.asl.component.program.program import Program

from workflow_manager import errors, states_language
from workflow_manager.local.language.compiling import InvalidDefinitionError, compile_text

MAX_NAMED: Final = 10
"""Findings that the message of a refusal has."""


def check(definition: str) -> None:
    """Raise AWS's error for a definition that it would not take."""
    try:
        findings = [finding for finding in states_language.validate(json.loads(definition)) if _counts(finding)]
        if findings:
            named = (f"{finding.message} at {finding.pointer or '/'}" for finding in findings[:MAX_NAMED])
            raise _refusal("; ".join(named))
        compile_text(definition)
    except (InvalidDefinitionError, ValueError, RecursionError) as invalid:
        raise _refusal(str(invalid)) from None


def parse(definition: str) -> tuple[Program, None]:
    """Return the program of a definition without its syntax tree, which is not used."""
    return compile_text(definition), None


def _counts(finding: errors.Finding) -> bool:
    # Credentials make no difference here, so that any will do.
    return finding.is_error and "/Credentials" not in finding.pointer


def _refusal(reason: str) -> InvalidDefinition:
    return InvalidDefinition(message=f"Invalid State Machine Definition: '{reason}'")
