"""Names and ARNs that the service gives to what it uses at AWS."""

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Final

MAX_STATE_MACHINE_NAME_LENGTH: Final = 80

_SEPARATOR: Final = "--"

_REFUSED: Final = re.compile(r"[^A-Za-z0-9._!'()+=@-]")
"""What CreateStateMachine refuses in a name (whitespace, control characters, ``<>{}[]?*"#%\\^|~`$&,;:/``), and what is
not ASCII, which keeps logs from being written."""

_HASH_LENGTH: Final = 26
"""Hexadecimal digits: 104 bits, so that collisions cannot be found."""

_HASHED: Final = re.compile(rf"-(?:[0-9a-f]{{12}}|[0-9a-f]{{{_HASH_LENGTH}}})\Z")
"""How a name with a hash ends; earlier versions appended 12 digits, and their state machines are still there."""

MAX_ACTIVITY_NAME_LENGTH: Final = 80
MAX_FUNCTION_NAME_LENGTH: Final = 64

_FUNCTION_NAME_REFUSED: Final = re.compile(r"[^A-Za-z0-9_-]")

_PARTITIONS: Final = (
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-isob-", "aws-iso-b"),
    ("us-isof-", "aws-iso-f"),
    ("us-iso-", "aws-iso"),
    ("eu-isoe-", "aws-iso-e"),
    ("eusc-", "aws-eusc"),
)


def partition(region: str) -> str:
    """Return the partition of a region, the second part of its ARNs."""
    return next((name for prefix, name in _PARTITIONS if region.startswith(prefix)), "aws")


def activity_arn(name: str, *, namespace: str, region: str, account_id: str) -> str:
    """Return the ARN of the activity that workers of a name poll in a namespace."""
    return f"arn:{partition(region)}:states:{region}:{account_id}:activity:{scoped(name, namespace=namespace)}"


def lambda_arn(name: str, *, namespace: str, region: str, account_id: str) -> str:
    """Return the ARN of the Lambda function of a name in a namespace."""
    return f"arn:{partition(region)}:lambda:{region}:{account_id}:function:{scoped(name, namespace=namespace)}"


def activity_name_problem(name: str, *, namespace: str) -> str | None:
    """Say why a namespace can have no activity of a name, or return None (CreateActivity, name)."""
    return _name_problem("activity", scoped(name, namespace=namespace), _REFUSED, MAX_ACTIVITY_NAME_LENGTH)


def lambda_name_problem(name: str, *, namespace: str) -> str | None:
    """Say why a namespace can have no Lambda function of a name, or return None (CreateFunction, FunctionName)."""
    full = scoped(name, namespace=namespace)
    return _name_problem("Lambda function", full, _FUNCTION_NAME_REFUSED, MAX_FUNCTION_NAME_LENGTH)


def _name_problem(what: str, name: str, refused: re.Pattern[str], longest: int) -> str | None:
    found = refused.search(name)
    if found:
        return f"there can be no {what} {name[:200]!r}: AWS refuses {found[0]!r} in its name"
    if len(name) > longest:
        return f"there can be no {what} {name[:200]!r}: its name has {len(name)} characters, and AWS allows {longest}"
    return None


def glue_arn(*, region: str) -> str:
    """Return the ARN of the integration that runs a Glue job and waits for it."""
    return f"arn:{partition(region)}:states:::glue:startJobRun.sync"


def scoped(name: str, *, namespace: str) -> str:
    """Return the name of a resource within a namespace."""
    return f"{namespace}{_SEPARATOR}{name}"


def state_machine_name(
    namespace: str,
    name: str,
    version: int,
    start_at: str,
    *,
    installation: str = "",
    restored: Sequence[str] | None = None,
) -> str:
    """Return the name of the state machine that runs a definition version in a namespace from a state.

    It is ``NAMESPACE--NAME--VERSION--START_AT``. A hash of the four parts is appended wherever that alone could stand
    for other parts as well: characters had to be replaced, it was too long, ``--`` or a dash at an edge blurs where a
    part ends, or it ends like a name with a hash. An ``installation`` with a name of its own always gets a hash, which
    covers that name too: several in one account never share a state machine. So does a machine that restores variables
    before it starts; the hash covers the ``restored`` names.
    """
    plain = _SEPARATOR.join((namespace, name, str(version), start_at))
    cleaned = _REFUSED.sub("-", plain)
    unambiguous = (
        not installation
        and restored is None
        and cleaned == plain
        and len(plain) <= MAX_STATE_MACHINE_NAME_LENGTH
        and not _blurred(namespace, name, start_at)
        and not _HASHED.search(plain)
    )
    if unambiguous:
        return plain
    parts: list[object] = [namespace, name, version, start_at, *([installation] if installation else [])]
    parts += [] if restored is None else [list(restored)]
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:_HASH_LENGTH]
    return f"{cleaned[: MAX_STATE_MACHINE_NAME_LENGTH - _HASH_LENGTH - 1]}-{digest}"


def _blurred(*parts: str) -> bool:
    return any(_SEPARATOR in part or part.startswith("-") or part.endswith("-") or not part for part in parts)
