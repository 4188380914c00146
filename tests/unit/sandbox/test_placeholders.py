"""Placeholders of templates."""

import pytest

from msgflash_apply.sandbox.exchange import RefusedError
from msgflash_apply.sandbox.placeholders import check_placeholders, paths_in, render, values_for
from tests.support.sandbox import a_world


def test_every_namespace_is_filled_in() -> None:
    """Contact, user, instance and custom paths are filled in, nested meta included (4.1, 10.4)."""
    world = a_world()
    contact = next(iter(world.contacts.values()))
    contact.meta = {"address": {"city": "Lyon"}}
    instance = next(iter(world.instances.values()))
    values = values_for(world.account, instance=instance, contact=contact, custom={"n": 3})
    text = "{{contact.firstName}} {{contact.meta.address.city}} {{ user.email }} {{instance.name}} {{custom.n}}"
    assert render(text, values).text == "Bruno Lyon owner@example.com boutique-principale 3"


def test_missing_paths_stay_and_are_named() -> None:
    """What has no value stays as it was written (10.4)."""
    rendered = render("{{custom.a}} {{custom.b}} {{custom.a}}", {"custom.b": "B"})
    assert (rendered.text, rendered.missing) == ("{{custom.a}} B {{custom.a}}", ("custom.a",))


def test_paths_are_listed_once() -> None:
    """`variables` holds dotted paths, each once, in order (4.1)."""
    assert paths_in("{{custom.b}} {{ contact.name }} {{custom.b}}") == ["custom.b", "contact.name"]


@pytest.mark.parametrize(
    "text", ["{{name}}", "{{server.name}}", "{{contact.}}", "{{contact.name", "{{ contact name }}"]
)
def test_bad_placeholders_are_invalid(text: str) -> None:
    """Malformed placeholders and unknown namespaces are 400 TEMPLATE_INVALID (2.7, 4.1)."""
    with pytest.raises(RefusedError, match="400 TEMPLATE_INVALID"):
        check_placeholders(text)
