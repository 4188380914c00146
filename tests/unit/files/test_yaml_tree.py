"""YAML -> documents: what is read, what is refused, and where the error points."""

import subprocess
import sys
import time

import pytest
from yaml import Mark

from msgflash_apply.files.yaml_events import EventSource, YamlSyntaxError, libyaml_events, python_events
from msgflash_apply.files.yaml_mistakes import explain
from msgflash_apply.files.yaml_tree import parse
from msgflash_apply.findings import Code, Finding, Place, Refused
from msgflash_apply.limits import MAX_DOCUMENTS, MAX_FILE_BYTES

BOTH = pytest.mark.parametrize("source", [libyaml_events, python_events], ids=["libyaml", "python"])


def refusal(text: str | bytes, source: EventSource = libyaml_events) -> Finding:
    """The mistake that reading a text ends with."""
    with pytest.raises(Refused) as caught:
        parse(text if isinstance(text, bytes) else text.encode(), source)
    assert caught.value.finding.code is Code.BAD_YAML
    return caught.value.finding


def read(text: str | bytes, source: EventSource = libyaml_events) -> list[tuple[object, int]]:
    """The value and the line of every document."""
    return [(one.value, one.line) for one in parse(text if isinstance(text, bytes) else text.encode(), source)]


@BOTH
@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("NO", "NO"),
        ("on", "on"),
        ("yes", "yes"),
        ("2026-11-27", "2026-11-27"),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        ("0x", "0x"),
        ("1.2.3", "1.2.3"),
        ("+", "+"),
        ("tRUE", "tRUE"),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("-7", -7),
        ("+34600111222", 34600111222),
        ("123456789012345678901234567890", 123456789012345678901234567890),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("True", True),
        ("FALSE", False),
        ("~", None),
        ("Null", None),
        ("", None),
        ("'10'", "10"),
        ('"true"', "true"),
    ],
)
def test_plain_scalars_mean_what_the_core_schema_says(source: EventSource, written: str, value: object) -> None:
    """An unquoted scalar is read as YAML 1.2's core schema says, a quoted one is a text."""
    (document,) = parse(f"a: {written}\n".encode(), source)

    assert document.value == {"a": value}
    assert type(document.value) is dict
    assert type(document.value["a"]) is type(value)


@BOTH
@pytest.mark.parametrize(
    "text",
    [
        "a: {b: [1, {c: d}], e: ''}\n",
        "a: &x {k: [1, 2]}\nb: *x\nc: {<<: *x, d: 1}\n",
        "a: |\n  one\n  two\n\nb: >-\n  three\n  four\n",
        "a: 1\n---\nb: 2\n...\n# nothing\n---\n",
        'a: "\\u00e9\\n\\x41"\nb: it\'s\n',
        "- [a, [b]]\n- c: d\n  e: f\n",
        "a: x # comment\n? b\n: c\n",
        "a: http://x.y/z?q={1}\n",
    ],
)
def test_both_parsers_give_the_same_documents(source: EventSource, text: str) -> None:
    """Where the C extension is missing, the same file means the same."""
    assert read(text, source) == read(text, libyaml_events)


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "---\n", "---\n---\n", "---\n# nothing\n...\n"])
def test_a_file_without_content_has_no_documents(text: str) -> None:
    """Nothing is not a document."""
    assert parse(text.encode()) == ()


def test_documents_know_their_line() -> None:
    """Empty documents are skipped, an explicit null is content, and lines are those of the first content."""
    assert read("# head\n--- null\n---\n---\n\na: 1\n") == [(None, 2), ({"a": 1}, 6)]


def test_line_endings_and_byte_order_mark_change_nothing() -> None:
    """A file saved on Windows reads as the same file."""
    text = "a: |\n  one\n  two\nb: x\n"

    windows = b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()

    assert read(windows) == read(text)


def test_merge_keys_let_own_keys_and_earlier_maps_win() -> None:
    """`<<` takes one map or a list of them."""
    text = "x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz: {<<: [*x, *y], a: 0}\nq: {'<<': 1}\n"

    (document,) = parse(text.encode())

    assert isinstance(document.value, dict)
    assert document.value["z"] == {"a": 0, "b": 1, "c": 2}
    assert document.value["q"] == {"<<": 1}


