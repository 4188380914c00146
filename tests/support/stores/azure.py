"""States in Azure Blob Storage, as Microsoft's own emulator understands it (Azurite)."""

import base64
import hashlib
import hmac
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from itertools import count
from pathlib import Path

from tests.support.stores.place import Place
from tests.support.stores.program import Program, call, hold_ports, port_of

ACCOUNT = "statesaccount"
KEY = base64.b64encode(b"c4nary-of-the-azure-store").decode()
CONTAINER = "states"


class _Azurite:
    def __init__(self, port: int, program: Program) -> None:
        self._numbers = count(1)
        self.port = port
        self._program = program

    def place(self, folder: Path, *, port: int = 0) -> Place:
        """Choose a folder of the container that nobody uses."""
        return Place(f"az://{CONTAINER}/state-{next(self._numbers)}", folder, environment(port or self.port))

    def restart(self) -> None:
        """Stop the server, and start it on its data and its port. It writes its data when it is told to stop."""
        self._program.stop(signal.SIGTERM)
        self._program.start()

    def stop(self) -> None:
        """Kill the server."""
        self._program.stop()


def environment(port: int) -> dict[str, str]:
    """Say where the server is, and who asks."""
    return {
        "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
        "AZURE_STORAGE_ACCOUNT_KEY": KEY,
        "AZURE_STORAGE_ENDPOINT": f"http://127.0.0.1:{port}/{ACCOUNT}",
    }


@contextmanager
def azurite(folder: Path) -> Iterator[_Azurite]:
    """Serve blobs by Azurite, which keeps its data in a folder."""
    (held,) = hold_ports(1)
    port = port_of(held)
    command = ["azurite-blob", "--silent", "--disableTelemetry", "--location", str(folder), "--blobPort", str(port)]
    accounts = {"AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"}
    store = _Azurite(port, Program(command, folder, lambda: _has_container(port), accounts))
    try:
        yield store
    finally:
        store.stop()
        held.close()


def _has_container(port: int) -> bool:
    """Make the container, signed as Azure wants it; 409: it is there already, after a restart."""
    headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
    first = ["PUT", "", "", "", "", "application/octet-stream", "", "", "", "", "", ""]
    told = [f"{name}:{value}" for name, value in headers.items()]
    signed = "\n".join([*first, *told, f"/{ACCOUNT}/{ACCOUNT}/{CONTAINER}", "restype:container"])
    signature = base64.b64encode(hmac.digest(base64.b64decode(KEY), signed.encode(), hashlib.sha256)).decode()
    headers |= {"Authorization": f"SharedKey {ACCOUNT}:{signature}", "Content-Length": "0"}
    url = f"http://127.0.0.1:{port}/{ACCOUNT}/{CONTAINER}?restype=container"
    return call("PUT", url, headers=headers)[0] in {201, 409}
