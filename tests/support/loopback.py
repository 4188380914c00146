"""Tests that never leave this machine, whatever the code under test tries."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

_LOOPBACK = ("127.", "::1", "localhost")


@contextmanager
def on_this_machine_alone() -> Iterator[None]:
    """Let every connection to another machine fail while the block runs, with the test that tried."""
    connect = socket.socket.connect

    def connect_here(self: socket.socket, address: object) -> None:
        host = str(address[0]) if isinstance(address, tuple) else ""  # a path is a socket of this machine
        assert not host or host.startswith(_LOOPBACK), f"a test of the fast loop connects to {host}"
        connect(self, address)  # type: ignore[arg-type]  # as it was given

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect_here)
        yield
