"""
A scalar with real expressions -> parts: each `{{ .. }}` on its own, or all of it where there are statements.

Expressions one by one keep their types and tell all their mistakes, each at its tag. Placeholders of MsgFlash are
copied from the source; anywhere but alone between plain braces they are a mistake. Compiled once per process.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

from jinja2 import Template, TemplateError, TemplateSyntaxError, nodes

from msgflash_apply.config.codes import Code
from msgflash_apply.config.template_check import bounded, count, mistakes_in
from msgflash_apply.config.template_errors import Mistake, Refused, too_much
from msgflash_apply.config.template_filters import BUDGET, defined
from msgflash_apply.config.template_language import Language
from msgflash_apply.config.template_parts import Broken, Part, with_line_feeds
from msgflash_apply.config.template_tags import Tag, cut_at_tags, point_at
from msgflash_apply.config.template_values import MAX_TEXT, PLACEHOLDER, Budget

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
    return tuple(_part(piece) for piece in pieces if isinstance(piece, str) or piece.kind != "comment")


def _part(piece: str | Tag) -> Part:
    if isinstance(piece, str):
        return piece
    if PLACEHOLDER.fullmatch(piece.text):
        return piece.text
    try:
        return Expression(piece, _expression(piece.text))
    except Refused as err:
        return Broken(piece.offset, err.mistake)


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
    try:
        with _translated(tags):
            tree = _LANGUAGE.parse(_with_literal_placeholders(source, tags))
            broken = dict.fromkeys(_broken(mistake, tags) for mistake in mistakes_in(tree))
            return tuple(broken) or (Statements(tags, _program(tree)),)
    except Refused as err:
        return (Broken(err.offset, err.mistake),)


def _with_literal_placeholders(source: str, tags: tuple[Tag, ...]) -> str:
    """Write each placeholder of MsgFlash as an expression that gives its own text; it holds no quote or backslash."""
    pieces: list[str] = []
    end = 0
    for tag in tags:
        if PLACEHOLDER.fullmatch(tag.text):
            pieces += (source[end : tag.offset], f'{{{{ "{tag.text}" }}}}')
            end = tag.offset + len(tag.text)
    return "".join((*pieces, source[end:]))


def _program(tree: nodes.Template) -> _Program:
    steps = count(tree) * _STEPS_PER_NODE
    tree = bounded(tree)
    tree.set_environment(_LANGUAGE)
    return _Program(_LANGUAGE.from_string(tree), steps)


def _broken(mistake: Mistake, tags: tuple[Tag, ...]) -> Broken:
    pointed, offset = point_at(mistake, tags)
    return Broken(offset, pointed)


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
        message = f"this can not be worked out with these values: {_plain_words(str(err))}"
        raise Refused(Mistake(Code.UNPRINTABLE, message, "check the kinds of the values")) from None


def _plain_words(message: str | None) -> str:
    """The first sentence of a library's message, ready to stand after a colon."""
    sentence = (message or "unknown").partition(". ")[0].rstrip(".")
    return sentence[:1].lower() + sentence[1:]
