"""The README's walk and what lies beside it, with the client that was generated from openapi.json.

Usage: walk.py URL MACHINES, where MACHINES is a folder of state machines as people write them.
"""

# The client is there only where the walk runs.
# mypy: disable-error-code="import-not-found"

import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from session import Session, expect, expect_all, new_definition
from workflow_manager_client import Client
from workflow_manager_client.api.health import health_check
from workflow_manager_client.api.state_resources import (
    delete_state_resource,
    get_state_resource,
    post_state_resource,
    put_state_resource,
)
from workflow_manager_client.api.workflow_definitions import (
    get_workflow_definition_by_name_and_version,
    get_workflow_definition_versions_by_name,
    get_workflow_definitions,
    new_workflow_definition,
    update_workflow_definition,
)
from workflow_manager_client.api.workflows import (
    cancel_workflow,
    get_workflow_by_id,
    get_workflows,
    resolve_workflow_by_id,
    resume_workflow_by_id,
    start_workflow,
)
from workflow_manager_client.models import (
    BadRequest,
    CancelReason,
    Conflict,
    Health,
    Job,
    JobStatus,
    NewStateResource,
    NotFound,
    Problem,
    SLStateMachine,
    StartWorkflowRequest,
    StateResource,
    StateResourceType,
    Workflow,
    WorkflowDefinition,
    WorkflowDefinitionOverrides,
    WorkflowDefinitionRef,
    WorkflowDefinitionVerdict,
    WorkflowStatus,
)
from workflow_manager_client.types import UNSET

Machine = dict[str, Any]

ECHO: Final[Machine] = {"StartAt": "echo", "States": {"echo": {"Type": "Task", "Resource": "echo", "End": True}}}
WAITS: Final[Machine] = {"StartAt": "wait", "States": {"wait": {"Type": "Wait", "Seconds": 600, "End": True}}}
FAILS: Final[Machine] = {
    "StartAt": "first",
    "States": {"first": {"Type": "Pass", "Next": "broken"}, "broken": {"Type": "Fail", "Error": "Broken"}},
}
DANGLING: Final[Machine] = {"StartAt": "a", "States": {"a": {"Type": "Pass", "Next": "nowhere"}}}
NAME: Final = "python-walk:echo"
ACTIVITY: Final = "arn:aws:states:us-west-2:123456789012:activity:dev--echo"
FUNCTION: Final = "arn:aws:lambda:us-west-2:123456789012:function:dev--echo"


def the_service_is_healthy(session: Session) -> None:
    """The service is healthy."""
    assert expect(Health, health_check.sync(client=session.client)).status == "ok"


def a_definition_is_read_as_it_was_written(session: Session) -> None:
    """A definition is read as it was written."""
    made = session.define(NAME, ECHO)
    got = get_workflow_definition_by_name_and_version.sync(NAME, 0, client=session.client)
    definition = expect(WorkflowDefinition, got)
    made.warnings = UNSET  # told to who writes it, and not kept
    assert definition == made
    assert expect(SLStateMachine, definition.state_machine).to_dict() == ECHO
    assert timedelta() <= datetime.now(UTC) - made.created_at < timedelta(minutes=5)


def a_new_version_is_listed_last(session: Session) -> None:
    """A new version is listed last, and alone when only the latest is wanted."""
    updated = update_workflow_definition.sync(NAME, client=session.client, body=new_definition(NAME, ECHO))
    assert expect(WorkflowDefinition, updated).version == 1
    versions = get_workflow_definition_versions_by_name.sync(NAME, client=session.client, latest=False)
    assert [each.version for each in expect_all(WorkflowDefinition, versions)] == [0, 1]
    latest = get_workflow_definition_versions_by_name.sync(NAME, client=session.client)
    assert [each.version for each in expect_all(WorkflowDefinition, latest)] == [1]
    every = expect_all(WorkflowDefinition, get_workflow_definitions.sync(client=session.client))
    assert [each.version for each in every if each.name == NAME] == [1]


def a_valid_definition_can_be_judged_only(session: Session) -> None:
    """A definition that is only judged is not stored."""
    body = new_definition("python-walk:judged", ECHO)
    judged = new_workflow_definition.sync(client=session.client, body=body, validate_only=True)
    assert expect(WorkflowDefinitionVerdict, judged).valid
    got = get_workflow_definition_versions_by_name.sync("python-walk:judged", client=session.client)
    expect(NotFound, got)


