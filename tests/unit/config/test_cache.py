"""The cache: what is intact and ours comes back, and nothing else does; without a usable folder there is none."""

import os
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

from msgflash_apply.config.cache import Cache, open_cache

VALUE = {"files": [1, 2.5, None, True, "café"], "deep": {"a": {"b": []}}}


def written(folder: Path) -> Path:
    """Write a value under the name `a`; the file."""
    Cache(folder).write("a", VALUE)
    (file,) = folder.iterdir()
    return file


def test_value_comes_back(tmp_path: Path) -> None:
    """What was written is read again, by any number of readers; another name has nothing."""
    cache = Cache(tmp_path / "new" / "cache")

    cache.write("a", VALUE)

    assert (cache.read("a"), Cache(tmp_path / "new" / "cache").read("a"), cache.read("b")) == (VALUE, VALUE, None)


def test_later_value_wins(tmp_path: Path) -> None:
    """A name has the value that was written last, and one file."""
    cache = Cache(tmp_path)

    cache.write("a", 1)
    cache.write("a", 2)

    assert (cache.read("a"), len(list(tmp_path.iterdir()))) == (2, 1)


def test_damaged_file_is_as_good_as_absent(tmp_path: Path) -> None:
    """A file that is cut anywhere, or has one bit flipped anywhere, gives nothing."""
    file = written(tmp_path / "cache")
    good = file.read_bytes()

    for place in range(len(good)):
        for bad in (good[:place], good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :]):
            file.write_bytes(bad)
            assert Cache(tmp_path / "cache").read("a") is None


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_folder_that_others_may_write_to_is_not_trusted(tmp_path: Path, mode: int) -> None:
    """Where somebody else could have written a file, none is read, and none is written."""
    file = written(tmp_path / "cache")
    file.parent.chmod(mode)

    Cache(tmp_path / "cache").write("b", VALUE)

    assert Cache(tmp_path / "cache").read("a") is None
    assert list(file.parent.iterdir()) == [file]


def test_file_that_others_may_write_is_not_trusted(tmp_path: Path) -> None:
    """A file whose mode lets others write it is not read."""
    written(tmp_path / "cache").chmod(0o666)

    assert Cache(tmp_path / "cache").read("a") is None


def test_links_are_not_followed(tmp_path: Path) -> None:
    """Neither a folder nor a file that is a link is taken for ours, and nothing is written through one."""
    file = written(tmp_path / "elsewhere")
    (tmp_path / "folder").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "cache").mkdir(mode=0o700)
    (tmp_path / "cache" / file.name).symlink_to(file)

    Cache(tmp_path / "folder").write("b", VALUE)

    assert Cache(tmp_path / "folder").read("a") is None
    assert Cache(tmp_path / "cache").read("a") is None
    assert list((tmp_path / "elsewhere").iterdir()) == [file]


def test_folder_that_can_not_be_made_costs_nothing(tmp_path: Path) -> None:
    """Where a file stands in the way, or the text can not be written, there is no cache and no error."""
    (tmp_path / "file").write_text("x")
    Cache(tmp_path / "file" / "cache").write("a", VALUE)
    Cache(tmp_path / "cache").write("a", "\udc80")

    assert Cache(tmp_path / "file" / "cache").read("a") is None
    assert Cache(tmp_path / "cache").read("a") is None


def test_size_is_bounded(tmp_path: Path) -> None:
    """What is too large is not written; of too many files, left-overs included, the oldest go."""
    cache = Cache(tmp_path, largest_bytes=100, most_files=3)
    cache.write("large", "x" * 100)
    for age, name in enumerate("dcb"):
        (tmp_path / f"{name}.json.77").write_text("left over")
        os.utime(tmp_path / f"{name}.json.77", (1000 - age, 1000 - age))

    cache.write("a", 1)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "c.json.77", "d.json.77"]


def test_what_is_of_use_stays(tmp_path: Path) -> None:
    """Of too many files those go first that nobody has read for longest, whenever they were written."""
    cache = Cache(tmp_path, most_files=3)
    for age, name in enumerate("cba"):
        cache.write(name, name)
        os.utime(tmp_path / f"{name}.json", (1000 - age, 1000 - age))

    assert cache.read("a") == "a"
    cache.write("d", "d")

    assert sorted(path.stem for path in tmp_path.iterdir()) == ["a", "c", "d"]


def test_writers_never_meet(tmp_path: Path) -> None:
    """Whoever reads while others write finds one whole value or none."""
    folder = tmp_path / "cache"
    values = [[str(number)] * 5000 for number in range(4)]

    def write_and_read(value: list[str]) -> list[object]:
        found = []
        for _ in range(20):
            Cache(folder).write("a", value)
            found.append(Cache(folder).read("a"))
        return found

    with ThreadPoolExecutor(4) as threads:
        found = [one for every in threads.map(write_and_read, values) for one in every]

    assert all(one is None or one in values for one in found)
    assert Cache(folder).read("a") in values


@pytest.mark.parametrize("switch", ["off", "OFF", "0", "no", "false"])
def test_cache_can_be_switched_off(tmp_path: Path, switch: str) -> None:
    """`MSGFLASH_CACHE=off` does without."""
    assert open_cache(tmp_path, {"HOME": str(tmp_path.parent), "MSGFLASH_CACHE": switch}) is None


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({"XDG_CACHE_HOME": "/xdg", "HOME": "/home/ada"}, "/xdg/msgflash-apply"),
        ({"HOME": "/home/ada"}, "/home/ada/.cache/msgflash-apply"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/home/ada"}, "/home/ada/.cache/msgflash-apply"),
        ({"XDG_CACHE_HOME": "", "HOME": "relative"}, None),
        ({}, None),
    ],
    ids=["chosen", "home", "relative", "nowhere", "empty"],
)
def test_place_of_the_cache(environ: dict[str, str], place: str | None) -> None:
    """It lies in the user's cache folder, as the specification has it; without one there is no cache."""
    cache = open_cache(Path("/repo"), environ)

    assert (cache and str(cache.folder)) == place


def test_repo_holds_no_cache(tmp_path: Path) -> None:
    """A cache folder within the repo, also by way of a link, is not used: a branch could write it."""
    (tmp_path / "repo" / "inside").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "repo" / "inside")

    for place in ("repo", "repo/inside", "link"):
        assert open_cache(tmp_path / "repo", {"XDG_CACHE_HOME": str(tmp_path / place)}) is None


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b"9" * 5000], ids=lambda body: repr(body[:4]))
def test_proven_bytes_that_are_no_json_are_as_good_as_absent(tmp_path: Path, body: bytes) -> None:
    """A right checksum over something that nobody wrote as a value gives nothing."""
    written(tmp_path).write_bytes(sha256(body).hexdigest().encode() + b"\n" + body)

    assert Cache(tmp_path).read("a") is None
