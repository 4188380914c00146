"""The state at rest, encrypted by us: with the key everything works, without it nothing does, and nothing is told."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import Completed, Repo, created, creates_seen, ids, wait_until
from tests.support.keys import KEY, OTHER_KEY, encrypted, id_of
from tests.support.processes import recovery_file, start_sending
from tests.support.scenes import Scenes, sale_sent
from tests.support.states import LocalBackend

VARIABLE = "MSGFLASH_STATE_KEY"
NEEDS_KEY = "The state is encrypted, and no key is set."


def locked_up(repo: Repo) -> None:
    """Encrypt the state, and give the key to whoever works in the repo."""
    repo.environ[VARIABLE] = KEY
    assert repo.run("state", "rekey").code == 0


def sale_locked_up(repo: Repo) -> None:
    """Encrypt the state, and create the campaign `sale`."""
    locked_up(repo)
    sale_sent(repo)


@pytest.fixture
def locked(repo: Repo, scenes: Scenes) -> Repo:
    """Make a repo whose state is encrypted, and whoever works in it has the key."""
    return scenes.begin(locked_up, repo)


@pytest.fixture
def sold(repo: Repo, scenes: Scenes) -> Repo:
    """Make such a repo whose campaign `sale` is created."""
    return scenes.begin(sale_locked_up, repo)


def without_key(repo: Repo, *arguments: str) -> Completed:
    """Run a command as somebody who has no key."""
    return repo.run(*arguments, env={VARIABLE: ""})


def with_key(repo: Repo, key: str, *arguments: str) -> Completed:
    """Run a command as somebody who has another key."""
    return repo.run(*arguments, env={VARIABLE: key})


def stored(repo: Repo) -> bytes:
    """Gather all that lies in the state's folder."""
    return b"\n".join(path.read_bytes() for path in sorted(repo.state.parent.iterdir()) if path.is_file())


def secrets_of(repo: Repo) -> Iterator[bytes]:
    """Name what an encrypted state must not show: addresses, ids, texts, and its key."""
    yield from (id_.encode() for id_ in ids(repo.sandbox).values())
    yield from (f'"{name}"'.encode() for name in created(repo.sandbox))
    yield from (b"Hello from", KEY.encode())


def shows_nothing(repo: Repo, data: bytes) -> bool:
    """Whether none of it is in there."""
    return not [secret for secret in secrets_of(repo) if secret in data]


def test_apply_with_a_key(locked: Repo, sandbox: Sandbox) -> None:
    """With the key an apply creates each campaign once, and what lies on the disk says nothing of them."""
    locked.campaign("promo-sale")

    assert locked.apply().code == 0
    assert locked.apply().code == 0

    assert created(sandbox) == {"promo-sale": 1}
    assert shows_nothing(locked, stored(locked))
    assert locked.actions() == {"promo-sale": "no-op"}


def test_first_state_is_encrypted_where_a_key_is_set(repo: Repo) -> None:
    """`init` with a key makes an encrypted state; its key may lie in a file, named for each environment."""
    repo.write("msgflash.yaml", "version: 1\nenvironments:\n  eu: {state_key_file: '.keys/{environment}'}\n")
    repo.write(".keys/eu", f"{KEY}\n").chmod(0o600)

    made = repo.run("--env", "eu", "init")

    assert (made.code, made.err) == (0, "")
    assert json.loads((repo.folder / ".msgflash/eu.json").read_text())["key"] == id_of(KEY)
    assert repo.run("--env", "eu", "state", "list").code == 0


@pytest.mark.parametrize(
    "command",
    [
        ("plan",),
        ("apply", "--auto-approve"),
        ("drift",),
        ("status",),
        ("calendar",),
        ("state", "list"),
        ("state", "pull"),
        ("state", "mv", "sale", "sold"),
        ("resolve", "sale", "--not-created", "--yes"),
    ],
    ids=" ".join,
)
def test_nothing_goes_without_the_key(locked: Repo, sandbox: Sandbox, command: tuple[str, ...]) -> None:
    """Without a key, or with another one, every command that needs the state stops, and says which key it takes."""
    locked.campaign("sale")
    before = locked.files()

    for refused, summary in (
        (without_key(locked, *command), NEEDS_KEY),
        (with_key(locked, OTHER_KEY, *command), "The state is encrypted with another key."),
    ):
        assert (refused.code, refused.out) == (1, "")
        assert f"Error: {summary}" in refused.err
        assert f"it needs key {id_of(KEY)}" in refused.err
        assert OTHER_KEY not in refused.err
    assert (locked.files(), creates_seen(sandbox)) == (before, 0)


