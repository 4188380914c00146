"""A server that does with a request what no MsgFlash would."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TypeAlias

from msgflash_apply.sandbox.seed import BOUTIQUE_ID

Spoken: TypeAlias = tuple[int, Mapping[str, str], object]
Behaviour: TypeAlias = Callable[[str, str, str], Spoken]
"""Takes method, path and key; gives status, headers and the document of the answer."""


def redirect_to(url: str) -> Behaviour:
    """Send everybody elsewhere."""

    def behave(_method: str, path: str, _key: str) -> Spoken:
        return 307, {"Location": url + path}, {}

    return behave


def echo_the_key(method: str, path: str, key: str) -> Spoken:
    """Answer reads just well enough, and refuse a create with the caller's key in the message."""
    if method == "GET" and path.endswith("/instances"):
        instance = {"id": BOUTIQUE_ID, "name": f"boutique {key}", "waNumber": None, "status": "connected"}
        return 200, {}, {"data": [instance]}
    if method == "GET":
        return 200, {}, {"data": {}}
    return 400, {}, {"error": {"code": "VALIDATION_ERROR", "message": f"key {key} said {path}", "details": [key]}}


@contextmanager
def hostile_server(behaviour: Behaviour) -> Iterator[str]:
    """Serve on loopback while the block runs; gives the base URL."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", "0")))
            status, headers, document = behaviour(self.command, self.path, self.headers.get("x-api-key", ""))
            body = json.dumps(document).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer  # noqa: N815 - the names that the standard library looks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's signature
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
