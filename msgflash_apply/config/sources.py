"""The campaign files of a repo as they lie there: names and bytes, before anybody looks into them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from msgflash_apply.config.files import CampaignFile, campaign_files, read_bytes, unreadable
from msgflash_apply.config.settings import Settings
from msgflash_apply.errors import Diagnostic


@dataclass(frozen=True, slots=True)
class Sources:
    """
    What was read, and what could not be.

    Attributes:
        files: name relative to the repo and bytes of each, in the order of names.
        found: how many there are, those that could not be read included.
        diagnostics: what stood in the way.
    """

    files: tuple[tuple[str, bytes], ...]
    found: int
    diagnostics: tuple[Diagnostic, ...]

    @property
    def digest(self) -> str:
        """SHA-256 over all names and bytes: other files, another digest."""
        total = sha256()
        for name, data in self.files:
            total.update(f"{name}\0{len(data)}\0".encode("utf-8", "surrogateescape"))
            total.update(data)
        return total.hexdigest()


def read_sources(settings: Settings, paths: Sequence[Path] = ()) -> Sources:
    """Read the files of a repo; `paths` are files or folders to narrow the reading to."""
    return read_all(campaign_files(settings.root, settings.campaigns, paths))


def read_all(found: Iterable[CampaignFile | Diagnostic]) -> Sources:
    """Read files that were found; each that can not be read becomes a diagnostic."""
    files: list[tuple[str, bytes]] = []
    diagnostics: list[Diagnostic] = []
    count = 0
    for one in found:
        if isinstance(one, Diagnostic):
            diagnostics.append(one)
            continue
        count += 1
        try:
            files.append((one.name, read_bytes(one.path)))
        except OSError as err:
            diagnostics.append(unreadable(one.name, err))
    return Sources(tuple(files), count, tuple(diagnostics))
