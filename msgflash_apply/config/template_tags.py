"""A template's source -> its texts and tags, each tag with its place; jinja2's own lexer decides what is a tag."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from jinja2 import Environment

from msgflash_apply.config.codes import Code
from msgflash_apply.config.template_errors import Mistake, Refused

_KINDS: dict[str, Literal["expression", "statement", "comment"]] = {
    "variable_begin": "expression",
    "block_begin": "statement",
    "comment_begin": "comment",
}
_ENDS = frozenset({"variable_end", "block_end", "comment_end"})
_NAMES_BEFORE = re.compile(r"(?:\w+\s*\.\s*)+$")
_NEARBY = 200
_Token: TypeAlias = tuple[int, str, str]


@dataclass(frozen=True, slots=True)
class Tag:
    """
    One `{{ .. }}`, `{% .. %}` or `{# .. #}`.

    Attributes:
        kind: which of them.
        text: with its braces.
        offset: of its first brace in the source.
        line: in which it begins, from 1.
        strips: whether a `-` or `+` at one of its ends changes the whitespace around it.
    """

    kind: Literal["expression", "statement", "comment"]
    text: str
    offset: int
    line: int
    strips: bool


def cut_at_tags(environment: Environment, source: str) -> tuple[str | Tag, ...]:
    """
    Cut a source into texts and tags, in order.

    Args:
        environment: whose lexer is used.
        source: with line feeds alone as line breaks.

    Raises:
        Refused: a tag is never closed, or `raw` is used, which could write what must not be written.
        TemplateSyntaxError: what the lexer does not know.
    """
    return tuple(_cut(environment.lex(source), source))


def _cut(tokens: Iterator[_Token], source: str) -> Iterator[str | Tag]:
    at = 0
    for line, kind, text in tokens:
        if kind == "data":
            yield text
            at += len(text)
        elif kind in _KINDS:
            at = source.index(text, at)  # whitespace before `{{-` is in no token
            tag = _tag(kind, text, tokens, at, line)
            yield tag
            at += len(tag.text)
        else:
            message = "`{% raw %}` is not allowed"
            hint = "placeholders of MsgFlash pass through without it"
            raise Refused(Mistake(Code.TEMPLATE_FORBIDDEN, message, hint), source.index(text, at))


def _tag(kind: str, begin: str, tokens: Iterator[_Token], offset: int, line: int) -> Tag:
    text = begin
    for _, name, value in tokens:
        text += value
        if name in _ENDS:
            strips = begin[-1] in "-+" or value[0] in "-+"
            return Tag(_KINDS[kind], text, offset, line, strips)
    message = f"`{begin}` is never closed"
    raise Refused(Mistake(Code.TEMPLATE_SYNTAX, message, "close it with `}}`, `%}` or `#}`"), offset)


def point_at(mistake: Mistake, tags: Iterable[Tag]) -> tuple[Mistake, int | None]:
    """Find the tag that a mistake is about: by its name, else by its line; with the name as it is written there."""
    by_line: int | None = None
    for tag in tags:
        if mistake.name is not None and (dotted := _written(mistake.name, tag)) is not None:
            return mistake.called(dotted), tag.offset
        if by_line is None and tag.line == mistake.line:
            by_line = tag.offset
    return mistake, by_line


def _written(name: str, tag: Tag) -> str | None:
    """A name as it stands in a tag, with the names before it: `custom.shop.name`."""
    found = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", tag.text) if tag.kind != "comment" else None
    if found is None:
        return None
    nearby = tag.text[max(0, found.start() - _NEARBY) : found.start()]  # bounded: the search is quadratic in it
    before = _NAMES_BEFORE.search(nearby)
    return re.sub(r"\s+", "", before.group() if before is not None else "") + name
