"""
One campaign file -> its campaigns, and every mistake in it. What only shows among all files is `clashes`.

The way of a file: bytes, documents, campaigns (rendered, checked, built).
"""

from collections.abc import Collection, Iterator
from itertools import islice

from msgflash_apply.campaign import Address, Source
from msgflash_apply.config.addresses import bad_segment, base_address
from msgflash_apply.config.codes import Code
from msgflash_apply.config.documents import BadYaml, Document, parse
from msgflash_apply.config.expand import expand
from msgflash_apply.config.findings import MOST_TOLD, Finding, misread
from msgflash_apply.config.leaked_keys import leaked_keys
from msgflash_apply.config.near import shown
from msgflash_apply.config.placed import Origin, Placed, in_place
from msgflash_apply.config.settings import Settings
from msgflash_apply.config.template_values import Pool
from msgflash_apply.config.validate import check
from msgflash_apply.errors import Diagnostic


def contents_of(data: bytes, file: str, settings: Settings) -> tuple[list[Placed], list[Diagnostic]]:
    """
    Read one file. Mistakes never raise: they come back, all of them.

    Args:
        data: its bytes.
        file: its name, relative to the repo.
        settings: of the run.

    Returns:
        Its campaigns in the file's order, those with an error included; errors and warnings.
    """
    campaigns: list[Placed] = []
    diagnostics = list(leaked_keys(data, file))
    try:
        documents = parse(data)
    except BadYaml as err:
        return [], [*diagnostics, misread(err, file)]
    pool = Pool()
    for document in documents:
        origin = Origin(file, data, document.index, document.line)
        in_document, mistakes = _campaigns_in(document, origin, settings, pool, several=len(documents) > 1)
        campaigns += in_document
        diagnostics += mistakes
    return campaigns, diagnostics


def _campaigns_in(
    document: Document, origin: Origin, settings: Settings, pool: Pool, *, several: bool
) -> tuple[list[Placed], Iterator[Diagnostic]]:
    fields = document.value
    if not isinstance(fields, dict):
        return [], in_place(check(fields), origin)
    key = fields.get("key") if isinstance(fields.get("key"), str) else None
    base = base_address(origin.file, settings.campaigns, key)
    findings = dict.fromkeys(_address_findings(base, has_key="key" in fields, several=several))
    campaigns: list[Placed] = []
    for one in expand(fields, base, Source(origin.file, origin.line), settings, pool):
        findings |= dict.fromkeys(one.findings)
        if not several or key is not None:
            campaigns.append(Placed(one.address, one.desired, origin))
    return campaigns, in_place(_bounded(findings), origin)


def _bounded(findings: Collection[Finding]) -> Iterator[Finding]:
    """The first thousand, and that there are more."""
    yield from islice(findings, MOST_TOLD)
    if len(findings) >= MOST_TOLD:
        message = f"the document holds {MOST_TOLD} mistakes or more; these are the first"
        yield Finding(Code.WRONG_SIZE, (), message, "mend them, and see whether there are others")


def _address_findings(base: Address, *, has_key: bool, several: bool) -> Iterator[Finding]:
    if several and not has_key:
        hint = "add `key: ...`, the last segment of its address, to each"
        yield Finding(Code.MISSING_KEY, (), "the file holds several documents, and this one has no `key`", hint)
    named_by_files = base.rpartition("/")[0] if has_key else base  # a key is checked by the schema
    if named_by_files and (bad := bad_segment(named_by_files)) is not None:
        message = f"{shown(bad)} can not be part of an address"
        hint = "name files and folders with letters, digits, `.`, `_` and `-`, beginning with a letter or digit"
        yield Finding(Code.BAD_ADDRESS, (), message, hint, address=base)
