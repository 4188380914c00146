"""
Taking a campaign that exists into the record, under the lock; with `--generate` its file is written, too.

`import`: take a campaign that exists into the record.
"""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import click

from msgflash_apply.api.client import Client
from msgflash_apply.api.models import RemoteCampaign
from msgflash_apply.campaign import Address, Desired, Source, read_address
from msgflash_apply.cli import output, wiring
from msgflash_apply.cli.options import Globals, pass_globals, seconds_from
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.files.expand import expand
from msgflash_apply.files.fmt import campaign_text
from msgflash_apply.files.positions import located, misread
from msgflash_apply.files.yaml_values import BadYaml, parse
from msgflash_apply.findings import InvalidFiles
from msgflash_apply.models.project import Settings
from msgflash_apply.operations.import_ import fields_of, record_of, refuse_doubtful, refuse_known
from msgflash_apply.plan.lookup import LookedUp, Lookups, fill_in, unknown_names
from msgflash_apply.report.safe_text import shell_word, visible
from msgflash_apply.state.journal import Adopted
from msgflash_apply.state.ledger import Ledger, open_ledger


@dataclass(frozen=True, slots=True)
class Adoption:
    """What a person asks for: a campaign of MsgFlash, where it shall stand, and whether its file is to be written."""

    address: Address
    identifier: str
    generate: bool


async def adopt(options: Globals, wanted: Adoption, lock_timeout_seconds: float) -> str:
    """
    Check and record.

    Returns:
        The file of the campaign, relative to the repo.

    Raises:
        MsgflashApplyError: it is known already, it is another campaign than that of the file, or it cannot be told.
    """
    settings = wiring.settings_of(options)
    desired = wiring.load_files(settings).campaigns
    own = next((campaign for campaign in desired if campaign.address == wanted.address), None)
    if own is not None and wanted.generate:
        detail = f"{wanted.address} is written there, and a file is never overwritten."
        raise MsgflashApplyError(f"{own.source.file} exists.", detail, "Import without --generate.")
    claim = wiring.claim(settings, "import", lock_timeout_seconds)
    with open_ledger(wiring.backend_of(settings), claim) as ledger:
        refuse_known(ledger.snapshot, wanted.address, wanted.identifier)
        async with wiring.client_of(settings) as client:
            remote = await _read(client, ledger, wanted.identifier)
            lookups = Lookups(client)
            if wanted.generate:
                return await _generate(settings, wanted, remote, lookups, desired, ledger)
            item = await _looked_up(_there(own, wanted), lookups)
        ledger.append(Adopted(wanted.address, record_of(item, remote, wiring.now())))
        return item.desired.source.file


async def _read(client: Client, ledger: Ledger, identifier: str) -> RemoteCampaign:
    remote = await client.campaign(identifier)
    if remote is None:
        raise MsgflashApplyError(f"MsgFlash has no campaign {identifier}.", "", "Check the id, and the key's account.")
    refuse_doubtful(ledger.snapshot, remote)
    return remote


def _there(own: Desired | None, wanted: Adoption) -> Desired:
    if own is None:
        command = f"msgflash-apply import {shell_word(wanted.address)} {shell_word(wanted.identifier)} --generate"
        fix = f"Write it, or let it be written:\n  {command}"
        raise MsgflashApplyError(f"No file has the campaign {wanted.address}.", "", fix)
    return own


async def _looked_up(desired: Desired, lookups: Lookups) -> LookedUp:
    table = await lookups.table(desired.names)
    item = fill_in(desired, table)
    if item.missing_names:
        raise InvalidFiles(unknown_names(item, table))
    return item


