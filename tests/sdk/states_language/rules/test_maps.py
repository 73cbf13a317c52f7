"""The rules of Map states.

Covers `workflow_manager.states_language.rules.maps`.
"""

import pytest

from tests.sdk.states_language.machine_builders import Json, dropped, jsonata, machine, mapping, one, task
from workflow_manager import states_language

READER = {"Resource": "arn:aws:states:::s3:getObject"}


def distributed(inner: Json, **config: object) -> Json:
    body = machine({"X": inner}, ProcessorConfig={"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD", **config})
    return mapping(ItemProcessor=body)


BODY = machine({"X": {"Type": "Succeed"}})
EXPRESS = {"ExecutionType": "EXPRESS"}

REFUSED: list[tuple[Json, str]] = [
    (dropped(mapping(), "ItemProcessor"), ""),
    (mapping(Iterator={"StartAt": "Y", "States": {"Y": {"Type": "Succeed"}}}), ""),
    (mapping(ItemProcessor=[]), "/ItemProcessor"),
    (mapping(ItemProcessor=None), "/ItemProcessor"),
    (mapping(ItemProcessor={}), "/ItemProcessor"),
    (mapping(ItemProcessor={**BODY, "Comment": 5}), "/ItemProcessor/Comment"),
    (mapping(ItemProcessor={**BODY, "ProcessorConfig": []}), "/ItemProcessor/ProcessorConfig"),
    (mapping(ItemProcessor={**BODY, "ProcessorConfig": {"Mode": "inline"}}), "/ItemProcessor/ProcessorConfig/Mode"),
    (mapping(ItemProcessor={**BODY, "ProcessorConfig": {"Mode": "DISTRIBUTED"}}), "/ItemProcessor/ProcessorConfig"),
    (distributed({"Type": "Succeed"}, ExecutionType="FAST"), "/ItemProcessor/ProcessorConfig/ExecutionType"),
    (mapping(ItemSelector={}, Parameters={}), ""),
    (mapping(ItemSelector={"a.$": "x"}), "/ItemSelector/a.$"),
    (mapping(ItemsPath=[]), "/ItemsPath"),
    (mapping(ItemsPath="$.a[*]"), "/ItemsPath"),
    (mapping(MaxConcurrency=-1), "/MaxConcurrency"),
    (mapping(MaxConcurrency=1.5), "/MaxConcurrency"),
    (mapping(MaxConcurrency=1, MaxConcurrencyPath="$.m"), ""),
    (mapping(ToleratedFailureCount=-1), "/ToleratedFailureCount"),
    (mapping(ToleratedFailureCount=1, ToleratedFailureCountPath="$.m"), ""),
    (mapping(ToleratedFailurePercentage=101), "/ToleratedFailurePercentage"),
    (mapping(ToleratedFailurePercentage=-0.5), "/ToleratedFailurePercentage"),
    (mapping(ToleratedFailurePercentage=1, ToleratedFailurePercentagePath="$.m"), ""),
    (mapping(Label=" "), "/Label"),
    (mapping(Label="a b"), "/Label"),
    (mapping(Label="x" * 41), "/Label"),
    (mapping(Label=5), "/Label"),
    (mapping(ItemReader=[]), "/ItemReader"),
    (mapping(ItemReader={}), "/ItemReader"),
    (mapping(ItemReader={"Resource": "s3"}), "/ItemReader/Resource"),
    (mapping(ItemReader={**READER, "Parameters": {"Bucket.$": "b"}}), "/ItemReader/Parameters/Bucket.$"),
    (mapping(ItemReader={**READER, "Arguments": {}}), "/ItemReader/Arguments"),
    (mapping(ItemReader={**READER, "ReaderConfig": 5}), "/ItemReader/ReaderConfig"),
    (mapping(ItemReader={**READER, "ReaderConfig": {"InputType": 5}}), "/ItemReader/ReaderConfig/InputType"),
    (mapping(ItemReader={**READER, "ReaderConfig": {"MaxItems": 0}}), "/ItemReader/ReaderConfig/MaxItems"),
    (mapping(ItemReader={**READER, "ReaderConfig": {"MaxItems": 1, "MaxItemsPath": "$.m"}}),
     "/ItemReader/ReaderConfig"),
    (mapping(ItemReader={**READER, "ReaderConfig": {"CSVHeaders": [1]}}), "/ItemReader/ReaderConfig/CSVHeaders"),
    (mapping(ItemReader={**READER, "ReaderConfig": {"CSVHeaderLocation": "LAST"}}),
     "/ItemReader/ReaderConfig/CSVHeaderLocation"),
    (mapping(ItemBatcher=5), "/ItemBatcher"),
    (mapping(ItemBatcher={"MaxItemsPerBatch": 0}), "/ItemBatcher/MaxItemsPerBatch"),
    (mapping(ItemBatcher={"MaxItemsPerBatch": 1, "MaxItemsPerBatchPath": "$.m"}), "/ItemBatcher"),
    (mapping(ItemBatcher={"MaxInputBytesPerBatch": 262_145}), "/ItemBatcher/MaxInputBytesPerBatch"),
    (mapping(ItemBatcher={"MaxInputBytesPerBatch": 1, "MaxInputBytesPerBatchPath": "$.m"}), "/ItemBatcher"),
    (mapping(ItemBatcher={"BatchInput": {"a.$": "x"}, "MaxItemsPerBatch": 1}), "/ItemBatcher/BatchInput/a.$"),
    (mapping(ResultWriter={}), "/ResultWriter"),
    (mapping(ResultWriter=[]), "/ResultWriter"),
    (mapping(ResultWriter={"Resource": 5}), "/ResultWriter/Resource"),
    (mapping(ResultWriter={"WriterConfig": []}), "/ResultWriter/WriterConfig"),
    (mapping(ResultWriter={**READER, "Arguments": {}}), "/ResultWriter/Arguments"),
    (jsonata(mapping(ItemReader={**READER, "Parameters": {}})), "/ItemReader/Parameters"),
    (jsonata(mapping(ItemBatcher={"MaxItemsPerBatchPath": "$.m"})), "/ItemBatcher/MaxItemsPerBatchPath"),
    (jsonata(mapping(ItemReader={**READER, "ReaderConfig": {"MaxItems": "{% ( %}"}})),
     "/ItemReader/ReaderConfig/MaxItems"),
    (distributed(task(Resource="arn:aws:states:us-west-2:123456789012:activity:a"), **EXPRESS),
     "/ItemProcessor/States/X/Resource"),
    (distributed(task(Resource="arn:aws:states:::ecs:runTask.sync"), **EXPRESS), "/ItemProcessor/States/X/Resource"),
    (distributed(task(Resource="arn:aws:states:::sqs:sendMessage.waitForTaskToken"), **EXPRESS),
     "/ItemProcessor/States/X/Resource"),
]  # fmt: skip


