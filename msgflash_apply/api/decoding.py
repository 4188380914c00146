"""From the bytes and headers of an answer, or an error, to what the client tells of it; nothing here can fail."""

import json
import re
from collections.abc import Iterable
from math import isinf

HIDDEN_KEY = "msgf_…".encode()
LONGEST_WAIT_SECONDS = 3600
MOST_LEVELS = 50

_HALF = re.compile("[\ud800-\udfff]")
_HALF_ESCAPE = re.compile(rb"\\ud[89a-f]", re.IGNORECASE)


def without_key(content: bytes, key: str) -> bytes:
    """Take our key out of an answer that echoes it: error texts go on into the journal (contract section 12)."""
    return content.replace(key.encode("ascii"), HIDDEN_KEY)


def decoded(content: bytes) -> object:
    """
    Read JSON; None where it is none, or nested deeper than any answer of MsgFlash.

    Half a character, as JavaScript makes by cutting a text, becomes U+FFFD: it could be neither printed nor stored.
    """
    try:
        document: object = json.loads(content, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        return None
    if not _is_shallow(document):
        return None
    return _whole(document) if _HALF_ESCAPE.search(content) else document


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    """Read a number; one beyond all bounds would be written as `Infinity`, which is no JSON, into reports."""
    number = float(text)
    if isinf(number):
        raise ValueError(f"{text} is too large")
    return number


def _is_shallow(document: object) -> bool:
    level = [document]
    for _ in range(MOST_LEVELS):
        level = [inner for value in level if isinstance(value, (dict, list)) for inner in _inside(value)]
        if not level:
            return True
    return False


def _inside(value: dict[str, object] | list[object]) -> Iterable[object]:
    return value.values() if isinstance(value, dict) else value


def _whole(value: object) -> object:
    if isinstance(value, str):
        return _HALF.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_HALF.sub("\ufffd", name): _whole(inner) for name, inner in value.items()}
    return [_whole(inner) for inner in value] if isinstance(value, list) else value


def seconds_in(retry_after: str) -> float | None:
    """Read a `Retry-After`; None where it is no number of seconds, or one that nobody would wait."""
    try:
        seconds = float(retry_after)
    except ValueError:
        return None
    return seconds if 0 <= seconds <= LONGEST_WAIT_SECONDS else None


def words_of(err: Exception) -> str:
    """Name an error of the network and what it says."""
    return f"{type(err).__name__}: {err}" if str(err) else type(err).__name__
