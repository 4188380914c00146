"""States in Google Cloud Storage, or what stands for it here: the tests' own server, in a process of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from tests.support.stores import gcs_server
from tests.support.stores.gcs_server import BUCKET, TOKEN
from tests.support.stores.place import Place


class _Gcs:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)
        self.port = 0
        self._process = self._start()

    def place(self, folder: Path, *, port: int = 0) -> Place:
        """Choose a folder of the bucket that nobody uses."""
        return Place(f"gs://{BUCKET}/state-{next(self._numbers)}", folder, environment(port or self.port))

    def restart(self) -> None:
        """Kill the server, and start it on its data and its port."""
        self.stop()
        self._process = self._start()

    def stop(self) -> None:
        """Kill the server."""
        self._process.kill()
        self._process.communicate()

    def _start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-P", gcs_server.__file__, self._folder, str(self.port)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        self.port = int(process.stdout.readline())  # It listens: whoever connects now is answered.
        return process


def environment(port: int) -> dict[str, str]:
    """Say where the server is, and who may write there."""
    return {"GOOGLE_BASE_URL": f"http://127.0.0.1:{port}", "GOOGLE_BEARER_TOKEN": TOKEN}


@contextmanager
def gcs(folder: Path) -> Iterator[_Gcs]:
    """Serve states by Google's protocol."""
    store = _Gcs(folder)
    try:
        yield store
    finally:
        store.stop()
