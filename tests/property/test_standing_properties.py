"""
What was sent is remembered by the state, a plan in which nothing was to be done by the cache.

Whatever is changed since, the next plan is the one of somebody who remembers neither.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msgflash_apply.cli.context import Globals
from msgflash_apply.cli.plan_making import make_plan
from msgflash_apply.cli.planning import Request
from msgflash_apply.config.load import load
from msgflash_apply.config.sent import SentFiles
from msgflash_apply.config.settings import load_settings
from msgflash_apply.config.sources import read_sources
from msgflash_apply.engine.plan import Plan
from msgflash_apply.errors import InvalidFiles, MsgflashApplyError, StateError
from msgflash_apply.report.paint import PLAIN
from msgflash_apply.report.to_json import plan_to_json
from msgflash_apply.report.to_text import plan_to_text
from msgflash_apply.state.journal import Opened, encode_entries
from msgflash_apply.state.snapshot import decode, encode
from tests.support.builders import NOW, a_record, a_snapshot, facts_as_sent
from tests.support.states import LINEAGE, intended, without_inputs

PROJECT = "version: 1\ncustom: {brand: Acme}\nenvironments:\n  other: {custom: {brand: Other}}\n  empty: {}\n"
FILES = {
    "plain": "name: Plain\nschedule: 2099-03-02T10:00:00Z\n",
    "local": "name: '{{ custom.brand }}'\nschedule: 2099-07-02T10:00\ntimezone: Europe/Paris\nrepeat: daily\n",
    "each": "name: '{{ each.key }}'\nschedule: 2099-03-02T10:00:00Z\nfor_each: {fr: 1, de: 2}\n",
}
REST = "instanceId: 11111111-1111-4111-8111-111111111111\nrecipients: {type: all}\ntype: text\nbody: Hello\n"
JOURNAL = encode_entries([Opened("run-9", LINEAGE, 7, "default", NOW), intended("new", run="run-9")], first=0).decode()
STATES = {"default": 7, "other": 8}
"""The serial of each environment's state."""

Edit = Callable[["World"], None]


class World:
    """
    A repo in which nothing is to be done, and who looks at it.

    Attributes:
        root: the repo.
        environment: the one that is planned for.
        variables: set from outside.
    """

    def __init__(self, folder: Path) -> None:
        self.root = folder / "repo"
        self.environment = "default"
        self.variables: tuple[str, ...] = ()
        self.write("msgflash.yaml", PROJECT)
        for name, text in FILES.items():
            self.write(f"campaigns/{name}.yaml", text + REST)
        for environment, serial in STATES.items():
            self.settle(environment, serial=serial)

    def write(self, name: str, text: str) -> None:
        """Write a file, its folders included."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def settle(self, environment: str, *, serial: int) -> None:
        """Let the state of an environment hold what the files say now, unless they have a mistake."""
        found = load(load_settings(self.root, environment=environment, environ={}), for_record=True)
        records = {
            str(wanted.address): a_record(wanted.address, facts=facts_as_sent(wanted)) for wanted in found.campaigns
        }
        self.write(
            f".msgflash/{environment}.json",
            encode(replace(a_snapshot(records), environment=environment, serial=serial)).decode(),
        )

    @contextmanager
    def forgotten(self) -> Iterator[None]:
        """Let states tell nothing of files for a while, as one of an older version does; damaged ones stay damaged."""
        before = {path: path.read_bytes() for path in self.root.glob(".msgflash/*.json")}
        for path, data in before.items():
            with suppress(StateError):
                path.write_bytes(encode(without_inputs(decode(data, where=path.name))))
        yield
        for path, data in before.items():
            path.write_bytes(data)

    def made(self, *, lists_all: bool = False) -> Plan:
        """Plan as the command does, to tell it as text."""
        options = Globals(self.root, self.environment, self.variables, (), None, "warning")
        try:
            return make_plan(options, Request(offline=True, lists_all=lists_all))
        finally:
            gc.enable()  # a command ends after its plan and lets the garbage lie

    def plan(self) -> str:
        """Plan, and tell the plan, or what stands in its way."""
        return self._told(lambda made: plan_to_text(made, now=NOW, paint=PLAIN), lists_all=False)

    def plan_of_all(self) -> str:
        """Plan, and tell of every campaign, or what stands in the plan's way."""
        return self._told(lambda made: plan_to_json(replace(made, created_at=NOW), tool_version=""), lists_all=True)

    def _told(self, tell: Callable[[Plan], str], *, lists_all: bool) -> str:
        try:
            made = self.made(lists_all=lists_all)
        except InvalidFiles as err:
            return repr(err.diagnostics)
        except MsgflashApplyError as err:
            return str(err)
        return f"{tell(made)}\n{made.digest} {made.exit_code(detailed=True)} {made.lineage} {made.serial}"


