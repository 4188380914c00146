"""Many files: a second process reads its share of them, and nobody can tell from what comes out."""

import json
import os
import subprocess
import sys
from pathlib import Path

from msgflash_apply.config.known import entries_text
from msgflash_apply.config.settings import Settings
from msgflash_apply.config.side_by_side import _end, _taken_over, can_fork, contents_of_all
from tests.unit.config.repos import WELCOME

SETTINGS = Settings(Path("/repo"))
FILES = [(f"campaigns/{number}.yaml", WELCOME.replace("Welcome", f"No {number}").encode()) for number in range(7)] + [
    ("campaigns/bad.yaml", b"name: ["),
    ("campaigns/wrong.yaml", WELCOME.encode() + b"x: 1\n"),
    ("campaigns/warning.yaml", WELCOME.encode() + b"repeat: daily\n"),
    ("campaigns/half.yaml", WELCOME.encode() + b'labels: {a: "\\ud83d"}\n'),
]
ALONE = contents_of_all(FILES, SETTINGS, enough=len(FILES) + 1).contents

IN_A_PROCESS_OF_ITS_OWN = """
from tests.unit.config.test_side_by_side import ALONE, FILES, SETTINGS
from msgflash_apply.config.known import entries_text
from msgflash_apply.config.side_by_side import can_fork, contents_of_all
shared = contents_of_all(FILES, SETTINGS, enough=2)
alone = contents_of_all(FILES, SETTINGS, enough=100)
text = b",".join(filter(None, shared.parts)) == entries_text(FILES, ALONE)
print(can_fork(), shared.contents == ALONE, alone.contents == ALONE, text, alone.parts)
"""


def test_shares_make_a_whole() -> None:
    """With a second process, if there is a core for it, files say what they say without: mistakes and all, in order."""
    done = subprocess.run(
        [sys.executable, "-c", IN_A_PROCESS_OF_ITS_OWN], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )

    assert done.stdout == "True True True True None\n"
    assert not done.stderr


def test_share_that_never_arrives_is_read_here() -> None:
    """Where the second process came to grief, this one reads what that one claimed."""
    contents, text = _taken_over(None, FILES, SETTINGS)

    assert contents == ALONE
    assert text == entries_text(FILES, ALONE)


def test_second_process_that_dies_midway_leaves_what_it_finished() -> None:
    """A line without its end was still being written: what it holds is not taken."""
    shared = os.memfd_create("share")
    os.write(shared, b'0 "a":1\n4 "b":2\n8 "c"')
    pid = os.posix_spawn("/bin/false", ["false"], {})

    assert _end(pid, shared) == {0: b'"a":1', 4: b'"b":2'}


def test_what_the_other_read_is_taken_as_it_is() -> None:
    """What the second process worked out is not worked out again, but for files with a mistake."""
    other = (FILES[1][0], b"never read")
    text = entries_text(FILES[1:2], ALONE[1:2])

    taken, kept = _taken_over(text, [other, FILES[7]], SETTINGS)

    assert [placed.desired for placed in taken[0].campaigns] == [placed.desired for placed in ALONE[1].campaigns]
    assert taken[1] == ALONE[7]
    assert list(json.loads(b"{%b}" % kept)) == [other[0]]


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
