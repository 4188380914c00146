"""
All campaign files -> the desired state, with every mistake of every file in one run.

A file's own contents come from `contents`, or from `known` where it is the same as last time; then comes what only
shows among all of them, `clashes`. Read `load` first.
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from msgflash_apply.campaign import Address, Desired
from msgflash_apply.config.cache import Cache
from msgflash_apply.config.clashes import clashes
from msgflash_apply.config.files import CampaignFile, campaign_files, read_bytes, unreadable
from msgflash_apply.config.known import KnownFiles
from msgflash_apply.config.placed import Contents, Placed, in_place
from msgflash_apply.config.settings import Settings
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


def load(settings: Settings, paths: Sequence[Path] = (), cache: Cache | None = None) -> Loaded:
    """
    Read the campaigns of a repo. Mistakes in files never raise: they come back, all of them.

    Args:
        settings: of the run.
        paths: files or folders to narrow the reading to; what clashes with others is then not seen.
        cache: where to look for, and keep, what files say; it changes nothing but the time that it takes.
    """
    with _collector_paused():
        work = _Work(settings, KnownFiles(cache, settings) if cache is not None and not paths else None)
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


class _Work:
    """What one load gathers, file by file."""

    def __init__(self, settings: Settings, known: KnownFiles | None) -> None:
        self._settings = settings
        self._known = known
        self._campaigns: list[Placed] = []
        self.diagnostics: list[Diagnostic] = []
        self._files = 0

    def read(self, file: CampaignFile) -> None:
        """Take in one file."""
        self._files += 1
        try:
            data = read_bytes(file.path)
        except OSError as err:
            self.diagnostics.append(unreadable(file.name, err))
            return
        contents = self._contents_of(data, file.name)
        self._campaigns += contents.campaigns
        self.diagnostics += contents.diagnostics

    def _contents_of(self, data: bytes, file: str) -> Contents:
        if self._known is not None and (known := self._known.contents_of(file, data)) is not None:
            return known
        from msgflash_apply.config.contents import contents_of  # noqa: PLC0415 - brings the libraries for YAML and more

        contents = contents_of(data, file, self._settings)
        if self._known is not None:
            self._known.learn(file, data, contents)
        return contents

    def done(self) -> Loaded:
        """Compare the campaigns with each other, and hand over."""
        usable = [placed.desired for placed in self._campaigns if placed.desired is not None]
        if self._known is not None:
            self._known.keep({campaign.timezone for campaign in usable if campaign.timezone is not None})
        for placed, finding in clashes(self._campaigns):
            self.diagnostics += in_place((finding,), placed.origin)
        return Loaded(tuple(sorted(usable, key=_address)), in_order(self.diagnostics), self._files)


def _address(campaign: Desired) -> Address:
    return campaign.address
