"""
Connections and servers that fail at every step of a run, on every remote kind of store.

A run is small and whole: lock, open, two creates announced and told, commit, unlock. It is spoiled once for each
exchange with the server; then another client, on another machine as far as anybody can tell, must find all that was
durable, and be able to go on.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from msgflash_apply.errors import BackendError, StateDamaged, StateError
from msgflash_apply.state.backends.base import Backend
from msgflash_apply.state.journal import Entry
from msgflash_apply.state.ledger import Ledger, init_state, read_state
from msgflash_apply.state.lock import Claim
from msgflash_apply.state.recovery import recover, recovery_lines
from msgflash_apply.state.replay import fold
from msgflash_apply.state.snapshot import Snapshot
from tests.support.builders import NOW
from tests.support.fates import Cut, Fate, Fates, Late, Say, always, only, since
from tests.support.proxy import Proxy
from tests.support.states import ENVIRONMENT, LINEAGE, a_holder, a_run, created, intended, take_the_lock_away
from tests.support.stores import Place, Server, Stores, every_storage, kinds, one_of_each

ENTRIES: tuple[Entry, ...] = (intended("sale"), created("sale"), intended("tea"), created("tea"))
BEGIN = Snapshot(LINEAGE, 1, ENVIRONMENT, campaigns={}, in_doubt={}, history={})
AT_ONCE = 6
"""Runs that are spoiled side by side, each through a proxy of its own: what they do most is wait before they retry."""


@dataclass
class Life:
    """
    One run as far as it came.

    Attributes:
        told: what was durable as far as the run could tell.
        error: what ended it; None if nothing did.
    """

    told: list[Entry] = field(default_factory=list)
    error: BackendError | StateError | None = None


@dataclass(frozen=True)
class Way:
    """A place with a state in it, the proxy on the way there, and what stands behind it."""

    place: Place
    proxy: Proxy
    server: Server

    def witness(self) -> Backend:
        """Build a client of the same place that does not come by the proxy."""

        def directly(text: str) -> str:
            return text.replace(f":{self.proxy.port}", f":{self.server.port}")

        environ = {name: directly(text) for name, text in self.place.environ.items()}
        return replace(self.place, url=directly(self.place.url), environ=environ).client()


@pytest.fixture(params=every_storage())
def kind(request: pytest.FixtureRequest) -> str:
    """Try each remote kind."""
    return str(request.param)


@pytest.fixture
def server(kind: str, stores: Stores) -> Server:
    """Serve states of this kind."""
    return stores.server(kind)


@pytest.fixture
def way(server: Server, tmp_path: Path) -> Iterator[Way]:
    """Make a state, with a proxy on the way to it."""
    with a_way(server, tmp_path) as made:
        yield made


@contextmanager
def a_way(server: Server, folder: Path) -> Iterator[Way]:
    """Make a state, with a proxy on the way to it that counts from now on."""
    with Proxy(server.port) as proxy:
        place = server.place(folder, port=proxy.port)
        init_state(place.client(), environment=ENVIRONMENT, lineage=LINEAGE)
        proxy.count()
        yield Way(place, proxy, server)


def live(backend: Backend, between: Callable[[int], object] = lambda _number: None) -> Life:
    """
    Run until the end, or until the storage says no: anything but an error of ours is a failure of the test.

    Args:
        backend: a client that is new.
        between: called before each entry and before the commit, with how many entries are durable.
    """
    life = Life()
    try:
        with a_run(backend) as ledger:
            for entry in ENTRIES:
                between(len(life.told))
                ledger.append(entry)
                life.told.append(entry)
            between(len(life.told))
    except (BackendError, StateError) as err:
        life.error = err
    return life


def check(place: Place, life: Life) -> None:
    """Check as another client that all that was durable is there, and that the state can be written again."""
    client = place.client()
    state = comparable(read_state(client, environment=ENVIRONMENT))
    # The entry on its way when the run ended may have come through; nobody knows, and either is right.
    assert state in (fold(BEGIN, life.told), fold(BEGIN, ENTRIES[: len(life.told) + 1]))
    take_the_lock_away(client)
    with a_run(client, "next") as ledger:
        assert comparable(ledger.snapshot) == state
    assert comparable(read_state(client, environment=ENVIRONMENT)) == state
    assert client.holder() is None


def expect(witness: Backend, durable: int) -> None:
    """Check that all entries that a run takes for durable are there at this moment, whatever becomes of the run."""
    assert comparable(read_state(witness, environment=ENVIRONMENT)) == fold(BEGIN, ENTRIES[:durable])


def comparable(state: Snapshot) -> Snapshot:
    """Take away what the document says of itself."""
    return replace(state, serial=1, journal=None)


def spoil(server: Server, folder: Path, fates: Sequence[Fates]) -> list[tuple[Life, int]]:
    """Live once with each of these fates, check each, and tell how each ended and after how many exchanges."""

    def one(chosen: Fates) -> tuple[Life, int]:
        with a_way(server, folder) as way:
            witness = way.witness()
            way.proxy.count(chosen)
            life = live(way.place.client(), between=lambda told: expect(witness, told))
            exchanges = way.proxy.exchanges
            way.proxy.count()
            check(way.place, life)
        return life, exchanges

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, fates))


@pytest.mark.slow
@pytest.mark.parametrize("cut", [Cut.BEFORE, Cut.AFTER])
def test_cut_at_any_one_exchange_loses_nothing(way: Way, tmp_path: Path, cut: Cut) -> None:
    """With the connection cut once, anywhere, a run lives or ends with an error of ours, and all durable stays."""
    spoil_each_exchange(way, tmp_path, cut)


@pytest.mark.slow
@pytest.mark.parametrize("kind", one_of_each(), indirect=True)
@pytest.mark.parametrize("cut", [Cut.IN_REQUEST, Cut.IN_ANSWER])
def test_half_of_any_one_exchange_loses_nothing(way: Way, tmp_path: Path, cut: Cut) -> None:
    """The same holds where the server gets a torn request, or the client a torn answer."""
    spoil_each_exchange(way, tmp_path, cut)


@pytest.mark.slow
@pytest.mark.parametrize("kind", kinds("http", "s3-seaweedfs"), indirect=True)
@pytest.mark.parametrize("say", [Say(503), Say(500, is_delivered=True)], ids=["refused", "done"])
def test_server_error_at_any_one_exchange_ends_no_run(way: Way, tmp_path: Path, say: Say) -> None:
    """Where 5xx is answered once, whether or not the server did what it was asked to, a run comes to its end."""
    assert all(life.error is None for life in spoil_each_exchange(way, tmp_path, say))


def spoil_each_exchange(way: Way, folder: Path, fate: Fate) -> list[Life]:
    """Count the exchanges of a run that nobody disturbs; then live once for each of them, with that one spoiled."""
    assert live(way.place.client()) == Life(list(ENTRIES))
    count = way.proxy.exchanges
    assert count > len(ENTRIES)

    ended = spoil(way.server, folder, [only(at, fate) for at in range(1, count + 1)])

    assert all(exchanges >= at for at, (_, exchanges) in enumerate(ended, start=1))
    return [life for life, _ in ended]


@pytest.mark.slow
@pytest.mark.parametrize("kind", one_of_each(), indirect=True)
def test_lasting_trouble_ends_the_run_and_loses_nothing(way: Way, tmp_path: Path) -> None:
    """With every answer from one on lost, a run ends with an error of ours, and what was durable stays."""
    live(way.place.client())
    last = way.proxy.exchanges

    ended = spoil(way.server, tmp_path, [since(at, Cut.AFTER) for at in range(1, last, 4)])

    assert all(isinstance(life.error, BackendError) for life, _ in ended)


def test_refused_connection_is_an_error_of_ours(way: Way) -> None:
    """Where nothing listens any more, nothing can be done, and the error names the place and what to do."""
    client = way.place.client()
    client.read()
    way.proxy.refuse()

    with pytest.raises(BackendError) as caught:
        client.read()

    assert client.url in caught.value.detail
    assert caught.value.fix


@pytest.mark.slow
@pytest.mark.parametrize("kind", one_of_each(), indirect=True)
def test_slow_server_is_waited_for(way: Way) -> None:
    """A server that takes its time with every answer costs time and nothing else."""
    way.proxy.fate = always(Late(0.3))

    life = live(way.place.client())

    assert life == Life(list(ENTRIES))
    way.proxy.count()
    check(way.place, life)


@pytest.mark.parametrize("durable", [1, 4])
def test_restarted_server_loses_nothing(way: Way, durable: int) -> None:
    """A server that is killed and started again under a run at work, or right before it commits, loses nothing."""

    def restart(told: int) -> None:
        if told == durable:
            way.server.restart()

    life = live(way.place.client(), between=restart)

    assert len(life.told) >= durable
    check(way.place, life)


def test_run_that_lost_its_lock_can_announce_nothing_more(way: Way) -> None:
    """Once another run took over, the first can append nothing, and what both did is there."""
    one, two = way.place.client(), way.place.client()

    def overtake(first: Ledger) -> None:
        take_the_lock_away(two)
        with a_run(two, "run-2") as second:
            assert set(second.snapshot.in_doubt) == {"sale"}
            with pytest.raises(BackendError):
                first.append(intended("tea"))
            second.append(intended("milk"), created("milk"))

    with pytest.raises(BackendError):
        run_overtaken(one, overtake, intended("coffee"))

    state = read_state(way.place.client(), environment=ENVIRONMENT)
    assert (set(state.campaigns), set(state.in_doubt)) == ({"milk"}, {"sale"})


def test_outcome_of_a_run_that_lost_its_lock_is_not_lost(way: Way) -> None:
    """What a run learns after another took over stays in its hands, for a recovery file that brings it in."""
    one, two, opened = way.place.client(), way.place.client(), list[Ledger]()

    def overtake(first: Ledger) -> None:
        opened.append(first)
        take_the_lock_away(two)
        with a_run(two, "run-2"):
            pass

    with pytest.raises(BackendError):
        run_overtaken(one, overtake, created("sale"))

    assert opened[0].unsaved == (created("sale"),)
    assert set(read_state(two, environment=ENVIRONMENT).in_doubt) == {"sale"}
    lines = recovery_lines(opened[0].head, opened[0].endangered)
    claim = Claim(ENVIRONMENT, a_holder("run-3"), lambda: NOW)
    assert recover(two, lines, claim, where="recovery.jsonl") == (created("sale"),)
    assert read_state(two, environment=ENVIRONMENT).in_doubt == {}


def run_overtaken(backend: Backend, overtake: Callable[[Ledger], None], last: Entry) -> None:
    """Announce a create, let another run take over, and go on as if nothing had happened."""
    with a_run(backend) as ledger:
        ledger.append(intended("sale"))
        overtake(ledger)
        ledger.append(last)


def test_half_a_document_that_was_put_there_is_damage(way: Way) -> None:
    """Whoever finds half of a document, however it got there, neither begins anew nor writes over it."""
    client = way.place.client()
    stored = client.read()
    assert stored is not None
    half = stored.document[: len(stored.document) // 2]
    client.write(half, expected=stored.version)

    with pytest.raises(StateDamaged):
        read_state(client, environment=ENVIRONMENT)
    assert isinstance(live(way.place.client()).error, StateDamaged)

    kept = client.read()
    assert kept is not None
    assert kept.document == half
