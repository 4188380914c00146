"""The canonical form of files: what is rewritten, what is kept, and what is refused."""

from pathlib import Path

import pytest

from msgflash_apply.files.fmt import NotCanonical, canonical, field_order, format_files, prove
from msgflash_apply.files.fmt_layout import read_file
from msgflash_apply.findings import Refused
from msgflash_apply.models.project import Folder
from tests.unit.files.repos import WELCOME, write

FIELDS = field_order("campaign")
BEFORE = """\
---
# head of the file

labels: {team:  'shop', place: "12:30" }   # behind

# about the body
body: |
    Hello   # not a comment

      {{ custom.x }}

    # nor this

'name':   'Sale'
recipients:
# between
    type:   tags
    value:
    - "vip"     # the best
    -   'new'
    # last of the list
schedule: "2099-01-01T00:00:00Z"
# foot
"""
AFTER = """\
# head of the file

name: Sale
schedule: "2099-01-01T00:00:00Z"
recipients:
  # between
  type: tags
  value:
    - vip     # the best
    - new
    # last of the list

# about the body
body: |
  Hello   # not a comment

    {{ custom.x }}

  # nor this

labels: {team: shop, place: "12:30"}   # behind
# foot
"""


def tidy(text: str) -> str:
    """Write a campaign file in canonical form."""
    return canonical(text.encode(), FIELDS).decode()


def test_campaign_in_canonical_form() -> None:
    """Fields go in order with their comments, levels stand two in, quotes go where they are not needed."""
    assert tidy(BEFORE) == AFTER
    assert tidy(AFTER) == AFTER


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("b: 1\r\na: 2\r\n", "b: 1\na: 2\n"),
        ("a: 1", "a: 1\n"),
        ("a: 1\n\n\n\nb: 2\n\n\n", "a: 1\n\nb: 2\n"),
        ("a: 1\n...\n---\nb: 2\n", "a: 1\n---\nb: 2\n"),
        ("---\n# only\n", "# only\n"),
        ("", ""),
        ("a: &x [1,2]\nb: *x\n", "a: &x [1, 2]\nb: *x\n"),
        ("a: &x\n    b: 1\nc:\n    <<: *x\n", "a: &x\n  b: 1\nc:\n  <<: *x\n"),
        ("a:\n- b: 1\n  c: 2\n- - d\n", "a:\n  - b: 1\n    c: 2\n  - - d\n"),
        ("a: |+\n    x\n\n\nb: 1\n", "a: |+\n  x\n\n\nb: 1\n"),
        ("name: |+\n    x\n\ntype: y\n\ninstance: z\n", "instance: z\nname: |+\n  x\n\ntype: y\n"),
        ("instance: |+\n    x\ntype: y\n\nname: z\n", "instance: |+\n  x\nname: z\ntype: y\n"),
        ("a: |-\n    x\n\n\nb: 1\n", "a: |-\n  x\n\nb: 1\n"),
        ("a: |4\n      x\n    y\n", "a: |2\n    x\n  y\n"),
        ("a: |\n    x", "a: |-\n  x\n"),
        ("a: >\n   x\n   y\n\n   z\n", "a: >\n  x\n  y\n\n  z\n"),
        ("a: one\n     two\n", "a: one\n  two\n"),
        ("a: [ # why\n      1,\n    ]\n", "a: [ # why\n      1,\n    ]\n"),
        ("? a\n: b\n", "a: b\n"),
        ("a: 'don''t'\n", "a: don't\n"),
        ("a: 'say \"hi\"'\n", 'a: say "hi"\n'),
        ("a: '{{ x }}'\n", 'a: "{{ x }}"\n'),
        ("a: 'yes'\nb: '1'\nc: ''\n", 'a: "yes"\nb: "1"\nc: ""\n'),
        ('a: "\\u00e9\\n"\n', 'a: "\\u00e9\\n"\n'),
        ("a: # why\n  b: 1\n", "a: # why\n  b: 1\n"),
        ("a: &x # why\n  b\n", "a: &x # why\n  b\n"),
        ("- x\n-   y\n", "- x\n- y\n"),
        ("{a: 1,   b: 2}\n", "{a: 1, b: 2}\n"),
    ],
)
def test_each_style(before: str, after: str) -> None:
    """What is written in another way means the same, and its canonical form is its own."""
    assert tidy(before) == after
    assert tidy(after) == after


