"""
A small Google Cloud Storage: the XML API as far as a state needs it, honest about generations, with its data on disk.

It creates with `x-goog-if-generation-match: 0`, replaces with the generation that was read, lists in pages, and wants a
bearer token. It shares nothing with the backend that it serves. Made by a test, it can also lie on cue: `GcsServer`.
As a process of its own:

    python -P tests/support/stores/gcs_server.py FOLDER PORT

It prints the port that it listens on. Killed at any moment, it finds on disk what it had answered for.
"""

import base64
import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

BUCKET = "states"
TOKEN = "c4nary-of-the-gcs-server"  # noqa: S105 - a secret of the tests' own
PAGE = 1000


@dataclass(frozen=True)
class Object:
    """One object: its bytes, its generation, and when it was written by the server's clock."""

    key: str
    data: bytes
    generation: int
    modified_at: datetime

    @property
    def etag(self) -> str:
        """What Google would call it."""
        return f'"{self.generation:x}"'


@dataclass(frozen=True)
class Reply:
    """An answer; `status` None hangs up instead."""

    status: int | None
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Request:
    """What was asked: the method, the key (empty for the bucket itself), the body, and the generation it must meet."""

    method: str
    key: str
    body: bytes = b""
    generation: str | None = None


def error(status: int, code: str) -> Reply:
    """Say no as Google does."""
    return Reply(status, f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>".encode())


@dataclass
class GcsServer:
    """
    The server in this process, for the time of `serving`.

    Attributes:
        folder: for its data.
        port: where it listens; chosen when it starts if 0.
        ignores: conditions that it does not look at: "create", "replace".
        is_nameless: whether it leaves out generations.
        answer: looks at each request first, and may answer in the place of the server; after the fact if it calls
            `carry_out` itself.
        seen: every request so far.
    """

    folder: Path
    port: int = 0
    ignores: frozenset[str] = frozenset()
    is_nameless: bool = False
    answer: Callable[[Request], Reply | None] = field(default=lambda _request: None)
    seen: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = Lock()
        self._objects = {stored.key: stored for stored in map(_load, self.folder.glob("*.json"))}
        self._generation = max((stored.generation for stored in self._objects.values()), default=1000)

    def listing(self) -> list[str]:
        """List what is there."""
        return sorted(self._objects)

    def backdate(self, ending: str, age: timedelta) -> None:
        """Make objects whose keys end so as old as if they had been written then."""
        for key, stored in list(self._objects.items()):
            if key.endswith(ending):
                self._store(replace(stored, modified_at=datetime.now(UTC) - age))

    def carry_out(self, request: Request) -> Reply:
        """Do what a request for an object asks for."""
        with self._lock:
            stored = self._objects.get(request.key)
            match request.method:
                case "PUT":
                    return self._put(request, stored)
                case "GET":
                    return error(404, "NoSuchKey") if stored is None else Reply(200, stored.data, self._headers(stored))
                case _:
                    return error(404, "NoSuchKey") if stored is None else self._delete(request.key)

    def list(self, prefix: str, after: str) -> Reply:
        """List a page of what begins with a prefix."""
        keys = [key for key in sorted(self._objects) if key.startswith(prefix) and key > after]
        contents = "".join(map(_listed, (self._objects[key] for key in keys[:PAGE] if key in self._objects)))
        more = f"<NextContinuationToken>{escape(keys[PAGE - 1])}</NextContinuationToken>" if len(keys) > PAGE else ""
        return Reply(200, f"<?xml version='1.0'?><ListBucketResult>{contents}{more}</ListBucketResult>".encode())

    def _put(self, request: Request, stored: Object | None) -> Reply:
        condition = "create" if request.generation == "0" else "replace"
        present = "0" if stored is None else str(stored.generation)
        if request.generation not in {None, present} and condition not in self.ignores:
            return error(412, "PreconditionFailed")
        self._generation += 1
        written = Object(request.key, request.body, self._generation, datetime.now(UTC))
        self._store(written)
        return Reply(200, b"", self._headers(written))

    def _delete(self, key: str) -> Reply:
        self._file(key).unlink()
        del self._objects[key]
        return Reply(204)

    def _store(self, stored: Object) -> None:
        values = {
            "key": stored.key,
            "data": base64.b64encode(stored.data).decode(),
            "generation": stored.generation,
            "modified_at": stored.modified_at.isoformat(),
        }
        aside = self._file(stored.key).with_suffix(".tmp")
        aside.write_text(json.dumps(values))
        aside.replace(self._file(stored.key))
        self._objects[stored.key] = stored

    def _file(self, key: str) -> Path:
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()}.json"

    def _headers(self, stored: Object) -> tuple[tuple[str, str], ...]:
        modified = format_datetime(stored.modified_at.replace(microsecond=0), usegmt=True)
        named = () if self.is_nameless else (("x-goog-generation", str(stored.generation)),)
        return (("ETag", stored.etag), ("Last-Modified", modified), *named)

    @contextmanager
    def serving(self) -> Iterator["GcsServer"]:
        """Serve on loopback."""
        with _Listener(self) as listener:
            thread = Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield self
            finally:
                listener.shutdown()
                thread.join()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, store: GcsServer) -> None:
        super().__init__(("127.0.0.1", store.port), _Handler)
        store.port = self.server_port
        self.store = store

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep quiet about connections that break, as tests want them to."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type] # passed on as they came


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Listener

    def do_GET(self) -> None:
        """Read an object, or list the bucket."""
        self._do()

    def do_PUT(self) -> None:
        """Write an object."""
        self._do()

    def do_DELETE(self) -> None:
        """Remove an object."""
        self._do()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's signature
        """Keep quiet."""

    def _do(self) -> None:
        parts = urlsplit(self.path)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:  # its sender is gone: half of an object is none
            self.close_connection = True
            return
        request = Request(self.command, key, body, self.headers.get("x-goog-if-generation-match"))
        self.server.store.seen.append(request)
        reply = self.server.store.answer(request) or self._reply(request, bucket, parse_qs(parts.query))
        if reply.status is None:
            self.close_connection = True
            return
        if "Range" in self.headers and reply.status == 200:
            reply = _part(reply, self.headers["Range"])
        self.send_response(reply.status or 200)
        for name, value in (*reply.headers, ("Content-Length", str(len(reply.body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def _reply(self, request: Request, bucket: str, query: dict[str, list[str]]) -> Reply:
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return error(401, "AuthenticationRequired")
        if bucket != BUCKET:
            return error(404, "NoSuchBucket")
        if request.key:
            return self.server.store.carry_out(request)
        return self.server.store.list(query.get("prefix", [""])[0], query.get("continuation-token", [""])[0])


def _load(path: Path) -> Object:
    values = json.loads(path.read_text())
    return Object(
        values["key"],
        base64.b64decode(values["data"]),
        values["generation"],
        datetime.fromisoformat(values["modified_at"]),
    )


def _part(reply: Reply, wanted: str) -> Reply:
    """Give what a client lacks of an object that it got the beginning of: `bytes=FIRST-LAST`, or without a LAST."""
    first, last = (int(number) if number else None for number in wanted.removeprefix("bytes=").split("-"))
    begin, end = first or 0, len(reply.body) if last is None else last + 1
    told = ("Content-Range", f"bytes {begin}-{end - 1}/{len(reply.body)}")
    return Reply(206, reply.body[begin:end], (*reply.headers, told))


def _listed(stored: Object) -> str:
    modified = stored.modified_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return (
        f"<Contents><Key>{escape(stored.key)}</Key><Size>{len(stored.data)}</Size>"
        f"<LastModified>{modified}</LastModified><ETag>{escape(stored.etag)}</ETag></Contents>"
    )


def main() -> None:
    """Serve until killed."""
    store = GcsServer(Path(sys.argv[1]), int(sys.argv[2]))
    with _Listener(store) as listener:
        sys.stdout.write(f"{store.port}\n")
        sys.stdout.flush()
        listener.serve_forever()


if __name__ == "__main__":
    main()
