"""Programs that tests need: on the PATH, beside this interpreter, or where `.ci/prepare` put them."""

import os
import shutil
import sys
from pathlib import Path

BESIDE = Path(sys.executable).parent
"""Where Python packages put their programs."""

PLACES = (
    BESIDE,
    BESIDE.parent / "azurite" / "node_modules" / ".bin",
    BESIDE.parent / "yaml-test-suite" / "bin",
    *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True),  # Debian keeps each version's apart
    Path("/usr/sbin"),
)


def find(program: str) -> str | None:
    """Tell the path of a program; None if it is not here. POSTGRES_BIN may name a folder to look in first."""
    folders = (os.environ.get("POSTGRES_BIN", ""), os.environ.get("PATH", ""), *map(str, PLACES))
    return shutil.which(program, path=os.pathsep.join(filter(None, folders)))


def path_of(program: str) -> str:
    """Tell the path of a program that must be there."""
    found = find(program)
    assert found is not None, f"{program} is not on this machine; .ci/prepare installs it"
    return found
