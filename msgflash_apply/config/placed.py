"""Campaigns with the documents that they come from, as one file gives them and as all files together are compared."""

from collections.abc import Iterable, Iterator
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


def in_place(findings: Iterable[Finding], origin: Origin) -> Iterator[Diagnostic]:
    """Place findings in their document; those that the entries of a `for_each` share are told once."""
    if unique := dict.fromkeys(findings):
        yield from located(unique, origin.data, origin.number, origin.file)
