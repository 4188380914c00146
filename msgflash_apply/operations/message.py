"""
The message of one campaign: found with the look-ups of a plan, filled in for one contact, sent to one phone.

`find` chooses the campaign, and `find_words` a template alone too; `look_up` learns what MsgFlash has behind its names.
`send` sends once: there is no idempotency key here either (reference 7), so what is not answered may have gone out and
is never sent again.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from typing import Final

from msgflash_apply.api.client import Client
from msgflash_apply.api.outcome import CreateOutcome, NotCreated, classify
from msgflash_apply.campaign import (
    INSTANCE,
    TEMPLATE,
    Address,
    Desired,
    Payload,
    id_in,
    plain_id,
    plain_id_in,
    read_address,
)
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.files.load import Loaded
from msgflash_apply.findings import InvalidFiles
from msgflash_apply.models.project import Policy
from msgflash_apply.plan.lookup import Lookups, fill_in, unknown_names
from msgflash_apply.plan.plan import Action, Change, Sender, UsedTemplate
from msgflash_apply.plan.refresh import PriorState
from msgflash_apply.plan.templates import resolve
from msgflash_apply.state.snapshot import Snapshot
from msgflash_apply.template import DesiredTemplate, placeholders

MOST_NEAR: Final = 5

NUMBER: Final = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
"""A phone number as messages take it: E.164 (reference 7)."""


def find(loaded: Loaded, address: str) -> Desired:
    """Find the campaign of the files at an address; see `find_words`. A template alone has no number to send from."""
    found = find_words(loaded, address)
    if isinstance(found, Desired):
        return found
    users = [campaign.address for campaign in loaded.campaigns if campaign.template == found.address]
    fix = f"Give a campaign that sends it: {', '.join(users[:MOST_NEAR])}" if users else "No campaign sends it yet."
    raise MsgflashApplyError(f"{address} is a template, which is sent by campaigns alone.", "", fix)


def find_words(loaded: Loaded, address: str) -> Desired | DesiredTemplate:
    """
    Find the campaign of the files at an address, else the template.

    Raises:
        MsgflashApplyError: there is neither; names those that were probably meant.
    """
    wanted = read_address(address)
    known: dict[str, Desired | DesiredTemplate] = {one.address: one for one in loaded.templates}
    known |= {one.address: one for one in loaded.campaigns}
    if wanted is not None and wanted in known:
        return known[wanted]
    entries = [each for each in known if each.startswith(f"{address}[")]
    near = entries or get_close_matches(address, known, n=MOST_NEAR)
    fix = f"Did you mean: {', '.join(near[:MOST_NEAR])}?" if near else "See: msgflash-apply calendar --no-state"
    raise MsgflashApplyError(f"No file has the campaign or template {address}.", "", fix)


def in_files(desired: Desired, templates: Sequence[DesiredTemplate]) -> Change:
    """Describe a campaign as far as the files say it; its template is None where MsgFlash alone has its words."""
    own = next((one for one in templates if one.address == desired.template), None)
    return Change(
        desired.address,
        Action.CREATE,
        desired.starts_at,
        source=desired.source,
        after=desired.payload,
        timezone=desired.timezone,
        names=desired.names,
        labels=desired.labels,
        template=None if own is None else UsedTemplate("", own.name, own.content, placeholders(own.content)),
        template_address=desired.template,
    )


@dataclass(frozen=True, slots=True)
class Account:
    """
    What is needed to look a message up.

    Attributes:
        lookups: what MsgFlash has.
        snapshot: the state, which knows the templates of the repo.
        templates: every template of the files.
        now: the time.
    """

    lookups: Lookups
    snapshot: Snapshot
    templates: Sequence[DesiredTemplate]
    now: datetime


async def look_up(desired: Desired, account: Account) -> Change:
    """
    Describe a campaign with its number and its template as MsgFlash has them.

    Raises:
        InvalidFiles: the account has nothing by a name that the file gives, or several.
        MsgflashApplyError: its template is not on MsgFlash (yet).
        ApiError: MsgFlash could not be asked.
    """
    lookups, shown = account.lookups, in_files(desired, account.templates)
    needed = {field: name for field, name in desired.names.items() if field in {INSTANCE, TEMPLATE}}
    table = await lookups.table([INSTANCE, *(field for field in needed if field != TEMPLATE or not desired.template)])
    item = fill_in(replace(desired, names=needed), table)
    if item.missing_names:
        raise InvalidFiles(unknown_names(item, table))
    instance = (await lookups.instances()).get(plain_id_in(item.payload, INSTANCE))
    if instance is None:
        detail = f"{desired.source.file} gives {id_in(item.payload, INSTANCE)}."
        raise MsgflashApplyError("The account has no such instance.", detail, "See: msgflash-apply list instances")
    shown = replace(shown, after=item.payload, instance=Sender(instance.id, instance.name, instance.wa_number))
    if shown.template is not None:
        return replace(shown, template=await _own_template(desired, account))
    if (identifier := id_in(item.payload, TEMPLATE)) is not None:
        used = (await lookups.used_templates([plain_id(identifier)]))[plain_id(identifier)]
        if used is None:
            fix = "See: msgflash-apply list templates"
            raise MsgflashApplyError(f"MsgFlash has no template {identifier}.", f"See {desired.source.file}.", fix)
        shown = replace(shown, template=used)
    return shown


async def _own_template(desired: Desired, account: Account) -> UsedTemplate:
    """Find the template of the repo that a campaign sends, as an apply made it: with the very words of its file."""
    listed = await account.lookups.of_repo(account.templates, account.snapshot)
    resolved = resolve(account.templates, PriorState(account.snapshot), listed, Policy(), account.now)
    used = resolved[Address(desired.template or "")].used
    if used.id not in listed or listed[used.id].content != used.content:
        detail = f"{desired.template} is new, or its file was changed since the last apply."
        raise MsgflashApplyError(
            "Its template is not on MsgFlash as the file has it.", detail, "Apply first: msgflash-apply apply"
        )
    return used


@dataclass(frozen=True, slots=True)
class FilledIn:
    """A message for one contact: as MsgFlash fills it in, or as it was with the placeholders that have no value."""

    change: Change
    missing: tuple[str, ...] = ()


async def fill_in_for(contact_id: str, change: Change, client: Client) -> FilledIn:
    """
    Let MsgFlash fill in a template for a contact, with the variables of the campaign; sends nothing.

    Raises:
        MsgflashApplyError: the template is gone, or the account has no such contact.
        ApiError: MsgFlash could not be asked.
    """
    template = change.template
    if template is None:
        return FilledIn(change)
    if await client.contact(contact_id) is None:  # a preview would not say what it does not know
        fix = "Give the id of a contact, as the MsgFlash console shows it."
        raise MsgflashApplyError(f"The account has no contact {contact_id}.", "", fix)
    preview = await client.preview_template(
        template.id, instance_id=id_in(change.payload or {}, INSTANCE), contact_id=contact_id, variables=given(change)
    )
    if preview is None:
        raise MsgflashApplyError(f"MsgFlash has no template {template.id} any more.")
    if preview.missing_variables or not preview.valid or preview.rendered is None:
        # What was filled in counts for nothing then (reference 10.4).
        return FilledIn(change, preview.missing_variables)
    content = replace(template.content, body=preview.rendered or None)
    return FilledIn(replace(change, template=replace(template, content=content)))


def given(change: Change) -> Mapping[str, object]:
    """The variables that a campaign gives its template."""
    variables = (change.payload or {}).get("variables")
    return variables if isinstance(variables, Mapping) else {}


def unfilled(change: Change, contact_id: str | None) -> tuple[str, ...]:
    """List what MsgFlash cannot fill in: variables that the campaign lacks, and a contact's fields without contact."""
    paths = placeholders(change.template.content) if change.template is not None else ()
    variables = {f"custom.{name}" for name in given(change)}
    return tuple(
        path
        for path in paths
        if (path.startswith("custom.") and path not in variables) or (path.startswith("contact.") and not contact_id)
    )


