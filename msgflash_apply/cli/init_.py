"""
The first files of a campaigns repo; what exists is left alone.

`init`: the first state of an environment, and in an empty repo the files to begin with.
"""

import re
import uuid
from pathlib import Path

import click

from msgflash_apply.cli import output, wiring
from msgflash_apply.cli.options import Globals, pass_globals
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.models.schema import schema_text
from msgflash_apply.state.commit import init_state

PROJECT = """\
# yaml-language-server: $schema=schemas/project.schema.json
version: 1
# campaigns: campaigns
# state: .msgflash/{environment}.json   # or s3:// gs:// az:// postgresql:// https://; in pipelines: MSGFLASH_STATE
# defaults:
#   instance: boutique-principale     # name, number or id of a WhatsApp instance; else the only connected one
#   timezone: Europe/Paris            # for start times without an offset
# custom:
#   brand: Acme                       # {{ custom.brand }} in campaign files
# environments:
#   staging: {defaults: {instance: test-phone}}
# policy:
#   quiet_hours: {from: "21:00", to: "08:00", timezone: Europe/Paris}
"""


# All of it is comment, so that nobody's first apply creates a campaign that nobody wrote.
EXAMPLE = """\
# yaml-language-server: $schema=../schemas/campaign.schema.json
#
# An example. Take the leading "# " off the lines below, and make it yours.
#
# name: Hello
# schedule: 2099-01-15T09:00
# timezone: Europe/Paris
# recipients:
#   type: tags
#   value: [newsletter]
# type: text
# body: |
#   Hello from a file.
"""

WORKFLOW = re.compile(r"^```yaml\n# (\.github/workflows/\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def scaffold(root: Path, pipeline: str | None) -> list[str]:
    """
    Write the first files where there is no project file yet, and pipeline files where they are wanted.

    Args:
        root: the repo.
        pipeline: `github`, `gitlab` or None.

    Returns:
        The paths that were written, relative to the repo.
    """
    files = {} if (root / "msgflash.yaml").exists() else _first_files(root)
    files |= pipeline_files(pipeline)
    try:
        return [name for name, text in files.items() if _write_new(root / name, text)]
    except OSError as err:
        raise MsgflashApplyError(f"{err.filename} cannot be written.", f"{err.strerror}.") from err


def pipeline_files(pipeline: str | None) -> dict[str, str]:
    """Give the pipeline files that docs/pipelines.md shows, by path: the page is their one source."""
    if pipeline == "gitlab":
        return {".gitlab-ci.yml": _shipped("gitlab-ci.yml")}
    if pipeline == "github":
        return dict(WORKFLOW.findall(_shipped("pipelines.md")))
    return {}


def _first_files(root: Path) -> dict[str, str]:
    example = {} if (root / "campaigns").exists() else {"campaigns/example.yaml": EXAMPLE}
    schemas = {f"schemas/{name}.schema.json": schema_text(name) for name in ("project", "campaign")}
    return {"msgflash.yaml": PROJECT, **schemas, **example}


def _shipped(name: str) -> str:
    """Read a file of the docs, from the installed package or from the checkout beside it."""
    package = Path(__file__).parents[1]
    shipped = package / "pipelines" / name
    return (shipped if shipped.is_file() else package.parent / "docs" / name).read_text(encoding="utf-8")


def _write_new(path: Path, text: str) -> bool:
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return True


@click.command(short_help="Start a campaigns repo: project file, example, state.")
@click.option("--pipeline", type=click.Choice(["github", "gitlab"]), help="Write pipeline files too.")
@pass_globals
def command(options: Globals, pipeline: str | None) -> None:
    """
    Make the state of the environment, once, and the first files where there are none.

    Run it once per environment. It refuses where a state exists: an empty one would create every campaign again.
    """
    for path in scaffold(options.root, pipeline):
        output.note(f"wrote {path}")
    settings = wiring.settings_of(options)
    backend = wiring.backend_of(settings)
    snapshot = init_state(backend, environment=settings.environment, lineage=str(uuid.uuid4()))
    output.result(
        f"The state of environment {snapshot.environment} is ready: {settings.state}\n"
        "Keep it: it is the only record of campaign ids. Next: msgflash-apply plan"
    )
