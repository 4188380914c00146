"""What the state holds, in columns and in full."""

import json

from msgflash_apply.campaign import Address
from msgflash_apply.report.json_ import history_to_json
from msgflash_apply.report.layout import PLAIN
from msgflash_apply.report.state_text import history_to_text, record_to_text, state_list_to_text
from msgflash_apply.state.reading import Past
from tests.unit.report.builders import ADDRESS, CAMPAIGN_ID, NOW, a_record, an_intent, facts


def test_empty_state() -> None:
    """A state without campaigns says so."""
    assert state_list_to_text({}, {}, paint=PLAIN) == "The state holds no campaigns.\n"


def test_campaign_that_is_in_doubt_twice_over() -> None:
    """A campaign whose replacement is in doubt has a line for each."""
    text = state_list_to_text({ADDRESS: a_record()}, {ADDRESS: an_intent()}, paint=PLAIN)
    _, first, second, *_ = text.split("\n")
    assert "in doubt" in first
    assert second.endswith(CAMPAIGN_ID)
    assert text.endswith("\n\n1 campaign, 1 in doubt.\n")


def test_statuses_of_strangers_are_safe() -> None:
    """A status or an address that tries to act on a terminal is shown as escapes."""
    text = state_list_to_text({Address("a\x1b[2J"): a_record(status="odd\u202e")}, {}, paint=PLAIN)
    assert "a\\x1b[2J" in text
    assert "odd\\u202e" in text


def test_record_in_full() -> None:
    """A record shows its labels, former ids, and when it was read."""
    record = a_record(facts=facts(labels={"team": "crm", "country": "fr"}), former_ids=("one", "two"))
    text = record_to_text(ADDRESS, record, None, now=NOW, environment="default", paint=PLAIN)
    assert "      labels       country=fr, team=crm\n" in text
    assert "      former ids   one, two\n" in text
    assert "      status       scheduled, read Mon 23 Nov 2026 09:58 UTC, 2 min ago\n" in text
    assert "in doubt" not in text


def test_doubt_without_a_record() -> None:
    """A create without an outcome shows when it was announced, and how to resolve it."""
    text = record_to_text(ADDRESS, None, an_intent(), now=NOW, environment="default", paint=PLAIN)
    assert "      announced    Mon 23 Nov 2026 09:00 UTC, 1 h ago\n" in text
    assert "    msgflash-apply resolve promo/black-friday --not-created\n" in text
    assert CAMPAIGN_ID not in text


def test_empty_history() -> None:
    """A state without a past says so."""
    assert history_to_text((), paint=PLAIN) == "The history holds no campaigns.\n"


def test_history_in_columns() -> None:
    """A replaced campaign names its successor, of one that was put away the last status and start are known."""
    past = (Past(ADDRESS, "first", None, "second"), Past(ADDRESS, CAMPAIGN_ID, a_record(), None))
    heading, replaced, put_away, *end = history_to_text(past, paint=PLAIN).split("\n")
    assert heading.split() == ["ADDRESS", "WHAT", "HAPPENED", "STATUS", "START", "ID"]
    assert replaced.split() == [ADDRESS, "replaced", "by", "second", "-", "-", "first"]
    assert "no longer managed" in put_away
    assert put_away.endswith(CAMPAIGN_ID)
    assert end == ["", "2 campaigns.", ""]


def test_history_as_json() -> None:
    """Each campaign has its address and id, and a record unless it was replaced."""
    past = (Past(ADDRESS, "first", None, "second"), Past(ADDRESS, CAMPAIGN_ID, a_record(), None))
    replaced, put_away = json.loads(history_to_json(past))["history"]
    assert replaced == {"address": ADDRESS, "id": "first", "replaced_by": "second", "record": None}
    assert (put_away["id"], put_away["record"]["id"], put_away["replaced_by"]) == (CAMPAIGN_ID, CAMPAIGN_ID, None)
