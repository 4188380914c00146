"""`plan` and `validate`: what they print, how they end, what they keep to."""

import json
from pathlib import Path

import pytest

from msgflash_apply.sandbox.seed import BOUTIQUE_ID
from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import Repo, campaign_text
from tests.support.published import matches


def test_plan_as_json_fits_its_schema(repo: Repo) -> None:
    """`plan --format json` prints one document of the published shape, and nothing else."""
    repo.campaigns(2)
    planned = repo.run("plan", "--format", "json")
    matches(planned.document, "plan")
    assert planned.err == ""
    assert planned.document["complete"] is True


def test_plan_goes_to_a_file(repo: Repo) -> None:
    """`--output` writes what would have been printed."""
    repo.campaign("sale")
    as_text = repo.run("plan", "--output", "plan.txt")
    as_json = repo.run("plan", "--format", "json", "--output", "plan.json")
    assert (as_text.code, as_text.out, as_json.out) == (0, "", "")
    assert "+ sale will be created" in (repo.folder / "plan.txt").read_text()
    matches(json.loads((repo.folder / "plan.json").read_text()), "plan")


def test_one_plan_is_written_in_several_formats(repo: Repo) -> None:
    """`--report` writes the plan that is printed, in other formats too, and no request more is sent for them."""
    repo.campaign("sale")
    repo.run("plan")
    requests = len(repo.sandbox.requests)
    done = repo.run("plan", "--report", "markdown=plan.md", "--report", "json=a=b.json", "--report", "html=plan.html")
    digest = json.loads((repo.folder / "a=b.json").read_text())["digest"]
    assert done.code == 0
    assert f"Digest: {digest}" in done.out
    assert f"Digest: `{digest}`" in (repo.folder / "plan.md").read_text()
    assert digest in (repo.folder / "plan.html").read_text()
    assert len(repo.sandbox.requests) == 2 * requests


@pytest.mark.parametrize("report", ["plan.md", "pdf=plan.pdf", "html="])
def test_report_needs_a_format_and_a_file(repo: Repo, report: str) -> None:
    """A report that is not FORMAT=FILE is an error of usage that lists the formats."""
    refused = repo.run("plan", "--report", report)
    assert (refused.code, repo.sandbox.requests) == (1, [])
    assert "is not FORMAT=FILE, with text, json, markdown, html." in refused.err


@pytest.mark.parametrize(
    ("file", "text", "mistake"),
    [
        ("campaigns/wrong.yaml", "name: x\nschedul: 2\n", "wrong.yaml:2:1: error MF301: unknown field `schedul`"),
        ("msgflash.yaml", "version: 1\npolicies: {}\n", "msgflash.yaml:2:1: error MF301: unknown field `policies`"),
        ("campaigns/asked.yaml", campaign_text("asked", instanceId=None, instance="no such phone"), "error MF503: "),
    ],
    ids=["in a campaign", "in the project", "found by asking"],
)
def test_mistakes_are_the_comment_where_there_is_no_plan(repo: Repo, file: str, text: str, mistake: str) -> None:
    """In markdown the mistakes are the report, on stdout or in a file; other formats have none; stderr is as ever."""
    repo.write(file, text)
    plain = repo.run("plan")
    marked = repo.run("plan", "--format", "markdown", "--report", "markdown=plan.md", "--report", "html=plan.html")
    assert (plain.code, plain.out, marked.code, marked.err) == (1, "", 1, plain.err)
    assert marked.out.startswith("<!-- msgflash-apply plan: default -->\n\n## No plan for environment `default`\n")
    assert mistake in marked.out
    assert (repo.folder / "plan.md").read_text(encoding="utf-8") == marked.out
    assert not (repo.folder / "plan.html").exists()


def test_detailed_exit_code(repo: Repo) -> None:
    """Nothing to do is 0, changes are 2 only when asked for, blocked is 3 in any case."""
    codes = [repo.run("plan", "--detailed-exitcode").code]
    repo.campaign("sale")
    codes += [repo.run("plan").code, repo.run("plan", "--detailed-exitcode").code]
    repo.campaign("late", schedule="2020-01-01T09:00:00Z")
    codes += [repo.run("plan").code, repo.run("plan", "--detailed-exitcode").code]
    repo.campaign("wrong", name=None)
    codes += [repo.run("plan", "--detailed-exitcode").code]
    assert codes == [0, 0, 2, 3, 3, 1]


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        (("--target", "news"), ["news"]),
        (("--target", "visit"), ['visit["lyon"]', 'visit["paris"]']),
        (("--target", 'visit["lyon"]', "--target", "news"), ["news", 'visit["lyon"]']),
        (("--select", "team=shop"), ["news"]),
    ],
    ids=["address", "all of a for_each", "two", "label"],
)
def test_plan_keeps_to_a_part(repo: Repo, arguments: tuple[str, ...], kept: list[str]) -> None:
    """--target takes an address or all under it, --select a label; the plan says that it is not complete."""
    repo.campaign("news", labels={"team": "shop"})
    repo.campaign("visit", for_each={"paris": 1, "lyon": 2}, name="Visit {{ each.key }}")
    plan = repo.plan(*arguments)
    changes = plan["changes"]
    assert isinstance(changes, list)
    assert [change["address"] for change in changes] == kept
    assert plan["complete"] is False


@pytest.mark.parametrize("arguments", [("--target", "nothing"), ("--select", "team=none"), ("--select", "team")])
def test_slip_in_a_selection_is_an_error(repo: Repo, arguments: tuple[str, str]) -> None:
    """What matches nothing is told, and not shown as an empty plan."""
    repo.campaign("news")
    refused = repo.run("plan", *arguments)
    assert refused.code == 1
    assert arguments[1] in refused.err
    assert refused.out == ""


