"""
What children do with any file, and how findings come back from them. Read `documents_of` and `placed`.

All calls of the YAML reader are here. Findings travel as tuples: a child gives plain data only.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias, cast

from msgflash_apply.campaign import Source
from msgflash_apply.files.bounded import UNREAD, Exceeded, run
from msgflash_apply.files.bounded_child import File
from msgflash_apply.files.yaml_tree import Document, located, parse
from msgflash_apply.findings import Code, Diagnostic, Finding, Refused, Severity

PlainDiagnostic: TypeAlias = tuple[str, str, str, str | None, str | None, int | None, int | None, str | None]


def documents_of(file: File) -> tuple[Document, ...] | Diagnostic:
    """Read a file's documents; or its first mistake, after which nothing can be trusted."""
    try:
        return parse(file.data)
    except Refused as err:
        return next(located([err.finding], None, Source(file.name)))


def placed(files: Iterable[File]) -> Iterator[Diagnostic]:
    """
    Give findings their line and column, in children.

    Args:
        files: each with its findings as `about`: pairs of a document's line and a finding. Of an only document the line
            may be any.
    """
    for file, result in run(_place, files):
        places = [None] * len(_findings(file)) if result is UNREAD or isinstance(result, Exceeded) else result
        for (line, finding), plain in zip(_findings(file), cast("list[PlainDiagnostic | None]", places), strict=True):
            if plain is not None:
                yield as_diagnostic(plain)
            else:  # the file takes too much, or is another by now: its document's line is known
                about = (finding.severity, finding.code, finding.message, finding.hint)
                yield Diagnostic(*about, file.name, line, 1, finding.address)


def _place(file: File) -> list[PlainDiagnostic | None]:
    documents = documents_of(file)
    by_line = {} if isinstance(documents, Diagnostic) else {document.line: document for document in documents}
    found: list[PlainDiagnostic | None] = []
    only = next(iter(by_line.values())) if len(by_line) == 1 else None
    for line, finding in _findings(file):
        document = by_line.get(line, only)
        found += map(as_plain, located([finding], document, Source(file.name))) if document is not None else [None]
    return found


def _findings(file: File) -> Sequence[tuple[int, Finding]]:
    return cast("Sequence[tuple[int, Finding]]", file.about)


def exceeded(file: File, result: Exceeded) -> Diagnostic:
    """The diagnostic of a file that needs more than it may use."""
    hint = "make it smaller or simpler: an honest file takes milliseconds"
    return Diagnostic(Severity.ERROR, Code.EXCEEDED, f"reading this file takes {result.what}", hint, file.name)


def too_much(message: str) -> Diagnostic:
    """There is more than is read."""
    return Diagnostic(Severity.ERROR, Code.TOO_MUCH, message, "split the repo; docs/reference.md lists the limits")


def as_plain(found: Diagnostic) -> PlainDiagnostic:
    """Write a diagnostic as plain data."""
    severity, code = found.severity.value, str(found.code)
    return (severity, code, found.message, found.hint, found.file, found.line, found.column, found.address)


def as_diagnostic(plain: PlainDiagnostic) -> Diagnostic:
    """Read what `as_plain` wrote."""
    severity, code, message, hint, file, line, column, address = plain
    return Diagnostic(Severity(severity), code, message, hint, file, line, column, address)
