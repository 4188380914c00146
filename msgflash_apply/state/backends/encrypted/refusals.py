"""Why an encrypted state is not read, or a plain one not trusted: which key it takes, and never a key itself."""

from collections.abc import Sequence

from msgflash_apply.errors import StateDamaged, StateError
from msgflash_apply.state.backends.encrypted.envelope import damaged, read_envelope

_PLAIN_DOCUMENT = b'"format_version"'
_PLAIN_ENTRY = b'{"checksum":"'


def without_key(data: bytes, *, where: str) -> StateError | None:
    """
    Say that bytes are encrypted and that it takes a key to read them; None if they are not encrypted.

    Raises:
        StateDamaged, StateError: as for `read_envelope`.
    """
    envelope = read_envelope(data, where=where)
    if envelope is None:
        return None
    return StateError(
        "The state is encrypted, and no key is set.",
        f"{where}: it needs key {envelope.key_id}.",
        "Set that key in the environment, or name a file that holds it as state_key_file in msgflash.yaml:\n"
        "    export MSGFLASH_STATE_KEY=...",
    )


def another_key(where: str, key_id: str, at_hand: Sequence[str]) -> StateError:
    """Say that none of the keys at hand is the one that is needed; shows ids alone."""
    return StateError(
        "The state is encrypted with another key.",
        f"{where}: it needs key {key_id}; at hand: {', '.join(at_hand)}.",
        "Set the key that it needs, in MSGFLASH_STATE_KEY or in the file that state_key_file names. The ids are "
        "digests of keys.\n"
        "While one key takes another's place give both, the new one first, and then run once:\n"
        "    msgflash-apply state rekey",
    )


def altered(where: str) -> StateDamaged:
    """Say that bytes are not as they were encrypted, or not in the place for which they were."""
    return damaged(where, "it was altered after it was encrypted, or belongs in another place")


def not_encrypted(data: bytes, where: str) -> StateError:
    """Say why bytes that should be encrypted and are not cannot be used: plain text of ours, or damage."""
    if _PLAIN_DOCUMENT not in data and not data.startswith(_PLAIN_ENTRY):
        return damaged(where, "it is neither encrypted nor a state" if data.strip() else "it is empty")
    return StateError(
        "The state is not encrypted.",
        f"{where}: a key is set, and this is plain text. Anyone with write access could have put it there.",
        "If it never was encrypted, encrypt it now, once:\n"
        "    msgflash-apply state rekey\n"
        "If it was encrypted, it has been replaced: restore the encrypted one.",
    )
