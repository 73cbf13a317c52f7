"""Redrives: an execution that failed goes on from where it failed, under the same ARN."""

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types_aiobotocore_stepfunctions import SFNClient


async def redrive(sfn: "SFNClient", execution_arn: str, *, client_token: str) -> datetime:
    """Redrive an execution; return the date of the redrive.

    Step Functions answers a token that it has taken for this execution in the last 15 minutes, if it is among the last
    ten, with the date of then, whatever has become of the execution since. So the same token redrives once; after that
    time ask for ``redriveCount`` first. Use one token per number of a redrive: 1 to 64 printable ASCII characters.

    Raises ``NotRedrivable`` in AWS's words, ``ExecutionNotFound``, ``LimitReached``, and ``NoAnswer`` when the result
    is unknown.
    """
    answer = await sfn.redrive_execution(executionArn=execution_arn, clientToken=client_token)
    return answer["redriveDate"]
