"""Children that do some work on files: their results, their bounds, and what they are left with."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from msgflash_apply.files.bounded import UNREAD, ChildFailed, Exceeded, run
from msgflash_apply.files.bounded_child import Bounds, File
from msgflash_apply.files.load import read_plainly
from msgflash_apply.files.schedule import supply_zone
from msgflash_apply.models.campaign_file import CAMPAIGNS
from msgflash_apply.models.explain import get_ready
from msgflash_apply.models.project import Settings
from tests.support.works import SUPPLIED, misbehave, size_of

FEW_SECONDS = Bounds(cpu_seconds=1, wall_seconds=2)
BOTH = pytest.mark.parametrize("forks", [True, False], ids=["copies", "fresh"])


def results(names: Sequence[str], bounds: Bounds = FEW_SECONDS, *, forks: bool = True) -> list[object]:
    """What becomes of files with these names."""
    files = [File(name, b"") for name in names]
    return [result for _, result in run(misbehave, files, bounds=bounds, forks=forks, supply=SUPPLIED.append)]


@BOTH
def test_results_come_in_the_order_of_the_files(forks: bool) -> None:
    """However many children there are, each file has its result, in its place."""
    files = [File(f"f{number}", b"x" * number, about=number) for number in range(300)]

    found = list(run(size_of, files, forks=forks))

    assert found == [(file, [file.name, len(file.data), file.about]) for file in files]


def test_files_are_taken_as_they_are_needed() -> None:
    """A repo of any size is never in memory as a whole."""
    taken = []

    def files() -> Iterator[File]:
        for number in range(20_000):
            taken.append(number)
            yield File("f", b"x" * 20_000)

    first, _ = next(run(size_of, files()))

    assert first.name == "f"
    assert len(taken) < 4_000


@BOTH
@pytest.mark.parametrize(
    ("deed", "what"),
    [
        ("sleep", "more than 2 s"),
        ("result", "more than 32 MiB for its campaigns"),
        ("levels", "more levels than can be followed"),
        ("crash", "more than the system allows (its process ended with -11)"),
        ("exit", "more than the system allows (its process ended with 0)"),
    ],
)
def test_file_that_exceeds_a_bound_is_named(deed: str, what: str, forks: bool) -> None:
    """It costs its child, and nothing else: those before and after it have their results."""
    assert results(["a", deed, "b"], forks=forks) == ["a", Exceeded(what), "b"]


@pytest.mark.parametrize(
    ("deed", "what"),
    [
        ("time", "more than 1 s of processor time"),
        ("memory", "more than 512 MiB of memory"),
        ("more and more memory", "more than 512 MiB of memory"),
    ],
)
def test_system_bounds_time_and_memory(deed: str, what: str) -> None:
    """A copy of this process cannot take more than it may, whatever it does."""
    assert results(["a", deed, "b"], Bounds(cpu_seconds=1)) == ["a", Exceeded(what), "b"]


def test_file_that_needs_more_than_a_part_gets_all_of_the_memory() -> None:
    """With several children each has a part; what is too large for a part is read again, and not refused."""
    large = Bounds(memory_bytes=256 * 1024**2)
    names = ["a"] * 300
    names[10] = names[200] = "much memory"
    names[150] = "memory"

    found = results(names, large)

    assert {index for index, result in enumerate(found) if result != "a"} == {10, 150, 200}
    assert found[10] == found[200] == 150 * 1024**2
    assert found[150] == Exceeded("more than 256 MiB of memory")


def test_too_many_such_files_leave_the_rest_unread() -> None:
    """After some of them reading ends, at the same file in every run."""
    names = ["a" if number % 10 else "levels" for number in range(600)]

    found = results(names)

    assert found[:41] == ["a" if number % 10 else Exceeded("more levels than can be followed") for number in range(41)]
    assert found[41:] == [UNREAD] * 559


def test_all_files_together_are_bounded() -> None:
    """Many files that each take almost all they may do not add up to hours."""
    found = results(["half a second"] * 20, Bounds(total_cpu_seconds=2))

    assert found[0] == "half a second"
    assert found[6:] == [UNREAD] * 14


def test_all_results_together_are_bounded() -> None:
    """Nor do their results add up to more than this process can hold."""
    found = results(["megabytes"] * 10, Bounds(total_result_bytes=8 * 1024**2))

    assert [isinstance(result, bytes) for result in found] == [True] * 5 + [False] * 5
    assert found[5:] == [UNREAD] * 5


@BOTH
def test_defect_is_raised_with_its_place(forks: bool) -> None:
    """What no file should be able to cause is the defect of this program that it is."""
    with pytest.raises(ChildFailed, match=r"(?s)IndexError: list index out of range.*works\.py:\d+ in ") as caught:
        results(["a", "defect"], forks=forks)

    assert "bounded_child.py" in str(caught.value)


def test_result_that_is_not_plain_is_a_defect() -> None:
    """Nothing that could run comes back from a child."""
    with pytest.raises(ChildFailed, match="unmarshallable"):
        results(["object"])


def test_child_gets_what_it_lacks() -> None:
    """The parent gets it, and a new child begins the file again."""
    SUPPLIED.clear()

    assert results(["a", "want", "want", "b"]) == ["a", ["zone"], ["zone"], "b"]
    assert SUPPLIED == ["zone"]


@pytest.mark.parametrize("deed", ["open", "connect", "pipe"])
def test_child_can_open_nothing(deed: str) -> None:
    """Not a file, not a socket: the system gives it no descriptor."""
    with pytest.raises(ChildFailed, match="Too many open files"):
        results([deed])


def test_child_cannot_write() -> None:
    """What it inherited leads nowhere."""
    assert results(["write"]) == [None]


def test_child_has_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither Python nor the C library knows of one."""
    monkeypatch.setenv("MSGFLASH_API_KEY", "msgf_live_canary")

    assert results(["environment"]) == [[{}, None]]
    assert results(["environment"], forks=False) == [[{"LC_CTYPE": "C.UTF-8"}, None]]


