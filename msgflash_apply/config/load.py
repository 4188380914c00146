"""
All campaign files -> the desired state, with every mistake of every file in one run.

A file's own contents come from `contents`, or from `known` where it is the same as last time; then comes what only
shows among all of them, `clashes`. Read `load` first.
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from msgflash_apply.campaign import Desired
from msgflash_apply.config.cache import Cache
from msgflash_apply.config.clashes import clashes
from msgflash_apply.config.files import CampaignFile, campaign_files, read_bytes, unreadable
from msgflash_apply.config.known import KnownFiles
from msgflash_apply.config.placed import Contents, in_place
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
        self._found: list[tuple[str, bytes, Contents | None]] = []
        self.diagnostics: list[Diagnostic] = []
        self._files = 0

    def read(self, file: CampaignFile) -> None:
        """Read one file; what it says, unless it is known, is worked out at the end, with the others."""
        self._files += 1
        try:
            data = read_bytes(file.path)
        except OSError as err:
            self.diagnostics.append(unreadable(file.name, err))
        else:
            known = self._known.contents_of(file.name, data) if self._known is not None else None
            self._found.append((file.name, data, known))

    def done(self) -> Loaded:
        """Work out what is not known, compare the campaigns with each other, and hand over."""
        every = self._every_contents()
        campaigns = [placed for contents in every for placed in contents.campaigns]
        diagnostics = [*self.diagnostics, *(one for contents in every for one in contents.diagnostics)]
        usable = [placed.desired for placed in campaigns if placed.desired is not None]
        if self._known is not None:
            self._known.keep({campaign.timezone for campaign in usable if campaign.timezone is not None})
        for placed, finding in clashes(campaigns):
            diagnostics += in_place((finding,), placed.origin)
        return Loaded(tuple(sorted(usable, key=attrgetter("address"))), in_order(diagnostics), self._files)

    def _every_contents(self) -> list[Contents]:
        """What each file says, in the order of their names."""
        new = [(name, data) for name, data, contents in self._found if contents is None]
        if not new:
            return [contents for _, _, contents in self._found if contents is not None]
        from msgflash_apply.config.side_by_side import contents_of_all  # noqa: PLC0415 - brings the libraries

        worked_out = contents_of_all(new, self._settings)
        if self._known is not None:
            for (name, data), contents in zip(new, worked_out, strict=True):
                self._known.learn(name, data, contents)
        others = iter(worked_out)
        return [next(others) if contents is None else contents for _, _, contents in self._found]
