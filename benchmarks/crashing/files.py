"""The campaigns and templates of a repo, and how people go on editing them while runs are struck."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final, TypeAlias

from msgflash_apply.campaign import Record, Status
from msgflash_apply.sandbox.seed import BOUTIQUE_ID
from msgflash_apply.state.snapshot import Snapshot

TEMPLATES: Final = 4
FEWEST: Final = 5


@dataclass
class Campaign:
    """
    One campaign of the repo; its name never changes and its body tells the version, so payloads never repeat.

    Attributes:
        template: of the repo that it sends; None where its file has the words.
        newest: of all versions that it ever had; an edit that is taken back goes back to an older one.
    """

    name: str
    place: str
    template: str | None = None
    moved_from: list[str] = field(default_factory=list)
    version: int = 1
    newest: int = 1
    paused: bool | None = None
    present: bool = True

    @property
    def body(self) -> str:
        """What people read."""
        return f"{self.name}, version {self.version}"

    @property
    def wanted(self) -> Status:
        """How it should be on the server once nothing is left to do."""
        return Status.SCHEDULED if self.present and not self.paused else Status.PAUSED

    def text(self, starts_at: datetime) -> str:
        """Write it as YAML."""
        fields: dict[str, object] = {
            "instanceId": BOUTIQUE_ID,
            "name": self.name,
            "schedule": starts_at.isoformat(),
            "recipients": {"type": "tags", "value": ["vip"]},
            "lifecycle": {"on_change": "replace"},
            "moved_from": self.moved_from,
        }
        if self.template is None:
            fields |= {"type": "text", "body": self.body}
        else:
            fields |= {"template": self.template, "variables": {"body": self.body}}
        if self.paused is not None:
            fields["paused"] = self.paused
        return "".join(f"{name}: {json.dumps(value)}\n" for name, value in fields.items())


@dataclass
class Words:
    """One template of the repo: what it says never repeats."""

    address: str
    in_place: bool
    version: int = 1

    @property
    def body(self) -> str:
        """As MsgFlash has it."""
        return f"{self.address}, words {self.version}: {{{{custom.body}}}}"

    def text(self) -> str:
        """Write it as YAML."""
        lifecycle = {"on_change": "in_place" if self.in_place else "version", "on_remove": "delete"}
        fields = {"type": "text", "body": self.body, "lifecycle": lifecycle}
        return "".join(f"{name}: {json.dumps(value)}\n" for name, value in fields.items())


class Files:
    """The campaigns and templates of a repo, and how people go on editing them."""

    def __init__(self, folder: Path, dice: Random) -> None:
        self._folder = folder / "campaigns"
        self._templates_folder = folder / "templates"
        self._dice = dice
        self._templates = [Words(f"words-{number}", in_place=number == 0) for number in range(TEMPLATES)]
        self._starts_at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
        self._campaigns: list[Campaign] = []
        for _ in range(dice.randint(30, 40)):
            self._add()

    def edit(self, snapshot: Snapshot) -> None:
        """Make the next version of the files: many edits of one kind, or some of each."""
        edits: tuple[Edit, ...] = (
            self._retire,
            self._bring_back,
            self._new_body,
            self._take_back,
            self._pause,
            self._resume,
        )
        records = records_at(snapshot)
        if self._dice.random() < 0.5:
            self._edit_some(self._dice.choice(edits), records, 30)
            return
        for edit in (*edits, self._move):
            self._edit_some(edit, records, 4)
        for _ in range(self._dice.randint(2, 8)):
            self._add()
        for template in self._dice.sample(self._templates, k=self._dice.randint(0, 2)):
            template.version += 1

    def requests_for(self, snapshot: Snapshot) -> int:
        """Estimate how many requests bring the server where the files want it."""
        records = records_at(snapshot)
        return sum(_requests_for(campaign, records.get(campaign.place)) for campaign in self._campaigns)

    def wanted(self) -> dict[str, Status]:
        """Say by address how each campaign should be once nothing is left to do."""
        return {campaign.place: campaign.wanted for campaign in self._campaigns}

    def words(self) -> dict[str, str]:
        """Say by address what the template of each campaign says that goes out."""
        bodies = {template.address: template.body for template in self._templates}
        sending = (one for one in self._campaigns if one.wanted is Status.SCHEDULED)
        return {one.place: bodies[one.template] for one in sending if one.template is not None}

    def write(self) -> None:
        """Put them on disk."""
        self._templates_folder.mkdir(exist_ok=True)
        for template in self._templates:
            (self._templates_folder / f"{template.address}.yaml").write_text(template.text(), encoding="utf-8")
        shutil.rmtree(self._folder, ignore_errors=True)
        for number, campaign in enumerate(self._campaigns):
            if campaign.present:
                path = self._folder / f"{campaign.place}.yaml"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(campaign.text(self._starts_at + timedelta(minutes=number)), encoding="utf-8")

    def _add(self) -> None:
        name = f"c{len(self._campaigns):03d}"
        template = self._dice.choice([None, None, *(each.address for each in self._templates)])
        self._campaigns.append(Campaign(name, name, template, paused=self._dice.choice((None, None, True))))

    def _edit_some(self, edit: "Edit", records: Mapping[str, Record], most: int) -> None:
        """Edit so many campaigns at most of those where that changes anything."""
        for campaign in self._dice.sample(self._campaigns, k=len(self._campaigns)):
            if most and edit(campaign, records.get(campaign.place)):
                most -= 1

    def _retire(self, campaign: Campaign, _: Record | None) -> bool:
        """Delete its file; not of the last few: that all are gone at once is blocked."""
        if not campaign.present or sum(each.present for each in self._campaigns) <= FEWEST:
            return False
        campaign.present = False
        return True

    def _bring_back(self, campaign: Campaign, _: Record | None) -> bool:
        was, campaign.present = campaign.present, True
        return not was

    def _new_body(self, campaign: Campaign, _: Record | None) -> bool:
        if campaign.present:
            campaign.newest += 1
            campaign.version = campaign.newest
        return campaign.present

    def _take_back(self, campaign: Campaign, record: Record | None) -> bool:
        """Want what is on record after all, where the last edit was not carried out."""
        sent = body_of(record) if record is not None else campaign.body
        is_other = campaign.present and sent != campaign.body
        if is_other:
            campaign.version = int(sent.rpartition(" ")[2])
        return is_other

    def _pause(self, campaign: Campaign, _: Record | None) -> bool:
        was, campaign.paused = campaign.paused, True
        return campaign.present and not was

    def _resume(self, campaign: Campaign, _: Record | None) -> bool:
        was, campaign.paused = campaign.paused, False if campaign.paused else campaign.paused
        return campaign.present and bool(was)

    def _move(self, campaign: Campaign, _: Record | None) -> bool:
        """Tell the former address in half of the cases; in the others the program has to find it out."""
        if self._dice.random() < 0.5:
            campaign.moved_from.append(campaign.place)
        campaign.place = f"{self._dice.choice(('spring', 'summer'))}/{campaign.name}-{self._dice.randrange(10**6)}"
        return True


Edit: TypeAlias = Callable[[Campaign, Record | None], bool]
"""Of one campaign, given what is on record of it; whether that changed anything."""


def records_at(snapshot: Snapshot) -> dict[str, Record]:
    """Find the records where nothing is in doubt, by address."""
    return {address: each for address, each in snapshot.campaigns.items() if address not in snapshot.in_doubt}


def body_of(record: Record) -> str:
    """What a campaign was sent with: in its file's words, or as the variable of its template."""
    payload = record.facts.payload
    variables = payload.get("variables")
    return str(variables["body"] if isinstance(variables, Mapping) else payload["body"])


def _requests_for(campaign: Campaign, record: Record | None) -> int:
    if record is None:
        return int(campaign.present) * (2 if campaign.paused else 1)
    if campaign.present and body_of(record) != campaign.body:
        return 3
    return int(record.is_unsettled or record.status != campaign.wanted)
