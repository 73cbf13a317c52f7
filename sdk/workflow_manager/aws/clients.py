"""The door to AWS: opens the clients and turns the errors of AWS into ours."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from urllib.parse import urlsplit

import aioboto3
import aiobotocore
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import AioSession
from aiohttp import ClientPayloadError
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    CredentialRetrievalError,
    InvalidRegionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
)
from botocore.utils import validate_region_name

from workflow_manager import errors
from workflow_manager.aws import answer_sizes, answers
from workflow_manager.version import __version__

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping

    from types_aiobotocore_cloudwatch import CloudWatchClient
    from types_aiobotocore_dynamodb import DynamoDBClient
    from types_aiobotocore_sqs import SQSClient
    from types_aiobotocore_stepfunctions import SFNClient
    from types_aiobotocore_sts import STSClient

    from workflow_manager.aws.settings import AWSSettings

EMBEDDED_REGION: Final = "us-west-2"
"""Region assumed when the endpoint is not AWS itself and nothing names one."""

EMBEDDED_ROLE: Final = "workflow-manager"
"""Name of the role assumed when the endpoint is not AWS itself."""

CONNECT_TIMEOUT_SECONDS: Final = 5
READ_TIMEOUT_SECONDS: Final = 20
STORE_ATTEMPT_SECONDS: Final = 3.0
"""DynamoDB answers within milliseconds; an attempt that takes longer is given up, with all that it has sent so far."""

LONG_POLL_TIMEOUT_SECONDS: Final = 75
"""GetActivityTask holds a request for 60 s, so a shorter read time-out loses tasks."""

QUEUE_POLL_TIMEOUT_SECONDS: Final = 30
"""ReceiveMessage holds a request for up to 20 s."""

USER_AGENT: Final = f"workflow-manager/{__version__} aiobotocore/{aiobotocore.__version__}"

ATTEMPTS: Final = 3
"""Tries of one call, with the SDK's own back-off between them."""

ERRORS_BY_CODE: Final[dict[str, type[errors.WorkflowManagerError]]] = {
    "AccessDenied": errors.AccessDenied,
    "AccessDeniedException": errors.AccessDenied,
    "ActivityAlreadyExists": errors.ActivityExists,
    "ActivityDoesNotExist": errors.ActivityNotFound,
    "ActivityLimitExceeded": errors.LimitReached,
    "ActivityWorkerLimitExceeded": errors.Throttled,
    "BandwidthLimitExceeded": errors.Throttled,
    "ConflictException": errors.Unavailable,
    "ContinuousBackupsUnavailableException": errors.TableBusy,
    "ExecutionAlreadyExists": errors.ExecutionExists,
    "ExecutionDoesNotExist": errors.ExecutionNotFound,
    "ExecutionLimitExceeded": errors.LimitReached,
    "ExecutionNotRedrivable": errors.NotRedrivable,
    "ExpiredToken": errors.CredentialsRejected,
    "ExpiredTokenException": errors.CredentialsRejected,
    "IncompleteSignature": errors.CredentialsRejected,
    "InvalidArn": errors.RefusedByAWS,
    "InvalidClientTokenId": errors.CredentialsRejected,
    "InvalidDefinition": errors.RefusedByAWS,
    "InvalidEncryptionConfiguration": errors.RefusedByAWS,
    "InvalidExecutionInput": errors.RefusedByAWS,
    "InvalidLoggingConfiguration": errors.RefusedByAWS,
    "InvalidName": errors.RefusedByAWS,
    "InvalidOutput": errors.RefusedByAWS,
    "InvalidSignatureException": errors.CredentialsRejected,
    "InvalidToken": errors.TaskLost,
    "InvalidTracingConfiguration": errors.RefusedByAWS,
    "KmsAccessDeniedException": errors.AccessDenied,
    "KmsInvalidStateException": errors.AccessDenied,
    "KmsThrottlingException": errors.Throttled,
    "LimitExceededException": errors.Throttled,
    "MissingAuthenticationTokenException": errors.CredentialsRejected,
    "MissingRequiredParameter": errors.RefusedByAWS,
    "NotAuthorized": errors.AccessDenied,
    "PriorRequestNotComplete": errors.NoAnswer,
    "ProvisionedThroughputExceededException": errors.Throttled,
    "RequestAbortedException": errors.NoAnswer,
    "RequestExpired": errors.CredentialsRejected,
    "RequestLimitExceeded": errors.Throttled,
    "RequestThrottled": errors.Throttled,
    "RequestThrottledException": errors.Throttled,
    "RequestTimeTooSkewed": errors.CredentialsRejected,
    "RequestTimeout": errors.NoAnswer,
    "RequestTimeoutException": errors.NoAnswer,
    "ResourceInUseException": errors.TableBusy,
    "ResourceNotFound": errors.AWSError,
    "ResourceNotFoundException": errors.TableNotFound,
    "ServiceQuotaExceededException": errors.LimitReached,
    "SignatureDoesNotMatch": errors.CredentialsRejected,
    "SlowDown": errors.Throttled,
    "StateMachineAlreadyExists": errors.StateMachineExists,
    "StateMachineDeleting": errors.Unavailable,
    "StateMachineDoesNotExist": errors.StateMachineNotFound,
    "StateMachineLimitExceeded": errors.LimitReached,
    "StateMachineTypeNotSupported": errors.RefusedByAWS,
    "TaskDoesNotExist": errors.TaskLost,
    "TaskTimedOut": errors.TaskLost,
    "ThrottledException": errors.Throttled,
    "Throttling": errors.Throttled,
    "ThrottlingException": errors.Throttled,
    "TooManyRequestsException": errors.Throttled,
    "TooManyTags": errors.RefusedByAWS,
    "TransactionConflictException": errors.TransactionConflict,
    "TransactionInProgressException": errors.Throttled,
    "UnknownOperationException": errors.OperationUnknown,
    "UnrecognizedClientException": errors.CredentialsRejected,
    "ValidationException": errors.RefusedByAWS,
}
"""Error codes of the API references of Step Functions and DynamoDB, and common ones; the rest is ``AWSError``."""

