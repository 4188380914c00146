"""Who gets it, beyond the shape: nobody twice. Contract section 2, reference 5.4."""

from collections.abc import Iterator, Mapping

from msgflash_apply.config.codes import Code
from msgflash_apply.config.findings import Finding
from msgflash_apply.config.near import shown
from msgflash_apply.errors import Severity


def check_recipients(recipients: Mapping[str, object]) -> Iterator[Finding]:
    """Warn of repeated tags or contacts: once for the whole list, at the first repeat."""
    value = recipients.get("value")
    if not isinstance(value, list) or len(value) == len(set(value)):
        return
    places = {item: index for index, item in reversed(list(enumerate(value)))}
    first = next(index for index, item in enumerate(value) if places[item] < index)
    repeats = len(value) - len(set(value))
    message = f"{shown(value[first])} is listed before" + (f", and {repeats - 1} more repeats follow" * (repeats > 1))
    path = ("recipients", "value", first)
    yield Finding(Code.REPEATED_RECIPIENT, path, message, "delete the repeats", severity=Severity.WARNING)


def wire_recipients(recipients: Mapping[str, object]) -> Mapping[str, object]:
    """The audience as it goes on the wire: nobody twice, order kept."""
    value = recipients.get("value")
    if not isinstance(value, list) or len(value) == len(set(value)):
        return recipients
    return {**recipients, "value": list(dict.fromkeys(value))}
