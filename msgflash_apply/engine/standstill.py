"""
A plan in which every campaign stays as it is, kept short, for as long as nothing that it was made from changes.

A plan is a function of files, settings, state, what names mean on MsgFlash, and the time. That nothing is to be done
does not depend on the time: a campaign stays as it is because the state has it with the same payload, not because of
when it starts (`decide`, where a start that is past only matters for what would be sent or resumed). So the same files,
settings, state and meanings give the same standstill, and of its campaigns only their number is told. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias, cast

from msgflash_apply.engine.names import NameTable
from msgflash_apply.engine.plan import Action, Plan, RequestForecast
from msgflash_apply.errors import Diagnostic, Severity

_Types: TypeAlias = tuple[type, ...]
_TEXT: _Types = (str,)
_PERHAPS_TEXT: _Types = (str, type(None))
_PERHAPS_NUMBER: _Types = (int, type(None))
_NAMES: Final = (_TEXT, _TEXT, _TEXT)
_FINDINGS: Final = (
    _TEXT, _TEXT, _TEXT, _PERHAPS_TEXT, _PERHAPS_TEXT, _PERHAPS_NUMBER, _PERHAPS_NUMBER, _PERHAPS_TEXT,
)  # fmt: skip
"""The types of what the rows of `to_plain` hold."""

_SEVERITIES: Final = frozenset(Severity)


@dataclass(frozen=True, slots=True)
class Standstill:
    """
    What is left to tell of such a plan.

    Attributes:
        campaigns: how many stay as they are.
        names: what the files' names stood for: payload field, name, id.
        lineage: of the state.
        serial: of the state.
        diagnostics: warnings, in order.
    """

    campaigns: int
    names: tuple[tuple[str, str, str], ...]
    lineage: str
    serial: int
    diagnostics: tuple[Diagnostic, ...]

    @property
    def fields(self) -> set[str]:
        """The payload fields that files give by name."""
        return {field for field, _, _ in self.names}

    def holds_with(self, table: NameTable) -> bool:
        """Whether every name still stands for what it stood for, and for nothing else."""
        return all(list(table.ids(field, name)) == [identifier] for field, name, identifier in self.names)

    def plan(self, *, environment: str, now: datetime, complete: bool, requests_used: int) -> Plan:
        """Make the plan, whose unchanged campaigns are counted and not listed."""
        return Plan(
            environment=environment,
            lineage=self.lineage,
            serial=self.serial,
            created_at=now,
            complete=complete,
            changes=(),
            diagnostics=self.diagnostics,
            requests=RequestForecast(requests_used, 0),
            unlisted=self.campaigns,
        )


def standstill_of(plan: Plan) -> Standstill | None:
    """Keep a plan short; None for one that does something, is about a part, or was made without a state."""
    if plan.lineage is None or plan.serial is None or any(c.action is not Action.NO_OP for c in plan.changes):
        return None
    names = {
        (field, name, str(change.after[field]))
        for change in plan.changes
        if change.after is not None
        for field, name in change.names.items()
    }
    return Standstill(len(plan.changes), tuple(sorted(names)), plan.lineage, plan.serial, plan.diagnostics)


def to_plain(standstill: Standstill) -> dict[str, object]:
    """Write it as JSON's own types."""
    findings = [
        [d.severity, d.code, d.message, d.hint, d.file, d.line, d.column, d.address] for d in standstill.diagnostics
    ]
    return {
        "campaigns": standstill.campaigns,
        "names": list(map(list, standstill.names)),
        "lineage": standstill.lineage,
        "serial": standstill.serial,
        "diagnostics": findings,
    }


def from_plain(value: object) -> Standstill | None:
    """Read what `to_plain` of this version wrote; None for anything else."""
    if not isinstance(value, dict):
        return None
    told = [value.get(name) for name in ("campaigns", "names", "lineage", "serial", "diagnostics")]
    if tuple(map(type, told)) != (int, list, str, int, list):
        return None
    campaigns, names, lineage, serial, findings = cast("tuple[int, list[Any], str, int, list[Any]]", tuple(told))
    if not (
        _are_rows(names, _NAMES) and _are_rows(findings, _FINDINGS) and {row[0] for row in findings} <= _SEVERITIES
    ):
        return None
    return Standstill(
        campaigns=campaigns,
        names=tuple((field, name, identifier) for field, name, identifier in names),
        lineage=lineage,
        serial=serial,
        diagnostics=tuple(Diagnostic(Severity(severity), *rest) for severity, *rest in findings),
    )


def _are_rows(rows: list[Any], kinds: Sequence[_Types]) -> bool:
    """Whether each is a row of so many members, of these types each."""
    return all(
        isinstance(row, list)
        and len(row) == len(kinds)
        and all(type(member) in types for member, types in zip(row, kinds, strict=True))
        for row in rows
    )
