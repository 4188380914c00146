"""
Campaigns repos of any size, the same for the same seed, and the state of one whose campaigns are all created.

    python -m benchmarks.corpus 10000 FOLDER [--seed 1]

The files are like those on which the libraries were chosen: twenty lines each, fifteen texts, of which one or two hold
a template; with comments, every content mode, templates by id and by name, text blocks, variables of the project and of
the campaign, labels. One file in thirty holds three documents, one in a hundred a `for_each` of five. No two campaigns
are the same mailing, and no start ever passes. Files that draw a warning are rare: a repo full of warnings is not one
that people keep.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

from msgflash_apply.campaign import Address, Desired, Facts, Record, fingerprint
from msgflash_apply.files.load import load
from msgflash_apply.files.settings import load_settings
from msgflash_apply.models.campaign_file import in_order
from msgflash_apply.sandbox.seed import BOUTIQUE_ID, EARLY_BIRDS_ID, PRESS_ID, WELCOME_ID, contact_id
from msgflash_apply.state.backends.backend import StoreBackend
from msgflash_apply.state.backends.local import LocalStore
from msgflash_apply.state.codec import encode
from msgflash_apply.state.snapshot import Snapshot

PROJECT: Final = """\
# yaml-language-server: $schema=schemas/project.schema.json
version: 1
campaigns: campaigns
state: .msgflash/{environment}.json
defaults:
  instance: boutique-principale
  timezone: Europe/Paris
custom:
  brand: Acme
  shop_url: https://www.acme.example
  media_url: https://media.acme.example
policy:
  min_lead_time: 10m
  max_creates: null
