"""
All campaign files -> the desired state, with every mistake of every file in one run.

The way of a file: bytes, documents, campaigns (rendered, checked, built), then what only shows among all of them. Read
`load` first.
"""

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from msgflash_apply.campaign import Address, Desired, Source
from msgflash_apply.config.addresses import bad_segment, base_address
from msgflash_apply.config.clashes import Origin, Placed, clashes
from msgflash_apply.config.codes import Code
from msgflash_apply.config.documents import BadYaml, Document, parse
from msgflash_apply.config.expand import expand
from msgflash_apply.config.files import CampaignFile, campaign_files, read_bytes, unreadable
from msgflash_apply.config.findings import Finding, located, misread
from msgflash_apply.config.near import shown
from msgflash_apply.config.settings import Settings
from msgflash_apply.config.validate import check
from msgflash_apply.errors import Diagnostic, in_order


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
    work = _Work(settings)
    with _collector_paused():
        for found in campaign_files(settings.root, settings.campaigns, paths):
            if isinstance(found, Diagnostic):
                work.diagnostics.append(found)
            else:
                work.read(found)
        return work.done()


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Loading builds trees and no cycles: walking them all again and again takes an eighth of the time for nothing."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@dataclass(slots=True)
class _Work:
    """What one load gathers, file by file."""

    settings: Settings
    campaigns: list[Placed] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    files: int = 0

    def read(self, file: CampaignFile) -> None:
        """Take in one file."""
        self.files += 1
        try:
            data = read_bytes(file.path)
            documents = parse(data)
        except OSError as err:
            self.diagnostics.append(unreadable(file.name, err))
        except BadYaml as err:
            self.diagnostics.append(misread(err, file.name))
        else:
            for document in documents:
                origin = Origin(file.name, data, document.index, document.line)
                self._take(document, origin, several=len(documents) > 1)

    def _take(self, document: Document, origin: Origin, *, several: bool) -> None:
        fields = document.value
        if not isinstance(fields, dict):
            self._report(check(fields), origin)
            return
        key = fields.get("key") if isinstance(fields.get("key"), str) else None
        base = base_address(origin.file, self.settings.campaigns, key)
        findings = list(_address_findings(base, has_key="key" in fields, several=several))
        for one in expand(fields, base, Source(origin.file, origin.line), self.settings):
            findings += one.findings
            if not several or key is not None:
                self.campaigns.append(Placed(one.address, one.desired, origin))
        self._report(findings, origin)

    def _report(self, findings: Iterable[Finding], origin: Origin) -> None:
        """Place findings; those that the entries of a `for_each` share are told once."""
        if unique := dict.fromkeys(findings):
            self.diagnostics += located(unique, origin.data, origin.index, origin.file)

    def done(self) -> Loaded:
        """Compare the campaigns with each other, and hand over."""
        for placed, finding in clashes(self.campaigns):
            self._report((finding,), placed.origin)
        usable = (placed.desired for placed in self.campaigns if placed.desired is not None)
        return Loaded(tuple(sorted(usable, key=_address)), in_order(self.diagnostics), self.files)


def _address(campaign: Desired) -> Address:
    return campaign.address


def _address_findings(base: Address, *, has_key: bool, several: bool) -> Iterator[Finding]:
    if several and not has_key:
        hint = "add `key: ...`, the last segment of its address, to each"
        yield Finding(Code.MISSING_KEY, (), "the file holds several documents, and this one has no `key`", hint)
    named_by_files = base.rpartition("/")[0] if has_key else base  # a key is checked by the schema
    if named_by_files and (bad := bad_segment(named_by_files)) is not None:
        message = f"{shown(bad)} can not be part of an address"
        hint = "name files and folders with letters, digits, `.`, `_` and `-`, beginning with a letter or digit"
        yield Finding(Code.BAD_ADDRESS, (), message, hint, address=base)
