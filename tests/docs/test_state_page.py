"""The page about where the state lives: its walks are walked, and its numbers are the program's own."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.state import a_bench
from msgflash_apply.apply.loop import most_in_flight
from msgflash_apply.errors import BackendError
from msgflash_apply.sandbox.server import Sandbox
from msgflash_apply.state.backends.backend import open_backend
from msgflash_apply.state.backends.base import Holder, Location
from msgflash_apply.state.backends.object_store.lock import Terms
from msgflash_apply.state.backends.postgres.statements import FORMER_DOCUMENTS_KEPT
from msgflash_apply.state.codec import encode_entries
from msgflash_apply.state.commit import init_state
from msgflash_apply.state.journal import Opened
from msgflash_apply.state.reading import read_state
from tests.support.buckets import a_bucket
from tests.support.command import FAST, creates_seen
from tests.support.fates import Cut
from tests.support.proxy import Proxy
from tests.support.states import LINEAGE, intended
from tests.support.stores import Place, Stores
from tests.support.stores.program import call
from tests.support.walk import ROOT, Walker, blocks, prints

PAGE = (ROOT / "docs/state.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## ([^\n]*)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
SERVER = "https://states.acme.example/production"
DATABASE = "postgresql://db.acme.example/campaigns/production"
ID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
KILLED = Holder(
    "6f1d0f62-3b0e-4c53-9c0e-0b7f6a1f2d11", "ci", "runner-7", 4711, "apply", datetime(2026, 11, 20, 8, 0, 3, tzinfo=UTC)
)


@dataclass(frozen=True)
class World:
    """
    Where a section is walked.

    Attributes:
        walker: who follows it.
        shown: what the page calls something, and what that is here.
        before: told each command before it is typed.
    """

    walker: Walker
    shown: dict[str, str] = field(default_factory=dict)
    before: Callable[[str], object] = str

    def type(self, command: str, expected: str) -> str:
        """Type a command as it is meant here; returns what it prints as it is meant on the page."""
        self.before(command)
        for page, here in self.shown.items():
            command = command.replace(page, here)
        printed = self.walker.type(command)
        self._learn(ID.findall(expected), ID.findall(printed))
        for page, here in self.shown.items():
            printed = printed.replace(here, page)
        return printed

    def _learn(self, told: list[str], found: list[str]) -> None:
        """Remember which id stands for which, where a command printed as many as the page shows."""
        if len(told) == len(found):
            self.shown.update(zip(told, found, strict=True))


def at(walker: Walker, place: Place) -> None:
    """Let somebody work on a state at a place."""
    walker.environ.update({**place.environ, "MSGFLASH_STATE": place.url})


@contextmanager
def here(walker: Walker, _: Stores) -> Iterator[World]:
    """Keep the state in the repo."""
    yield World(walker)


@contextmanager
def after_a_kill(walker: Walker, stores: Stores) -> Iterator[World]:
    """Leave what a run left that was killed right after it had sent: a lock, and a journal with an intent."""
    place = stores.place("http", walker.folder)
    at(walker, place)
    backend = place.client()
    init_state(backend, environment="default", lineage=LINEAGE)
    serial = read_state(backend, environment="default").serial
    backend.lock(KILLED)
    head = Opened(KILLED.lock_id, LINEAGE, serial, "default", KILLED.since)
    backend.append(KILLED.lock_id, encode_entries([head, intended("spring", run=KILLED.lock_id)], first=0))
    yield World(walker, {SERVER: place.url})


@contextmanager
def before_an_outage(walker: Walker, stores: Stores) -> Iterator[World]:
    """Let the storage go away as soon as MsgFlash has a create, and come back when somebody wants to recover."""
    server = stores.server("http")
    with Proxy(server.port) as proxy:
        place = server.place(walker.folder, port=proxy.port)
        at(walker, place)
        init_state(place.client(), environment="default", lineage=LINEAGE)
        proxy.count(lambda _number: Cut.BEFORE if creates_seen(walker.sandbox) else None)

        def mend(command: str) -> None:
            if "recover" in command:
                proxy.heal()

        yield World(walker, {SERVER: place.url}, mend)


@contextmanager
def in_a_database(walker: Walker, stores: Stores) -> Iterator[World]:
    """Keep the state in PostgreSQL."""
    place = stores.place("postgres", walker.folder)
    at(walker, place)
    yield World(walker, {DATABASE: place.url})


@contextmanager
def with_a_bucket(walker: Walker, stores: Stores) -> Iterator[World]:
    """Have a bucket, and credentials for it."""
    server = stores.server("s3-moto")
    assert call("PUT", f"http://127.0.0.1:{server.port}/acme-campaigns")[0] in {200, 409}
    walker.environ.update(server.place(walker.folder).environ)
    yield World(walker)


WALKS: Mapping[str, Callable[[Walker, Stores], AbstractContextManager[World]]] = {
    "Locks": after_a_kill,
    "When the storage fails in the middle": before_an_outage,
    "Backup, and disaster": in_a_database,
    "Move a state": with_a_bucket,
    "Encrypt the state with a key of your own": here,
}
NEEDS = {"Backup, and disaster": "postgres", "Move a state": "moto_server"}
PARAMETERS = [pytest.param(name, marks=[pytest.mark.needs(NEEDS[name])] if name in NEEDS else []) for name in WALKS]


@pytest.mark.slow
@pytest.mark.parametrize("name", PARAMETERS)
def test_section_is_walked(name: str, tmp_path: Path, stores: Stores) -> None:
    """Every command of a section prints what the page shows, on a real server."""
    with Sandbox(FAST) as sandbox, WALKS[name](Walker(tmp_path, sandbox), stores) as world:
        for block in blocks(SECTIONS[name]):
            world.walker.write(block)
            for command, expected in block.steps:
                printed = world.type(command, expected)
                assert prints(expected, printed), f"$ {command}\n{printed}"


def row(label: str) -> list[str]:
    """Read the cells of a table's row, without its label."""
    found = re.search(rf"^\| {re.escape(label)} \|(.*)\|$", PAGE, re.MULTILINE)
    assert found is not None, label
    return [cell.strip() for cell in found[1].split("|")]


