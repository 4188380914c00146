"""Environments with the real command: which commands need one, and who gets what in one."""

import json
from xml.etree import ElementTree as ET

import pytest

from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import QUICKEST_PROJECT, Repo, created
from tests.support.keys import KEY
from tests.support.sarif import assert_is_sarif

TWO = "environments:\n  production: {}\n  staging:\n    recipients: {type: tags, value: [staff]}\n"
ID = "99999999-0000-4000-8000-000000000000"
NEED_ONE = (
    "init",
    "init --pipeline github",
    "plan",
    "plan --offline",
    "plan --offline --no-state",
    "apply --auto-approve",
    "drift",
    "status",
    "calendar",
    "calendar --no-state",
    "resolve sale --not-created",
    f"import sale {ID}",
    "state list",
    "state show sale",
    "state history",
    "state mv sale other",
    "state rm sale --auto-approve",
    "state pull",
    "state push copy.json",
    "state recover copy.jsonl",
    "state migrate elsewhere.json",
    "state rekey",
    f"state unlock {ID}",
)
NEED_NONE = ("validate", "fmt --check", "schema campaign", "completion bash", "sandbox --help", "demo --help")


@pytest.fixture
def shop(repo: Repo) -> Repo:
    """Make a repo with two environments and a campaign; neither environment has a state."""
    repo.write("msgflash.yaml", QUICKEST_PROJECT + TWO)
    for name in ("copy.json", "copy.jsonl"):
        repo.write(name, "{}")
    repo.campaign("sale")
    assert repo.run("fmt").code == 0
    return repo


@pytest.mark.parametrize("command", NEED_ONE)
def test_command_without_an_environment_does_nothing(shop: Repo, command: str) -> None:
    """Where some are declared and none is given, the error lists them; no file is written and no request sent."""
    before = shop.files()

    refused = shop.run(*command.split())

    assert (refused.code, refused.out) == (1, "")
    assert refused.err == (
        "Error: No environment was chosen.\n"
        "msgflash.yaml declares `production`, `staging`.\n"
        "Write `--env production`, or another of them, or set MSGFLASH_ENV.\n"
    )
    assert (shop.files(), shop.sandbox.requests) == (before, [])


@pytest.mark.parametrize("command", NEED_NONE)
def test_command_that_needs_no_state_needs_no_environment(shop: Repo, command: str) -> None:
    """What is the same for all environments, or looks at all of them, works without one."""
    done = shop.run(*command.split())

    assert done.code == 0, done.err


def test_environment_has_its_own_state_and_people(shop: Repo, sandbox: Sandbox) -> None:
    """The plan of staging shows its recipients, its apply sends to them alone, and production is as the file says."""
    ready = shop.run("--env", "staging", "init")
    planned = shop.run("--env", "staging", "plan")
    applied = shop.run("--env", "staging", "apply", "--auto-approve")

    assert "Next: msgflash-apply --env staging plan" in ready.out
    assert 'contacts tagged "staff"' in planned.out
    assert applied.code == 0, applied.err
    (sent,) = sandbox.campaigns()
    assert sent["recipients"] == {"type": "tags", "value": ["staff"]}
    assert shop.run("--env", "staging", "plan", "--detailed-exitcode").code == 0
    preview = shop.run("--env", "production", "plan", "--offline", "--no-state", "--format", "json")
    (change,) = json.loads(preview.out)["changes"]
    assert change["after"]["recipients"] == {"type": "tags", "value": ["vip"]}


def test_every_format_tells_what_only_staging_has(shop: Repo) -> None:
    """A campaign that fails in staging alone fails validate, with the environment's name in each format."""
    shop.write("msgflash.yaml", QUICKEST_PROJECT + TWO.replace("production: {}", "production: {custom: {when: Now}}"))
    shop.campaign("sale", name="{{ custom.when }}")
    where = "(environment `staging`)"

    told = {name: shop.run("validate", "--format", name) for name in ("text", "json", "github", "sarif", "junit")}

    assert {each.code for each in told.values()} == {1}
    assert [where in each["message"] for each in json.loads(told["json"].out)["diagnostics"]] == [True]
    assert where in told["text"].out
    assert told["github"].out.startswith("::error file=campaigns/sale.yaml,line=2,col=")
    assert where in told["github"].out
    assert_is_sarif(told["sarif"].document)
    assert where in told["sarif"].out
    (failure,) = ET.fromstring(told["junit"].out).iter("failure")  # noqa: S314 - our own
    assert where in str(failure.text)
    assert shop.run("--env", "production", "validate").code == 0
    assert shop.run("validate", env={"MSGFLASH_ENV": "production"}).code == 1


def test_two_environments_that_mail_the_same_people(shop: Repo) -> None:
    """`validate` warns, and goes on; it says in how many environments the campaigns are valid."""
    shop.write("msgflash.yaml", f"{QUICKEST_PROJECT}environments: {{production: {{}}, staging: {{}}}}\n")

    told = shop.run("validate")

    assert told.code == 0
    assert "msgflash.yaml:3:32: warning MF111: the environments `production` and `staging` would send" in told.out
    assert told.out.endswith("Success! 1 campaign is valid, in 2 environments: `production`, `staging`.\n")


def test_white_space_around_variables_counts_for_nothing(shop: Repo, sandbox: Sandbox) -> None:
    """What was pasted with a line break or a space is taken without, in every variable of this program."""
    shop.campaign("sale", name="{{ custom.brand }}")
    given = {
        "BASE_URL": sandbox.url,
        "API_KEY": sandbox.api_key,
        "TEAM_ID": "",
        "ENV": "staging",
        "STATE": "elsewhere.json",
        "STATE_KEY": KEY,
        "VAR_brand": "Acme",
        "LOG": "ERROR",
    }
    padded = {f"MSGFLASH_{name}": f" \t{value} \n" for name, value in given.items()}
    assert shop.run("init", env=padded).code == 0
    assert (shop.folder / "elsewhere.json").exists()

    key = shop.write("key", sandbox.api_key)
    done = shop.run(
        "apply",
        "--auto-approve",
        env={**padded, "MSGFLASH_API_KEY": " ", "MSGFLASH_API_KEY_FILE": f" {key}\n"},
    )

    assert done.code == 0, done.err
    assert created(sandbox) == {"Acme": 1}
