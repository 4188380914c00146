"""
Secrets of every kind in the environment of commands of every kind; then everything that was written is searched.

Everything: what was printed, with all logging on, and every file of the repo, the home, the cache and the folder for
temporary files, reports of bugs included.
"""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from tests.hostile.canaries import KEY, PROXY_PASSWORD, a_repo_with_secrets, secrets_in
from tests.support.command import Completed, Repo
from tests.support.hostile import Spoken, echo_the_key, hostile_server


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    """Make a repo whose commands know every secret."""
    with a_repo_with_secrets(tmp_path) as repo:
        yield repo


def assert_no_secret(home: Path, *said: Completed) -> None:
    """Search everything."""
    files = {str(path): path.read_bytes() for path in home.rglob("*") if path.is_file()}
    printed = {
        f"{number} {name}": text.encode()
        for number, each in enumerate(said)
        for name, text in (("out", each.out), ("err", each.err))
    }
    leaks = [f"{name} in {where}" for where, data in {**files, **printed}.items() for name in secrets_in(data)]
    assert leaks == []
    assert any("DEBUG" in each.err for each in said), "nothing was logged: nothing was proven"


def test_a_whole_life(repo: Repo, tmp_path: Path) -> None:
    """From encryption to apply, plan file, reports and a doubt that is resolved: no secret is written anywhere."""
    repo.campaigns(3)
    repo.sandbox.add_fault("POST /api/v1/campaigns drop_after")
    said = [
        repo.run(*command)
        for command in (
            ("state", "rekey"),
            ("plan", "--out", "p.plan", "--output", "p.html", "--format", "html"),
            ("apply", "p.plan", "--auto-approve"),
            ("plan", "--format", "markdown", "--output", "p.md"),
            ("status",),
            ("state", "pull"),
        )
    ]

    assert [each.code for each in said] == [0, 0, 3, 3, 3, 0]
    assert_no_secret(tmp_path, *said)


def echo_everywhere(method: str, path: str, key: str) -> Spoken:
    """Give the key back in headers, in names and in errors."""
    status, _, document = echo_the_key(method, path, key)
    headers = {"x-api-key": key, "set-cookie": f"key={key}", "location": f"/{key}", "retry-after": key}
    return status, headers, document


def test_server_that_gives_the_key_back(repo: Repo, tmp_path: Path) -> None:
    """Headers, cookies and bodies that hold the key are logged and stored without it."""
    repo.campaign("sale")
    with hostile_server(echo_everywhere) as url:
        env = {"MSGFLASH_BASE_URL": url, "MSGFLASH_STATE_KEY": ""}
        said = [repo.run(*command, env=env) for command in (("apply", "--auto-approve"), ("status",))]

    assert said[0].code == 3
    assert_no_secret(tmp_path, *said)


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("MSGFLASH_STATE", "postgresql://ada:canary-pg-password@127.0.0.1:1/states"),
        ("MSGFLASH_STATE", "https://127.0.0.1:1/states/prod"),
        ("MSGFLASH_STATE", "s3://canary/states"),
        ("MSGFLASH_STATE", "az://canary/states"),
    ],
)
def test_storages_that_can_not_be_reached(repo: Repo, variable: str, url: str) -> None:
    """Each storage says why it failed, with the credentials at hand in none of its words."""
    nowhere = {
        "AWS_ENDPOINT_URL": "https://127.0.0.1:1",
        "AZURE_STORAGE_ACCOUNT_NAME": "canary",
        "TF_HTTP_RETRY_MAX": "0",
    }
    nowhere |= {"AWS_REGION": "eu-west-3", "AZURE_STORAGE_ENDPOINT": "https://127.0.0.1:1"}
    said = repo.run(
        "plan", "--offline", env={**nowhere, variable: url, "TF_HTTP_ADDRESS": "https://127.0.0.1:1/states/prod"}
    )

    assert said.code == 1
    assert "bug in msgflash-apply" not in said.err
    assert secrets_in((said.out + said.err).encode()) == []


class Proxy(BaseHTTPRequestHandler):
    """A proxy that gives back in its refusal what it was told, and remembers it."""

    heard: ClassVar[list[bytes]] = []
    port: ClassVar[int] = 0

    def do_CONNECT(self) -> None:
        """Refuse, in the words of the request."""
        type(self).heard.append(bytes(self.headers))
        self.send_response(407, f"no {self.headers.get('proxy-authorization')}")
        self.send_header("x-echo", str(self.headers.get("proxy-authorization")))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's signature
        """Keep quiet."""


@pytest.fixture
def proxy() -> Iterator[type[Proxy]]:
    """Run a proxy."""

    class Running(Proxy):
        heard: ClassVar[list[bytes]] = []

    with ThreadingHTTPServer(("127.0.0.1", 0), Running) as server:
        Running.port = server.server_port
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Running
        server.shutdown()
        thread.join()


@pytest.mark.slow
def test_proxy_with_a_password(repo: Repo, tmp_path: Path, proxy: type[Proxy]) -> None:
    """A proxy learns its own password and never the key; neither is in what is said about its refusal."""
    repo.campaign("sale", instance="boutique", instanceId=None)
    address = f"http://ada:{PROXY_PASSWORD}@127.0.0.1:{proxy.port}"
    env = {"MSGFLASH_BASE_URL": "https://api.invalid", "HTTPS_PROXY": address, "NO_PROXY": "", "MSGFLASH_STATE_KEY": ""}
    said = repo.run("plan", env=env)

    assert said.code == 1
    assert proxy.heard
    assert KEY.encode() not in b"".join(proxy.heard)
    assert_no_secret(tmp_path, said)
