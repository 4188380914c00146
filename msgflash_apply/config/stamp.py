"""Which program this is: its version, and its files and libraries as far as they decide what a plan says."""

import json
import sys
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from msgflash_apply import __version__

LIBRARIES: Final = ("yaml", "jinja2", "jsonschema_rs", "tzdata")
"""Whose other versions may read a file otherwise."""

PACKAGES: Final = ("cli", "config", "engine", "schemas", "state")
"""Ours that decide; the others fetch and show."""


@cache
def program_stamp() -> str:
    """Digest the version, and sizes and times of the files: a checkout that is being edited is another program."""
    package = Path(__file__).parent.parent
    files = [
        package / "campaign.py",
        *(Path(spec.origin) for spec in map(find_spec, LIBRARIES) if spec and spec.origin),
    ]
    for folder in (*(package / name for name in PACKAGES), package.parent / "schemas"):
        if folder.is_dir():
            files += sorted(path for path in folder.iterdir() if path.is_file())
    said = [__version__, sys.version, [_stamp(file) for file in files]]
    return sha256(json.dumps(said).encode()).hexdigest()


def _stamp(file: Path) -> tuple[str, int, int]:
    try:
        status = file.stat()
    except OSError:  # a program in an archive has no files; then its version has to do
        return str(file), 0, 0
    return str(file), status.st_size, status.st_mtime_ns
