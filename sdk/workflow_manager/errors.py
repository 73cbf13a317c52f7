"""Every error of workflow-manager, in one tree.

WorkflowManagerError
├── InvalidRequest                 400  the request can never succeed
│   ├── InvalidDefinition          400  the state machine breaks a rule of the States Language
│   ├── InvalidInput               400  the workflow input is not acceptable
│   ├── InvalidPageToken           400
│   ├── UnknownState               400  resume from a state that does not exist or was never entered
│   ├── WorkflowEnded              400  cancel of a workflow that already ended
│   ├── NamespaceWithoutRole       400  WFM_SFN_ROLES names no role for the namespace
│   └── RefusedByAWS               400  AWS judged the definition or the input invalid
├── NotAuthenticated               401  the service, or a proxy in front of it, needs a credential
├── NotAllowed                     403  the credential does not allow this
│   └── CrossSiteRequest           403  a web page of another origin caused the request
├── NotFound                       404
│   ├── DefinitionNotFound
│   ├── WorkflowNotFound
│   ├── JobNotFound
│   ├── KeyNotFound
│   └── StateResourceNotFound
├── Conflict                       409
│   ├── DefinitionExists
│   ├── VersionConflict                 another request wrote first
│   ├── WorkflowActive                  resume while it is still running
│   ├── AlreadyResolved
│   ├── NotRecoverable                  the workflow cannot go on, or not without force
│   ├── AlreadyResumed                  it was resumed before; a second time needs force
│   ├── IdempotencyKeyReused
│   └── RecordUnreadable                the record is damaged, or a later version wrote it
├── RequestTooLarge                413
├── MisdirectedRequest             421  the service is not known by the host that was called
├── AccessDenied                   502  the IAM policy of the service does not allow it
├── Unavailable                    503  trying again may help
│   ├── NoAnswer                        it is unknown whether AWS carried out the request
│   ├── NotReady                        the service has started but does not do its work
│   ├── LimitReached                    a quota of the AWS account that time alone does not refill
│   ├── Throttled
│   ├── IssuerUnavailable               the identity provider does not answer, so its tokens cannot be checked
│   └── CredentialsRejected         503  AWS does not accept our credentials (expired, unknown, missing)
├── AWSError                       500  answers of AWS that callers inside the service handle
│   ├── ExecutionNotFound
│   ├── ExecutionExists
│   ├── NotRedrivable                   the execution cannot go on; the message says why, in AWS's words
│   ├── StateMachineNotFound
│   ├── StateMachineExists              the name is taken by another definition
│   ├── ActivityNotFound
│   ├── ActivityExists                  the activity exists with other settings
│   ├── TaskLost                        the task token no longer belongs to a running task
│   ├── AnswerTooLarge                  larger than its caller takes at a time
│   ├── ExecutionBusy                   its many payloads are read in turn, and it is not its turn
│   ├── ConditionFailed                 the item is not what a conditional write expects
│   ├── TransactionCancelled            ... or one of the writes of a transaction
│   ├── TransactionConflict             a transaction has hold of the item
│   ├── TableNotFound
│   ├── TableBusy                       the table exists, or is being changed
│   └── OperationUnknown                this stand-in for AWS lacks the operation
├── SettingsError                  500  a setting is missing or wrong; the start is refused
├── StartupError                   500  something needed at the start is missing (a port, an extra)
└── ClientClosed                   500  the client was closed, or belongs to another process

The HTTP status is data on the class; nothing here knows a web framework.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, ClassVar, NamedTuple


class Severity(StrEnum):
    """Whether what was found is refused."""

    ERROR = "error"
    WARNING = "warning"


class Finding(NamedTuple):
    """One thing that is wrong: where (a JSON pointer, RFC 6901) and what to do about it."""

    pointer: str
    message: str
    severity: Severity = Severity.ERROR

    @property
    def is_error(self) -> bool:
        """Whether it is refused."""
        return self.severity is Severity.ERROR

    def within(self, pointer: str) -> "Finding":
        """Return it as found in a larger document, where the one that was looked at is at ``pointer``."""
        return self._replace(pointer=f"{pointer}{self.pointer}")


class WorkflowManagerError(Exception):
    """Something went wrong inside workflow-manager."""

    status: ClassVar[int] = 500

    def __init__(self, message: str | None = None, *, findings: Sequence[Finding] = ()) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())
        self.findings = tuple(findings)

    @property
    def message(self) -> str:
        """The sentence shown to the caller."""
        return str(self.args[0])


class InvalidRequest(WorkflowManagerError):
    """The request is not valid."""

    status = 400


class InvalidDefinition(InvalidRequest):
    """The state machine is not valid."""


class InvalidInput(InvalidRequest):
    """The workflow input is not valid."""


class InvalidPageToken(InvalidRequest):
    """The page token is not valid; start again without one."""


class UnknownState(InvalidRequest):
    """The workflow never entered that state."""


class WorkflowEnded(InvalidRequest):
    """The workflow has already ended."""


class NamespaceWithoutRole(InvalidRequest):
    """The namespace has no role to run state machines with."""


class RefusedByAWS(InvalidRequest):
    """AWS refused the request."""


class NotAuthenticated(WorkflowManagerError):
    """The service wants credentials that it accepts."""

    status = 401


class NotAllowed(WorkflowManagerError):
    """These credentials do not allow that."""

    status = 403


class CrossSiteRequest(NotAllowed):
    """A web page of another origin sent the request."""


class NotFound(WorkflowManagerError):
    """There is no such thing."""

    status = 404


class DefinitionNotFound(NotFound):
    """There is no such workflow definition."""


class WorkflowNotFound(NotFound):
    """There is no such workflow."""


class JobNotFound(NotFound):
    """There is no such job."""


class KeyNotFound(NotFound):
    """There is no such API key."""


class StateResourceNotFound(NotFound):
    """There is no such state resource."""


class Conflict(WorkflowManagerError):
    """The request conflicts with the current state."""

    status = 409


class DefinitionExists(Conflict):
    """A workflow definition of that name exists; update it to add a version."""


class VersionConflict(Conflict):
    """Another request changed it first; read it again and retry."""


class WorkflowActive(Conflict):
    """The workflow is still active."""


class AlreadyResolved(Conflict):
    """The workflow is already resolved."""


class NotRecoverable(Conflict):
    """The workflow cannot be recovered."""


class AlreadyResumed(Conflict):
    """The workflow was resumed before."""

    def __init__(self, message: str | None = None, *, retry: str | None = None) -> None:
        super().__init__(message)
        self.retry = retry
        """Id of the workflow that resumes it."""


class IdempotencyKeyReused(Conflict):
    """The Idempotency-Key was used before with another request."""


class RecordUnreadable(Conflict):
    """The record cannot be read; perhaps a later version of the service wrote it."""

    def __init__(self, message: str | None = None, *, placeholder: object = None) -> None:
        super().__init__(message)
        self.placeholder = placeholder
        """What can be shown of the record, as the model that it should have been."""


class RequestTooLarge(WorkflowManagerError):
    """The request body is too large."""

    status = 413


class MisdirectedRequest(WorkflowManagerError):
    """The service is not known by that host."""

    status = 421


class AccessDenied(WorkflowManagerError):
    """AWS denied access; check the IAM policy of the service."""

    status = 502


class Unavailable(WorkflowManagerError):
    """Something is not available now; try again."""

    status = 503


class NoAnswer(Unavailable):
    """AWS gave no answer; try again."""


class NotReady(Unavailable):
    """The poller has made no progress recently; the log of the service may say why."""


class LimitReached(Unavailable):
    """A limit of the AWS account is reached; have it raised, or try again later."""


class IssuerUnavailable(Unavailable):
    """The identity provider does not answer; try again."""


class Throttled(Unavailable):
    """AWS throttled the request; try again later."""


class CredentialsRejected(Unavailable):
    """AWS does not accept the credentials of the service."""


class AWSError(WorkflowManagerError):
    """AWS answered with an error."""


class ExecutionNotFound(AWSError):
    """The execution does not exist."""


class ExecutionExists(AWSError):
    """An execution of that name exists with another input or has ended."""


class NotRedrivable(AWSError):
    """The execution cannot be redriven."""


class StateMachineNotFound(AWSError):
    """The state machine does not exist."""


class StateMachineExists(AWSError):
    """A state machine of that name exists with another definition."""


class ActivityNotFound(AWSError):
    """The activity does not exist."""


class ActivityExists(AWSError):
    """The activity exists with other settings."""


class TaskLost(AWSError):
    """The task timed out or its execution ended."""


class AnswerTooLarge(AWSError):
    """The answer is larger than what is taken at a time."""

    def __init__(self, message: str | None = None, *, size_bytes: int = 0) -> None:
        super().__init__(message)
        self.size_bytes = size_bytes


class ExecutionBusy(AWSError):
    """The history has many payloads, and others are being read."""


class ConditionFailed(AWSError):
    """The item is not as the write expects."""

    def __init__(self, message: str | None = None, *, found: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.found = found
        """The item that was there, when the write asked for it."""


class CancellationReason(NamedTuple):
    """Why one write of a transaction did not happen: a code of AWS, and the item that was there instead."""

    code: str
    found: Mapping[str, Any] | None


class TransactionCancelled(AWSError):
    """The transaction was cancelled."""

    def __init__(self, message: str | None = None, *, reasons: Sequence[CancellationReason] = ()) -> None:
        super().__init__(message)
        self.reasons = tuple(reasons)
        """One for each write, in their order."""


class TransactionConflict(AWSError):
    """Another transaction is writing the item."""


class TableNotFound(AWSError):
    """A DynamoDB table is missing; `workflow-manager tables create` makes it."""


class TableBusy(AWSError):
    """The DynamoDB table exists, or is being changed."""


class OperationUnknown(AWSError):
    """The endpoint does not know the operation."""


class SettingsError(WorkflowManagerError):
    """A setting is missing or wrong."""


class StartupError(WorkflowManagerError):
    """The start failed."""


class ClientClosed(WorkflowManagerError):
    """The client is closed; open another one."""
