"""`init`: the first state of an environment, and in an empty repo the files to begin with."""

import click

from msgflash_apply.cli.context import Globals, pass_globals


@click.command(short_help="Start a campaigns repo: project file, example, state.")
@click.option("--pipeline", type=click.Choice(["github", "gitlab"]), help="Write pipeline files too.")
@pass_globals
def command(options: Globals, pipeline: str | None) -> None:
    """
    Make the state of the environment, once, and the first files where there are none.

    Run it once per environment. It refuses where a state exists: an empty one would create every campaign again.
    """
    import uuid

    from msgflash_apply.cli import output, wiring
    from msgflash_apply.cli.scaffolding import scaffold
    from msgflash_apply.state.commit import init_state

    for path in scaffold(options.root, pipeline):
        output.note(f"wrote {path}")
    settings = wiring.settings_of(options)
    backend = wiring.backend_of(settings)
    snapshot = init_state(backend, environment=settings.environment, lineage=str(uuid.uuid4()))
    output.result(
        f"The state of environment {snapshot.environment} is ready: {settings.state}\n"
        "Keep it: it is the only record of campaign ids. Next: msgflash-apply plan"
    )
