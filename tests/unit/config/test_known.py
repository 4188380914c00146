"""Files that are known from last time: they say what they say, on whatever basis they are read."""

import json
import shutil
import zoneinfo
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from msgflash_apply.config.cache import Cache
from msgflash_apply.config.load import load
from msgflash_apply.config.policy import Policy
from msgflash_apply.config.settings import Settings, load_settings
from msgflash_apply.errors import InvalidFiles
from tests.unit.config.repos import WELCOME, told, write

ALL_OF_IT = """\
name: "{{ custom.brand }} in {{ each.value }}"
key: visit
schedule: 2099-03-02T10:00
timezone: Europe/Paris
recipients: {type: tags, value: [vip, "café"]}
template: welcome
variables: {whole: 1, half: 1.5, text: "1", big: 123456789012345678901234567890}
for_each: {fr: Paris, de: Berlin}
labels: {city: "{{ each.key }}"}
lifecycle: {on_change: replace, on_remove: keep, ignore_changes: [variables]}
moved_from: ['old["{{ each.key }}"]']
paused: true
---
key: weekly
name: Weekly
instanceId: 11111111-1111-4111-8111-111111111111
schedule: 2099-03-02T10:00:00.123Z
repeat: weekly
recipients: {type: all}
type: text
body: Hello
"""


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    """Make a cache that is empty."""
    return Cache(tmp_path / "cache")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """Make a repo with something of everything, one file of it with warnings."""
    return write(tmp_path / "repo", {"campaigns/all.yaml": ALL_OF_IT, "campaigns/welcome.yaml": WELCOME})


def settings_of(repo: Path, **changes: object) -> Settings:
    """Make the settings of a repo, with a variable; `changes` replace fields."""
    plain = Settings(repo, custom_below={"brand": "Acme"})
    return replace(plain, **changes)  # type: ignore[arg-type]  # a table of cases


def entries(cache: Cache) -> dict[str, list[object]]:
    """Read what the cache knows of each file."""
    known: dict[str, list[object]] = {}
    for file in sorted(cache.folder.glob("files-*.json")):
        known |= json.loads(file.read_bytes().partition(b"\n")[2])["files"]
    return known


def test_known_files_say_what_they_said(repo: Path, cache: Cache) -> None:
    """Every field of every campaign, and every warning, is the same the first time, again, and without a cache."""
    settings = settings_of(repo)

    first, again = load(settings, cache=cache), load(settings, cache=cache)

    assert first == again == load(settings)
    assert [campaign.fingerprint for campaign in again.campaigns] == [c.fingerprint for c in first.campaigns]
    assert (len(again.campaigns), told(again.diagnostics)) == (4, ["all.yaml:18:9 MF403"])
    assert set(entries(cache)) == {"campaigns/all.yaml", "campaigns/welcome.yaml"}


def test_numbers_keep_their_kinds(repo: Path, cache: Cache) -> None:
    """A whole number stays one, half a one too, and a text that looks like one stays a text."""
    load(settings_of(repo), cache=cache)

    variables = load(settings_of(repo), cache=cache).campaigns[0].payload["variables"]

    assert json.dumps(variables) == '{"whole": 1, "half": 1.5, "text": "1", "big": 123456789012345678901234567890}'