async def _generate(
    settings: Settings,
    wanted: Adoption,
    remote: RemoteCampaign,
    lookups: Lookups,
    others: Sequence[Desired],
    ledger: Ledger,
) -> str:
    """Write the file aside, prove that it reads as the campaign, record, and only then put it in its place."""
    file = _new_file(settings, wanted.address)
    fields = fields_of(remote, await lookups.instances(), await lookups.templates(), settings.timezone)
    text = text_to_adopt(fields, remote)
    item = await _looked_up(read_back(text, Source(file, 2), wanted.address, settings), lookups)
    for other in others:
        if fill_in(other, await lookups.table(other.names)).fingerprint == item.fingerprint:
            command = f"msgflash-apply import {shell_word(other.address)} {shell_word(remote.id)}"
            fix = f"Import it there, without --generate:\n  {command}"
            raise MsgflashApplyError(f"{other.address} is this mailing already.", f"See {other.source.file}.", fix)
    record = record_of(item, remote, wiring.now())
    with placed(settings.root / file, text):
        # The record first: with the file alone, the next apply would create the campaign again.
        ledger.append(Adopted(wanted.address, record))
    return file


def text_to_adopt(fields: Mapping[str, object], remote: RemoteCampaign) -> str:
    """Write the file of a campaign that exists, headed by its id."""
    # On one line, whatever it holds: what follows a line break would be part of the campaign.
    return campaign_text(fields, f"Taken over from MsgFlash: {visible(remote.id)}")


@contextmanager
def placed(path: Path, text: str) -> Iterator[None]:
    """
    Put a new file in place once the inside has succeeded; until then it stands there empty, which is no campaign.

    Raises:
        MsgflashApplyError: the operating system refused, before anything inside was done.
    """
    aside = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("x").close()
        aside.write_text(text, encoding="utf-8")
    except OSError as err:
        raise MsgflashApplyError(f"{path} cannot be written.", f"{err.strerror}.") from err
    try:
        yield
    except BaseException:
        aside.unlink()
        path.unlink()
        raise
    aside.replace(path)


def _new_file(settings: Settings, address: Address) -> str:
    if read_address(address) != address or "[" in address:
        detail = "A file's address is its path below the campaigns folder, such as promo/black-friday."
        raise MsgflashApplyError(f"No file can be at {address}.", detail)
    taken = [f"{settings.campaigns}/{address}{suffix}" for suffix in (".yaml", ".yml")]
    if there := next((name for name in taken if os.path.lexists(settings.root / name)), None):
        raise MsgflashApplyError(f"{there} exists.", "A file is never overwritten.", "Import without --generate.")
    return taken[0]


def read_back(text: str, source: Source, address: Address, settings: Settings) -> Desired:
    """
    Read a file's text as the next plan will.

    Raises:
        InvalidFiles: it would be read as something else than a campaign, or be rendered into another one.
    """
    data = text.encode("utf-8", "replace")
    try:
        [document] = parse(data)
    except BadYaml as err:
        raise InvalidFiles([misread(err, source.file)]) from err
    [one] = expand(cast("Mapping[str, object]", document.value), address, source, settings)
    if one.desired is None:
        raise InvalidFiles(located(one.findings, data, Source(source.file, document.line)))
    return one.desired


@click.command(name="import", short_help="Take a campaign that exists into the record.")
@click.argument("address")
@click.argument("identifier", metavar="ID")
@click.option("--generate", is_flag=True, help="Write its file, too; never over one that is there.")
@click.option("--lock-timeout", metavar="DURATION", default="0s", help="Wait for the lock, e.g. 5m.")
@pass_globals
def command(options: Globals, address: str, identifier: str, lock_timeout: str, *, generate: bool) -> None:
    """
    Record that the campaign ID of MsgFlash is the one at ADDRESS, so that no apply creates it again.

    Its file must say what the campaign is; with --generate it is written. Changes nothing on MsgFlash.
    """
    wanted = Adoption(Address(address), identifier, generate)
    file = asyncio.run(adopt(options, wanted, seconds_from(lock_timeout)))
    output.result(f"{address}: recorded as {identifier}, " + (f"and wrote {file}." if generate else f"as {file} says."))
