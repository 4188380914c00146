"""
`fmt`: a YAML file -> the same file in canonical form. Nothing is lost: what is not proven to mean the same is refused.

Canonical: fields of the document's map in the schema's order, two spaces per level, list items further in than their
field, quotes only where needed, `key: value`, at most one blank line, `---` between documents, one line break at the
end. Kept as written: every comment, the order of documents and of everything below the first level, anchors and
aliases, blocks of text with their breaks, flow collections over several lines.

Read `canonical` first: `yaml_tree.py` reads, `fmt_layout.py` writes. `format_files` chooses the files; `file_text`
writes a new one, for `import --generate`.
"""

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple, cast

from msgflash_apply.campaign import Source
from msgflash_apply.files.bounded import UNREAD, Exceeded, run
from msgflash_apply.files.bounded_child import File
from msgflash_apply.files.fmt_layout import (
    Comment,
    Layout,
    WrittenFile,
    can_be_plain,
    column_of,
    nodes,
    parts,
    read_file,
)
from msgflash_apply.files.reading import PlainDiagnostic, as_diagnostic, as_plain, exceeded, too_much
from msgflash_apply.files.repo import RepoFile, read_bytes, repo_files, unreadable
from msgflash_apply.files.yaml_tree import Alias, Branch, located
from msgflash_apply.findings import Code, Diagnostic, Refused, Severity, in_order
from msgflash_apply.models.project import FileKind, Folder
from msgflash_apply.models.schema import GENERATED, SchemaName
from msgflash_apply.models.shape import fields_among


class NotCanonical(Exception):
    """The file is good, and no canonical form of it could be proven to mean the same; says why."""


@cache
def field_order(schema: SchemaName) -> tuple[str, ...]:
    """The fields of a document as its models list them, which is their order in the published schema too."""
    return tuple(fields_among(GENERATED[schema].models))


def canonical(data: bytes, fields: Sequence[str]) -> bytes:
    """
    Write a file in canonical form; writing that again changes nothing.

    Args:
        data: the file.
        fields: in their order; others follow in the order they were written.

    Raises:
        Refused: it is not YAML, or more of it than is allowed.
        NotCanonical: what came out would not mean the same, or lack a comment.
    """
    file = read_file(data)
    if any(file.text.startswith("%", document.start) for document in file.documents):
        raise NotCanonical("it holds a `%YAML` line; remove it, files are read as YAML 1.2")
    after = _write(file, fields)
    if after == data:
        return data
    # A spelling that had to change once, such as a key over several lines, may be simpler the second time.
    again = _write(prove(file, after), fields)
    if again != after:
        prove(file, again)
    return again


def prove(before: WrittenFile, after: bytes) -> WrittenFile:
    """
    Make sure that a file still says what it said: values with their types, comments, anchors, aliases.

    Returns:
        The file as it would be, read.

    Raises:
        NotCanonical: it says something else, or is no YAML any more.
    """
    try:
        written = read_file(after)
        is_same = _said(before) == _said(written)
    except Refused:
        is_same = False
    if not is_same:
        raise NotCanonical("its canonical form could not be proven to mean the same")
    return written


def _said(file: WrittenFile) -> tuple[list[str], Counter[str]]:
    """
    What a file says: its values; its comments, anchors and aliases.

    Values as JSON: `1`, `1.0` and `true` are three things there, and the order of fields is none.
    """
    values = [json.dumps(document.value, sort_keys=True) for document in file.documents if not document.is_empty]
    notes = Counter(comment.text for comment in file.comments)
    notes.update(f"&{node.anchor}" for node in file.nodes if node.anchor is not None)
    notes.update(node.raw for node in file.nodes if isinstance(node, Alias))
    return values, notes


