"""
What a plan asks MsgFlash besides the campaigns themselves, and the ids that names in files are looked up to.

`NameTable` knows which ids a name may mean, from the account's lists or from what the state remembers; `fill_in` puts
them into a campaign. `Lookups` asks for each thing once per process, and only if needed.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from msgflash_apply.api.client import Client
from msgflash_apply.api.models import Contact, Group, Health, Instance, Template, Usage
from msgflash_apply.campaign import (
    GROUP,
    INSTANCE,
    TEMPLATE,
    Desired,
    Facts,
    Fingerprint,
    Names,
    Payload,
    fingerprint,
    id_in,
    plain_id,
    with_ids,
)
from msgflash_apply.errors import NotOnThisPlan
from msgflash_apply.findings import Code, Diagnostic, Severity, ValuePath
from msgflash_apply.plan.marker import Marker, is_marker, markers_in
from msgflash_apply.plan.plan import Change, UsedTemplate, finding
from msgflash_apply.state.snapshot import Snapshot
from msgflash_apply.template import DesiredTemplate

ONLY_CONNECTED = ""

_WORD = {INSTANCE: "instance", TEMPLATE: "template", GROUP: "group"}

_PLACE: Mapping[str, tuple[ValuePath, ValuePath]] = {
    INSTANCE: (("instance",), ("instanceId",)),
    TEMPLATE: (("template",), ("templateId",)),
    GROUP: (("recipients", "group"), ("recipients", "groupId")),
}
"""Where a file has a name, and where an id."""


@dataclass(frozen=True, slots=True)
class LookedUp:
    """
    A desired campaign with its names looked up.

    Attributes:
        desired: as the files want it.
        payload: with the ids that were found, in any order of fields.
        fingerprint: of the payload; of payload and names while one is missing.
    """

    desired: Desired
    payload: Payload
    fingerprint: Fingerprint

    @property
    def missing_names(self) -> Names:
        """
        The names for which no id was found, by payload field; empty once all are looked up.

        Without that of a template of the repo: its id may be known only once it is created.
        """
        return {
            field: name
            for field, name in self.desired.names.items()
            if id_in(self.payload, field) is None and not (field == TEMPLATE and self.desired.template is not None)
        }


class NameTable:
    """
    Which ids a name may mean, by payload field. Several ids for one name are kept: the name is then ambiguous.

    Args:
        rows: (field, name, id, how messages describe the thing).
    """

    def __init__(self, rows: Iterable[tuple[str, str, str, str]]) -> None:
        self._ids: dict[tuple[str, str], dict[str, str]] = {}
        for field, name, identifier, description in rows:
            self._ids.setdefault((field, _plain(field, name)), {})[plain_id(identifier)] = description

    def ids(self, field: str, name: str) -> Sequence[str]:
        """Return every id that the name may mean, none where it is unknown."""
        return list(self._ids.get((field, _plain(field, name)), ()))

    def candidates(self, field: str, name: str) -> list[str]:
        """Describe the things that the name may mean, or else all that it could have meant."""
        if ids := self._ids.get((field, _plain(field, name))):
            return sorted(ids.values())
        return sorted({text for (f, n), ids in self._ids.items() if f == field and n for text in ids.values()})

    def nearest(self, field: str, name: str) -> str | None:
        """Find a known name that looks like this one."""
        known = [n for f, n in self._ids if f == field and n]
        return next(iter(get_close_matches(name, known, n=1)), None)


def table_of_server(
    instances: Iterable[Instance], templates: Iterable[Template], groups: Iterable[Group] = ()
) -> NameTable:
    """Know instances by name, by number and as "the only connected one"; templates and groups by name."""
    rows: list[tuple[str, str, str, str]] = []
    for instance in instances:
        description = f"{instance.name} ({instance.wa_number or 'no number'}, {instance.status}, {instance.id})"
        names = [instance.name, *([instance.wa_number] if instance.wa_number else [])]
        names += [ONLY_CONNECTED] if instance.is_connected else []
        rows += [(INSTANCE, name, instance.id, description) for name in names]
    offered = (template for template in templates if not is_marker(template.name))
    rows += [(TEMPLATE, template.name, template.id, f"{template.name} ({template.id})") for template in offered]
    rows += [(GROUP, group.name, group.id, f"{group.name} ({group.id})") for group in groups]
    return NameTable(rows)


def table_of_memory(facts: Iterable[Facts]) -> NameTable:
    """Know every name as the state remembers it from the time it was sent."""
    known = {
        (field, name, identifier)
        for fact in facts
        for field, name in fact.names.items()
        if (identifier := id_in(fact.payload, field)) is not None
    }
    return NameTable((field, name, identifier, name) for field, name, identifier in sorted(known))


def fill_in(desired: Desired, table: NameTable, sent: Facts | None = None) -> LookedUp:
    """
    Put ids where the table knows exactly one; leave the rest as names.

    Args:
        desired: as the files want it. A template of the repo has its id in the payload, or none yet.
        table: which ids names mean.
        sent: what is on record of it, if anything: most campaigns stay as they are, and share its payload.
    """
    names = desired.names
    if desired.template is not None:
        names = {field: name for field, name in names.items() if field != TEMPLATE}
    ids = {field: ids[0] for field, name in names.items() if len(ids := table.ids(field, name)) == 1}
    missing = {field: name for field, name in names.items() if field not in ids}
    if desired.template is not None and id_in(desired.payload, TEMPLATE) is None:
        missing[TEMPLATE] = desired.names[TEMPLATE]
    payload = with_ids(desired.payload, ids) if ids else desired.payload
    meaning = fingerprint(payload, missing)
    if sent is not None and sent.fingerprint == meaning and sent.payload == payload:
        payload = sent.payload  # the same values: one copy less of thousands
    return LookedUp(desired, payload, meaning)


def as_sent(item: LookedUp, sent: Facts | None) -> LookedUp | None:
    """Put in the ids with which a campaign was created, where its file gives the same names; None where it does not."""
    missing = item.missing_names
    if sent is None or not missing or any(sent.names.get(field) != name for field, name in missing.items()):
        return None
    ids = {field: identifier for field in missing if (identifier := id_in(sent.payload, field)) is not None}
    payload = with_ids(item.payload, ids)
    found = LookedUp(item.desired, payload, fingerprint(payload))
    return None if found.missing_names else found


def unknown_names(item: LookedUp, table: NameTable, *, is_sent: bool = False) -> list[Diagnostic]:
    """
    Say of each name that means no id, or several, what it could have been.

    Args:
        item: a campaign, as far as its names were looked up.
        table: which ids names mean.
        is_sent: it was created with the ids that the names had then, so that this is a warning.
    """
    found = []
    for field, name in item.missing_names.items():
        ids, word = table.ids(field, name), _WORD[field]
        listed = "; ".join(table.candidates(field, name)) or "none"
        if field == INSTANCE and name == ONLY_CONNECTED:
            count = f"{len(ids)} connected instances" if ids else "no connected instance"
            code, message = Code.NO_DEFAULT_INSTANCE, f"no instance is given, and the account has {count}"
            hint = f"set `instance` here or in `defaults` of msgflash.yaml; the account has: {listed}"
        elif ids:
            code, message = Code.AMBIGUOUS_NAME, f"{word} `{name}` is ambiguous: the account has {len(ids)} of them"
            hint = f"give the id instead (`{field}`); candidates: {listed}"
        else:
            code, message = Code.UNKNOWN_NAME, f"the account has no {word} `{name}`"
            nearest = table.nearest(field, name)
            hint = f"did you mean `{nearest}`? it has: {listed}" if nearest else f"it has: {listed}"
        severity = Severity.ERROR
        if is_sent:
            severity, message = Severity.WARNING, f"{message}; the campaign was created with the one that had this name"
        found.append(finding(severity, code, item.desired, message, hint, place_of(item.desired, field)))
    return found


def place_of(about: Change | Desired, field: str) -> ValuePath:
    """Where a file gives an instance, template or group: by name or by id."""
    return _PLACE[field][field not in about.names]


def path_of(about: Change, path: str) -> ValuePath:
    """Where a file gives what MsgFlash calls by a path such as `buttons[0].url`."""
    steps = tuple(int(step) if step.isdecimal() else step for step in re.findall(r"[^.\[\]]+", path))
    field = str(steps[-1]) if steps else ""
    return place_of(about, field) if field in _PLACE else steps


def _plain(field: str, name: str) -> str:
    # Numbers are met with and without the leading + (reference 3), and people write them in groups.
    compact = name.replace(" ", "").removeprefix("+")
    return compact if field == INSTANCE and compact.isdigit() else name


class Lookups:
    """
    What the account has, asked for once in the making of a plan and in counting after it; the next plan asks anew.

    Source: contract section 7, "Reads": instances are one request, templates and groups one per page, usage one.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._instances: Mapping[str, Instance] | None = None
        self._templates: Mapping[str, Template] | None = None
        self._groups: Mapping[str, Group] | None = None
        self._contacts_total: int | None = None
        self._contacts: Mapping[str, Contact] | None = None
        self._contacts_are_too_many = False
        self._known_contacts: dict[str, bool] = {}

    async def instances(self) -> Mapping[str, Instance]:
        """List the account's instances, by id."""
        if self._instances is None:
            self._instances = {plain_id(one.id): one for one in await self._client.instances()}
        return self._instances

    @property
    def known_instances(self) -> Mapping[str, Instance]:
        """The account's instances, by id; empty as long as nothing needed them."""
        return self._instances or {}

    async def templates(self) -> Mapping[str, Template]:
        """List the account's templates, by id."""
        if self._templates is None:
            self._templates = {plain_id(one.id): one for one in await self._client.templates()}
        return self._templates

    async def groups(self) -> Mapping[str, Group]:
        """List the account's groups, by id."""
        if self._groups is None:
            self._groups = {plain_id(one.id): one for one in await self._client.groups()}
        return self._groups

    async def table(self, fields: Iterable[str]) -> NameTable:
        """Ask for what these names need: instances for `INSTANCE`, templates for `TEMPLATE`, groups for `GROUP`."""
        lists: Mapping[str, Callable[[], Awaitable[object]]] = {
            INSTANCE: self.instances,
            TEMPLATE: self.templates,
            GROUP: self.groups,
        }
        await asyncio.gather(*(lists[field]() for field in set(fields)))
        instances, templates, groups = self._instances or {}, self._templates or {}, self._groups or {}
        return table_of_server(instances.values(), templates.values(), groups.values())

    async def used_templates(self, identifiers: Iterable[str]) -> Mapping[str, UsedTemplate | None]:
        """Learn what some templates say, by id; None for a template that does not exist."""
        listed = await self.templates()
        used: dict[str, UsedTemplate | None] = {}
        for identifier in identifiers:
            found = listed.get(identifier)
            # Examples of the list are abridged (reference 4); only then is each template read by itself.
            if found is not None and not found.is_whole:
                found = await self._client.template(identifier)
            used[identifier] = None if found is None else _used(found)
        return used

    async def of_repo(self, templates: Sequence[DesiredTemplate], snapshot: Snapshot) -> Mapping[str, UsedTemplate]:
        """Read the templates that the state has versions of, and those with a name that the files want, by id."""
        versions = {plain_id(version.id) for record in snapshot.templates.values() for version in record.versions}
        names = {one.name for one in templates}
        if not names and not versions:
            return {}
        ids = versions | {key for key, one in (await self.templates()).items() if one.name in names}
        return {key: one for key, one in (await self.used_templates(sorted(ids))).items() if one is not None}

    async def markers(self) -> list[Marker]:
        """Read what the account remembers of states."""
        found = []
        for listed in (await self.templates()).values():
            if is_marker(listed.name):
                whole = listed if listed.body is not None else await self._client.template(listed.id)
                found += [] if whole is None else [whole]
        return markers_in(found)

    async def contacts_total(self) -> int | None:
        """Count the account's contacts; None where MsgFlash does not say."""
        if self._contacts_total is None:
            self._contacts_total = await self._client.contacts_total()
        return self._contacts_total

    async def contacts(self, *, most_requests: int | None) -> Mapping[str, Contact] | None:
        """List the account's contacts by id, a hundred per request; None where that takes too many."""
        if self._contacts is None and not self._contacts_are_too_many:
            found, self._contacts_total = await self._client.contacts(most_requests=most_requests)
            self._contacts_are_too_many = found is None
            self._contacts = None if found is None else {plain_id(one.id): one for one in found}
        return self._contacts

    async def has_contacts(self, identifiers: Iterable[str]) -> Mapping[str, bool]:
        """Look for some contacts one by one."""
        wanted = [identifier for identifier in identifiers if identifier not in self._known_contacts]
        found = await asyncio.gather(*(self._client.contact(identifier) for identifier in wanted))
        self._known_contacts |= {one: contact is not None for one, contact in zip(wanted, found, strict=True)}
        return self._known_contacts

    async def warm_up_limits(self, instance_ids: Iterable[str]) -> Mapping[str, int | None]:
        """Read how many recipients each instance should have in one campaign; None where MsgFlash does not say."""

        async def health_of(instance_id: str) -> Health | None:
            try:
                return await self._client.health(instance_id)
            except NotOnThisPlan:  # advice is not worth an error
                return None

        wanted = tuple(dict.fromkeys(instance_ids))
        found = await asyncio.gather(*(health_of(identifier) for identifier in wanted))
        return {
            identifier: health.warmup_policy.max_campaign_recipients if health else None
            for identifier, health in zip(wanted, found, strict=True)
        }

    async def usage(self) -> Usage | None:
        """Read the month so far, anew each time: this very process uses it up. None for team keys."""
        return await self._client.usage()


def _used(template: Template) -> UsedTemplate:
    return UsedTemplate(plain_id(template.id), template.name, template.content, template.variables or ())
