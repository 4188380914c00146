"""
All campaign files -> the desired state, with every mistake of every file in one run.

A file's own contents come from `contents`, or from `known` where it is the same as last time; then comes what only
shows among all of them, `clashes`. Read `load` first.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from msgflash_apply.campaign import Desired
from msgflash_apply.config.cache import Cache
from msgflash_apply.config.clashes import clashes
from msgflash_apply.config.known import KnownFiles
from msgflash_apply.config.placed import AllContents, in_place
from msgflash_apply.config.settings import Settings
from msgflash_apply.config.sources import Sources, read_sources
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


def load(
    settings: Settings,
    paths: Sequence[Path] = (),
    cache: Cache | None = None,
    sources: Sources | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> Loaded:
    """
    Read the campaigns of a repo. Mistakes in files never raise: they come back, all of them.

    Args:
        settings: of the run.
        paths: files or folders to narrow the reading to; what clashes with others is then not seen.
        cache: where to look for, and keep, what files say; it changes nothing but the time that it takes.
        sources: the files, where they are read already.
        meanwhile: other work of this process, done while another one reads files; not called where none does.
    """
    with _collector_paused():
        sources = sources or read_sources(settings, paths)
        known = KnownFiles(cache, settings) if cache is not None and not paths else None
        return _loaded(sources, _contents(sources, settings, known, meanwhile), known)


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


def _contents(
    sources: Sources, settings: Settings, known: KnownFiles | None, meanwhile: Callable[[], None] | None
) -> AllContents:
    """What each file says, in the order of their names."""
    every = [known.contents_of(name, data) if known else None for name, data in sources.files]
    new = [file for file, contents in zip(sources.files, every, strict=True) if contents is None]
    if not new:
        return AllContents([contents for contents in every if contents is not None])
    from msgflash_apply.config.side_by_side import contents_of_all  # noqa: PLC0415 - brings the libraries

    read = contents_of_all(new, settings, meanwhile)
    if len(new) == len(every):
        return read
    others = iter(read.contents)
    return AllContents([next(others) if contents is None else contents for contents in every])


def _loaded(sources: Sources, every: AllContents, known: KnownFiles | None) -> Loaded:
    """Remember what is new, compare the campaigns with each other, and hand over."""
    campaigns = [placed for contents in every.contents for placed in contents.campaigns]
    diagnostics = [*sources.diagnostics, *(one for contents in every.contents for one in contents.diagnostics)]
    usable = [placed.desired for placed in campaigns if placed.desired is not None]
    if known is not None:
        known.keep(sources.files, every, {wanted.timezone for wanted in usable if wanted.timezone is not None})
    for placed, finding in clashes(campaigns):
        diagnostics += in_place((finding,), placed.origin)
    return Loaded(tuple(sorted(usable, key=attrgetter("address"))), in_order(diagnostics), sources.found)