"""

LINEAGE: Final = "b6a7c1de-0000-4000-8000-000000000001"
FIRST_START: Final = datetime(2090, 1, 1, 8, 0)  # noqa: DTZ001 - a local time, as people write it
SENT_AT: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
FILES_IN_A_FOLDER: Final = 100
DOCUMENTS_IN_A_FILE: Final = 3
ENTRIES_IN_A_TABLE: Final = 5
NAMES_BY: Final = {"instanceId": BOUTIQUE_ID, "templateId": WELCOME_ID}
TAGS: Final = ("vip", "newsletter", "paris", "lyon", "lille", "early-birds", "press", "staff")
TEAMS: Final = ("marketing", "retail", "press", "service")
WORDS: Final = (
    "spring", "summer", "autumn", "winter", "sale", "shop", "open", "early", "late", "club", "card", "gift", "new",
    "look", "film", "book", "house", "garden", "paris", "lyon", "city", "day", "week", "night", "friday", "sunday",
    "hello", "welcome", "thank", "you", "come", "see", "our", "best", "price", "free", "only", "today", "soon",
)  # fmt: skip


class Corpus:
    """
    Writes campaign files.

    Args:
        folder: the campaigns folder, which may be missing.
        seed: same seed, same files.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._dice = Random(seed)  # noqa: S311 - repeatable on purpose
        self._campaigns = 0
        self._files = 0

    def write(self, campaigns: int) -> int:
        """Write files until so many campaigns stand in them; returns how many files that took."""
        while self._campaigns < campaigns:
            left = campaigns - self._campaigns
            self._write_file(self._next_file(left))
        return self._files

    def _next_file(self, left: int) -> str:
        kind = self._dice.random()
        if kind < 0.01 and left >= ENTRIES_IN_A_TABLE:
            return self._table()
        if kind < 0.045 and left >= DOCUMENTS_IN_A_FILE:
            keys = (f"mailing-{self._files:06d}-{part}" for part in range(DOCUMENTS_IN_A_FILE))
            return "---\n".join(f"key: {key}\n{self._campaign()}" for key in keys)
        return self._campaign()

    def _write_file(self, text: str) -> None:
        folder = self._folder / f"{self._files // FILES_IN_A_FOLDER:04d}"
        if self._files % FILES_IN_A_FOLDER == 0:
            folder.mkdir(parents=True)
        head = "# yaml-language-server: $schema=../../schemas/campaign.schema.json\n"
        (folder / f"mailing-{self._files:06d}.yaml").write_text(head + text, encoding="utf-8")
        self._files += 1

    def _campaign(self) -> str:
        number = self._campaigns
        self._campaigns += 1
        modes: tuple[Callable[[int], str], ...] = (
            self._text, self._text, self._image, self._document, self._buttons, self._by_id, self._by_name, self._typed,
        )  # fmt: skip
        return f"""\
# {self._words(6)}.
name: {self._name(number)}
schedule: {self._start(number)}   # {self._words(4)}
recipients:
{self._recipients()}
{modes[number % len(modes)](number)}labels:
  team: {self._dice.choice(TEAMS)}
  owner: {self._words(1)}.{self._words(1)}
  ticket: MAIL-{number}
  season: {self._words(1)}
  budget: {self._words(1)}-{number % 7}
{self._lifecycle()}"""

    def _table(self) -> str:
        """Make one file with a campaign per entry."""
        first = self._campaigns
        self._campaigns += ENTRIES_IN_A_TABLE
        entries = "".join(
            f'  shop-{number}: {{city: {self._dice.choice(WORDS)}, start: "{self._start(number)}"}}\n'
            for number in range(first, self._campaigns)
        )
        return f"""\
name: "{{{{ custom.brand }}}} in {{{{ each.value.city }}}}: {{{{ each.key }}}}"
schedule: "{{{{ each.value.start }}}}"
recipients:
{self._recipients()}
template: welcome
variables:
  brand: "{{{{ custom.brand }}}} {{{{ each.value.city | capitalize }}}}"
  code: "{{{{ custom.code }}}}"
custom:
  code: {self._words(1).upper()}{first}
for_each:
{entries}labels:
  team: retail
"""

    def _name(self, number: int) -> str:
        brand = "{{ custom.brand }}" if self._dice.random() < 0.3 else "Acme"
        return f'"{brand}: mailing {number}"'

    def _start(self, number: int) -> str:
        # By day, so that none falls into the hour that clocks skip or repeat.
        return (FIRST_START + timedelta(days=number // 100, minutes=7 * (number % 100))).isoformat()

    def _words(self, count: int) -> str:
        return " ".join(self._dice.choices(WORDS, k=count))

    def _recipients(self) -> str:
        kind = self._dice.random()
        if kind < 0.6:
            return f"  type: tags\n  value: [{', '.join(self._dice.sample(TAGS, 5))}]"
        if kind < 0.75:
            group = self._dice.choice((EARLY_BIRDS_ID, PRESS_ID))
            return f"  type: group\n  groupId: {group}   # {self._words(2)}"
        if kind < 0.9:
            return "  type: all"
        contacts = "".join(f"\n    - {contact_id(one)}" for one in self._dice.sample(range(1, 120), 8))
        return f"  type: explicit\n  value:{contacts}"

    def _lifecycle(self) -> str:
        if self._dice.random() < 0.002:
            return "repeat: weekly\n"  # draws a warning
        if self._dice.random() < 0.5:
            return "lifecycle:\n  on_change: block   # the default\n  on_remove: pause\n"
        return ""

    def _text(self, number: int) -> str:
        return f"""\
type: text
body: |
  {self._words(8)},
  {self._words(12)} {{{{ custom.brand }}}} : -{number % 60} % {self._words(4)}.
  {{{{ custom.shop_url }}}}/{number}
"""

    def _image(self, number: int) -> str:
        return f"""\
type: image
body: >
  {self._words(10)}
  {self._words(9)}, {number}.
mediaUrl: https://media.acme.example/2090/{number}.jpg
"""

    def _document(self, number: int) -> str:
        return f"""\
type: document
body: {self._words(7)}
mediaUrl: https://media.acme.example/2090/{number}.pdf
timezone: Europe/Paris
"""

    def _buttons(self, number: int) -> str:
        return f"""\
type: buttons
title: {self._words(3)} {number}
description: {self._words(6)}
footer: Acme, 12 rue de Rivoli
buttons:
  - type: url
    displayText: {self._words(2)}
    url: "{{{{ custom.shop_url }}}}/{number}"
  - type: copy
    displayText: {self._words(2)}
    copyCode: CODE{number}
"""

    def _by_id(self, number: int) -> str:
        return f"""\
templateId: {WELCOME_ID}
variables:
  brand: Acme
  code: {self._words(1).upper()}{number}
"""

    def _by_name(self, number: int) -> str:
        return f"""\
template: welcome
variables:
  brand: "{{{{ custom.brand }}}}"
  code: "{{{{ custom.prefix }}}}{number}"
custom:
  prefix: {self._words(1).upper()}
"""

    def _typed(self, number: int) -> str:
        return f"""\
type: text
body: "{self._words(6)} {{{{ custom.discount }}}} % {self._words(5)} {number}"
custom: {{discount: {number % 50}}}
"""


def write_corpus(root: Path, campaigns: int, *, seed: int = 1, state: bool = True) -> int:
    """
    Make a campaigns repo, and unless told otherwise the state of one that was applied.

    Args:
        root: an empty folder, or one to be made.
        campaigns: how many.
        seed: same seed, same files.
        state: whether to write the state, in which every campaign is scheduled.

    Returns:
        The number of files.
    """
    root.mkdir(parents=True, exist_ok=True)
    (root / "msgflash.yaml").write_text(PROJECT, encoding="utf-8")
    files = Corpus(root / "campaigns", seed).write(campaigns)
    if state:
        write_state(root, seed=seed)
    return files


def write_state(root: Path, *, seed: int = 1) -> None:
    """Write the state that an apply of the repo's campaigns would have left."""
    settings = load_settings(root, environment=None, environ={})
    dice = Random(seed)  # noqa: S311 - repeatable on purpose
    records = dict(_records(load(settings).campaigns, dice))
    snapshot = Snapshot(LINEAGE, 1, settings.environment, campaigns=records, in_doubt={}, history={})
    StoreBackend(LocalStore(root / settings.state)).write(encode(snapshot), expected=None)


def _records(campaigns: tuple[Desired, ...], dice: Random) -> Iterator[tuple[Address, Record]]:
    for wanted in campaigns:
        payload = in_order({**wanted.payload, **{name: NAMES_BY[name] for name in wanted.names}})
        facts = Facts(
            payload, fingerprint(payload), wanted.names, wanted.source.file, wanted.timezone,
            wanted.lifecycle.on_remove, wanted.labels, wanted.source.line,
        )  # fmt: skip
        bits = f"{dice.getrandbits(128):032x}"
        identifier = "-".join((bits[:8], bits[8:12], bits[12:16], bits[16:20], bits[20:]))
        yield wanted.address, Record(identifier, "scheduled", SENT_AT, SENT_AT, facts)


def main() -> None:
    """Write a corpus where the command line says, and say what it holds."""
    parser = argparse.ArgumentParser(description="Write a campaigns repo of any size, and its state.")
    parser.add_argument("campaigns", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    files = write_corpus(arguments.folder, arguments.campaigns, seed=arguments.seed)
    sys.stdout.write(f"{arguments.campaigns} campaigns in {files} files in {arguments.folder}\n")


if __name__ == "__main__":
    main()