def test_doubts_are_as_many_as_may_be_in_flight(tmp_path: Path) -> None:
    """The table of storages says how many creates a crash may leave in doubt, as an apply counts it."""
    urls = ("state.json", "s3://acme-campaigns/x", "postgresql://db.acme.example/campaigns/x", "https://acme.example/x")
    locations = [Location(url, tmp_path, {"AWS_REGION": "eu-west-3"}, is_trusted=True) for url in urls]

    told = [most_in_flight(open_backend(location).appends) for location in locations]

    assert [str(number) for number in told] == row("In doubt at most after a crash")


def test_times_and_counts_are_the_programs_own() -> None:
    """A lease, its renewal, the wait for it, and the former documents of a database are told as they are."""
    terms = Terms()

    lock, killed, former = row("Lock")[1], row("After a `kill -9`")[1], row("Former documents")[2]

    assert f"a lease of {terms.lease_seconds:.0f} seconds, renewed every {terms.renew_seconds:.0f}" in lock
    assert killed == f"free after {(terms.lease_seconds + terms.grace_seconds) / 60:.0f} minutes"
    assert former == str(FORMER_DOCUMENTS_KEPT)


def test_variables_are_known() -> None:
    """Every variable that the page names for a storage is read by the program, or by the library that it names."""
    named = set(re.findall(r"\b(?:AWS|GOOGLE|AZURE|TF_HTTP|MSGFLASH|CI)_[A-Z0-9_]+\b", PAGE))
    package = (path.read_text(encoding="utf-8") for path in (ROOT / "msgflash_apply").rglob("*.py"))
    source = "\n".join(package) + (ROOT / "docs/gitlab-ci.yml").read_text(encoding="utf-8")

    assert sorted(name for name in named if name not in source) == ["CI_SERVER_TLS_CA_FILE"]


def test_refusal_of_a_careless_store_is_told(tmp_path: Path) -> None:
    """A store that ignores conditions is refused with the words that the page shows."""
    (shown,) = (block.text for block in blocks(PAGE) if "ignores conditions" in block.text)
    with a_bucket(tmp_path) as bucket:
        bucket.server.ignores = frozenset({"create"})
        with pytest.raises(BackendError) as caught:
            bucket.client().lock(KILLED)

    told = f"Error: {caught.value.summary}\n{caught.value.detail}\n"
    assert told.replace(bucket.client().url, "s3://acme-campaigns/production") == shown


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        ("http", "https"),
        pytest.param("s3-seaweedfs", "`s3://`", marks=pytest.mark.needs("weed")),
        ("gcs", "`gs://`"),
        pytest.param("postgres", "PostgreSQL", marks=pytest.mark.needs("postgres")),
    ],
)
def test_plan_takes_as_many_requests_as_told(kind: str, label: str, stores: Stores, tmp_path: Path) -> None:
    """However many campaigns there are, a plan asks the storage as often as the page says."""
    told = {int(cells[2]) for cells in measured() if cells[0] == label}
    with a_bench(stores.server(kind), 10, tmp_path) as bench:
        assert {bench.plan().requests} == told


def measured() -> list[list[str]]:
    """Read the table of measurements: storage, campaigns, and what follows."""
    table = SECTIONS["How it scales"].partition("| Storage |")[2]
    rows = re.findall(r"^\| (.*) \|$", table.partition("\n\n")[0], re.MULTILINE)[1:]
    return [[cell.strip() for cell in text.split("|")] for text in rows]
