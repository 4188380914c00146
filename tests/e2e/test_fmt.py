"""`fmt` with the real command: what it writes, what it leaves alone, and what it never changes."""

from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import Repo, campaign_text, creates_seen


def test_check_lists_and_writes_nothing(repo: Repo) -> None:
    """`--check` names the files that would change, exits 1, and leaves every byte."""
    repo.write("campaigns/sale.yaml", "\n".join(reversed(campaign_text("sale").splitlines())) + "\n")
    before = repo.files()
    done = repo.run("fmt", "--check")
    assert (done.code, done.out) == (1, "campaigns/sale.yaml\n")
    assert "1 file would be reformatted, 1 already formatted." in done.err
    assert repo.files() == before


def test_formatted_files_pass_the_check_and_plan_the_same(repo: Repo) -> None:
    """After `fmt` there is nothing left to do, permissions are as they were, and the plan's digest is too."""
    path = repo.write("campaigns/sale.yaml", "\n".join(reversed(campaign_text("sale").splitlines())))
    path.chmod(0o640)
    digest = repo.plan()["digest"]
    assert repo.run("fmt").code == 0
    assert repo.run("fmt", "--check").code == 0
    assert path.stat().st_mode & 0o777 == 0o640
    assert path.read_text(encoding="utf-8").startswith("instanceId:")
    assert repo.plan()["digest"] == digest


def test_broken_file_is_told_and_others_are_written(repo: Repo) -> None:
    """A file that is not YAML is left alone with its mistake; the exit code says so, the other file is done."""
    broken = repo.write("campaigns/broken.yaml", "name: [\n")
    repo.write("campaigns/sale.yaml", campaign_text("sale").replace(": ", ":   "))
    done = repo.run("fmt")
    assert (done.code, done.out) == (1, "campaigns/sale.yaml\n")
    assert "campaigns/broken.yaml:1:7: error MF102" in done.err
    assert broken.read_text(encoding="utf-8") == "name: [\n"


def test_link_stays_a_link(repo: Repo) -> None:
    """Of a link within the repo the file behind it is written."""
    target = repo.write("shared/sale.yaml", campaign_text("sale").replace(": ", ":   "))
    link = repo.folder / "campaigns/sale.yaml"
    link.symlink_to(target)
    assert repo.run("fmt").code == 0
    assert link.is_symlink()
    assert ":   " not in target.read_text(encoding="utf-8")


def test_formatting_sends_nothing(repo: Repo, sandbox: Sandbox) -> None:
    """No request, whatever is written."""
    repo.write("campaigns/sale.yaml", campaign_text("sale").replace(": ", ":   "))
    repo.run("fmt")
    assert sandbox.requests == []
    assert creates_seen(sandbox) == 0
