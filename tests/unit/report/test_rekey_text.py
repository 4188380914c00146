"""What `state rekey` prints: what is now, what to do next, and what is left in the former form."""

from msgflash_apply.report.state_text import rekeyed_to_text
from msgflash_apply.state.backends.base import Backup
from msgflash_apply.state.rekey import Rekeyed
from tests.support.builders import NOW

ELSEWHERE = "Copies elsewhere (backups of a disk, versions in a bucket, what was pulled) stay as they were."


def test_first_key() -> None:
    """After the first encryption: who needs the key now, and what losing it means."""
    text = rekeyed_to_text(Rekeyed(None, "aaa", 3, ()), unneeded=[])

    assert text.splitlines() == [
        "The state is encrypted with key aaa now, at serial 3. Before, it was plain text.",
        "From now on every run needs the key. Keep a copy of it: without the key the state is lost.",
        ELSEWHERE,
    ]


def test_next_key() -> None:
    """After a change of keys: which ones are needed no more."""
    text = rekeyed_to_text(Rekeyed("aaa", "bbb", 3, ()), unneeded=["aaa", "ccc"])

    assert text.splitlines() == [
        "The state is encrypted with key bbb now, at serial 3. Before, it was encrypted with key aaa.",
        "It does not need aaa, ccc any more. Remove that once no other state needs it.",
        ELSEWHERE,
    ]


def test_no_key_any_more() -> None:
    """After decryption: take the key away."""
    text = rekeyed_to_text(Rekeyed("aaa", None, 3, ()), unneeded=["aaa"])

    assert text.splitlines()[1:] == [
        "Take the key away everywhere: while one is set, plain text is refused.",
        ELSEWHERE,
    ]


def test_former_documents() -> None:
    """Former documents in another form are named, ten of them, and the rest counted."""
    former = tuple(Backup(f"v{number}", NOW, 7) for number in range(12))

    text = rekeyed_to_text(Rekeyed("aaa", "aaa", 3, former), unneeded=[]).splitlines()

    assert text[1].startswith("The storage keeps these former documents in another form")
    assert text[2] == f"    v0, {NOW:%Y-%m-%d %H:%M:%S} UTC"
    assert text[11:] == [f"    v9, {NOW:%Y-%m-%d %H:%M:%S} UTC", "    and 2 more"]
