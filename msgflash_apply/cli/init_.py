"""`init`: the first state of an environment, and in an empty repo the files to begin with."""

from pathlib import Path

import click

from msgflash_apply.cli.context import Globals, pass_globals

PROJECT = """\
# yaml-language-server: $schema=schemas/project.schema.json
version: 1
# campaigns: campaigns
# state: .msgflash/{environment}.json
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


@click.command(short_help="Start a campaigns repo: project file, example, state.")
@pass_globals
def command(options: Globals) -> None:
    """
    Make the state of the environment, once, and the first files where there are none.

    Run it once per environment. It refuses where a state exists: an empty one would create every campaign again.
    """
    import uuid

    from msgflash_apply.cli import output, wiring
    from msgflash_apply.state.commit import init_state

    for path in scaffold(options.root):
        output.note(f"wrote {path}")
    settings = wiring.settings_of(options)
    backend = wiring.backend_of(settings)
    snapshot = init_state(backend, environment=settings.environment, lineage=str(uuid.uuid4()))
    output.result(
        f"The state of environment {snapshot.environment} is ready: {settings.state}\n"
        "Keep it: it is the only record of campaign ids. Next: msgflash-apply plan"
    )


def scaffold(root: Path) -> list[str]:
    """Write the first files where there is no project file yet; what exists is left alone. Returns what it wrote."""
    from msgflash_apply.config.schemas import schema_text
    from msgflash_apply.errors import MsgflashApplyError

    if (root / "msgflash.yaml").exists():
        return []
    files = {
        "msgflash.yaml": PROJECT,
        "schemas/project.schema.json": schema_text("project"),
        "schemas/campaign.schema.json": schema_text("campaign"),
    }
    if not (root / "campaigns").exists():
        files["campaigns/example.yaml"] = EXAMPLE
    try:
        return [name for name, text in files.items() if _write_new(root / name, text)]
    except OSError as err:
        raise MsgflashApplyError(f"{err.filename} can not be written.", f"{err.strerror}.") from err


def _write_new(path: Path, text: str) -> bool:
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return True
