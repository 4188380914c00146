"""The locks: each is complete wherever it is installed, and nothing is installed from anything else."""

import re
import subprocess

import pytest
from packaging.requirements import Requirement

from tests.pipelines.locks import LEAVES, PROJECT, ROOT, Environment, entries, gaps, read, wanted

LOCKS = ("build.txt", "requirements.txt", "runtime.txt")
PYTHONS = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["project"]["classifiers"]))
SYSTEMS = {
    "linux": ("posix", "Linux", ("x86_64", "aarch64")),
    "darwin": ("posix", "Darwin", ("x86_64", "arm64")),
    "win32": ("nt", "Windows", ("AMD64", "ARM64")),
}


def environments(python: str, system: str) -> list[Environment]:
    """Describe a Python on a system as markers see it: on each processor, from its first patch to a late one."""
    os_name, platform_system, machines = SYSTEMS[system]
    return [
        {
            "implementation_name": "cpython",
            "implementation_version": f"{python}.{patch}",
            "os_name": os_name,
            "platform_machine": machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": platform_system,
            "platform_version": "",
            "python_full_version": f"{python}.{patch}",
            "python_version": python,
            "sys_platform": system,
        }
        for machine in machines
        for patch in (0, 99)
    ]


def gaps_in(lock: str, text: str, python: str, system: str) -> set[str]:
    """Name what a text lacks as this lock, for a Python on a system."""
    return {gap for environment in environments(python, system) for gap in gaps(text, wanted(lock), environment)}


def without(lock: str, entry: str) -> str:
    """Take an entry out of a lock's text, with its hashes."""
    text, count = re.subn(rf"^{re.escape(entry)}.*\n(?: .*\n)+", "", read(lock), flags=re.MULTILINE)
    assert count == 1
    return text


def test_pythons_are_those_that_are_supported() -> None:
    """The locks are looked at for every Python that the project names, from the oldest that it admits."""
    assert PYTHONS == ["3.11", "3.12", "3.13", "3.14"]
    assert PROJECT["project"]["requires-python"] == f">={PYTHONS[0]}"


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("lock", LOCKS)
def test_lock_is_complete(lock: str, python: str, system: str) -> None:
    """All that the project needs, and all that this needs in turn, is locked at a version that fits."""
    assert gaps_in(lock, read(lock), python, system) == set()


@pytest.mark.parametrize(
    ("lock", "entry", "python", "system", "gap"),
    [
        ("runtime.txt", "click==", "3.11", "linux", "the project needs click>=8.5: nothing is locked"),
        ("runtime.txt", "pycparser==", "3.14", "darwin", "cffi needs pycparser: nothing is locked"),
        ("runtime.txt", "psycopg-binary==", "3.12", "win32", "psycopg needs psycopg-binary=={}: nothing is locked"),
        ("build.txt", "trove-classifiers==", "3.13", "linux", "hatchling needs trove-classifiers: nothing is locked"),
        ("requirements.txt", "colorama==", "3.11", "win32", "pytest needs colorama>=0.4: nothing is locked"),
        ("requirements.txt", "pywin32==", "3.11", "win32", "docker needs pywin32>=304: nothing is locked"),
    ],
)
def test_missing_entry_is_named(lock: str, entry: str, python: str, system: str, gap: str) -> None:
    """A lock that lacks what a package needs is found out, where it is needed."""
    [version] = [held.version for held in entries(read(lock)) if f"{held.name}==" == entry][:1]

    assert gap.format(version) in gaps_in(lock, without(lock, entry), python, system)


def test_entry_of_one_system_is_missing_on_the_others() -> None:
    """An entry counts only where its marker holds: what is locked for Windows alone is not needed elsewhere."""
    lock, entry = "requirements.txt", "colorama=="
    elsewhere = re.sub(r"^(tzdata==[^\s;]+)", r"\1 ; sys_platform == 'win32'", read("runtime.txt"), flags=re.MULTILINE)

    assert gaps_in(lock, without(lock, entry), "3.11", "linux") == set()
    assert gaps_in("runtime.txt", elsewhere, "3.11", "win32") == set()
    assert gaps_in("runtime.txt", elsewhere, "3.11", "linux") == {"the project needs tzdata>=2026.1: nothing is locked"}


