"""The demo account of every new sandbox, with ids that never change, so that example files can use them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from msgflash_apply.sandbox.values import Account, Contact, Group, Instance, Template
from msgflash_apply.sandbox.world import World

BOUTIQUE_ID: Final = "11111111-1111-4111-8111-111111111111"
TEST_PHONE_ID: Final = "22222222-2222-4222-8222-222222222222"
OLD_PHONE_ID: Final = "33333333-3333-4333-8333-333333333333"
WELCOME_ID: Final = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaa1"
LOYALTY_CARD_ID: Final = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaa2"
SEASONAL_VISIT_ID: Final = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaa3"
EARLY_BIRDS_ID: Final = "99999999-9999-4999-8999-999999999991"
PRESS_ID: Final = "99999999-9999-4999-8999-999999999992"
CONTACTS: Final = 120

_OPENED_AT = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_CITY_SIZE = 40
_STAFF = (1, 2, 3)
_FIRST_NAMES = ("Amina", "Bruno", "Chloé", "Diego", "Elif", "Farid", "Greta", "Hugo", "Inès", "Jonas", "Kofi", "Lena")
_LAST_NAMES = ("Martin", "Diallo", "Rossi", "Novak", "Silva", "Haddad", "Jansen", "Moreau", "Okafor", "Weber")


def demo_world(account: Account, now: datetime, new_id: Callable[[], str]) -> World:
    """Make a new world with three instances, three templates, 120 contacts and two groups."""
    at = _OPENED_AT
    boutique = Instance(BOUTIQUE_ID, "boutique-principale", "+33612345678", "connected", at)
    test_phone = Instance(TEST_PHONE_ID, "test-phone", "+33698765432", "connected", at + timedelta(days=60))
    test_phone.safety_state, test_phone.safety_score = "warming", 56
    test_phone.max_campaign_recipients, test_phone.hourly_cap, test_phone.daily_cap = 100, 25, 100
    old_phone = Instance(OLD_PHONE_ID, "old-phone", "+33611223344", "disconnected", at)
    old_phone.safety_state, old_phone.safety_score = "at_risk", 31
    welcome = "Hello {{contact.firstName}}, welcome to {{custom.brand}}! Your code: {{custom.code}}"
    card = "{{contact.firstName}}, this card holds your {{custom.points_name}}."
    visit = "{{contact.firstName}}, {{custom.brand}} is open late on {{custom.day}}."
    image = "https://cdn.example.com/loyalty-card.png"
    templates = (
        Template(WELCOME_ID, "welcome", "text", welcome, None, at, at),
        Template(LOYALTY_CARD_ID, "loyalty-card", "image", card, image, at, at),
        Template(SEASONAL_VISIT_ID, "seasonal-visit", "text", visit, None, at, at),
    )
    contacts = [_contact(number) for number in range(1, CONTACTS + 1)]
    groups = (
        Group(EARLY_BIRDS_ID, "early-birds", at, "First to know", "#f59e0b", _members(1, 25)),
        Group(PRESS_ID, "press", at + timedelta(days=1), "Journalists", "#3b82f6", _members(111, 115)),
    )
    return World(
        account=account,
        now=now,
        new_id=new_id,
        instances={instance.id: instance for instance in (boutique, test_phone, old_phone)},
        templates={template.id: template for template in templates},
        contacts={contact.id: contact for contact in contacts},
        groups={group.id: group for group in groups},
    )


def demo_account() -> Account:
    """Return the owner, on a plan with the newest Pro numbers (reference 2.6)."""
    return Account("00000000-0000-4000-8000-000000000001", "Demo Owner", "owner@example.com", "+33600000000")


def contact_id(number: int) -> str:
    """Return the id of the nth contact, from 1."""
    return f"cccccccc-cccc-4ccc-8ccc-{number:012d}"


def _contact(number: int) -> Contact:
    name = f"{_FIRST_NAMES[number % len(_FIRST_NAMES)]} {_LAST_NAMES[(number - 1) // len(_FIRST_NAMES)]}"
    added_at = _OPENED_AT + timedelta(minutes=number)
    belongs = {
        "vip": number % 3 == 0,
        "newsletter": number % 2 == 0,
        "paris": number <= _CITY_SIZE,
        "lyon": number > CONTACTS - _CITY_SIZE,
        "staff": number in _STAFF,
    }
    tags = [tag for tag, does in belongs.items() if does]
    temperature = {0: "cold", 1: "warm"}.get(number % 4)
    return Contact(contact_id(number), name, f"+33600000{number:03d}", added_at, added_at, tags, {}, temperature)


def _members(first: int, last: int) -> dict[str, datetime]:
    return {contact_id(number): _OPENED_AT + timedelta(hours=number) for number in range(first, last + 1)}
