"""
`fmt`: a YAML file -> the same file in canonical form. Nothing is lost: what is not proven to mean the same is refused.

Canonical: fields of the document's map in the schema's order, two spaces per level, lists stand in, quotes only where
needed, `key: value`, at most one blank line, `---` between documents, one line break at the end. Kept as written: every
comment, the order of documents and of everything below the first level, anchors and aliases, blocks of text with their
breaks, flow collections over several lines.
Read `canonical` first; `yaml_tree` reads, `yaml_layout` and `yaml_scalars` write.

Which files `fmt` looks at, and what becomes of each: changed, canonical already, or left alone with a finding.

A campaign's fields -> the text of its file: plain where that is safe, bodies as blocks. The way back is `load`.
"""

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from msgflash_apply.files.fmt_layout import Layout, can_be_plain
from msgflash_apply.files.fmt_tree import (
    Branch,
    Comment,
    Leaf,
    Node,
    Written,
    WrittenFile,
    column_of,
    leaves,
    nodes,
    read_tree,
)
from msgflash_apply.files.positions import misread
from msgflash_apply.files.repo import CampaignFile, campaign_files, read_bytes, unreadable
from msgflash_apply.files.yaml_events import decode
from msgflash_apply.files.yaml_values import BadYaml, parse
from msgflash_apply.findings import Code, Diagnostic, Severity, in_order
from msgflash_apply.models.project import Settings
from msgflash_apply.models.schema import SchemaName, schema_text


class NotCanonical(Exception):
    """The file is good, and no canonical form of it could be proven to mean the same; says why."""


def field_order(schema: SchemaName) -> tuple[str, ...]:
    """The fields of a document in the order of its published schema."""
    return tuple(json.loads(schema_text(schema))["properties"])


def canonical(data: bytes, fields: Sequence[str]) -> bytes:
    """
    Write a file in canonical form; writing that again changes nothing.

    Args:
        data: the file.
        fields: in their order; others follow in the order they were written.

    Raises:
        BadYaml: it is not YAML, or more of it than is allowed.
        NotCanonical: what came out would not mean the same, or lack a comment.
    """
    parse(data)
    file = _read(data)
    if file.has_directives:
        raise NotCanonical("it holds a `%YAML` line; remove it, files are read as YAML 1.2")
    after = _write(file, fields).encode()
    if after == data:
        return data
    prove(data, after)
    # A spelling that had to change once, such as a key over several lines, may be simpler the second time.
    again = _write(_read(after), fields).encode()
    if again != after:
        prove(data, again)
    return again


def prove(before: bytes, after: bytes) -> None:
    """
    Make sure that a file still says what it said: values with their types, comments, anchors, aliases.

    Raises:
        NotCanonical: it does not, or is no YAML any more.
    """
    try:
        is_same = _meaning(before) == _meaning(after) and _notes(_read(before)) == _notes(_read(after))
    except BadYaml:
        is_same = False
    if not is_same:
        raise NotCanonical("its canonical form could not be proven to mean the same")


def _read(data: bytes) -> WrittenFile:
    return read_tree(decode(data).replace("\r\n", "\n").replace("\r", "\n"))


def _meaning(data: bytes) -> list[str]:
    """Each document as JSON: `1`, `1.0` and `true` are three things there, and the order of fields is none."""
    return [json.dumps(document.value, sort_keys=True) for document in parse(data)]


def _notes(file: WrittenFile) -> Counter[str]:
    """What a file says beside its values: comments, anchors, aliases."""
    notes = Counter(comment.text for comment in file.comments)
    for document in file.documents:
        notes.update(f"&{node.anchor}" for node in nodes(document.root) if node.anchor is not None)
        notes.update(leaf.raw for leaf in leaves(document.root) if leaf.is_alias)
    return notes


def _write(file: WrittenFile, fields: Sequence[str]) -> str:
    layout = Layout(file)
    parts = list(_parts(file))
    for index, (document, comments) in enumerate(parts):
        if index > 0:
            layout.separate()
        _write_document(layout, file.text, document, comments, fields)
    return "\n".join(layout.lines) + "\n" if layout.lines else ""


