"""Files that are nearly YAML: what the message names, and that following its hint gives what the writer meant."""

import pytest

from msgflash_apply.files.yaml_events import EventSource, libyaml_events, python_events
from msgflash_apply.files.yaml_tree import parse
from msgflash_apply.findings import Finding, Place, Refused

BOTH = pytest.mark.parametrize("source", [libyaml_events, python_events], ids=["libyaml", "python"])


def refusal(text: str, source: EventSource = libyaml_events) -> Finding:
    """The mistake that reading a text ends with."""
    with pytest.raises(Refused) as caught:
        parse(text.encode(), source)
    return caught.value.finding


@BOTH
@pytest.mark.parametrize(
    ("written", "seen", "meant"),
    [
        ("- 20% today", "`-` at the start", "- 20% today"),
        ("-", "`-` at the start", "-"),
        ("? What", "`?` at the start", "? What"),
        (": so", "`:` at the start", ": so"),
        ("[Promo] -20%", "`[` at the start", "[Promo] -20%"),
        ("[ ] buy: bread", "`[` at the start", "[ ] buy: bread"),
        ("[the shop](https://shop.example): new", "`[` at the start", "[the shop](https://shop.example): new"),
        ("{Promo} L'été", "`{` at the start", "{Promo} L'été"),
        ("{name}, \"hi\" & 'bye'", "`{` at the start", "{name}, \"hi\" & 'bye'"),
        ("*Sale* today # until Friday", "`*` at the start", "*Sale* today"),
        ("* 20% off", "`*` at the start", "* 20% off"),
        ("& friends", "`&` at the start", "& friends"),
        ("&co & more", "`&` at the start", "&co & more"),
        ("!Hola! amigo", "`!` at the start", "!Hola! amigo"),
        ("%20 #promo", "cannot begin with `%`", "%20 #promo"),
        ("] end", "cannot begin with `]`", "] end"),
        ("> 20% off", "text on the line of a `|` or `>`", "> 20% off"),
        ('"Hello" dear', 'behind the closing `"`', '"Hello" dear'),
        ('"Hello" dear # a note', 'behind the closing `"`', '"Hello" dear'),
        ('"Hello # you" dear #promo', 'behind the closing `"`', '"Hello # you" dear #promo'),
        ('"Hello" dear "you"', 'behind the closing `"`', '"Hello" dear "you"'),
        ('"a": b', 'behind the closing `"`', '"a": b'),
        ('"It\'s" on', 'behind the closing `"`', '"It\'s" on'),
        ('&hi "Hello" dear', 'behind the closing `"`', '"Hello" dear'),
        ('"He said "hi""', 'behind the closing `"`', 'He said "hi"'),
        ('"5" pizza"', 'behind the closing `"`', '5" pizza'),
        ('"One\\ntwo "three" \\"four\\""', 'behind the closing `"`', 'One\ntwo "three" "four"'),
        ("'L'été arrive'", "behind the closing `'`", "L'été arrive"),
        ("'L'été, c'est ici'", "behind the closing `'`", "L'été, c'est ici"),
        ("'L'été arrive", "behind the closing `'`", "L'été arrive"),
        ("'It''s aujourd'hui'", "behind the closing `'`", "It's aujourd'hui"),
        ("'L'été \"chaud\"'", "behind the closing `'`", 'L\'été "chaud"'),
        ("'Hello' dear", "behind the closing `'`", "'Hello' dear"),
        ("Prices: from 5", "a `:` is where none is expected", "Prices: from 5"),
        (":smile: hi", "a `:` is where none is expected", ":smile: hi"),
    ],
)
def test_a_text_that_needs_quotes_is_written_with_them(
    source: EventSource, written: str, seen: str, meant: str
) -> None:
    """The message names what YAML took otherwise, and the text as the hint writes it is the text that was meant."""
    mistake = refusal(f"name: x\nbody: {written}\nfooter: y\n", source)

    assert mistake.at is not None
    assert mistake.at.line == 2
    assert seen in mistake.message
    quote, _, rest = (mistake.hint or "").removeprefix("quote it: ").partition("; ")
    (document,) = parse(f"body: {quote.removesuffix(', or begin the text on the next line, indented')}\n".encode())
    assert document.value == {"body": meant}
    assert not rest or "if this is a field" in rest or "a list begins" in rest