EXPIRED_CREDENTIALS: Final = "refreshed credentials are still expired"
"""What botocore says, in a plain ``RuntimeError``, of a source of credentials that gives out old ones."""

ClientT = TypeVar("ClientT")


class AWS:
    """Makes clients for one region; every client is an async context manager and raises only our errors."""

    def __init__(self, session: aioboto3.Session, *, region: str, embedded: bool, max_connections: int) -> None:
        self.region = region
        self.embedded = embedded
        self._session = session
        self._max_connections = max_connections

    @asynccontextmanager
    async def step_functions(self, *, attempts: int = ATTEMPTS) -> AsyncIterator[SFNClient]:
        """Open a client for short calls with this number of attempts."""
        config = self._config(attempts=attempts, http_session_cls=_MeasuringSession)
        async with self._client("stepfunctions", config) as client:
            yield cast("SFNClient", client)

    @asynccontextmanager
    async def long_polls(self) -> AsyncIterator[SFNClient]:
        """Open a client for GetActivityTask: patient, and without retries of its own."""
        async with self._client(
            "stepfunctions", self._config(attempts=1, read_timeout_seconds=LONG_POLL_TIMEOUT_SECONDS)
        ) as client:
            yield cast("SFNClient", client)

    @asynccontextmanager
    async def dynamodb(self) -> AsyncIterator[DynamoDBClient]:
        """Open a client for DynamoDB; it retries what the SDK deems worth retrying, and waits for none of it long."""
        config = self._config(attempts=ATTEMPTS, http_session_cls=_ImpatientSession)
        async with self._client("dynamodb", config) as client:
            yield cast("DynamoDBClient", client)

    @asynccontextmanager
    async def sqs(self) -> AsyncIterator[SQSClient]:
        """Open a client for SQS, patient enough for its long polls."""
        config = self._config(attempts=ATTEMPTS, read_timeout_seconds=QUEUE_POLL_TIMEOUT_SECONDS)
        async with self._client("sqs", config) as client:
            yield cast("SQSClient", client)

    @asynccontextmanager
    async def cloudwatch(self, region: str | None = None) -> AsyncIterator[CloudWatchClient]:
        """Open a client for CloudWatch, in another region than ours if need be.

        Raises ``SettingsError`` for what no region can be called.
        """
        _require_region(region or self.region)
        async with self._client("cloudwatch", self._config(attempts=ATTEMPTS), region=region) as client:
            yield cast("CloudWatchClient", client)

    async def account_id(self) -> str:
        """Ask STS whose credentials these are; returns the 12 digits of the account."""
        async with self._client("sts", self._config(attempts=ATTEMPTS)) as client:
            return (await cast("STSClient", client).get_caller_identity())["Account"]

    def default_role_arn(self, account_id: str) -> str | None:
        """Return the role of the embedded AWS, which asks for one but never uses it; AWS itself has no default."""
        return f"arn:aws:iam::{account_id}:role/{EMBEDDED_ROLE}" if self.embedded else None

    @asynccontextmanager
    async def _client(self, service: str, config: AioConfig, *, region: str | None = None) -> AsyncIterator[object]:
        credentials = embedded_credentials() if self.embedded else {}
        with translated_errors():
            opening = self._session.client(service, region_name=region or self.region, config=config, **credentials)
            client = await opening.__aenter__()
        try:
            yield translating(client, max_connections=self._max_connections)
        finally:
            await opening.__aexit__(None, None, None)

    def _config(
        self,
        *,
        attempts: int,
        read_timeout_seconds: int = READ_TIMEOUT_SECONDS,
        http_session_cls: type[AIOHTTPSession] = AIOHTTPSession,
    ) -> AioConfig:
        return AioConfig(
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=read_timeout_seconds,
            retries={"mode": "standard", "total_max_attempts": attempts},
            max_pool_connections=self._max_connections,
            parameter_validation=False,
            # Without one botocore puts a long one together anew for every call, which is a sixth of its whole cost.
            user_agent=USER_AGENT,
            http_session_cls=http_session_cls,
        )


