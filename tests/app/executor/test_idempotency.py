"""Ids from idempotency keys: the same for the same key in one installation, and told by nobody else.

Covers `app.executor.idempotency`.
"""

import hashlib
import uuid

import pytest

from app.executor.idempotency import FORMER_IDS, FORMER_IDS_COUNT
from tests import samples
from tests.rig import Rig
from workflow_manager import errors, models

REQUEST = models.StartWorkflowRequest(workflow_definition=models.WorkflowDefinitionRef(name="echo"), namespace="dev")


async def test_the_id_of_a_key_cannot_be_told_from_the_key(rig: Rig) -> None:
    await rig.define()

    workflow = await rig.start(key="nightly")

    assert workflow.id != str(uuid.uuid5(FORMER_IDS, "nightly"))
    assert uuid.UUID(workflow.id).version == 5


async def test_two_installations_make_different_ids_of_a_key() -> None:
    one = Rig()
    other = Rig(neighbour_of=one, installation="blue")
    await one.define()
    await other.define()

    assert (await one.start(key="nightly")).id != (await other.start(key="nightly")).id


async def test_every_replica_makes_the_same_id_of_a_key(rig: Rig) -> None:
    await rig.define()

    workflow = await rig.start(key="nightly")

    assert (await Rig(replica_of=rig).start(key="nightly")).id == workflow.id


async def test_the_secret_is_read_once(rig: Rig) -> None:
    await rig.define()
    for number in range(3):
        await rig.start(key=f"key {number}")

    document = await rig.store.get_document("installation/idempotency")

    assert document is not None
    assert document.revision == 1
    assert rig.executor._keeper._secret is not None


async def former(rig: Rig, key: str) -> models.Workflow:
    """Leave a workflow as a version left it that made its id from the key alone."""
    definition = await rig.define()
    text = f"start\n{REQUEST.model_dump_json(by_alias=True)}"
    workflow = samples.workflow(
        str(uuid.uuid5(FORMER_IDS, key)),
        workflow_definition=definition,
        request_fingerprint=hashlib.sha256(text.encode()).hexdigest(),
    )
    await rig.store.create_workflow(workflow)
    return workflow


async def test_a_key_that_was_used_before_the_secret_is_still_known(rig: Rig) -> None:
    made = await former(rig, "nightly")

    assert (await rig.executor.start(REQUEST, idempotency_key="nightly")).id == made.id
    with pytest.raises(errors.IdempotencyKeyReused):
        await rig.start(key="nightly", input='{"other":1}')


async def test_a_former_key_is_forgotten_like_its_workflow(rig: Rig) -> None:
    made = await former(rig, "nightly")
    await rig.executor.start(REQUEST, idempotency_key="another")

    rig.clock.advance(FORMER_IDS_COUNT.total_seconds())

    assert (await rig.executor.start(REQUEST, idempotency_key="nightly")).id != made.id