def _parts(file: WrittenFile) -> Iterator[tuple[Node | None, list[Comment]]]:
    """Each document that has content with its comments; those of an empty one go to the next, or else to the last."""
    starts = [document.start for document in file.documents if document.root is not None][1:]
    roots: list[Node | None] = [document.root for document in file.documents if document.root is not None]
    comments = list(file.comments)
    for root, end in zip(roots or [None], [*_ends(file.documents, starts), len(file.text) + 1], strict=True):
        yield root, [comment for comment in comments if comment.at < end]
        comments = [comment for comment in comments if comment.at >= end]


def _ends(documents: Sequence[Written], starts: Sequence[int]) -> Iterator[int]:
    """Where the part of each document but the last ends: at the first `---` after it."""
    places = [document.start for document in documents]
    full = [document.start for document in documents if document.root is not None]
    for start in full[: len(starts)]:
        yield min(place for place in places if place > start)


def _write_document(
    layout: Layout, text: str, root: Node | None, comments: Sequence[Comment], fields: Sequence[str]
) -> None:
    if root is None:
        layout.comments(comments)
    elif isinstance(root, Branch) and root.is_map and not root.is_flow and root.anchor is None:
        _write_map(layout, text, root, comments, fields)
    else:
        layout.entry(None, root, comments)


def _write_map(layout: Layout, text: str, root: Branch, comments: Sequence[Comment], fields: Sequence[str]) -> None:
    """Write the fields in order, each with its comments; those above the first stay above, those at the end there."""
    groups = _comments_of_fields(text, root, comments)
    layout.comments(groups[0])
    for index in _order(root, fields):
        key, value = root.items[index]
        layout.entry(key, value, groups[index + 1])
    layout.comments(groups[-1])


def _comments_of_fields(text: str, root: Branch, comments: Sequence[Comment]) -> list[list[Comment]]:
    """
    Say whose each comment is: the head's, each field's in the order written, the foot's.

    A comment that stands further in than the fields, or behind one, belongs to the field above it; all others belong
    to the field below them.
    """
    keys = [key.start for key, _ in root.items if key is not None]
    column = column_of(text, keys[0])
    groups: list[list[Comment]] = [[] for _ in range(len(keys) + 2)]
    last = 0
    for comment in comments:
        above = bisect_left(keys, comment.at)
        is_below = comment.on_own_line and comment.column <= column and comment.at > _end_of(root, above)
        last = max(last, above + 1 if is_below and above else above)
        groups[last].append(comment)
    return groups


def _end_of(root: Branch, count: int) -> int:
    return root.items[count - 1][1].end if count else 0


def _order(root: Branch, fields: Sequence[str]) -> list[int]:
    """The indexes of the fields in canonical order; in the file's where an alias might come before its anchor."""
    ranks = {name: rank for rank, name in enumerate(("<<", *fields))}
    written = range(len(root.items))
    order = sorted(written, key=lambda index: ranks.get(_name(root.items[index][0]), len(ranks)))
    tied = [index for index in order if _is_tied(*root.items[index])]
    return order if tied == sorted(tied) else list(written)


def _name(key: Leaf | None) -> str:
    return key.value if key is not None else ""


def _is_tied(key: Leaf | None, value: Node) -> bool:
    return any(
        node.anchor is not None or (isinstance(node, Leaf) and node.is_alias) for node in (*nodes(key), *nodes(value))
    )


PROJECT_FILE = "msgflash.yaml"


@dataclass(frozen=True, slots=True)
class Changed:
    """A file whose canonical form is another: where it lies, its name relative to the repo, what it should hold."""

    path: Path
    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Formatted:
    """What `fmt` found; nothing is written yet. `findings` are about files that are to be left alone."""

    changed: tuple[Changed, ...]
    unchanged: int
    findings: tuple[Diagnostic, ...]


