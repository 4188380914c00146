"""Where the key may go: to MsgFlash and nowhere else, whatever branch, server or log level."""

import html
import sys
from pathlib import Path
from subprocess import run

import pytest

from msgflash_apply.sandbox.access import ApiKey
from msgflash_apply.sandbox.server import Options, Sandbox
from tests.support.command import Completed, Repo, a_repo, scrubbed_environment
from tests.support.hostile import echo_the_key, hostile_server
from tests.support.keys import KEY

CANARY = "msgf_live_" + "cafe" * 16
PASSWORD = "hunter2hunter2"  # noqa: S105 - what is looked for


def everything(repo: Repo, *said: Completed) -> str:
    """Gather every word that was printed or written, to look for the canary in."""
    written = [path.read_text(encoding="utf-8") for path in repo.folder.rglob("*") if path.is_file()]
    return "\n".join([*written, *(text for each in said for text in (each.out, each.err))])


def test_key_is_written_nowhere(tmp_path: Path) -> None:
    """Plan, apply and their files hold no key, not even when everything is logged."""
    with Sandbox(Options(requests_per_second=0, api_keys=(ApiKey(CANARY),))) as sandbox:
        repo = a_repo(tmp_path, sandbox)
        repo.campaigns(2)
        sandbox.add_fault("POST /api/v1/campaigns drop_after")
        said = [
            repo.run("--log-level", "debug", *arguments)
            for arguments in (("plan", "--output", "p.txt"), ("apply", "--auto-approve"), ("plan", "--format", "json"))
        ]
    assert [each.code for each in said] == [0, 3, 3]
    assert "DEBUG" in said[1].err
    assert CANARY not in everything(repo, *said)


def test_server_that_echoes_the_key(repo: Repo) -> None:
    """A key that comes back in an error message or a name gets neither on the screen nor into the state."""
    repo.campaign("sale")
    with hostile_server(echo_the_key) as url:
        env = {"MSGFLASH_BASE_URL": url, "MSGFLASH_API_KEY": CANARY}
        said = [
            repo.run("--log-level", "debug", "apply", "--auto-approve", "--format", format_, env=env)
            for format_ in ("text", "json")
        ]
    assert [each.code for each in said] == [3, 3]
    assert "VALIDATION_ERROR" in said[0].out
    assert CANARY not in everything(repo, *said)


def test_report_of_a_bug_holds_no_key(tmp_path: Path) -> None:
    """The file that a bug leaves for the maintainers has the traceback, without the key in its message."""
    program = f"from msgflash_apply.cli.output import write_bug_report; print(write_bug_report(ValueError('{CANARY}')))"
    env = {**scrubbed_environment(), "TMPDIR": str(tmp_path), "MSGFLASH_API_KEY": CANARY}
    told = run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
    report = Path(told.stdout.strip()).read_text()
    assert Path(told.stdout.strip()).parent == tmp_path
    assert "ValueError: [redacted]" in report
    assert CANARY not in report


@pytest.mark.parametrize("url", ["http://203.0.113.1", "http://msgflash.example", "ftp://127.0.0.1", "127.0.0.1"])
def test_key_travels_encrypted_or_not_at_all(repo: Repo, url: str) -> None:
    """Plain http is for this machine alone; other addresses are refused before anything is sent."""
    repo.campaign("sale")
    refused = repo.run("plan", env={"MSGFLASH_BASE_URL": url})
    assert refused.code == 1
    assert "MSGFLASH_BASE_URL" in refused.err


@pytest.mark.parametrize(
    "line", ["base_url: http://127.0.0.1:1", f"api_key: {CANARY}", "api: {base_url: http://127.0.0.1}"]
)
def test_project_file_chooses_neither_host_nor_key(repo: Repo, sandbox: Sandbox, line: str) -> None:
    """Neither the address nor the key can stand in YAML, and a key that does is not repeated."""
    repo.write("msgflash.yaml", f"version: 1\n{line}\n")
    refused = repo.run("plan")
    assert refused.code == 1
    assert "msgflash.yaml:2:" in refused.err
    assert CANARY not in refused.err
    assert sandbox.requests == []


def test_key_in_a_campaign_is_not_repeated(repo: Repo) -> None:
    """A key of another account in a campaign file is shown neither in the error nor in the quoted line."""
    repo.campaign("sale", apiKey=CANARY, **{f"{CANARY}0": 1})
    for format_ in ("text", "json", "github", "sarif", "junit"):
        refused = repo.run("validate", "--format", format_)
        assert refused.code == 1
        assert "MF105" in refused.out
        assert CANARY not in refused.out + refused.err


@pytest.mark.parametrize("line", [f"state: https://ada:{PASSWORD}@h/s", f"state_key_file: {KEY}"])
def test_credential_in_the_project_file_is_not_repeated(repo: Repo, line: str) -> None:
    """A password in the address of a state, or the key itself, is not quoted by the error that is about it."""
    repo.write("msgflash.yaml", f"version: 1\n{line}\n")
    refused = repo.run("plan")
    assert refused.code == 1
    assert "MF105" in refused.err
    assert PASSWORD not in refused.err
    assert KEY not in refused.err


def test_key_from_a_file_is_hidden(repo: Repo) -> None:
    """A key that comes from a file is a secret like one from the environment."""
    file = repo.write("../key", f"{CANARY}\n")
    repo.campaign("sale")
    with hostile_server(echo_the_key) as url:
        env = {"MSGFLASH_BASE_URL": url, "MSGFLASH_API_KEY": "", "MSGFLASH_API_KEY_FILE": str(file)}
        said = repo.run("--log-level", "debug", "apply", "--auto-approve", env=env)
    assert "msgf_…" in said.err
    assert CANARY not in everything(repo, said)


def test_mistyped_command_does_not_repeat_the_key(repo: Repo) -> None:
    """A key that was typed as an argument is not printed, nor is what a terminal would obey."""
    refused = repo.run(f"{CANARY}\u202e", env={"MSGFLASH_API_KEY": CANARY})
    assert refused.code == 1
    assert "[redacted]\\u202e" in refused.err


BODY = "authorization: https://x.example/?token=abc&password=hunter2"
MEDIA = "https://user:secret@cdn.example.com/a.jpg"


def test_reviewers_see_what_goes_out(repo: Repo, sandbox: Sandbox) -> None:
    """Text that only looks like a credential is whole in every form of the plan, and the same on the wire."""
    repo.campaign("sale", type="image", body=BODY, mediaUrl=MEDIA)
    for arguments in (("text",), ("json",), ("markdown",), ("html",), ("html", "--output", "p.html")):
        said = repo.run("plan", "--format", *arguments, env={"COLUMNS": "120"})
        shown = html.unescape(said.out or repo.folder.joinpath("p.html").read_text())
        assert said.code == 0
        assert BODY in shown, arguments
        assert MEDIA in shown, arguments
    assert repo.run("plan", "--out", "p.plan").code == 0
    assert BODY in repo.run("apply", "p.plan", "--auto-approve").out
    (sent,) = sandbox.campaigns()
    assert (sent["body"], sent["mediaUrl"]) == (BODY, MEDIA)
