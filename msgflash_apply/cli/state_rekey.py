"""`state rekey`: encrypt the state, change its key, or go back to plain text."""

import click

from msgflash_apply.cli.context import Globals, pass_globals


@click.command(short_help="Encrypt the state, or change its key.")
@click.option("--decrypt", is_flag=True, help="Write plain text instead.")
@click.option("--lock-timeout", metavar="DURATION", default="0s", help="Wait for the lock, e.g. 5m.")
@pass_globals
def rekey(options: Globals, lock_timeout: str, *, decrypt: bool) -> None:
    """
    Write the state anew, encrypted with the first key of MSGFLASH_STATE_KEY or of state_key_file.

    The state may be plain text, or need any of the keys. To change the key, give both, the new one first.
    """
    import os

    from msgflash_apply.cli import output, wiring
    from msgflash_apply.cli.durations import seconds_from
    from msgflash_apply.cli.state_keys import VARIABLE, keys_of
    from msgflash_apply.errors import MsgflashApplyError
    from msgflash_apply.report.rekey_text import rekeyed_to_text
    from msgflash_apply.state.rekey import rekey as rekey_state

    settings = wiring.settings_of(options)
    keys = keys_of(settings, os.environ)
    if keys is None:
        fix = f"Make one, and set it, or name a file that holds it as state_key_file:\n    export {VARIABLE}=..."
        raise MsgflashApplyError("There is no state key.", "The state can neither be encrypted nor read without.", fix)
    claim = wiring.claim(settings, "state rekey", seconds_from(lock_timeout))
    done = rekey_state(wiring.storage_of(settings), keys, claim, decrypt=decrypt)
    output.result(rekeyed_to_text(done, unneeded=[key for key in keys.ids if key != done.after]))
