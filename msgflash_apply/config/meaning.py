"""
What the schema can not say about a single campaign: its start, its address, who gets it, what would be sent.

Every check looks only at fields of the right shape, so that one mistake is told once. Read `check_meaning` first.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import cast

from msgflash_apply.campaign import Address
from msgflash_apply.config.addresses import read_address
from msgflash_apply.config.codes import Code
from msgflash_apply.config.content import check_content
from msgflash_apply.config.findings import Finding
from msgflash_apply.config.near import shown
from msgflash_apply.config.recipients import check_recipients
from msgflash_apply.config.schedule import BadSchedule, check_timezone, to_instant
from msgflash_apply.config.settings import Settings
from msgflash_apply.errors import Severity

Fields = Mapping[str, object]


def check_meaning(fields: Fields, address: Address, settings: Settings) -> Iterator[Finding]:
    """
    Check everything but the start, which `start_of` reads.

    Args:
        fields: a rendered campaign; only fields of the right shape.
        address: as made from its file.
        settings: for the policy.
    """
    yield from check_content(fields, settings.policy.placeholders_in_direct)
    if (recipients := fields.get("recipients")) is not None:
        yield from check_recipients(cast("Fields", recipients))
    if fields.get("repeat") in {"daily", "weekly"}:
        message = f"`repeat: {fields['repeat']}`: MsgFlash does not document when a repeating campaign ends"
        hint = "watch it with `msgflash-apply status`, and end it with `paused: true`"
        yield Finding(Code.REPEAT_OPEN_ENDED, ("repeat",), message, hint, severity=Severity.WARNING)
    if "moved_from" in fields:
        yield from _check_former_addresses(cast("list[str]", fields["moved_from"]), address)


def start_of(fields: Fields, default_timezone: str | None) -> datetime | Finding:
    """The instant of `schedule`, in UTC; what is wrong with it, or with `timezone`, as a finding."""
    timezone = cast("str | None", fields.get("timezone", default_timezone))
    if "timezone" in fields and (problem := _zone_problem(str(timezone))) is not None:
        return Finding(Code.BAD_TIMEZONE, ("timezone",), problem.message, problem.hint)
    try:
        return to_instant(str(fields["schedule"]), timezone)
    except BadSchedule as err:
        return Finding(Code.BAD_SCHEDULE, ("schedule",), err.message, err.hint)


@cache
def _zone_problem(name: str) -> BadSchedule | None:
    try:
        check_timezone(name)
    except BadSchedule as err:
        return err
    return None


def _check_former_addresses(written: list[str], address: Address) -> Iterator[Finding]:
    for index, text in enumerate(written):
        former = read_address(text)
        if former is None:
            message = f"{shown(text)} is not an address"
            hint = 'write it as plans show it, for example `promo/old-name` or `promo/old-name["fr"]`'
            yield Finding(Code.BAD_FORMER_ADDRESS, ("moved_from", index), message, hint)
        elif former == address:
            message = f"{shown(text)} is this campaign's own address"
            yield Finding(
                Code.BAD_FORMER_ADDRESS, ("moved_from", index), message, "give the address that it had before"
            )