def test_nothing_is_left_running() -> None:
    """Whoever stops asking for results leaves no child behind, whatever it is doing."""
    before = children()
    answers = run(misbehave, [File("megabytes", b""), File("sleep", b"")])
    assert isinstance(next(answers)[1], bytes)
    assert len(children()) == len(before) + 1

    del answers

    assert children() == before


def children() -> list[str]:
    """Name the children of this process."""
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


def test_fresh_children_read_campaigns_as_copies_do() -> None:
    """Where there is no `fork`, every example gives the same campaigns and the same findings."""
    folder = Path(__file__).parent
    files = [
        File(f"campaigns/{path.name}", path.read_bytes(), "campaign")
        for kind in ("valid", "invalid")
        for path in sorted((folder / kind).rglob("*.y*ml"))
    ]
    work = partial(read_plainly, Settings(folder, timezone="Europe/Paris", custom_below={"brand": "Acme"}))

    get_ready(CAMPAIGNS)  # as `read_files` does: a copy can open nothing

    fresh, copies = (list(run(work, files, supply=supply_zone, forks=forks)) for forks in (False, True))

    assert len(files) > 20
    assert fresh == copies
    assert not [file.name for file, result in copies if result is UNREAD or isinstance(result, Exceeded)]


WITHOUT_FORK = """
import asyncio, ctypes, os, subprocess, sys, threading
for name in ("resource", "fcntl"):
    sys.modules[name] = None
del os.fork
sys.platform = "win32"
from msgflash_apply.files.bounded import run
from msgflash_apply.files.bounded_child import File
from tests.support.works import size_of
print(list(run(size_of, [File("a", b"xy")])))
"""


def test_system_without_fork_or_limits() -> None:
    """The module can be imported and used where neither exists."""
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", WITHOUT_FORK], cwd=root, capture_output=True, text=True, check=True)

    assert done.stdout == "[(File(name='a', data=b'xy', about=None), ['a', 2, None])]\n"
