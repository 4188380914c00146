"""
A finding inside one document, before anyone has looked for its line.

Accept fast, explain slowly: checks speak of paths (`("recipients", "value", 3)`), and only a file that has a finding
is read a second time, for positions. Read `Finding` first; `located` turns findings into diagnostics.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from msgflash_apply.config.bad_yaml import BadYaml
from msgflash_apply.config.codes import Code
from msgflash_apply.config.places import Place, Places, places
from msgflash_apply.config.trees import ValuePath
from msgflash_apply.errors import Diagnostic, Severity

MOST_TOLD = 1_000
"""Findings of one document, and of each way of looking at it: nobody mends more at once, and each takes time."""


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One mistake or doubt in one document.

    Attributes:
        code: what kind.
        path: keys and indexes from the document's root; need not exist in the file (a rendered list has no lines).
        message: as in `Diagnostic`.
        hint: as in `Diagnostic`.
        on_key: the name of the field is meant, not its value.
        severity: as in `Diagnostic`.
        offset: characters into the scalar at `path`; None for all of it.
        address: of the campaign concerned; None while it has none. Not compared: the entries of a `for_each` that
            share a mistake have it once.
    """

    code: Code
    path: ValuePath
    message: str
    hint: str | None = None
    on_key: bool = False
    severity: Severity = Severity.ERROR
    offset: int | None = None
    address: str | None = field(default=None, compare=False)

    @property
    def is_error(self) -> bool:
        """Whether the campaign can not be used."""
        return self.severity is Severity.ERROR


def spell(path: ValuePath) -> str:
    """A path as people write it: `recipients.value[3]`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def located(findings: Iterable[Finding], data: bytes, index: int, file: str) -> Iterator[Diagnostic]:
    """
    Turn findings into diagnostics, by reading their document once more for its positions.

    Args:
        findings: all of one document.
        data: the file's bytes, which `documents.parse` has accepted.
        index: of the document.
        file: relative to the repo.
    """
    where = places(data, index)
    for finding in findings:
        place = _place_of(finding, where)
        yield Diagnostic(
            finding.severity,
            finding.code,
            finding.message,
            finding.hint,
            file,
            place.line,
            place.column,
            finding.address,
        )


def misread(err: BadYaml, file: str) -> Diagnostic:
    """The diagnostic of a file that is not YAML."""
    return Diagnostic(Severity.ERROR, Code.BAD_YAML, err.message, err.hint, file, err.line, err.column)


def _place_of(finding: Finding, where: Places) -> Place:
    if finding.offset is not None:
        return where.offset_at(finding.path, finding.offset)
    return where.key_at(finding.path) if finding.on_key else where.value_at(finding.path)
