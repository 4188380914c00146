"""Campaigns with the documents that they come from, as one file gives them and as all files together are compared."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from msgflash_apply.campaign import Address, Desired
from msgflash_apply.config.findings import Finding, located
from msgflash_apply.errors import Diagnostic


class Origin(NamedTuple):
    """A document: its file relative to the repo, the file's bytes, its number there from 0, and its line."""

    file: str
    data: bytes
    number: int
    line: int


class Placed(NamedTuple):
    """A campaign and the document it comes from; `desired` is None where it holds an error."""

    address: Address
    desired: Desired | None
    origin: Origin

    @property
    def where(self) -> str:
        """For messages: `promo/a in campaigns/promo/a.yaml:1`."""
        return f"`{self.address}` in {self.origin.file}:{self.origin.line}"


@dataclass(frozen=True, slots=True)
class Contents:
    """
    What one file says.

    Attributes:
        campaigns: in the file's order, those with an error included.
        diagnostics: errors and warnings.
    """

    campaigns: list[Placed] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    @property
    def has_errors(self) -> bool:
        """Whether anything in the file has to be mended."""
        return any(diagnostic.is_error for diagnostic in self.diagnostics)


class AllContents(NamedTuple):
    """What each of several files says, in their order; and the same in parts of text for the cache, if written."""

    contents: list[Contents]
    parts: list[bytes] | None = None


def in_place(findings: Iterable[Finding], origin: Origin) -> Iterator[Diagnostic]:
    """Place findings in their document; those that the entries of a `for_each` share are told once."""
    if unique := dict.fromkeys(findings):
        yield from located(unique, origin.data, origin.number, origin.file)
