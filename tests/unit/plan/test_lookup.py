"""Names in files -> ids, from the server's lists or from the state's memory."""

from dataclasses import replace

import pytest

from msgflash_apply.api.models import Instance, Template
from msgflash_apply.campaign import INSTANCE, TEMPLATE
from msgflash_apply.plan.lookup import (
    ONLY_CONNECTED,
    fill_in,
    table_of_memory,
    table_of_server,
    unknown_names,
)
from tests.support.builders import INSTANCE_ID, a_desired, a_payload, some_facts

SHOP = Instance(id=INSTANCE_ID, name="shop", wa_number="+33612345678", status="connected")
OLD = Instance(id="old", name="old", wa_number=None, status="disconnected")
WELCOME = Template(id="t1", name="welcome")
TABLE = table_of_server([SHOP, OLD], [WELCOME])


def test_instance_by_name_number_and_default() -> None:
    """A name, a number in any spelling, and nothing at all find the instance."""
    for name in ("shop", "+33612345678", "33612345678", "+33 6 12 34 56 78", ONLY_CONNECTED):
        item = fill_in(a_desired(payload=a_payload(instanceId=None), names={INSTANCE: name}), TABLE)

        assert not item.missing_names
        assert item.payload == a_payload()


@pytest.mark.parametrize(("sent", "is_same"), [(1, True), (1.0, False), (True, False), ("1", False), (2, False)])
def test_what_was_sent_is_the_same_only_as_json(sent: object, *, is_same: bool) -> None:
    """A campaign has the fingerprint on record where the payload is that one as JSON: one and true are not the same."""
    item = fill_in(a_desired(payload=a_payload(variables={"n": 1})), TABLE)

    assert (item.fingerprint == some_facts(a_payload(variables={"n": sent})).fingerprint) is is_same


def test_payload_of_the_files_is_kept_where_the_record_has_another_one() -> None:
    """A record shares its payload only where it is that of the files, whatever its fingerprint claims."""
    desired = a_desired(payload=a_payload(body="Hello"))
    alike = some_facts(a_payload(body="Hello"))
    belied = replace(alike, payload=a_payload(body="Other words"))

    assert fill_in(desired, TABLE, alike).payload is alike.payload
    assert fill_in(desired, TABLE, belied).payload is desired.payload


def test_unknown_name_keeps_the_campaign_apart() -> None:
    """A name that is not known leaves the field out, and takes part in the fingerprint."""
    one, two = (
        fill_in(a_desired(payload=a_payload(instanceId=None), names={INSTANCE: name}), TABLE) for name in ("x", "y")
    )

    assert one.missing_names
    assert "instanceId" not in one.payload
    assert one.fingerprint != two.fingerprint


def test_unknown_name_lists_what_there_is() -> None:
    """An unknown name is an error with a near miss and the candidates."""
    item = fill_in(a_desired(payload=a_payload(instanceId=None), names={INSTANCE: "shopp"}), TABLE)
    [found] = unknown_names(item, TABLE)

    assert found.code == "MF503"
    assert "did you mean `shop`" in str(found.hint)
    assert "old (no number, disconnected, old)" in str(found.hint)


def test_unknown_name_on_an_empty_account() -> None:
    """Where the account has none, the hint says so."""
    empty = table_of_server([], [])
    item = fill_in(a_desired(payload=a_payload(instanceId=None), names={TEMPLATE: "welcome"}), empty)

    assert unknown_names(item, empty)[0].hint == "it has: none"


def test_ambiguous_name_lists_the_candidates() -> None:
    """Two instances of one name are an error that lists both."""
    table = table_of_server([SHOP, SHOP.model_copy(update={"id": "twin"})], [])
    item = fill_in(a_desired(payload=a_payload(instanceId=None), names={INSTANCE: "shop"}), table)
    [found] = unknown_names(item, table)

    assert found.code == "MF502"
    assert INSTANCE_ID in str(found.hint)
    assert "twin" in str(found.hint)


def test_no_default_needs_exactly_one_connected() -> None:
    """Without an instance given, none or several connected ones are an error."""
    for instances, words in (([OLD], "no connected instance"), ([SHOP, SHOP.model_copy(update={"id": "2"})], "2 conn")):
        table = table_of_server(instances, [])
        item = fill_in(a_desired(payload=a_payload(instanceId=None), names={INSTANCE: ONLY_CONNECTED}), table)
        [found] = unknown_names(item, table)

        assert found.code == "MF501"
        assert words in found.message


def test_memory_knows_what_was_sent() -> None:
    """The state remembers which id a name stood for."""
    table = table_of_memory([some_facts(names={INSTANCE: "shop", TEMPLATE: "gone"}), some_facts()])

    assert table.ids(INSTANCE, "shop") == [INSTANCE_ID]
    assert table.ids(TEMPLATE, "gone") == []
