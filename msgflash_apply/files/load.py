"""
One campaign file -> its campaigns, and every mistake in it. What only shows among all files is `clashes`.

The way of a file: bytes, documents, campaigns (rendered, checked, built).

All campaign files -> the desired state, with every mistake of every file in one run.

A file's own contents come from `contents`; then comes what only shows among all of them, `clashes`. Read `load` first.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter
from pathlib import Path

from msgflash_apply.campaign import Address, Desired, Source, bad_segment, base_address
from msgflash_apply.files.conflicts import clashes
from msgflash_apply.files.expand import expand
from msgflash_apply.files.positions import Origin, Placed, in_place, misread
from msgflash_apply.files.repo import CampaignFile, campaign_files, leaked_keys, read_bytes, unreadable
from msgflash_apply.files.template_values import Pool
from msgflash_apply.files.yaml_values import BadYaml, Document, parse
from msgflash_apply.findings import MOST_TOLD, Code, Diagnostic, Finding, in_order, shown
from msgflash_apply.models.project import Settings
from msgflash_apply.models.schema import check


def contents_of(data: bytes, file: str, settings: Settings) -> tuple[list[Placed], list[Diagnostic]]:
    """
    Read one file. Mistakes never raise: they come back, all of them.

    Args:
        data: its bytes.
        file: its name, relative to the repo.
        settings: of the run.

    Returns:
        Its campaigns in the file's order, those with an error included; errors and warnings.
    """
    campaigns: list[Placed] = []
    diagnostics = list(leaked_keys(data, file))
    try:
        documents = parse(data)
    except BadYaml as err:
        return [], [*diagnostics, misread(err, file)]
    pool = Pool()
    for document in documents:
        origin = Origin(file, data, document.index, document.line)
        in_document, mistakes = _campaigns_in(document, origin, settings, pool, several=len(documents) > 1)
        campaigns += in_document
        diagnostics += mistakes
    return campaigns, diagnostics


def _campaigns_in(
    document: Document, origin: Origin, settings: Settings, pool: Pool, *, several: bool
) -> tuple[list[Placed], Iterator[Diagnostic]]:
    fields = document.value
    if not isinstance(fields, dict):
        return [], in_place(check(fields), origin)
    key = fields.get("key") if isinstance(fields.get("key"), str) else None
    base = base_address(origin.file, settings.campaigns, key)
    findings = dict.fromkeys(_address_findings(base, has_key="key" in fields, several=several))
    campaigns: list[Placed] = []
    for one in expand(fields, base, Source(origin.file, origin.line), settings, pool):
        findings |= dict.fromkeys(one.findings)
        if not several or key is not None:
            campaigns.append(Placed(one.address, one.desired, origin))
    return campaigns, in_place(_bounded(findings), origin)


def _bounded(findings: Collection[Finding]) -> Iterator[Finding]:
    """The first thousand, and that there are more."""
    yield from islice(findings, MOST_TOLD)
    if len(findings) >= MOST_TOLD:
        message = f"the document holds {MOST_TOLD} mistakes or more; these are the first"
        yield Finding(Code.WRONG_SIZE, (), message, "mend them, and see whether there are others")


def _address_findings(base: Address, *, has_key: bool, several: bool) -> Iterator[Finding]:
    if several and not has_key:
        hint = "add `key: ...`, the last segment of its address, to each"
        yield Finding(Code.MISSING_KEY, (), "the file holds several documents, and this one has no `key`", hint)
    named_by_files = base.rpartition("/")[0] if has_key else base  # a key is checked by the schema
    if named_by_files and (bad := bad_segment(named_by_files)) is not None:
        message = f"{shown(bad)} cannot be part of an address"
        hint = "name files and folders with letters, digits, `.`, `_` and `-`, beginning with a letter or digit"
        yield Finding(Code.BAD_ADDRESS, (), message, hint, address=base)


@dataclass(frozen=True, slots=True)
class Loaded:
    """
    What the files say.

    Attributes:
        campaigns: those without an error, sorted by address.
        diagnostics: errors and warnings, in order. With an error among them `campaigns` is not the desired state.
        files: how many were read.
    """

    campaigns: tuple[Desired, ...]
    diagnostics: tuple[Diagnostic, ...]
    files: int

    @property
    def has_errors(self) -> bool:
        """Whether anything stands in the way of a plan."""
        return any(diagnostic.is_error for diagnostic in self.diagnostics)


def load(settings: Settings, paths: Sequence[Path] = ()) -> Loaded:
    """
    Read the campaigns of a repo. Mistakes in files never raise: they come back, all of them.

    Args:
        settings: of the run.
        paths: files or folders to narrow the reading to; what clashes with others is then not seen.
    """
    return load_found(campaign_files(settings.root, settings.campaigns, paths), settings)


def load_found(found: Iterable[CampaignFile | Diagnostic], settings: Settings) -> Loaded:
    """Read files that were found; see `load`."""
    campaigns: list[Placed] = []
    diagnostics: list[Diagnostic] = []
    files = 0
    for one in found:
        if isinstance(one, Diagnostic):
            diagnostics.append(one)
            continue
        files += 1
        try:
            data = read_bytes(one.path)
        except OSError as err:
            diagnostics.append(unreadable(one.name, err))
            continue
        in_file, mistakes = contents_of(data, one.name, settings)
        campaigns += in_file
        diagnostics += mistakes
    for placed, finding in clashes(campaigns):
        diagnostics += in_place((finding,), placed.origin)
    usable = sorted((one.desired for one in campaigns if one.desired is not None), key=attrgetter("address"))
    return Loaded(tuple(usable), in_order(diagnostics), files)
