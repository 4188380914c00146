"""
Templates in scalars: `custom.*` and `each.*` are rendered here, placeholders of MsgFlash pass through untouched.

In template files the former are `local.*`, and `custom.*` is one of the latter: `Language` says which are whose. Cheap
first: a text without `{` is returned as it is, one with nothing but `{{ dotted.names }}` is cut into parts by a
regular expression, and only the rest goes to jinja2: each `{{ .. }}` on its own, or the whole scalar where there are
statements. Expressions one by one keep their types and report all their mistakes, each at its tag. Contract section 3.
Read `Renderer` first; what templates can say is in `template_language.py`.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache
from itertools import islice
from typing import Literal, TypeAlias, cast

from jinja2 import Template, TemplateError, TemplateSyntaxError, nodes

from msgflash_apply.files.template_language import (
    CAMPAIGNS,
    BadTemplate,
    Language,
    look_up,
    mistakes_in,
    too_long,
    too_much,
    undefined,
)
from msgflash_apply.findings import Code, Finding, Refused, ValuePath
from msgflash_apply.limits import MAX_FINDINGS, MAX_TEXT
from msgflash_apply.template import KNOWN_PLACEHOLDERS

_MAX_MESSAGE = 300


class Renderer:
    """
    Renders the scalars of one campaign or template.

    Args:
        custom: its variables, by precedence already merged.
        each: `key` and `value` of its entry in `for_each`; None where there is none.
        language: of its kind of file.
    """

    __slots__ = ("_language", "_problems", "_variables")

    def __init__(
        self,
        custom: Mapping[str, object],
        each: Mapping[str, object] | None = None,
        language: Language = CAMPAIGNS,
    ) -> None:
        self._language = language
        self._variables: dict[str, object] = {language.own: custom}
        if each is not None:
            self._variables["each"] = each
        self._problems: list[Finding] = []

    def render(self, value: object, path: ValuePath = ()) -> tuple[object, tuple[Finding, ...]]:
        """
        Render every text in a value; keys are left alone.

        A text that is exactly one expression becomes what the expression gives: a list, a number, true, null. Inside a
        longer text only texts and numbers can be printed; true, false, null, lists and maps are problems there. Line
        breaks of a text with expressions become line feeds.

        Args:
            value: plain maps, lists and scalars; never changed.
            path: of the value in its document, with which the problems' paths begin.

        Returns:
            The rendered value, which shares what needed no rendering with the given one, and is that very object when
            no text in it holds a `{`; and the problems, in order. A scalar with a problem is left as it was.
        """
        self._problems = []
        rendered = self._tree(value, path)
        return rendered, tuple(self._problems)

    def _tree(self, value: object, path: ValuePath) -> object:
        if isinstance(value, str):
            return self._scalar(value, path) if "{" in value else value
        if not isinstance(value, (dict, list)):
            return value
        steps: Iterable[tuple[str | int, object]] = value.items() if isinstance(value, dict) else enumerate(value)
        rendered = value
        for step, old in steps:
            if type(old) is str and "{" not in old:  # most are
                continue
            if (new := self._tree(old, (*path, step))) is not old:
                rendered = value.copy() if rendered is value else rendered
                cast("dict[str | int, object]", rendered)[step] = new  # or the list
        return rendered

    def _scalar(self, text: str, path: ValuePath) -> object:
        if len(self._problems) >= MAX_FINDINGS:
            return text
        problems_before = len(self._problems)
        rendered: object = text
        try:
            if (parts := _cut_at_names(text, self._language)) is None:
                parts = _compile(text, self._language)
            if len(parts) == 1:
                rendered = self._evaluated(parts[0], path, is_whole=True)
            else:
                pieces: list[str] = []
                length = 0
                for part in parts:
                    pieces.append(cast("str", self._evaluated(part, path, is_whole=False)))
                    length += len(pieces[-1])
                    if length > MAX_TEXT:
                        raise too_long()
                rendered = "".join(pieces)
                self._language.check_rendered(rendered)
        except Refused as err:
            self._report(path, err.finding)
        return rendered if len(self._problems) == problems_before else text

    def _evaluated(self, part: "Part", path: ValuePath, *, is_whole: bool) -> object:
        """The value of a part that is all of its scalar, of any type; otherwise the text that it gives."""
        if isinstance(part, str):
            return part
        if isinstance(part, Finding):
            self._report(path, part)
            return ""
        try:
            return part.evaluate(self._variables, self._language.plain if is_whole else self._language.printed)
        except Refused as err:
            found = err.finding
            self._report(path, replace(found, offset=part.offset) if found.offset is None else found)
        return ""

    def _report(self, path: ValuePath, found: Finding) -> None:
        message = found.message
        if len(message) > _MAX_MESSAGE:  # it may quote a name of any length
            message = message[: _MAX_MESSAGE - 1] + "…"
        self._problems.append(replace(found, path=path, message=message))


# Parts of a scalar


Give: TypeAlias = Callable[[object], object]
"""Makes of a value what its scalar becomes: the value itself, or a text."""


@dataclass(frozen=True, slots=True)
class DottedName:
    """`{{ custom.shop.city }}`: by far the most usual expression, looked up without jinja2."""

    offset: int
    name: str

    def evaluate(self, variables: Mapping[str, object], give: Give) -> object:
        """Walk down the maps, one name after the other."""
        value: object = variables
        walked = ""
        for step in self.name.split("."):
            walked = f"{walked}.{step}" if walked else step
            try:
                value = look_up(value, step)
            except KeyError:
                raise undefined(value, step, walked) from None
        return give(value)


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


@dataclass(frozen=True, slots=True)
class Expression:
    """One `{{ .. }}`; gives a value of any type."""

    tag: Tag
    template: Template
    language: Language

    @property
    def offset(self) -> int:
        """Of its first brace in the scalar."""
        return self.tag.offset

    def evaluate(self, variables: Mapping[str, object], give: Give) -> object:
        """Work it out; what is undefined is Refused."""
        with _translated(self.language, (self.tag,)):
            context = self.template.new_context(dict(variables))
            list(self.template.root_render_func(context))  # writes nothing, sets the result
            return give(context.vars[_RESULT])


@dataclass(frozen=True, slots=True)
class Statements:
    """A whole scalar with `{% .. %}`, or with tags that strip whitespace; gives a text."""

    tags: tuple[Tag, ...]
    template: Template
    language: Language
    offset: None = None

    def evaluate(self, variables: Mapping[str, object], give: Give) -> object:
        """Render it, and stop as soon as it grows too long."""
        texts: list[str] = []
        length = 0
        with _translated(self.language, self.tags):
            context = self.template.new_context(dict(variables))
            for text in self.template.root_render_func(context):
                length += len(text)
                if length > MAX_TEXT:
                    raise too_long()
                texts.append(text)
        return give("".join(texts))


Part: TypeAlias = "str | Finding | DottedName | Expression | Statements"
"""A text to copy, what is wrong with a tag whatever the variables, or what is worked out for each campaign."""


def _cut_at_names(text: str, language: Language) -> tuple[Part, ...] | None:
    """
    Cut a text at its dotted names; placeholders of MsgFlash stay in the text.

    Returns:
        The parts; the text itself as the only one when nothing in it is ours; None when it needs jinja2.
    """
    tags = list(language.tag.finditer(text))
    if len(tags) != text.count("{{") or "{%" in text or "{#" in text:
        return None
    parts: list[Part] = []
    kept = 0
    for tag in tags:
        if tag["ours"]:
            parts += (_with_line_feeds(text[kept : tag.start()]), DottedName(tag.start(), tag["ours"]))
            kept = tag.end()
    return tuple(part for part in (*parts, _with_line_feeds(text[kept:])) if part != "") if parts else (text,)


def _with_line_feeds(text: str) -> str:
    """Line breaks as jinja2 gives them back."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