@BOTH
@pytest.mark.parametrize(
    ("text", "at", "message", "hint"),
    [
        ('body: "Hello" dear\n  friends\n', (1, 15), "behind the closing", "write `|` in place of the text"),
        ('a:\n  - "b" c\n', (2, 9), "behind the closing", "quote it: '\"b\" c'"),
        ("a:\n  [b] c\n", (2, 3), "`[` at the start", 'quote it: "[b] c"'),
        ('a: "Hello",\n', (1, 11), "a `,` behind the closing", "remove it"),
        ("a: [b, c],\n", (1, 10), "a `,` behind the closing `]`", "remove it"),
        ('a: "b\n  c" d\n', (2, 6), "text that began above", "quotes of the lines above"),
        ("a: 'tis\nb: 'x'\n", (2, 5), "text that began above", "quotes of the lines above"),
        ('a: [1, "x" y]\n', (1, 4), "a comma is missing", "put all of it in quotes"),
        ("a: x\n@b: c\n", (2, 1), "cannot begin with `@`", 'quote it: "@b"'),
        ("a: 'x\n---\nb: y\n", (1, 4), "this quote is never closed", "quotes of the other kind"),
        ("a: [!x y, z]\n", (1, 5), "tags are not allowed: `!x`", 'quote it: "!x y"'),
        ("a: *x # y\n", (1, 4), "there is no `&x` above", 'quote it: "*x" if it is a text'),
        ("a: [*x, y]\n", (1, 5), "there is no `&x` above", 'quote it: "*x" if it is a text'),
        ("- &a ? b\n", (1, 6), "a `?` is where none is expected", "in quotes"),
        ("a: [\n| x]\n", (2, 1), "cannot begin with `|`", "quote it"),
        ("a: [@x, b]\n", (1, 5), "cannot begin with `@`", 'quote it: "@x"'),
        ('a: "Hi" ' + "x" * 300 + "\n", (1, 9), "behind the closing", "single quotes, and double every `'`"),
        ("a: - " + "x" * 300 + "\n", (1, 4), "`-` at the start", "put all of it in double quotes"),
        ("a: !x y\n", (1, 4), "tags are not allowed: `!x`", 'quote it: "!x y"'),
        ("a: &b !!! x\n", (1, 4), "tags are not allowed: `!!!`", 'quote it: "&b !!! x"'),
        ("a: !x [y]\n", (1, 4), "tags are not allowed: `!x`", "remove it"),
        ("a: &b\n  !x y\n", (1, 4), "tags are not allowed: `!x`", "remove it"),
        ("a:\n  - \tb: 1\n", (2, 5), "a tab is used for indentation", "with spaces"),
        ("a: x\nbody:hi\n", (2, 5), "no space behind the `:`", "write `:` and a space"),
        ("body:hi\na: x\n", (1, 5), "no space behind the `:`", "write `:` and a space"),
        ("a: x\nbody\uff1ahi\n", (2, 5), "a full-width colon", "write `:` and a space"),
    ],
)
def test_what_is_seen_is_named(source: EventSource, text: str, at: tuple[int, int], message: str, hint: str) -> None:
    """Where a text cannot be quoted on its line the hint says what else to do."""
    mistake = refusal(text, source)

    assert mistake.at == at
    assert message in mistake.message
    assert hint in (mistake.hint or "")