class _ImpatientSession(AIOHTTPSession):
    """Limits a whole attempt: time-outs of sockets begin anew with every byte that trickles in."""

    async def send(self, request: Any) -> Any:  # requests and answers are the SDK's own types
        try:
            async with asyncio.timeout(STORE_ATTEMPT_SECONDS):
                return await super().send(request)
        except TimeoutError as late:
            raise ReadTimeoutError(endpoint_url=request.url, error=late) from late


class _MeasuringSession(AIOHTTPSession):
    """Does not read an answer whose head says that it is larger than its caller takes."""

    async def send(self, request: Any) -> Any:  # requests and answers are the SDK's own types
        if not answer_sizes.is_limited():
            return await super().send(request)
        request.stream_output = True
        answer: Any = await super().send(request)
        try:
            answer_sizes.check(int(answer.headers.get("content-length", 0)))
            await answer.content
        except TimeoutError as late:
            raise ReadTimeoutError(endpoint_url=request.url, error=late) from late
        except ClientPayloadError as cut:
            raise ConnectionClosedError(endpoint_url=request.url, error=cut) from cut
        except BaseException:
            answer.raw.close()
            raise
        return answer


def connect(settings: AWSSettings) -> AWS:
    """Find out which AWS the environment means; no call is made yet.

    Raises ``SettingsError`` when no region is named, or none can have that name, or the profile does not exist.
    """
    try:
        session = aioboto3.Session(botocore_session=_sdk_session())
        region = settings.region or session.region_name
    except ProfileNotFound as missing:
        raise errors.SettingsError(f"AWS_PROFILE: {missing}") from None
    embedded = is_embedded(os.environ.get("AWS_ENDPOINT_URL_SFN") or os.environ.get("AWS_ENDPOINT_URL"))
    if region is None and not embedded:
        raise errors.SettingsError("AWS_REGION is not set (not needed with `serve --local` and with AWS_ENDPOINT_URL)")
    region = region or EMBEDDED_REGION
    _require_region(region)
    return AWS(
        session,
        region=region,
        embedded=embedded,
        max_connections=settings.max_connections,
    )


