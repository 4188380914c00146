"""Which modules a command of ours loads."""

import json
import subprocess
import sys

from tests.support.command import Repo

TELL = """
import json, sys
from msgflash_apply.cli.main import run
code = 0
try:
    code = run(sys.argv[1:])
except SystemExit:  # click ends so when it has completed a word
    pass
print("\\n" + json.dumps(sorted(sys.modules)))
sys.exit(code)
"""
"""The real command in a process that says at its end what it loaded, instead of leaving at once."""


def modules_loaded_by(repo: Repo, *arguments: str, **environ: str) -> set[str]:
    """Run a command that goes well, and tell the modules that it loaded."""
    done = subprocess.run(
        [sys.executable, "-c", TELL, *arguments],
        cwd=repo.folder,
        env=repo._environment(environ),
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stdout.splitlines()[-1]))