def test_pull_requests_need_no_key(locked: Repo) -> None:
    """Files are checked and previewed without the state, so without its key."""
    locked.campaign("sale")

    assert without_key(locked, "validate").code == 0
    assert without_key(locked, "plan", "--offline", "--no-state").code == 0


def test_plain_state_is_refused_while_a_key_is_set(repo: Repo, sandbox: Sandbox) -> None:
    """A state of plain text is used by nobody who has a key, until a person has it encrypted."""
    repo.campaign("sale")
    repo.environ[VARIABLE] = KEY

    refused = repo.apply()
    assert refused.code == 1
    assert "Error: The state is not encrypted." in refused.err
    assert creates_seen(sandbox) == 0

    assert repo.run("state", "rekey").code == 0
    assert repo.apply().code == 0


def test_nothing_plain_is_left_by_a_rekey(repo: Repo, scenes: Scenes) -> None:
    """A state that was used in plain text leaves none in its folder, neither as a journal nor as a backup."""
    scenes.begin(sale_sent, repo)
    assert not shows_nothing(repo, stored(repo))

    done = with_key(repo, KEY, "state", "rekey")

    assert done.out.startswith(f"The state is encrypted with key {id_of(KEY)} now, at serial 4. Before, it was plain")
    assert shows_nothing(repo, stored(repo))


def test_key_is_changed(sold: Repo) -> None:
    """With both keys at hand the state moves to the new one, and the old one opens nothing any more."""
    assert with_key(sold, f"{OTHER_KEY} {KEY}", "plan").code == 0

    done = with_key(sold, f"{OTHER_KEY} {KEY}", "state", "rekey")

    assert f"It does not need {id_of(KEY)} any more." in done.out
    assert with_key(sold, OTHER_KEY, "plan").code == 0
    assert with_key(sold, KEY, "plan").code == 1
    assert id_of(KEY).encode() not in stored(sold)


def test_state_is_decrypted(sold: Repo) -> None:
    """`state rekey --decrypt` brings plain text back, for whoever has no key."""
    assert sold.run("state", "rekey", "--decrypt").code == 0

    assert without_key(sold, "plan", "--detailed-exitcode").code == 0
    assert list(sold.records) == ["sale"]


def test_rekey_needs_a_key(repo: Repo) -> None:
    """Without any key there is nothing to encrypt with, and the error says how to set one."""
    refused = repo.run("state", "rekey")

    assert refused.code == 1
    assert "There is no state key." in refused.err
    assert f"export {VARIABLE}=..." in refused.err


def test_killed_apply_leaves_an_encrypted_journal(locked: Repo, sandbox: Sandbox) -> None:
    """What a killed run leaves shows nothing, and with the key it is taken in: in doubt, not sent again."""
    locked.campaigns(4)
    sandbox.add_fault("POST /api/v1/campaigns delay seconds=30 times=*")
    running = locked.start("apply", "--auto-approve")
    wait_until(lambda: entries(locked) == 8)
    running.process.kill()
    running.wait()
    sandbox.clear_faults()

    assert shows_nothing(locked, stored(locked))
    assert locked.apply().code == 3
    assert set(locked.actions().values()) == {"blocked"}


def entries(repo: Repo) -> int:
    """Count the entries in the journals of a state: a run's head, server, approval and marker, and each intent."""
    backend = encrypted(LocalBackend(repo.state), KEY)
    return sum((backend.read_journal(journal) or b"").count(b"\n") for journal in backend.journals())


