"""GitLab's API as far as its jobs ask for it: the states of a project, merge requests of a commit, and their notes."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.support.sandbox import JsonObject
from tests.support.stores.http_server import Handler, Reply, StateServer

NOTE_TOKEN = "glpat-TestToken_0123.45"  # noqa: S105 - of a server that lives for one test
NOTE_USER = 77
"""The user of the project access token."""

PROJECT = "/api/v4/projects/7"
NOTES = re.compile(rf"{PROJECT}/merge_requests/(\d+)/notes(?:/(\d+))?")
MERGED = re.compile(rf"{PROJECT}/repository/commits/([0-9a-f]{{40}})/merge_requests")


@dataclass
class Note:
    """A note on a merge request."""

    iid: int
    author: int
    body: str
    system: bool = False


class GitLab(StateServer):
    """
    The server; what it knows is open to tests.

    Attributes:
        notes: by id, oldest first.
        merged: the merge requests of a commit, by its hash.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.RequestHandlerClass = _Handler
        self.notes: dict[int, Note] = {}
        self.merged: dict[str, list[JsonObject]] = {}

    def add(self, body: str, author: int = NOTE_USER, iid: int = 5, *, system: bool = False) -> int:
        """Let a user write a note; returns its id."""
        identity = max(self.notes, default=900) + 1
        self.notes[identity] = Note(iid, author, body, system)
        return identity

    def merge(self, commit: str, head: str, **changes: object) -> None:
        """Merge merge request 5 into main with a merge commit."""
        merged = {"iid": 5, "state": "merged", "target_project_id": 7, "target_branch": "main", "sha": head}
        merged |= {"merge_commit_sha": commit, "squash_commit_sha": None}
        self.merged.setdefault(commit, []).append({**merged, **changes})


class _Handler(Handler):
    """Answers what is not about states; the rest is the state server's."""

    server: GitLab

    def _reply(self, body: bytes) -> Reply:
        url = urlsplit(self.path)
        notes, merged = NOTES.fullmatch(url.path), MERGED.fullmatch(url.path)
        if not (notes or merged or url.path == "/api/v4/user"):
            return super()._reply(body)
        if self.headers.get("PRIVATE-TOKEN") != NOTE_TOKEN:
            return Reply(401, b'{"message": "401 Unauthorized"}')
        if merged:
            return self._page(self.server.merged.get(merged[1], []))
        if notes:
            identity = int(notes[2]) if notes[2] else None
            return self._notes(int(notes[1]), identity, str(json.loads(body or b"{}").get("body")))
        return Reply(200, json.dumps({"id": NOTE_USER}).encode())

    def _notes(self, iid: int, identity: int | None, text: str) -> Reply:
        match self.command, identity:
            case "GET", None:
                return self._page(
                    [
                        {"id": each, "author": {"id": note.author}, "body": note.body, "system": note.system}
                        for each, note in self.server.notes.items()
                        if note.iid == iid
                    ]
                )
            case "POST", None:
                self.server.add(text, iid=iid)
                return Reply(201, b"{}")
            case "PUT", int():
                self.server.notes[identity].body = text
                return Reply(200, b"{}")
            case "DELETE", int():
                del self.server.notes[identity]
                return Reply(204)
            case _:
                return Reply(405)

    def _page(self, entries: list[JsonObject]) -> Reply:
        query = parse_qs(urlsplit(self.path).query)
        size, page = int(query["per_page"][0]), int(query["page"][0])
        return Reply(200, json.dumps(entries[(page - 1) * size : page * size]).encode())
