"""
Finding and reading the files of a repo, without ever leaving it.

A branch of a stranger decides what is here: links out of the repo, devices and endless files are findings, not
adventures; contract section 12. So is a name that cannot be seen: it becomes an address.
Read `repo_files` first.
"""

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgflash_apply.findings import Code, Diagnostic, Severity
from msgflash_apply.invisible import invisible_in_name, named
from msgflash_apply.limits import MAX_FILE_BYTES

if TYPE_CHECKING:  # `--help` needs this module, and no models
    from msgflash_apply.models.project import Folder
    from msgflash_apply.models.schema import SchemaName

SUFFIXES = (".yaml", ".yml")


class RepoFile(NamedTuple):
    """A file to read: `path` for the operating system, `name` relative to the repo with forward slashes; its kind."""

    path: str
    name: str
    kind: "SchemaName" = "campaign"


def repo_files(root: Path, folders: "Iterable[Folder]", only: Sequence[Path] = ()) -> Iterator[RepoFile | Diagnostic]:
    """
    Find the YAML files below folders of the repo, sorted by name, and why others cannot be read.

    Args:
        root: the repo.
        folders: that one of campaigns does not exist is an error: a lost folder must not look like no campaigns.
        only: files or folders to narrow the search to, relative to the repo or absolute; empty for all.

    Returns:
        Files, and diagnostics for hidden traps. Hidden files and folders are skipped, links to files within the repo
        are followed, links to folders never.
    """
    found: dict[str, RepoFile | Diagnostic] = {}
    missing: list[Diagnostic] = []
    real_root = os.path.realpath(root)
    for folder in dict.fromkeys(folders):
        if (problem := problem_of_folder(root, folder)) is not None:
            yield problem
            continue
        start = os.path.normpath(os.path.join(root, folder.path))  # noqa: PTH118 - text all the way: this is the hot path
        if os.path.isdir(start):  # noqa: PTH112 - see above
            every = _walk(start, folder, real_root)
            found |= {one.name if isinstance(one, RepoFile) else str(one.file): one for one in every}
        elif folder.kind == "campaign" or os.path.lexists(start):
            those = f"{folder.kind}s"
            hint = f"write where the {those} are as `{those}:` in msgflash.yaml, or run this in the repo's root"
            missing.append(_error(Code.NOT_FOUND, folder.path, f"there is no folder `{folder.path}`", hint))
    if not (only and found):
        yield from missing
    names = sorted(found)
    if not only:
        yield from (found[name] for name in names)
        return
    chosen: dict[str, RepoFile | Diagnostic] = {}
    for path in only:
        # The last part of what a person gives may be a link and stays one.
        absolute = root / path
        parent = os.path.realpath(absolute.parent)
        real_path = os.path.normpath(os.path.join(parent, absolute.name))  # noqa: PTH118 - pathlib never normalises
        wanted = os.path.relpath(real_path, real_root).replace(os.sep, "/")
        inside = [name for name in names if wanted in (".", name) or name.startswith(f"{wanted}/")]
        hint = "give files or folders below the campaigns or the templates folder"
        absent = _error(Code.NOT_FOUND, wanted, "no campaign or template is here", hint)
        chosen |= {name: found[name] for name in inside} or {wanted: absent}
    yield from chosen.values()


def read_bytes(path: str) -> bytes:
    """
    Read a file, but of one that is too large only enough to see that it is.

    Raises:
        OSError: it cannot be read, or it is no file: a pipe or a device would be waited for, or never end.
    """
    # 10 000 files: objects cost more than reading. What was a file when it was found may be a pipe by now.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", path)
        return os.read(descriptor, min(found.st_size, MAX_FILE_BYTES) + 1)
    finally:
        os.close(descriptor)


def read_given(path: Path) -> bytes:
    """Read what a person named, so that a pipe will do (`--var-file <(..)`); bounded like `read_bytes`."""
    with path.open("rb") as stream:
        return stream.read(MAX_FILE_BYTES + 1)


def is_within(root: Path, path: str) -> bool:
    """
    Whether a path relative to the repo stays in it, links followed; the path itself need not exist.

    The repo's own folder is not a path in it, and neither is `.git`, which may hold credentials and hooks.
    """
    if "\0" in path:  # no file can have this name
        return False
    real_root = os.path.realpath(root)
    parts = _parts_below(real_root, os.path.realpath(os.path.join(real_root, path)))  # noqa: PTH118 - resolves links too
    return bool(parts) and parts[0].lower() != ".git"


def name_in_repo(root: Path, path: Path) -> str | None:
    """
    Say how the repo calls a path that a person gave: relative, with forward slashes, its links left as they are.

    None for a path elsewhere: what is there is that person's choice, since no branch can put a link on the way to it.
    """
    real_root = os.path.realpath(root)
    absolute = Path(os.path.abspath(root / path))  # noqa: PTH100 - pathlib would follow the links
    within = (folder for folder in absolute.parents if os.path.realpath(folder) == real_root)
    return next((absolute.relative_to(folder).as_posix() for folder in within), None)


