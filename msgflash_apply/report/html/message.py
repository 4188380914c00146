"""A message as a phone shows it: text with the server's placeholders marked, media, caption, footer, buttons."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from msgflash_apply.campaign import Names, Payload
from msgflash_apply.report.differences import IN_FULL, plain
from msgflash_apply.report.layout import ELLIPSIS, limited
from msgflash_apply.report.markup_text import clipped, inert

_PLACEHOLDER = re.compile(r"(\{\{\s*[\w.]+\s*\}\})")
"""Reference 4.1: names with dots between double braces, spaces allowed."""

_MOST_LINES = 200

_MOST_CHARACTERS = 20_000

_LINE_COLUMNS = 400

_KINDS = {"image": "Image", "video": "Video", "audio": "Audio", "document": "Document", "voice_note": "Voice note"}

_BUTTON_KINDS = {"reply": "Reply", "copy": "Copy a code", "url": "Open a link", "call": "Call", "pix": "Pay by Pix"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text; a placeholder is one that MsgFlash would fill in per contact."""

    text: str
    is_placeholder: bool


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
    """One message; every text is safe to show, and a part that there is not is empty. `template` is its name and id."""

    template: str
    variables: tuple[tuple[str, str], ...]
    media: Media | None
    title: tuple[Piece, ...]
    body: tuple[Piece, ...]
    description: tuple[Piece, ...]
    footer: tuple[Piece, ...]
    buttons: tuple[Button, ...]

    @property
    def placeholder_note(self) -> str:
        """Say what becomes of a placeholder: direct content is not known to be rendered (reference 5.1)."""
        if self.template:
            return "filled in by MsgFlash for each contact"
        return "MsgFlash is not known to fill this in outside templates: it may go out as written"


def message_of(payload: Payload, names: Names) -> Message:
    """Lay out what a payload says; its template is known by id and name alone, since its text lives on MsgFlash."""
    template = [plain(each) for each in (names.get("templateId"), payload.get("templateId")) if each]
    variables = payload.get("variables")
    return Message(
        template=clipped(" · ".join(template), _LINE_COLUMNS),
        variables=tuple(
            (clipped(str(name), _LINE_COLUMNS), clipped(plain(value), _LINE_COLUMNS))
            for name, value in (variables.items() if isinstance(variables, Mapping) else ())
        ),
        media=_media(payload),
        title=_pieces(payload.get("title")),
        body=_pieces(payload.get("body")),
        description=_pieces(payload.get("description")),
        footer=_pieces(payload.get("footer")),
        buttons=tuple(_buttons(payload.get("buttons"))),
    )


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


def _pieces(value: object) -> tuple[Piece, ...]:
    """Split a text at its placeholders; every line is made safe as a whole before that."""
    if value is None:
        return ()
    text = plain(value)
    cut_off = text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + ELLIPSIS
    lines = [inert(line) for line in cut_off.removesuffix("\n").split("\n")]
    parts = _PLACEHOLDER.split("\n".join(limited(lines, _MOST_LINES, IN_FULL)))
    return tuple(Piece(part, bool(number % 2)) for number, part in enumerate(parts) if part)


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
