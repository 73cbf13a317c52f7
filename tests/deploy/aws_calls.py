"""What the code asks of AWS, read from the code itself."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import botocore.session
from botocore import xform_name

from tests.checkout import ROOT

APP: Final = ROOT / "app"
SDK: Final = ROOT / "sdk/workflow_manager"

TRANSACTION_ACTIONS: Final = {
    "ConditionCheck": "ConditionCheckItem",
    "Delete": "DeleteItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
}
"""What a part of a TransactWriteItems needs permission for (DynamoDB developer guide, "Transactions and IAM")."""


def operations(service: str) -> dict[str, str]:
    """Return the operations of a service by the names of the client's methods."""
    model = botocore.session.Session().get_service_model(service)
    return {xform_name(name): name for name in model.operation_names}


def calls(service: str, files: Iterable[Path]) -> set[str]:
    """Return the operations of a service that files call as methods of something."""
    known = operations(service)
    methods = {
        node.func.attr
        for node in _nodes(files)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in known
    }
    return {known[method] for method in methods}


def transaction_actions(files: Iterable[Path]) -> set[str]:
    """Return the permissions that the transactions of files need."""
    keys = {
        key.value
        for node in _nodes(files)
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant)
    }
    return {action for key, action in TRANSACTION_ACTIONS.items() if key in keys}


def sources(*rooms: str) -> list[Path]:
    """Return the Python files of rooms of the service."""
    return [path for room in rooms for path in sorted((APP / room).rglob("*.py"))]


def worker_sources() -> list[Path]:
    """Return the Python files of the worker."""
    return sorted((SDK / "worker").rglob("*.py"))


def _nodes(files: Iterable[Path]) -> Iterator[ast.AST]:
    for path in files:
        yield from ast.walk(ast.parse(path.read_text()))