_RESULT = "result"


@lru_cache(maxsize=1024)
def _compile(text: str, language: Language) -> tuple[Part, ...]:
    """Cut and compile a scalar that `_cut_at_names` has left."""
    source = _with_line_feeds(text)
    try:
        with _translated(language, (), source):
            pieces = tuple(_cut_at_tags(source, language))
    except Refused as err:
        others = _broken_tags(source, language) if err.finding.code is Code.TEMPLATE_SYNTAX else ()
        return others or (err.finding,)
    tags = tuple(piece for piece in pieces if isinstance(piece, Tag))
    if any(tag.kind == "statement" or tag.strips for tag in tags):
        return _statements(source, tags, language)
    parts: list[Part] = []
    for piece in pieces:
        if isinstance(piece, str):
            parts.append(piece)
        elif language.placeholder.fullmatch(piece.text):
            parts.append(piece.text)
        elif piece.kind != "comment":
            try:
                parts.append(Expression(piece, _expression(piece.text, language), language))
            except Refused as err:
                parts.append(replace(err.finding, offset=piece.offset))
    return tuple(parts)


def _broken_tags(source: str, language: Language) -> tuple[Finding, ...]:
    """Everything that is wrong with a source that cannot be cut as a whole: each of its expressions alone."""
    found: list[Finding] = []
    end = 0
    while (start := source.find("{{", end)) >= 0 and (close := source.find("}}", start)) >= 0:
        end = close + 2
        try:
            with _translated(language, (), source[start:end]):
                tuple(_cut_at_tags(source[start:end], language))
        except Refused as err:
            found.append(replace(err.finding, offset=start))
        if len(found) >= MAX_FINDINGS:
            break
    return tuple(found)


