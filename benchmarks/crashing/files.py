"""The campaigns folder of a repo, and how people go on editing it while runs are struck."""

import json
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from msgflash_apply.campaign import Address
from msgflash_apply.sandbox.seed import BOUTIQUE_ID
from msgflash_apply.state.snapshot import Snapshot


@dataclass
class Campaign:
    """One campaign of the repo; its name never changes and its body tells the version, so payloads never repeat."""

    name: str
    place: str
    moved_from: list[str] = field(default_factory=list)
    version: int = 1
    paused: bool | None = None
    present: bool = True

    def text(self, starts_at: datetime) -> str:
        """Write it as YAML."""
        fields: dict[str, object] = {
            "instanceId": BOUTIQUE_ID,
            "name": self.name,
            "schedule": starts_at.isoformat(),
            "recipients": {"type": "tags", "value": ["vip"]},
            "type": "text",
            "body": f"{self.name}, version {self.version}",
            "lifecycle": {"on_change": "replace"},
            "moved_from": self.moved_from,
        }
        if self.paused is not None:
            fields["paused"] = self.paused
        return "".join(f"{name}: {json.dumps(value)}\n" for name, value in fields.items())


class Files:
    """The campaigns folder of a repo, and how people go on editing it."""

    def __init__(self, folder: Path, dice: Random) -> None:
        self._folder = folder / "campaigns"
        self._dice = dice
        self._starts_at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
        self._campaigns: list[Campaign] = []
        for _ in range(dice.randint(30, 40)):
            self._add()

    def edit(self) -> None:
        """Make the next version of the files: some added, removed, brought back, edited, moved, paused, resumed."""
        edits = (self._toggle_presence, self._new_body, self._move, self._pause)
        for campaign in self._dice.sample(self._campaigns, k=self._dice.randint(6, 12)):
            self._dice.choice(edits)(campaign)
        for _ in range(self._dice.randint(4, 12)):
            self._add()

    def missing_in(self, snapshot: Snapshot) -> int:
        """Count the campaigns of the files that the state does not have at their address."""
        return sum(each.present and Address(each.place) not in snapshot.campaigns for each in self._campaigns)

    def write(self) -> None:
        """Put them on disk."""
        shutil.rmtree(self._folder, ignore_errors=True)
        for number, campaign in enumerate(self._campaigns):
            if campaign.present:
                path = self._folder / f"{campaign.place}.yaml"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(campaign.text(self._starts_at + timedelta(minutes=number)), encoding="utf-8")

    def _add(self) -> None:
        name = f"c{len(self._campaigns):03d}"
        self._campaigns.append(Campaign(name, name, paused=self._dice.choice((None, None, True))))

    def _toggle_presence(self, campaign: Campaign) -> None:
        campaign.present = not campaign.present

    def _new_body(self, campaign: Campaign) -> None:
        campaign.version += 1

    def _move(self, campaign: Campaign) -> None:
        """Tell the former address in half of the cases; in the others the program has to find it out."""
        if self._dice.random() < 0.5:
            campaign.moved_from.append(campaign.place)
        campaign.place = f"{self._dice.choice(('spring', 'summer'))}/{campaign.name}-{self._dice.randrange(10**6)}"

    def _pause(self, campaign: Campaign) -> None:
        campaign.paused = not campaign.paused
