"""
YAML 1.2's core schema: what an unquoted scalar means.

`NO`, `on`, `12:30`, `1_000` and `2026-11-27` are texts here, `010` is ten: what YAML 1.1 made of them has cost many a
configuration its meaning. Source: YAML 1.2.2, chapter 10.3.2.
"""

import math
import re

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER_STARTS = frozenset("0123456789+-.")
BEGINS_OTHER_THAN_TEXT = frozenset(word[:1] for word in _WORDS) | _NUMBER_STARTS
"""First characters, and the nothing of an empty scalar, without which a plain scalar is a text as it stands."""

_INTEGER = re.compile(r"[-+]?[0-9]+")
_BASED_INTEGER = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = frozenset(
    {sign + word for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")} | {".nan", ".NaN", ".NAN"},
)
_MAX_DIGITS = 1000

Scalar = str | int | float | bool | None


class NotJson(ValueError):
    """A number that YAML can write and JSON can not carry."""


def resolve(text: str) -> Scalar:
    """
    Say what a plain scalar means.

    Raises:
        NotJson: infinity, not-a-number, or a number too large to carry; the message names it.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    if _INTEGER.fullmatch(text):
        return _integer(text, 10)
    if _FLOAT.fullmatch(text):
        return _finite(text)
    if _BASED_INTEGER.fullmatch(text):
        return _integer(text, 0)
    if text in _NOT_FINITE:
        raise NotJson(f"`{text}` is not a number that MsgFlash can be sent")
    return text


def _integer(text: str, base: int) -> int:
    if len(text) > _MAX_DIGITS:
        raise NotJson(f"a number of {len(text)} digits is too long")
    return int(text, base)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NotJson(f"the number `{text[:40]}` is too large")
    return number
