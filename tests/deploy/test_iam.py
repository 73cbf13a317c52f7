"""The IAM policies allow what the code does, and nothing else.

Covers `app.executor`, `app.store` and `workflow_manager.aws`.
"""

import json
import re
from collections.abc import Iterator

import pytest

from app.store import tables
from tests.deploy.aws_calls import SDK, calls, operations, sources, transaction_actions, worker_sources
from tests.deploy.terraform_files import FILES, Block, labelled, read
from workflow_manager.worker.metrics.cloudwatch import NAMESPACE

STORE = [path for path in sources("store") if "create_table(" not in path.read_text()]
"""The store without the part that makes tables, which is a person's or Terraform's work."""

WITHOUT_RESOURCE = {
    "cloudwatch:PutMetricData",
    "states:SendTaskFailure",
    "states:SendTaskHeartbeat",
    "states:SendTaskSuccess",
    "sts:GetCallerIdentity",
}
"""Actions that AWS lets nobody limit to a resource (Service Authorization Reference)."""

SERVICES = {"cloudwatch": "cloudwatch", "dynamodb": "dynamodb", "sqs": "sqs", "states": "stepfunctions", "sts": "sts"}
"""Prefix of IAM actions → the service as clients name it."""


def statements(policy: str) -> Iterator[Block]:
    document = labelled("data", "aws_iam_policy_document")[policy]
    yield from document["statement"]


def allowed(policy: str, prefix: str) -> set[str]:
    """Return the operations of one service that a policy allows."""
    actions = {action for statement in statements(policy) for action in statement["actions"]}
    return {action.removeprefix(f"{prefix}:") for action in actions if action.startswith(f"{prefix}:")}


def test_the_service_may_call_what_it_calls_of_step_functions() -> None:
    """State machines are created with tags, which needs a permission of its own."""
    assert allowed("service", "states") == calls("stepfunctions", sources("executor", "poller")) | {"TagResource"}


def test_the_service_may_call_what_its_store_calls_of_dynamodb() -> None:
    """On the tables all of it, and nothing else elsewhere; a transaction needs the permissions of its parts."""
    needed = calls("dynamodb", STORE) - {"TransactWriteItems"} | transaction_actions(STORE)
    [on_tables] = [statement for statement in statements("service") if statement["resources"] == "${local.tables}"]
    assert set(on_tables["actions"]) == {f"dynamodb:{operation}" for operation in needed}
    assert allowed("service", "dynamodb") == needed


def test_the_service_may_ask_whose_credentials_it_has() -> None:
    assert allowed("service", "sts") == calls("sts", sorted((SDK / "aws").glob("*.py"))) == {"GetCallerIdentity"}


def test_the_service_may_take_the_messages_that_it_takes() -> None:
    """Deleting several at once has no permission of its own."""
    called = {operation.removesuffix("Batch") for operation in calls("sqs", sources("poller"))}
    assert allowed("service", "sqs") == called == {"ReceiveMessage", "DeleteMessage"}


def test_a_worker_may_call_what_it_calls() -> None:
    assert allowed("worker", "states") == calls("stepfunctions", worker_sources())
    assert allowed("worker", "cloudwatch") == {"PutMetricData"}


@pytest.mark.parametrize("policy", ["service", "worker"])
def test_every_action_exists_and_is_spelled_out(policy: str) -> None:
    """A star would allow what nobody thought of."""
    for statement in statements(policy):
        for action in statement["actions"]:
            prefix, _, operation = action.partition(":")
            assert action == "iam:PassRole" or operation in operations(SERVICES[prefix]).values()


@pytest.mark.parametrize("policy", ["service", "worker"])
def test_every_action_is_limited_to_resources_where_aws_knows_how(policy: str) -> None:
    unlimited = {
        action for statement in statements(policy) if statement["resources"] == ["*"] for action in statement["actions"]
    }
    assert unlimited <= WITHOUT_RESOURCE


def test_the_service_reaches_every_table_and_their_indexes_only_to_list() -> None:
    [local] = [part for path in FILES for part in read(path).get("locals", [])]
    assert local["tables"] == [
        f"${{aws_dynamodb_table.{table.suffix.replace('-', '_')}.arn}}" for table in tables.TABLES
    ]
    by_sid = {statement["sid"]: statement for statement in statements("service")}
    assert by_sid["KeepWorkflows"]["resources"] == "${local.tables}"
    assert by_sid["ListWorkflows"]["actions"] == ["dynamodb:Query"]
    indexed = [f"${{aws_dynamodb_table.{t.suffix.replace('-', '_')}.arn}}/index/*" for t in tables.TABLES if t.indexes]
    assert by_sid["ListWorkflows"]["resources"] == indexed


def test_the_service_passes_the_roles_of_its_state_machines_to_one_service() -> None:
    [statement] = [statement for statement in statements("service") if "iam:PassRole" in statement["actions"]]
    [condition] = statement["condition"]
    assert statement["actions"] == ["iam:PassRole"]
    assert statement["resources"] == "${values(local.roles)}"
    assert condition == {
        "test": "StringEquals",
        "variable": "iam:PassedToService",
        "values": ["states.amazonaws.com"],
    }


def test_a_worker_publishes_metrics_in_its_namespace_only() -> None:
    [statement] = [
        statement for statement in statements("worker") if "cloudwatch:PutMetricData" in statement["actions"]
    ]
    [condition] = statement["condition"]
    assert condition == {"test": "StringEquals", "variable": "cloudwatch:namespace", "values": [NAMESPACE]}


def test_only_step_functions_of_this_account_assumes_the_role_of_state_machines() -> None:
    [statement] = statements("state_machines_trust")
    assert statement["principals"] == [{"type": "Service", "identifiers": ["states.amazonaws.com"]}]
    conditions = {condition["variable"]: condition["values"] for condition in statement["condition"]}
    assert conditions == {
        "aws:SourceAccount": ["${local.account_id}"],
        "aws:SourceArn": ["${each.value}"],
    }


def test_only_the_rule_sends_to_the_queues() -> None:
    """Both queues have the policy: EventBridge puts what it cannot deliver into the second one itself."""
    [statement] = statements("from_rule")
    assert statement["actions"] == ["sqs:SendMessage"]
    assert statement["principals"] == [{"type": "Service", "identifiers": ["events.amazonaws.com"]}]
    assert [condition["values"] for condition in statement["condition"]] == [
        ["${aws_cloudwatch_event_rule.status_events.arn}"]
    ]
    queues = set(labelled("resource", "aws_sqs_queue"))
    assert set(labelled("resource", "aws_sqs_queue_policy")["from_rule"]["for_each"]) == queues


def test_the_rule_takes_the_events_of_step_functions() -> None:
    """The names are those of the EventBridge reference; one wrong letter and no event ever comes."""
    pattern = labelled("resource", "aws_cloudwatch_event_rule")["status_events"]["event_pattern"]
    assert json.dumps(["aws.states"]) in pattern
    assert json.dumps(["Step Functions Execution Status Change"]) in pattern
    assert re.search(r"\bstateMachineArn\b", pattern)


def test_the_role_of_a_namespace_is_for_the_state_machines_of_that_namespace() -> None:
    [local] = [part for path in FILES for part in read(path).get("locals", [])]
    assert 'namespace => "${local.states}:stateMachine:${namespace}--*"' in local["role_sources"]
    assert local["roles"] == "${{for namespace, role in aws_iam_role.state_machines : namespace => role.arn}}"