def format_files(settings: Settings, paths: Sequence[Path] = ()) -> Formatted:
    """
    Bring files into canonical form, in memory.

    Args:
        settings: say where the campaigns are.
        paths: files or folders to keep to; none means msgflash.yaml and every campaign.
    """
    changed, unchanged = [], 0
    findings: list[Diagnostic] = []
    for found, schema in _files(settings, paths):
        outcome = found if isinstance(found, Diagnostic) else _format(found, schema)
        if isinstance(outcome, Diagnostic):
            findings.append(outcome)
        elif outcome is None:
            unchanged += 1
        else:
            changed.append(outcome)
    return Formatted(tuple(changed), unchanged, in_order(findings))


def _files(settings: Settings, paths: Sequence[Path]) -> Iterator[tuple[CampaignFile | Diagnostic, SchemaName]]:
    root, project = settings.root.resolve(), settings.root / PROJECT_FILE
    wanted = {path: (settings.root / path).resolve() for path in paths}
    everything = not paths or root in wanted.values()
    if project.is_file() and (everything or project.resolve() in wanted.values()):
        yield CampaignFile(str(project), PROJECT_FILE), "project"
    others = [path for path, real in wanted.items() if real != project.resolve() or not project.is_file()]
    if everything or others:
        for found in campaign_files(settings.root, settings.campaigns, () if everything else others):
            yield found, "campaign"


def _format(file: CampaignFile, schema: SchemaName) -> Changed | Diagnostic | None:
    try:
        before = read_bytes(file.path)
        after = canonical(before, field_order(schema))
    except OSError as err:
        return unreadable(file.name, err)
    except BadYaml as err:
        return misread(err, file.name)
    except NotCanonical as err:
        hint = "it was left as it is; write it more plainly to have it formatted"
        return Diagnostic(Severity.ERROR, Code.NOT_FORMATTED, str(err), hint, file=file.name)
    return None if after == before else Changed(Path(file.path), file.name, after)


_STEP = "  "


def campaign_text(fields: Mapping[str, object], comment: str = "") -> str:
    """
    Write a campaign's file.

    Args:
        fields: as in campaign files, of JSON's types; written in the schema's order.
        comment: a line for its head, without `#`.
    """
    order = {name: rank for rank, name in enumerate(field_order("campaign"))}
    ordered = {name: fields[name] for name in sorted(fields, key=lambda name: order.get(name, len(order)))}
    head = [f"# {comment}"] if comment else []
    return "\n".join([*head, *_map_lines(ordered, "")]) + "\n"


def _map_lines(fields: Mapping[str, object], pad: str) -> Iterator[str]:
    for name, value in fields.items():
        key = _scalar(name)
        if isinstance(value, Mapping) and value:
            yield f"{pad}{key}:"
            yield from _map_lines(value, pad + _STEP)
        elif isinstance(value, list) and value:
            yield f"{pad}{key}:"
            yield from (f"{pad}{_STEP}- {_scalar(item)}" for item in value)
        elif isinstance(value, str) and _can_be_block(value):
            yield f"{pad}{key}: " + ("|" if value.endswith("\n") else "|-")
            yield from (f"{pad}{_STEP}{line}" if line else "" for line in value.removesuffix("\n").split("\n"))
        else:
            yield f"{pad}{key}: {_scalar(value)}"


def _can_be_block(text: str) -> bool:
    """Whether a text of several lines can stand as it is; odd spaces and breaks at its ends are seen in quotes."""
    lines = text.removesuffix("\n").split("\n")
    is_framed = bool(lines[0].strip() and lines[-1].strip()) and not lines[0].startswith(" ")
    return len(lines) > 1 and is_framed and all(line.isprintable() for line in lines)


def _scalar(value: object) -> str:
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if can_be_plain(value, in_flow=False):
        return value
    return '"' + "".join(map(_character, value)) + '"'


def _character(character: str) -> str:
    if character in {'"', "\\"}:
        return f"\\{character}"
    if character == "\n":
        return "\\n"
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
