"""
The contents of a file without an error as plain lists for JSON, and back; each is the other's inverse.

`starts_at` is not in a row: it is the instant of the payload's `schedule`. Rows are only read back by the version of
the program that wrote them, so their shape needs no number of its own.
"""

from datetime import datetime
from sys import intern
from typing import Any, TypeAlias, cast

from msgflash_apply.campaign import DEFAULT_LIFECYCLE, Desired, Lifecycle, Source, shared_names
from msgflash_apply.config.placed import Contents, Origin, Placed
from msgflash_apply.errors import Diagnostic, Severity

Row: TypeAlias = list[object]


def to_rows(contents: Contents) -> tuple[list[Row], list[Row]]:
    """Write campaigns and warnings."""
    return [_campaign_row(placed) for placed in contents.campaigns], list(map(_finding_row, contents.diagnostics))


def from_rows(campaigns: list[Row], findings: list[Row], file: str, data: bytes) -> Contents:
    """
    Read them again.

    Args:
        campaigns: as `to_rows` gives them.
        findings: likewise.
        file: the file's name, relative to the repo.
        data: the file's bytes.
    """
    placed = [_campaign(row, file, data) for row in campaigns]
    return Contents(placed, [_finding(row, file) for row in findings])


def _campaign_row(placed: Placed) -> Row:
    wanted = cast("Desired", placed.desired)  # there is no error in the file
    lifecycle = wanted.lifecycle
    told = (
        None if lifecycle == DEFAULT_LIFECYCLE else [lifecycle.on_change, lifecycle.on_remove, lifecycle.ignore_changes]
    )
    return [
        placed.origin.number,
        placed.origin.line,
        placed.address,
        wanted.payload,
        wanted.names,
        wanted.timezone,
        wanted.paused,
        told,
        wanted.labels,
        wanted.moved_from,
    ]


def _campaign(row: list[Any], file: str, data: bytes) -> Placed:
    number, line, address, payload, names, timezone, paused, lifecycle, labels, moved_from = row
    wanted = Desired(
        address,
        Source(file, line),
        payload,
        shared_names(names),
        datetime.fromisoformat(payload["schedule"]),
        timezone and intern(timezone),
        paused,
        DEFAULT_LIFECYCLE if lifecycle is None else Lifecycle(lifecycle[0], lifecycle[1], tuple(lifecycle[2])),
        labels,
        tuple(moved_from),
    )
    return Placed(address, wanted, Origin(file, data, number, line))


def _finding_row(finding: Diagnostic) -> Row:
    return [finding.code, finding.message, finding.hint, finding.line, finding.column, finding.address]


def _finding(row: list[Any], file: str) -> Diagnostic:
    from msgflash_apply.config.codes import BY_TEXT  # noqa: PLC0415 - most files draw no warning

    code, message, hint, line, column, address = row
    return Diagnostic(Severity.WARNING, BY_TEXT[code], message, hint, file, line, column, address)