_KINDS: dict[str, Literal["expression", "statement", "comment"]] = {
    "variable_begin": "expression",
    "block_begin": "statement",
    "comment_begin": "comment",
}

_ENDS = frozenset({"variable_end", "block_end", "comment_end"})


def _cut_at_tags(source: str, language: Language) -> Iterator[str | Tag]:
    """
    Cut a source, with line feeds alone as line breaks, into texts and tags.

    Raises:
        BadTemplate: a tag is never closed, or `raw` is used, which could write what must not be written.
        TemplateSyntaxError: what the lexer does not know.
    """
    at = 0
    tokens = language.lex(source)
    for line, kind, begin in tokens:
        if kind == "data":
            yield begin
            at += len(begin)
            continue
        at = source.index(begin, at)  # whitespace before `{{-` is in no token
        if kind not in _KINDS:
            message = "`{% raw %}` is not allowed"
            hint = "placeholders of MsgFlash pass through without it"
            raise BadTemplate(Code.TEMPLATE_FORBIDDEN, message, hint, offset=at)
        text = begin
        for _, name, value in tokens:
            text += value
            if name in _ENDS:
                yield Tag(_KINDS[kind], text, at, line, begin[-1] in "-+" or value[0] in "-+")
                break
        else:
            hint = "close it with `}}`, `%}` or `#}`"
            raise BadTemplate(Code.TEMPLATE_SYNTAX, f"`{begin}` is never closed", hint, offset=at)
        at += len(text)


@lru_cache(maxsize=1024)
def _expression(text: str, language: Language) -> Template:
    with _translated(language, (Tag("expression", text, 0, 1, strips=False),)):
        if (bad := _bad_placeholder(text, language)) is not None:
            raise bad
        output = language.parse(text).body[0]
        for mistake in mistakes_in(output, language):
            raise mistake
        (value,) = output.iter_child_nodes()
        assign = nodes.Assign(nodes.Name(_RESULT, "store", lineno=1), value, lineno=1)
        return language.from_string(language.prepared(nodes.Template([assign], lineno=1)))


