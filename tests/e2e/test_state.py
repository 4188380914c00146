"""The state as a stranger meets it: absent, damaged, listed, shown."""

import json
from pathlib import Path

import pytest

from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import Repo, ids
from tests.support.published import matches
from tests.support.scenes import Scenes, sale_sent, two_sent

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("arguments", [("plan",), ("apply", "--auto-approve"), ("state", "list")])
def test_absent_state_is_not_empty(repo: Repo, sandbox: Sandbox, arguments: tuple[str, ...]) -> None:
    """Where no state is, nothing is planned or sent; the error names the command for a first time."""
    repo.campaign("sale")
    repo.state.unlink()
    refused = repo.run(*arguments)
    assert refused.code == 1
    assert "msgflash-apply init" in refused.err
    assert refused.out == ""
    assert sandbox.campaigns() == []


def test_lost_state_with_a_journal_left_is_not_a_first_time(repo: Repo, scenes: Scenes, sandbox: Sandbox) -> None:
    """`init` does not start anew where the remains of a state lie: they may hold the only ids."""
    scenes.begin(two_sent, repo)
    repo.state.unlink()
    refused = repo.run("init")
    assert refused.code == 1, refused.out
    assert not repo.state.exists()
    assert len(sandbox.campaigns()) == 2


def test_init_makes_a_repo_from_nothing(repo: Repo) -> None:
    """In an empty folder `init` writes first files and a state; nothing is sent before the example is made real."""
    for name in ("msgflash.yaml", ".msgflash/default.json"):
        (repo.folder / name).unlink()
    (repo.folder / "campaigns").rmdir()
    done = repo.run("init")
    assert done.code == 0, done.err
    assert "wrote msgflash.yaml" in done.err
    assert "msgflash-apply plan" in done.out
    assert repo.plan()["changes"] == []
    example = repo.folder / "campaigns/example.yaml"
    lines = example.read_text(encoding="utf-8").split("\n")
    example.write_text("\n".join(line.removeprefix("# ") for line in lines[4:]), encoding="utf-8")
    assert repo.run("validate").out.startswith("Success! 1 campaign is valid.")


def test_init_again_refuses(repo: Repo) -> None:
    """A state that is there is left alone."""
    before = repo.state.read_bytes()
    refused = repo.run("init")
    assert refused.code == 1
    assert str(repo.state) in refused.err
    assert repo.state.read_bytes() == before


@pytest.mark.parametrize("kept", [0, 40, -5])
def test_truncated_state_is_refused(repo: Repo, scenes: Scenes, sandbox: Sandbox, kept: int) -> None:
    """A state document that was cut anywhere is damage, never emptiness."""
    scenes.begin(sale_sent, repo)
    repo.state.write_bytes(repo.state.read_bytes()[:kept])
    refused = repo.apply()
    assert refused.code == 1
    assert str(repo.state) in refused.err
    assert "Traceback" not in refused.err
    assert len(sandbox.campaigns()) == 1


def test_edited_state_is_refused(repo: Repo, scenes: Scenes) -> None:
    """A document that parses but whose checksum does not fit is not believed."""
    scenes.begin(sale_sent, repo)
    repo.state.write_text(repo.state.read_text().replace("Hello from sale", "Hello from Sale"))
    refused = repo.run("plan")
    assert refused.code == 1
    assert "checksum" in refused.err


def test_state_fits_its_schema(repo: Repo, scenes: Scenes) -> None:
    """The document on disk is of the published shape."""
    scenes.begin(two_sent, repo)
    matches(json.loads(repo.state.read_text()), "state")


def test_list_and_show_tell_the_id(repo: Repo, scenes: Scenes, sandbox: Sandbox) -> None:
    """`state list` names every campaign, `state show` all about one, as text and as JSON."""
    scenes.begin(sale_sent, repo)
    listed, shown = repo.run("state", "list"), repo.run("state", "show", "sale")
    as_json = repo.run("state", "show", "sale", "--format", "json")
    identifier = ids(sandbox)["sale"]
    assert (listed.code, shown.code, as_json.code) == (0, 0, 0)
    assert all(identifier in said.out for said in (listed, shown, as_json))
    assert "Hello from sale" in shown.out


def test_show_of_nothing_is_an_error(repo: Repo) -> None:
    """An address without a record is told as such."""
    refused = repo.run("state", "show", "nothing")
    assert refused.code == 1
    assert "nothing" in refused.err
    assert refused.out == ""


@pytest.mark.parametrize(
    ("pipeline", "files"),
    [
        ("github", {f".github/workflows/{name}.yaml" for name in ("plan", "apply", "drift")}),
        ("gitlab", {".gitlab-ci.yml"}),
    ],
)
def test_init_writes_pipelines_where_they_are_wanted(repo: Repo, pipeline: str, files: set[str]) -> None:
    """`--pipeline` writes the files that the docs show, and leaves alone what is there."""
    repo.state.unlink()
    done = repo.run("init", "--pipeline", pipeline)
    assert done.code == 0, done.err
    written = {line.removeprefix("wrote ") for line in done.err.splitlines()}
    assert files <= written
    for file in files:
        text = (repo.folder / file).read_text(encoding="utf-8")
        assert "msgflash" in text
        assert text in (DOCS / "pipelines.md").read_text(encoding="utf-8") + (DOCS / "gitlab-ci.yml").read_text("utf-8")