def _write(file: WrittenFile, fields: Sequence[str]) -> bytes:
    layout = Layout(file)
    starts = [document.start for document in file.documents]
    full = [(document.start, document.root) for document in file.documents if not document.is_empty]
    comments: Sequence[Comment] = file.comments
    for number, (begin, root) in enumerate(full, start=1):
        if number > 1:
            layout.separate()
        # The comments of an empty document go to the next one that has content, or else to the last.
        end = min(start for start in starts if start > begin) if number < len(full) else len(file.text) + 1
        own = [comment for comment in comments if comment.at < end]
        comments = comments[len(own) :]
        if not isinstance(root, Branch) or not root.is_map or root.is_flow or root.anchor is not None:
            layout.entry(root, own)
            continue
        # Each field with its comments; those above the first field stay above, those at the end there.
        groups = _comments_of_fields(file.text, root, own)
        layout.comments(groups[0])
        for index in _order(root, fields):
            layout.entry(root.items[index], groups[index + 1])
        layout.comments(groups[-1])
    layout.comments(comments)
    return "".join(f"{line}\n" for line in layout.lines).encode()


def _comments_of_fields(text: str, root: Branch, comments: Sequence[Comment]) -> list[list[Comment]]:
    """
    Say whose each comment is: the head's, each field's in the order written, the foot's.

    A comment further in than the fields, or behind one, belongs to the field above it; all others belong to the field
    below them.
    """
    keys = [item.key.start for item in root.items if item.key is not None]
    column = column_of(text, keys[0])
    groups: list[list[Comment]] = [[] for _ in range(len(keys) + 2)]
    last = 0
    for comment in comments:
        above = bisect_left(keys, comment.at)
        end = root.items[above - 1].end if above else 0
        is_below = comment.on_own_line and comment.column <= column and comment.at > end
        last = max(last, above + 1 if is_below and above else above)
        groups[last].append(comment)
    return groups


def _order(root: Branch, fields: Sequence[str]) -> Sequence[int]:
    """The indexes of the fields in canonical order; in the file's where an alias might come before its anchor."""
    ranks = {name: rank for rank, name in enumerate(("<<", *fields))}
    written = range(len(root.items))
    names = [str(item.key.value) for item in root.items if item.key is not None]
    order = sorted(written, key=lambda index: ranks.get(names[index], len(ranks)))
    tied = [
        index
        for index in order
        if any(
            node.anchor is not None or isinstance(node, Alias)
            for part in parts(root.items[index])
            for node in nodes(part)
        )
    ]
    return order if tied == sorted(tied) else written


PROJECT_FILE = "msgflash.yaml"


@dataclass(frozen=True, slots=True)
class Changed:
    """A file whose canonical form is another: where it is, its name relative to the repo, what it should hold."""

    path: Path
    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Formatted:
    """What `fmt` found; nothing is written yet. `findings` are about files that are to be left alone."""

    changed: tuple[Changed, ...]
    unchanged: int
    findings: tuple[Diagnostic, ...]


def format_files(root: Path, folders: Iterable[Folder], paths: Sequence[Path] = ()) -> Formatted:
    """
    Bring files into canonical form, in memory.

    Args:
        root: the repo.
        folders: of campaigns and templates; environments may share them.
        paths: files or folders to keep to; none means msgflash.yaml and every file in the folders.
    """
    changed: list[Changed] = []
    unchanged = unread = 0
    findings: list[Diagnostic] = []
    for file, result in run(_format, _read_all(_files(root, folders, paths), findings)):
        if result is UNREAD:
            unread += 1
        elif isinstance(result, Exceeded):
            findings.append(exceeded(file, result))
        elif isinstance(result, tuple):
            findings.append(as_diagnostic(result))
        elif result == file.data:
            unchanged += 1
        else:
            changed.append(Changed(Path(cast("_About", file.about).path), file.name, cast("bytes", result)))
    if unread:
        findings.append(too_much(f"{unread} files were not read"))
    return Formatted(tuple(changed), unchanged, in_order(findings))


class _About(NamedTuple):
    """Where a file is, and the order of its fields."""

    path: str
    fields: tuple[str, ...]