@pytest.mark.parametrize(
    "changes",
    [
        {"custom_below": {"brand": "Other"}},
        {"custom_above": {"brand": "Other"}},
        {"instance": "other"},
        {"timezone": "Asia/Tokyo"},
        {"policy": Policy(placeholders_in_direct="error")},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_other_settings_are_another_basis(repo: Path, cache: Cache, changes: dict[str, object]) -> None:
    """With other variables, defaults or policy, files say what they say then."""
    write(repo, {"campaigns/local.yaml": WELCOME.replace("+01:00", "").replace("Hello", "Hi {{contact.name}}")})
    load(settings_of(repo, timezone="Europe/Paris"), cache=cache)
    other = settings_of(repo, **{"timezone": "Europe/Paris", **changes})

    assert load(other, cache=cache) == load(other)


def test_mistakes_are_explained_each_time(repo: Path, cache: Cache) -> None:
    """A file with a mistake is never known, and its mistake is told again and again."""
    write(repo, {"campaigns/bad.yaml": WELCOME + "x: 1\n"})
    settings = settings_of(repo)

    first, again = load(settings, cache=cache), load(settings, cache=cache)

    assert first == again
    assert "bad.yaml:6:1 MF301" in told(again.diagnostics)
    assert "campaigns/bad.yaml" not in entries(cache)


def test_clashes_show_between_known_files(repo: Path, cache: Cache) -> None:
    """Two known files that become the same mailing are told apart from nothing: the clash is found."""
    settings = settings_of(repo)
    load(settings, cache=cache)
    write(repo, {"campaigns/copy.yaml": WELCOME})

    both = load(settings, cache=cache)

    assert "copy.yaml:1:1 MF407" in told(both.diagnostics)
    assert both == load(settings, cache=cache) == load(settings)


def test_deleted_and_renamed_files_are_forgotten(repo: Path, cache: Cache) -> None:
    """What is gone is gone, and a file under another name is another file."""
    settings = settings_of(repo)
    load(settings, cache=cache)
    (repo / "campaigns/all.yaml").unlink()
    (repo / "campaigns/welcome.yaml").rename(repo / "campaigns/hello.yaml")

    loaded = load(settings, cache=cache)

    assert [(c.address, c.source.file) for c in loaded.campaigns] == [("hello", "campaigns/hello.yaml")]
    assert set(entries(cache)) == {"campaigns/hello.yaml"}


def test_narrowed_loading_leaves_the_cache_alone(repo: Path, cache: Cache) -> None:
    """Looking at one file forgets nothing of the others."""
    settings = settings_of(repo)
    load(settings, cache=cache)

    narrowed = load(settings, [Path("campaigns/welcome.yaml")], cache)

    assert len(narrowed.campaigns) == 1
    assert len(entries(cache)) == 2


@pytest.fixture
def own_zones(tmp_path: Path) -> Iterator[Path]:
    """Give Python a folder of time zones that a test can change."""
    paris = next(Path(folder, "Europe/Paris") for folder in zoneinfo.TZPATH if Path(folder, "Europe/Paris").exists())
    own = tmp_path / "zones" / "Europe" / "Paris"
    own.parent.mkdir(parents=True)
    shutil.copy(paris, own)
    before = zoneinfo.TZPATH
    zoneinfo.reset_tzpath(to=[str(tmp_path / "zones"), *before])
    yield own
    zoneinfo.reset_tzpath(to=list(before))


def test_new_rules_of_a_zone_are_another_basis(repo: Path, cache: Cache, own_zones: Path) -> None:
    """When a country changes its clocks, what was worked out by the old rules is not used."""
    load(settings_of(repo), cache=cache)
    (file,) = cache.folder.glob("files-*.json")
    before = file.read_bytes()
    own_zones.write_bytes(own_zones.read_bytes() + b"\n")

    load(settings_of(repo), cache=cache)

    assert json.loads(before.partition(b"\n")[2])["zones"].keys() == {"Europe/Paris"}
    assert file.read_bytes() != before


def test_project_file_is_known_too(repo: Path, cache: Cache) -> None:
    """What msgflash.yaml says comes back; what stands around it is checked each time."""
    write(repo, {"msgflash.yaml": "version: 1\ncampaigns: mail\n", "mail/a.yaml": WELCOME})

    def campaigns() -> str:
        return load_settings(repo, environment=None, environ={}, cache=cache).campaigns

    assert (campaigns(), campaigns()) == ("mail", "mail")
    assert len(list(cache.folder.glob("project-*.json"))) == 1
    (repo / "mail").rename(repo.parent / "mail")
    (repo / "mail").symlink_to(repo.parent / "mail")
    with pytest.raises(InvalidFiles):
        campaigns()


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        {"zones": {}, "files": []},
        {"zones": [], "files": {}},
        {"zones": {"Europe/Paris\0": ""}, "files": {}},
        *({"zones": {}, "files": {"campaigns/welcome.yaml": entry}} for entry in (None, "abc", ["x"], [1, [], []])),
    ],
    ids=str,
)
def test_what_is_of_another_shape_is_not_known(repo: Path, cache: Cache, value: object) -> None:
    """A value that proves itself and that the program never wrote is as good as none, and is replaced."""
    load(settings_of(repo), cache=cache)
    (file,) = cache.folder.glob("files-*.json")
    right = file.read_bytes()
    cache.write(file.stem, value)

    assert load(settings_of(repo), cache=cache) == load(settings_of(repo))
    assert file.read_bytes() == right


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        (0, "0"),
        (0, True),
        (2, None),
        (3, []),
        (3, {}),
        (3, {"name": "x", "schedule": 1}),
        (3, {"schedule": "2099-03-02T09:00:00.000Z"}),
        (3, {"name": {}, "schedule": "2099-03-02T09:00:00.000Z"}),
        (5, 1),
        (7, ["x"]),
        (9, [["x"]]),
    ],
)
def test_row_of_another_shape_is_not_known(repo: Path, cache: Cache, place: int, wrong: object) -> None:
    """One member of one row that is not of its type, and its file is read again."""
    load(settings_of(repo), cache=cache)
    (file,) = cache.folder.glob("files-*.json")
    value = json.loads(file.read_bytes().partition(b"\n")[2])
    value["files"]["campaigns/welcome.yaml"][1][0][place] = wrong
    cache.write(file.stem, value)

    assert load(settings_of(repo), cache=cache) == load(settings_of(repo))
