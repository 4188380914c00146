"""What the account has, and the message of one campaign, looked up on a sandbox over a real socket."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

import pytest

from msgflash_apply.api.access import Access
from msgflash_apply.api.client import Client
from msgflash_apply.api.limiter import Limiter
from msgflash_apply.campaign import Address, Content, Desired, Source
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.files.load import Loaded
from msgflash_apply.findings import InvalidFiles
from msgflash_apply.operations.listing import KINDS, Kind, list_account
from msgflash_apply.operations.message import Account, fill_in_for, find, find_words, look_up
from msgflash_apply.plan.lookup import Lookups
from msgflash_apply.plan.plan import Change
from msgflash_apply.sandbox.seed import BOUTIQUE_ID, WELCOME_ID, contact_id
from msgflash_apply.sandbox.server import Sandbox
from msgflash_apply.state.snapshot import NO_STATE
from msgflash_apply.template import DesiredTemplate, TemplateRecord, Version
from tests.support.builders import NOW, a_desired, a_payload
from tests.support.sandbox import STILL, running
from tests.support.sandbox import Client as PlainClient

Found = TypeVar("Found")
RELANCE = DesiredTemplate(Address("relance"), Source("templates/relance.yaml"), Content("text", "Hi {{custom.code}}"))
UNKNOWN_ID = "eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee"


def ask(sandbox: Sandbox, call: Callable[[Client], Awaitable[Found]]) -> Found:
    """Ask the sandbox with our own client."""

    async def run() -> Found:
        limiter = Limiter(0, jitter=lambda: 0.0)
        access = Access.checked(sandbox.url, sandbox.api_key, None)
        async with Client(access, limiter, jitter=lambda: 0.0) as client:
            return await call(client)

    return asyncio.run(run())


def looked_up(sandbox: Sandbox, desired: Desired, made: str | None = None) -> Change:
    """Look the message of a campaign up, in a repo with one template that an apply made with this id, or did not."""
    version = Version(made or "", RELANCE.name, RELANCE.content.digest, NOW)
    record = TemplateRecord(RELANCE.source.file, versions=(version,))
    snapshot = replace(NO_STATE, templates={RELANCE.address: record}) if made else NO_STATE
    return ask(sandbox, lambda client: look_up(desired, Account(Lookups(client), snapshot, (RELANCE,), NOW)))


def filled_in_on(sandbox: Sandbox, change: Change) -> Change:
    """Let the sandbox fill a message in for its first contact."""
    return ask(sandbox, lambda client: fill_in_for(contact_id(1), change, client)).change


def of_template(names: dict[str, str], **payload: object) -> Desired:
    """Make a campaign in template mode."""
    direct = a_payload()
    fields = {name: value for name, value in direct.items() if name not in {"type", "body"}}
    return a_desired("sale", payload={**fields, "instanceId": BOUTIQUE_ID, **payload}, names=names)


def test_campaign_is_found_by_its_address() -> None:
    """An address that no file has names what is near it: entries first, then what is spelt alike; or where to look."""
    loaded = Loaded(tuple(a_desired(address) for address in ("summer", 'city["fr"]')), (), 2)

    assert find(loaded, "summer").address == "summer"
    for address, fix in (("sumer", "summer?"), ("city", 'city["fr"]?'), ("xyz", "calendar"), ("no such [", "calendar")):
        with pytest.raises(MsgflashApplyError) as refused:
            find(loaded, address)
        assert fix in refused.value.fix


def test_template_is_found_where_no_campaign_has_its_address() -> None:
    """Its words can be shown by its address; it cannot be sent by it, and the error names what sends it."""
    text = Content("text", "Hi")
    templates = tuple(DesiredTemplate(Address(name), Source("t.yaml"), text) for name in ("hello", "sale", "unused"))
    loaded = Loaded((replace(a_desired("sale"), template=Address("hello")),), (), 2, templates=templates)

    assert [find_words(loaded, name) for name in ("hello", "sale")] == [templates[0], loaded.campaigns[0]]
    for name, fix in (("hello", "sends it: sale"), ("unused", "No campaign sends it yet."), ("helo", "hello?")):
        with pytest.raises(MsgflashApplyError) as refused:
            find(loaded, name)
        assert fix in refused.value.fix


def test_number_and_template_are_looked_up() -> None:
    """Names of the file become ids, with the number and the words that MsgFlash has; direct content has a number."""
    with running() as (sandbox, _):
        named = looked_up(sandbox, of_template({"templateId": "welcome"}))
        direct = looked_up(sandbox, a_desired("sale", payload={**a_payload(), "instanceId": BOUTIQUE_ID}))
    assert named.template is not None
    assert (named.template.id, named.template.content.type) == (WELCOME_ID, "text")
    assert named.instance is not None
    assert named.instance.number == "+33612345678"
    assert (direct.template, direct.instance) == (None, named.instance)


def test_what_the_account_has_not_is_an_error() -> None:
    """A name that means nothing is a mistake of the file; so is the id of no instance or template."""
    with running() as (sandbox, _):
        with pytest.raises(InvalidFiles) as mistaken:
            looked_up(sandbox, of_template({"templateId": "welcom"}))
        with pytest.raises(MsgflashApplyError, match="has no template"):
            looked_up(sandbox, of_template({}, templateId=UNKNOWN_ID))
        with pytest.raises(MsgflashApplyError, match="no such instance"):
            looked_up(sandbox, of_template({}, templateId=WELCOME_ID, instanceId=UNKNOWN_ID))
    assert "did you mean `welcome`?" in str(mistaken.value.diagnostics[0].hint)


def test_template_of_the_repo_is_sent_as_its_file_says() -> None:
    """Until MsgFlash has it under its name with these very words, there is nothing to send."""
    desired = replace(of_template({"templateId": "relance"}), template=RELANCE.address)
    with running() as (sandbox, client):
        with pytest.raises(MsgflashApplyError, match="not on MsgFlash"):
            looked_up(sandbox, desired)
        client.post("/templates", {"name": RELANCE.name, "type": "text", "body": "Edited"})
        with pytest.raises(MsgflashApplyError, match="not on MsgFlash"):
            looked_up(sandbox, desired)
        made = client.post("/templates", {"name": RELANCE.name, "type": "text", "body": RELANCE.content.body})
        with pytest.raises(MsgflashApplyError, match="not on MsgFlash"):
            looked_up(sandbox, desired)  # no apply of this state made it
        template = looked_up(sandbox, desired, str(made.at("data.id"))).template
    assert template is not None
    assert (template.id, template.content) == (made.at("data.id"), RELANCE.content)


def test_contact_is_filled_in_as_long_as_the_template_is_there() -> None:
    """The words are those for the contact; a contact that is unknown, or a template that is gone, is an error."""
    desired = of_template({"templateId": "welcome"}, variables={"brand": "Acme", "code": "A1"})
    with running() as (sandbox, client):
        change = looked_up(sandbox, desired)
        filled_in = filled_in_on(sandbox, change)
        with pytest.raises(MsgflashApplyError, match=f"no contact {UNKNOWN_ID}"):
            ask(sandbox, lambda asking: fill_in_for(UNKNOWN_ID, change, asking))
        client.send("DELETE", f"/api/v1/templates/{WELCOME_ID}")
        with pytest.raises(MsgflashApplyError, match="any more"):
            filled_in_on(sandbox, change)
    assert filled_in.words is not None
    assert filled_in.words.body == "Hello Bruno, welcome to Acme! Your code: A1"


def names_of(sandbox: Sandbox, kind: Kind) -> list[str]:
    """List the names of one kind of thing."""
    return [one.name for one in ask(sandbox, lambda client: list_account(kind, client))]


def test_account_is_listed_without_what_is_ours() -> None:
    """Each kind is listed by name; a state's marker is no template that anyone sends."""
    with running() as (sandbox, client):
        client.post(
            "/templates", {"name": "msgflash-apply state 01234567 (do not delete)", "type": "text", "body": "x"}
        )
        names = {kind: names_of(sandbox, kind) for kind in KINDS}
    assert names == {
        "instances": ["boutique-principale", "old-phone", "test-phone"],
        "templates": ["loyalty-card", "seasonal-visit", "welcome"],
        "groups": ["early-birds", "press"],
        "tags": ["lyon", "newsletter", "paris", "staff", "vip"],
    }


def test_tags_of_too_many_contacts_are_not_read() -> None:
    """The error says how many requests it would take."""
    with Sandbox(STILL) as sandbox:
        known = next(iter(sandbox.world.contacts.values()))
        sandbox.world.contacts |= {contact_id(number): known for number in range(1000, 3000)}
        with pytest.raises(MsgflashApplyError, match="takes 22 requests"):
            names_of(sandbox, "tags")
        assert PlainClient(sandbox.url, sandbox.api_key).get("/usage").at("data.usage.apiRequestsCount") == 2
