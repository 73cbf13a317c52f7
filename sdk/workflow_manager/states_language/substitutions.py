"""Placeholders ``${NAME}``, which SAM, CDK and Terraform fill in when they deploy a definition."""

import json
import re
from collections.abc import Mapping
from typing import Final

from workflow_manager import errors
from workflow_manager.states_language.findings import MAX_SHOWN_LENGTH, ROOT, Findings, Pointer, shortened, values_in
from workflow_manager.states_language.rules.jsonata import is_expression

_PLACEHOLDER: Final = re.compile(r"\$\{([^${}\n]++)\}")
"""A name, or with Terraform an expression: ``${QueueArn}``, ``${AWS::Region}``, ``${aws_sqs_queue.work.arn}``."""

_IN_JSONATA: Final = re.compile(r"\$\{([A-Za-z_][\w.]*+(?:::\w++)*+)\}", re.ASCII)
"""JSONata writes ``${ key: value }`` for objects, so only what is nothing but a name is a placeholder there."""

_JSON_PIECE: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|\$\{[^${}\n]++\}', re.DOTALL)


def names_in(text: str) -> list[str]:
    """Return the names of the placeholders in a string of a definition."""
    if "${" not in text:
        return []
    pattern = _IN_JSONATA if is_expression(text) else _PLACEHOLDER
    return [name.strip() for name in pattern.findall(text)]


def substitute(text: str, values: Mapping[str, str]) -> str:
    """Put values in the place of their placeholders, once: what a value brings along stays as it is."""
    if not values or "${" not in text:
        return text
    return _PLACEHOLDER.sub(lambda match: values.get(match[1].strip(), match[0]), text)


def substitute_json(text: str, values: Mapping[str, str]) -> str:
    """Do so in a JSON text: inside a string a value is text, elsewhere (``"Seconds": ${Delay}``) it is JSON."""
    if not values or "${" not in text:
        return text

    def replace(match: re.Match[str]) -> str:
        piece = match[0]
        if not piece.startswith('"'):
            return substitute(piece, values)
        escaped = {name: json.dumps(value, ensure_ascii=False)[1:-1] for name, value in values.items()}
        return substitute(piece, escaped)

    return _JSON_PIECE.sub(replace, text)


class TemplateFindings(Findings):
    """Findings in a definition that has placeholders; of a text with one, nothing is known that could be wrong."""

    def __init__(self, document: object) -> None:
        super().__init__()
        self._document = document

    def add(self, pointer: Pointer, message: str) -> None:
        """Note that something is wrong at a place, unless a placeholder is there."""
        value = pointer.find(self._document)
        if not isinstance(value, str) or not names_in(value):
            super().add(pointer, message)

    def add_unresolved(self, values: Mapping[str, str], *, severity: errors.Severity) -> None:
        """Collect the placeholders without a value; placeholders inside values are kept as they are."""
        known = {*values, *(name for value in values.values() for name in names_in(value))}
        for value, place in values_in(self._document, ROOT):
            names = names_in(value) if isinstance(value, str) else []
            missing = next((name for name in names if name not in known), None)
            if missing is not None:
                name = shortened(missing, MAX_SHOWN_LENGTH)
                self.note(place, f"There is no value for ${{{name}}}; give it with --substitute NAME=VALUE.", severity)
