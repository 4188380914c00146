"""
What the account remembers of a state: a template that says which run began last, and at which serial (contract 6).

MsgFlash has no list of campaigns, so an old copy of a state looks like a good one, and would create everything again
that it does not know of. Each state therefore keeps a marker among the account's templates, which no campaign sends.
`apply` writes it before its first create and after its last; the run is written into the state first. So a state that
knows nothing of the marker's run is not the one that this run wrote to.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from msgflash_apply.api.models import Template
from msgflash_apply.errors import StateBehind, StateError
from msgflash_apply.findings import Code, Diagnostic, Severity
from msgflash_apply.state.snapshot import INIT, Snapshot

_NAME: Final = re.compile(r"msgflash-apply state [0-9a-f]{8} \(do not delete\)")

_FIELD: Final = re.compile(r"^(lineage|environment|serial|run): (\S+)$", re.MULTILINE)

_FIRST_LINE: Final = (
    "Kept by msgflash-apply, so that an old copy of a state is not taken for the state itself. Do not edit."
)

REQUESTS: Final = 2
"""That an apply which creates something spends on its marker."""


@dataclass(frozen=True, slots=True)
class Marker:
    """
    What a marker says.

    Attributes:
        lineage: of the state.
        environment: whose state it is.
        serial: that the run began with, or the one that it ended with.
        run: that wrote the marker last, a UUID; empty where none has.
        id: of the template; None as long as there is none.
    """

    lineage: str
    environment: str
    serial: int
    run: str
    id: str | None = None

    @property
    def name(self) -> str:
        """Of the template."""
        return f"msgflash-apply state {self.lineage[:8]} (do not delete)"

    def body(self, *, campaigns: int, by: str, at: datetime) -> str:
        """Write the text of the template; the last lines are for people."""
        fields = {
            "environment": self.environment,
            "lineage": self.lineage,
            "serial": self.serial,
            "run": self.run,
            "campaigns": campaigns,
            "by": re.sub(r"[^\w.@ -]", "", by),  # braces would be a placeholder, and a line break another field
            "at": f"{at:%Y-%m-%d %H:%M:%S} UTC",
        }
        return "\n".join([_FIRST_LINE, *(f"{name}: {value}" for name, value in fields.items())])


def is_marker(name: str) -> bool:
    """Whether a template of this name is a marker."""
    return _NAME.fullmatch(name) is not None


def markers_in(templates: Iterable[Template]) -> list[Marker]:
    """Read the markers among whole templates, the latest of each state last; one that was edited says nothing."""
    found = []
    for template in templates:
        fields = dict(_FIELD.findall(template.body or "")) if is_marker(template.name) else {}
        if len(fields) == 4 and re.fullmatch(r"\d{1,15}", fields["serial"], re.ASCII):
            serial = int(fields["serial"])
            found.append(Marker(fields["lineage"], fields["environment"], serial, fields["run"], template.id))
    return sorted(found, key=lambda marker: marker.serial)


def compare(snapshot: Snapshot, markers: Sequence[Marker], *, is_trusted: bool) -> tuple[Marker, list[Diagnostic]]:
    """
    Compare a state with what the account remembers of it.

    Args:
        snapshot: the state, with what dead runs left.
        markers: of the account.
        is_trusted: a person has said that the state is the right one all the same.

    Returns:
        The state's marker, an empty one where the account has none, and a warning where it had one.

    Raises:
        StateBehind: the state is an older copy.
        StateError: another state of the same environment came before it.
    """
    own = [marker for marker in markers if marker.lineage == snapshot.lineage]
    if own:
        marker = own[-1]
        if not is_trusted and (marker.serial > snapshot.serial or marker.run not in snapshot.runs):
            raise _behind(marker, snapshot)
        return marker, []
    others = [marker for marker in markers if marker.environment == snapshot.environment]
    if others and not snapshot.runs and not is_trusted:
        raise _another(others[-1], snapshot)
    marker = Marker(snapshot.lineage, snapshot.environment, snapshot.serial, run="")
    if not set(snapshot.runs) - {INIT}:
        return marker, []
    message, hint = (
        "the account's marker of this state is gone",
        f"the next apply makes the template `{marker.name}` anew",
    )
    return marker, [Diagnostic(Severity.WARNING, Code.MARKER_GONE, message, hint)]


def _behind(marker: Marker, snapshot: Snapshot) -> StateBehind:
    return StateBehind(
        "This state is not the one that was written last.",
        f"It is at serial {snapshot.serial}; a run that it knows nothing of began at serial {marker.serial} or ended "
        f"with it, as the account remembers ({marker.name}).\nCampaigns of that run are missing here, and would be "
        "created a second time.",
        "Put the current state in its place: the latest copy, with the journals beside it; a clone or branch needs the "
        "state of the others.\nIf it is lost, bring each missing campaign in with `msgflash-apply import`, then apply "
        "once with --override account-marker.",
    )


def _another(marker: Marker, snapshot: Snapshot) -> StateError:
    return StateError(
        "The account belongs to another state of this environment.",
        f"Environment {marker.environment} has a state of lineage {marker.lineage[:8]} at serial {marker.serial}, as "
        f"the account remembers; this one is of lineage {snapshot.lineage[:8]} and knows of no campaign of that one.",
        "Use that state: see `state` in msgflash.yaml and MSGFLASH_STATE.\nIf two are meant, apply once with "
        "--override account-marker.",
    )


def refuse_taken(markers: Sequence[Marker]) -> None:
    """Refuse to begin a second state on an account; StateError names the states that it has."""
    if markers:
        known = "\n".join(
            f"environment {marker.environment}: lineage {marker.lineage[:8]}, serial {marker.serial}"
            for marker in markers
        )
        raise StateError(
            "The account has a state already.",
            f"{known}\nAn empty one beside it would create every campaign of these files again.",
            "Use that state: see `state` in msgflash.yaml and MSGFLASH_STATE.\n"
            "If this is another set of campaigns or another environment, add --another.",
        )