def problem_of_folder(root: Path, folder: "Folder") -> Diagnostic | None:
    """Say why a folder of the repo is not looked into: a link on the way to it leads out of the repo, or anywhere."""
    if not is_within(root, folder.path):
        hint = f"put the {folder.kind}s into a folder of the repo, without links on the way to it"
        return _error(Code.OUTSIDE_REPO, folder.path, "this folder is a link that leads out of the repo", hint)
    real_root = os.path.realpath(root)
    path = os.path.normpath(os.path.join(real_root, folder.path))  # noqa: PTH118 - pathlib never normalises
    if (real_path := os.path.realpath(path)) == path:
        return None
    there = "/".join(_parts_below(real_root, real_path))
    hint = f"write `{folder.kind}s: {there}` in msgflash.yaml, or move the folder here"
    return _error(Code.OUTSIDE_REPO, folder.path, "links to folders are not followed", hint)


def problem_of_link(root: str, name: str) -> Diagnostic | None:
    """
    Say why a file of the repo is not read: a link may lead to a file of the repo that is not hidden, and nowhere else.

    A mistake in a file is shown with its line, and hidden files hold what no report may show: git's credentials, the
    state, a `.env`.

    Args:
        root: the repo, with its own links followed.
        name: of the file, relative to the repo.
    """
    path = os.path.normpath(os.path.join(root, name))  # noqa: PTH118 - the hot path
    if (real_path := os.path.realpath(path)) == path:
        return None
    parts = _parts_below(root, real_path)
    if not parts:
        hint = "copy the file into the repo; a link may only lead to a file within it"
        return _error(Code.OUTSIDE_REPO, name, "this link leads out of the repo", hint)
    if {part for part in parts if part.startswith(".")} - set(name.split("/")):
        hint = "copy the file; a link may not lead to a hidden file or into a hidden folder"
        return _error(Code.OUTSIDE_REPO, name, "this link leads to a hidden file", hint)
    return None


def problem_of_given(root: Path, path: Path) -> Diagnostic | None:
    """Say why a file that a person named is not read: it is one of the repo, and a link leads from there elsewhere."""
    name = name_in_repo(root, path)
    if name is None:
        return None
    if os.path.realpath(root / path) != os.path.realpath(root / name):  # the system follows a link before it goes up
        return _error(Code.OUTSIDE_REPO, name, "the path given goes up from a link", "give the path without `..`")
    return problem_of_link(os.path.realpath(root), name)


def _parts_below(real_root: str, real_path: str) -> Sequence[str]:
    """Split a path into its names below the repo; empty where it is not below it."""
    above = real_root.rstrip(os.sep) + os.sep
    return Path(real_path[len(above) :]).parts if real_path.startswith(above) else ()


def _walk(start: str, below: "Folder", real_root: str) -> Iterator[RepoFile | Diagnostic]:
    waiting = [(start, below.path)]
    while waiting:
        folder, prefix = waiting.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError as err:
            yield unreadable(prefix, err)
            continue
        for entry in entries:
            inner = f"{prefix}/{entry.name}"
            if entry.name.startswith("."):
                continue
            is_read = entry.name.lower().endswith(SUFFIXES) or entry.is_dir(follow_symlinks=False)
            if is_read and (odd := invisible_in_name(entry.name)) is not None:
                message = f"the name holds {named(entry.name[odd])}, which cannot be seen"
                yield _error(Code.BAD_ADDRESS, inner, message, "rename it: reviewers must see what an address is")
            elif entry.is_dir(follow_symlinks=False):
                waiting.append((entry.path, inner))
            elif entry.is_symlink() and (problem := _problem_of_entry(entry, inner, real_root)) is not None:
                yield problem
            elif entry.name.lower().endswith(SUFFIXES):
                if entry.is_file():
                    yield RepoFile(entry.path, inner, below.kind)
                else:
                    message, hint = "this is not a regular file", "replace it by a plain YAML file"
                    yield _error(Code.UNREADABLE, inner, message, hint)


def _problem_of_entry(entry: os.DirEntry[str], name: str, real_root: str) -> Diagnostic | None:
    """Say why a link among the files is not followed; links to folders could go round in circles."""
    if (problem := problem_of_link(real_root, name)) is not None:
        return problem
    try:
        entry.stat()
    except FileNotFoundError:
        return None
    except OSError:
        return _error(Code.UNREADABLE, name, "this link leads to itself", "replace it by a plain YAML file")
    if entry.is_dir():
        hint = "move the folder here, or link its files one by one"
        return _error(Code.OUTSIDE_REPO, name, "links to folders are not followed", hint)
    return None


def unreadable(name: str, err: OSError) -> Diagnostic:
    """Say that the operating system refused a file or folder, and why."""
    return _error(Code.UNREADABLE, name, f"this cannot be read: {err.strerror or err}", None)


def _error(code: Code, name: str, message: str, hint: str | None) -> Diagnostic:
    return Diagnostic(Severity.ERROR, code, message, hint, file=name)