def test_alias_never_comes_before_its_anchor() -> None:
    """Where the schema's order would put an alias first, the fields stay as they were written."""
    text = "custom: &x {a: 1}\nname: Sale\nvariables: *x\n"
    assert tidy(text) == text


def test_file_that_is_not_yaml_is_told_as_ever() -> None:
    """The mistake is the one that reading would find, with its place."""
    with pytest.raises(Refused) as found:
        tidy("a: 1\na: 2\n")
    assert found.value.finding.at == (2, 1)


def test_directive_is_refused() -> None:
    """A `%YAML` line has no place in the layout, and dropping it is not ours to do."""
    with pytest.raises(NotCanonical, match="%YAML"):
        tidy("%YAML 1.2\n---\na: 1\n")


@pytest.mark.parametrize(
    "after",
    ["a: 1.0 # why\n", "a: true # why\n", "a: 1\n", "a: &x 1 # why\n", "a: 1 # why\n---\nb: 2\n", "a: [ # why\n"],
)
def test_nothing_may_be_lost_or_changed(after: str) -> None:
    """Another type, a comment, an anchor, a document, or no YAML at all: a layout that did this would be refused."""
    before = read_file(b"a: 1 # why\n")
    prove(before, b"a:  1    # why\n")
    with pytest.raises(NotCanonical):
        prove(before, after.encode())


def test_files_of_a_repo_are_told_apart(tmp_path: Path) -> None:
    """Changed, canonical already, left alone: each file is one of the three, and none is written."""
    files = {
        "msgflash.yaml": "campaigns:  campaigns\nversion: 1\n",
        "campaigns/good.yaml": WELCOME,
        "campaigns/bad.yaml": "a: [\n",
        "campaigns/odd.yaml": f"%YAML 1.2\n---\n{WELCOME}",
    }
    write(tmp_path, files)
    formatted = format_files(tmp_path, [Folder("campaigns", "campaign")])
    assert [(changed.name, changed.data) for changed in formatted.changed] == [
        ("msgflash.yaml", b"version: 1\ncampaigns: campaigns\n")
    ]
    assert formatted.unchanged == 1
    assert [(d.file, d.code) for d in formatted.findings] == [
        ("campaigns/bad.yaml", "MF102"),
        ("campaigns/odd.yaml", "MF107"),
    ]
    assert {name: (tmp_path / name).read_text(encoding="utf-8") for name in files} == files


def test_worked_examples_are_canonical() -> None:
    """What this repo shows to newcomers is what `fmt` would write."""
    formatted = format_files(Path(__file__).parents[3], [Folder("campaigns", "campaign")])
    assert (formatted.changed, formatted.findings) == ((), ())
    assert formatted.unchanged > 10


@pytest.mark.parametrize(
    ("paths", "looked_at"),
    [
        ((), 3),
        ((".",), 3),
        (("msgflash.yaml",), 1),
        (("campaigns",), 2),
        (("campaigns/a.yaml", "msgflash.yaml"), 2),
    ],
)
def test_paths_narrow_the_work(tmp_path: Path, paths: tuple[str, ...], looked_at: int) -> None:
    """Without paths it is the project file and every campaign."""
    write(tmp_path, {"msgflash.yaml": "version: 1\n", "campaigns/a.yaml": WELCOME, "campaigns/b.yaml": WELCOME})
    formatted = format_files(tmp_path, [Folder("campaigns", "campaign")], [Path(path) for path in paths])
    assert (formatted.unchanged, formatted.findings) == (looked_at, ())


def test_unreadable_file_is_a_finding(tmp_path: Path) -> None:
    """A path that holds no campaign file is reported as by `validate`."""
    write(tmp_path, {"campaigns/a.yaml": WELCOME})
    findings = format_files(tmp_path, [Folder("campaigns", "campaign")], [Path("campaigns/none.yaml")]).findings
    assert [(d.file, d.code) for d in findings] == [("campaigns/none.yaml", "MF104")]