def _read_all(files: Iterable[RepoFile | Diagnostic], findings: list[Diagnostic]) -> Iterator[File]:
    """Read the files; of what cannot be read, add a finding."""
    for found in files:
        if isinstance(found, Diagnostic):
            findings.append(found)
            continue
        try:
            yield File(found.name, read_bytes(found.path), _About(found.path, field_order(found.kind)))
        except OSError as err:
            findings.append(unreadable(found.name, err))


def _format(file: File) -> bytes | PlainDiagnostic:
    """Bring a file into canonical form, in a child."""
    try:
        return canonical(file.data, cast("_About", file.about).fields)
    except Refused as err:
        return as_plain(next(located([err.finding], None, Source(file.name))))
    except NotCanonical as err:
        hint = "it was left as it is; write it more plainly to have it formatted"
        return as_plain(Diagnostic(Severity.ERROR, Code.NOT_FORMATTED, str(err), hint, file=file.name))


def _files(root: Path, folders: Iterable[Folder], paths: Sequence[Path]) -> Iterator[RepoFile | Diagnostic]:
    project = root / PROJECT_FILE
    wanted = {path: (root / path).resolve() for path in paths}
    everything = not paths or root.resolve() in wanted.values()
    if project.is_file() and (everything or project.resolve() in wanted.values()):
        yield RepoFile(str(project), PROJECT_FILE, "project")
    others = [path for path, real in wanted.items() if real != project.resolve() or not project.is_file()]
    if everything or others:
        yield from repo_files(root, folders, () if everything else others)


_STEP = "  "

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n"}


def file_text(fields: Mapping[str, object], *comments: str, kind: FileKind = "campaign") -> str:
    """
    Write the file of a campaign or template.

    Args:
        fields: as in such files, of JSON's types; written in the schema's order.
        comments: lines for its head, without `#`.
        kind: of file.
    """
    order = {name: rank for rank, name in enumerate(field_order(kind))}
    ordered = {name: fields[name] for name in sorted(fields, key=lambda name: order.get(name, len(order)))}
    head = [f"# {comment}" for comment in comments]
    # What people read is a block, however short: it is going to be edited.
    blocks = {"body"} if kind == "template" else frozenset[str]()
    return "\n".join([*head, *_map_lines(ordered, "", blocks)]) + "\n"


def _map_lines(fields: Mapping[str, object], pad: str, blocks: AbstractSet[str] = frozenset()) -> Iterator[str]:
    for name, value in fields.items():
        key = _scalar(name)
        if isinstance(value, Mapping) and value:
            yield f"{pad}{key}:"
            yield from _map_lines(value, pad + _STEP)
        elif isinstance(value, list) and value:
            yield f"{pad}{key}:"
            yield from (f"{pad}{_STEP}- {_scalar(item)}" for item in value)
        elif isinstance(value, str) and _can_be_block(value, least_lines=1 if name in blocks else 2):
            yield f"{pad}{key}: " + ("|" if value.endswith("\n") else "|-")
            yield from (f"{pad}{_STEP}{line}" if line else "" for line in value.removesuffix("\n").split("\n"))
        else:
            yield f"{pad}{key}: {_scalar(value)}"


def _can_be_block(text: str, *, least_lines: int) -> bool:
    """Whether a text of so many lines can be a block; odd spaces and breaks at its ends are seen in quotes."""
    lines = text.removesuffix("\n").split("\n")
    is_framed = bool(lines[0].strip() and lines[-1].strip()) and not lines[0].startswith(" ")
    return len(lines) >= least_lines and is_framed and all(line.isprintable() for line in lines)


def _scalar(value: object) -> str:
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if can_be_plain(value, in_flow=False):
        return value
    written = ""
    for character in value:
        code = ord(character)
        if character in _ESCAPES or character.isprintable():
            written += _ESCAPES.get(character, character)
        else:
            written += f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    return f'"{written}"'
