"""
`proof`: send the message of one campaign to one phone, now, so that a person sees it there before anyone else does.

A person's command alone: it asks, and no option answers. What has no answer may have been sent, and is not sent again.
"""

import asyncio
import sys

import click

from msgflash_apply.api.client import Client
from msgflash_apply.api.outcome import Created, NotCreated
from msgflash_apply.campaign import Desired, plain_id
from msgflash_apply.cli import output, wiring
from msgflash_apply.cli.interrupts import Interrupted
from msgflash_apply.cli.options import Globals, pass_globals
from msgflash_apply.cli.preview import account_of
from msgflash_apply.errors import ExitCode, MsgflashApplyError, QuotaExhausted
from msgflash_apply.files.load import Loaded, place
from msgflash_apply.findings import InvalidFiles
from msgflash_apply.models.project import Settings
from msgflash_apply.operations.message import NUMBER, fill_in_for, find, look_up, message_to, send, unfilled
from msgflash_apply.plan.lookup import Lookups
from msgflash_apply.plan.plan import Change
from msgflash_apply.report.layout import indented
from msgflash_apply.report.message import message_of
from msgflash_apply.report.preview_text import bubble
from msgflash_apply.report.safe_text import shown
from msgflash_apply.report.wording import sender

MAY_HAVE = "The message may have been sent. It is not sent again: look at the phone before you try once more."


def number_from(ctx: click.Context, option: click.Parameter, given: str | None) -> str:
    """Read the number of `--to`, else of MSGFLASH_PROOF_TO; never of a file, which a branch could change."""
    text = given or wiring.process_environ().get("MSGFLASH_PROOF_TO")
    if not text:
        raise click.BadParameter("Give the number of a phone of yours, or set MSGFLASH_PROOF_TO.", ctx, option)
    number = text.replace(" ", "")
    if NUMBER.fullmatch(number) is None:
        raise click.BadParameter(f"'{text}' is not a number such as +33612345678.", ctx, option)
    return number


@click.command
@click.argument("address")
@click.option(
    "--to",
    "number",
    metavar="NUMBER",
    callback=number_from,
    help="Phone to send it to, with + and country code [default: $MSGFLASH_PROOF_TO].",
)
@click.option("--contact", "contact_id", metavar="ID", help="Fill in the template for this contact.")
@pass_globals
def command(options: Globals, address: str, number: str, contact_id: str | None) -> int:
    """
    Send the message of the campaign at ADDRESS to one phone, now. Asks first, on a terminal.

    Exits with 3 if no answer says whether it was sent.
    """
    wiring.fail_without_terminal("send a message", option=None)
    settings = wiring.settings_of(options)
    loaded = wiring.load_files(settings)
    desired = find(loaded, address)
    contact_id = None if contact_id is None else plain_id(contact_id)
    try:
        return wiring.run(prove(options, settings, loaded, desired, number, contact_id))
    except InvalidFiles as err:
        raise InvalidFiles(place(err.diagnostics, settings.root)) from err


async def prove(
    options: Globals, settings: Settings, loaded: Loaded, desired: Desired, number: str, contact_id: str | None
) -> int:
    """Look the message up, show it, ask, and send it once; returns the exit code."""
    async with wiring.client_of(settings) as client:
        account = account_of(settings, loaded, Lookups(client))
        change = await look_up(desired, account)
        filled_in = await refuse_unfilled(change, contact_id, client)
        lines = [f"\nTo {number}, now, from {sender(change)}:"]
        paint, width = output.paint_for(sys.stderr, options.colour), output.width()
        lines += bubble(message_of(filled_in), paint=paint, width=width)
        lines += indented(await forecast(client), 0, width)
        output.note("\n".join(lines))
        if not wiring.says_yes("Send this message?", "Nothing was sent."):
            return ExitCode.DONE
        try:
            outcome = await send(message_to(number, change, contact_id), client)
        except (asyncio.CancelledError, Interrupted):
            output.note(MAY_HAVE)
            raise
    match outcome:
        case Created():
            status = shown(str(outcome.campaign.get("status", "accepted")))
            output.result(f"Sent to {number}: message {shown(outcome.id)}, {status}.")
            return ExitCode.DONE
        case NotCreated():
            raise MsgflashApplyError("The message was not sent.", outcome.what)
        case _:
            output.note(f"No answer says whether MsgFlash took it: {shown(outcome.what)}.\n{MAY_HAVE}")
            return ExitCode.PERSON_NEEDED


async def refuse_unfilled(change: Change, contact_id: str | None, client: Client) -> Change:
    """
    Let MsgFlash fill in the template for the contact, if one is given.

    Raises:
        MsgflashApplyError: MsgFlash would refuse the message, since it cannot fill in something.
    """
    filled_in = change
    missing = unfilled(change, contact_id)
    if contact_id is not None and not missing:
        result = await fill_in_for(contact_id, change, client)
        filled_in, missing = result.change, result.missing
    if missing:
        fix = ""
        if contact_id is None and any(path.startswith("contact.") for path in missing):
            fix = "Say for which contact: --contact ID"
        raise MsgflashApplyError("MsgFlash cannot fill in this message.", f"Missing: {', '.join(missing)}.", fix)
    return filled_in


async def forecast(client: Client) -> str:
    """Say how many messages are left this month; QuotaExhausted where there is none."""
    usage = await client.usage()
    left = None if usage is None else usage.messages_left
    if left is None:
        return "It is one message; how many are left this month is not known."
    if left == 0:
        raise QuotaExhausted("No message is left this month.", "Nothing was sent.")
    return f"It is one message of {left} left this month."
