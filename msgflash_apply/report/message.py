"""A message as a phone shows it: text with the server's placeholders marked, media, caption, footer, buttons."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from msgflash_apply.campaign import TEMPLATE, Content, Payload
from msgflash_apply.plan.plan import Change
from msgflash_apply.report.differences import IN_FULL, plain, spelled_out, wire_fields
from msgflash_apply.report.layout import ELLIPSIS, limited
from msgflash_apply.report.markup_text import clipped, inert
from msgflash_apply.report.whatsapp import Run, runs

_PLACEHOLDER = re.compile(r"(\{\{\s*[\w.]+\s*\}\})")
"""Reference 4.1: names with dots between double braces, spaces allowed."""

_MOST_LINES = 200

_MOST_CHARACTERS = 20_000

_LINE_COLUMNS = 400

_KINDS = {"image": "Image", "video": "Video", "audio": "Audio", "document": "Document", "voice_note": "Voice note"}

_DIRECT = "MsgFlash is not known to fill this in outside templates: it may go out as written"
"""What becomes of a placeholder: direct content is not known to be rendered (reference 5.1)."""

_MISSING = "no variable of the campaign fills this in: its messages would fail"

_FILLED_IN = "filled in by MsgFlash for each contact"

_BUTTON_KINDS = {"reply": "Reply", "copy": "Copy a code", "url": "Open a link", "call": "Call", "pix": "Pay by Pix"}


@dataclass(frozen=True, slots=True)
class Piece:
    """
    A part of a text.

    Attributes:
        text: safe to show.
        note: what becomes of it, for a placeholder; empty for any other.
        styles: that a phone shows it in: bold, italic, strike, mono.
        is_mark: it is a mark of WhatsApp, which a phone does not show.
    """

    text: str
    note: str = ""
    styles: tuple[str, ...] = ()
    is_mark: bool = False


@dataclass(frozen=True, slots=True)
class Media:
    """The placeholder of a picture, a film, a sound or a file: nothing is fetched."""

    kind: str
    file_name: str
    url: str


@dataclass(frozen=True, slots=True)
class Button:
    """A button: what is on it, what it does, and with what."""

    text: str
    kind: str
    details: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message; every text is safe to show, and a part that there is not is empty."""

    is_known: bool
    """False where its template was not read, so that no word of it is known."""
    media: Media | None
    title: tuple[Piece, ...]
    body: tuple[Piece, ...]
    description: tuple[Piece, ...]
    footer: tuple[Piece, ...]
    buttons: tuple[Button, ...]


def message_of(change: Change) -> Message:
    """Lay out what a change says, in the words that people get: those of its template, where there is one."""
    payload = spelled_out(change)
    is_template = TEMPLATE in payload or TEMPLATE in change.names
    custom = _MISSING if is_template else _DIRECT
    return _message(
        payload, _FILLED_IN if is_template else _DIRECT, custom, is_known=change.template is not None or not is_template
    )


def message_of_template(words: Content) -> Message:
    """Lay out what a template says, before any campaign fills it in."""
    return _message(wire_fields(words), _FILLED_IN, "filled in by the variables of each campaign", is_known=True)


def _message(payload: Payload, note: str, custom: str, *, is_known: bool) -> Message:
    """Lay out the fields of a message, with a note for its placeholders, and one for those that begin `custom.`."""
    title, body, description, footer = (
        _pieces(payload.get(field), note, custom, is_styled=field in {"body", "description"})
        for field in ("title", "body", "description", "footer")
    )
    buttons = tuple(_buttons(payload.get("buttons")))
    return Message(is_known, _media(payload), title, body, description, footer, buttons)


def _media(payload: Payload) -> Media | None:
    url = payload.get("mediaUrl")
    if not isinstance(url, str):
        return None
    try:
        file_name = unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2])
    except ValueError:  # not a URL at all: shown as it is
        file_name = ""
    kind = plain(payload.get("type", ""))
    return Media(_KINDS.get(kind, inert(kind)), clipped(file_name or url, 80), clipped(url, _LINE_COLUMNS))


def _pieces(value: object, note: str, custom: str, *, is_styled: bool) -> tuple[Piece, ...]:
    """Split a text at its placeholders; every line is made safe as a whole before that."""
    if value is None:
        return ()
    text = plain(value)
    cut_off = text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + ELLIPSIS
    lines = [inert(line) for line in cut_off.removesuffix("\n").split("\n")]
    whole = "\n".join(limited(lines, _MOST_LINES, IN_FULL))
    return tuple(
        Piece(part, (custom if part.strip("{ ").startswith("custom.") else note) if number % 2 else "", run.styles)
        if not run.is_mark
        else Piece(part, is_mark=True)
        for run in (runs(whole) if is_styled else (Run(whole),))
        for number, part in enumerate(_PLACEHOLDER.split(run.text))
        if part
    )


def _buttons(buttons: object) -> Iterator[Button]:
    if not isinstance(buttons, list | tuple):
        return
    for button in buttons:
        fields = button if isinstance(button, Mapping) else {"displayText": plain(button)}
        kind = plain(fields.get("type", ""))
        others = {name: plain(value) for name, value in fields.items() if name not in {"type", "displayText"}}
        details = others.values() if len(others) == 1 else [f"{name} {value}" for name, value in others.items()]
        yield Button(
            text=clipped(plain(fields.get("displayText", "")), _LINE_COLUMNS),
            kind=_BUTTON_KINDS.get(kind, clipped(kind, _LINE_COLUMNS)),
            details=clipped(", ".join(details), _LINE_COLUMNS),
        )