def flip(name: str, at: int) -> Edit:
    """Change one byte of a file."""

    def change(world: World) -> None:
        path = world.root / name
        if path.exists() and (data := path.read_bytes()):
            place = at % len(data)
            path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])

    return change


def rename(old: str, new: str) -> Edit:
    """Move a file, if it is there, over whatever is where it goes."""

    def change(world: World) -> None:
        path = world.root / old
        if path.exists():
            path.replace(world.root / new)

    return change


def put(name: str, text: str) -> Edit:
    """Write a file."""
    return lambda world: world.write(name, text)


def remove(name: str) -> Edit:
    """Delete a file, if it is there."""
    return lambda world: (world.root / name).unlink(missing_ok=True)


def look_at(environment: str) -> Edit:
    """Plan for another environment from now on."""
    return lambda world: setattr(world, "environment", environment)


def set_variable(*variables: str) -> Edit:
    """Set variables from outside from now on, and no others."""
    return lambda world: setattr(world, "variables", variables)


def settle(environment: str, serial: int) -> Edit:
    """Apply, if the files allow it: the state holds what they say."""

    def change(world: World) -> None:
        with suppress(MsgflashApplyError):
            world.settle(environment, serial=serial)

    return change


campaigns = st.sampled_from([f"campaigns/{name}.yaml" for name in (*FILES, "new", "deep")])
documents = st.sampled_from([f".msgflash/{environment}.json" for environment in STATES])
bodies = st.sampled_from([text + rest for text in FILES.values() for rest in (REST, REST + "paused: true\n", "x: 1\n")])
projects = st.sampled_from(
    [
        PROJECT,
        PROJECT + "# a word\n",
        PROJECT.replace("Acme", "Other"),
        PROJECT + "defaults: {timezone: Asia/Tokyo}\n",
        PROJECT + "policy: {min_lead_time: 2h}\n",
        PROJECT + "campaigns: deep\n",
        PROJECT + "x: 1\n",
    ]
)
journals = st.sampled_from([f".msgflash/{environment}.journal-run-9.jsonl" for environment in STATES])
edits = st.one_of(
    st.builds(put, campaigns, bodies),
    st.builds(rename, campaigns, campaigns),
    st.builds(remove, st.one_of(campaigns, documents, journals)),
    st.builds(flip, st.one_of(campaigns, documents, st.just("msgflash.yaml")), st.integers(0, 1500)),
    st.builds(put, st.just("msgflash.yaml"), projects),
    st.builds(put, journals, st.sampled_from([JOURNAL, JOURNAL[:-20], JOURNAL[:20], ""])),
    st.builds(look_at, st.sampled_from([*STATES, "empty", "unknown"])),
    st.builds(set_variable, st.sampled_from(["brand=Acme", "brand=Other", "word=x"])),
    st.builds(settle, st.sampled_from([*STATES]), st.integers(7, 9)),
)


@pytest.fixture(scope="module", autouse=True)
def environment() -> Iterator[pytest.MonkeyPatch]:
    """Let the tests set variables of this process, which the program reads; afterwards they are as they were."""
    with pytest.MonkeyPatch.context() as changes:
        yield changes


