"""State machines run with the role of their namespace, and never with another one.

Covers `app.executor.sfn.roles`, `app.executor.sfn.state_machines` and `app.executor.outbox`.
"""

import pytest

from app.executor import NamespaceRoles
from app.store import WorkflowQuery
from tests.rig import Rig
from workflow_manager import errors, models
from workflow_manager.models import WorkflowStatus

DEV = "arn:aws:iam::123456789012:role/dev"
TEAMS = "arn:aws:iam::123456789012:role/teams"
OTHER = "arn:aws:iam::123456789012:role/other"
ROLES = NamespaceRoles({"*-dev": DEV, "team-*": TEAMS, "dev": DEV})
MACHINE = "arn:aws:states:us-west-2:123456789012:stateMachine:dev--echo--0--echo"


@pytest.mark.parametrize(
    ("globs", "namespace", "expected"),
    [
        (["dev", "*"], "dev", "dev"),
        (["*", "dev"], "dev", "dev"),
        (["*", "dev"], "devel", "*"),
        (["team-*", "team-a-*", "*"], "team-a-prod", "team-a-*"),
        (["*-prod", "team-a-*"], "team-a-prod", "team-a-*"),
        (["a*", "*b"], "ab", "a*"),
        (["*b", "a*"], "ab", "*b"),
        (["a**b", "*"], "a-b", "a**b"),
        (["v1.*"], "v1.2", "v1.*"),
        (["a-very-long-*", "a-very-long-name"], "a-very-long-name", "a-very-long-name"),
    ],
)
def test_the_most_specific_glob_of_a_namespace_counts(globs: list[str], namespace: str, expected: str) -> None:
    """No star first, then more other characters, then the earlier one."""
    assert NamespaceRoles({glob: glob for glob in globs}).arn(namespace) == expected


@pytest.mark.parametrize("namespace", ["devel", "Dev", "dev.", "xdev", "v1x2"])
def test_a_namespace_that_no_glob_matches_has_no_role(namespace: str) -> None:
    with pytest.raises(errors.NamespaceWithoutRole, match="WFM_SFN_ROLES"):
        NamespaceRoles({"dev": DEV, "team-*": TEAMS, "v1.*": OTHER}).arn(namespace)


async def test_a_state_machine_is_made_with_the_role_of_its_namespace() -> None:
    rig = Rig(roles=ROLES)
    await rig.define()

    for namespace in ("dev", "team-x", "team-dev"):
        await rig.start(namespace=namespace)

    roles = {arn.rpartition(":")[2].partition("--")[0]: made["roleArn"] for arn, made in rig.sfn.machines.items()}
    assert roles == {"dev": DEV, "team-x": TEAMS, "team-dev": TEAMS}


async def test_a_start_in_a_namespace_without_a_role_is_refused_and_leaves_nothing() -> None:
    rig = Rig(roles=ROLES)
    await rig.define()

    with pytest.raises(errors.NamespaceWithoutRole) as refused:
        await rig.start(namespace="production")

    assert refused.value.status == 400
    assert "'production'" in refused.value.message
    assert (await rig.store.list_workflows(WorkflowQuery(), limit=10, summaries=True, inputs=False)).workflows == []
    assert not rig.sfn.calls


async def test_a_queued_workflow_whose_namespace_lost_its_role_fails_and_says_so() -> None:
    before = Rig()
    await before.define()
    await before.queues.put("default", models.QueueLimits(paused=True))
    queued = await before.start(namespace="production")
    after = Rig(replica_of=before, roles=ROLES)
    await after.queues.delete("default")
    before.clock.advance(60)

    await after.poller.poll_once()

    ended = await after.store.get_workflow(queued.id)
    assert ended.status is WorkflowStatus.FAILED
    assert "WFM_SFN_ROLES" in (ended.status_reason or "")
    assert not after.sfn.machines


async def test_a_state_machine_made_with_another_role_gets_that_of_its_namespace_before_it_runs() -> None:
    """Creating it again is answered as if it were done, and leaves it the role that it has."""
    before = Rig()
    await before.define()
    await before.start()
    before.clock.advance(3600)
    after = Rig(replica_of=before, roles=ROLES)
    seen: list[str] = []

    async def note() -> None:
        seen.append(after.sfn.machines[MACHINE]["roleArn"])

    after.sfn.before["start_execution"] = note

    await after.start()

    assert seen == [DEV]


async def test_a_state_machine_that_was_just_made_is_not_asked_about() -> None:
    rig = Rig(roles=ROLES)
    await rig.define()

    await rig.start()

    assert rig.sfn.calls == {"create_state_machine": 1, "create_activity": 1, "start_execution": 1}


async def test_a_workflow_is_resumed_only_where_its_namespace_has_a_role() -> None:
    before = Rig()
    failed = await before.failed()
    after = Rig(replica_of=before, roles=NamespaceRoles({"production": OTHER}))

    with pytest.raises(errors.NamespaceWithoutRole):
        await after.executor.resume(failed.id, models.WorkflowDefinitionOverrides(start_at="echo"))
