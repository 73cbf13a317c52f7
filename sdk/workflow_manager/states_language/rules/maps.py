"""The rules of a Map's parts: ItemProcessor, ItemReader, ItemBatcher, ResultWriter and Label."""

import re
from typing import Final

from workflow_manager.states_language import resources
from workflow_manager.states_language.findings import Check, Findings, Pointer, quoted
from workflow_manager.states_language.model import JSONATA
from workflow_manager.states_language.rules import jsonata, paths, templates, values
from workflow_manager.states_language.rules.members import object_of

MAX_LABEL_LENGTH: Final = 40
MAX_ITEMS: Final = 100_000_000
"""Items that a Map reads at most."""

MAX_BATCH_BYTES: Final = 262_144
"""The largest input of a child execution."""

_LABEL: Final = re.compile(r"[^\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]++")


def label(value: object, pointer: Pointer, found: Findings) -> None:
    """Accept the label of a distributed Map, which becomes part of an ARN."""
    if not isinstance(value, str) or len(value) > MAX_LABEL_LENGTH or not _LABEL.fullmatch(value):
        found.add(pointer, f"{quoted(value)} is no label; use 1 to {MAX_LABEL_LENGTH} letters, digits, . _ - only.")


def item_batcher(language: str) -> Check:
    """Make the check of an ItemBatcher."""
    members = object_of(
        language,
        both={
            "BatchInput": jsonata.template if language == JSONATA else templates.template,
            "MaxItemsPerBatch": _number(language, values.whole(1)),
            "MaxInputBytesPerBatch": _number(language, values.whole(1, MAX_BATCH_BYTES)),
        },
        jsonpath={
            "MaxItemsPerBatchPath": paths.reference_path,
            "MaxInputBytesPerBatchPath": paths.reference_path,
        },
        exclusive=(
            ("MaxItemsPerBatch", "MaxItemsPerBatchPath"),
            ("MaxInputBytesPerBatch", "MaxInputBytesPerBatchPath"),
        ),
    )

    def check(value: object, pointer: Pointer, found: Findings) -> None:
        members(value, pointer, found)
        if isinstance(value, dict) and not any(field.startswith("Max") for field in value):
            found.add(pointer, "The batches have no limit; give MaxItemsPerBatch, MaxInputBytesPerBatch or both.")

    return check


def item_reader(language: str) -> Check:
    """Make the check of an ItemReader."""
    reader_config = object_of(
        language,
        both={
            "InputType": values.text,
            "CSVHeaderLocation": values.one_of("FIRST_ROW", "GIVEN"),
            "CSVHeaders": _texts,
            "CSVDelimiter": values.one_of("COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB"),
            "MaxItems": _number(language, values.whole(1, MAX_ITEMS)),
        },
        jsonpath={"MaxItemsPath": paths.reference_path},
        exclusive=(("MaxItems", "MaxItemsPath"),),
    )

    def check_reader_config(value: object, pointer: Pointer, found: Findings) -> None:
        reader_config(value, pointer, found)
        if isinstance(value, dict):
            _check_formats(value, pointer, found)

    return object_of(
        language,
        both={"Resource": resources.integration_arn, "ReaderConfig": check_reader_config},
        jsonpath={"Parameters": templates.template},
        jsonata={"Arguments": jsonata.object_template},
        required=("Resource",),
    )


def _check_formats(config: dict[str, object], pointer: Pointer, found: Findings) -> None:
    """Check what the fields of a ReaderConfig ask of each other (input-output-itemreader)."""
    if config.get("CSVHeaderLocation") == "GIVEN" and "CSVHeaders" not in config:
        found.add(pointer, "CSVHeaders is missing; it holds the names that CSVHeaderLocation calls GIVEN.")
    if config.get("ManifestType") == "S3_INVENTORY" and "InputType" in config:
        found.add(pointer / "InputType", "An S3_INVENTORY is always read as CSV; remove InputType.")
    if config.get("Transformation") == "LOAD_AND_FLATTEN" and "InputType" not in config:
        found.add(pointer, "InputType is missing; LOAD_AND_FLATTEN reads the objects, so their format must be known.")


def result_writer(language: str) -> Check:
    """Make the check of a ResultWriter."""
    members = object_of(
        language,
        both={"Resource": resources.integration_arn, "WriterConfig": values.is_object},
        jsonpath={"Parameters": templates.template},
        jsonata={"Arguments": jsonata.object_template},
    )

    def check(value: object, pointer: Pointer, found: Findings) -> None:
        if value == {}:
            found.add(pointer, "The ResultWriter is empty; give it a Resource, a WriterConfig, or both.")
        members(value, pointer, found)

    return check


def processor_config(value: object, pointer: Pointer, found: Findings) -> None:
    """Accept how the body of a Map runs."""
    if not values.is_object(value, pointer, found):
        return
    if "Mode" in value:
        values.one_of("INLINE", "DISTRIBUTED")(value["Mode"], pointer / "Mode", found)
    if "ExecutionType" in value:
        values.one_of("STANDARD", "EXPRESS")(value["ExecutionType"], pointer / "ExecutionType", found)
    elif value.get("Mode") == "DISTRIBUTED":
        found.add(pointer, "ExecutionType is missing; a distributed Map needs STANDARD or EXPRESS.")


def items(value: object, pointer: Pointer, found: Findings) -> None:
    """Accept the Items of a JSONata Map: an array, an object, or a JSONata string."""
    if isinstance(value, list | dict) or jsonata.is_expression(value):
        jsonata.template(value, pointer, found)
    else:
        found.add(pointer, f"This must be an array, an object or a JSONata string, not {quoted(value)}.")


def _number(language: str, check: Check) -> Check:
    return jsonata.or_expression(check) if language == JSONATA else check


def _texts(value: object, pointer: Pointer, found: Findings) -> None:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        found.add(pointer, "This must be an array of strings.")
