"""
A server of Terraform's HTTP backend protocol that enforces its locks and keeps its data on disk.

It speaks three dialects, by address, and shares nothing with the backend that it serves:

    /state/NAME                               as documented for Terraform: LOCK, UNLOCK and `?ID=` on the address itself
    /lenient/NAME                             the same, but while no lock is held, it takes a write under any
    /api/v4/projects/7/terraform/state/NAME   as GitLab: the lock at `/lock` (POST, DELETE), a `serial` that no version
                                              has yet, roles; see the docstring of `terraform_http`

`main` serves in a process of its own; killed at any moment, it finds on disk what it had answered for.
"""

import base64
import hashlib
import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from tests.support.stores.http_disk import LockInfo, State

WRITER = ("ada", "c4nary-of-the-http-store")
READER = ("bob", "c4nary-of-a-reader")
JOB = ("gitlab-ci-token", "c4nary-of-a-gitlab-job")
_GITLAB = re.compile(r"/api/v4/projects/7/terraform/state/([\w.-]+)(/lock)?")
_PLAIN = re.compile(r"/(state|lenient)/([\w.-]+)")


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """
    What goes wrong with the next request of a method.

    Attributes:
        method: of the request.
        reply: given in the place of the right one; None to hang up without any.
        is_done: whether the request has its effect nevertheless.
        then: what happens on the server right after.
    """

    method: str
    reply: Reply | None = None
    is_done: bool = False
    then: Callable[[], None] = lambda: None


class StateServer(ThreadingHTTPServer):
    """
    The server; within a `with` block it serves in a thread.

    Args:
        folder: of its data.
        port: 0 for any.

    Attributes:
        faults: what goes wrong next; each once.
        requests: method and address of all requests so far.
        checks_lock: whether a lock that is held is refused to others.
        checks_writes: whether writes are refused that do not name the lock.
        largest_bytes: of a state.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, folder: Path, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.folder = folder
        self.alone = Lock()
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self.checks_lock = True
        self.checks_writes = True
        self.largest_bytes = 64 * 1024 * 1024

    @property
    def url(self) -> str:
        """Of the server."""
        return f"http://127.0.0.1:{self.server_port}"

    def state(self, name: str, dialect: str = "state") -> State:
        """Find the data of one state."""
        return State(self.folder / dialect / name)

    def __enter__(self) -> Self:
        Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    server: StateServer
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def answer(self) -> None:
        """Answer a request, rightly or as a fault wants it."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.server.alone:
            self.server.requests.append(f"{self.command} {self.path}")
            fault = next((fault for fault in self.server.faults if fault.method == self.command), None)
            if fault is not None:
                self.server.faults.remove(fault)
            reply = Reply(503) if fault is not None and not fault.is_done else self._reply(body)
            if fault is not None:
                fault.then()
        if fault is None:
            self._send(reply)
        elif fault.reply is None:
            self.close_connection = True
        else:
            self._send(fault.reply)

    do_GET = do_POST = do_PUT = do_DELETE = do_LOCK = do_UNLOCK = answer  # noqa: N815 - the names that http.server calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""

    def _reply(self, body: bytes) -> Reply:
        user = self._user()
        if user not in {WRITER, READER, JOB}:
            return _message(401, "401 Unauthorized")
        if user == READER and self.command != "GET":
            return _message(403, "403 Forbidden")
        if not self._is_intact(body):
            return _message(400, "Content-MD5 does not fit")
        if len(body) > self.server.largest_bytes:
            return _message(413, "413 Request Entity Too Large")
        path = urlsplit(self.path).path
        if match := _GITLAB.fullmatch(path):
            return self._gitlab(self.server.state(match[1], "gitlab"), body, is_lock=match[2] is not None)
        if match := _PLAIN.fullmatch(path):
            return self._plain(self.server.state(match[2], match[1]), body, is_lenient=match[1] == "lenient")
        return _message(404, "404 Not found")

    def _plain(self, state: State, body: bytes, *, is_lenient: bool) -> Reply:
        match self.command:
            case "GET":
                found = state.read()
                return Reply(404) if found is None else Reply(200, found)
            case "POST" | "PUT":
                if self._is_shut(state) and not (is_lenient and state.lock is None):
                    return _json(423 if state.lock else 409, state.lock or {})
                state.write(1, body)
                return Reply(200)
            case "LOCK":
                if state.lock is not None and self.server.checks_lock:
                    return _json(423, state.lock)
                state.lock = json.loads(body)
                return Reply(200)
            case "UNLOCK":
                if state.lock is None or json.loads(body)["ID"] != state.lock["ID"]:
                    return _json(409, state.lock or {})
                state.lock = None
                return Reply(200)
            case _:
                return Reply(405)

    def _gitlab(self, state: State, body: bytes, *, is_lock: bool) -> Reply:
        match self.command, is_lock:
            case "GET", False:
                found = state.read()
                return Reply(200, found) if found is not None else Reply(204 if state.lock else 404)
            case "POST", False:
                return self._gitlab_write(state, body)
            case "POST", True:
                return self._gitlab_lock(state, json.loads(body))
            case "DELETE", True:
                if json.loads(body)["ID"] != (state.lock or {}).get("ID"):
                    return Reply(409)
                state.lock = None
                return Reply(200)
            case _:
                return Reply(405)

    def _gitlab_write(self, state: State, body: bytes) -> Reply:
        if not body:
            return Reply(204)
        if self._is_shut(state):
            return _message(500, "500 Internal Server Error")
        serial = json.loads(body)["serial"]
        if serial in state.serials():
            return _message(422, "PG::UniqueViolation: duplicate key value violates unique constraint")
        state.write(serial, body)
        return Reply(200)

    def _gitlab_lock(self, state: State, info: LockInfo) -> Reply:
        if any(not isinstance(info.get(name), str) for name in ("ID", "Operation", "Info", "Version", "Path")):
            return _message(400, "a field of the lock is missing")
        held = state.lock
        if held is None:
            held = {"ID": info["ID"], "Who": "gitlab-ada", "Created": datetime.now(UTC).isoformat()}
            state.lock = held
            return _json(200, {**info, **held})
        return _json(409, {**info, **held})

    def _is_shut(self, state: State) -> bool:
        """Whether a write does not name the lock that is held, or names one where none is."""
        named = parse_qs(urlsplit(self.path).query).get("ID", [None])[0]
        return self.server.checks_writes and named != (state.lock or {}).get("ID")

    def _user(self) -> tuple[str, str]:
        coded = self.headers.get("Authorization", "").removeprefix("Basic ")
        user, _, password = base64.b64decode(coded).decode().partition(":")
        return user, password

    def _is_intact(self, body: bytes) -> bool:
        digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        return self.headers.get("Content-MD5", digest) == digest

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)
        self.wfile.flush()


def _json(status: int, values: LockInfo) -> Reply:
    return Reply(status, json.dumps(values).encode(), {"Content-Type": "application/json"})


def _message(status: int, text: str) -> Reply:
    return _json(status, {"message": text})


def main() -> None:
    """Serve the folder and port of the command line until killed; print the port that is listened on."""
    server = StateServer(Path(sys.argv[1]), int(sys.argv[2]))
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()
