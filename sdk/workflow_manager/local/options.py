"""What can be chosen of the embedded AWS besides its port."""

from dataclasses import dataclass
from typing import Final

KEEP: Final = 10_000
"""Ended executions that are kept."""


@dataclass(frozen=True)
class Options:
    """The options; the defaults suit a service of the same machine."""

    keep: int = KEEP
    """Ended executions of a region that are kept; beyond it the one that ended first is forgotten."""

    allow_hosts: tuple[str, ...] = ()
    """Names, besides those of this machine, that clients may use for it."""

    def arguments(self) -> list[str]:
        """Write the options as arguments of the child process."""
        return ["--keep", str(self.keep), *(f"--allow-host={host}" for host in self.allow_hosts)]
