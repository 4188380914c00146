"""Inputs that are small to send and large to read, each in a process with little memory and few seconds."""

import json
from collections.abc import Callable

import pytest

from msgflash_apply.limits import MAX_FILE_BYTES
from tests.fuzz.seeds import seeds
from tests.hostile.bounds import Broken, confined

MOST = MAX_FILE_BYTES - 100
GOOD = "name: a\nschedule: 2099-01-01T00:00:00Z\nrecipients: {type: all}\ntype: text\n"


def aliases(levels: int, width: int) -> str:
    """Write a list of lists of lists, each of them many times the one before it."""
    lines = ["a0: &a0 [x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * width)}]" for level in range(1, levels)]
    return "\n".join(lines)


def merges(levels: int) -> str:
    """Write maps that each take over twice the one before it."""
    lines = ["m0: &m0 {x: 1}"]
    lines += [f"m{level}: &m{level} {{<<: [*m{level - 1}, *m{level - 1}], k{level}: 1}}" for level in range(1, levels)]
    return "\n".join(lines)


def a_state_of(value: str) -> bytes:
    """Put a JSON text into the middle of a state."""
    return seeds()["sealed-state"][0].replace(b'"body": "Hello"', b'"body": ' + value.encode(), 1)


BOMBS: dict[str, tuple[str, Callable[[], str | bytes]]] = {
    "aliases": ("campaign", lambda: aliases(12, 9)),
    "wide aliases": ("campaign", lambda: "a: &a [" + "x," * 1_000 + "]\nb: [" + "*a," * 300_000 + "]\n"),
    "merges": ("yaml", lambda: merges(45)),
    "open lists": ("yaml", lambda: "[" * MOST),
    "open maps": ("yaml", lambda: "{a: " * (MOST // 4)),
    "dashes": ("yaml", lambda: "- " * (MOST // 2)),
    "questions": ("yaml", lambda: "? " * (MOST // 2)),
    "one line": ("campaign", lambda: "a: " + "x" * MOST),
    "documents": ("campaign", lambda: "--- a\n" * (MOST // 6)),
    "empty documents": ("yaml", lambda: "---\n" * (MOST // 4)),
    "directives": ("yaml", lambda: "%A b\n" * (MOST // 5)),
    "same keys": ("yaml", lambda: "a: 1\n" * (MOST // 5)),
    "anchors": ("yaml", lambda: "a: [" + ",".join(f"&a{number} x" for number in range(20_000)) + "]"),
    "comments": ("format", lambda: "a: 1\n" + "# x\n" * 40_000),
    "bytes beyond all bounds": ("project", lambda: "a" * 50_000_000),
    "template of braces": ("campaign", lambda: GOOD + "body: '" + "{" * 900_000 + "'\n"),
    "template of tags": ("template", lambda: "{{ custom.a|upper }}" * 3_000),
    "template of loops": ("template", lambda: "{% for a in custom.numbers %}" * 20 + "x" + "{% endfor %}" * 20),
    "template of texts": ("template", lambda: "{% set a = custom.text %}" + "{% set a = a ~ a %}" * 60 + "{{ a }}"),
    "state of lists": ("sealed-state", lambda: a_state_of("[" * 100_000 + "]" * 100_000)),
    "state of digits": ("sealed-state", lambda: a_state_of("9" * 5_000_000)),
    "state of bytes": ("state", lambda: b"[" * 50_000_000),
    "journal of one line": ("journal", lambda: b'{"checksum":"' * 4_000_000),
    "journal of lines": ("sealed-journal", lambda: b"{}\n" * 100_000),
    "lock of lists": ("lock", lambda: "[" * 5_000_000),
    "plan of lists": ("plan", lambda: '{"plan":' * 1_000_000),
    "answer of lists": ("answer", lambda: '{"data":' + "[" * 5_000_000),
    "answer of items": ("answer", lambda: json.dumps({"data": [{"id": str(number)} for number in range(20_000)]})),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bomb_does_not_go_off(name: str) -> None:
    """Each is read or refused within ten seconds of processor time and a gigabyte of address space."""
    reader, made = BOMBS[name]
    data = made()

    ending = confined(reader, data.encode() if isinstance(data, str) else data)

    assert ending.what.strip()


def test_real_bomb_would_be_seen() -> None:
    """A reader that takes too much time is caught: the bounds are real."""
    with pytest.raises(Broken, match="ended with -"):
        confined("answer", b"{}", seconds=0)