def _statements(source: str, tags: tuple[Tag, ...], language: Language) -> tuple[Part, ...]:
    bad = [replace(one.finding, offset=tag.offset) for tag in tags if (one := _bad_placeholder(tag.text, language))]
    if bad:
        return tuple(bad)
    # Each placeholder of MsgFlash becomes an expression that gives its own text; it holds no quote or backslash.
    pieces: list[str] = []
    end = 0
    for tag in tags:
        if language.placeholder.fullmatch(tag.text):
            pieces += (source[end : tag.offset], f'{{{{ "{tag.text}" }}}}')
            end = tag.offset + len(tag.text)
    try:
        with _translated(language, tags):
            tree = language.parse("".join((*pieces, source[end:])))
            mistakes = islice(mistakes_in(tree, language), MAX_FINDINGS)
            found = dict.fromkeys(_pointed(mistake, tags) for mistake in mistakes)
            return tuple(found) or (Statements(tags, language.from_string(language.prepared(tree)), language),)
    except Refused as err:
        return (err.finding,)


# What is wrong, and where


# What filters raise at values of a kind that they do not take; jinja2's own check some with `assert`.
_UNWORKABLE = (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, AssertionError)

_NAMES_BEFORE = re.compile(r"(?:\w+\s*\.\s*)+$")

_NEARBY = 200

_UNEXPECTED = re.compile(r"(?P<what>unexpected char .*) at (?P<offset>\d+)", re.DOTALL)


@contextmanager
def _translated(language: Language, tags: tuple[Tag, ...], source: str = "") -> Iterator[None]:
    """Turn whatever jinja2 and Python say about a template into what is wrong with it, and at which of its tags."""
    try:
        yield
    except BadTemplate as err:
        raise Refused(_pointed(err, tags)) from None
    except TemplateSyntaxError as err:
        raise Refused(_pointed(_syntax_error(err, tags, source, language), tags)) from None
    except (RecursionError, SyntaxError):  # the last: generated code too deep for Python
        raise Refused(too_much("this template is nested too deeply").finding) from None
    except MemoryError:
        raise Refused(too_much("this takes more memory than a template may use").finding) from None
    except _UNWORKABLE as err:
        message = f"this cannot be worked out with these values: {_plain_words(str(err))}"
        raise Refused(Finding(Code.UNPRINTABLE, (), message, "check the kinds of the values")) from None


def _pointed(bad: BadTemplate, tags: Iterable[Tag]) -> Finding:
    """Find the tag that a mistake is about: by its name, else by its line; with the name as it is written there."""
    found, by_line = bad.finding, None
    if found.offset is not None:
        return found
    word = None if bad.name is None else re.compile(rf"(?<!\w){re.escape(bad.name)}(?!\w)")
    for tag in tags:
        if word is not None and tag.kind != "comment" and (at := word.search(tag.text)):
            nearby = tag.text[max(0, at.start() - _NEARBY) : at.start()]  # bounded: the search is quadratic in it
            before = _NAMES_BEFORE.search(nearby)
            dotted = re.sub(r"\s+", "", before.group() if before is not None else "") + at.group()
            hint = found.hint
            if found.code is Code.UNKNOWN_NAMESPACE and re.search(r"(?:custom|local|each)[\w.]*-$", nearby):
                hint = "names of variables are letters, digits and `_`: a `-` subtracts"
            message = found.message.replace(f"`{bad.name}`", f"`{dotted}`", 1)
            return replace(found, message=message, hint=hint, offset=tag.offset)
        if by_line is None and tag.line == bad.line:
            by_line = tag.offset
    return replace(found, offset=by_line)


_HINTS = (
    (r"[\u201c-\u201f\u2018-\u201b\u00ab\u00bb]", "use straight quotes, ' or \""),
    (r"\{\{\{", "write two braces on each side: `{{ custom.name }}`"),
    (r"\{\{\s*(?:[#/^>&]|else\b)", "write a condition as `{% if custom.name %}..{% endif %}`"),
    (r"\|\|", "write `or`; for a default, `{{ custom.name | default('..') }}`"),
    (r"&&", "write `and`"),
    (r"\?", "write a choice as `{{ 'a' if custom.name else 'b' }}`"),
    (r"[=!]==", "write `==` or `!=`"),
    (r"![^=]", "write `not`"),
    (r"\$", "a name has no `$`: `{{ custom.name }}`"),
    (r"[A-Za-z_]\w*\.[\w.]*[^\W\d]\w*[ \t]+(?!if\b|else\b|or\b|and\b|in\b|is\b|not\b)\w",
     "a name has no blanks: letters, digits and `_` only"),
    (r"\{\{[^{}]*\}(?!\})", "close it with two braces: `{{ custom.name }}`"),
    (r"\{%-?\s*(?:custom|local|each|contact|user|instance)\b", "print a value with `{{ custom.name }}`"),
    (r"\{\{\s*\}\}", "write a name between the braces, or delete them"),
    (r"\{%", "`if`, `elif`, `else`, `endif`, `for`, `endfor` and `set` are known"),
    ("", "write a name with filters, such as `{{ custom.name | upper }}`"),
)  # fmt: skip
"""By what is seen in a tag, most telling first: what its writer probably meant."""


