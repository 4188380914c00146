"""
From an older document to this version's, one step per version.

A step is a pure function over the plain JSON document of version n that gives the one of version n + 1. To change the
format: raise `FORMAT_VERSION`, add the step here, and keep every older step. A reader upgrades in memory; the next
commit writes the new version and keeps the old document as its backup.

Journals have no version: an entry's shape is never changed, new kinds are added.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from msgflash_apply.campaign import JsonObject

FORMAT_VERSION: Final = 1
"""Of the documents that this version writes."""

Step: TypeAlias = Callable[[JsonObject], JsonObject]
"""Version n to version n + 1. May raise KeyError, TypeError or ValueError for a shape that version n never had."""

STEPS: Final[Mapping[int, Step]] = MappingProxyType({})
"""The version that a step begins at -> the step."""

_IDENTITY: Final = ("environment", "lineage", "serial")


def upgrade(document: JsonObject, steps: Mapping[int, Step] = STEPS, *, target: int = FORMAT_VERSION) -> JsonObject:
    """
    Bring a document whose checksum was proven to the target version, step by step.

    Args:
        document: as it was read; the object itself is left as it is.
        steps: the chain.
        target: where it ends.

    Returns:
        The document in the shape of the target version, still to be checked against that shape.

    Raises:
        ValueError: no version of the program wrote this, or a step broke what it must keep; says where in the chain.
    """
    version = _version_of(document)
    while version != target:
        if version not in steps:
            raise ValueError(f"there is no way from format_version {version} to {target}")
        document = _checked(steps[version], document, version)
        version += 1
    return document


def _checked(step: Step, before: JsonObject, version: int) -> JsonObject:
    try:
        after = step(before)
    except (KeyError, TypeError, ValueError) as err:
        raise ValueError(f"it is not as format_version {version} was: {type(err).__name__}: {err}") from err
    expected = [version + 1, *(before.get(name) for name in _IDENTITY)]
    if [after.get(name) for name in ("format_version", *_IDENTITY)] != expected:
        raise ValueError(f"the upgrade from format_version {version} did not keep whose state it is")
    return after


def _version_of(document: object) -> int:
    match document:
        case {"format_version": int(version)}:
            return version
        case _:
            raise ValueError("it has no format_version")