@pytest.mark.slow
def test_recovery_file_is_encrypted_too(locked: Repo, sandbox: Sandbox) -> None:
    """What the storage refused is written encrypted, and comes back with the key and only with it."""
    locked.campaigns(20)
    sandbox.add_fault("POST /api/v1/campaigns delay seconds=0.5 times=*")
    running = start_sending(locked, creates=2)
    aside = locked.state.parent.rename(locked.folder / "aside")
    file = recovery_file(running.wait())
    aside.rename(locked.state.parent)
    sandbox.clear_faults()

    assert shows_nothing(locked, file.read_bytes())
    assert NEEDS_KEY in without_key(locked, "state", "recover", str(file)).err
    recovered = locked.run("state", "recover", str(file))
    assert (recovered.code, recovered.out.startswith("0 ")) == (0, False)
    assert locked.apply().code == 0
    assert set(created(sandbox).values()) == {1}


def test_altered_recovery_file_is_refused(locked: Repo) -> None:
    """A recovery file is what the run wrote, or it is refused; a document is none."""
    document = locked.write("recovery.jsonl", locked.state.read_text())

    refused = locked.run("state", "recover", str(document))

    assert refused.code == 1
    assert "it was altered after it was encrypted, or belongs in another place" in refused.err


def test_pulled_document_is_plain_and_can_be_pushed(sold: Repo) -> None:
    """`state pull` prints plain text for whoever has the key; `push` takes it, and stores it encrypted."""
    pulled = sold.run("state", "pull")
    copy = sold.write("copy.json", pulled.out)

    assert list(json.loads(pulled.out)["campaigns"]) == ["sale"]
    assert sold.run("state", "push", "--force", str(copy)).code == 0
    assert shows_nothing(sold, stored(sold))
    assert sold.actions() == {"sale": "no-op"}


def test_encrypted_backup_can_be_pushed(sold: Repo) -> None:
    """A former document is put back as it was kept, with the key; without, the error says that it needs one."""
    backup = Path(f"{sold.state}.backup")
    backup.rename(sold.folder / "former.json")

    assert NEEDS_KEY in without_key(sold, "state", "push", "--force", "former.json").err
    assert sold.run("state", "push", "--force", "former.json").code == 0
    assert "holds no campaigns" in sold.run("state", "list").out


def test_altered_state_is_damaged(locked: Repo, sandbox: Sandbox) -> None:
    """A state that somebody altered, key or not, is damage, and nothing is sent."""
    locked.campaign("sale")
    text = locked.state.read_text()
    at = text.index('"data": "') + 40
    locked.state.write_text(text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :])

    refused = locked.apply()

    assert refused.code == 1
    assert "Error: The state is damaged." in refused.err
    assert creates_seen(sandbox) == 0


def test_key_in_the_project_file_is_not_repeated(locked: Repo) -> None:
    """A key that somebody wrote into msgflash.yaml is refused, and taken out of the line that is quoted."""
    for field in ("state_key_file", "state_key"):
        locked.write("msgflash.yaml", f"version: 1\n{field}: {KEY}\n")
        refused = locked.run("plan")
        assert refused.code == 1
        assert "msgflash.yaml:2:" in refused.err
        assert KEY not in refused.err


def test_key_is_written_nowhere(locked: Repo) -> None:
    """Whatever is logged, printed or written, the key is not in it, nor are its bytes."""
    locked.campaign("sale")

    said = [locked.run("--log-level", "debug", *command) for command in (("plan",), ("apply", "--auto-approve"))]

    everything = b"".join([*(f"{one.out}{one.err}".encode() for one in said), *(d for d, _ in locked.files().values())])
    for secret in (KEY.encode(), bytes(range(32)), bytes(range(32)).hex().encode()):
        assert secret not in everything


def test_library_loads_with_the_first_key(repo: Repo) -> None:
    """A state of plain text is read without the library for encryption, an encrypted one with it."""
    traced = {"PYTHONPROFILEIMPORTTIME": "1"}
    assert "cryptography" not in repo.run("state", "list", env=traced).err
    repo.environ[VARIABLE] = KEY
    assert repo.run("state", "rekey").code == 0
    assert "cryptography" in repo.run("state", "list", env=traced).err
