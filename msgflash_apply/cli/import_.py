"""
`import`: add a campaign that exists on MsgFlash to the state, so that no apply creates it again.

`adopt` is the story. The rules for what may be imported are in operations/import_.py.
"""

import os
from collections.abc import Mapping
from contextlib import nullcontext
from functools import partial

import click

from msgflash_apply.api.models import RemoteCampaign
from msgflash_apply.campaign import Address, Desired, plain_id, read_address
from msgflash_apply.cli import output, wiring
from msgflash_apply.cli.import_templates import import_templates
from msgflash_apply.cli.options import ACCEPT_DIFFERENCES, LOCK_TIMEOUT, Globals, pass_globals
from msgflash_apply.cli.resolve import show_differences
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.files.bounded_child import File
from msgflash_apply.files.fmt import file_text
from msgflash_apply.files.load import read_files
from msgflash_apply.findings import InvalidFiles
from msgflash_apply.models.project import Settings
from msgflash_apply.operations.import_ import FILE_SAYS, fields_of, record_of, refuse_doubtful, refuse_known
from msgflash_apply.plan.lookup import Lookups, fill_in, unknown_names
from msgflash_apply.report.safe_text import shell_word, visible
from msgflash_apply.state.journal import Adopted


@click.command(name="import")
@click.argument("address", required=False)
@click.argument("identifier", metavar="ID", required=False)
@click.option("--templates", "is_of_templates", is_flag=True, help="Import every template instead, with its file.")
@click.option("--generate", is_flag=True, help="Write the file of the campaign; never overwrites one.")
@ACCEPT_DIFFERENCES
@LOCK_TIMEOUT
@pass_globals
def command(
    options: Globals,
    address: str | None,
    identifier: str | None,
    lock_timeout_seconds: float,
    *,
    is_of_templates: bool,
    generate: bool,
    accept_differences: bool,
) -> None:
    """
    Add the campaign ID of MsgFlash to the state at ADDRESS, so that no apply creates it again.

    Its file must describe the campaign as it is; --generate writes the file. What MsgFlash spells otherwise, such as
    trimmed white space, is no difference. With --templates every template that the state does not know gets a file and
    a record. Changes nothing on MsgFlash.
    """
    if is_of_templates:
        if address is not None or generate or accept_differences:
            raise click.UsageError("--templates imports all of them: give it alone.")
        wiring.run(import_templates(wiring.settings_of(options), lock_timeout_seconds))
        return
    if address is None or identifier is None:
        raise click.UsageError(f"Missing argument '{'ADDRESS' if address is None else 'ID'}'.")
    settings, identifier = wiring.settings_of(options), plain_id(identifier)
    file = wiring.run(
        adopt(
            settings,
            Address(address),
            identifier,
            generate=generate,
            accept_differences=accept_differences,
            lock_timeout_seconds=lock_timeout_seconds,
        )
    )
    output.result(f"{address}: recorded as {identifier}, " + (f"and wrote {file}." if generate else f"as {file} says."))


async def adopt(
    settings: Settings,
    address: Address,
    identifier: str,
    *,
    generate: bool,
    accept_differences: bool,
    lock_timeout_seconds: float,
) -> str:
    """
    Check, under the lock, that a campaign of MsgFlash is the one of a file, and record it.

    Args:
        settings: of the repo.
        address: where it is to be.
        identifier: of the campaign on MsgFlash.
        generate: write its file, instead of finding it.
        accept_differences: record what the file says, even if the campaign is another one; show in what.
        lock_timeout_seconds: how long to wait for the lock.

    Returns:
        The file of the campaign, relative to the repo.

    Raises:
        MsgflashApplyError: it is on record already, or it is not the campaign of the file.
    """
    campaigns = wiring.load_files(settings).campaigns
    own = next((campaign for campaign in campaigns if campaign.address == address), None)
    if own is not None and generate:
        detail = f"{address} is written there, and a file is never overwritten."
        raise MsgflashApplyError(f"{own.source.file} exists.", detail, "Import without --generate.")
    with wiring.ledger_of(settings, "import", lock_timeout_seconds) as ledger:
        refuse_known(ledger.snapshot, address, identifier)
        async with wiring.client_of(settings) as client:
            remote = await client.campaign(identifier)
            if remote is None:
                fix = "Check the id, and the key's account."
                raise MsgflashApplyError(f"MsgFlash has no campaign {identifier}.", "", fix)
            refuse_doubtful(ledger.snapshot, remote)
            lookups = Lookups(client)
            text = ""
            if generate:
                file = new_file(settings, address)
                instances, templates = await lookups.instances(), await lookups.templates()
                known = tuple(instances.values()), tuple(templates.values())
                text = text_to_adopt(fields_of(remote, *known, settings.timezone), remote)
                own = read_back(text, file, settings)
            elif own is None:
                line = f"msgflash-apply import {shell_word(address)} {shell_word(identifier)} --generate"
                fix = f"Write it, or let it be written:\n  {line}"
                raise MsgflashApplyError(f"No file has the campaign {address}.", "", fix)
            table = await lookups.table(own.names)
            item = fill_in(own, table)
            if item.missing_names:
                raise InvalidFiles(unknown_names(item, table))
            for other in campaigns if generate else ():
                if fill_in(other, await lookups.table(other.names)).fingerprint == item.fingerprint:
                    line = f"msgflash-apply import {shell_word(other.address)} {shell_word(remote.id)}"
                    raise MsgflashApplyError(
                        f"{other.address} is this mailing already.",
                        f"See {other.source.file}.",
                        f"Import it there, without --generate:\n  {line}",
                    )
        file = own.source.file
        accept = partial(show_differences, remote.id, ours=FILE_SAYS) if accept_differences else None
        record = record_of(item, remote, wiring.now(), accept=accept)
        with output.placed_anew(settings.root / file, text, root=settings.root) if generate else nullcontext():
            # The record first: with the file alone, the next apply would create the campaign again.
            ledger.append(Adopted(address, record))
    return file


def new_file(settings: Settings, address: Address) -> str:
    """Choose the file for an address, relative to the repo; MsgflashApplyError if no new file can have it."""
    if read_address(address) != address or "[" in address:
        detail = "A file's address is its path below the campaigns folder, such as promo/black-friday."
        raise MsgflashApplyError(f"No file can be at {address}.", detail)
    taken = [f"{settings.campaigns}/{address}{suffix}" for suffix in (".yaml", ".yml")]
    if there := next((name for name in taken if os.path.lexists(settings.root / name)), None):
        raise MsgflashApplyError(f"{there} exists.", "A file is never overwritten.", "Import without --generate.")
    return taken[0]


def text_to_adopt(fields: Mapping[str, object], remote: RemoteCampaign) -> str:
    """Write the file of a campaign that exists, headed by its id."""
    # On one line, whatever it holds: what follows a line break would be part of the campaign.
    return file_text(fields, f"Taken over from MsgFlash: {visible(remote.id)}")


def read_back(text: str, file: str, settings: Settings) -> Desired:
    """
    Read a new file's text as the next plan will.

    Raises:
        InvalidFiles: it would be read as something else than a campaign, or be rendered into another one.
    """
    _, campaigns, diagnostics = next(read_files([File(file, text.encode("utf-8", "replace"), "campaign")], settings))
    wanted: Desired | None = campaigns[0].desired if campaigns else None
    if wanted is None:
        raise InvalidFiles(diagnostics)
    return wanted
