"""`state migrate`: the state goes to another place, and whoever still uses the old one is refused."""

import click

from msgflash_apply.cli.context import Globals, pass_globals


@click.command(short_help="Move the state to another place.")
@click.argument("url")
@click.option("--lock-timeout", metavar="DURATION", default="0s", help="Wait for the locks, e.g. 5m.")
@pass_globals
def migrate(options: Globals, url: str, lock_timeout: str) -> None:
    """
    Move the state of the environment to URL: a path, or a URL of any storage; {environment} is filled in.

    All of it is copied and read back before the new place becomes the only live one. The old one stays as a last
    copy, marked as moved: whoever still uses it is refused. Interrupted, it is finished by running it again.
    """
    from msgflash_apply.cli import output, wiring
    from msgflash_apply.cli.durations import seconds_from
    from msgflash_apply.config.project_rules import state_fits_file
    from msgflash_apply.report.storage_text import migrated_to_text
    from msgflash_apply.state.migrate import migrate as migrate_state

    _refuse_password(url)
    settings = wiring.settings_of(options)
    target = wiring.backend_at(settings, url.replace("{environment}", settings.environment), is_trusted=True)
    claim = wiring.claim(settings, "state migrate", seconds_from(lock_timeout))
    state = migrate_state(wiring.backend_of(settings), target, claim)
    fits_file = state_fits_file(url, settings.root) and not settings.state_is_from_environment
    output.result(migrated_to_text(state, before=settings.state, after=url, fits_file=fits_file))


def _refuse_password(url: str) -> None:
    from msgflash_apply.config.project_rules import PASSWORD
    from msgflash_apply.errors import MsgflashApplyError

    if PASSWORD.search(url):
        raise MsgflashApplyError(
            "The URL holds a password.",
            "Everybody on this machine sees a command line while it runs, and it stays in the shell's history.",
            "Nothing was moved. Give the URL without it, and the credentials in the environment.",
        )
