"""
What the files of a repo said last time, so that a file that is the same is not worked out again.

A file is known by its name and the SHA-256 of its bytes, on the same basis (`basis`). Files with an error are never
known: their mistakes are explained anew each time.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import product
from typing import Final, TypeAlias, cast

from msgflash_apply.config.basis import basis_of
from msgflash_apply.config.cache import Cache
from msgflash_apply.config.placed import AllContents, Contents
from msgflash_apply.config.rows import Row, from_rows, to_rows
from msgflash_apply.config.settings import Settings
from msgflash_apply.config.zones import zone_digests, zones_still_are

File: TypeAlias = tuple[str, bytes]
"""A file's name relative to the repo, and its bytes."""

Entry: TypeAlias = tuple[str, list[Row], list[Row]]
"""The digest of a file's bytes, its campaigns, its warnings."""

_NONE: Final = type(None)
_CAMPAIGN_SHAPES: Final = frozenset(
    product((int,), (int,), (str,), (dict,), (dict,), (str, _NONE), (bool, _NONE), (list, _NONE), (dict,), (list,))
)
_FINDING_SHAPES: Final = frozenset(product((str,), (str,), (str, _NONE), (int, _NONE), (int, _NONE), (str, _NONE)))
"""The types of the members of rows; see `to_rows`."""


class KnownFiles:
    """
    The files of one repo on one basis.

    Args:
        cache: where they are kept.
        settings: of the run.
    """

    def __init__(self, cache: Cache, settings: Settings) -> None:
        self._cache = cache
        root = sha256(str(settings.root).encode("utf-8", "surrogateescape")).hexdigest()
        self._name = f"files-{root[:16]}-{basis_of(settings)[:32]}"
        self._before = self._read()
        self._again: dict[str, Entry] = {}

    def contents_of(self, file: str, data: bytes) -> Contents | None:
        """Give what a file says, if it is known."""
        entry = self._before.get(file)
        if entry is None:
            return None
        try:
            digest, campaigns, findings = entry
            if digest != sha256(data).hexdigest() or not _are_rows(campaigns, findings):
                return None
            contents = from_rows(campaigns, findings, file, data)
        except (LookupError, TypeError, ValueError):  # not rows that this program wrote
            return None
        self._again[file] = entry
        return contents

    def keep(self, files: Sequence[File], every: AllContents, zones: Collection[str]) -> None:
        """
        Write down what is known now, if that is not what was known before.

        Args:
            files: all of them.
            every: what they say.
            zones: of their campaigns.
        """
        if every.parts is not None:
            head = json.dumps({"zones": zone_digests(zones)})[:-1]
            self._cache.write_parts(self._name, [f'{head},"files":{{'.encode(), *_listed(every.parts), b"}}"])
            return
        now = _entries(files, every.contents, self._again)
        if now != self._before:
            self._cache.write(self._name, {"zones": zone_digests(zones), "files": now})

    def _read(self) -> dict[str, Entry]:
        value = self._cache.read(self._name)
        if not isinstance(value, dict):
            return {}
        zones, files = value.get("zones"), value.get("files")
        if not isinstance(files, dict) or not zones_still_are(zones):
            return {}
        return cast("dict[str, Entry]", files)


def entries_text(files: Sequence[File], every: Sequence[Contents]) -> bytes:
    """Write what is known of files without a mistake as it stands in the cache: the inside of a JSON object."""
    try:
        return json.dumps(_entries(files, every, {}), separators=(",", ":"), ensure_ascii=False).encode()[1:-1]
    except UnicodeEncodeError:  # a file whose name is no text
        return b""


def _listed(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Put commas between parts; those of files that all have a mistake are empty."""
    for number, part in enumerate(filter(None, parts)):
        if number:
            yield b","
        yield part


def _entries(files: Sequence[File], every: Sequence[Contents], known: Mapping[str, Entry]) -> dict[str, Entry]:
    return {
        name: known.get(name) or (sha256(data).hexdigest(), *to_rows(contents))
        for (name, data), contents in zip(files, every, strict=True)
        if not contents.has_errors
    }


def _are_rows(campaigns: list[Row], findings: list[Row]) -> bool:
    """Whether rows have the types of those that `to_rows` writes; of what stands in their maps only what all need."""
    for row in campaigns:
        if (
            tuple(map(type, row)) not in _CAMPAIGN_SHAPES
            or type(cast("dict[str, object]", row[3]).get("name")) is not str
        ):
            return False
        if row[9] and not all(isinstance(former, str) for former in cast("list[object]", row[9])):
            return False
    return not findings or all(tuple(map(type, row)) in _FINDING_SHAPES for row in findings)
