"""The cache changes nothing: whatever is edited, whatever becomes of it, files say what they say without it."""

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from msgflash_apply.config.cache import Cache
from msgflash_apply.config.load import load
from msgflash_apply.config.settings import Settings

TEXTS = (
    "type: text\nbody: Hello\n",
    "type: text\nbody: '{{ custom.brand }} {{ each.key }}'\nfor_each: {a: 1, b: 2}\n",
    "type: text\nbody: '{{ custom.missing }}'\n",
    "template: welcome\nvariables: {n: 1}\n",
    "template: welcome\nvariables: {n: 1.0}\n",
    "type: text\nbody: Hello {{contact.name}}\nrepeat: weekly\n",
    "type: text\nbody: [\n",
    "type: text\nbody: Local\nschedule: 2099-07-02T10:00\n",
)
NAMES = ("a", "b", "deep/a", "deep/c")

Step = Callable[[Path, Cache], None]


def text_of(number: int, text: str) -> str:
    """Write a campaign; the name tells some apart and not others, so that there are clashes."""
    schedule = "" if "schedule:" in text else "schedule: 2099-03-02T10:00:00Z\n"
    return f"name: Mailing {number}\n{schedule}recipients: {{type: all}}\n{text}"


def edit(name: str, number: int, text: str) -> Step:
    """Write a file, whether or not it is there."""

    def step(root: Path, _cache: Cache) -> None:
        file = root / "campaigns" / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text_of(number, text), encoding="utf-8")

    return step


def delete(name: str) -> Step:
    """Remove a file, if it is there."""
    return lambda root, _cache: (root / "campaigns" / f"{name}.yaml").unlink(missing_ok=True)


def damage(change: Callable[[bytes], bytes]) -> Step:
    """Change the bytes of everything in the cache."""

    def step(_root: Path, cache: Cache) -> None:
        for file in cache.folder.glob("*"):
            file.write_bytes(change(file.read_bytes()))

    return step


def lose(_root: Path, cache: Cache) -> None:
    """Delete everything in the cache."""
    for file in cache.folder.glob("*"):
        file.unlink()


places = st.integers(0, 2000)
steps = st.one_of(
    st.builds(edit, st.sampled_from(NAMES), st.integers(0, 2), st.sampled_from(TEXTS)),
    st.builds(edit, st.sampled_from(NAMES), st.integers(0, 2), st.sampled_from(TEXTS)),
    st.builds(delete, st.sampled_from(NAMES)),
    places.map(lambda at: damage(lambda data: data[:at])),
    places.map(
        lambda at: damage(lambda data: data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :] if data[at:] else data)
    ),
    st.just(lose),
)
variables = st.sampled_from([{"brand": "Acme"}, {"brand": "Other"}, {"brand": 1}, {"brand": True}])
zones = st.sampled_from(["Europe/Paris", "Asia/Tokyo", None])


@settings(max_examples=60)
@given(st.lists(st.tuples(steps, variables, zones), min_size=1, max_size=12))
def test_files_say_the_same_with_and_without_it(story: list[tuple[Step, dict[str, object], str | None]]) -> None:
    """After any edits, changes of variables, losses and damages, loading with the cache is loading without it."""
    with TemporaryDirectory() as folder:
        root, cache = Path(folder, "repo"), Cache(Path(folder, "cache"))
        edit("first", 9, TEXTS[0])(root, cache)
        for step, custom, zone in story:
            step(root, cache)
            chosen = Settings(root, custom_below=custom, timezone=zone)
            known, plain = load(chosen, cache=cache), load(chosen)
            assert known == plain
            assert json.dumps([c.payload for c in known.campaigns]) == json.dumps([c.payload for c in plain.campaigns])
