"""Names in files -> ids on MsgFlash, from what the server lists or from what the state remembers. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from msgflash_apply.api.wire import Instance, Template
from msgflash_apply.campaign import (
    Desired,
    Facts,
    Fingerprint,
    Names,
    Payload,
    fingerprint,
)
from msgflash_apply.config.codes import Code
from msgflash_apply.errors import Diagnostic, Severity

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
        from difflib import get_close_matches  # noqa: PLC0415 - only a mistake needs it

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
