"""
The locks of `.ci`: what each names, and what it lacks.

A lock is installed without resolving, so it must name all that its packages need. What they need is in their own
metadata, which is read here: the tests run in an installation of `.ci/requirements.txt`, the largest of the locks.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TypeAlias

from packaging.dependency_groups import resolve_dependency_groups
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ENTRY = re.compile(r"^([\w.-]+)==([^\s;]+)(?: ; ([^\\\n]+?))? *\\?$", re.MULTILINE)
LEAVES = frozenset({"colorama", "networkx", "pywin32"})
"""
Packages that are locked for other systems or Pythons than this one, whose metadata is therefore not here.

They are known to need nothing. Where one of them is installed, its metadata is read like any other.
"""

Environment: TypeAlias = Mapping[str, str]


@dataclass(frozen=True)
class Entry:
    """A package of a lock: at which version, and where; everywhere if the marker is None."""

    name: NormalizedName
    version: str
    marker: Marker | None

    def holds(self, environment: Environment | None = None) -> bool:
        """Say whether it is installed in an environment, by default in this one."""
        return self.marker is None or self.marker.evaluate(environment)


def read(lock: str) -> str:
    """Read the text of a lock."""
    return (ROOT / ".ci" / lock).read_text(encoding="utf-8")


@cache
def entries(text: str) -> list[Entry]:
    """List the packages of a lock's text."""
    return [
        Entry(canonicalize_name(name), version, Marker(marker) if marker else None)
        for name, version, marker in ENTRY.findall(text)
    ]


def locked_here(lock: str) -> dict[str, str]:
    """Tell the versions of what a lock installs on this system and Python."""
    return {entry.name: entry.version for entry in entries(read(lock)) if entry.holds()}


def installed(folder: Path) -> dict[str, str]:
    """Tell the versions of what is in a virtual environment, apart from what it is made with."""
    [packages] = folder.glob("lib/python*/site-packages")
    found = metadata.distributions(path=[str(packages)])
    versions = {str(canonicalize_name(package.metadata["Name"])): package.version for package in found}
    return {name: version for name, version in versions.items() if name not in {"pip", "setuptools"}}


@cache
def wanted(lock: str) -> list[Requirement]:
    """List what pyproject.toml wants of a lock."""
    groups, project = PROJECT["dependency-groups"], PROJECT["project"]
    program = [
        *project["dependencies"],
        *(text for extra in project["optional-dependencies"].values() for text in extra),
    ]
    texts = {
        "build.txt": [*PROJECT["build-system"]["requires"], *resolve_dependency_groups(groups, "build")],
        "requirements.txt": [*program, *resolve_dependency_groups(groups, "dev")],
        "runtime.txt": program,
    }
    # An extra that consists of others, all of which are in the list.
    return [Requirement(text) for text in texts[lock] if not text.startswith(f"{project['name']}[")]


def gaps(text: str, roots: Iterable[Requirement], environment: Environment) -> set[str]:
    """Name what a lock's text lacks in an environment, of what the roots need and of what that needs in turn."""
    held = [entry for entry in entries(text) if entry.holds(environment)]
    found: set[str] = set()
    waiting = [("the project", root) for root in roots]
    seen = set(waiting)
    while waiting:
        needing, requirement = waiting.pop()
        match [entry for entry in held if entry.name == canonicalize_name(requirement.name)]:
            case [entry] if requirement.specifier.contains(entry.version, prereleases=True):
                needed = [(entry.name, item) for item in _needs(entry, requirement.extras, environment, found)]
                waiting += [item for item in needed if item not in seen]
                seen.update(needed)
            case matching:
                versions = ", ".join(entry.version for entry in matching) or "nothing"
                found.add(f"{needing} needs {requirement.name}{requirement.specifier}: {versions} is locked")
    return found


@cache
def _package(name: str) -> tuple[str, str, tuple[Requirement, ...]] | None:
    """Read what a package that is installed here says: its version, the Pythons it supports, and what it needs."""
    try:
        package = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None
    pythons, *_ = package.metadata.get_all("Requires-Python", [""])
    return package.version, pythons, tuple(Requirement(text) for text in package.requires or ())


def _needs(entry: Entry, extras: set[str], environment: Environment, found: set[str]) -> Iterator[Requirement]:
    """Tell what a package needs with these extras; what keeps it from being installed, or read, goes to `found`."""
    package = _package(entry.name)
    if package is None or package[0] != entry.version:
        if entry.name not in LEAVES or entry.holds():
            found.add(f"{entry.name} {entry.version} is not installed here: what it needs is unknown")
        return
    _, pythons, requirements = package
    if not SpecifierSet(pythons).contains(environment["python_full_version"]):
        found.add(f"{entry.name} {entry.version} needs Python {pythons}")
    for requirement in requirements:
        marker = requirement.marker
        if marker is None or any(marker.evaluate({**environment, "extra": extra}) for extra in ("", *extras)):
            yield requirement