def an_invalid_definition_is_answered_with_what_is_wrong(session: Session) -> None:
    """An invalid definition is answered with pointers to what is wrong."""
    body = new_definition("python-walk:dangling", DANGLING)
    refused = expect(BadRequest, new_workflow_definition.sync(client=session.client, body=body))
    problems = expect_all(Problem, refused.errors)
    assert any(problem.pointer.endswith("/States/a/Next") for problem in problems), problems
    assert expect(str, refused.request_id)


def a_name_that_is_taken_is_a_conflict(session: Session) -> None:
    """A definition whose name is taken is a conflict."""
    conflict = new_workflow_definition.sync(client=session.client, body=new_definition(NAME, ECHO))
    assert NAME in expect(Conflict, conflict).message


def a_workflow_runs_to_its_end(session: Session) -> None:
    """A workflow runs to its end, and its job holds what the worker did."""
    started = session.start(NAME)
    assert started.workflow_definition.version == 1
    workflow = session.ended(started.id)
    assert workflow.status is WorkflowStatus.SUCCEEDED, workflow
    (job,) = expect_all(Job, workflow.jobs)
    assert (job.state, job.status) == ("echo", JobStatus.SUCCEEDED)
    assert expect(str, job.container)
    assert json.loads(expect(str, workflow.output))["foo"] is True
    assert expect(datetime, workflow.stopped_at) >= workflow.created_at


def a_start_with_a_key_is_not_repeated(session: Session) -> None:
    """A start that is repeated with its key gives the same workflow."""
    body = StartWorkflowRequest.from_dict(
        {"workflowDefinition": {"name": NAME, "version": 0}, "namespace": "dev", "input": {"n": 1}, "tags": {"t": "1"}}
    )
    answers = [
        expect(Workflow, start_workflow.sync(client=session.client, body=body, idempotency_key="python-walk"))
        for _ in range(2)
    ]
    assert answers[0].id == answers[1].id
    assert answers[0].tags.additional_properties == {"t": "1"}
    session.ended(answers[0].id)


def a_listing_is_read_page_by_page(session: Session) -> None:
    """A listing is read page by page, and holds every workflow once."""
    session.define("python-walk:pages", ECHO)
    started = [session.start("python-walk:pages").id for _ in range(3)]
    listed: list[str] = []
    token: str | None = None
    while token is not None or not listed:
        page = get_workflows.sync_detailed(
            client=session.client,
            workflow_definition_name="python-walk:pages",
            created_after=datetime.now(UTC) - timedelta(hours=1),
            limit=2,
            oldest_first=True,
            page_token=token or UNSET,
        )
        listed += [workflow.id for workflow in expect_all(Workflow, page.parsed)]
        following = page.headers.get("X-Next-Page-Path")
        token = parse_qs(urlsplit(following).query)["pageToken"][0] if following else None
    assert listed == started
    for workflow_id in started:
        session.ended(workflow_id)


def a_summary_leaves_out_what_can_be_large(session: Session) -> None:
    """A summary leaves out definition bodies, jobs and outputs, and on request inputs."""
    answer = get_workflows.sync(
        client=session.client, workflow_definition_name=NAME, summary_only=True, omit_input=True
    )
    for workflow in expect_all(Workflow, answer):
        assert not any([workflow.jobs, workflow.input_, workflow.output, workflow.workflow_definition.state_machine])


def a_workflow_is_cancelled_with_its_reason(session: Session) -> None:
    """A workflow is cancelled with its reason, once."""
    session.define("python-walk:waits", WAITS)
    started = session.start("python-walk:waits")
    session.until(started.id, holds=lambda workflow: workflow.status is WorkflowStatus.RUNNING, what="the start")
    cancelled = cancel_workflow.sync_detailed(started.id, client=session.client, body=CancelReason(reason="enough"))
    assert cancelled.status_code == 200
    workflow = session.ended(started.id)
    assert (workflow.status, workflow.status_reason) == (WorkflowStatus.CANCELLED, "enough")
    again = cancel_workflow.sync(started.id, client=session.client, body=CancelReason(reason="again"))
    expect(BadRequest, again)


def a_failed_workflow_is_resumed_and_resolved(session: Session) -> None:
    """A failed workflow is resumed at a state, and resolved once."""
    session.define("python-walk:fails", FAILS)
    failed = session.ended(session.start("python-walk:fails").id)
    assert (failed.status, failed.resolved_by_user) == (WorkflowStatus.FAILED, False)
    at_broken = WorkflowDefinitionOverrides(start_at="broken")
    resumed = expect(Workflow, resume_workflow_by_id.sync(failed.id, client=session.client, body=at_broken))
    assert resumed.retry_for == failed.id
    assert [job.state for job in expect_all(Job, session.ended(resumed.id).jobs)] == ["broken"]
    assert resolve_workflow_by_id.sync_detailed(failed.id, client=session.client).status_code == 201
    expect(Conflict, resolve_workflow_by_id.sync(failed.id, client=session.client))
    looked_after = session.get(failed.id)
    assert (looked_after.resolved_by_user, looked_after.retries) == (True, [resumed.id])


