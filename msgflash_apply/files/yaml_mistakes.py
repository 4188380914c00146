"""
What is wrong with a file that is not YAML, in plain words.

libyaml speaks of tokens and simple keys, and gives up some way behind what a person got wrong: most often a text that
needs quotes because of its first character, or a space that is none. `explain` looks at the line for what its writer
meant, and only then at the words of the library. A hint quotes the text of the file, whole and unchanged.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from msgflash_apply.files.yaml_events import Mark, YamlSyntaxError, bad_yaml, place_of
from msgflash_apply.findings import Place, Refused, in_quotes
from msgflash_apply.invisible import named


class _Rule(NamedTuple):
    pattern: str
    message: str
    hint: str | None
    at_start: bool = False  # the place is where the construct began, not where the parser gave up


_INDENT_HINT = "check the indentation of this line, and the quotes and brackets of the lines above"

_STAR_HINT = "put the text in quotes: a text cannot begin with `*` or `&` without them"

_NO_VALUE = "flow node|node content"

_BLOCK_ENDED = "expected key|'-' indicator|block end"

_RULES = (
    _Rule(r"(end of stream|document (indicator|separator)).*quoted scalar", "this quote is never closed",
          "add the closing quote; a text that holds a quote itself is put in quotes of the other kind", at_start=True),
    _Rule(r"mapping values are not allowed|unexpected ':'", "a `:` is where none is expected",
          "put a text that holds `: ` in quotes; if this is a field, check its indentation"),
    _Rule(r"could not find expected ':'", "this line is neither a field nor part of a text",
          "write `name: value`, or indent the line under the text that it belongs to", at_start=True),
    _Rule(r"unknown escape|escape code|hexa?decimal", "this escape does not exist",
          "write `\\\\` for a backslash, or use single quotes"),
    _Rule(r"(alphabetic or numeric|expected alphanumeric).*(alias|anchor)", "`*` and `&` have a meaning in YAML",
          _STAR_HINT, at_start=True),
    _Rule(_NO_VALUE, "a value is missing before this", "remove the comma, or write the value"),
    _Rule(r"flow sequence", "this `[` is never closed, or a comma is missing",
          "close it with `]`; if it is a text, put all of it in quotes", at_start=True),
    _Rule(r"flow mapping", "this `{` is never closed, or a comma is missing",
          "close it with `}`; if it is a text, put all of it in quotes", at_start=True),
    _Rule(r"block scalar", "there is text on the line of a `|` or `>`", "begin the text on the next line, indented"),
    _Rule(r"\btag\b|directive|incompatible|document start",
          "this begins something that is not allowed here", "remove directives (`%..`) and tags (`!..`)"),
    _Rule(r"sequence entries are not allowed", "a list item is where none is expected",
          "put the `-` on a line of its own, indented under its field"),
    _Rule(r"mapping keys are not allowed", "a `?` is where none is expected",
          "put a text that begins with `? ` in quotes"),
    _Rule(_BLOCK_ENDED, "this line does not fit the lines above it", _INDENT_HINT),
)  # fmt: skip

_LOOKED_AT = 1_000
"""Characters of a line: a line may be a whole file, and what is searched for is near its beginning."""

_KEY = r"""(?:"[^"]*"|'[^']*'|[^\s:#'"\[{][^:#]*?)"""

_BEFORE_VALUE = rf"^ *(?:- +)*(?P<key>{_KEY} *: +)?"

_VALUE = re.compile(_BEFORE_VALUE + r"(?P<text>\S.*)$")
"""What may be a value, with all that is behind it on its line, and its key."""

_VALUE_BEHIND_ANCHOR = re.compile(_BEFORE_VALUE + r"(?:&[\w-]+ +)?(?P<text>\S.*)$")

_UNQUOTED_TEMPLATE = re.compile(r"(?:^|[:\-\[,]\s+|^\s*)(?P<text>\{[{%#].*)$")

_QUOTED = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^']|'')*'""")

_COMMENT = re.compile(r"\s+#(?:\s.*)?$")
"""A comment as people write one; `#sale` is meant as part of a text, whatever YAML makes of it."""

_INVISIBLE = "\u00a0\u00ad\u1680\u2000-\u200f\u202f\u205f-\u2064\u3000"
"""Spaces and marks that look like an ordinary space or like nothing, and are a part of texts for YAML."""

_INVISIBLE_HERE = re.compile(f"[{_INVISIBLE}]")

_INVISIBLE_IN_LINE = re.compile(rf"^ *(?:- +)*(?:-|.*?[{{,] *{_KEY}:|{_KEY}:)?(?P<found>[{_INVISIBLE}])")

_INVISIBLE_IN_KEY = re.compile(rf"^[{_INVISIBLE}]|(?<=:)[{_INVISIBLE}]|[{_INVISIBLE}]$")

_COLON = re.compile(r"^ *(?:- +)*[A-Za-z_]+(?P<found>\uff1a|:(?=[^\s/:])(?!.*: ))")
"""The colon behind a name that is not YAML's, or has no space behind it."""


ESCAPED_PAIR = re.compile(
    r"(?<!\\)(?P<before>(?:\\\\)*)(?P<pair>\\u(?P<high>[dD][89abAB][0-9a-fA-F]{2})\\u(?P<low>[dD][c-fC-F][0-9a-fA-F]{2}))"
)
"""An emoji as JSON escapes it: two halves of a character, which are nothing in YAML."""


def character_of(pair: re.Match[str]) -> str:
    """The character of an `ESCAPED_PAIR`."""
    high, low = int(pair["high"], 16) - 0xD800, int(pair["low"], 16) - 0xDC00
    return chr(0x10000 + (high << 10) + low)


def explain(err: YamlSyntaxError, text: str) -> Refused:
    """Put a library's complaint about `text` into words that name what is seen there."""
    lines = text.split("\n")  # an empty one after the last line break
    words = f"{err.problem or ''} {err.context or ''}"
    at = _inside(lines, err.problem_mark or err.context_mark)
    began = _inside(lines, err.context_mark) if err.context_mark else at
    line = lines[at.line - 1]
    if odd := _odd_space(line, at, words) or _odd_character(lines, began.line if "simple key" in words else at.line):
        return odd
    if "escape" in words and (pair := ESCAPED_PAIR.search(line[:_LOOKED_AT])):
        message, hint = (
            f"`{pair['pair']}` is JSON's escape of {character_of(pair)}",
            f"write {character_of(pair)} itself",
        )
        return bad_yaml(message, hint, Place(at.line, pair.start("pair") + 1))
    if (template := _UNQUOTED_TEMPLATE.search(line)) and template.start("text") < at.column:
        return unquoted_template(template["text"], Place(at.line, template.start("text") + 1))
    if meant := _meant_as_text(lines, at, words):
        return meant
    # A key without its space is taken for a text that goes on in the next line.
    if "mapping values" in words and at.line > 1 and (odd := _odd_character(lines, at.line - 1)):
        return odd
    if re.search(_BLOCK_ENDED, words) and line[: at.column - 1].rstrip().endswith(('"', "'")):
        hint = "check the quotes of the lines above; a text that holds a quote is put in quotes of the other kind"
        return bad_yaml("there is text behind the closing quote of a text that began above", hint, at)
    if re.search(_NO_VALUE, words) and not "".join([line[at.column - 1 :], *lines[at.line :]]).strip():
        # The file ends right behind a bracket or a comma: no value is missing.
        last = max(number for number, line in enumerate(lines[: at.line], start=1) if line.strip())
        end = Place(last, len(lines[last - 1].rstrip()))
        return bad_yaml("a `[` or a `{` is never closed", "close it with `]` or `}`", end)
    for rule in _RULES:
        if re.search(rule.pattern, words):
            return bad_yaml(rule.message, rule.hint, began if rule.at_start else at)
    return bad_yaml(f"this is not valid YAML: {err.problem}", None, at)


def _inside(lines: Sequence[str], mark: Mark | None) -> Place:
    """Without a line break at its end, a file ends in its last line, not at the beginning of one that is not there."""
    if mark is None:
        return Place(1, 1)
    return place_of(mark) if mark.line < len(lines) else Place(len(lines), len(lines[-1]) + 1)


def _odd_space(line: str, at: Place, words: str) -> Refused | None:
    """A tab or an invisible character that YAML does not take where it is."""
    indent = line[: len(line) - len(line.lstrip(" -\t"))]
    if "\t" in indent and (at.column <= len(indent) + 1 or "mapping values" in words):
        return bad_yaml("a tab is used for indentation", "indent with spaces", Place(at.line, indent.index("\t") + 1))
    return invisible(line[at.column - 1], at) if _INVISIBLE_HERE.match(line, at.column - 1) else None


def _odd_character(lines: Sequence[str], number: int) -> Refused | None:
    """What looks like indentation, like the space behind a key or a dash, or like a colon, and is none."""
    line = lines[number - 1][:_LOOKED_AT]
    if found := _INVISIBLE_IN_LINE.match(line):
        return invisible(found["found"], Place(number, found.start("found") + 1))
    if found := _COLON.match(line):
        message = "there is no space behind the `:`" if found["found"] == ":" else "`\uff1a` is a full-width colon"
        return bad_yaml(message, "write `:` and a space", Place(number, found.start("found") + 1))
    return None


def invisible_in(key: str) -> int | None:
    """Where an unquoted key holds a character that its writer took for a space around it."""
    found = _INVISIBLE_IN_KEY.search(key)
    return found.start() if found else None


def invisible(character: str, at: Place) -> Refused:
    """A character that is not seen, where YAML has a use for an ordinary space or for nothing."""
    hint = "type an ordinary space in its place; if it is part of a text, put the text in quotes"
    return bad_yaml(f"here is an invisible character, {named(character)}", hint, at)


def invisible_key(character: str, at: Place) -> Refused:
    """A name that reads as another one, or as none."""
    return bad_yaml(f"this name holds {named(character)}, which cannot be seen", "write the name without it", at)


def _meant_as_text(lines: Sequence[str], at: Place, words: str) -> Refused | None:
    """A text that YAML takes for something else, for how it begins or for what is in it."""
    line, column = lines[at.line - 1], at.column - 1
    found = (_VALUE if "anchor" in words else _VALUE_BEHIND_ANCHOR).match(line[:_LOOKED_AT])
    start = found.start("text") if found else len(line)
    if "cannot start any token" in words and column != start:
        text = re.split(r":(?= |$)", text_in(line[column:]), maxsplit=1)[0]
        return bad_yaml(f"a text cannot begin with `{text[:1]}`", quote_hint(text), at)
    if found is None or start > column:
        return None
    text = found["text"]
    first, begin, is_in_flow = text[0], Place(at.line, start + 1), "flow" in words
    hint = _how_to_quote(text, lines, at.line)
    if "cannot start any token" in words or (first in ",]}" and column == start and not is_in_flow):
        return bad_yaml(f"a text cannot begin with `{first}`", hint, begin)
    end = _end_of(text)
    behind = text[end:].strip() if column >= start + end > start and not is_in_flow else ""
    if behind in {",", ";"}:
        return bad_yaml(f"there is a `{behind}` behind the closing `{text[end - 1]}`", "remove it", at)
    if _begins_something(text, words, is_field=found["key"] is not None, has_more=behind != ""):
        return bad_yaml(f"`{first}` at the start of a text has a meaning in YAML", hint, begin)
    if behind:
        return bad_yaml(f"there is text behind the closing `{first}`", hint, at)
    if is_in_flow or _goes_on(lines, at.line):
        return None
    if first in ">|" and "block scalar" in words:
        message = "there is text on the line of a `|` or `>`"
        return bad_yaml(message, f"{hint}, or begin the text on the next line, indented", at)
    if found["key"] and "mapping values" in words:
        return bad_yaml("a `:` is where none is expected", f"{hint}; if this is a field, check its indentation", at)
    return None


def _begins_something(text: str, words: str, *, is_field: bool, has_more: bool) -> bool:
    """Whether YAML takes a text for an alias, tag, anchor, list or key, or its brackets for all of it."""
    first = text[0]
    return (
        first in "*!"
        or (first == "&" and "anchor" in words)
        or (first in "-?:" and is_field and text[1:2] in {"", " "})
        or (first in "[{" and has_more)
    )


def _end_of(text: str) -> int:
    """Where the quotes or brackets close that a text begins with; 0 where it begins with none, or none is closed."""
    if quoted := _QUOTED.match(text):
        return quoted.end()
    depth = 0
    for index, character in enumerate(text if text[0] in "[{" else "", start=1):
        depth += (character in "[{") - (character in "]}")
        if depth == 0:
            return index
    return 0


def _goes_on(lines: Sequence[str], number: int) -> bool:
    """Whether the text of a line goes on in the next one, which is further in."""
    line, following = lines[number - 1], lines[number] if number < len(lines) else ""
    return len(following) - len(following.lstrip(" ")) > len(line) - len(line.lstrip(" ")) and following.strip() != ""


def _how_to_quote(text: str, lines: Sequence[str], number: int) -> str:
    """A hint: the text of a line as it is written in quotes, without what is a comment."""
    if _goes_on(lines, number):
        if text[0] == "-" and lines[number].lstrip().startswith("-"):
            return "begin the list on the next line, each item behind a `-` of its own"
        return "write `|` in place of the text, and all of it on the lines below, indented"
    end, quote = _end_of(text), text[0]
    text = text[:end] + _COMMENT.sub("", text[end:])
    if not _quotes_were_around(text):
        hint = quote_hint(text)
        return f"{hint}; a list begins on the next line, each item on a line of its own" if quote == "-" else hint
    inner = text[1:].removesuffix(quote)
    if quote == '"' and "\\" in inner:
        return 'quote it: "' + re.sub(r'(?<!\\)"', r"\"", inner) + '"'
    return quote_hint(inner.replace("''", "'") if quote == "'" else inner)


def _quotes_were_around(text: str) -> bool:
    """
    Whether the quote that begins a text was meant to go around all of it, and one inside ended it too soon.

    So it was in `'L'été arrive'` and `"He said "hi""`, but not in `"Hello" dear` and `"Hello" dear "you"`.
    """
    quote, second = text[0], text.find(text[0], 1)
    if quote not in {'"', "'"} or second < 0:
        return False
    before, behind = text[second - 1], text[second + 1 : second + 2]
    if text.endswith(quote):
        return text.count(quote) % 2 == 1 or before == " " or behind.isalnum()
    return quote == "'" and before.isalnum() and behind.isalnum()


def unquoted_template(rest: str, at: Place) -> Refused:
    """A value that begins with `{{` or `{%` without quotes; `rest` is its line from there on."""
    tag = rest[: end + 2] if (end := rest.find("}}")) >= 0 else rest
    after = rest[len(tag) :].strip()
    whole = tag if not after or after[0] in ",]}#" else rest
    return bad_yaml(f"`{rest[:2]}` without quotes is not a text in YAML", quote_hint(whole), at)


def text_in(rest: str) -> str:
    """What of a line's rest is one text: without a comment; inside brackets it ends at a comma or where they close."""
    rest = _COMMENT.sub("", rest[:_LOOKED_AT])
    opened, closed = (sum(map(rest.count, marks)) for marks in ("[{", "]}"))
    return re.split(r"[,\]}]", rest, maxsplit=1)[0] if closed > opened else rest


_QUOTED_IN_HINTS = 200
"""Characters of a text that a hint repeats; a longer one would hide what the hint says."""


def quote_hint(text: str) -> str:
    """How to write a text that YAML does not take without quotes."""
    text = text.rstrip()
    quoted = in_quotes(text)
    if len(text) <= _QUOTED_IN_HINTS:
        return f"quote it: {quoted}"
    return "put all of it in " + ("single quotes, and double every `'` in it" if quoted[0] == "'" else "double quotes")
