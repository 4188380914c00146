"""
A scalar cut into what is text and what is evaluated: at its dotted names alone, or by jinja2's own lexer.

`cut_at_names` is the cheap way, for scalars with nothing but `{{ dotted.names }}`. `compile_scalar` takes the others:
each `{{ .. }}` on its own, or the whole scalar where there are statements. Expressions one by one keep their types and
report all their mistakes, each at its tag. Placeholders of MsgFlash are copied from the source; anywhere but alone
between plain braces they are a mistake. Compiled once per process.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Protocol, TypeAlias

from jinja2 import Environment, Template, TemplateError, TemplateSyntaxError, nodes

from msgflash_apply.files.template_check import bounded, count, mistakes_in
from msgflash_apply.files.template_language import BUDGET, Language, defined
from msgflash_apply.files.template_values import (
    MAX_TEXT,
    PLACEHOLDER,
    Budget,
    Mistake,
    Refused,
    look_up,
    too_much,
    undefined,
)
from msgflash_apply.findings import Code

# The look-behind leaves `{{{` to jinja2, which reads it as a map inside an expression.
_TAG = re.compile(
    r"(?<!\{)\{\{\s*+(?:(?P<ours>(?:custom|each)(?:\.[A-Za-z_][A-Za-z0-9_]*+)*+)"
    r"|(?:contact|user|instance)(?:\.[A-Za-z0-9_]++)++)\s*+\}\}",
)

OPENINGS = ("{{", "{%", "{#")
"""What begins a tag."""


class Evaluable(Protocol):
    """
    A part of a scalar that is worked out for each campaign.

    Attributes:
        offset: of its first brace in the scalar; None when it is all of it.
    """

    @property
    def offset(self) -> int | None:
        """See above."""

    def evaluate(self, variables: Mapping[str, object], budget: Budget) -> object:
        """Give its value; Refused says what is wrong."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A tag that cannot be evaluated, whatever the variables; the scalar's other tags still are."""

    offset: int | None
    mistake: Mistake

    def evaluate(self, variables: Mapping[str, object], budget: Budget) -> object:
        """Refuse."""
        del variables, budget
        raise Refused(self.mistake)


Part: TypeAlias = "str | Evaluable"


@dataclass(frozen=True, slots=True)
class DottedName:
    """`{{ custom.shop.city }}`: by far the most usual expression, looked up without jinja2."""

    offset: int
    name: str

    def evaluate(self, variables: Mapping[str, object], budget: Budget) -> object:
        """Walk down the maps, one name after the other."""
        del budget  # as long as the name: nothing that needs counting
        value: object = variables
        walked = ""
        for step in self.name.split("."):
            walked = f"{walked}.{step}" if walked else step
            try:
                value = look_up(value, step)
            except KeyError:
                mistake = undefined(value, step)
                raise Refused(mistake.called(walked)) from None
        return value


def cut_at_names(text: str) -> tuple[Part, ...] | None:
    """
    Cut a text at its dotted names; placeholders of MsgFlash stay in the text.

    Returns:
        The parts; the text itself as the only one when nothing in it is ours; None when it needs jinja2.
    """
    tags = list(_TAG.finditer(text))
    if len(tags) != text.count("{{") or "{%" in text or "{#" in text:
        return None
    parts: list[Part] = []
    kept = 0
    for tag in tags:
        if tag["ours"]:
            parts += (with_line_feeds(text[kept : tag.start()]), DottedName(tag.start(), tag["ours"]))
            kept = tag.end()
    return tuple(part for part in (*parts, with_line_feeds(text[kept:])) if part != "") if parts else (text,)


