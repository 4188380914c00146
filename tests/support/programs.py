"""Programs that tests need: on the PATH, beside this interpreter, or where `.ci/prepare` put them."""

import os
import shutil
import sys
from pathlib import Path

BESIDE = Path(sys.executable).parent
"""Where Python packages put their programs."""

PLACES = (BESIDE, BESIDE.parent / "azurite" / "node_modules" / ".bin")


def find(program: str) -> str | None:
    """Tell the path of a program; None if it is not on this machine."""
    return shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), *map(str, PLACES)]))


def path_of(program: str) -> str:
    """Tell the path of a program that must be there."""
    found = find(program)
    assert found is not None, f"{program} is not on this machine; .ci/prepare installs it"
    return found