def assert_same_without_a_memory(environment: pytest.MonkeyPatch, world: World) -> None:
    """Assert that a plan is the one of somebody who remembers nothing, and so is the next."""
    environment.setenv("MSGFLASH_CACHE", "off")
    with world.forgotten():
        afresh, all_afresh = world.plan(), world.plan_of_all()
    assert [world.plan(), world.plan_of_all()] == [afresh, all_afresh]
    environment.setenv("MSGFLASH_CACHE", "on")
    assert [world.plan(), world.plan(), world.plan_of_all()] == [afresh, afresh, all_afresh]


@settings(max_examples=100)
@given(story=st.lists(edits, min_size=1, max_size=5))
def test_plan_is_what_it_is_without_a_memory(environment: pytest.MonkeyPatch, story: list[Edit]) -> None:
    """After any edits of files, settings, variables and state the plan is the one of somebody who remembers nothing."""
    with TemporaryDirectory() as folder:
        environment.setenv("XDG_CACHE_HOME", folder)
        world = World(Path(folder))
        for change in (lambda _: None, *story):
            change(world)
            assert_same_without_a_memory(environment, world)


@pytest.mark.parametrize(
    "change",
    [
        put("campaigns/plain.yaml", FILES["plain"].replace("Plain", "Other") + REST),
        put("campaigns/new.yaml", FILES["plain"].replace("Plain", "New") + REST),
        put("campaigns/plain.yaml", "name: [\n"),
        remove("campaigns/plain.yaml"),
        rename("campaigns/plain.yaml", "campaigns/other.yaml"),
        set_variable("brand=Other"),
        put("msgflash.yaml", PROJECT.replace("Acme", "Other")),
        put("msgflash.yaml", PROJECT + "campaigns: elsewhere\n"),
        put("msgflash.yaml", PROJECT + "state: elsewhere.json\n"),
        look_at("other"),
        look_at("empty"),
        settle("default", 8),
        flip(".msgflash/default.json", 700),
        remove(".msgflash/default.json"),
        put(".msgflash/default.journal-run-9.jsonl", JOURNAL),
    ],
)
def test_every_change_is_noticed(environment: pytest.MonkeyPatch, tmp_path: Path, change: Edit) -> None:
    """Each of these alone makes the plan another one, memory or not."""
    environment.setenv("XDG_CACHE_HOME", str(tmp_path))
    world = World(tmp_path)
    before = [world.plan(), world.plan()]

    change(world)

    assert_same_without_a_memory(environment, world)
    assert world.plan() not in before


@pytest.mark.parametrize("name", ["campaigns/local.yaml", "msgflash.yaml", ".msgflash/default.json"])
def test_every_byte_counts(environment: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    """Wherever one bit of a file is another, the plan is the one of somebody who remembers nothing."""
    environment.setenv("XDG_CACHE_HOME", str(tmp_path))
    world = World(tmp_path)
    right = (world.root / name).read_bytes()

    for place in range(0, len(right), 1 + len(right) // 40):
        assert world.plan()
        flip(name, place)(world)
        assert_same_without_a_memory(environment, world)
        (world.root / name).write_bytes(right)


def test_something_is_told_by_the_state(tmp_path: Path) -> None:
    """In the world of these tests the state tells of every file that draws no warning."""
    world = World(tmp_path)
    settings = load_settings(world.root, environment="default", environ={})
    state = decode((world.root / ".msgflash/default.json").read_bytes(), where="here")
    sent = SentFiles(settings, state.campaigns)

    told = {name: sent.contents_of(name, data) is not None for name, data in read_sources(settings).files}

    assert told == {"campaigns/each.yaml": True, "campaigns/local.yaml": False, "campaigns/plain.yaml": True}


def test_something_is_remembered(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In the world of these tests nothing is to be done, and the second plan does not work that out again."""
    environment.setenv("XDG_CACHE_HOME", str(tmp_path))
    world = World(tmp_path)

    plans = [world.made() for _ in range(2)]

    assert [(len(plan.changes), plan.unlisted, plan.is_empty) for plan in plans] == [(4, 0, True), (0, 4, True)]