def with_line_feeds(text: str) -> str:
    """Line breaks as jinja2 gives them back."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


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
    pieces: list[str | Tag] = []
    at = 0
    tokens: Iterator[_Token] = environment.lex(source)
    for line, kind, text in tokens:
        if kind == "data":
            pieces.append(text)
            at += len(text)
        elif kind in _KINDS:
            at = source.index(text, at)  # whitespace before `{{-` is in no token
            tag = _tag(kind, text, tokens, at, line)
            pieces.append(tag)
            at += len(tag.text)
        else:
            message = "`{% raw %}` is not allowed"
            hint = "placeholders of MsgFlash pass through without it"
            raise Refused(Mistake(Code.TEMPLATE_FORBIDDEN, message, hint), source.index(text, at))
    return tuple(pieces)


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
    word = None if mistake.name is None else re.compile(rf"(?<!\w){re.escape(mistake.name)}(?!\w)")
    for tag in tags:
        if word is not None and tag.kind != "comment" and (found := word.search(tag.text)):
            nearby = tag.text[max(0, found.start() - _NEARBY) : found.start()]  # bounded: the search is quadratic in it
            before = _NAMES_BEFORE.search(nearby)
            dotted = re.sub(r"\s+", "", before.group() if before is not None else "") + found.group()
            return mistake.called(dotted), tag.offset
        if by_line is None and tag.line == mistake.line:
            by_line = tag.offset
    return mistake, by_line


_LANGUAGE = Language()

_STEPS_PER_NODE = 10  # compiling a node takes about as long as ten steps of anything else

_RESULT = "result"


# What filters raise at values of a kind that they do not take; jinja2's own check some with `assert`.
_UNWORKABLE = (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, AssertionError)


@dataclass(frozen=True, slots=True)
class _Program:
    """A compiled template, and what compiling and running it once costs."""

    template: Template
    steps: int


@dataclass(frozen=True, slots=True)
class Expression:
    """One `{{ .. }}`; gives a value of any type."""

    tag: Tag
    program: _Program

    @property
    def offset(self) -> int:
        """Of its first brace in the scalar."""
        return self.tag.offset

    def evaluate(self, variables: Mapping[str, object], budget: Budget) -> object:
        """Work it out; what is undefined is Refused."""
        budget.work(self.program.steps)
        with _translated((self.tag,)):
            context = self.program.template.new_context({**variables, BUDGET: budget})
            list(self.program.template.root_render_func(context))  # writes nothing, sets the result
            return defined(context.vars[_RESULT])


@dataclass(frozen=True, slots=True)
class Statements:
    """A whole scalar with `{% .. %}`, or with tags that strip whitespace; gives a text."""

    tags: tuple[Tag, ...]
    program: _Program
    offset: None = None

    def evaluate(self, variables: Mapping[str, object], budget: Budget) -> object:
        """Render it, and stop as soon as it grows too long."""
        budget.work(self.program.steps)
        texts: list[str] = []
        length = 0
        with _translated(self.tags):
            context = self.program.template.new_context({**variables, BUDGET: budget})
            for text in self.program.template.root_render_func(context):
                length += len(text)
                if length > MAX_TEXT:
                    raise too_much(f"this gives a text of more than {MAX_TEXT} characters")
                texts.append(text)
        return "".join(texts)


@lru_cache(maxsize=1024)
def compile_scalar(text: str) -> tuple[Part, ...]:
    """
    Cut and compile a scalar; what is wrong with it whatever the variables becomes `Broken` parts.

    Args:
        text: a scalar that `cut_at_names` has left.
    """
    source = with_line_feeds(text)
    try:
        with _translated(()):
            pieces = cut_at_tags(_LANGUAGE, source)
    except Refused as err:
        return (Broken(err.offset, err.mistake),)
    tags = tuple(piece for piece in pieces if isinstance(piece, Tag))
    if any(tag.kind == "statement" or tag.strips for tag in tags):
        return _statements(source, tags)
    parts: list[Part] = []
    for piece in pieces:
        if isinstance(piece, str):
            parts.append(piece)
        elif PLACEHOLDER.fullmatch(piece.text):
            parts.append(piece.text)
        elif piece.kind != "comment":
            try:
                parts.append(Expression(piece, _expression(piece.text)))
            except Refused as err:
                parts.append(Broken(piece.offset, err.mistake))
    return tuple(parts)


@lru_cache(maxsize=1024)
def _expression(text: str) -> _Program:
    with _translated((Tag("expression", text, 0, 1, strips=False),)):
        output = _LANGUAGE.parse(text).body[0]
        for mistake in mistakes_in(output):
            raise Refused(mistake)
        (value,) = output.iter_child_nodes()
        assign = nodes.Assign(nodes.Name(_RESULT, "store", lineno=1), value, lineno=1)
        return _program(nodes.Template([assign], lineno=1))


def _statements(source: str, tags: tuple[Tag, ...]) -> tuple[Part, ...]:
    # Each placeholder of MsgFlash becomes an expression that gives its own text; it holds no quote or backslash.
    pieces: list[str] = []
    end = 0
    for tag in tags:
        if PLACEHOLDER.fullmatch(tag.text):
            pieces += (source[end : tag.offset], f'{{{{ "{tag.text}" }}}}')
            end = tag.offset + len(tag.text)
    try:
        with _translated(tags):
            tree = _LANGUAGE.parse("".join((*pieces, source[end:])))
            pointed = dict.fromkeys(point_at(mistake, tags) for mistake in mistakes_in(tree))
            return tuple(Broken(offset, mistake) for mistake, offset in pointed) or (Statements(tags, _program(tree)),)
    except Refused as err:
        return (Broken(err.offset, err.mistake),)


def _program(tree: nodes.Template) -> _Program:
    steps = count(tree) * _STEPS_PER_NODE
    tree = bounded(tree)
    tree.set_environment(_LANGUAGE)
    return _Program(_LANGUAGE.from_string(tree), steps)


@contextmanager
def _translated(tags: tuple[Tag, ...]) -> Iterator[None]:
    """Turn whatever jinja2 and Python say about a template into what is wrong with it, and at which of its tags."""
    try:
        yield
    except Refused as err:
        if err.offset is not None:
            raise
        raise Refused(*point_at(err.mistake, tags)) from None
    except TemplateSyntaxError as err:
        mistake = Mistake(Code.TEMPLATE_SYNTAX, f"not a valid template: {_plain_words(err.message)}", line=err.lineno)
        raise Refused(*point_at(mistake, tags)) from None
    except (RecursionError, MemoryError, SyntaxError):  # the last: generated code too deep for Python
        raise too_much("this template is nested too deeply") from None
    except _UNWORKABLE as err:
        message = f"this cannot be worked out with these values: {_plain_words(str(err))}"
        raise Refused(Mistake(Code.UNPRINTABLE, message, "check the kinds of the values")) from None


def _plain_words(message: str | None) -> str:
    """The first sentence of a library's message, ready to come after a colon."""
    sentence = (message or "unknown").partition(". ")[0].rstrip(".")
    return sentence[:1].lower() + sentence[1:]
