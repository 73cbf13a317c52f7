"""The Terraform files, read as data."""

from pathlib import Path
from typing import Any, Final

import hcl2
from hcl2.utils import SerializationOptions

from tests.checkout import ROOT

FILES: Final = sorted((ROOT / "deploy" / "terraform").glob("*.tf"))
PLAIN: Final = SerializationOptions(with_comments=False, explicit_blocks=False, strip_string_quotes=True)

Block = dict[str, Any]


def read(path: Path) -> Block:
    """Return the blocks of a file: a list of blocks by type, attributes by name."""
    document: Block = hcl2.loads(path.read_text(), serialization_options=PLAIN)
    return document


def blocks(kind: str) -> dict[str, Block]:
    """Return the blocks of a kind with one label, such as ``variable``, by that label."""
    found: dict[str, Block] = {}
    for path in FILES:
        for block in read(path).get(kind, []):
            found |= block
    return found


def labelled(kind: str, label: str) -> dict[str, Block]:
    """Return the blocks of a kind with two labels, such as ``resource "aws_iam_role"``, by the second."""
    found: dict[str, Block] = {}
    for path in FILES:
        for block in read(path).get(kind, []):
            found |= block.get(label, {})
    return found
