"""
Names in files -> ids on MsgFlash, from what the server lists or from what the state remembers. Pure.

What a plan asks MsgFlash about besides campaigns: each thing once per process, side by side, and only if needed.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from msgflash_apply.api.client import Client
from msgflash_apply.api.models import Contact, Group, Health, Instance, Template, Usage
from msgflash_apply.campaign import (
    Desired,
    Facts,
    Fingerprint,
    Names,
    Payload,
    fingerprint,
)
from msgflash_apply.errors import NotOnThisPlan
from msgflash_apply.findings import Code, Diagnostic, Severity

INSTANCE = "instanceId"

TEMPLATE = "templateId"

ONLY_CONNECTED = ""

_WORD = {INSTANCE: "instance", TEMPLATE: "template"}


@dataclass(frozen=True, slots=True)
class LookedUp:
    """
    A desired campaign with its names looked up.

    Attributes:
        desired: as the files want it.
        payload: with the ids that were found, in any order of fields.
        fingerprint: of the payload; of payload and names while one is missing.
        is_complete: False while a name could not be looked up (offline).
    """

    desired: Desired
    payload: Payload
    fingerprint: Fingerprint
    is_complete: bool


class NameTable:
    """
    Which ids a name may stand for, by payload field. Several ids for one name are kept: the name is then ambiguous.

    Args:
        rows: (field, name, id, how the id is told to people).
    """

    def __init__(self, rows: Iterable[tuple[str, str, str, str]]) -> None:
        self._ids: dict[tuple[str, str], dict[str, str]] = {}
        self._resolved: dict[tuple[tuple[str, str], ...], tuple[Names, Names]] = {}
        for field, name, identifier, told in rows:
            self._ids.setdefault((field, _plain(field, name)), {})[identifier] = told

    def ids(self, field: str, name: str) -> Sequence[str]:
        """Return every id that the name may stand for, none where it is unknown."""
        return list(self._ids.get((field, _plain(field, name)), ()))

    def resolved(self, names: Names) -> tuple[Names, Names]:
        """Tell names that stand for exactly one thing, as field -> id, from the others, as field -> name."""
        key = tuple(names.items())
        if (known := self._resolved.get(key)) is None:  # thousands of campaigns share a handful of names
            ids = {field: ids[0] for field, name in key if len(ids := self.ids(field, name)) == 1}
            known = self._resolved[key] = ids, {field: name for field, name in key if field not in ids}
        return known

    def candidates(self, field: str, name: str) -> list[str]:
        """Tell the things that the name may stand for, or could have meant."""
        if told := self._ids.get((field, _plain(field, name))):
            return sorted(told.values())
        return sorted({t for (f, n), ids in self._ids.items() if f == field and n for t in ids.values()})

    def nearest(self, field: str, name: str) -> str | None:
        """Find a known name that looks like this one."""
        known = [n for f, n in self._ids if f == field and n]
        return next(iter(get_close_matches(name, known, n=1)), None)


def table_of_server(instances: Iterable[Instance], templates: Iterable[Template]) -> NameTable:
    """Know instances by name, by number and as "the only connected one"; templates by name."""
    rows: list[tuple[str, str, str, str]] = []
    for instance in instances:
        told = f"{instance.name} ({instance.wa_number or 'no number'}, {instance.status}, {instance.id})"
        rows.append((INSTANCE, instance.name, instance.id, told))
        if instance.wa_number:
            rows.append((INSTANCE, instance.wa_number, instance.id, told))
        if instance.is_connected:
            rows.append((INSTANCE, ONLY_CONNECTED, instance.id, told))
    rows += [(TEMPLATE, template.name, template.id, f"{template.name} ({template.id})") for template in templates]
    return NameTable(rows)


def table_of_memory(facts: Iterable[Facts]) -> NameTable:
    """Know every name as the state remembers it from the time it was sent."""
    known = {
        (field, name, str(fact.payload[field]))
        for fact in facts
        for field, name in fact.names.items()
        if field in fact.payload
    }
    return NameTable((field, name, identifier, name) for field, name, identifier in sorted(known))


def fill_in(desired: Desired, table: NameTable, sent: Facts | None = None) -> LookedUp:
    """
    Put ids where the table knows exactly one; leave the rest as names.

    Args:
        desired: as the files want it.
        table: which ids names stand for.
        sent: what was sent of it before, if anything: its fingerprint is known, and most campaigns stay as they are.
    """
    ids, missing = table.resolved(desired.names)
    payload = {**desired.payload, **ids} if ids else desired.payload
    if sent is not None and not missing and _is_same(payload, sent.payload):
        return LookedUp(desired, sent.payload, sent.fingerprint, is_complete=True)
    return LookedUp(desired, payload, fingerprint(payload, missing), is_complete=not missing)


def unknown_names(item: LookedUp, table: NameTable) -> list[Diagnostic]:
    """Say of each name that stands for no id, or for several, what it could have been."""
    desired = item.desired
    return [_unknown(desired, field, name, table) for field, name in desired.names.items() if field not in item.payload]


def _unknown(desired: Desired, field: str, name: str, table: NameTable) -> Diagnostic:
    ids, word = table.ids(field, name), _WORD[field]
    listed = "; ".join(table.candidates(field, name)) or "none"
    if field == INSTANCE and name == ONLY_CONNECTED:
        count = f"{len(ids)} connected instances" if ids else "no connected instance"
        return _error(
            desired,
            Code.NO_DEFAULT_INSTANCE,
            f"no instance is given, and the account has {count}",
            f"set `instance` here or in `defaults` of msgflash.yaml; the account has: {listed}",
        )
    if ids:
        return _error(
            desired,
            Code.AMBIGUOUS_NAME,
            f"{word} `{name}` stands for {len(ids)} of them",
            f"give the id instead (`{field}`); candidates: {listed}",
        )
    nearest = table.nearest(field, name)
    hint = f"did you mean `{nearest}`? " if nearest else ""
    return _error(desired, Code.UNKNOWN_NAME, f"the account has no {word} `{name}`", f"{hint}it has: {listed}")


def _error(desired: Desired, code: str, message: str, hint: str) -> Diagnostic:
    source = desired.source
    return Diagnostic(Severity.ERROR, code, message, hint, file=source.file, line=source.line, address=desired.address)


def _plain(field: str, name: str) -> str:
    # Numbers are met with and without the leading + (reference 3), and people write them in groups.
    compact = name.replace(" ", "").removeprefix("+")
    return compact if field == INSTANCE and compact.isdigit() else name


def _is_same(payload: Payload, sent: Payload) -> bool:
    """
    Whether two payloads are the same JSON whatever the order of keys, payload by the files and so of the right shape.

    To Python 1, 1.0 and true are equal, and in JSON they are three values. The published schema has numbers only among
    the values of `variables`, and nothing but a text equals a text.
    """
    if payload != sent:
        return False
    return "variables" not in sent or _kinds(payload["variables"]) == _kinds(sent["variables"])


def _kinds(variables: object) -> dict[str, type]:
    return {name: type(value) for name, value in variables.items()} if isinstance(variables, dict) else {}


class Lookups:
    """
    Answers that do not change while one plan is made and applied, kept once they were asked for.

    Source: contract section 7, "Reads": instances are one request, templates one per page, groups one per distinct
    group, usage one.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._instances: tuple[Instance, ...] | None = None
        self._templates: tuple[Template, ...] | None = None
        self._variables: dict[str, tuple[str, ...]] = {}
        self._groups: dict[str, Group | None] = {}
        self._contacts_total: int | None = None
        self._contacts: tuple[Contact, ...] | None = None
        self._health: dict[str, Health | None] = {}

    async def instances(self) -> tuple[Instance, ...]:
        """List the account's instances."""
        if self._instances is None:
            self._instances = await self._client.instances()
        return self._instances

    async def templates(self) -> tuple[Template, ...]:
        """List the account's templates."""
        if self._templates is None:
            self._templates = await self._client.templates()
        return self._templates

    async def table(self, fields: Iterable[str]) -> NameTable:
        """Ask for what these payload fields' names need: instances for `instanceId`, templates for `templateId`."""
        wanted = set(fields)
        instances, templates = await asyncio.gather(
            self.instances() if wanted - {TEMPLATE} else _nothing(),
            self.templates() if TEMPLATE in wanted else _nothing(),
        )
        return table_of_server(instances, templates)

    async def template_variables(self, identifiers: Iterable[str]) -> Mapping[str, tuple[str, ...] | None]:
        """
        Learn the placeholders of some templates.

        Returns:
            Dotted paths (`custom.code`) by template id; None for a template that does not exist.
        """
        listed = {template.id: template for template in await self.templates()}
        return {identifier: await self._variables_of(listed.get(identifier)) for identifier in identifiers}

    async def groups(self, identifiers: Iterable[str]) -> Mapping[str, Group | None]:
        """Read some groups; None for one that does not exist."""
        wanted = [identifier for identifier in dict.fromkeys(identifiers) if identifier not in self._groups]
        if wanted:
            found = await asyncio.gather(*(self._client.group(identifier) for identifier in wanted))
            self._groups |= dict(zip(wanted, found, strict=True))
        return self._groups

    async def contacts_total(self) -> int | None:
        """Count the account's contacts; None where MsgFlash does not say."""
        if self._contacts_total is None:
            self._contacts_total = await self._client.contacts_total()
        return self._contacts_total

    async def contacts(self) -> tuple[Contact, ...]:
        """List the account's contacts; one request per hundred of them, so only where somebody asked for it."""
        if self._contacts is None:
            self._contacts = await self._client.contacts()
        return self._contacts

    async def warm_up_limits(self, instance_ids: Iterable[str]) -> Mapping[str, int | None]:
        """Read how many recipients each instance should have in one campaign; None where MsgFlash does not say."""
        wanted = [identifier for identifier in dict.fromkeys(instance_ids) if identifier not in self._health]
        if wanted:
            found = await asyncio.gather(*(_health_of(self._client, identifier) for identifier in wanted))
            self._health |= dict(zip(wanted, found, strict=True))
        return {
            i: health.warmup_policy.max_campaign_recipients if health else None for i, health in self._health.items()
        }

    async def usage(self) -> Usage | None:
        """Read the month so far; asked anew each time, because this very process uses it up. None for team keys."""
        return await self._client.usage()

    async def _variables_of(self, template: Template | None) -> tuple[str, ...] | None:
        if template is None:
            return None
        if template.id not in self._variables:
            # Examples of the list are abridged (reference 4); only then is each template read by itself.
            whole = template if template.variables is not None else await self._client.template(template.id)
            self._variables[template.id] = (whole.variables if whole else None) or ()
        return self._variables[template.id]


async def _health_of(client: Client, instance_id: str) -> Health | None:
    try:
        return await client.health(instance_id)
    except NotOnThisPlan:  # advice is not worth an error
        return None


async def _nothing() -> tuple[()]:
    return ()
