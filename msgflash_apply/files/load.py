"""
All campaign and template files -> the desired state, with every mistake of every file in one run.

The way of a file: this process lists and reads it, and a child that the system bounds (`bounded.py`) makes campaigns or
templates of it, or findings, as `wanted_of` tells it. What comes back is plain. Then comes what shows only among all of
them (`conflicts.py`, `template_use.py`), and what only among all environments (`load_each`). Read `load` first.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, combinations, islice
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeAlias, cast

from msgflash_apply.campaign import (
    Address,
    Desired,
    Fingerprint,
    Source,
    bad_segment,
    base_address,
)
from msgflash_apply.files.bounded import BOUNDS, UNREAD, Exceeded, run
from msgflash_apply.files.bounded_child import Bounds, File
from msgflash_apply.files.conflicts import Conflict, address_conflicts, find_conflicts
from msgflash_apply.files.expand import KINDS, Expanded, expand
from msgflash_apply.files.leaked_keys import hidden_keys, leaked_keys
from msgflash_apply.files.plain import PlainEntry, plain_of, wanted_in
from msgflash_apply.files.reading import (
    PlainDiagnostic,
    as_diagnostic,
    as_plain,
    documents_of,
    exceeded,
    placed,
    too_much,
)
from msgflash_apply.files.repo import RepoFile, read_bytes, repo_files, unreadable
from msgflash_apply.files.schedule import supply_zone
from msgflash_apply.files.settings import PROJECT_FILE
from msgflash_apply.files.template_use import use_templates
from msgflash_apply.files.written import check_written
from msgflash_apply.files.yaml_tree import located
from msgflash_apply.findings import Code, Diagnostic, Finding, Severity, in_order, listed, shown
from msgflash_apply.limits import MAX_CAMPAIGNS, MAX_FILES, MAX_FINDINGS
from msgflash_apply.models.explain import explain, get_ready
from msgflash_apply.models.project import FileKind, Settings
from msgflash_apply.template import DesiredTemplate


@dataclass(frozen=True, slots=True)
class Loaded:
    """
    What the files say.

    Attributes:
        campaigns: those without an error, sorted by address.
        diagnostics: errors and warnings, in order. With an error among them the rest is not the desired state.
        files: how many were read.
        environments: for which.
        templates: those without an error, sorted by address.
    """

    campaigns: tuple[Desired, ...]
    diagnostics: tuple[Diagnostic, ...]
    files: int
    environments: tuple[str, ...] = ()
    templates: tuple[DesiredTemplate, ...] = ()

    @property
    def has_errors(self) -> bool:
        """Whether a plan cannot be made."""
        return any(diagnostic.is_error for diagnostic in self.diagnostics)


def load(settings: Settings, paths: Sequence[Path] = (), bounds: Bounds = BOUNDS) -> Loaded:
    """
    Read the campaigns and templates of a repo. Mistakes in files never raise: they come back, all of them.

    Args:
        settings: of the run.
        paths: files or folders to narrow the reading to; conflicts with others are then not seen.
        bounds: what reading may cost.
    """
    return load_found(repo_files(settings.root, settings.folders, paths), settings, bounds)


def load_each(every: Sequence[Settings], paths: Sequence[Path] = ()) -> Loaded:
    """
    Read the files of a repo for each of several environments, which together may cost what one may.

    Args:
        every: the settings of each environment.
        paths: as for `load`.

    Returns:
        The campaigns and templates of all, one of each address. A finding that some environments have and others have
        not names them.
    """
    bounds = replace(BOUNDS, total_cpu_seconds=BOUNDS.total_cpu_seconds // len(every))
    campaigns: dict[Address, Desired] = {}
    templates: dict[Address, DesiredTemplate] = {}
    mailings: dict[str, _Mailings] = {}
    having: dict[Diagnostic, list[str]] = {}
    files = 0
    for settings in every:
        loaded = load(settings, paths, bounds)
        campaigns |= {one.address: one for one in loaded.campaigns}
        templates |= {one.address: one for one in loaded.templates}
        said = {one.address: one.content.digest for one in loaded.templates}
        mailings[settings.environment] = {
            (one.fingerprint, None if one.template is None else said[one.template]): one for one in loaded.campaigns
        }
        files = max(files, loaded.files)
        for each in loaded.diagnostics:
            having.setdefault(each, []).append(settings.environment)
    findings = _Findings()
    for each, environments in having.items():
        if len(environments) == len(every):
            findings.add([each])
        elif not paths or each.code != Code.NOT_FOUND:  # a path may be below the campaigns folder of some alone
            where = ("environment " if len(environments) == 1 else "environments ") + listed(environments)
            findings.add([replace(each, message=f"{each.message} ({where})")])
    if both := [(1, each) for each in _sent_by_both(mailings)]:
        findings.add(_in_place(every[0].root, {PROJECT_FILE: both}))
    usable = sorted(campaigns.values(), key=attrgetter("address"))
    of_repo = sorted(templates.values(), key=attrgetter("address"))
    return Loaded(tuple(usable), findings.in_order(), files, tuple(mailings), tuple(of_repo))


_Mailings: TypeAlias = dict[tuple[Fingerprint, str | None], Desired]
"""Campaigns by what they send; the digest is of what a template of the repo says."""


def _sent_by_both(mailings: Mapping[str, _Mailings]) -> Iterator[Finding]:
    """Warn of each two environments that would send people the same thing: each does not know what the other sent."""
    for (one, sent), (other, also_sent) in combinations(mailings.items(), 2):
        if both := sorted(sent[each].address for each in sent.keys() & also_sent.keys()):
            message = (
                f"the environments `{one}` and `{other}` would send the same message from the same number to the same "
                f"people: campaign `{both[0]}`" + f", and {len(both) - 1} more" * (len(both) > 1)
            )
            hint = "give one of them `recipients` of a few colleagues, or another `defaults.instance`"
            path = ("environments", other)
            yield Finding(Code.SENT_BY_BOTH, path, message, hint, on_key=True, severity=Severity.WARNING)


def load_found(found: Iterable[RepoFile | Diagnostic], settings: Settings, bounds: Bounds = BOUNDS) -> Loaded:
    """Read files that were found; see `load`."""
    findings = _Findings()
    campaigns: list[Expanded[Desired]] = []
    templates: list[Expanded[DesiredTemplate]] = []
    by_kind: Mapping[FileKind, list[Any]] = {"campaign": campaigns, "template": templates}
    findings.add(settings.warnings)
    files = _Files(found, findings)
    for kind, in_file, mistakes in read_files(files, settings, bounds):
        by_kind[kind] += in_file
        findings.add(mistakes)
        if len(campaigns) + len(templates) > MAX_CAMPAIGNS:
            findings.add([too_much(f"there are more than {MAX_CAMPAIGNS} campaigns and templates")])
            break
    campaigns, misused = use_templates(campaigns, templates, settings)
    conflicts = chain(find_conflicts(campaigns, settings), address_conflicts(templates, "template"), misused)
    findings.add(_in_files(conflicts, settings))
    usable = sorted((one.desired for one in campaigns if one.desired is not None), key=attrgetter("address"))
    of_repo = sorted((one.desired for one in templates if one.desired is not None), key=attrgetter("address"))
    return Loaded(tuple(usable), findings.in_order(), files.count, (settings.environment,), tuple(of_repo))


def read_files(
    files: Iterable[File], settings: Settings, bounds: Bounds = BOUNDS
) -> Iterator[tuple[FileKind, list[Expanded[Any]], list[Diagnostic]]]:
    """
    Read files, in children. Mistakes never raise: they come back, all of them.

    Args:
        files: each with its kind as `about`.
        settings: of the run.
        bounds: what reading may cost.

    Returns:
        For each file its kind and its campaigns or templates, those with an error included but without their findings;
        and errors and warnings.
    """
    unread = 0
    for file, result in run(partial(read_plainly, settings), _made_ready(files), supply=supply_zone, bounds=bounds):
        kind = cast("FileKind", file.about)
        if result is UNREAD:
            unread += 1
            continue
        if isinstance(result, Exceeded):
            yield kind, [], [exceeded(file, result)]
            continue
        every, diagnostics = cast("tuple[list[PlainEntry], list[PlainDiagnostic]]", result)
        yield kind, [wanted_in(file.name, kind, plain) for plain in every], list(map(as_diagnostic, diagnostics))
    if unread:
        yield "campaign", [], [too_much(f"{unread} files were not read")]


def _made_ready(files: Iterable[File]) -> Iterator[File]:
    """Build the models of a kind of file before a child reads the first of them."""
    ready = set()
    for file in files:
        if file.about not in ready:
            ready.add(file.about)
            get_ready(KINDS[cast("FileKind", file.about)].models)
        yield file


def read_plainly(settings: Settings, file: File) -> object:
    """What a child does with a file: as `wanted_of`, in plain data."""
    every, diagnostics = wanted_of(file, settings)
    return [plain_of(one) for one in every], [as_plain(each) for each in diagnostics]


def wanted_of(file: File, settings: Settings) -> tuple[list[Expanded[Any]], list[Diagnostic]]:
    """
    Read one file, in this process. Mistakes never raise: they come back, all of them.

    Returns:
        Its campaigns or templates in the file's order, those with an error included; errors and warnings.
    """
    kind = cast("FileKind", file.about)
    every: list[Expanded[Any]] = []
    diagnostics = list(leaked_keys(file.data, file.name))
    documents = documents_of(file)
    if isinstance(documents, Diagnostic):
        return [], [*diagnostics, documents]
    folder = next(folder.path for folder in settings.folders if folder.kind == kind)
    several = len(documents) > 1
    for document in documents:
        fields, source = document.value, Source(file.name, document.line)
        if not isinstance(fields, dict):
            diagnostics += located(explain(fields, KINDS[kind].models), document, source)
            continue
        key = fields.get("key") if isinstance(fields.get("key"), str) else None
        base = base_address(file.name, folder, key)
        # The entries of a `for_each` share mistakes, which are shown once.
        findings = dict.fromkeys(_address_findings(base, has_key="key" in fields, several=several))
        findings |= dict.fromkeys(islice(check_written(document), MAX_FINDINGS))
        findings |= dict.fromkeys(islice(hidden_keys(fields, file.data), MAX_FINDINGS))
        for one in expand(fields, base, source, settings, document.written, kind):
            if len(findings) <= MAX_FINDINGS:
                findings |= dict.fromkeys(one.findings)
            if not several or key is not None:
                every.append(one)
        # One more than is shown, so that the others are counted.
        diagnostics += located(islice(findings, MAX_FINDINGS + 1), document, source)
    return every, diagnostics


def _address_findings(base: Address, *, has_key: bool, several: bool) -> Iterator[Finding]:
    if several and not has_key:
        hint = "add `key: ...`, the last segment of its address, to each"
        yield Finding(Code.MISSING_KEY, (), "the file holds several documents, and this one has no `key`", hint)
    named_by_files = base.rpartition("/")[0] if has_key else base  # a key is checked by the schema
    if named_by_files and (bad := bad_segment(named_by_files)) is not None:
        message = f"{shown(bad)} cannot be part of an address"
        hint = "name files and folders with letters, digits, `.`, `_` and `-`, beginning with a letter or digit"
        yield Finding(Code.BAD_ADDRESS, (), message, hint, address=base)


# What is said of all files.


class _Files:
    """The files that were found, read one by one as they are needed; what cannot be read is a finding."""

    def __init__(self, found: Iterable[RepoFile | Diagnostic], findings: "_Findings") -> None:
        self._found = iter(found)
        self._findings = findings
        self.count = 0

    def __iter__(self) -> Iterator[File]:
        for one in self._found:
            if isinstance(one, Diagnostic):
                self._findings.add([one])
                continue
            self.count += 1
            if self.count > MAX_FILES:
                self._findings.add([too_much(f"there are more than {MAX_FILES} files of campaigns and templates")])
                return
            try:
                data = read_bytes(one.path)
            except OSError as err:
                self._findings.add([unreadable(one.name, err)])
                continue
            yield File(one.name, data, one.kind)


class _Findings:
    """The first findings of all files, errors and warnings apart; of the others, how many there are."""

    def __init__(self) -> None:
        self._kept: dict[bool, list[Diagnostic]] = {True: [], False: []}
        self._more = 0

    def add(self, found: Iterable[Diagnostic]) -> None:
        """Keep findings, as long as there are not too many."""
        for each in found:
            kept = self._kept[each.is_error]
            if len(kept) < MAX_FINDINGS:
                kept.append(each)
            else:
                self._more += 1

    def in_order(self) -> tuple[Diagnostic, ...]:
        """All that is shown, errors before warnings where there is not room for both."""
        errors, warnings = in_order(self._kept[True]), in_order(self._kept[False])
        more = self._more + max(0, len(errors) + len(warnings) - MAX_FINDINGS)
        shown = in_order((errors + warnings)[:MAX_FINDINGS])
        if not more:
            return shown
        message, hint = (
            f"there are more findings than the {MAX_FINDINGS} shown: {more} at least",
            "fix these, and run it again",
        )
        return (*shown, Diagnostic(Severity.WARNING, Code.TOO_MUCH, message, hint))


def _in_files(conflicts: Iterable[Conflict], settings: Settings) -> Iterator[Diagnostic]:
    """What is wrong between campaigns and templates, in place."""
    found = islice(conflicts, MAX_FINDINGS)
    yield from _placed_again(((one.source, finding) for one, finding in found), settings.root)


def place(diagnostics: Iterable[Diagnostic], root: Path) -> tuple[Diagnostic, ...]:
    """Give what a plan found out the line and column of the field that it is about."""
    done: list[Diagnostic] = []
    findings: list[tuple[Source, Finding]] = []
    for one in diagnostics:
        if one.path is None or one.file is None or one.line is None:
            done.append(one)
            continue
        finding = Finding(
            cast("Code", one.code), one.path, one.message, one.hint, severity=one.severity, address=one.address
        )
        findings.append((Source(one.file, one.line), finding))
    return in_order([*done, *_placed_again(findings, root)])


def _placed_again(found: Iterable[tuple[Source, Finding]], root: Path) -> Iterator[Diagnostic]:
    """Place findings about documents that were read already: their files are read once more."""
    by_file: dict[str, list[tuple[int, Finding]]] = {}
    for source, finding in found:
        by_file.setdefault(source.file, []).append((source.line, finding))
    yield from _in_place(root, by_file)


def _in_place(root: Path, by_file: Mapping[str, Sequence[tuple[int, Finding]]]) -> Iterator[Diagnostic]:
    """Give findings, with the lines of their documents, their places in files."""
    files = []
    for name, about in by_file.items():
        data = b""
        with suppress(OSError):  # it was there before; its document's line is known
            data = read_bytes(str(root / name))
        files.append(File(name, data, about))
    yield from placed(files)
