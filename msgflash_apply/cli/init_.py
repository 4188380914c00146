"""`init`: the first state of an environment, and in an empty repo the files to begin with."""

from pathlib import Path

import click

from msgflash_apply.cli.context import Globals, pass_globals

PROJECT = """\
version: 1
# campaigns: campaigns
# state: .msgflash/{environment}.json
# defaults:
#   instance: boutique-principale     # name or number of a WhatsApp instance; else the only connected one
#   timezone: Europe/Paris            # for start times without an offset
# custom:
#   brand: Acme                       # {{ custom.brand }} in campaign files
"""

EXAMPLE = """\
name: Hello
schedule: "2099-01-15T09:00:00+01:00"
recipients:
  type: tags
  value: [newsletter]
type: text
body: |
  Hello from a file.
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
    """Write project file and example where the repo has none; existing files are left alone. Returns what it wrote."""
    written = []
    files = {"msgflash.yaml": PROJECT}
    if not (root / "campaigns").exists():
        files["campaigns/hello.yaml"] = EXAMPLE
    for name, text in files.items():
        path = root / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            written.append(name)
    return written
