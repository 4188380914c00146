"""Looking for a campaign in doubt among the messages; the finding itself is tested against the sandbox."""

from datetime import timedelta

from msgflash_apply.campaign import Address
from msgflash_apply.operations.resolve import MOST_PAGES, probe
from tests.support.builders import SOON, a_snapshot, an_intent
from tests.unit.plan.accounts import Account


def test_probe_ends_however_many_messages_there_are() -> None:
    """An account whose messages never end is searched up to a limit, and nothing is found rather than guessed."""
    account, later = Account(), SOON + timedelta(hours=1)
    state = a_snapshot(in_doubt={"sale": an_intent()})
    probed = account.use(lambda client: probe(state, client, Address("sale"), later))

    assert (probed.id, probed.messages) == (None, MOST_PAGES)
    assert account.asked.count("/messages") == MOST_PAGES
