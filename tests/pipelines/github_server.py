"""
GitHub's API as far as the action asks for it: pull requests of a commit, their comments and reviews, and permissions.

Its clock is a counter: each change of a comment and each review is a second after the one before.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import cast
from urllib.parse import parse_qs, urlsplit

from tests.support.sandbox import JsonObject

TOKEN = "ghs_TestToken0123456789"  # noqa: S105 - of a server that lives for one test
REPOSITORY = "acme/campaigns"
BOT = "github-actions[bot]"
HEAD = "a" * 40
"""The last commit of the pull request's branch, where a test does not say otherwise."""
START = datetime(2026, 11, 23, 9, tzinfo=UTC)

ISSUE_COMMENTS = re.compile(rf"/repos/{REPOSITORY}/issues/(\d+)/comments")
ONE_COMMENT = re.compile(rf"/repos/{REPOSITORY}/issues/comments/(\d+)")
REVIEWS = re.compile(rf"/repos/{REPOSITORY}/pulls/(\d+)/reviews")
PERMISSION = re.compile(rf"/repos/{REPOSITORY}/collaborators/([\w-]+)/permission")
PULLS = re.compile(rf"/repos/{REPOSITORY}/commits/([0-9a-f]{{40}})/pulls")


@dataclass
class Comment:
    """A comment on a pull request."""

    number: int
    author: str
    body: str
    kind: str = "Bot"
    updated_at: str = ""


@dataclass
class GitHub:
    """
    What the server knows, open to tests.

    Attributes:
        url: of its API.
        comments: by id, oldest first.
        pulls: the pull requests of a commit, by its hash.
        reviews: of each pull request, oldest first.
        permissions: of users who may not write, by login.
        requests: method and path of each request, in order.
        refuses_writes: answer 403 to everything but GET, as a read-only token draws.
    """

    url: str = ""
    comments: dict[int, Comment] = field(default_factory=dict)
    pulls: dict[str, list[JsonObject]] = field(default_factory=dict)
    reviews: dict[int, list[JsonObject]] = field(default_factory=dict)
    permissions: dict[str, str] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    refuses_writes: bool = False
    seconds: int = 0

    def now(self) -> str:
        """Read the clock, which is a second further each time."""
        self.seconds += 1
        return f"{START + timedelta(seconds=self.seconds):%Y-%m-%dT%H:%M:%SZ}"

    def add(self, number: int, author: str, body: str, kind: str = "Bot") -> int:
        """Let somebody comment; returns the comment's id."""
        identity = max(self.comments, default=1000) + 1
        self.comments[identity] = Comment(number, author, body, kind, self.now())
        return identity

    def merge(self, number: int, sha: str, **changes: object) -> None:
        """Merge a pull request into main as a commit."""
        base = {"ref": "main", "repo": {"full_name": REPOSITORY}}
        pull = {"number": number, "merged_at": "2026-11-23T12:00:00Z", "merge_commit_sha": sha, "base": base}
        pull |= {"user": {"login": "author", "type": "User"}, "head": {"sha": HEAD}}
        self.pulls.setdefault(sha, []).append({**pull, **changes})

    def review(self, login: str, state: str = "APPROVED", **changes: object) -> None:
        """Let somebody review pull request 7 at its head."""
        review = {"id": self.seconds, "user": {"login": login, "type": "User"}, "state": state, "commit_id": HEAD}
        self.reviews.setdefault(7, []).append({**review, "submitted_at": self.now(), **changes})

    def answer(self, method: str, target: str, body: JsonObject) -> tuple[int, object]:
        """Answer one request whose token was good."""
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        if method != "GET" and self.refuses_writes:
            return 403, {"message": "Resource not accessible by integration"}
        if found := ISSUE_COMMENTS.fullmatch(path):
            return self._comments_of(int(found[1]), method, query, str(body.get("body", "")))
        if found := ONE_COMMENT.fullmatch(path):
            return self._one_comment(int(found[1]), method, str(body.get("body", "")))
        if found := PULLS.fullmatch(path):
            return 200, page_of(self.pulls.get(found[1], []), query)
        if found := REVIEWS.fullmatch(path):
            return 200, page_of(self.reviews.get(int(found[1]), []), query)
        if found := PERMISSION.fullmatch(path):
            return 200, {"permission": self.permissions.get(found[1], "write")}
        return 404, {"message": "Not Found"}

    def _comments_of(self, number: int, method: str, query: dict[str, list[str]], text: str) -> tuple[int, object]:
        if method == "POST":
            return 201, {"id": self.add(number, BOT, text)}
        shown: list[JsonObject] = [
            {
                "id": identity,
                "user": {"login": comment.author, "type": comment.kind},
                "body": comment.body,
                "updated_at": comment.updated_at,
            }
            for identity, comment in self.comments.items()
            if comment.number == number
        ]
        return 200, page_of(shown, query)

    def _one_comment(self, identity: int, method: str, text: str) -> tuple[int, object]:
        if method == "DELETE":
            del self.comments[identity]
            return 204, None
        self.comments[identity].body = text
        self.comments[identity].updated_at = self.now()
        return 200, {"id": identity}


def page_of(entries: list[JsonObject], query: dict[str, list[str]]) -> list[JsonObject]:
    """Cut the page out of a list that a request asks for."""
    size, page = int(query["per_page"][0]), int(query["page"][0])
    return entries[(page - 1) * size : page * size]


class _Server(ThreadingHTTPServer):
    """A server that knows whom it plays."""

    github: GitHub


class _Handler(BaseHTTPRequestHandler):
    """Reads a request, checks its token, and hands it on."""

    def _serve(self) -> None:
        github = cast("_Server", self.server).github
        sent = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        github.requests.append(f"{self.command} {urlsplit(self.path).path}")
        if self.headers.get("Authorization") == f"Bearer {TOKEN}":
            status, document = github.answer(self.command, self.path, json.loads(sent or b"{}"))
        else:
            status, document = 401, {"message": "Bad credentials"}
        body = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 - the names that http.server calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server gives it
        """Keep quiet: tests look at `GitHub.requests`."""


@contextmanager
def a_github() -> Iterator[GitHub]:
    """Serve GitHub's API on loopback."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.github = GitHub(url=f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.github
        finally:
            server.shutdown()
            thread.join()