def a_workflow_is_not_resumed_at_a_state_it_has_not(session: Session) -> None:
    """A workflow is not resumed at a state that it does not have."""
    ended = session.ended(session.start(NAME).id)
    nowhere = WorkflowDefinitionOverrides(start_at="nowhere")
    expect(BadRequest, resume_workflow_by_id.sync(ended.id, client=session.client, body=nowhere))


def unresolved_failures_are_found(session: Session) -> None:
    """Failures that nobody has looked after are found by their filters."""
    answer = get_workflows.sync(
        client=session.client,
        workflow_definition_name="python-walk:fails",
        status=WorkflowStatus.FAILED,
        resolved_by_user=False,
    )
    (unresolved,) = expect_all(Workflow, answer)
    assert expect(str, unresolved.retry_for)


def what_is_not_there_is_not_found(session: Session) -> None:
    """A workflow and a definition that do not exist are not found."""
    expect(NotFound, get_workflow_by_id.sync("no-such-workflow", client=session.client))
    expect(NotFound, get_workflow_definition_by_name_and_version.sync("no-such", 0, client=session.client))
    body = StartWorkflowRequest(workflow_definition=WorkflowDefinitionRef(name="no-such"), namespace="dev")
    expect(NotFound, start_workflow.sync(client=session.client, body=body))


def a_state_resource_is_made_read_changed_and_removed(session: Session) -> None:
    """A state resource is made, read, changed and removed."""
    client = session.client
    new = NewStateResource(name="python-walk", namespace="dev", uri=ACTIVITY)
    made = expect(StateResource, post_state_resource.sync(client=client, body=new))
    assert made.type_ is StateResourceType.ACTIVITYARN
    assert expect(StateResource, get_state_resource.sync("dev", "python-walk", client=client)) == made
    new.uri = FUNCTION
    changed = put_state_resource.sync("dev", "python-walk", client=client, body=new)
    assert expect(StateResource, changed).type_ is StateResourceType.LAMBDAFUNCTIONARN
    assert delete_state_resource.sync_detailed("dev", "python-walk", client=client).status_code == 200
    expect(NotFound, get_state_resource.sync("dev", "python-walk", client=client))
    expect(NotFound, delete_state_resource.sync("dev", "python-walk", client=client))


def every_machine_keeps_its_form(session: Session, machines: Path) -> None:
    """Every state machine comes out of the client and the service as it went in."""
    paths = sorted(machines.glob("*.json"))
    assert paths
    for path in paths:
        machine = json.loads(path.read_text())
        made = session.define(f"python-walk.machines:{path.stem}", machine)
        assert expect(SLStateMachine, made.state_machine).to_dict() == machine, path.name


STEPS: Final[tuple[Callable[[Session], None], ...]] = (
    the_service_is_healthy,
    a_definition_is_read_as_it_was_written,
    a_new_version_is_listed_last,
    a_valid_definition_can_be_judged_only,
    an_invalid_definition_is_answered_with_what_is_wrong,
    a_name_that_is_taken_is_a_conflict,
    a_workflow_runs_to_its_end,
    a_start_with_a_key_is_not_repeated,
    a_listing_is_read_page_by_page,
    a_summary_leaves_out_what_can_be_large,
    a_workflow_is_cancelled_with_its_reason,
    a_failed_workflow_is_resumed_and_resolved,
    a_workflow_is_not_resumed_at_a_state_it_has_not,
    unresolved_failures_are_found,
    what_is_not_there_is_not_found,
    a_state_resource_is_made_read_changed_and_removed,
)


def main(url: str, machines: Path) -> None:
    """Take the steps in order; the first that fails ends the walk with its traceback."""
    # An answer that openapi.json does not name ends the walk too.
    headers = {"Authorization": f"Bearer {os.environ['WORKFLOWMANAGER_TOKEN']}"}
    with Client(base_url=url, headers=headers, raise_on_unexpected_status=True) as client:
        session = Session(client)
        for step in STEPS:
            step(session)
            sys.stdout.write(f"    {step.__doc__}\n")
        every_machine_keeps_its_form(session, machines)
        sys.stdout.write(f"    {every_machine_keeps_its_form.__doc__}\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