@BOTH
@pytest.mark.parametrize(
    ("text", "line", "column", "message", "hint"),
    [
        ("a: 1\nb: {c: 1}\na: 2\n", 3, 1, "duplicate key `a`, first written on line 1", "keep one"),
        (
            "x:\n  - {k: 1,\n     l: [k, {k: 2}],\n     k: 3}\n",
            4,
            6,
            "duplicate key `k`, first written on line 2",
            "keep one",
        ),
        ("a: &m {b: 1}\nc:\n  <<: *m\n  <<: *m\n", 4, 3, "duplicate key `<<`, first written on line 3", "keep one"),
        ("b: {c: [1, {a: 0}]}\na: 1\nc: 2\na: 3\n", 4, 1, "duplicate key `a`, first written on line 2", "keep one"),
        ("a: [b, , c]\n", 1, 8, "a value is missing", "remove the comma"),
        ("- x\n -y: 1\n- z\n", 2, 4, "a `:` is where none is expected", "indentation"),
        ("1: x\n", 1, 1, "the key `1` is not a text", 'quote it: "1":'),
        ("a: 1\ntrue: x\n", 2, 1, "the key `true` is not a text", 'quote it: "true":'),
        ("null: x\n", 1, 1, "the key `null` is not a text", 'quote it: "null":'),
        ("? [a]\n: 1\n", 1, 3, "cannot be a key", "write a text"),
        ("a: &k x\n*k : 1\n", 2, 1, "an alias cannot be a key", "write the key out"),
        ("body: {{ custom.x }}\n", 1, 7, "`{{` without quotes", 'quote it: "{{ custom.x }}"'),
        ("body: {{ custom.x }} for all\n", 1, 7, "`{{` without quotes", 'quote it: "{{ custom.x }} for all"'),
        ("a: [{{ x }}, b]\n", 1, 5, "`{{` without quotes", 'quote it: "{{ x }}"'),
        ('a: {{ x | default("b") }}\n', 1, 4, "`{{` without quotes", "quote it: '{{ x | default(\"b\") }}'"),
        ("a: {% if x %}y{% endif %}\n", 1, 4, "`{%` without quotes", 'quote it: "{% if x %}y{% endif %}"'),
        ("a: *Sale* today\n", 1, 4, "`*` at the start of a text", 'quote it: "*Sale* today"'),
        ("a: *sale\n", 1, 4, "no `&sale` above", 'quote it: "*sale"'),
        ("a: &a [1, *a]\n", 1, 11, "never end", "write the values out"),
        ("a: &a 1\nb: {<<: *a}\n", 2, 9, "`<<` takes a map", "`&name` marks a map"),
        ("a: !secret x\n", 1, 4, "tags are not allowed: `!secret`", "remove it"),
        ("a: !!python/object:os.system {}\n", 1, 4, "tags are not allowed", "remove it"),
        ("! a: 1\n", 1, 1, "tags are not allowed", "remove it"),
        ("%TAG ! tag:x,2000:\n---\na: 1\n", 1, 1, "tags are not allowed", "`%TAG`"),
        ("%YAML 1.1\n---\na: 1\n", 1, 1, "read as YAML 1.2", "`%YAML`"),
        ("a:\n\tb: 1\n", 2, 1, "a tab is used for indentation", "indent with spaces"),
        ("a: 'one\nb: 2\n", 1, 4, "this quote is never closed", "closing quote"),
        ("a: @x\n", 1, 4, "cannot begin with `@`", 'quote it: "@x"'),
        ("a: b: c\n", 1, 5, "a `:` is where none is expected", 'quote it: "b: c"; if this is a field'),
        ("a: b\n  c: d\n", 2, 4, "a `:` is where none is expected", "in quotes"),
        ("a: [1, 2\nb: 3\n", 1, 4, "this `[` is never closed", "close it with `]`"),
        ("name: [\n", 1, 7, "a `[` or a `{` is never closed", "close it with"),
        ("a: {b: 1,  \n\n", 1, 9, "a `[` or a `{` is never closed", "close it with"),
        ("a: {b: 1\nc: 2\n", 1, 4, "this `{` is never closed", "close it with `}`"),
        ("- a\nb: 1\n", 2, 1, "does not fit the lines above", "indentation"),
        ("a: - b\n", 1, 4, "`-` at the start of a text has a meaning", "each item on a line of its own"),
        ("a: - b\n  - c\n", 1, 4, "`-` at the start of a text has a meaning", "begin the list on the next line"),
        ("a: | x\n  y\n", 1, 6, "there is text on the line", "next line"),
        ("a: .inf\n", 1, 4, "`.inf` is not a number", 'quote it: ".inf" if it is a text'),
        ("a: -.INF\n", 1, 4, "`-.INF` is not a number", "quote it"),
        ("a: .NaN\n", 1, 4, "`.NaN` is not a number", "quote it"),
        ("a: 1e999\n", 1, 4, "`1e999` is too large", 'quote it: "1e999"'),
        ("a: é\nb: .nan\n", 2, 4, "`.nan` is not a number", "quote it"),
        ("é: {ü: 1, ü: 2}\n", 1, 11, "duplicate key `ü`", "keep one"),
        ("a: " + "9" * 5000 + "\n", 1, 4, "5000 digits", "in double quotes"),
    ],
)
def test_mistakes_point_and_say_what_to_write(
    source: EventSource, text: str, line: int, column: int, message: str, hint: str
) -> None:
    """Every mistake has its line, its column in characters, plain words and a way out, whichever parser reads."""
    mistake = refusal(text, source)

    assert mistake.at == (line, column)
    assert message in mistake.message
    assert hint in (mistake.hint or "")


