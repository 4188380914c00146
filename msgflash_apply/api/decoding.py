"""From the bytes and headers of an answer, or an error, to what the client tells of it; nothing here can fail."""

import json

HIDDEN_KEY = "msgf_…".encode()
LONGEST_WAIT_SECONDS = 3600


def without_key(content: bytes, key: str) -> bytes:
    """Take our key out of an answer that echoes it: error texts go on into the journal (contract section 12)."""
    return content.replace(key.encode("ascii"), HIDDEN_KEY)


def decoded(content: bytes) -> object:
    """Read JSON; None where it is none."""
    try:
        document: object = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return document


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