def test_entry_that_is_locked_twice_is_missing_for_one_python() -> None:
    """Of a package with a version for old Pythons and one for new ones, each is needed where the other is not."""
    lock = "requirements.txt"
    old, new = (f"{entry.name}=={entry.version}" for entry in entries(read(lock)) if entry.name == "networkx")

    for entry, lacking in ((old, {"3.11"}), (new, {"3.12", "3.13", "3.14"})):
        text = without(lock, entry)
        assert {python for python in PYTHONS if gaps_in(lock, text, python, "linux")} == lacking


def test_other_version_is_named() -> None:
    """A version that does not satisfy what needs it is a gap, however many packages are content with it."""
    text = re.sub(r"^pydantic-core==\S+", "pydantic-core==2.0", read("runtime.txt"), flags=re.MULTILINE)

    [gap] = gaps_in("runtime.txt", text, "3.11", "linux")
    assert re.fullmatch(r"pydantic needs pydantic-core==[\d.]+: 2\.0 is locked", gap)


def test_package_that_cannot_be_read_is_named() -> None:
    """What is locked, but is neither installed here nor a known leaf, is not taken for complete."""
    text, [environment, *_] = "appnope==0.1 ; sys_platform == 'darwin' \\\n", environments("3.11", "darwin")

    gap = "appnope 0.1 is not installed here: what it needs is unknown"
    assert gaps(text, [Requirement("appnope")], environment) == {gap}


def test_python_that_a_package_refuses_is_named() -> None:
    """A locked package that does not support a Python is a gap there."""
    [environment, *_] = environments("3.6", "linux")

    assert any(
        re.fullmatch(r"hatchling \S+ needs Python >=3\.\d+", gap)
        for gap in gaps(read("build.txt"), [Requirement("hatchling")], environment)
    )


def test_known_leaves_are_the_packages_of_some_environments() -> None:
    """What is not locked everywhere is known to be a leaf, since no installation has all of it to read."""
    everywhere = [
        environment for python in PYTHONS for system in SYSTEMS for environment in environments(python, system)
    ]
    some = [entry for entry in entries(read("requirements.txt")) if not all(map(entry.holds, everywhere))]

    assert {entry.name for entry in some} == LEAVES


@pytest.mark.parametrize("lock", LOCKS)
def test_every_entry_has_hashes(lock: str) -> None:
    """No entry of a lock is installed by its version alone."""
    found = re.split(r"^(?=[a-z])", read(lock), flags=re.MULTILINE)[1:]

    assert len(found) == len(entries(read(lock)))
    assert all("--hash=sha256:" in entry for entry in found)


@pytest.mark.parametrize("lock", ["build.txt", "runtime.txt"])
def test_locks_agree(lock: str) -> None:
    """What users get is what the tests ran with: the same versions, the same hashes."""
    tested, used = (
        set(re.split(r"^(?=[a-z])", read(name), flags=re.MULTILINE)[1:]) for name in ("requirements.txt", lock)
    )

    assert used <= tested


def test_nothing_is_installed_but_what_is_locked() -> None:
    """
    Every installation of the repo takes a lock by its hashes, resolves nothing, and builds with what is locked.

    An older pip resolves even a complete lock anew, and refuses it once a newer release than the locked one exists.
    """
    make = ["make", "--dry-run", "--always-make", ".venv/demo", ".venv/dev"]
    made = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = ("Dockerfile", ".github/scripts/install.sh", ".ci/install", ".ci/release", "docs/releasing.md")
    lines = [*made.splitlines(), *(line for name in files for line in (ROOT / name).read_text("utf-8").splitlines())]

    installing = [line for line in lines if re.search(r"\bpip\b.*\binstall\b", line)]
    assert len(installing) == 8
    assert [line for line in installing if "--no-deps" not in line] == []
    locked = [line for line in lines if "--requirement" in line]
    assert len(locked) == 6
    assert [line for line in locked if "--require-hashes" not in line or ".ci/" not in line] == []
    assert [line for line in lines if "--editable" in line and "--no-build-isolation" not in line] == []
