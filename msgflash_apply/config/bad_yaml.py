"""
What is wrong with a YAML file, in plain words.

libyaml speaks of tokens and simple keys; `explain` turns that into what a person sees in the file, and what to write
instead. No YAML library is needed here: problems come in as text.
"""

import re
from dataclasses import dataclass, replace
from typing import NamedTuple


class BadYaml(Exception):
    """
    A file that is not YAML, or uses more of YAML than is allowed here.

    Attributes:
        message: what is wrong, without a full stop.
        hint: what to write instead; may be None.
        line: from 1.
        column: from 1, in characters.
    """

    def __init__(self, message: str, hint: str | None, line: int, column: int) -> None:
        super().__init__(f"{line}:{column}: {message}")
        self.message = message
        self.hint = hint
        self.line = line
        self.column = column


class Spot(NamedTuple):
    """A place as YAML libraries count it: line and column from 0, column in characters."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Problem:
    """A library's complaint: its words, where, and where the construct that it was reading began."""

    words: str
    context: str
    at: Spot
    began: Spot | None


class _Rule(NamedTuple):
    pattern: re.Pattern[str]
    message: str
    hint: str | None
    at_start: bool = False


def _rule(pattern: str, message: str, hint: str | None = None, *, at_start: bool = False) -> _Rule:
    return _Rule(re.compile(pattern), message, hint, at_start)


_INDENT_HINT = "check the indentation of this line, and the quotes and brackets of the lines above"
_STAR_HINT = "put the text in quotes: a text can not begin with `*` or `&` without them"
_NO_VALUE = re.compile(r"flow node|node content")
_RULES = (
    _rule(r"end of stream.*quoted scalar|document indicator.*quoted scalar", "this quote is never closed",
          "add the closing quote", at_start=True),
    _rule(r"mapping values are not allowed", "a `:` stands where none is expected",
          "put a text that holds `: ` in quotes; if this is a field, check its indentation"),
    _rule(r"could not find expected ':'", "this line is neither a field nor part of a text",
          "write `name: value`, or indent the line under the text that it belongs to", at_start=True),
    _rule(r"unknown escape|escape code|hexa?decimal", "this escape does not exist",
          "write `\\\\` for a backslash, or use single quotes"),
    _rule(r"(alphabetic or numeric|expected alphanumeric).*(alias|anchor)", "`*` and `&` have a meaning in YAML",
          _STAR_HINT, at_start=True),
    _rule(_NO_VALUE.pattern, "a value is missing before this", "remove the comma, or write the value"),
    _rule(r"flow sequence", "this `[` is never closed, or a comma is missing", "close it with `]`", at_start=True),
    _rule(r"flow mapping", "this `{` is never closed, or a comma is missing", "close it with `}`", at_start=True),
    _rule(r"block scalar", "text stands on the line of a `|` or `>`", "begin the text on the next line, indented"),
    _rule(r"undefined tag|scanning a tag|scanning a directive|directive|incompatible|document start",
          "this begins something that is not allowed here", "remove directives (`%..`) and tags (`!..`)"),
    _rule(r"sequence entries are not allowed", "a list item stands where none is expected",
          "put the `-` on a line of its own, indented under its field"),
    _rule(r"expected key|'-' indicator|block end", "this line does not fit the lines above it", _INDENT_HINT),
)  # fmt: skip

_UNQUOTED_TEMPLATE = re.compile(r"(?:^|[:\-\[,]\s+|^\s*)(?P<text>\{[{%#].*)$")
_STARRED = re.compile(r"(?:[:\-]\s+)(?P<text>[*&]\S.*)$")


def explain(problem: Problem, text: str) -> BadYaml:
    """Put a library's complaint about `text` into words that name what is seen there."""
    problem = replace(problem, at=_inside(text, problem.at), began=problem.began and _inside(text, problem.began))
    line = _line(text, problem.at)
    indent = line[: len(line) - len(line.lstrip())]
    if "\t" in indent and problem.at.column <= len(indent):
        return _bad("a tab is used for indentation", "indent with spaces", Spot(problem.at.line, indent.index("\t")))
    if (found := _UNQUOTED_TEMPLATE.search(line)) and found.start("text") <= problem.at.column:
        return unquoted_template(found["text"], Spot(problem.at.line, found.start("text")))
    if (found := _STARRED.search(line)) and found.start("text") <= problem.at.column:
        at = Spot(problem.at.line, found.start("text"))
        return _bad(f"`{found['text'][0]}` at the start of a text has a meaning in YAML", quote_hint(found["text"]), at)
    if "cannot start any token" in problem.words:
        rest = line[problem.at.column :]
        return _bad(f"a text can not begin with `{rest[:1]}`", quote_hint(rest), problem.at)
    if _NO_VALUE.search(f"{problem.words} {problem.context}") and (opened := _open_at_end(text, problem.at)):
        return opened
    return _by_rule(problem)


def _open_at_end(text: str, at: Spot) -> BadYaml | None:
    """A file that ends right behind a bracket or a comma: there is no value to be missed."""
    lines = _lines(text)
    if "".join([lines[at.line][at.column :], *lines[at.line + 1 :]]).strip():
        return None
    last = max(number for number, line in enumerate(lines[: at.line + 1]) if line.strip())
    end = Spot(last, len(lines[last].rstrip()) - 1)
    return _bad("a `[` or a `{` is never closed", "close it with `]` or `}`", end)


def _by_rule(problem: Problem) -> BadYaml:
    words = f"{problem.words} {problem.context}"
    for rule in _RULES:
        if rule.pattern.search(words):
            at = problem.began if rule.at_start and problem.began is not None else problem.at
            return _bad(rule.message, rule.hint, at)
    return _bad(f"this is not valid YAML: {problem.words}", None, problem.at)


def unquoted_template(rest: str, at: Spot) -> BadYaml:
    """A value that begins with `{{` or `{%` without quotes; `rest` is its line from there on."""
    tag = rest[: end + 2] if (end := rest.find("}}")) >= 0 else rest
    after = rest[len(tag) :].strip()
    whole = tag if not after or after[0] in ",]}#" else rest
    return _bad(f"`{rest[:2]}` without quotes is not a text in YAML", quote_hint(whole), at)


def quote_hint(text: str) -> str:
    """How to write a text that YAML does not take as it stands."""
    text = text.rstrip()
    if '"' in text or "\\" in text:
        return "quote it: '" + text.replace("'", "''") + "'"
    return f'quote it: "{text}"'


def _line(text: str, at: Spot) -> str:
    return _lines(text)[at.line]


def _lines(text: str) -> list[str]:
    """As an editor shows them: an empty one after the last line break."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _inside(text: str, at: Spot) -> Spot:
    """Where a file does not end in a line break, its end is not the beginning of a line that nobody sees."""
    lines = _lines(text)
    return at if at.line < len(lines) else Spot(len(lines) - 1, len(lines[-1]))


def _bad(message: str, hint: str | None, at: Spot) -> BadYaml:
    return BadYaml(message, hint, at.line + 1, at.column + 1)
