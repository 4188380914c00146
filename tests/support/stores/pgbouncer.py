"""A proxy that lends the sessions of a PostgreSQL server to its clients for one transaction at a time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg

from tests.support.stores.place import Place
from tests.support.stores.postgres import DATABASE, USER, PostgresServer
from tests.support.stores.program import Program, hold_ports, port_of

SETTINGS = """
[databases]
* = host=127.0.0.1 port={server} user=test
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {sessions}
"""


class Pool:
    """
    A proxy at work.

    Attributes:
        port: where it listens.
    """

    def __init__(self, port: int) -> None:
        self.port = port

    def place(self, place: Place, server: PostgresServer) -> Place:
        """Give a place of the server as it is reached through the proxy."""
        return replace(place, url=place.url.replace(f":{server.port}/", f":{self.port}/"))

    def client(self) -> psycopg.Connection[tuple[object, ...]]:
        """Connect somebody else."""
        return psycopg.connect(host="127.0.0.1", port=self.port, user=USER, dbname=DATABASE, prepare_threshold=None)

    def answers(self) -> bool:
        """Say whether it listens."""
        try:
            self.client().close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def a_pool(server: PostgresServer, folder: Path, *, sessions: int) -> Iterator[Pool]:
    """Run a proxy that shares so many sessions of the server."""
    (held,) = hold_ports(1)
    with held:
        pool = Pool(port_of(held))
        text = SETTINGS.format(server=server.port, port=pool.port, sessions=sessions)
        if os.geteuid() == 0:
            text += "user = nobody\n"
        settings = folder / "pgbouncer.ini"
        settings.write_text(text)
        settings.chmod(0o644)
        program = Program(["pgbouncer", str(settings)], folder, pool.answers)
        try:
            yield pool
        finally:
            program.stop()
