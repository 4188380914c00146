"""Secrets that can be told from everything else, and a repo whose commands have all of them in their environment."""

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import quote

from msgflash_apply.sandbox.access import ApiKey
from msgflash_apply.sandbox.server import Options, Sandbox
from tests.support.command import Repo, a_repo
from tests.support.stores.http_server import WRITER

KEY = "msgf_live_" + "cafe" * 16
TEAM_KEY = "msgf_team_" + "beef" * 16
SECRETS: Mapping[str, str] = {
    "MSGFLASH_API_KEY": KEY,
    "MSGFLASH_STATE_KEY": b64encode(b"canary-of-the-state-key-32-bytes").decode(),
    "AWS_ACCESS_KEY_ID": "AKIACANARYCANARY0000",
    "AWS_SECRET_ACCESS_KEY": "canary/aws/secret/0123456789012345678901",
    "AWS_SESSION_TOKEN": "canary-aws-session-token",
    "PGPASSWORD": "canary-pg-password",
    "TF_HTTP_USERNAME": WRITER[0],
    "TF_HTTP_PASSWORD": WRITER[1],
    "AZURE_STORAGE_ACCOUNT_KEY": b64encode(b"canary-azure-storage-account-key").decode(),
}
PROXY_PASSWORD = "canary-proxy-password"  # noqa: S105 - what is looked for
NO_SECRETS = frozenset({"TF_HTTP_USERNAME", "AWS_ACCESS_KEY_ID"})
FOLDERS = ("HOME", "TMPDIR", "XDG_CACHE_HOME")


def secrets_in(data: bytes) -> list[str]:
    """Name every secret that stands in some bytes, in whatever spelling."""
    return [name for name, pattern in _spellings().items() if pattern.search(data)]


@contextmanager
def a_repo_with_secrets(home: Path) -> Iterator[Repo]:
    """Make a repo whose commands know every secret, log everything, and have homes of the test's own."""
    (home / "repo").mkdir()
    with Sandbox(Options(requests_per_second=0, api_keys=(ApiKey(KEY),))) as sandbox:
        repo = a_repo(home / "repo", sandbox)
        for name in FOLDERS:
            (home / name).mkdir()
        repo.environ |= {**SECRETS, **{name: str(home / name) for name in FOLDERS}, "MSGFLASH_LOG": "debug"}
        yield repo


@cache
def _spellings() -> Mapping[str, re.Pattern[bytes]]:
    """Every secret as it might be written: plain, quoted for a URL, and in the base64 of a header."""
    values = {**{name: text for name, text in SECRETS.items() if name not in NO_SECRETS}, "proxy": PROXY_PASSWORD}
    values["team"] = TEAM_KEY
    found = {}
    for name, text in values.items():
        coded = b64encode(f"ada:{text}".encode()).decode()
        ways = {text, quote(text, safe=""), coded, text.encode().hex()}
        found[name] = re.compile("|".join(map(re.escape, ways)).encode())
    return found
