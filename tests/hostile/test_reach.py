"""What a branch cannot make the command do: read files outside of the repo, or ask anybody but the configured host."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from msgflash_apply.sandbox.server import Sandbox
from tests.hostile.watched import Watched, outside, watch
from tests.support.command import FAST, Repo, a_repo, in_days
from tests.support.hostile import hostile_server, redirect_to

SECRETS = Path("/etc/hostname")
PROJECT = """\
version: 1
api: {requests_per_second: 10}
custom: {file: /etc/hostname, url: "http://198.51.100.7/x"}
"""
HOSTILE: Mapping[str, Mapping[str, object]] = {
    "include": {"body": "{% include '/etc/hostname' %}"},
    "path": {"body": "{{ custom.file }}"},
    "url": {"type": "image", "mediaUrl": "http://198.51.100.7/x.png", "body": None},
    "file-url": {"type": "image", "mediaUrl": "file:///etc/hostname", "body": None},
    "zone": {"schedule": in_days(30)[:19], "timezone": "../../../etc/hostname"},
    "instance": {"instanceId": None, "instance": "http://198.51.100.7/"},
    "template": {"type": None, "body": None, "template": "../../../../etc/hostname"},
    "group": {"recipients": {"type": "group", "groupId": "11111111-1111-4111-8111-111111111111"}},
    "labels": {"labels": {"a": "$(curl http://198.51.100.7)", "b": "`id`", "c": "|id"}},
}
COMMANDS = (
    ("validate",),
    ("fmt", "--check"),
    ("plan", "--offline", "--no-state", "--format", "html"),
    ("plan",),
    ("apply", "--auto-approve"),
    ("drift",),
    ("calendar", "--ics"),
)


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    """Make an empty repo that is to reach for what is none of its business; the homes are of the test's own."""
    (tmp_path / "repo").mkdir()
    with Sandbox(FAST) as sandbox:
        repo = a_repo(tmp_path / "repo", sandbox)
        repo.write("msgflash.yaml", PROJECT)
        repo.environ |= {name: str(tmp_path / name) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME")}
        for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME"):
            (tmp_path / name).mkdir()
        yield repo


def plant(repo: Repo) -> None:
    """Fill the repo: what validates, what does not, and links."""
    for name, fields in HOSTILE.items():
        repo.campaign(name, **fields)
    (repo.folder / "campaigns/link.yaml").symlink_to(SECRETS)
    (repo.folder / "campaigns/linked").symlink_to("/etc")
    repo.write("campaigns/tag.yaml", "a: !include /etc/hostname\n")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_hostile_repo_reaches_nothing(repo: Repo, tmp_path: Path, command: tuple[str, ...]) -> None:
    """With a repo full of paths, links and addresses, nothing outside is opened, and nobody else is asked."""
    plant(repo)
    seen = watch(repo, tmp_path / "log", *command)

    assert_reach(repo, tmp_path, seen)
    assert seen.code == 1, seen.text
    assert SECRETS.read_text().strip() not in seen.text


@pytest.mark.parametrize("command", [("plan",), ("apply", "--auto-approve"), ("status",)], ids=" ".join)
def test_good_repo_reaches_its_host(repo: Repo, tmp_path: Path, command: tuple[str, ...]) -> None:
    """A repo without mistakes asks MsgFlash, which shows that the watch sees what it should."""
    repo.campaign("url", **HOSTILE["labels"])
    repo.campaign("media", **HOSTILE["url"])
    repo.campaign("path", **HOSTILE["path"])
    seen = watch(repo, tmp_path / "log", *command)

    assert_reach(repo, tmp_path, seen)
    assert str(repo.folder / "campaigns/url.yaml") in seen.opened or command == ("status",)
    assert (address_of(repo.sandbox.url) in seen.connected) == (command != ("status",))


def test_redirects_lead_nowhere(repo: Repo, tmp_path: Path) -> None:
    """A server that sends its callers elsewhere, to a file or to another host, is not obeyed."""
    repo.campaign("sale")
    with hostile_server(redirect_to("http://198.51.100.7")) as url:
        seen = watch(repo, tmp_path / "log", "plan", "--refresh", "live", env={"MSGFLASH_BASE_URL": url})

    assert {address_of(url)} >= seen.connected
    assert outside(seen.opened, tmp_path) == set()


def address_of(url: str) -> str:
    """Give `host:port`."""
    return urlsplit(url).netloc


def assert_reach(repo: Repo, home: Path, seen: Watched) -> None:
    """Assert that a command kept to its repo, the homes of the test, and the sandbox; its copies did nothing."""
    assert outside(seen.opened, home) == set()
    assert seen.connected <= {address_of(repo.sandbox.url)}
    assert seen.started == frozenset()
    assert seen.by_copies == frozenset()
    assert seen.copies
    assert seen.opened