def _require_region(region: str) -> None:
    """Refuse early what the SDK would refuse when the client is made, among the errors of calls."""
    try:
        validate_region_name(region)
    except InvalidRegionError:
        raise errors.SettingsError(f"{region!r} is not the name of an AWS region") from None


def _sdk_session() -> AioSession:
    session = AioSession()
    session.register_component("response_parser_factory", answers.StrictParserFactory())
    session.register("provide-client-params.dynamodb", answers.ask_for_proof)
    session.register("after-call", answers.refuse_malformed)
    return session


def is_embedded(endpoint_url: str | None) -> bool:
    """Tell whether an endpoint is a stand-in for AWS."""
    host = urlsplit(endpoint_url).hostname if endpoint_url else None
    return host is not None and not host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws"))


def embedded_credentials() -> dict[str, str]:
    """Return made-up credentials when none are configured, for an AWS that checks none.

    The look-ups that can hang on a machine outside AWS (instance metadata) are never tried.
    """
    configured = any(
        os.environ.get(name)
        for name in (
            "AWS_ACCESS_KEY_ID",
            "AWS_PROFILE",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_SHARED_CREDENTIALS_FILE",
        )
    )
    if configured or Path("~/.aws/credentials").expanduser().exists():
        return {}
    return {"aws_access_key_id": "embedded", "aws_secret_access_key": "embedded"}


def translating(client: ClientT, *, max_connections: int) -> ClientT:
    """Return ``client`` with our errors, and callers beyond ``max_connections`` waiting first come, first served."""
    return cast("ClientT", _TranslatingClient(client, asyncio.Semaphore(max_connections)))


class _TranslatingClient:
    def __init__(self, client: object, slots: asyncio.Semaphore) -> None:
        self._client = client
        self._slots = slots

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(self._client, name)

        async def call(**parameters: object) -> Any:  # answers are the client's own types
            async with self._slots:
                with translated_errors():
                    return await method(**parameters)

        setattr(self, name, call)
        return call


@contextmanager
def translated_errors() -> Iterator[None]:
    """Raise our errors for those of botocore; a call without an answer is ``NoAnswer``."""
    try:
        yield
    except ClientError as refusal:
        raise _translate(refusal) from refusal
    except (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError) as missing:
        raise errors.CredentialsRejected(f"no usable AWS credentials: {missing}") from missing
    except (BotoCoreError, OSError, TimeoutError) as silence:
        raise errors.NoAnswer(f"AWS gave no answer: {silence or type(silence).__name__}") from silence
    except RuntimeError as expired:
        if EXPIRED_CREDENTIALS not in str(expired):
            raise
        raise errors.CredentialsRejected(f"no usable AWS credentials: {expired}") from expired


def _translate(refusal: ClientError) -> errors.WorkflowManagerError:
    answer: Mapping[str, Any] = refusal.response  # each modelled error has members of its own
    code = answer.get("Error", {}).get("Code", "Unknown")
    message = f"{code}: {answer.get('Error', {}).get('Message', '')}".removesuffix(": ")
    if code == "ConditionalCheckFailedException":
        return errors.ConditionFailed(message, found=answer.get("Item"))
    if code == "TransactionCanceledException":
        reasons = answer.get("CancellationReasons", ())
        return errors.TransactionCancelled(
            message, reasons=[errors.CancellationReason(reason["Code"], reason.get("Item")) for reason in reasons]
        )
    known = ERRORS_BY_CODE.get(code)
    if known:
        return known(message)
    http_status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if http_status == HTTPStatus.TOO_MANY_REQUESTS:
        return errors.Throttled(message)
    # AWS names its errors; one without a name is the page of a proxy.
    nameless = code in {"", "Unknown"} or code.isdigit()
    if nameless or http_status >= HTTPStatus.INTERNAL_SERVER_ERROR or http_status == HTTPStatus.REQUEST_TIMEOUT:
        return errors.NoAnswer(f"status {http_status} without an error of AWS" if nameless else message)
    return errors.AWSError(message)
