"""
One message in a terminal, as a phone shows it: a bubble of a phone's width with media, text, footer and buttons.

With colour WhatsApp's styles are shown and their marks are not; without it the marks stay as they are written.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from msgflash_apply.plan.plan import Change
from msgflash_apply.report.differences import Row
from msgflash_apply.report.layout import Paint, Tone, columns, indented, wrap
from msgflash_apply.report.message import Message, Piece, message_of, message_of_template
from msgflash_apply.report.safe_text import shown, width_of
from msgflash_apply.report.wording import sender, with_distance
from msgflash_apply.template import DesiredTemplate

PHONE_COLUMNS: Final = 44
"""About what a phone shows in a line."""

_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")

_CODES: Final = {"bold": "1", "italic": "3", "strike": "9", "mono": Tone.QUIET.value}

_NOT_KNOWN: Final = "Its template is on MsgFlash, and was not read."


@dataclass(frozen=True, slots=True)
class Preview:
    """
    One message, and what is to be said of it.

    Attributes:
        change: the campaign, its template filled in, where that was asked for; or a template alone.
        contact: id of the contact for whom it was to be filled in; None for no one.
        missing: paths that MsgFlash could not fill in for the contact.
    """

    change: Change | DesiredTemplate
    contact: str | None = None
    missing: tuple[str, ...] = ()

    @property
    def message(self) -> Message:
        """What it says, laid out."""
        change = self.change
        return message_of_template(change.content) if isinstance(change, DesiredTemplate) else message_of(change)

    def facts(self, now: datetime) -> Iterator[Row]:
        """Say who sends it and when; of a template alone, how MsgFlash calls it."""
        if isinstance(self.change, DesiredTemplate):
            yield Row("template", self.change.name)
            return
        yield Row("from", sender(self.change, str))
        yield Row("start", with_distance(self.change.starts_at, self.change.timezone, now))
        if self.contact is not None:
            yield Row("for", f"contact {self.contact}")

    @property
    def notes(self) -> tuple[str, ...]:
        """Say what becomes of placeholders, and what is missing."""
        if self.missing:
            said = f"MsgFlash cannot fill in {', '.join(self.missing)} for this contact: its message would fail."
            return (said,)
        if self.contact is not None and isinstance(self.change, Change) and self.change.template is None:
            return ("This is direct content: MsgFlash fills in nothing there, for no contact.",)
        message = self.message
        pieces = (*message.title, *message.body, *message.description, *message.footer)
        notes = {piece.text: f"{piece.text}: {piece.note}." for piece in pieces if piece.note}
        return tuple(notes.values())


def preview_to_text(preview: Preview, *, now: datetime, paint: Paint, width: int) -> str:
    """Show a message below who sends it and when, and above what becomes of its placeholders."""
    rows = [(row.label, shown(row.text)) for row in preview.facts(now)]
    lines = [paint(Tone.STRONG, shown(preview.change.address)), *columns(rows, 2), ""]
    lines += bubble(preview.message, paint=paint, width=width)
    for note in preview.notes:
        tone = Tone.DANGER if preview.missing else Tone.CHANGED
        lines += ["", *(paint(tone, line) for line in indented(shown(note), 0, width))]
    return "\n".join(lines) + "\n"


def bubble(message: Message, *, paint: Paint, width: int) -> list[str]:
    """Draw a message as a phone shows it, no wider than a terminal."""
    inner = max(min(PHONE_COLUMNS, width - 4), 1)
    parts: list[list[str]] = [] if message.is_known else [[paint(Tone.QUIET, line) for line in wrap(_NOT_KNOWN, inner)]]
    if message.media is not None:
        named = f"[{message.media.kind}] {message.media.file_name}"
        urls = wrap(message.media.url, inner) if message.media.url != message.media.file_name else []
        parts.append([*wrap(named, inner), *(paint(Tone.QUIET, line) for line in urls)])
    title = tuple(Piece(piece.text, piece.note, ("bold",)) for piece in message.title)
    parts += [_text(text, paint, inner) for text in (title, message.body, message.description) if text]
    if message.footer:
        footer = tuple(Piece(piece.text, piece.note, ("mono",)) for piece in message.footer)
        parts.append(_text(footer, paint, inner))
    lines = [line for number, part in enumerate(parts) for line in ([""] * (number > 0) + part)]
    framed = ["╭" + "─" * (inner + 2) + "╮", *(_framed(line, inner) for line in lines or [""])]
    for button in message.buttons:
        details = f"{button.kind}: {button.details}" if button.details else button.kind
        framed.append("├" + "─" * (inner + 2) + "┤")
        framed += [_framed(paint(Tone.STRONG, line), inner) for line in wrap(f"[ {button.text} ]", inner)]
        framed += [_framed(paint(Tone.QUIET, line), inner) for line in wrap(details, inner)]
    return [*framed, "╰" + "─" * (inner + 2) + "╯"]


def _text(pieces: Sequence[Piece], paint: Paint, width: int) -> list[str]:
    """Set pieces in lines of a width, each piece in its styles."""
    seen = [piece for piece in pieces if not (paint.colour and piece.is_mark)]
    styles = [piece for piece in seen for _ in piece.text]
    text = "".join(piece.text for piece in seen)
    lines, start = [], 0
    for paragraph in text.split("\n"):
        end = start + len(paragraph)
        for line in wrap(paragraph, width):
            # The space at a break is in no line.
            start = text.index(line, start, end)
            lines.append(_styled(line, styles[start : start + len(line)], paint))
            start += len(line)
        start = end + 1
    return lines


def _styled(line: str, styles: Sequence[Piece], paint: Paint) -> str:
    if not paint.colour:
        return line
    parts, begin = [], 0
    for index in range(1, len(line) + 1):
        if index == len(line) or styles[index] is not styles[begin]:
            codes = [_CODES[style] for style in styles[begin].styles] + [Tone.CHANGED.value] * bool(styles[begin].note)
            part = line[begin:index]
            parts.append(f"\x1b[{';'.join(codes)}m{part}\x1b[0m" if codes else part)
            begin = index
    return "".join(parts)


def _framed(line: str, inner: int) -> str:
    """Put a line between the edges of a bubble; what colours it takes no column."""
    plain = _COLOUR.sub("", line)
    return f"│ {line}{' ' * (inner - width_of(plain))} │"
