"""Where the items of a distributed Map come from when they are in S3."""

import csv
import io
import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.item_reader_decl import ItemReader
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import Resource
from moto.stepfunctions.parser.asl.eval.environment import Environment

from workflow_manager.local.language.failures import RUN_FAILED, failure
from workflow_manager.local.language.queries import evaluated

DELIMITERS: Final = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}


class _UnreadableError(ValueError):
    """The data is not what the configuration says."""


class ItemsReader(ItemReader):
    """Reads the items of a Map from an object or a list of objects."""

    def __init__(
        self, *, resource: str, arguments: EvalComponent, most_items: EvalComponent | None, config: dict[str, Any]
    ) -> None:
        super().__init__(resource=Resource.from_resource_arn(resource), parargs=None, reader_config=None)
        self._arguments = arguments
        self._most_items = most_items
        self._config = config
        self._lists = resource.endswith(":listObjectsV2")

    def _eval_body(self, env: Environment) -> None:
        most = None if self._most_items is None else evaluated(self._most_items, env)
        env.stack.append(evaluated(self._arguments, env))
        try:
            self.resource_eval.eval_resource(env)
            items = list(itertools.islice(self._items(env.stack.pop()), most or None))
        except (BotoCoreError, ClientError, KeyError, ValueError, TypeError) as error:
            # Besides what S3 says: an empty list has no contents, and items may be of any kind.
            raise failure(env, "States.ItemReaderFailed", str(error), event_type=RUN_FAILED) from error
        env.stack.append(items)

    def _items(self, data: Any) -> Iterator[Any]:
        if self._lists:
            return map(_listed, data)
        kind = self._config.get("InputType", "JSON")
        if kind not in FORMATS:
            raise _UnreadableError(f"The embedded AWS does not read items of the InputType {kind}")
        return FORMATS[kind](data, self._config)


def _listed(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "Etag": entry.get("ETag"),
        "Key": entry["Key"],
        "LastModified": int(entry["LastModified"].timestamp()),
        "Size": entry["Size"],
        "StorageClass": entry.get("StorageClass", "STANDARD"),
    }


def _json(data: str, config: dict[str, Any]) -> Iterator[Any]:
    items = json.loads(data)
    for step in config.get("ItemsPointer", "").split("/")[1:]:
        items = items[step.replace("~1", "/").replace("~0", "~")]
    if not isinstance(items, list):
        raise _UnreadableError("Attempting to map over non-iterable node.")
    return iter(items)


def _json_lines(data: str, _config: dict[str, Any]) -> Iterator[Any]:
    return (json.loads(line) for line in data.splitlines() if line.strip())


def _csv(data: str, config: dict[str, Any]) -> Iterator[Any]:
    rows = csv.reader(io.StringIO(data), delimiter=DELIMITERS[config.get("CSVDelimiter", "COMMA")])
    given = config.get("CSVHeaderLocation") == "GIVEN"
    names = config["CSVHeaders"] if given else next(rows, [])
    if len(set(names)) < len(names):
        raise _UnreadableError("CSV headers cannot contain duplicates.")
    return ({name: row[place] if place < len(row) else "" for place, name in enumerate(names)} for row in rows)


FORMATS: Final[dict[str, Callable[[str, dict[str, Any]], Iterator[Any]]]] = {
    "JSON": _json,
    "JSONL": _json_lines,
    "CSV": _csv,
}
"""What is read of each InputType; AWS has PARQUET and MANIFEST as well."""
