"""The Terraform files are complete in themselves, and make what the service expects.

Covers `app.store.tables` and `app.settings`.
"""

import re
from typing import Any

import pytest

from app.settings import Settings
from app.store import tables
from tests.deploy.terraform_files import FILES, Block, blocks, labelled, read

KNOWN_TO_TERRAFORM = {"account_id", "sfn_roles", "store", "table_prefix", "events_queue_url"}
"""Settings whose values follow from what is made here."""

REFERENCE = re.compile(r"\b(var|local|module|data\.\w+|aws_\w+)\.(\w+)")


def expected(table: tables.Table) -> Block:
    """Write a table as the Terraform block that makes it."""
    block: Block = {
        "name": "${var.name}-" + table.suffix,
        "billing_mode": "PAY_PER_REQUEST",
        "hash_key": table.hash_key,
        "range_key": table.range_key,
        "deletion_protection_enabled": "${var.deletion_protection}",
        "tags": "${var.tags}",
        "attribute": [{"name": name, "type": "S"} for name in sorted(table.key_attributes)],
        "point_in_time_recovery": [{"enabled": True}],
    }
    if table.indexes:
        block["global_secondary_index"] = [expected_index(index) for index in table.indexes]
    if table.expires:
        block["ttl"] = [{"attribute_name": tables.EXPIRY, "enabled": True}]
    return block


def expected_index(index: tables.Index) -> Block:
    return {
        "name": index.name,
        "hash_key": index.hash_key,
        "range_key": index.range_key,
        "projection_type": "INCLUDE",
        "non_key_attributes": list(index.included),
    }


def names_in(block: Any) -> set[str]:
    """Return what a folder declares, as references to it are written."""
    declared = {f"{kind}.{name}" for kind in ("data", "resource") for part in block.get(kind, []) for name in part}
    labels = {
        f"{name}.{label}"
        for kind, prefix in (("resource", ""), ("data", "data."))
        for part in block.get(kind, [])
        for name, labelled_blocks in ((prefix + key, value) for key, value in part.items())
        for label in labelled_blocks
    }
    variables = {f"var.{name}" for part in block.get("variable", []) for name in part}
    modules = {f"module.{name}" for part in block.get("module", []) for name in part}
    return declared | labels | variables | modules | {f"local.{n}" for part in block.get("locals", []) for n in part}


@pytest.mark.parametrize("table", tables.TABLES, ids=lambda table: table.suffix)
def test_a_table_is_the_one_that_the_store_uses(table: tables.Table) -> None:
    """Keys, indexes, expiry, billing and recovery are those of app/store/tables.py."""
    found = dict(labelled("resource", "aws_dynamodb_table")[table.suffix.replace("-", "_")])
    found["attribute"] = sorted(found["attribute"], key=lambda attribute: str(attribute["name"]))
    assert found == expected(table)


def test_there_is_no_other_table() -> None:
    """A table that the store no longer uses would cost and confuse."""
    suffixes = {table.suffix.replace("-", "_") for table in tables.TABLES}
    assert set(labelled("resource", "aws_dynamodb_table")) == suffixes


def test_the_name_is_a_table_prefix_that_the_service_accepts() -> None:
    """Names that Terraform lets through are valid for WFM_TABLE_PREFIX; the default is the same."""
    [validation] = blocks("variable")["name"]["validation"]
    [pattern] = re.findall(r'regex\("(.+?)"', validation["condition"])
    longest, shortest = "a" * 40, "a_"
    assert [bool(re.search(pattern, name)) for name in (longest, shortest, longest + "a", "a b", "-a")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert [Settings(table_prefix=name).table_prefix for name in (longest, shortest)] == [longest, shortest]
    assert blocks("variable")["name"]["default"] == Settings.model_fields["table_prefix"].default


def test_the_settings_output_names_every_setting_that_follows_from_it() -> None:
    """Its keys are environment variables of the service."""
    expected_names = {f"WFM_{name.upper()}" for name in KNOWN_TO_TERRAFORM & set(Settings.model_fields)}
    assert set(blocks("output")["settings"]["value"]) == expected_names | {"AWS_REGION"}


@pytest.mark.parametrize("kind", ["variable", "output"])
def test_what_the_module_takes_and_gives_is_described(kind: str) -> None:
    """Each has one sentence, and each variable a type."""
    for name, block in blocks(kind).items():
        assert block["description"].endswith("."), name
        assert kind == "output" or "type" in block, name


def test_every_reference_leads_somewhere() -> None:
    """What is named is declared, and every variable and local value is used."""
    declared, text = set[str](), ""
    for path in FILES:
        declared |= names_in(read(path))
        text += "\n".join(line for line in path.read_text().splitlines() if not line.lstrip().startswith("#"))
    referred = {".".join(match) for match in REFERENCE.findall(re.sub(r'"aws\.states"', "", text))}
    assert referred - declared == set()
    assert {name for name in declared if name.startswith(("var.", "local."))} - referred == set()
