"""Making a Map state from its definition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.stepfunctions.parser.asl.component.common.flow.start_at import StartAt
from moto.stepfunctions.parser.asl.component.common.parargs import Parameters
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_selector import ItemSelector
from moto.stepfunctions.parser.asl.component.state.exec.state_map.items.items import ItemsArray, ItemsJSONata
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor.item_processor_decl import (
    ItemProcessorDecl,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor.processor_config import (
    ProcessorConfig,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.label import Label
from moto.stepfunctions.parser.asl.component.state.exec.state_map.max_concurrency import (
    MaxConcurrency,
    MaxConcurrencyJSONata,
    MaxConcurrencyPath,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.mode import Mode
from moto.stepfunctions.parser.asl.component.state.exec.state_map.result_writer.result_writer_decl import ResultWriter
from moto.stepfunctions.parser.asl.component.state.exec.state_map.state_map import StateMap
from moto.stepfunctions.parser.asl.component.state.exec.state_map.tolerated_failure import (
    ToleratedFailureCountInt,
    ToleratedFailureCountPath,
    ToleratedFailureCountStringJSONata,
    ToleratedFailurePercentage,
    ToleratedFailurePercentagePath,
    ToleratedFailurePercentageStringJSONata,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import Resource

from workflow_manager.local.language import queries
from workflow_manager.local.language.maps import Batcher, DistributedMap, InlineMap
from workflow_manager.local.language.readers import ItemsReader

if TYPE_CHECKING:
    from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
    from moto.stepfunctions.parser.asl.component.state.state_props import StateProps

    from workflow_manager.local.language.compiling import CompiledState


class MapState(StateMap):
    """A Map state with the iterations of this package."""

    def __init__(self, iterations: InlineMap | DistributedMap) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._iterations = iterations

    def from_state_props(self, state_props: StateProps) -> None:
        """Take the fields."""
        super().from_state_props(state_props)
        self.iteration_component = self._iterations


def map_state(state: CompiledState) -> MapState:
    """Make a Map state, and add the fields that only it has."""
    body = state.body
    processor = body.get("ItemProcessor") or body.get("Iterator")
    if not processor:
        raise ValueError("ItemProcessor is missing")
    config = processor.get("ProcessorConfig") or {}
    distributed = config.get("Mode") == "DISTRIBUTED"
    parts: dict[str, Any] = {
        "query_language": state.language,
        "start_at": StartAt(start_at_name=state.required(processor, "StartAt")),
        "states": state.nested_states(processor),
        "processor_config": ProcessorConfig(mode=Mode.Distributed if distributed else Mode.Inline),
        "comment": None,
    }
    state.add(ItemProcessorDecl(**parts))
    _add_common(state)
    if not distributed:
        return MapState(InlineMap(**parts))
    _add_distributed(state)
    iterations = DistributedMap(**parts)
    iterations.batcher = _batcher(state, body.get("ItemBatcher"))
    iterations.has_count = "ToleratedFailureCount" in body or "ToleratedFailureCountPath" in body
    iterations.has_percentage = "ToleratedFailurePercentage" in body or "ToleratedFailurePercentagePath" in body
    return MapState(iterations)


def _add_common(state: CompiledState) -> None:
    body = state.body
    if "Items" in body:
        items = body["Items"]
        if queries.is_query(items):
            state.add(ItemsJSONata(string_jsonata=queries.query(items, "Items")))  # type: ignore[arg-type]
        else:
            state.add(ItemsArray(jsonata_template_value_array=state.template(items, "Items")))  # type: ignore[arg-type]
    if "ItemSelector" in body:
        state.add(ItemSelector(template_value_object=state.template(body["ItemSelector"], "ItemSelector")))  # type: ignore[arg-type]
    if "MaxConcurrency" in body:
        state.add(state.number("MaxConcurrency", lambda number: MaxConcurrency(num=number), MaxConcurrencyJSONata))
    if "MaxConcurrencyPath" in body:
        state.add(MaxConcurrencyPath(string_sampler=queries.path(body["MaxConcurrencyPath"])))  # type: ignore[arg-type]


def _add_distributed(state: CompiledState) -> None:
    body = state.body
    if "Label" in body:
        state.add(Label(label=body["Label"]))
    if "ToleratedFailureCount" in body:
        state.add(
            state.number(
                "ToleratedFailureCount",
                lambda number: ToleratedFailureCountInt(tolerated_failure_count=number),
                ToleratedFailureCountStringJSONata,
            )
        )
    if "ToleratedFailureCountPath" in body:
        path = queries.path(body["ToleratedFailureCountPath"])
        state.add(ToleratedFailureCountPath(string_sampler=path))  # type: ignore[arg-type]
    if "ToleratedFailurePercentage" in body:
        state.add(_percentage(body["ToleratedFailurePercentage"]))
    if "ToleratedFailurePercentagePath" in body:
        path = queries.path(body["ToleratedFailurePercentagePath"])
        state.add(ToleratedFailurePercentagePath(string_sampler=path))  # type: ignore[arg-type]
    if body.get("ItemReader"):
        state.add(_reader(state, body["ItemReader"]))
    if (body.get("ResultWriter") or {}).get("Resource"):
        state.add(_writer(state, body["ResultWriter"]))


def _percentage(value: Any) -> Any:
    if queries.is_query(value):
        query = queries.query(value, "ToleratedFailurePercentage")
        return ToleratedFailurePercentageStringJSONata(string_jsonata=query)  # type: ignore[arg-type]
    return ToleratedFailurePercentage(tolerated_failure_percentage=float(value))


def _arguments(state: CompiledState, body: dict[str, Any], **defaults: Any) -> EvalComponent:
    field = "Arguments" if state.is_jsonata else "Parameters"
    given: Any = body.get(field) or {}
    if queries.is_query(given):
        return queries.query(given, field)
    return state.template({**defaults, **given}, field)


def _reader(state: CompiledState, body: dict[str, Any]) -> ItemsReader:
    config = body.get("ReaderConfig") or {}
    return ItemsReader(
        resource=state.required(body, "Resource"),
        arguments=_arguments(state, body),
        most_items=_either(state, config, "MaxItems"),
        config=config,
    )


def _writer(state: CompiledState, body: dict[str, Any]) -> ResultWriter:
    arguments: Any = _arguments(state, body, Prefix="")
    return ResultWriter(
        resource=Resource.from_resource_arn(body["Resource"]), parargs=Parameters(payload_tmpl=arguments)
    )


def _either(state: CompiledState, body: dict[str, Any], field: str) -> EvalComponent | None:
    """Return the component of a number that is given as it is, as JSONata, or by a path."""
    if body.get(f"{field}Path") is not None:
        return queries.path(body[f"{field}Path"])
    return None if body.get(field) is None else state.template(body[field], field)


def _batcher(state: CompiledState, body: dict[str, Any] | None) -> Batcher | None:
    if not body:
        return None
    batch_input = body.get("BatchInput")
    return Batcher(
        most_items=_either(state, body, "MaxItemsPerBatch"),
        most_bytes=_either(state, body, "MaxInputBytesPerBatch"),
        batch_input=None if batch_input is None else state.template(batch_input, "BatchInput"),
    )