def message_to(number: str, change: Change, contact_id: str | None) -> Payload:
    """
    Spell a campaign's message as `POST /messages/send` takes it (reference 7).

    Args:
        number: to send it to, E.164.
        change: looked up.
        contact_id: for whom a template is filled in; None for no one.
    """
    payload = change.payload or {}
    sent: dict[str, object] = {"instanceId": payload[INSTANCE], "to": number}
    if change.template is not None:
        sent |= {"templateId": change.template.id, "variables": given(change) or None, "contactId": contact_id}
    else:
        sent |= {name: payload.get(name) for name in ("type", "mediaUrl", "title", "description", "footer")}
        buttons = payload.get("buttons")
        sent["text"] = payload.get("body")
        # The kind of a button is `title` here, and `type` in campaigns (reference 5.5).
        sent["buttons"] = [
            {"title" if name == "type" else name: value for name, value in button.items()}
            for button in (buttons if isinstance(buttons, list | tuple) else ())
        ] or None
    return {name: value for name, value in sent.items() if value is not None}


async def send(message: Payload, client: Client) -> CreateOutcome:
    """Send a message once. Only where MsgFlash refused it for the rate, and so sent nothing, it is sent again."""
    while True:
        await client.limiter.acquire()
        outcome = classify(await client.send_message(message))
        if isinstance(outcome, NotCreated) and outcome.is_rate_limit and not client.limiter.is_hopeless:
            continue
        return outcome