def test_offline_plan_sends_nothing(repo: Repo, sandbox: Sandbox) -> None:
    """--offline needs neither key nor network, and says what it could not check."""
    repo.campaign("sale", instanceId=None, instance="boutique-principale")
    planned = repo.run("plan", "--offline", env={"MSGFLASH_API_KEY": ""})
    assert planned.code == 0, planned.err
    assert "not looked up" in planned.out
    assert sandbox.requests == []


def test_preview_without_a_state(repo: Repo, sandbox: Sandbox) -> None:
    """--offline --no-state shows every campaign as it stands in the files, even where no state is."""
    repo.campaigns(2)
    repo.state.unlink()
    planned = repo.run("plan", "--offline", "--no-state", "--format", "json", env={"MSGFLASH_API_KEY": ""})
    matches(planned.document, "plan")
    assert planned.code == 0
    assert planned.document["lineage"] is None
    assert sandbox.requests == []


def test_colour_is_for_terminals(repo: Repo) -> None:
    """A terminal gets colour unless NO_COLOR or --no-color says otherwise; a pipe never does."""
    repo.campaign("sale")
    on_terminal = repo.run_on_terminal("plan", "--offline")
    without = repo.run_on_terminal("plan", "--offline", env={"NO_COLOR": "1"})
    refused = repo.run_on_terminal("--no-color", "plan", "--offline")
    piped = repo.run("plan", "--offline")
    shown = ["\x1b[" in said.out for said in (on_terminal, without, refused, piped)]
    assert shown == [True, False, False, False]


def test_valid_files(repo: Repo, sandbox: Sandbox) -> None:
    """`validate` counts the campaigns and asks nobody."""
    repo.campaigns(2)
    as_text, as_json = repo.run("validate"), repo.run("validate", "--format", "json")
    matches(as_json.document, "plan", "validation")
    assert (as_text.code, as_text.out) == (0, "Success! 2 campaigns are valid.\n")
    assert as_json.document["valid"] is True
    assert sandbox.requests == []


def test_every_mistake_of_every_file_is_told(repo: Repo) -> None:
    """One run names all mistakes, each with file, line and column, as text and as JSON."""
    repo.campaign("one", body=None)
    repo.campaign("two", boddy="x", schedule="tomorrow")
    as_text, as_json = repo.run("validate"), repo.run("validate", "--format", "json")
    matches(as_json.document, "plan", "validation")
    diagnostics = as_json.document["diagnostics"]
    assert (as_text.code, as_json.code) == (1, 1)
    assert isinstance(diagnostics, list)
    assert {finding["file"] for finding in diagnostics} == {"campaigns/one.yaml", "campaigns/two.yaml"}
    assert all(f"{d['file']}:{d['line']}:{d['column']}: error {d['code']}" in as_text.out for d in diagnostics)


def test_validate_keeps_to_paths(repo: Repo) -> None:
    """Paths narrow the check to some files."""
    repo.campaign("good")
    repo.campaign("wrong", name=None)
    assert repo.run("validate", str(Path("campaigns/good.yaml"))).code == 0
    assert repo.run("validate", "campaigns/wrong.yaml").code == 1


def test_order_in_which_trouble_is_told(repo: Repo) -> None:
    """Mistakes in files come first, then what is wrong with the state, then that there is no key."""
    no_key = {"MSGFLASH_API_KEY": ""}
    path = repo.campaign("sale", colour="red")
    repo.state.unlink()
    with_mistake = repo.run("plan", "--refresh", "none", env=no_key)
    path.unlink()
    repo.campaign("sale")
    without_state = repo.run("plan", "--refresh", "none", env=no_key)
    assert repo.run("init").code == 0
    without_key = repo.run("plan", "--refresh", "none", env=no_key)

    assert [done.code for done in (with_mistake, without_state, without_key)] == [1, 1, 1]
    assert "MF301" in with_mistake.err
    assert "There is no state" not in with_mistake.err
    assert without_state.err.startswith("Error: There is no state.")
    assert without_key.err.startswith("Error: There is no API key.")


def test_name_that_means_something_else_is_noticed(repo: Repo, sandbox: Sandbox) -> None:
    """When a name on MsgFlash stands for nothing any more, a plan that asks says so, though no file changed."""
    named = {"instanceId": None, "instance": "boutique-principale"}
    repo.campaign("sale", **named)
    assert repo.apply().code == 0
    sandbox.world.instances[BOUTIQUE_ID].name = "renamed"

    asking, not_asking = repo.run("plan"), repo.run("plan", "--refresh", "none")
    repo.campaign("tea", **named)
    of_a_new_one = repo.run("plan")

    assert (asking.code, "warning MF503" in asking.out) == (0, True)
    assert (not_asking.code, "match the recorded state (1 campaign)" in not_asking.out) == (0, True)
    assert (of_a_new_one.code, "campaigns/tea.yaml:6:11: error MF503" in of_a_new_one.err) == (1, True)


def test_line_is_that_of_the_document(repo: Repo) -> None:
    """Where a campaign is written is told as it is, of the second document of a file too."""
    head = repo.campaign("two", key="one").read_text(encoding="utf-8")
    second = head.replace("two", "three").replace("one", "next")
    repo.write("campaigns/two.yaml", f"# two of them\n{head}---\n\n{second}")
    assert repo.apply().code == 0

    changes = repo.plan()["changes"]

    assert isinstance(changes, list)
    lines = {change["address"]: change["source"]["line"] for change in changes}
    assert (lines["one"], lines["next"]) == (2, 4 + head.count("\n"))
