"""A server, and an empty place on it."""

from pathlib import Path

import pytest

from tests.support.stores import Place, Stores
from tests.support.stores.postgres import PostgresServer


@pytest.fixture
def server(stores: Stores) -> PostgresServer:
    """Find the session's server."""
    running = stores.server("postgres")
    assert isinstance(running, PostgresServer)
    return running


@pytest.fixture
def place(server: PostgresServer, tmp_path: Path) -> Place:
    """Make a place where no tables are yet."""
    return server.place(tmp_path)
