"""Two campaigns to the same people within a day."""

import time
from datetime import timedelta

import pytest

from msgflash_apply.campaign import Address
from msgflash_apply.plan.duplicates import overlaps
from msgflash_apply.plan.plan import Action, Change
from tests.support.builders import SOON, a_payload

VIP = {"type": "tags", "value": ["vip", "paris"]}


def a_change(address: str, hours: float = 0, action: Action = Action.CREATE, recipients: object = None) -> Change:
    """Build a change that starts some hours after SOON."""
    starts_at = SOON + timedelta(hours=hours)
    payload = a_payload(name=address.upper(), starts_at=starts_at, recipients=recipients or VIP)
    return Change(Address(address), action, starts_at, after=payload)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (VIP, {"type": "tags", "value": ["vip"]}),
        ({"type": "all"}, {"type": "all"}),
        ({"type": "group", "groupId": "g"}, {"type": "group", "groupId": "g"}),
        ({"type": "explicit", "value": ["a", "b"]}, {"type": "explicit", "value": ["b"]}),
    ],
)
def test_people_in_common_within_a_day_are_one_warning(one: object, other: object) -> None:
    """A pair of creates draws one warning, with both names."""
    [found] = overlaps([a_change("a", 0, recipients=one), a_change("b", 23, recipients=other)])

    assert (found.code, found.address, found.is_error) == ("MF513", "a", False)
    assert "`A` and `B` (b)" in found.message


@pytest.mark.parametrize(
    ("hours", "recipients"),
    [
        (24, VIP),
        (1, {"type": "tags", "value": ["lyon"]}),
        (1, {"type": "all"}),
        (1, {"type": "explicit", "value": "all"}),
        (1, "everybody"),
    ],
)
def test_a_day_apart_or_other_people_is_no_overlap(hours: float, recipients: object) -> None:
    """Nothing is said of campaigns a day apart, or to others."""
    assert overlaps([a_change("a"), a_change("b", hours, recipients=recipients)]) == []


@pytest.mark.parametrize("hours", [-5, 5])
def test_what_exists_already_counts(hours: float) -> None:
    """A create close to a campaign on record draws a warning, whichever comes first."""
    [found] = overlaps([a_change("a"), a_change("b", hours, Action.NO_OP)])

    assert found.address == "a"


def test_what_will_not_be_sent_does_not_count() -> None:
    """Paused, retired, forgotten and blocked campaigns reach no one."""
    others = [Action.PAUSE, Action.RETIRE, Action.FORGET, Action.BLOCKED]

    assert overlaps([a_change("a"), *(a_change(f"b{action}", 1, action) for action in others)]) == []


def test_unchanged_campaigns_are_not_warned_about() -> None:
    """Overlaps that exist already draw no warning."""
    assert overlaps([a_change("a", 0, Action.NO_OP), a_change("b", 1, Action.NO_OP)]) == []


def test_nearest_other_is_named() -> None:
    """Of several the nearest in time is named."""
    [found] = overlaps([a_change("a"), a_change("b", -9, Action.NO_OP), a_change("c", 2, Action.NO_OP)])

    assert "(c)" in found.message


def test_thousands_of_campaigns_to_thousands_of_tags_take_no_square() -> None:
    """What as many campaigns have in common is compared once, not once for each tag of each campaign."""
    tags = {"type": "tags", "value": [f"t{number}" for number in range(2_000)]}
    fewer = {"type": "tags", "value": tags["value"][1:]}
    changes = [a_change(f"a{number}", number, recipients=fewer if number % 2 else tags) for number in range(2_000)]
    before = time.process_time()

    found = overlaps(changes)

    assert time.process_time() - before < 3
    assert len(found) == 1_999
    assert "within a day: tag t1, " in found[0].message


def test_nearest_of_all_is_named() -> None:
    """Of several campaigns to some of the same people the nearest in time is named, then the first by name."""
    changes = [
        a_change("a", 0, recipients={"type": "tags", "value": ["x", "y", "z"]}),
        a_change("b", 3, recipients={"type": "tags", "value": ["x"]}),
        a_change("c", 2, recipients={"type": "tags", "value": ["z", "y"]}),
        a_change("d", -2, Action.NO_OP, recipients={"type": "tags", "value": ["x"]}),
    ]

    [found] = overlaps(changes)

    assert "(c) reach the same people within a day: tag y, " in found.message
