"""
The one JSON text that a server keeps for us: the state's document and the journals beside it.

    {"format": "msgflash-apply state", "format_version": 1, "serial": 7, "write": "<UUID>",
     "document": "<text>", "journals": {"<id>": {"sealed": false, "lines": "<text>"}}}

`serial` rises with every write, as GitLab demands, and `write` distinguishes two writes of one serial. Bytes that are
not UTF-8 are in `document_base64` and `lines_base64` instead. There is no `version`: Terraform leaves a document
without one alone, as we do with its states.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from msgflash_apply.errors import BackendError

_FORMAT: Final = "msgflash-apply state"
_FORMAT_VERSION: Final = 1
_BASE64: Final = "_base64"


@dataclass(frozen=True, slots=True)
class Journal:
    """
    A run's journal.

    Attributes:
        lines: all of it.
        is_sealed: whether it may not grow any more.
    """

    lines: bytes
    is_sealed: bool = False


@dataclass(frozen=True, slots=True)
class Bundle:
    """
    All that is kept under one address.

    Attributes:
        serial: of this write; 0 where nothing was written yet.
        write: unique among all writes.
        document: None where only journals are.
        journals: by id.
    """

    serial: int = 0
    write: str = ""
    document: bytes | None = None
    journals: Mapping[str, Journal] = field(default_factory=dict)


def encode(bundle: Bundle) -> bytes:
    """Write a bundle as JSON in UTF-8, a line for each part."""
    document = {} if bundle.document is None else _spelled("document", bundle.document)
    journals = {
        name: {"sealed": journal.is_sealed, **_spelled("lines", journal.lines)}
        for name, journal in sorted(bundle.journals.items())
    }
    head = {
        "format": _FORMAT,
        "format_version": _FORMAT_VERSION,
        "serial": bundle.serial,
        "write": bundle.write,
    }
    return json.dumps({**head, **document, "journals": journals}, indent=1, ensure_ascii=False).encode()


def decode(body: bytes, *, where: str) -> Bundle:
    """
    Read a bundle.

    Raises:
        BackendError: it is none, but damaged, a newer one, or of another program. It must be left as it is.
    """
    try:
        values = json.loads(body)
    except (ValueError, RecursionError) as err:
        raise _foreign(where, "it is no JSON") from err
    if not isinstance(values, dict) or values.get("format") != _FORMAT:
        is_terraform = isinstance(values, dict) and "terraform_version" in values
        what = "it is a state of Terraform, of real infrastructure" if is_terraform else "it is JSON of another kind"
        raise _foreign(where, what)
    if values.get("format_version") != _FORMAT_VERSION:
        raise BackendError(
            "The state was written by a newer version of msgflash-apply.",
            f"{where}: its format is {values.get('format_version')!r}, this version knows {_FORMAT_VERSION}.",
            "Update msgflash-apply here.",
        )
    try:
        return _bundle(values)
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        raise BackendError(
            "The state is damaged.",
            f"{where}: what keeps its document and its journals together cannot be read.",
            "Leave it as it is, and restore a former version (GitLab keeps every one).",
        ) from err


def _bundle(values: Mapping[str, object]) -> Bundle:
    serial, write, journals = values["serial"], values["write"], values["journals"]
    if type(serial) is not int or not isinstance(write, str) or not isinstance(journals, dict):
        raise TypeError
    has_document = "document" in values or "document" + _BASE64 in values
    return Bundle(
        serial=serial,
        write=write,
        document=_read("document", values) if has_document else None,
        # Everything but a plain "not sealed" is sealed: a journal that wrongly grew could hide a create.
        journals={
            name: Journal(_read("lines", journal), is_sealed=journal["sealed"] is not False)
            for name, journal in journals.items()
        },
    )


def _spelled(name: str, data: bytes) -> dict[str, str]:
    try:
        return {name: data.decode()}
    except UnicodeDecodeError:
        return {name + _BASE64: b64encode(data).decode()}


def _read(name: str, values: Mapping[str, object]) -> bytes:
    text = values.get(name)
    if isinstance(text, str):
        return text.encode()
    coded = values[name + _BASE64]
    if not isinstance(coded, str):
        raise TypeError
    return b64decode(coded, validate=True)


def _foreign(where: str, what: str) -> BackendError:
    return BackendError(
        "This is not a state of msgflash-apply.",
        f"{where}: {what}. It stays as it is.",
        "Give this state an address of its own, in msgflash.yaml or MSGFLASH_STATE.",
    )
