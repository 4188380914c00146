"""The files that other programs read: each against its own schema or reader, and against what the program can do."""

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml

from msgflash_apply.cli.main import cli
from tests.pipelines.runner import ACTION, ROOT
from tests.support.walk import blocks

PAGE = (ROOT / "docs/pipelines.md").read_text(encoding="utf-8")
SHOWN = {block.file: block.text for block in blocks(PAGE) if block.file is not None}
WORKFLOWS = [file for file in SHOWN if file.startswith(".github/workflows/")]
GITLAB = ROOT / "docs/gitlab-ci.yml"
BIN = Path(sys.executable).parent


def check(schema: str, file: Path, *more: str) -> None:
    """Hold a file against one of the schemas that come with check-jsonschema."""
    command = [str(BIN / "check-jsonschema"), "--builtin-schema", schema, *more, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_action_is_one() -> None:
    """action.yml fits GitHub's schema, and uses no other action."""
    check("vendor.github-actions", ROOT / "action.yml")

    assert ["uses" in step for step in ACTION["runs"]["steps"]] == [False, False]


def test_action_has_the_inputs_that_the_page_tells() -> None:
    """The page's tables name each input and output, and none that there is not."""
    told = set(
        re.findall(r"^\| `([\w-]+)` \|", PAGE.partition("| Input |")[2].partition("How `apply`")[0], re.MULTILINE)
    )

    assert told == {*ACTION["inputs"], *ACTION["outputs"]}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflow_is_one(name: str, tmp_path: Path) -> None:
    """A workflow of the page fits GitHub's schema, gives no privilege by default, and only inputs that there are."""
    file = tmp_path / "workflow.yaml"
    file.write_text(SHOWN[name], encoding="utf-8")
    check("vendor.github-workflows", file)

    workflow = yaml.safe_load(SHOWN[name])
    [job] = workflow["jobs"].values()
    [step] = [step for step in job["steps"] if step["uses"].startswith("OWNER/")]
    assert workflow["permissions"] == {}
    assert job["concurrency"]["group"].startswith("msgflash-production")
    assert step["with"].keys() <= ACTION["inputs"].keys()
    assert re.fullmatch(r"OWNER/msgflash-apply@[0-9a-f]{40}", step["uses"])


def test_recovery_file_outlives_the_job() -> None:
    """Both examples keep the file that is the only record of what was sent last, however the job ends."""
    [apply] = yaml.safe_load(SHOWN[".github/workflows/apply.yaml"])["jobs"].values()
    kept, gitlab = apply["steps"][-1], yaml.safe_load(GITLAB.read_text(encoding="utf-8"))["apply"]["artifacts"]

    assert kept["if"] == "always()"
    assert re.fullmatch(r"actions/upload-artifact@[0-9a-f]{40}", kept["uses"])
    assert [kept["with"]["path"]] == gitlab["paths"]
    assert gitlab["when"] == "always"


def test_page_shows_a_plan_an_apply_and_a_watch() -> None:
    """Both halves of the review are there to copy, and what looks for differences every day."""
    assert [Path(file).stem for file in WORKFLOWS] == ["plan", "apply", "drift"]


def test_gitlab_template_is_one() -> None:
    """The template fits GitLab's schema, and applies run one at a time, by hand, on the default branch alone."""
    check("vendor.gitlab-ci", GITLAB, "--data-transform", "gitlab-ci")

    apply = yaml.safe_load(GITLAB.read_text(encoding="utf-8"))["apply"]
    assert apply["rules"] == [{"if": "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH", "when": "manual"}]
    assert apply["resource_group"] == "msgflash-$MSGFLASH_ENV"
    assert apply["interruptible"] is False


def test_commands_in_the_templates_can_be_typed() -> None:
    """Each command and option in the GitLab template and its script is one of the program's."""
    texts = GITLAB.read_text(encoding="utf-8") + (ROOT / ".ci/gitlab").read_text(encoding="utf-8").replace("\\\n", "")
    lines = re.findall(r"^ *(?:- |exec env .* )?msgflash(?:-apply)? ([a-z].*)", texts, re.MULTILINE)
    assert {line.split()[0] for line in lines} == {"fmt", "validate", "plan", "apply"}
    for line in lines:
        name, *words = line.split()
        command = cli.get_command(click.Context(cli), name)
        assert command is not None, line
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, line


def test_scripts_pass_the_linter() -> None:
    """Shellcheck finds nothing in the scripts of the action, nor in those that it and CI run."""
    own = [file for file in sorted((ROOT / ".ci").iterdir()) if file.suffix != ".txt"]
    scripts = [*sorted((ROOT / ".github/scripts").glob("*.sh")), *own]
    done = subprocess.run(
        [BIN / "shellcheck", "--external-sources", *scripts], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (0, "")
