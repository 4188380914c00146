"""
States in PostgreSQL: a private cluster of Debian's package, on loopback and a socket.

Its programs refuse to run as root, and a test's folders are often root's alone: then they run as `nobody`, in a folder
of their own.
"""

import os
import pwd
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

import psycopg

from tests.support.programs import path_of
from tests.support.stores.place import Place
from tests.support.stores.program import Program, hold_ports, port_of

USER = "test"
DATABASE = "states"
GUARDED = "guarded"
"""Roles of this group must give theirs; nobody else is asked for one."""


class PostgresServer:
    """
    A cluster with one database; every place has a schema of its own in it.

    Args:
        folder: belongs to whoever runs the server, who has it for the socket too.
        port: on loopback.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self._port = port
        self._numbers = count(1)
        self._run("initdb", "-D", "data", "-A", "trust", "-U", USER, "--no-sync", "-E", "UTF8", "--no-locale")
        settings = [f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", "fsync=off"]
        self._ask_for_passwords()
        options = [option for setting in settings for option in ("-c", setting)]
        self._program = Program([*_as_nobody("postgres"), "-D", "data", *options], folder, self._answers)
        self.run_sql(f"CREATE DATABASE {DATABASE}", database="postgres")
        self.run_sql(f"CREATE ROLE {GUARDED}")

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    def place(self, folder: Path, *, port: int = 0) -> Place:
        """Make a place in a schema that is not there yet."""
        server = f"postgresql://{USER}@127.0.0.1:{port or self._port}"
        return Place(f"{server}/{DATABASE}/shop/default?schema=at_{next(self._numbers)}", folder)

    def restart(self) -> None:
        """End it as a crash would, and start it again on what is on disk."""
        self._program.stop(signal.SIGQUIT)
        self._program.start()

    def stop(self) -> None:
        """End it."""
        self._program.stop(signal.SIGINT)

    def role(self, *sql: str, guarded_by: str | None = None) -> str:
        """Make a role, guarded by a password or not, and run what an administrator would for it, `{role}`."""
        role = f"role_{next(self._numbers)}"
        self.run_sql(f"CREATE ROLE {role} LOGIN")
        if guarded_by is not None:
            self.run_sql(f"ALTER ROLE {role} PASSWORD '{guarded_by}'; GRANT {GUARDED} TO {role}")
        for each in sql:
            self.run_sql(each.replace('"{role}"', role).replace("{role}", role))
        return role

    def run_at(self, place: Place, statement: str) -> list[tuple[object, ...]]:
        """Run a statement as an administrator on the tables of a place, whose schema is `{schema}` in it."""
        return self.run_sql(statement.replace("{schema}", schema_of(place)))

    def run_sql(
        self, statement: str, parameters: Mapping[str, object] | None = None, *, database: str = DATABASE
    ) -> list[tuple[object, ...]]:
        """Run statements as an administrator; gives the rows of the last one."""
        with self.session(database) as connection:
            cursor = connection.execute(statement.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def session(self, database: str = DATABASE) -> psycopg.Connection[tuple[object, ...]]:
        """Log in as an administrator; every statement is a transaction of its own."""
        return psycopg.connect(host=str(self.folder), port=self._port, user=USER, dbname=database, autocommit=True)

    def _ask_for_passwords(self) -> None:
        rules = self.folder / "data" / "pg_hba.conf"
        rules.write_text(f"host all +{GUARDED} 127.0.0.1/32 scram-sha-256\n{rules.read_text()}")

    def _answers(self) -> bool:
        try:
            self.run_sql("SELECT 1", database="postgres")
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, program: str, *arguments: str) -> None:
        command = [*_as_nobody(program), *arguments]
        subprocess.run([path_of(command[0]), *command[1:]], cwd=self.folder, check=True, capture_output=True)


def schema_of(place: Place) -> str:
    """Tell in which schema a place is."""
    return place.url.rpartition("=")[2]


def place_of(place: Place, role: str) -> Place:
    """Give the same place for somebody who logs in as a role."""
    return replace(place, url=place.url.replace(f"{USER}@", f"{role}@"))


@contextmanager
def postgres(_: Path) -> Iterator[PostgresServer]:
    """Serve states in PostgreSQL."""
    (held,) = hold_ports(1)
    with held, tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        server = PostgresServer(Path(folder), port_of(held))
        try:
            yield server
        finally:
            server.stop()


def _as_nobody(program: str) -> list[str]:
    """Give up root's rights before a program starts."""
    if os.geteuid() != 0:
        return [program]
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--", path_of(program)]
