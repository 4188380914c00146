"""
Readers of what lies in the user's cache folder: what files said last time, and that nothing was to be done.

The folder is this user's alone, so what is wrong there comes of an accident, or of a program with a mistake. Bytes that
do not prove themselves change nothing of what is said. The `sealed` twins take JSON alone and prove it: what is not of
the shape that the program writes is as good as none, and what is of it was written by whoever can replace the program.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path

from msgflash_apply.cli.standing import Standing
from msgflash_apply.config.cache import Cache
from msgflash_apply.config.load import Loaded, load
from msgflash_apply.config.settings import Settings, load_settings
from msgflash_apply.config.sources import read_sources
from msgflash_apply.engine.names import INSTANCE, NameTable
from msgflash_apply.engine.standstill import standstill_of
from msgflash_apply.report.paint import PLAIN
from msgflash_apply.report.to_text import plan_to_text
from tests.support.builders import NOW
from tests.support.states import a_backend, a_state
from tests.unit.engine.test_standstill import a_still_plan

PROJECT = b"version: 1\ncustom: {brand: Acme}\nenvironments: {staging: {policy: {min_lead_time: 1h}}}\n"
CAMPAIGN = b"""\
name: "{{ custom.brand }} {{ each.key }}"
schedule: 2099-03-02T10:00
timezone: Europe/Paris
recipients: {type: all}
type: text
body: Hello {{ contact.firstName }}
for_each: {fr: 1, de: 2}
labels: {team: shop}
moved_from: ['old["{{ each.key }}"]']
lifecycle: {on_change: replace, ignore_changes: [body]}
"""
PLAN = a_still_plan()
IGNORED = "as good as none"


def read_known_files(data: bytes) -> str:
    """Load a repo while this lies in the place of what its files said; they say what they say without it."""
    with _a_repo() as (settings, found):
        _put(found, "files", data)
        known = load(settings, cache=found)
        assert known == _plain()
        assert load(settings, cache=found) == known
        return "read" if _file(found, "files").read_bytes() == data else IGNORED


def read_sealed_known_files(data: bytes) -> str:
    """Load a repo while this lies there, with its right checksum; what is not rows as they are written is not known."""
    with _a_repo() as (settings, found):
        _put(found, "files", seal(data))
        known = load(settings, cache=found)
        assert known.files == _plain().files
        return "read" if known == _plain() else "other values"


def read_project(data: bytes) -> str:
    """Read msgflash.yaml while this lies in the place of what it said."""
    with _a_repo() as (settings, found):
        _put(found, "project", data)
        assert load_settings(settings.root, environment="staging", environ={}, cache=found) == settings
        return "read" if _file(found, "project").read_bytes() == data else IGNORED


def read_standing(data: bytes) -> str:
    """Recall the last plan while this lies in its place: that plan, or none."""
    with _a_repo() as (settings, found):
        _put(found, "standing", data)
        recalled = _standing(settings, found).recall()
        assert recalled in {None, standstill_of(PLAN)}
        return IGNORED if recalled is None else "read"


def read_sealed_standing(data: bytes) -> str:
    """Recall the last plan while this lies there, with its right checksum; then tell it."""
    with _a_repo() as (settings, found):
        _put(found, "standing", seal(data))
        recalled = _standing(settings, found).recall()
        if recalled is None:
            return IGNORED
        recalled.holds_with(NameTable([(INSTANCE, "shop", "i-1", "")]))
        plan = recalled.plan(environment="default", now=NOW, complete=True, requests_used=0)
        plan_to_text(plan, now=NOW, paint=PLAIN)
        return "read"


def seal(data: bytes) -> bytes:
    """Put the checksum before it that proves it."""
    return sha256(data).hexdigest().encode() + b"\n" + data


@cache
def remembered() -> Mapping[str, bytes]:
    """What the program writes there itself, by the first word of the file's name."""
    with _a_repo() as (_, found):
        return {path.name.partition("-")[0]: path.read_bytes() for path in found.folder.iterdir()}


@contextmanager
def _a_repo() -> Iterator[tuple[Settings, Cache]]:
    """Make a repo of which everything is remembered."""
    with tempfile.TemporaryDirectory() as folder:
        root, found = Path(folder, "repo"), Cache(Path(folder, "cache"))
        (root / "campaigns").mkdir(parents=True)
        (root / "msgflash.yaml").write_bytes(PROJECT)
        (root / "campaigns/a.yaml").write_bytes(CAMPAIGN)
        a_state(root)
        settings = load_settings(root, environment="staging", environ={}, cache=found)
        load(settings, cache=found)
        _standing(settings, found).keep(PLAN, None, {"Europe/Paris"})
        yield settings, found


def _standing(settings: Settings, found: Cache) -> Standing:
    return Standing(found, settings, read_sources(settings), a_backend(settings.root))


def _file(found: Cache, kind: str) -> Path:
    (file,) = found.folder.glob(f"{kind}-*.json")
    return file


def _put(found: Cache, kind: str, data: bytes) -> None:
    _file(found, kind).write_bytes(data)


@cache
def _plain() -> Loaded:
    """What the files say, as nobody remembers it."""
    with _a_repo() as (settings, _):
        return load(settings)
