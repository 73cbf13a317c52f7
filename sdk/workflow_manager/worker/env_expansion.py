"""Variables in the settings of a worker: ``$VAR`` and ``${VAR}``."""

import re
from collections.abc import Mapping
from typing import Final

import structlog

log = structlog.get_logger()

_VARIABLE: Final = re.compile(
    r"\$(?:\{(?P<braced>[^}]*)\}|(?P<special>[*#$@!?0-9-])|(?P<plain>[A-Za-z_][A-Za-z0-9_]*))"
)


def expand(text: str, environ: Mapping[str, str]) -> str:
    """Replace ``$VAR`` and ``${VAR}`` by their values, and by nothing when they are not set.

    The rules are those of Go's ``os.ExpandEnv``, which ``sfncli`` uses: a ``$`` before anything else stays.
    """

    def value(match: re.Match[str]) -> str:
        name = next(name for name in match.groups() if name is not None)
        if name not in environ:
            log.warning("variable in the settings is not set", action="variable-unset", variable=name, text=text)
        return environ.get(name, "")

    return _VARIABLE.sub(value, text)
