"""Which program this is: its version, and its files and libraries as far as they decide what a plan says."""

import json
import sys
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from msgflash_apply import __version__

LIBRARIES: Final = ("yaml", "jinja2", "jsonschema_rs", "tzdata")
"""Whose other versions may read a file otherwise."""

READERS: Final = ("config", "schemas")
"""Packages of ours that decide what a file says."""

PACKAGES: Final = ("cli", "engine", "state", *READERS)
"""Ours that decide what a plan says; the others fetch and show."""


@cache
def program_stamp() -> str:
    """Digest the version, and sizes and times of the files: a checkout that is being edited is another program."""
    said = [__version__, sys.version, [_stamp(file) for file in [*_own_files(PACKAGES), *_library_files()]]]
    return sha256(json.dumps(said).encode()).hexdigest()


@cache
def reader_digest() -> str:
    """
    Digest what decides what a file says, by content: on every machine with these versions it is the same.

    Libraries are told apart by the sizes of their files; that of a compiled one differs with every version.
    """
    own = [(file.name, _content(file)) for file in _own_files(READERS)]
    libraries = [
        (folder.name, file.name, file.stat().st_size)
        for folder in sorted({file.parent for file in _library_files()})
        for file in _files_in(folder)
    ]
    return sha256(json.dumps([__version__, sys.version_info[:3], own, libraries]).encode()).hexdigest()


def _own_files(packages: Iterable[str]) -> list[Path]:
    package = Path(__file__).parent.parent
    folders = [*(package / name for name in packages), package.parent / "schemas"]
    return [package / "campaign.py", *(file for folder in folders for file in _files_in(folder))]


def _library_files() -> list[Path]:
    return [Path(spec.origin) for spec in map(find_spec, LIBRARIES) if spec and spec.origin]


def _files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []


# A program in an archive has no files; then its version has to do.


def _content(file: Path) -> str:
    try:
        return sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""


def _stamp(file: Path) -> tuple[str, int, int]:
    try:
        status = file.stat()
    except OSError:
        return str(file), 0, 0
    return str(file), status.st_size, status.st_mtime_ns
