"""JSON read strictly: what two readers could understand differently is refused (RFC 8259, RFC 7493)."""

import json
import math
from collections.abc import Iterable
from typing import Any, Final, NoReturn

from workflow_manager import errors

MAX_DEPTH: Final = 200
"""Nesting beyond this is refused; pydantic cannot write deeper values back than 255 levels."""


def loads(text: str | bytes) -> Any:
    """Parse one JSON text.

    Raises ``InvalidRequest`` with a sentence for anything that is not JSON, and for NaN and infinite numbers, numbers
    too large for a double, repeated keys, lone surrogates and nesting deeper than ``MAX_DEPTH``.
    """
    try:
        decoded = text.decode() if isinstance(text, bytes) else text
        value = _DECODER.decode(decoded)
        _refuse_depth(decoded, value)
        if isinstance(text, str):
            text.encode()
        if "\\u" in decoded:
            json.dumps(value, ensure_ascii=False).encode()
    except errors.InvalidRequest:
        raise
    except UnicodeDecodeError:
        raise errors.InvalidRequest("not valid JSON: the text is not UTF-8") from None
    except UnicodeEncodeError:
        raise errors.InvalidRequest("not valid JSON: half of a surrogate pair stands alone") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError as invalid:
        raise errors.InvalidRequest(f"not valid JSON: {invalid}") from None
    return value


def _number(literal: str) -> float:
    value = float(literal)
    if math.isinf(value):
        raise errors.InvalidRequest(f"not valid JSON: the number {literal[:40]} is too large")
    return value


def _constant(literal: str) -> NoReturn:
    raise errors.InvalidRequest(f"not valid JSON: {literal} is not a JSON value")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        repeated = _first_repeated(key for key, _ in pairs)
        raise errors.InvalidRequest(f"not valid JSON: the key {repeated[:80]!r} is given twice in one object")
    return value


def _first_repeated(keys: Iterable[str]) -> str:
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            return key
        seen.add(key)
    return ""


_DECODER: Final = json.JSONDecoder(parse_float=_number, parse_constant=_constant, object_pairs_hook=_object)


def _refuse_depth(text: str, value: object) -> None:
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return
    level: list[object] = [value]
    for _ in range(MAX_DEPTH):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    if any(isinstance(item, dict | list) for item in level):
        raise _too_deep()


def _children(parent: object) -> list[object]:
    if isinstance(parent, dict):
        return [child for child in parent.values() if isinstance(child, dict | list)]
    return [child for child in parent if isinstance(child, dict | list)] if isinstance(parent, list) else []


def _too_deep() -> errors.InvalidRequest:
    return errors.InvalidRequest(f"not valid JSON for this service: nested deeper than {MAX_DEPTH} levels")