@pytest.mark.parametrize(("state", "where"), REFUSED, ids=lambda part: str(part)[-70:])
def test_a_wrong_map_is_refused_where_it_is_wrong(state: Json, where: str) -> None:
    findings = states_language.validate(one(state))

    assert {finding.pointer for finding in findings if finding.is_error} == {f"/States/A{where}"}


ACCEPTED: list[Json] = [
    mapping(MaxConcurrency=0, ToleratedFailurePercentage=99.5),
    mapping(ItemsPath="$$.Execution.Input.items", ItemSelector=None),
    mapping(ItemsPath="$items", ItemSelector="text"),
    mapping(Label="x" * 40),
    mapping(ItemReader={**READER, "ReaderConfig": {"InputType": "PARQUET", "Future": 1}, "Future": 1}),
    mapping(ItemBatcher={"MaxItemsPerBatch": 100, "MaxInputBytesPerBatchPath": "$.size"}),
    mapping(ResultWriter={"WriterConfig": {"OutputType": "JSON"}}),
    mapping(ItemProcessor={**BODY, "ProcessorConfig": {}}),
    distributed(task(), **EXPRESS),
    distributed(task(Resource="arn:aws:states:us-west-2:123456789012:activity:a")),
    jsonata(mapping(Items={"a": 1}, ItemSelector="{% $states.input %}")),
]


@pytest.mark.parametrize("state", ACCEPTED, ids=lambda state: str(state)[:90])
def test_a_map_as_aws_takes_it_is_accepted(state: Json) -> None:
    assert [finding for finding in states_language.validate(one(state)) if finding.is_error] == []
