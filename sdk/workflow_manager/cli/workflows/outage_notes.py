"""Telling a person that the service is away, and that it is back."""

from collections.abc import Callable

from workflow_manager import errors
from workflow_manager.cli.output.console import note

OutageTeller = Callable[[errors.Unavailable | None], None]


class OutageNotes:
    """Says so on the error stream, once for each outage."""

    def __init__(self) -> None:
        self._away = False

    def tell(self, outage: errors.Unavailable | None) -> None:
        """Take note of an attempt in vain, or that the service has answered again."""
        if outage is None:
            note("The service is available again.")
        elif not self._away:
            note(f"The service is unavailable; retrying. {outage.message}")
        self._away = outage is not None
