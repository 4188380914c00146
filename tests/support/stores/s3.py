"""States in S3: a real server (SeaweedFS), and S3 as somebody else understood it (moto)."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import quote

from tests.support.stores.place import Place
from tests.support.stores.program import Program, call, hold_ports, port_of

BUCKET = "states"

_SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=moto/20260101/us-east-1/s3/aws4_request"}
"""moto looks no further than the first words, and refuses what has none."""


def environment(port: int) -> dict[str, str]:
    """Say where the server is, and who asks."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "c4nary-of-an-access-key",
        "AWS_SECRET_ACCESS_KEY": "c4nary-of-a-secret-key",
    }


class _S3:
    """What both servers have in common."""

    def __init__(self, port: int, program: Program) -> None:
        self._numbers = count(1)
        self.port = port
        self._program = program

    def place(self, folder: Path, *, port: int = 0) -> Place:
        """Choose a folder of the bucket that nobody uses."""
        return Place(f"s3://{BUCKET}/state-{next(self._numbers)}", folder, environment(port or self.port))

    def stop(self) -> None:
        """Kill the server."""
        self._program.stop()


class _SeaweedFs(_S3):
    def restart(self) -> None:
        """Kill the server, and start it on its data and its ports."""
        self._program.stop()
        self._program.start()


class _Moto(_S3):
    def restart(self) -> None:
        """Kill the server, and start it on its port. It has its data in memory, so that it is given it again."""
        kept = {key: self._ask("GET", f"/{quote(key)}") for key in self._keys()}
        self._program.stop()
        self._program.start()
        for key, data in kept.items():
            self._ask("PUT", f"/{quote(key)}", data)

    def _keys(self) -> list[str]:
        keys: list[str] = []
        while True:
            after = f"&start-after={quote(keys[-1])}" if keys else ""
            page = self._ask("GET", f"?list-type=2{after}")
            keys += re.findall(r"<Key>([^<]+)</Key>", page.decode())
            if b"<IsTruncated>true" not in page:
                return keys

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        status, answer = call(method, f"http://127.0.0.1:{self.port}/{BUCKET}{path}", body, _SIGNED)
        assert status == 200, answer
        return answer


def _has_bucket(port: int) -> bool:
    # 409: it is there already, after a restart.
    return call("PUT", f"http://127.0.0.1:{port}/{BUCKET}")[0] in {200, 409}


@contextmanager
def seaweedfs(folder: Path) -> Iterator[_SeaweedFs]:
    """Serve S3 by SeaweedFS, which keeps its data in a folder."""
    roles = ("master", "volume", "filer", "s3")
    held = hold_ports(2 * len(roles))
    ports = list(map(port_of, held))
    command = ["weed", "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]
    for role, port, grpc in zip(roles, ports[::2], ports[1::2], strict=True):
        command += [f"-{role}.port={port}", f"-{role}.port.grpc={grpc}"]
    command += [
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-master.telemetry=false",
        "-master.electionTimeout=1s",
        "-filer.saveToFilerLimit=1048576",
    ]
    command += [f"-{role}.localSocket={folder}/{role}.sock" for role in ("filer", "s3")]
    port = ports[-2]
    store = _SeaweedFs(port, Program(command, folder, lambda: _has_bucket(port)))
    try:
        yield store
    finally:
        store.stop()
        for each in held:
            each.close()


@contextmanager
def moto(folder: Path) -> Iterator[_Moto]:
    """Serve S3 by moto."""
    (held,) = hold_ports(1)
    port = port_of(held)
    program = Program(["moto_server", "-H", "127.0.0.1", "-p", str(port)], folder, lambda: _has_bucket(port))
    store = _Moto(port, program)
    try:
        yield store
    finally:
        store.stop()
        held.close()
