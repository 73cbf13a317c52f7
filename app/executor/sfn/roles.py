"""Which IAM role the state machines of a namespace run with."""

import re
from collections.abc import Mapping
from typing import Final, Self

from workflow_manager import errors

ANY: Final = "*"


class NamespaceRoles:
    """Role ARNs by globs of namespaces, in which ``*`` stands for any number of characters.

    Of several globs that match a namespace, one without ``*`` counts first, then the one with more other characters,
    then the one that was given first.
    """

    def __init__(self, arns: Mapping[str, str]) -> None:
        ordered = sorted(arns, key=lambda glob: (ANY in glob, -len(glob.replace(ANY, ""))))
        self._arns = [(_pattern(glob), arns[glob]) for glob in ordered]

    @classmethod
    def same(cls, arn: str) -> Self:
        """Return one role for all namespaces."""
        return cls({ANY: arn})

    def arn(self, namespace: str) -> str:
        """Return the role of a namespace. Raises ``NamespaceWithoutRole``; there is no default."""
        for pattern, arn in self._arns:
            if pattern.fullmatch(namespace):
                return arn
        raise errors.NamespaceWithoutRole(
            f"the namespace {namespace!r} has no role to run state machines with; check the name, or have the role "
            "added to WFM_SFN_ROLES"
        )


def _pattern(glob: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, re.split(r"\*+", glob))))
