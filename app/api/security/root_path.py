"""The path that the service is published under, when a proxy gives it only a part of a host."""

from collections.abc import Iterable, MutableMapping
from typing import Any

from workflow_manager import errors


def place(scope: MutableMapping[str, Any], root_path: str) -> None:
    """Let a request be one below ``root_path``, whether or not the proxy has removed that from its path."""
    scope["root_path"] = root_path
    path: str = scope["path"]
    if path != root_path and not path.startswith(f"{root_path}/"):
        scope["path"] = f"{root_path}{path}"


def refuse_ambiguous(root_path: str, paths: Iterable[str]) -> None:
    """Refuse a root path that a path of the API could begin with. Raises ``SettingsError``."""
    first = root_path.split("/")[1]
    if any(path.split("/")[1] == first for path in paths):
        raise errors.SettingsError(
            f"wrong settings: WFM_ROOT_PATH: the paths of the service itself begin with /{first}; choose another"
        )
