"""Many files: a second process takes half of them, and nobody can tell from what comes out."""

import subprocess
import sys
from pathlib import Path

from msgflash_apply.config.rows import to_rows
from msgflash_apply.config.settings import Settings
from msgflash_apply.config.side_by_side import _taken_over, can_fork, contents_of_all
from tests.unit.config.repos import WELCOME

SETTINGS = Settings(Path("/repo"))
FILES = [(f"campaigns/{number}.yaml", WELCOME.replace("Welcome", f"No {number}").encode()) for number in range(7)] + [
    ("campaigns/bad.yaml", b"name: ["),
    ("campaigns/wrong.yaml", WELCOME.encode() + b"x: 1\n"),
    ("campaigns/warning.yaml", WELCOME.encode() + b"repeat: daily\n"),
    ("campaigns/half.yaml", WELCOME.encode() + b'labels: {a: "\\ud83d"}\n'),
]
ALONE = contents_of_all(FILES, SETTINGS, enough=len(FILES) + 1)

IN_A_PROCESS_OF_ITS_OWN = """
from tests.unit.config.test_side_by_side import ALONE, FILES, SETTINGS
from msgflash_apply.config.side_by_side import can_fork, contents_of_all
print(can_fork(), [contents_of_all(FILES, SETTINGS, enough=enough) == ALONE for enough in (2, 100)])
"""


def test_halves_make_a_whole() -> None:
    """With a second process, if there is a core for it, files say what they say without: mistakes and all, in order."""
    done = subprocess.run(
        [sys.executable, "-c", IN_A_PROCESS_OF_ITS_OWN], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )

    assert done.stdout.endswith("[True, True]\n")
    assert not done.stderr


def test_second_process_that_comes_to_grief_costs_nothing() -> None:
    """Where the other half never arrives, this process reads it itself."""
    assert _taken_over([], FILES, SETTINGS) == ALONE


def test_rows_of_the_other_half_are_taken_as_they_are() -> None:
    """What the second process worked out is not worked out again, but for files with a mistake."""
    other = (FILES[1][0], b"never read")
    rows = to_rows(ALONE[1])

    taken = _taken_over([rows, None], [other, FILES[7]], SETTINGS)

    assert [placed.desired for placed in taken[0].campaigns] == [placed.desired for placed in ALONE[1].campaigns]
    assert taken[1] == ALONE[7]


def test_process_with_threads_does_not_fork() -> None:
    """A fork inherits locks and not the threads that would release them."""
    from threading import Event, Thread  # noqa: PLC0415 - only here

    done = Event()
    thread = Thread(target=done.wait)
    thread.start()
    could = can_fork()
    done.set()
    thread.join()
    assert not could
