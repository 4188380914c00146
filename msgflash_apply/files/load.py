"""
All campaign files -> the desired state, with every mistake of every file in one run.

The way of a file: bytes, documents, campaigns (rendered, checked, built), as `campaigns_of` tells it; then comes what
shows only among all of them (`conflicts.py`). Read `load` first.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from operator import attrgetter
from pathlib import Path

from msgflash_apply.campaign import Address, Desired, Source, bad_segment, base_address
from msgflash_apply.files.conflicts import find_conflicts
from msgflash_apply.files.expand import Expanded, expand
from msgflash_apply.files.repo import CampaignFile, campaign_files, leaked_keys, read_bytes, unreadable
from msgflash_apply.files.written import check_written
from msgflash_apply.files.yaml_tree import located, parse
from msgflash_apply.findings import MOST_FINDINGS, Code, Diagnostic, Finding, Refused, in_order, shown
from msgflash_apply.models.campaign_file import CAMPAIGNS
from msgflash_apply.models.explain import explain
from msgflash_apply.models.project import Settings


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
        """Whether a plan cannot be made."""
        return any(diagnostic.is_error for diagnostic in self.diagnostics)


def load(settings: Settings, paths: Sequence[Path] = ()) -> Loaded:
    """
    Read the campaigns of a repo. Mistakes in files never raise: they come back, all of them.

    Args:
        settings: of the run.
        paths: files or folders to narrow the reading to; conflicts with others are then not seen.
    """
    return load_found(campaign_files(settings.root, settings.campaigns, paths), settings)


def load_found(found: Iterable[CampaignFile | Diagnostic], settings: Settings) -> Loaded:
    """Read files that were found; see `load`."""
    campaigns: list[Expanded] = []
    diagnostics: list[Diagnostic] = [*settings.warnings]
    files: dict[str, bytes] = {}
    for one in found:
        if isinstance(one, Diagnostic):
            diagnostics.append(one)
            continue
        files[one.name] = b""
        try:
            files[one.name] = read_bytes(one.path)
        except OSError as err:
            diagnostics.append(unreadable(one.name, err))
            continue
        in_file, mistakes = campaigns_of(files[one.name], one.name, settings)
        campaigns += in_file
        diagnostics += mistakes
    conflicts = sorted(find_conflicts(campaigns), key=_file_of)
    for file, of_file in groupby(conflicts, _file_of):
        documents = {document.line: document for document in parse(files[file])}
        for campaign, finding in of_file:
            diagnostics += located([finding], documents[campaign.source.line], campaign.source)
    usable = sorted((one.desired for one in campaigns if one.desired is not None), key=attrgetter("address"))
    return Loaded(tuple(usable), in_order(diagnostics), len(files))


def _file_of(conflict: tuple[Expanded, Finding]) -> str:
    return conflict[0].source.file


def campaigns_of(data: bytes, file: str, settings: Settings) -> tuple[list[Expanded], list[Diagnostic]]:
    """
    Read one file. Mistakes never raise: they come back, all of them.

    Args:
        data: its bytes.
        file: its name, relative to the repo.
        settings: of the run.

    Returns:
        Its campaigns in the file's order, those with an error included; errors and warnings.
    """
    campaigns: list[Expanded] = []
    diagnostics = list(leaked_keys(data, file))
    try:
        documents = parse(data)
    except Refused as err:
        return [], [*diagnostics, *located([err.finding], None, Source(file))]
    several = len(documents) > 1
    for document in documents:
        fields, source = document.value, Source(file, document.line)
        if not isinstance(fields, dict):
            diagnostics += located(explain(fields, CAMPAIGNS), document, source)
            continue
        key = fields.get("key") if isinstance(fields.get("key"), str) else None
        base = base_address(file, settings.campaigns, key)
        # The entries of a `for_each` share mistakes, which are shown once.
        findings = dict.fromkeys(_address_findings(base, has_key="key" in fields, several=several))
        findings |= dict.fromkeys(check_written(document))
        for one in expand(fields, base, source, settings, document.written):
            findings |= dict.fromkeys(one.findings)
            if not several or key is not None:
                campaigns.append(one)
        diagnostics += located(islice(findings, MOST_FINDINGS), document, source)
        if len(findings) >= MOST_FINDINGS:
            message = f"the document holds {MOST_FINDINGS} mistakes or more; these are the first"
            hint = "fix them, and see whether there are others"
            diagnostics += located([Finding(Code.WRONG_SIZE, (), message, hint)], document, source)
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
