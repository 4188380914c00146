"""
Placeholders of templates, `{{namespace.variable}}`: finding, checking and filling them in.

Interpolation only, no logic (reference 4.1).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from msgflash_apply.sandbox.exchange import JsonObject, RefusedError
from msgflash_apply.sandbox.values import Account, Contact, Instance

NAMESPACES = frozenset({"contact", "user", "instance", "custom"})
_PLACEHOLDER = re.compile(r"\{\{\s*([a-zA-Z0-9_]+(?:\.[a-zA-Z0-9_]+)*)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text with its values, and the paths that have none; those stay in the text as they were written."""

    text: str
    missing: tuple[str, ...]


def paths_in(text: str | None) -> list[str]:
    """List the paths of a text once each, in order of appearance."""
    return list(dict.fromkeys(_PLACEHOLDER.findall(text or "")))


def check_placeholders(text: str | None) -> None:
    """Raise `400 TEMPLATE_INVALID` for a malformed placeholder or an unknown namespace; the cases are assumed."""
    rest = _PLACEHOLDER.sub("", text or "")
    if "{{" in rest or "}}" in rest:
        raise RefusedError(400, "TEMPLATE_INVALID", "Malformed placeholder", assumption="10.4")
    for path in paths_in(text):
        namespace, _, name = path.partition(".")
        if namespace not in NAMESPACES or not name:
            raise RefusedError(400, "TEMPLATE_INVALID", f"Unknown placeholder: {path}", assumption="10.4")


def values_for(
    account: Account,
    *,
    instance: Instance | None = None,
    contact: Contact | None = None,
    custom: Mapping[str, object] | None = None,
) -> dict[str, str]:
    """Map every path that has a value to it; without an instance or a contact its namespace is missing."""
    values = {"user.fullName": account.full_name, "user.email": account.email, "user.phone": account.phone}
    if instance is not None:
        values["instance.name"] = instance.name
    if contact is not None:
        values |= {
            "contact.name": contact.name,
            "contact.firstName": (contact.name.split() or [""])[0],
            "contact.phone": contact.phone,
            "contact.tags": ", ".join(contact.tags),
            **_flatten("contact.meta", contact.meta),
        }
    values |= {f"custom.{name}": str(value) for name, value in (custom or {}).items()}
    return values


def render(text: str, values: Mapping[str, str]) -> Rendered:
    """Fill in the paths that have a value."""
    missing = tuple(path for path in paths_in(text) if path not in values)
    return Rendered(_PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text), missing)


def _flatten(prefix: str, given: JsonObject) -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in given.items():
        path = f"{prefix}.{name}"
        flat |= _flatten(path, value) if isinstance(value, dict) else {path: str(value)}
    return flat