@pytest.mark.parametrize(
    ("data", "line", "column", "message"),
    [
        ("a: é\n".encode("utf-16"), 1, 1, "the file is UTF-16"),
        ("a: é\n".encode("utf-32"), 1, 1, "the file is UTF-32"),
        ("a: 1\nb: é\n".encode("latin-1"), 2, 4, "not UTF-8: byte 0xe9"),
        (b"\xef\xbb\xbfa: 1\nb: \xc3\xa9\xe9\n", 2, 5, "not UTF-8: byte 0xe9"),
        (b"a: 1\r\nb: \x00\n", 2, 4, "U+0000 is not allowed"),
        (b"a: \x1b[31m\n", 1, 4, "U+001B is not allowed"),
        ("a: x\u2028y\n".encode(), 1, 5, "U+2028 is not allowed"),
        ("a: x\u0085y\n".encode(), 1, 5, "U+0085 is not allowed"),
        (b"# " + b"x" * MAX_FILE_BYTES, 1, 1, "larger than 1024 KiB"),
    ],
)
def test_bytes_that_are_no_text_are_refused(data: bytes, line: int, column: int, message: str) -> None:
    """Encodings and characters that editors and parsers read differently are named with their place."""
    mistake = refusal(data)

    assert mistake.at == (line, column)
    assert message in mistake.message


@pytest.mark.parametrize("escape", ["\\d", "\\ud800", "\\UFFFFFFFF", "\\x4"])
@BOTH
def test_escapes_that_mean_no_character_are_refused(source: EventSource, escape: str) -> None:
    """A lone surrogate or an unknown escape never reaches a payload."""
    mistake = refusal(f'a: "{escape}"\n', source)

    assert mistake.at is not None
    assert mistake.at.line == 1
    assert mistake.message == "this escape does not exist"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 60_000, "nested more than 50 levels"),
        ("{a: " * 20_000, "nested more than 50 levels"),
        ("- " * 20_000, "nested more than 50 levels"),
        ("a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 60)), "nested more than 50 levels"),
        (
            "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
            + "".join(f"a{n}: &a{n} [" + ",".join([f"*a{n - 1}"] * 10) + "]\n" for n in range(1, 10)),
            "more than 100000 values",
        ),
        (
            "a: &a {" + ",".join(f"k{n}: 1" for n in range(1000)) + "}\nb: [" + "{<<: *a}," * 200 + "]\n",
            "100000 values",
        ),
        ("[" + ",".join("a" * 100_001) + "]", "more than 100000 values"),
        ("--- 1\n" * (MAX_DOCUMENTS + 1), "more than 1000 documents"),
    ],
    ids=["lists", "maps", "dashes", "alias chain", "alias bomb", "merge bomb", "long list", "documents"],
)
def test_bombs_are_refused_at_once(text: str, message: str) -> None:
    """Depth, aliases and numbers are bounded in time, counting an alias as all that it brings in."""
    started = time.process_time()

    mistake = refusal(text)

    assert message in mistake.message
    assert time.process_time() - started < 2


def test_a_complaint_that_no_rule_knows_is_passed_on() -> None:
    """An error of the library that was never seen still has its place and its words."""
    mark = Mark("file", 7, 1, 2, None, 7)
    mistake = explain(YamlSyntaxError(problem="found something new", problem_mark=mark), "a: 1\nb: 2\n").finding

    assert mistake.at == Place(2, 3)
    assert mistake.message == "this is not valid YAML: found something new"


def test_without_the_c_extension_the_other_parser_is_used() -> None:
    """A platform without libyaml reads the same documents, only slower."""
    program = """
import sys
sys.modules["yaml._yaml"] = None  # as where PyYAML was built without its extension
from msgflash_apply.files.yaml_tree import parse
from msgflash_apply.files.yaml_events import HAS_LIBYAML
print(HAS_LIBYAML, parse(b"a: [1, x]")[0].value)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "False {'a': [1, 'x']}\n"


def test_a_key_can_be_anchored() -> None:
    """A text used as a key may be repeated as a value."""
    (document,) = parse(b"&k brand: *k\n")

    assert document.value == {"brand": "brand"}


def test_aliases_are_forgotten_between_documents() -> None:
    """An anchor holds for its own document."""
    mistake = refusal("a: &a 1\n---\nb: *a\n")

    assert mistake.at == (3, 4)
