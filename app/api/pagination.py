"""The parameters of a listing, and how it names its next page."""

from collections.abc import Sequence
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import Request, Response
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel

from app.access import checks
from app.failures.fingerprint import FINGERPRINT
from app.store import WorkflowQuery
from app.store.base import brief
from workflow_manager.models import Workflow, WorkflowProperty, WorkflowStatus
from workflow_manager.models.wire import rfc3339

FILTER_LENGTH: Final = 256
ID_PREFIX_LENGTH: Final = 8
"""With fewer characters of a UUID, workflows would soon share them."""

PAGE_SIZE: Final = 10
COUNTED: Final = 1_000

NEXT_PAGE_HEADERS: Final = {
    "X-Next-Page-Path": {"description": "Path of the next page, if there is one.", "schema": {"type": "string"}},
    "Link": {"description": "The same path with `rel=next` (RFC 8288).", "schema": {"type": "string"}},
}


Moment = Annotated[
    AwareDatetime,
    BeforeValidator(rfc3339),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "maxLength": 0}]}),
]
Filter = Annotated[str, StringConstraints(max_length=FILTER_LENGTH)]
IdPrefix = Annotated[str, StringConstraints(pattern=rf"^$|^[A-Za-z0-9._:-]{{{ID_PREFIX_LENGTH},128}}$")]
FingerprintFilter = Annotated[str, StringConstraints(pattern=rf"^$|^{FINGERPRINT.pattern}$")]
TagFilter = Annotated[str, StringConstraints(pattern=r"^$|^[^:]+:", max_length=512)]
"""Filters may be empty as far as the OpenAPI document says, but an empty one counts as absent and never gets here."""


class FilterParameters(BaseModel):
    """Query parameters that filter workflows; filters combine."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)

    workflow_definition_name: Filter | None = Field(default=None, description="Only workflows of this definition.")
    status: WorkflowStatus | None = Field(default=None, description="Only workflows in this status.")
    statuses: list[WorkflowStatus] = Field(
        default_factory=list,
        max_length=len(WorkflowStatus),
        description="Only workflows in one of these statuses, in addition to `status`. Repeat it for several.",
    )
    id_prefix: IdPrefix | None = Field(
        default=None,
        description=f"Only workflows whose id starts with this prefix of at least {ID_PREFIX_LENGTH} characters.",
    )
    resolved_by_user: bool | None = Field(
        default=None, description="Only resolved (`true`) or only unresolved (`false`) workflows."
    )
    resolved_by: Filter | None = Field(
        default=None,
        description="Only workflows that the workflow of this id resolved by resuming them and succeeding.",
    )
    fingerprint: FingerprintFilter | None = Field(
        default=None, description="Only failed workflows with this fingerprint: failures of one fault."
    )
    namespace: Filter | None = Field(default=None, description="Only workflows in this namespace.")
    queue: Filter | None = Field(default=None, description="Only workflows in this queue.")
    tag: list[TagFilter] = Field(
        default_factory=list,
        description="Only workflows with this tag, as `key:value`; the key ends at the first colon. Repeat it for "
        "several tags, all of which must match.",
    )
    created_after: Moment | None = Field(default=None, description="Only workflows created after this time.")
    created_before: Moment | None = Field(default=None, description="Only workflows created before this time.")

    def query(self, *, oldest_first: bool = False) -> WorkflowQuery:
        """Return the filters as the store wants them, with what the caller may see."""
        return WorkflowQuery(
            definition_name=self.workflow_definition_name,
            statuses=tuple(dict.fromkeys([*([self.status] if self.status else []), *self.statuses])),
            id_prefix=self.id_prefix,
            resolved_by_user=self.resolved_by_user,
            resolved_by=self.resolved_by,
            fingerprint=self.fingerprint,
            namespace=self.namespace,
            queue=self.queue,
            tags=dict(tag.split(":", 1) for tag in self.tag),
            created_after=self.created_after,
            created_before=self.created_before,
            oldest_first=oldest_first,
            visible=checks.visible(),
        )


class WorkflowsParameters(FilterParameters):
    """Query parameters of a listing of workflows."""

    limit: Annotated[int, AfterValidator(lambda limit: limit or PAGE_SIZE)] = Field(
        default=PAGE_SIZE, ge=0, le=10_000, description="Maximum number of workflows in a page; 0 counts as absent."
    )
    oldest_first: bool = Field(default=False, description="Oldest first instead of newest first.")
    page_token: str | None = Field(
        default=None, max_length=1024, description="Opaque start of the page, from `X-Next-Page-Path`."
    )
    summary_only: bool = Field(default=False, description="Leave out state machines, jobs and outputs.")
    omit_input: bool = Field(
        default=False, description="With `summaryOnly`, leave out inputs as well, so that large ones are not read."
    )

    def shown(self, workflows: Sequence[Workflow]) -> Sequence[Workflow]:
        """Return the workflows as the caller wants to see them."""
        if not self.summary_only:
            return workflows
        return [_summary(workflow, with_input=not self.omit_input) for workflow in workflows]


class CountParameters(FilterParameters):
    """Query parameters of a count of workflows."""

    by: WorkflowProperty = Field(description="What to count by.")
    limit: Annotated[int, AfterValidator(lambda limit: limit or COUNTED)] = Field(
        default=COUNTED, ge=0, le=10_000, description="Maximum number of workflows to count; 0 counts as absent."
    )


def _summary(workflow: Workflow, *, with_input: bool) -> Workflow:
    """Return a workflow without what can be large, but for its input."""
    definition = workflow.workflow_definition.model_copy(update={"state_machine": None})
    last_job = workflow.last_job and brief(workflow.last_job)
    large = dict.fromkeys(("jobs", "output", "variables", *(() if with_input else ("input",))))
    return workflow.model_copy(update={"workflow_definition": definition, "last_job": last_job, **large})


def announce_next_page(request: Request, response: Response, next_token: str | None) -> None:
    """Name the next page in the headers; there is none without a token."""
    if next_token is None:
        return
    parameters = [(name, value) for name, value in request.query_params.multi_items() if name != "pageToken"]
    query = urlencode([*parameters, ("pageToken", next_token)])
    path, root_path = request.url.path, request.scope.get("root_path", "")
    # Clients append this path to the URL that they were given, which ends with the root path.
    response.headers["X-Next-Page-Path"] = f"{path.removeprefix(root_path)}?{query}"
    response.headers["Link"] = f'<{path}?{query}>; rel="next"'
