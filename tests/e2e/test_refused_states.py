"""States that cannot be used: torn, altered, lost, or somebody else's. Every command refuses, and says what to do."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from msgflash_apply.sandbox.server import Sandbox
from msgflash_apply.state.codec import encode, encode_entries
from msgflash_apply.state.journal import Opened
from tests.golden.conftest import TextFiles
from tests.support.builders import NOW, a_record, a_snapshot
from tests.support.command import Repo, campaign_text, creates_seen

COMMANDS = (
    ("plan",),
    ("apply", "--auto-approve"),
    ("state", "list"),
    ("resolve", "sale", "--not-created", "--yes"),
)
DOCUMENT = encode(a_snapshot({"sale": a_record()}))
JOURNAL = "default.journal-run-9.jsonl"


def damage(content: bytes) -> Callable[[Path], None]:
    """Put other bytes in the place of the document."""
    return lambda folder: bytes_to(folder / "default.json", content)


def beside(content: bytes) -> Callable[[Path], None]:
    """Put a good document there, and a journal beside it."""

    def put(folder: Path) -> None:
        bytes_to(folder / "default.json", DOCUMENT)
        bytes_to(folder / JOURNAL, content)

    return put


def bytes_to(path: Path, content: bytes) -> None:
    """Write a file."""
    path.write_bytes(content)


def lose(folder: Path) -> None:
    """Lose all of it."""
    for path in folder.iterdir():
        path.unlink()


def lose_document(folder: Path) -> None:
    """Lose the document, and keep its backup."""
    (folder / "default.json").rename(folder / "default.json.backup")


def newer() -> bytes:
    """Write a document as a later version would: with a proof of its own."""
    lines = DOCUMENT.replace(b'"format_version": 3', b'"format_version": 4').splitlines(keepends=True)
    body = b"".join(line for line in lines if not line.startswith(b'  "checksum"'))
    proof = f'  "checksum": "sha256:{sha256(body).hexdigest()}",\n'.encode()
    return body.replace(b'  "environment"', proof + b'  "environment"')


def head(*, lineage: str = a_snapshot().lineage, serial: int = 7) -> bytes:
    """Write the head of a journal."""
    return encode_entries([Opened("run-9", lineage, serial, "default", NOW)], first=0)


STATES: dict[str, Callable[[Path], None]] = {
    "gone": lose,
    "document-gone": lose_document,
    "empty": damage(b""),
    "truncated": damage(DOCUMENT[: DOCUMENT.index(b'"sale"')]),
    "edited-by-hand": damage(DOCUMENT.replace(b'"id": "id-sale"', b'"id": "id-mine"')),
    "merge-conflict": damage(b"<<<<<<< HEAD\n" + DOCUMENT),
    "other-environment": damage(encode(replace(a_snapshot(), environment="staging"))),
    "newer-version": damage(newer()),
    "moved": damage(encode(replace(a_snapshot({"sale": a_record()}), moved="s3://acme/production"))),
    "campaign-yaml": damage(campaign_text("sale").encode()),
    "terraform-state": damage(json.dumps({"version": 4, "serial": 7, "lineage": "x", "resources": []}).encode()),
    "journal-of-another-lineage": beside(head(lineage="another")),
    "older-copy": beside(head(serial=8)),
    "journal-altered": beside(head().replace(b"run-9", b"run-8")),
}


def copy(repo: Repo, number: int) -> Repo:
    """Copy a repo, so that the commands can run side by side without waiting for each other's lock."""
    folder = repo.folder.with_name(f"{repo.folder.name}-{number}").resolve()
    shutil.copytree(repo.folder, folder)
    return Repo(folder, repo.sandbox)


@pytest.mark.parametrize("name", STATES)
def test_unusable_state_is_refused_by_every_command(
    repo: Repo, sandbox: Sandbox, snapshot: SnapshotAssertion, name: str
) -> None:
    """Every command says the same about it and what to do, sends no create, and leaves every byte as it is."""
    repo.campaign("sale")
    STATES[name](repo.state.parent)
    copies = [copy(repo, number) for number in range(len(COMMANDS))]
    before = sorted(repo.files().values())

    running = [each.start(*command) for each, command in zip(copies, COMMANDS, strict=True)]
    done = [command.wait() for command in running]

    assert [command.code for command in done] == [1] * len(COMMANDS)
    [said] = {command.err.replace(str(each.folder), "/repo") for each, command in zip(copies, done, strict=True)}
    assert said == snapshot.use_extension(TextFiles)
    assert creates_seen(sandbox) == 0
    assert [sorted(each.files().values()) for each in copies] == [before] * len(COMMANDS)