def _syntax_error(err: TemplateSyntaxError, tags: Iterable[Tag], source: str, language: Language) -> BadTemplate:
    """Say what jinja2 cannot parse; `source` is given while it is still being cut."""
    words, offset, text = _plain_words(err.message), None, ""
    if source:
        at = int(unexpected["offset"]) if (unexpected := _UNEXPECTED.search(err.message or "")) else len(source)
        words = unexpected["what"] if unexpected else words
        offset = max(source.rfind(opening, 0, at + 1) for opening in ("{{", "{%", "{#"))
        if source[offset - 1 : offset] == "{" and offset > 0:
            offset -= 1
        text = source[offset : offset + _NEARBY].partition("}}")[0]
    else:
        text = next((tag.text for tag in tags if tag.line == err.lineno), "")
    hint = next(hint for pattern, hint in _HINTS if re.search(pattern, text[:_NEARBY]))
    message = f"not a valid template: {words}"
    hint = hint.replace("custom.name", f"{language.own}.name")
    return BadTemplate(Code.TEMPLATE_SYNTAX, message, hint, line=err.lineno, offset=offset)


_KEYWORD = re.compile(r"\s(?:if|else|or|and|in|is|not)\s")


def _bad_placeholder(tag: str, language: Language) -> BadTemplate | None:
    """Say what is wrong with a placeholder of MsgFlash that its parser would not take; None for everything else."""
    if language.placeholder.fullmatch(tag) or (nearly := language.nearly.fullmatch(tag)) is None:
        return None
    name = nearly["name"].strip()
    dotted = re.sub(r"\s*\.\s*", ".", re.sub(r"\s*\[\s*['\"]?([^'\"\]]*?)['\"]?\s*\]", r".\1", name))
    if _KEYWORD.search(name) or (dotted == name and re.fullmatch(r"[\w.]+", name, re.ASCII)):
        return None  # an expression; or only its whitespace control is wrong
    if language.placeholder.fullmatch(f"{{{{{dotted}}}}}"):
        what = "brackets" if "[" in name else "blanks"
        message = f"MsgFlash does not know {what} in `{name}`"
        return BadTemplate(Code.PASS_THROUGH_MISUSED, message, f"write `{{{{ {dotted} }}}}`")
    message = f"MsgFlash cannot know `{name}`: its names are letters a-z, digits and `_` only"
    root, _, rest = unicodedata.normalize("NFKD", dotted).partition(".")
    known = [one.removeprefix(f"{root}.") for one in KNOWN_PLACEHOLDERS if one.startswith(f"{root}.")]
    close = get_close_matches(re.sub(r"[^A-Za-z0-9.]", "", rest), known, n=1, cutoff=0.8)
    hint = "a field of your own contacts is `{{ contact.meta.name }}`"
    hint = "name the variable otherwise, here and in campaigns" if root == "custom" else hint
    hint = f"did you mean `{{{{ {root}.{close[0]} }}}}`?" if close else hint
    return BadTemplate(Code.PASS_THROUGH_MISUSED, message, hint)


def _plain_words(message: str | None) -> str:
    """The first sentence of a library's message, ready to come after a colon."""
    sentence = (message or "unknown").partition(". ")[0].rstrip(".")
    return sentence[:1].lower() + sentence[1:]
