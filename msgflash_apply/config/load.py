"""
All campaign files -> the desired state, with every mistake of every file in one run.

A file's own contents come from `contents`; then comes what only shows among all of them, `clashes`. Read `load` first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from msgflash_apply.campaign import Desired
from msgflash_apply.config.clashes import clashes
from msgflash_apply.config.contents import contents_of
from msgflash_apply.config.files import CampaignFile, campaign_files, read_bytes, unreadable
from msgflash_apply.config.placed import Placed, in_place
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
