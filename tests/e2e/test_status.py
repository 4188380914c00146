"""`status` with the real command: live counters, doubts with their commands, and watching until all is over."""

from pathlib import Path

import pytest

from msgflash_apply.sandbox.server import Options, Sandbox
from tests.support.command import Repo, a_repo, in_days
from tests.support.scenes import Scenes, sale_in_doubt, two_sent


def test_status_shows_counters_and_writes_nothing(repo: Repo, sandbox: Sandbox) -> None:
    """Each campaign that is not over is one row with its counters, read with one request."""
    repo.campaigns(2)
    repo.apply()
    before, asked = repo.files(), len(sandbox.requests)
    sandbox.advance(32 * 86400)
    done = repo.run("status")

    assert done.code == 0, done.err
    assert "PLANNED" in done.out
    assert "completed" in done.out
    assert len(sandbox.requests) - asked == 2
    assert repo.files() == before


def test_status_names_doubts_with_their_commands(repo: Repo, scenes: Scenes) -> None:
    """What is in doubt is told with the commands that end the doubt, and the exit code asks for a person."""
    scenes.begin(sale_in_doubt, repo)
    done = repo.run("status")

    assert done.code == 3
    assert "msgflash-apply resolve sale --created ID" in done.out
    assert repo.run("status", "--format", "json").document["in_doubt"] == ["sale"]


def test_status_of_one_address(repo: Repo, scenes: Scenes) -> None:
    """Addresses narrow the table, an unknown one is an error, and a campaign that is gone is told."""
    scenes.begin(two_sent, repo)
    one = repo.run("status", "c01")

    assert "c01" in one.out
    assert "c00" not in one.out
    assert repo.run("status", "nowhere").code == 1


def test_probe_finds_what_was_sent(repo: Repo, scenes: Scenes) -> None:
    """`resolve --probe` is refused before the start; it needs exactly one answer."""
    scenes.begin(sale_in_doubt, repo)

    assert "cannot be probed yet" in repo.run("resolve", "sale", "--probe").err
    assert repo.run("resolve", "sale", "--probe", "--not-created").code == 1


@pytest.mark.parametrize("on_terminal", [False, True])
def test_watch_ends_when_all_is_over(tmp_path: Path, *, on_terminal: bool) -> None:
    """`--watch` follows campaigns to their end, in a log and on a terminal, and changes nothing."""
    with Sandbox(Options(requests_per_second=0)) as sandbox:
        repo = a_repo(tmp_path, sandbox)
        repo.campaign("sale", schedule=in_days(1))
        repo.apply()
        sandbox.advance(3 * 86400)
        arguments = ("status", "--watch", "--interval", "1s")
        done = repo.run_on_terminal(*arguments) if on_terminal else repo.run(*arguments)

    assert done.code == 0, done.err
    assert "completed" in done.out
    assert repo.run("status", "--watch", "--format", "json").code == 1
