"""
`resolve`: record the outcome of a create whose result is unknown, from the user or from its messages on MsgFlash.

What each outcome needs to be accepted is decided in operations/resolve.py.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import click

from msgflash_apply.campaign import Address, Intent, plain_id
from msgflash_apply.cli import output, wiring
from msgflash_apply.cli.options import ACCEPT_DIFFERENCES, LOCK_TIMEOUT, Globals, pass_globals
from msgflash_apply.errors import ExitCode
from msgflash_apply.models.project import Settings
from msgflash_apply.operations.resolve import (
    Probed,
    accepting_command,
    in_doubt,
    probe,
    refuse_what_may_arrive,
    resolve_created,
    resolve_not_created,
)
from msgflash_apply.plan.echo import spelled
from msgflash_apply.plan.plan import AttributeDiff
from msgflash_apply.report.differences import audience_text, plain
from msgflash_apply.report.safe_text import shown
from msgflash_apply.report.wording import in_zone


@click.command
@click.argument("address")
@click.option("--created", "identifier", metavar="ID", help="Record this campaign, after checking it on MsgFlash.")
@ACCEPT_DIFFERENCES
@click.option("--not-created", is_flag=True, help="Record that nothing was created; the next apply may create it.")
@click.option("--yes", is_flag=True, help="With --not-created: do not ask (for pipelines).")
@click.option("--probe", "probing", is_flag=True, help="Find the campaign by its messages, after its start time.")
@LOCK_TIMEOUT
@pass_globals
def command(
    options: Globals,
    address: str,
    identifier: str | None,
    lock_timeout_seconds: float,
    *,
    accept_differences: bool,
    not_created: bool,
    yes: bool,
    probing: bool,
) -> int:
    """
    Record whether the create in doubt at ADDRESS reached MsgFlash.

    Look into the MsgFlash console first, or use --probe. A campaign is this one if it means what was sent: trimmed
    white space, null for absent and the like are no difference. --not-created is refused for some minutes after the
    create was announced, while it may still arrive.
    """
    if [identifier is not None, not_created, probing].count(True) != 1:
        raise click.UsageError("Give one of --created ID, --not-created and --probe.")
    if (accept_differences and identifier is None) or (yes and not not_created):
        raise click.UsageError("--accept-differences goes with --created ID, and --yes with --not-created.")
    settings, key = wiring.settings_of(options), Address(address)
    asked = _ask(settings, key) if not_created and not yes else None
    if asked is not None and not asked.is_certain:
        output.note("Nothing was changed.")
        return ExitCode.PERSON_NEEDED

    async def record() -> Probed | None:
        """Record the outcome: None for "not created"; a probe that found nothing has no `id`, and records nothing."""
        with wiring.ledger_of(settings, "resolve", lock_timeout_seconds) as ledger:
            if not_created:
                resolve_not_created(ledger, key, wiring.now, shown=asked and asked.doubt)
                return None
            async with wiring.client_of(settings) as client:
                found = Probed(identifier and plain_id(identifier), messages=0, others=0)
                if probing:
                    found = await probe(ledger.snapshot, client, key, wiring.now())
                if found.id is not None:
                    accept = partial(show_differences, found.id) if accept_differences else None
                    await resolve_created(ledger, client, key, found.id, wiring.now, accept=accept)
                return found

    found = wiring.run(record())
    if found is None:
        output.result(f"{address}: recorded as not created.")
    elif found.id is not None:
        output.result(f"{address}: recorded as {found.id}.")
    else:
        output.result(_nothing_found(key, found))
        return ExitCode.PERSON_NEEDED
    return ExitCode.DONE


def show_differences(identifier: str, differing: Sequence[AttributeDiff], *, ours: str = "{} was sent") -> None:
    """Show in what a campaign differs that is recorded in spite of it; see `spelled`."""
    lines = [f"  {shown(line)}" for line in spelled(differing, ours)]
    output.note("\n".join([f"Campaign {shown(identifier)} differs, and is accepted:", *lines]))


class _Asked(NamedTuple):
    """Which create the user was asked about, and whether nothing came of it for certain."""

    doubt: Intent
    is_certain: bool


def _ask(settings: Settings, address: Address) -> _Asked:
    """
    Ask whether nothing was created.

    Raises:
        MsgflashApplyError: there is no terminal to ask on, nothing is in doubt there, or it may still arrive.
    """
    wiring.fail_without_terminal(f"have {address} sent again", "--yes")
    doubt = in_doubt(wiring.snapshot_of(settings), address)
    refuse_what_may_arrive(doubt, address, wiring.now())
    output.note(f"{_description(doubt)}\n\nIf MsgFlash has it all the same, people may get the message twice.")
    return _Asked(doubt, click.confirm("Is it certain that it was not created?", err=True))


def _description(doubt: Intent) -> str:
    """Say which campaign people would get."""
    facts = doubt.facts
    return "\n".join(
        f"  {label:<8}  {shown(text)}"
        for label, text in (
            ("name", plain(facts.payload.get("name"))),
            ("start", in_zone(facts.starts_at, facts.timezone)),
            ("audience", audience_text(facts.payload.get("recipients"), facts.names)),
        )
    )


def _nothing_found(address: Address, found: Probed) -> str:
    """Say what a probe looked at; where one campaign alone is similar, in what it differs and how to take it."""
    others = f"{found.others} other campaigns were looked at."
    lines = [f"{address}: no message of it among {found.messages} of its instance since its start; {others}"]
    if len(found.similar) == 1:
        ((identifier, differing),) = found.similar.items()
        lines.append(f"One of them, {shown(identifier)}, has its instance, name and start:")
        lines += [f"  {shown(line)}" for line in spelled(differing)]
        lines.append(f"If it is this campaign all the same:\n  {accepting_command(address, identifier)}")
    lines.append("That proves nothing, so it stays in doubt. Look into the MsgFlash console.")
    return "\n".join(lines)
