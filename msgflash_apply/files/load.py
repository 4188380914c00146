"""
All campaign files -> the desired state, with every mistake of every file in one run.

The way of a file: this process lists and reads it, and a child that the system bounds (`bounded.py`) makes campaigns of
it, or findings, as `campaigns_of` tells it. What comes back is plain. Then comes what shows only among all campaigns
(`conflicts.py`), and what only among all environments (`load_each`). Read `load` first.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations, islice
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeAlias, cast

from msgflash_apply.campaign import (
    DEFAULT_LIFECYCLE,
    Address,
    Desired,
    Fingerprint,
    Lifecycle,
    Source,
    bad_segment,
    base_address,
    parse_instant,
    shared_names,
)
from msgflash_apply.files.bounded import BOUNDS, UNREAD, Exceeded, run
from msgflash_apply.files.bounded_child import Bounds, File
from msgflash_apply.files.conflicts import find_conflicts
from msgflash_apply.files.expand import Expanded, expand
from msgflash_apply.files.leaked_keys import hidden_keys, leaked_keys
from msgflash_apply.files.reading import (
    PlainDiagnostic,
    as_diagnostic,
    as_plain,
    documents_of,
    exceeded,
    placed,
    too_much,
)
from msgflash_apply.files.repo import CampaignFile, campaign_files, read_bytes, unreadable
from msgflash_apply.files.schedule import supply_zone
from msgflash_apply.files.settings import PROJECT_FILE
from msgflash_apply.files.written import check_written
from msgflash_apply.files.yaml_tree import located
from msgflash_apply.findings import Code, Diagnostic, Finding, Severity, in_order, listed, shown
from msgflash_apply.limits import MAX_CAMPAIGNS, MAX_FILES, MAX_FINDINGS
from msgflash_apply.models.campaign_file import CAMPAIGNS
from msgflash_apply.models.explain import explain, get_ready
from msgflash_apply.models.project import Settings


@dataclass(frozen=True, slots=True)
class Loaded:
    """
    What the files say.

    Attributes:
        campaigns: those without an error, sorted by address.
        diagnostics: errors and warnings, in order. With an error among them `campaigns` is not the desired state.
        files: how many were read.
        environments: for which.
    """

    campaigns: tuple[Desired, ...]
    diagnostics: tuple[Diagnostic, ...]
    files: int
    environments: tuple[str, ...] = ()

    @property
    def has_errors(self) -> bool:
        """Whether a plan cannot be made."""
        return any(diagnostic.is_error for diagnostic in self.diagnostics)


def load(settings: Settings, paths: Sequence[Path] = (), bounds: Bounds = BOUNDS) -> Loaded:
    """
    Read the campaigns of a repo. Mistakes in files never raise: they come back, all of them.

    Args:
        settings: of the run.
        paths: files or folders to narrow the reading to; conflicts with others are then not seen.
        bounds: what reading may cost.
    """
    return load_found(campaign_files(settings.root, settings.campaigns, paths), settings, bounds)


def load_each(every: Sequence[Settings], paths: Sequence[Path] = ()) -> Loaded:
    """
    Read the campaigns of a repo for each of several environments, which together may cost what one may.

    Args:
        every: the settings of each environment.
        paths: as for `load`.

    Returns:
        The campaigns of all, one of each address. A finding that some environments have and others have not names them.
    """
    bounds = replace(BOUNDS, total_cpu_seconds=BOUNDS.total_cpu_seconds // len(every))
    campaigns: dict[Address, Desired] = {}
    mailings: dict[str, dict[Fingerprint, Desired]] = {}
    having: dict[Diagnostic, list[str]] = {}
    files = 0
    for settings in every:
        loaded = load(settings, paths, bounds)
        campaigns |= {one.address: one for one in loaded.campaigns}
        mailings[settings.environment] = {one.fingerprint: one for one in loaded.campaigns}
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
    return Loaded(tuple(usable), findings.in_order(), files, tuple(mailings))


def _sent_by_both(mailings: Mapping[str, Mapping[Fingerprint, Desired]]) -> Iterator[Finding]:
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


def load_found(found: Iterable[CampaignFile | Diagnostic], settings: Settings, bounds: Bounds = BOUNDS) -> Loaded:
    """Read files that were found; see `load`."""
    findings = _Findings()
    campaigns: list[Expanded] = []
    findings.add(settings.warnings)
    files = _Files(found, findings)
    for in_file, mistakes in read_files(files, settings, bounds):
        campaigns += in_file
        findings.add(mistakes)
        if len(campaigns) > MAX_CAMPAIGNS:
            findings.add([too_much(f"there are more than {MAX_CAMPAIGNS} campaigns")])
            break
    findings.add(_conflicts(campaigns, settings))
    usable = sorted((one.desired for one in campaigns if one.desired is not None), key=attrgetter("address"))
    return Loaded(tuple(usable), findings.in_order(), files.count, (settings.environment,))


def read_files(
    files: Iterable[File], settings: Settings, bounds: Bounds = BOUNDS
) -> Iterator[tuple[list[Expanded], list[Diagnostic]]]:
    """
    Read the campaigns of files, in children. Mistakes never raise: they come back, all of them.

    Returns:
        For each file its campaigns, those with an error included but without their findings; and errors and warnings.
    """
    get_ready(CAMPAIGNS)
    unread = 0
    for file, result in run(partial(read_plainly, settings), files, supply=supply_zone, bounds=bounds):
        if result is UNREAD:
            unread += 1
            continue
        if isinstance(result, Exceeded):
            yield [], [exceeded(file, result)]
            continue
        campaigns, diagnostics = cast("tuple[list[_PlainCampaign], list[PlainDiagnostic]]", result)
        yield [_as_campaign(file.name, plain) for plain in campaigns], list(map(as_diagnostic, diagnostics))
    if unread:
        yield [], [too_much(f"{unread} files were not read")]


def read_plainly(settings: Settings, file: File) -> object:
    """What a child does with a file: as `campaigns_of`, in plain data."""
    campaigns, diagnostics = campaigns_of(file, settings)
    return [_as_plain(one) for one in campaigns], [as_plain(each) for each in diagnostics]


def campaigns_of(file: File, settings: Settings) -> tuple[list[Expanded], list[Diagnostic]]:
    """
    Read one file, in this process. Mistakes never raise: they come back, all of them.

    Returns:
        Its campaigns in the file's order, those with an error included; errors and warnings.
    """
    campaigns: list[Expanded] = []
    diagnostics = list(leaked_keys(file.data, file.name))
    documents = documents_of(file)
    if isinstance(documents, Diagnostic):
        return [], [*diagnostics, documents]
    several = len(documents) > 1
    for document in documents:
        fields, source = document.value, Source(file.name, document.line)
        if not isinstance(fields, dict):
            diagnostics += located(explain(fields, CAMPAIGNS), document, source)
            continue
        key = fields.get("key") if isinstance(fields.get("key"), str) else None
        base = base_address(file.name, settings.campaigns, key)
        # The entries of a `for_each` share mistakes, which are shown once.
        findings = dict.fromkeys(_address_findings(base, has_key="key" in fields, several=several))
        findings |= dict.fromkeys(islice(check_written(document), MAX_FINDINGS))
        findings |= dict.fromkeys(islice(hidden_keys(fields, file.data), MAX_FINDINGS))
        for one in expand(fields, base, source, settings, document.written):
            if len(findings) <= MAX_FINDINGS:
                findings |= dict.fromkeys(one.findings)
            if not several or key is not None:
                campaigns.append(one)
        # One more than is shown, so that the others are counted.
        diagnostics += located(islice(findings, MAX_FINDINGS + 1), document, source)
    return campaigns, diagnostics


def _address_findings(base: Address, *, has_key: bool, several: bool) -> Iterator[Finding]:
    if several and not has_key:
        hint = "add `key: ...`, the last segment of its address, to each"
        yield Finding(Code.MISSING_KEY, (), "the file holds several documents, and this one has no `key`", hint)
    named_by_files = base.rpartition("/")[0] if has_key else base  # a key is checked by the schema
    if named_by_files and (bad := bad_segment(named_by_files)) is not None:
        message = f"{shown(bad)} cannot be part of an address"
        hint = "name files and folders with letters, digits, `.`, `_` and `-`, beginning with a letter or digit"
        yield Finding(Code.BAD_ADDRESS, (), message, hint, address=base)


# How a campaign comes back from a child. Its start is in its payload, and its file is known.

_PlainLifecycle: TypeAlias = tuple[str, str, tuple[str, ...]]

_PlainDesired: TypeAlias = tuple[
    dict[str, object],
    dict[str, str],
    str | None,
    bool | None,
    _PlainLifecycle | None,
    dict[str, str],
    tuple[str, ...],
    int | None,
]

_PlainCampaign: TypeAlias = tuple[str, int, _PlainDesired | None]


def _as_plain(one: Expanded) -> _PlainCampaign:
    wanted = one.desired
    if wanted is None:
        return one.address, one.source.line, None
    lifecycle = None
    if wanted.lifecycle is not DEFAULT_LIFECYCLE:
        lifecycle = (wanted.lifecycle.on_change, wanted.lifecycle.on_remove, wanted.lifecycle.ignore_changes)
    plain = (
        wanted.payload, wanted.names, wanted.timezone, wanted.paused, lifecycle, wanted.labels, wanted.moved_from,
        wanted.max_people,
    )  # fmt: skip
    return one.address, one.source.line, cast("_PlainDesired", plain)


def _as_campaign(file: str, plain: _PlainCampaign) -> Expanded:
    text, line, fields = plain
    address, source = Address(text), Source(file, line)
    if fields is None:
        return Expanded(address, source, None, ())
    payload, names, timezone, paused, lifecycle, labels, moved_from, max_people = fields
    wanted = Desired(
        address=address,
        source=source,
        payload=payload,
        names=shared_names(names),
        starts_at=parse_instant(str(payload["schedule"])),
        timezone=timezone,
        paused=paused,
        lifecycle=DEFAULT_LIFECYCLE if lifecycle is None else Lifecycle(*cast("tuple[Any, ...]", lifecycle)),
        labels=labels,
        moved_from=cast("tuple[Address, ...]", moved_from),
        max_people=max_people,
    )
    return Expanded(address, source, wanted, ())


# What is said of all files.


class _Files:
    """The files that were found, read one by one as they are needed; what cannot be read is a finding."""

    def __init__(self, found: Iterable[CampaignFile | Diagnostic], findings: "_Findings") -> None:
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
                self._findings.add([too_much(f"there are more than {MAX_FILES} files of campaigns")])
                return
            try:
                data = read_bytes(one.path)
            except OSError as err:
                self._findings.add([unreadable(one.name, err)])
                continue
            yield File(one.name, data)


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


def _conflicts(campaigns: Sequence[Expanded], settings: Settings) -> Iterator[Diagnostic]:
    """What is wrong between campaigns, in place."""
    found = islice(find_conflicts(campaigns, settings), MAX_FINDINGS)
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
