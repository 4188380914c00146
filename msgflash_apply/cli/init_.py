"""`init`: make the first state of an environment, and in an empty repo the first files. What exists is left alone."""

import asyncio
import os
import re
import uuid
from datetime import datetime, timedelta
from pathlib import Path

import click

from msgflash_apply.cli import output, wiring
from msgflash_apply.cli.interrupts import INTERRUPTS
from msgflash_apply.cli.options import Globals, pass_globals
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.models.project import Settings
from msgflash_apply.models.schema import schema_text
from msgflash_apply.plan.lookup import Lookups
from msgflash_apply.plan.marker import refuse_taken
from msgflash_apply.report.wording import program
from msgflash_apply.state.commit import init_state
from msgflash_apply.state.snapshot import INIT

PROJECT = """\
# yaml-language-server: $schema=schemas/project.schema.json
version: 1
# campaigns: campaigns
# state: .msgflash/{environment}.json   # or s3:// gs:// az:// postgresql:// https://; in pipelines: MSGFLASH_STATE
# defaults:
#   instance: boutique-principale     # name, number or id of a WhatsApp instance; else the only connected one
#   timezone: Europe/Paris            # for start times without an offset
# custom:
#   brand: Acme                       # {{ custom.brand }} in campaign files, {{ local.brand }} in templates
# environments:
#   production: {}                    # where some are declared, every command needs --env
#   staging: {defaults: {instance: test-phone}, recipients: {type: tags, value: [staff]}}
# policy:
#   quiet_hours: {from: "21:00", to: "08:00", timezone: Europe/Paris}
"""


# All of it is a comment, so that the first apply does not create a campaign that the user never wrote.
EXAMPLE = """\
# yaml-language-server: $schema=../schemas/campaign.schema.json
#
# An example. Take the leading "# " off the lines below, and make it yours.
#
# name: Hello
# schedule: DAYT09:00
# timezone: Europe/Paris
# recipients:
#   type: tags
#   value: [newsletter]
# type: text
# body: |
#   Hello from a file.
"""

WORKFLOW = re.compile(r"^```yaml\n# (\.github/workflows/\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@click.command
@click.option("--pipeline", type=click.Choice(["github", "gitlab"]), help="Write pipeline files too.")
@click.option("--another", is_flag=True, help="Make it beside the states that the account has.")
@pass_globals
def command(options: Globals, pipeline: str | None, *, another: bool) -> None:
    """
    Create the state of the environment, and the first files if there are none.

    Run it once per environment. It refuses if a state exists: an empty one would create every campaign again. With an
    API key it looks at the account too, which remembers the states that created campaigns on it.
    """
    settings = wiring.settings_of(options)  # what is wrong already is reported before anything is written
    runs = asyncio.run(look_at_account(settings, another=another)) if settings.policy.account_marker else ()
    a_month_ahead = wiring.now() + timedelta(days=30)
    for name, text in first_files(options.root, pipeline, a_month_ahead).items():
        file = options.root / name
        if os.path.lexists(file):
            continue
        output.refuse_way_out(file, options.root)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as err:
            raise MsgflashApplyError(f"{err.filename} cannot be written.", f"{err.strerror}.") from err
        output.write_file(file, text.encode(), root=options.root, is_shared=True)
        output.note(f"wrote {name}")
    with INTERRUPTS.holding():
        backend, lineage = wiring.backend_of(settings), str(uuid.uuid4())
        snapshot = init_state(backend, environment=settings.environment, lineage=lineage, runs=runs)
    output.result(
        f"The state of environment {snapshot.environment} is ready: {settings.state}\n"
        f"Keep it: it is the only record of campaign ids. Next: {program(snapshot.environment)} plan"
    )


async def look_at_account(settings: Settings, *, another: bool) -> tuple[str, ...]:
    """
    Look for states that the account remembers.

    Returns:
        What the new state knows of it: nothing where the account was not looked at, which a note says.

    Raises:
        StateError: it has some, and `another` is not wanted.
    """
    try:
        async with wiring.client_of(settings) as client:
            markers = await Lookups(client).markers()
    except MsgflashApplyError as err:
        output.note(f"The account was not looked at for other states: {err.summary} The first apply does so.")
        return ()
    if not another:
        refuse_taken(markers)
    return (INIT,)


def first_files(root: Path, pipeline: str | None, start: datetime) -> dict[str, str]:
    """
    Choose the first files of a repo, unless it has a project file, and the pipeline's files, if one is wanted.

    Args:
        root: the repo.
        pipeline: `github`, `gitlab` or None. docs/pipelines.md is the one source of GitHub's files.
        start: the day of the example.

    Returns:
        Texts by path relative to the repo.
    """
    files: dict[str, str] = {}
    if not os.path.lexists(root / "msgflash.yaml"):
        files["msgflash.yaml"] = PROJECT
        files |= {f"schemas/{name}.schema.json": schema_text(name) for name in ("project", "campaign", "template")}
        if not os.path.lexists(root / "campaigns"):
            files["campaigns/example.yaml"] = EXAMPLE.replace("DAY", f"{start:%Y-%m-%d}")
    if pipeline == "gitlab":
        files[".gitlab-ci.yml"] = _shipped("gitlab-ci.yml")
    elif pipeline == "github":
        files |= WORKFLOW.findall(_shipped("pipelines.md"))
    return files


def _shipped(name: str) -> str:
    """Read a file of the docs, from the installed package or from the checkout beside it."""
    package = Path(__file__).parents[1]
    shipped = package / "pipelines" / name
    return (shipped if shipped.is_file() else package.parent / "docs" / name).read_text(encoding="utf-8")