@BOTH
@pytest.mark.parametrize(
    ("text", "at", "name"),
    [
        ("type: text\nbody:\u00a0hi\n", (2, 6), "U+00A0 (no-break space)"),
        ("body:\u202fhi\ntype: text\n", (1, 6), "U+202F (narrow no-break space)"),
        ("a:\n  b: c\n  body:\u3000hi\nd: e\n", (3, 8), "U+3000 (ideographic space)"),
        ("a:\n\u00a0\u00a0type: all\n", (2, 1), "U+00A0 (no-break space)"),
        ("a:\n  b: 1\n\u00a0 c: 2\n", (3, 1), "U+00A0 (no-break space)"),
        ("a: |\n  b\n\u00a0\u00a0c\nd: e\n", (3, 1), "U+00A0 (no-break space)"),
        ("a\u00a0: x\n", (1, 2), "U+00A0 (no-break space)"),
        ("\u200ba: x\n", (1, 1), "U+200B (zero width space)"),
        ("a: {type:\u00a0all}\n", (1, 10), "U+00A0 (no-break space)"),
        ("a: {b: c, value:\u00a0[vip]}\n", (1, 17), "U+00A0 (no-break space)"),
        ("a:\n  -\u00a0vip\n  -\u00a0new\n", (2, 4), "U+00A0 (no-break space)"),
        ("a:\n  - vip\n  -\u00a0new\n", (3, 4), "U+00A0 (no-break space)"),
        ('a: "x"\u00a0\n', (1, 7), "U+00A0 (no-break space)"),
        ("a: |\u00a0\n  x\n", (1, 5), "U+00A0 (no-break space)"),
    ],
)
def test_invisible_characters_are_named(source: EventSource, text: str, at: tuple[int, int], name: str) -> None:
    """A no-break space behind a key or a dash, or as indentation, has its place and its name."""
    mistake = refusal(text, source)

    assert mistake.at == at
    assert mistake.message == f"here is an invisible character, {name}"


def test_invisible_characters_inside_texts_are_theirs() -> None:
    """French puts a no-break space before a colon, and a quoted key may be anything."""
    text = """\
"Clé\u00a0": x
b: "Prix\u00a0: 5\u00a0€"
c: \u00a0d
e: -\u00a020\u00a0%
f: |
  g:\u00a0h
"""

    (document,) = parse(text.encode())

    assert document.value == {
        "Clé\u00a0": "x",
        "b": "Prix\u00a0: 5\u00a0€",
        "c": "\u00a0d",
        "e": "-\u00a020\u00a0%",
        "f": "g:\u00a0h\n",
    }


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ('a: "Hello\n<<<<<<< HEAD\n  a\n=======\n  b\n>>>>>>> f\n"\n', (2, 1)),
        ("a: 1\n<<<<<<< HEAD\nb: 1\n||||||| 1234567\n=======\nb: 2\n>>>>>>> f\n", (2, 1)),
        ("a: |\r\n  b\r\n<<<<<<< HEAD\r\n=======\r\n>>>>>>> f\r\n", (3, 1)),
        ("a: 1\n=======\na: 2\n>>>>>>> f\n", (2, 1)),
        ("a: |\n  b\n  <<<<<<< HEAD\n  c\n  =======\n  d\n  >>>>>>> f\n", (3, 3)),
        ("a: [\n<<<<<<< HEAD\n", (2, 1)),
        ("a: \x00\n>>>>>>>\n", (2, 1)),
    ],
)
def test_conflict_markers_are_named(text: str, at: tuple[int, int]) -> None:
    """Lines that git left behind are a mistake wherever they are, before any other: they are never sent."""
    mistake = refusal(text)

    assert mistake.at == Place(*at)
    assert "is a conflict marker of git" in mistake.message


@pytest.mark.parametrize(
    "text",
    [
        "Title\n=======\nHello",
        "<<<<<<<< eight\n=======\n>>>>>>>> eight",
        ">>>>>>> Sale\n=======\nnow <<<<<<< here",
        "|||||||\n=======",
        "<<<<<<<Sale>>>>>>>",
    ],
)
def test_drawings_are_no_conflict_markers(text: str) -> None:
    """Underlined headings and arrows in a text are the writer's."""
    block = "a: |-\n" + "".join(f"  {line}\n" for line in text.split("\n"))

    assert parse(block.encode())[0].value == {"a": text}
