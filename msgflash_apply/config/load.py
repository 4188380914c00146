"""
All campaign files -> the desired state, with every mistake of every file in one run.

A file's own contents come from `contents`, or from `known` where it is the same as last time; then comes what only
shows among all of them, `clashes`. Read `load` first.
"""

import gc
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from msgflash_apply.campaign import Desired
from msgflash_apply.config.cache import Cache
from msgflash_apply.config.clashes import clashes
from msgflash_apply.config.known import File, KnownFiles
from msgflash_apply.config.placed import AllContents, Placed, in_place
from msgflash_apply.config.sent import Inputs, SentFiles, with_inputs
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
    *,
    sent: SentFiles | None = None,
    for_record: bool = False,
) -> Loaded:
    """
    Read the campaigns of a repo. Mistakes in files never raise: they come back, all of them.

    Args:
        settings: of the run.
        paths: files or folders to narrow the reading to; what clashes with others is then not seen.
        cache: where to look for, and keep, what files say; it changes nothing but the time that it takes.
        sources: the files, where they are read already.
        sent: what a state tells of files; likewise.
        for_record: whether campaigns may come to be recorded, so that they want their `inputs`.
    """
    with _collector_paused():
        sources = sources or read_sources(settings, paths)
        known = KnownFiles(cache, settings) if cache is not None and not paths else None
        every, remembered = _contents(sources, settings, known, sent)
        campaigns = [placed for contents in every.contents for placed in contents.campaigns]
        clashing = list(clashes(campaigns))
        if clashing and remembered:
            return load(settings, paths, cache, sources, for_record=for_record)  # a state knows of no places
        if known is not None:
            _keep(known, sources.files, every, remembered)
        if for_record:
            campaigns = _with_inputs(sources.files, every, settings, remembered)
        diagnostics = [*sources.diagnostics, *(one for contents in every.contents for one in contents.diagnostics)]
        for placed, finding in clashing:
            diagnostics += in_place((finding,), placed.origin)
        usable = sorted((one.desired for one in campaigns if one.desired is not None), key=attrgetter("address"))
        return Loaded(tuple(usable), in_order(diagnostics), sources.found)


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
    sources: Sources, settings: Settings, known: KnownFiles | None, sent: SentFiles | None
) -> tuple[AllContents, Collection[str]]:
    """What each file says, in the order of their names; and the names of those that the state told of."""
    every = [known.contents_of(name, data) if known else None for name, data in sources.files]
    remembered = set()
    if sent is not None:
        for index, (name, data) in enumerate(sources.files):
            if every[index] is None and (contents := sent.contents_of(name, data)) is not None:
                every[index] = contents
                remembered.add(name)
    new = [file for file, contents in zip(sources.files, every, strict=True) if contents is None]
    if not new:
        return AllContents([contents for contents in every if contents is not None]), remembered
    from msgflash_apply.config.side_by_side import contents_of_all  # noqa: PLC0415 - brings the libraries

    read = contents_of_all(new, settings)
    if len(new) == len(every):
        return read, remembered
    others = iter(read.contents)
    return AllContents([next(others) if contents is None else contents for contents in every]), remembered


def _keep(known: KnownFiles, files: Sequence[File], every: AllContents, remembered: Collection[str]) -> None:
    """Remember what is new; what the state tells of, it tells of again."""
    told = [pair for pair in zip(files, every.contents, strict=True) if pair[0][0] not in remembered]
    wanted = [placed.desired for _, contents in told for placed in contents.campaigns if placed.desired is not None]
    zones = {one.timezone for one in wanted if one.timezone is not None}
    known.keep([file for file, _ in told], AllContents([contents for _, contents in told], every.parts), zones)


def _with_inputs(
    files: Sequence[File], every: AllContents, settings: Settings, remembered: Collection[str]
) -> list[Placed]:
    """Put digests on the campaigns; those that the state told of have theirs."""
    inputs = Inputs(settings)
    return [
        placed
        for (name, data), contents in zip(files, every.contents, strict=True)
        for placed in (contents.campaigns if name in remembered else with_inputs(contents, name, data, inputs))
    ]
