"""What people read about where a state is kept."""

import json
from dataclasses import replace
from datetime import timedelta

from msgflash_apply.campaign import Address
from msgflash_apply.report.json_ import backups_to_json
from msgflash_apply.report.layout import PLAIN
from msgflash_apply.report.state_text import backups_to_text, migrated_to_text
from msgflash_apply.state.backends.base import Backup
from tests.support.builders import NOW, a_record, a_snapshot, an_intent

BACKUPS = (Backup("serial 7\x1b[2J", NOW, 2048), Backup("serial-6", NOW - timedelta(days=1), 12))


def test_backups_in_columns() -> None:
    """Former documents stand in columns, names of strangers made safe, above the command that prints the latest."""
    heading, first, second, *end = backups_to_text(BACKUPS, environment="staging", paint=PLAIN).split("\n")

    assert heading.split() == ["NAME", "WHEN", "SIZE"]
    assert first == "serial 7\\x1b[2J  2026-11-23 12:00:00 UTC  2048 bytes"
    assert second.endswith("2026-11-22 12:00:00 UTC  12 bytes")
    assert end[-2] == "    msgflash-apply --env staging state pull --backup $'serial 7\\x1b[2J'"


def test_no_backups() -> None:
    """A storage that keeps none says so."""
    assert backups_to_text((), environment="default", paint=PLAIN) == "The storage keeps no former documents.\n"


def test_backups_as_json() -> None:
    """Programs get the name, the moment and the size of each."""
    first, _ = json.loads(backups_to_json(BACKUPS))["backups"]

    assert first == {"name": BACKUPS[0].name, "written_at": "2026-11-23T12:00:00.000Z", "size_bytes": 2048}


def test_end_of_a_move() -> None:
    """A move counts what arrived, and tells what to write where, in the environment that moved."""
    state = replace(
        a_snapshot({"sale": a_record(), "tea": a_record("tea")}, {"news": an_intent()}),
        environment="production",
        history={Address("gone"): (a_record("gone"), a_record("gone", identifier="older"))},
    )

    text = migrated_to_text(state, before="s3://old/state", after="postgresql://db/x", fits_file=True)

    assert "at postgresql://db/x now: serial 7, 2 campaigns, 1 in doubt, 2 in the history.\n" in text
    assert '    state: "postgresql://db/x"\n' in text
    assert "    MSGFLASH_STATE=s3://old/state msgflash-apply --env production state pull --moved\n" in text
