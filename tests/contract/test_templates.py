"""Templates of the repo, from their first version to their removal, with the campaigns that send them."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytest

from msgflash_apply.apply.result import ApplyReport, Event, Outcome, TemplateStarted
from msgflash_apply.apply.stop import Stop
from msgflash_apply.campaign import Address, Desired, Lifecycle
from msgflash_apply.errors import BackendError
from msgflash_apply.findings import InvalidFiles
from msgflash_apply.models.project import Policy
from msgflash_apply.plan.plan import Action, Plan, Reason, TemplateAction
from msgflash_apply.plan.refresh import Refresh
from msgflash_apply.sandbox.server import Sandbox
from msgflash_apply.sandbox.values import Template
from msgflash_apply.state.journal import Templated
from msgflash_apply.state.ledger import open_ledger
from msgflash_apply.state.lock import Claim
from tests.support.builders import a_desired, a_payload, a_sender_of, a_template
from tests.support.doors import FailingBackend
from tests.support.runs import LATER, STILL, World
from tests.support.states import a_holder

ADDRESS = "promo/relance"
TEMPLATES = "/api/v1/templates"
REPLACE = Lifecycle(on_change="replace")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Run an account, and a repo with one template."""
    with Sandbox(STILL) as sandbox:
        yield World(sandbox, tmp_path, templates=[a_template()])


def sale(address: str = "sale", **options: object) -> Desired:
    """Build a campaign that sends the template and starts later."""
    return a_sender_of(ADDRESS, address, starts_at=LATER, **options)


def on_msgflash(world: World) -> dict[str, str | None]:
    """Give what the repo's templates say on MsgFlash, by name."""
    return {one.name: one.body for one in found(world)}


def found(world: World) -> list[Template]:
    """Find the repo's templates on MsgFlash."""
    return [one for one in world.sandbox.world.templates.values() if one.name.startswith(f"{ADDRESS}@")]


def words_of(world: World, name: str) -> list[str | None]:
    """Say what people would get of the campaigns of a name that are not paused."""
    account = world.sandbox.world
    return [
        account.templates[str(one.payload["templateId"])].body
        for one in account.campaigns.values()
        if one.payload["name"] == name and one.status != "paused"
    ]


def actions(plan: Plan) -> dict[str, str]:
    """Say what a plan does, by address; templates in capitals."""
    of_templates = {str(one.address): one.action.value.upper() for one in plan.templates}
    return of_templates | {str(one.address): one.action.value for one in plan.changes}


def outcomes(report: ApplyReport) -> list[tuple[str, str]]:
    """Say how templates and campaigns ended."""
    of_templates = [(one.action.value, one.outcome.value) for one in report.templates]
    return of_templates + [(one.action.value, one.outcome.value) for one in report.results]


def edit(world: World, body: str, **options: object) -> None:
    """Edit the file of the template."""
    world.templates = [a_template(body=body, **options)]  # type: ignore[arg-type]


def test_template_is_made_before_the_campaign_that_sends_it(world: World) -> None:
    """Its first version is named after its content; the campaign sends it, and then nothing is left to do."""
    plan = world.plan([sale()])
    assert actions(plan) == {ADDRESS: "CREATE", "sale": "create"}
    assert plan.changes[0].words == world.templates[0].content
    assert "templateId" not in (plan.changes[0].after or {})

    assert outcomes(world.apply([sale()])) == [("create", "done"), ("create", "done")]
    assert on_msgflash(world) == {world.templates[0].name: "Hello {{contact.firstName}}"}
    assert words_of(world, "sale") == ["Hello {{contact.firstName}}"]
    for refresh in Refresh:
        assert world.plan([sale()], refresh).is_empty
    assert world.plan([sale()]).digest == world.plan([sale()], Refresh.NONE).digest


def test_edited_file_makes_another_version(world: World) -> None:
    """Nothing changes under a campaign: one is blocked, one is replaced, and a version stays while one may send it."""
    world.apply([sale("kept"), sale("new", lifecycle=REPLACE)])
    edit(world, "Bye {{contact.firstName}}")
    plan = world.plan([sale("kept"), sale("new", lifecycle=REPLACE)])
    assert actions(plan) == {ADDRESS: "CREATE", "kept": "blocked", "new": "replace"}
    assert [one.path for one in plan.changes[0].diff] == ["template.body"]
    assert plan.templates[0].campaigns == (Address("kept"), Address("new"))

    world.apply([sale("kept"), sale("new", lifecycle=REPLACE)])
    assert words_of(world, "kept") == ["Hello {{contact.firstName}}"]
    assert words_of(world, "new") == ["Bye {{contact.firstName}}"]
    assert actions(world.plan([sale("kept")]))[ADDRESS] == "NO-OP"

    world.apply([sale("new", lifecycle=REPLACE)])  # the other one's file is gone: it is retired, and may be resumed
    assert len(found(world)) == 2


def test_version_that_comes_back_is_used_again(world: World) -> None:
    """A revert sends what is on MsgFlash already."""
    world.apply([sale("kept")])
    edit(world, "Bye {{contact.firstName}}")
    world.apply([sale("kept"), sale("new")])
    world.templates = [a_template()]

    assert actions(world.plan([sale("kept"), sale("third"), sale("new")])) == {
        ADDRESS: "NO-OP",
        "kept": "no-op",
        "new": "blocked",
        "third": "create",
    }
    world.apply([sale("kept"), sale("third"), sale("new")])
    assert words_of(world, "third") == ["Hello {{contact.firstName}}"]
    assert len(found(world)) == 2


def test_change_in_place_is_approved_with_its_campaigns(world: World) -> None:
    """The one template changes; each campaign that sends it is named, and its new words are on record."""
    edit(world, "Hello", on_change="in_place")
    world.apply([sale()])
    edit(world, "Bye", on_change="in_place")
    for policy in ("accept", "pause"):
        world.policy = replace(world.policy, template_edits=policy)
        plan = world.plan([sale()])
        assert actions(plan) == {ADDRESS: "UPDATE", "sale": "accept"}
        assert plan.templates[0].campaigns == (Address("sale"),)

    assert outcomes(world.apply([sale()])) == [("update", "done"), ("accept", "done")]
    assert words_of(world, "sale") == ["Bye"]
    assert list(on_msgflash(world)) == [f"{ADDRESS}@current"]
    assert world.plan([sale()]).is_empty


def test_template_is_not_changed_while_it_is_sent(world: World) -> None:
    """Nor is anything else sent by it until then."""
    edit(world, "Hello", on_change="in_place")
    world.apply([sale()])
    edit(world, "Bye", on_change="in_place")
    world.sandbox.advance(timedelta(days=1, seconds=1).total_seconds())

    plan = world.plan([sale(), sale("next", fields={"schedule": "2027-04-01T12:00:00.000Z"})])
    [template] = plan.templates
    assert (template.reason, actions(plan)["sale"]) == (Reason.TEMPLATE_IN_USE, "no-op")
    assert plan.needs_person


@pytest.mark.parametrize(
    ("first", "then", "action"),
    [
        ({"kind": "image", "media_url": "https://cdn.example/a.jpg"}, {"body": "Bye"}, TemplateAction.CREATE),
        (
            {"kind": "image", "media_url": "https://cdn.example/a.jpg"},
            {"kind": "image", "media_url": "https://cdn.example/a.jpg", "body": None},
            TemplateAction.CREATE,
        ),
        (
            {"kind": "image", "media_url": "https://cdn.example/a.jpg"},
            {"kind": "image", "media_url": "https://cdn.example/b.jpg"},
            TemplateAction.UPDATE,
        ),
    ],
    ids=["another type", "no caption any more", "another file"],
)
def test_what_cannot_be_changed_in_place_becomes_a_version(
    world: World, first: dict[str, str], then: dict[str, str], action: TemplateAction
) -> None:
    """The API changes no type, and takes no caption away."""
    world.templates = [a_template(on_change="in_place", **first)]  # type: ignore[arg-type]
    world.apply([])
    world.templates = [a_template(on_change="in_place", **then)]  # type: ignore[arg-type]
    assert [one.action for one in world.plan([]).templates] == [action]
    assert world.apply([]).exit_code == 0
    assert actions(world.plan([])) == {ADDRESS: "NO-OP"}
    assert len(found(world)) == 1


def test_block_waits_for_a_person(world: World) -> None:
    """Nothing is sent by a template whose file changed and may not."""
    edit(world, "Hello", on_change="block")
    world.apply([])
    edit(world, "Bye", on_change="block")
    plan = world.plan([sale()])

    assert [one.reason for one in plan.templates] == [Reason.IMMUTABLE_CHANGE]
    assert [(one.action, one.reason) for one in plan.changes] == [(Action.BLOCKED, Reason.IMMUTABLE_CHANGE)]
    assert world.apply([sale()]).blocked == 2
    assert world.created() == {}


def test_edit_on_msgflash_is_taken_back(world: World) -> None:
    """The file says what people get."""
    world.apply([sale()])
    found(world)[0].body = "Hacked"
    plan = world.plan([sale()])
    assert actions(plan) == {ADDRESS: "UPDATE", "sale": "no-op"}
    assert [one.path for one in plan.templates[0].diff] == ["template.body"]

    assert world.apply([sale()]).exit_code == 0
    assert words_of(world, "sale") == ["Hello {{contact.firstName}}"]
    assert world.plan([sale()]).is_empty


def test_template_deleted_on_msgflash_is_made_anew(world: World) -> None:
    """Its campaigns hurt, and are replaced where they may be."""
    world.apply([sale(lifecycle=REPLACE)])
    del world.sandbox.world.templates[found(world)[0].id]
    plan = world.plan([sale(lifecycle=REPLACE)])
    assert actions(plan) == {ADDRESS: "CREATE", "sale": "replace"}
    assert actions(world.plan([sale()])) == {ADDRESS: "CREATE", "sale": "blocked"}

    assert world.apply([sale(lifecycle=REPLACE)]).exit_code == 0
    assert words_of(world, "sale")[-1:] == ["Hello {{contact.firstName}}"]
    assert world.plan([sale(lifecycle=REPLACE)]).is_empty


@pytest.mark.parametrize("moved_from", [(), (ADDRESS,)], ids=["by its words", "by moved_from"])
def test_renamed_template_keeps_its_versions(world: World, moved_from: tuple[str, ...]) -> None:
    """Nothing is made again, and no campaign changes."""
    world.apply([sale()])
    world.templates = [a_template("promo/again", moved_from=moved_from)]
    sender = a_sender_of("promo/again", "sale", starts_at=LATER)
    assert actions(world.plan([sender])) == {"promo/again": "MOVE", "sale": "no-op"}

    assert outcomes(world.apply([sender])) == [("move", "done")]
    assert list(world.snapshot().templates) == ["promo/again"]
    assert world.plan([sender]).is_empty


@pytest.mark.parametrize(
    ("on_remove", "is_used", "action", "left"),
    [
        ("keep", False, "FORGET", 1),
        ("delete", False, "DELETE", 0),
        ("delete", True, "NO-OP", 1),
    ],
)
def test_removed_file(world: World, on_remove: str, is_used: bool, action: str, left: int) -> None:
    """What a live campaign sends is never deleted."""
    edit(world, "Hello", on_remove=on_remove)
    world.apply([sale()] if is_used else [])
    [identifier] = [one.id for one in found(world)]
    world.templates = []
    desired = [
        a_desired("sale", payload=a_payload(name="sale", starts_at=LATER, type=None, body=None, templateId=identifier))
    ]
    desired = desired if is_used else []
    assert actions(world.plan(desired))[ADDRESS] == action

    world.apply(desired)
    assert len(found(world)) == left
    assert (ADDRESS in world.snapshot().templates) is is_used


def test_what_is_gone_or_not_ours_is_only_forgotten(world: World) -> None:
    """Deleted on MsgFlash, or brought in from there: nothing is sent for it."""
    edit(world, "Hello", on_remove="delete")
    world.apply([])
    record = world.snapshot().templates[Address(ADDRESS)]
    world.sandbox.world.templates.pop(record.versions[0].id)
    world.templates = []

    assert actions(world.plan([])) == {ADDRESS: "FORGET"}
    assert outcomes(world.apply([])) == [("forget", "done")]
    assert world.snapshot().templates == {}


def test_too_many_templates_are_blocked(world: World) -> None:
    """The limit of creates counts them."""
    world.policy = replace(Policy(), max_creates=1)
    world.templates = [a_template("a"), a_template("b", "Other")]
    plan = world.plan([a_sender_of("a", "sale", starts_at=LATER)])

    assert [one.reason for one in plan.templates] == [Reason.LIMIT, Reason.LIMIT]
    assert [one.reason for one in plan.changes] == [Reason.LIMIT]


def test_name_on_msgflash_that_is_an_address_too_is_refused(world: World) -> None:
    """Whose words are meant cannot be known."""
    account = world.sandbox.world
    welcome = next(iter(account.templates.values()))
    welcome.name = ADDRESS

    with pytest.raises(InvalidFiles) as caught:
        world.plan([sale()])
    assert [one.code for one in caught.value.diagnostics] == ["MF502"]


def test_narrowed_plan_takes_the_templates_of_its_campaigns(world: World) -> None:
    """A target of either kind."""
    world.templates = [a_template(), a_template("other", "Other")]

    def targeted(*targets: str) -> dict[str, str]:
        return actions(narrowed(world, [sale(), sale("tea")], *targets))

    assert targeted("sale") == {ADDRESS: "CREATE", "sale": "create"}
    assert targeted("other") == {"other": "CREATE"}


@pytest.mark.parametrize("target", ["sale", ADDRESS])
def test_narrowed_plan_shows_every_campaign_that_gets_other_words(world: World, target: str) -> None:
    """A change in place reaches the campaigns that are not planned: their new words are approved with it."""
    world.templates = [a_template(on_change="in_place"), a_template("other", on_change="in_place")]
    unplanned = sale("left", lifecycle=Lifecycle(on_remove="keep"))
    elsewhere = a_sender_of("other", "elsewhere", starts_at=LATER)
    files = [sale(), sale("tea"), elsewhere]
    world.apply([*files, unplanned])
    world.templates = [a_template(each, "Bye", on_change="in_place") for each in (ADDRESS, "other")]

    plan = narrowed(world, files, target)
    concerned = dict.fromkeys(("left", "sale", "tea"), "accept")
    assert actions(plan) == {ADDRESS: "UPDATE"} | concerned
    assert plan.templates[0].campaigns == tuple(map(Address, concerned))


def narrowed(world: World, desired: list[Desired], *targets: str) -> Plan:
    """Plan a part of the repo."""

    async def run() -> Plan:
        async with world.client() as client:
            planner = world.planner(desired, client, Refresh.CHANGED)
            planner._options = replace(planner._options, targets=targets)
            return await planner.plan(world.snapshot())

    return asyncio.run(run())


@pytest.mark.parametrize("on_change", ["version", "in_place"])
@pytest.mark.parametrize("is_heard", [True, False], ids=["the same run", "the next run"])
def test_what_another_state_may_have_made_is_not_touched(
    world: World, tmp_path: Path, on_change: Literal["version", "in_place"], *, is_heard: bool
) -> None:
    """A create never arrived, and another environment made the same template meanwhile: its words and it stay."""
    options: dict[str, Any] = {"on_change": on_change, "on_remove": "delete"}
    edit(world, "Hello", **options)
    world.policy = Policy().without(["account-marker"])
    other = World(world.sandbox, tmp_path / "other", policy=world.policy, templates=world.templates)

    def meanwhile(event: Event, _stop: Stop) -> None:
        if isinstance(event, TemplateStarted):
            with ThreadPoolExecutor(1) as pool:
                pool.submit(other.apply, [sale("theirs")]).result()
            world.sandbox.add_fault(f"POST {TEMPLATES} drop_before")
            if not is_heard:
                world.sandbox.add_fault(f"* {TEMPLATES} drop_before times=*")

    world.apply([], on_event=meanwhile)
    world.sandbox.clear_faults()
    world.apply([])
    edit(world, "Bye", **options)
    world.apply([])
    world.templates = []
    world.apply([])
    assert words_of(world, "theirs") == ["Hello"]


def test_two_states_on_one_account_have_their_own(world: World, tmp_path: Path) -> None:
    """Equal copies: each state makes its own, and deletes no other."""
    edit(world, "Hello", on_remove="delete")
    world.apply([])
    other = World(world.sandbox, tmp_path / "other", policy=Policy().without(["account-marker"]))
    other.templates = world.templates
    assert actions(other.plan([])) == {ADDRESS: "CREATE"}
    other.apply([])
    assert len(found(world)) == 2

    world.templates = []
    world.apply([])
    assert [one.id for one in found(world)] == [other.snapshot().templates[Address(ADDRESS)].versions[0].id]
    assert other.plan([]).is_empty


def test_campaign_that_was_sent_is_not_sent_again_by_another_copy_of_its_words(world: World) -> None:
    """Forgotten, and its template made anew under another id: the same words at the same time are the same mailing."""
    world.apply([sale()])
    world.sandbox.advance(timedelta(days=2).total_seconds())
    world.apply([])
    assert Address("sale") in world.snapshot().history
    del world.sandbox.world.templates[found(world)[0].id]

    [change] = world.plan([sale()]).changes
    assert change.action is Action.BLOCKED


@pytest.mark.parametrize("is_in_doubt", [True, False])
def test_renamed_campaign_is_the_same_mailing_though_its_template_is_another(
    world: World, *, is_in_doubt: bool
) -> None:
    """Made anew under another id, it says the same: neither a record nor a doubt is left behind, and nothing is new."""
    if is_in_doubt:
        world.sandbox.add_fault("POST /api/v1/campaigns drop_after times=*")
    world.apply([sale()])
    world.sandbox.clear_faults()
    assert bool(world.snapshot().in_doubt) is is_in_doubt
    del world.sandbox.world.templates[found(world)[0].id]
    renamed = replace(sale("renamed"), payload=sale().payload)

    [change] = world.plan([renamed]).changes
    assert (change.address, change.action, change.previous_address) == ("renamed", Action.BLOCKED, "sale")
    world.apply([renamed])
    assert world.created() == {"sale": 1}


def test_copy_that_sends_the_same_words_by_another_template_is_refused(world: World) -> None:
    """Two templates that say the same make one mailing, if all else is the same too."""
    world.templates = [a_template(), a_template("other")]
    world.apply([sale()])
    copy = replace(a_sender_of("other", "copy", starts_at=LATER), payload=sale().payload)
    for files in ([sale(), copy], [copy, replace(copy, address=Address("third"), template=Address(ADDRESS))]):
        with pytest.raises(InvalidFiles) as caught:
            world.plan(files)
        assert "duplicates campaign" in caught.value.diagnostics[0].message


def test_exact_rename_comes_before_one_by_words(world: World) -> None:
    """Of two that say the same, the one with the very template keeps the record."""
    world.templates = [a_template(), a_template("other")]
    world.apply([sale()])
    exact = replace(sale("z"), payload=sale().payload)
    close = replace(a_sender_of("other", "a", starts_at=LATER), payload={**sale().payload, "name": "a"})
    assert [one.previous_address for one in world.plan([exact, close]).changes] == [None, "sale"]


def test_campaign_that_was_sent_does_not_wait_for_a_template_made_anew(world: World) -> None:
    """What was sent stays what it was: nothing is left to do once the template is back."""
    world.apply([sale()])
    world.sandbox.advance(timedelta(days=2).total_seconds())
    del world.sandbox.world.templates[found(world)[0].id]
    assert actions(world.plan([sale()])) == {ADDRESS: "CREATE", "sale": "no-op"}
    world.apply([sale()])
    assert world.plan([sale()]).is_empty


def test_campaign_is_not_resumed_while_its_template_says_something_else(world: World) -> None:
    """The words that were approved could not be put back."""
    world.apply([sale(paused=True)])
    found(world)[0].body = "Edited"
    world.sandbox.add_fault(f"PUT {TEMPLATES}/* 400 code=VALIDATION_ERROR")
    assert actions(world.plan([sale(paused=False)])) == {ADDRESS: "UPDATE", "sale": "resume"}

    assert outcomes(world.apply([sale(paused=False)])) == [("update", "failed"), ("resume", "skipped")]
    assert world.statuses() == {"sale": "paused"}
    assert outcomes(world.apply([sale(paused=False)])) == [("update", "done"), ("resume", "done")]


def test_change_in_place_waits_for_a_doubt_that_may_be_sending(world: World) -> None:
    """A campaign in doubt whose start has passed may go out right now."""
    edit(world, "Hello", on_change="in_place")
    world.sandbox.add_fault("POST /api/v1/campaigns drop_after times=*")
    direct = a_desired("direct", payload=a_payload(name="direct", starts_at=LATER))
    world.apply([sale(), direct])
    world.sandbox.clear_faults()
    assert len(world.snapshot().in_doubt) == 2
    edit(world, "Bye", on_change="in_place")
    assert world.plan([sale()]).templates[0].reason is None
    world.sandbox.advance(timedelta(days=1).total_seconds())
    assert world.plan([sale()]).templates[0].reason is Reason.TEMPLATE_IN_USE


@pytest.mark.parametrize("fault", ["drop_after", "500", "html", "reset_after", "no_id"])
def test_create_without_an_answer_is_found_again(world: World, fault: str) -> None:
    """By its name and content, in the same run; no second copy is made where the first one was."""
    world.sandbox.add_fault(f"POST {TEMPLATES} {fault}")
    assert world.apply([sale()]).exit_code == 0
    assert len(found(world)) == 1
    assert world.plan([sale()]).is_empty


def test_lost_create_is_found_by_the_next_run(world: World) -> None:
    """A run that could not look finds nothing; the next plan adopts what there is."""
    world.sandbox.add_fault(f"POST {TEMPLATES} drop_after")
    world.sandbox.add_fault(f"GET {TEMPLATES} 500 times=* skip=1")
    report = world.apply([sale()])
    assert [one.outcome for one in report.results] == [Outcome.SKIPPED]
    assert report.exit_code == 3
    world.sandbox.clear_faults()

    assert actions(world.plan([sale()])) == {ADDRESS: "ADOPT", "sale": "create"}
    assert outcomes(world.apply([sale()])) == [("adopt", "done"), ("create", "done")]
    assert len(found(world)) == 1


@pytest.mark.parametrize("verb", ["PUT", "DELETE"])
def test_change_and_removal_are_repeated(world: World, verb: str) -> None:
    """Sent twice they do no harm."""
    edit(world, "Hello", on_change="in_place", on_remove="delete")
    world.apply([])
    world.templates = [a_template(body="Bye", on_change="in_place", on_remove="delete")] if verb == "PUT" else []
    world.sandbox.add_fault(f"{verb} {TEMPLATES}/* drop_after")
    world.sandbox.add_fault(f"{verb} {TEMPLATES}/* 429 code=API_RATE_LIMIT_EXCEEDED retry_after=0")

    assert world.apply([]).exit_code == 0
    assert list(on_msgflash(world).values()) == (["Bye"] if verb == "PUT" else [])
    assert world.plan([]).is_empty


def test_change_in_place_whose_answer_is_lost_is_taken_in(world: World) -> None:
    """The next plan sees that it was done."""
    edit(world, "Hello", on_change="in_place")
    world.apply([])
    edit(world, "Bye", on_change="in_place")
    world.sandbox.add_fault(f"PUT {TEMPLATES}/* drop_after times=*")
    assert world.apply([]).exit_code == 3
    world.sandbox.clear_faults()

    assert actions(world.plan([])) == {ADDRESS: "ADOPT"}
    assert outcomes(world.apply([])) == [("adopt", "done")]
    assert world.plan([]).is_empty


@pytest.mark.parametrize(
    ("fault", "outcome", "sent"),
    [
        ("400 code=TEMPLATE_INVALID", "failed", "skipped"),
        ("unauthorized", "failed", "skipped"),
        ("503 times=*", "failed", "skipped"),
        ("refuse times=*", "failed", "skipped"),
    ],
)
def test_campaign_whose_template_failed_is_skipped(world: World, fault: str, outcome: str, sent: str) -> None:
    """It says why, and nothing is sent."""
    world.sandbox.add_fault(f"POST {TEMPLATES} {fault}")
    report = world.apply([sale()])
    assert outcomes(report) == [("create", outcome), ("create", sent)]
    assert world.created() == {}
    assert report.exit_code == 3
    world.sandbox.clear_faults()
    assert world.apply([sale()]).exit_code == 0
    assert len(found(world)) == 1


def test_replacement_whose_template_failed_pauses_nothing(world: World) -> None:
    """The former campaign goes on."""
    world.apply([sale(lifecycle=REPLACE)])
    edit(world, "Bye")
    world.sandbox.add_fault(f"POST {TEMPLATES} 400 code=TEMPLATE_INVALID")

    assert outcomes(world.apply([sale(lifecycle=REPLACE)])) == [("create", "failed"), ("replace", "skipped")]
    assert words_of(world, "sale") == ["Hello {{contact.firstName}}"]


def test_template_that_is_refused_stays_as_it_was(world: World) -> None:
    """A change that MsgFlash refuses, and a removal that fails, are reported; nothing else is done by them."""
    edit(world, "Hello", on_change="in_place", on_remove="delete")
    world.apply([])
    edit(world, "Bye", on_change="in_place", on_remove="delete")
    world.sandbox.add_fault(f"PUT {TEMPLATES}/* 404 code=NOT_FOUND")
    assert outcomes(world.apply([sale()])) == [("update", "failed"), ("create", "skipped")]
    world.templates = []
    world.sandbox.add_fault(f"DELETE {TEMPLATES}/* 403 code=FORBIDDEN")
    assert outcomes(world.apply([])) == [("delete", "failed")]
    assert list(on_msgflash(world).values()) == ["Hello"]


def test_answer_that_says_something_else_is_not_sent(world: World) -> None:
    """It is on record, so that it is cleaned up, and no campaign sends it."""
    world.sandbox.add_fault(f"POST {TEMPLATES} alter field=body value=Other")
    report = world.apply([sale()])
    assert outcomes(report) == [("create", "failed"), ("create", "skipped")]
    assert "another body" in str(report.templates[0].error)
    world.apply([sale()])
    assert words_of(world, "sale") == ["Hello {{contact.firstName}}"]
    assert world.apply([sale()]).exit_code == 0
    assert len(found(world)) == 1


@pytest.mark.parametrize("when", ["before", "during"])
def test_stopped_run_makes_nothing_more(world: World, when: str) -> None:
    """What was not begun is skipped, and says so."""
    world.templates = [a_template(f"t{number}", f"Hello {number}") for number in range(12)]

    def stop_now(event: object, stop: Stop) -> None:
        if isinstance(event, TemplateStarted):
            stop.set("stopped by a test")
            if when == "during":
                stop.give_up()

    report = world.apply([], on_event=stop_now)
    assert {one.outcome for one in report.templates} <= {Outcome.SKIPPED, Outcome.FAILED, Outcome.DONE}
    assert report.stopped == "stopped by a test"
    assert len(world.sandbox.world.templates) < 12
    assert world.apply([]).exit_code == 0
    assert world.plan([]).is_empty


@pytest.mark.parametrize("verb", ["create", "delete"])
def test_storage_that_refuses_an_entry_stops_the_run(world: World, verb: str) -> None:
    """Whichever entry it is: nothing is made twice, and the next run goes on."""
    for at in (0, *range(2, 20)):  # all of them, then one after the other; the first takes the lock
        edit(world, f"Hello {at}", on_remove="delete")
        if verb == "delete":
            world.apply([])
            world.templates = []
        backend = FailingBackend(world.storage(), at=at, lasting=False)
        with suppress(BackendError):
            world.apply([], backend=backend)
        if not at:
            effects = backend.effects
        elif at == effects:  # it gives the lock back
            break
        world.apply([])
        left = list(on_msgflash(world).values())
        lost = [f"Hello {at - 1}"] if verb == "create" and left[0] == f"Hello {at - 1}" else []
        assert left == ([*lost, f"Hello {at}"] if verb == "create" else [])
        for one in found(world) if lost else ():  # made, and that was not recorded: it may be another state's
            if one.body in lost:
                del world.sandbox.world.templates[one.id]
    assert at == effects


@pytest.mark.parametrize("verb", ["create", "update", "delete"])
def test_run_that_slept_announces_again(world: World, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    """What was announced too long ago is not sent; announced anew it is, by a run that still holds its journal."""
    edit(world, "Hello", on_change="in_place", on_remove="delete")
    if verb != "create":
        world.apply([])
        world.templates = [a_template(body="Bye", on_change="in_place")] if verb == "update" else []
    real, asked, jumped = time.clock_gettime, iter([0, 31]), [0]

    def clock(number: int) -> float:
        jumped[0] += next(asked, 0)
        return real(number) + jumped[0]

    monkeypatch.setattr(time, "clock_gettime", clock)
    assert outcomes(world.apply([])) == [(verb, "done")]
    assert list(on_msgflash(world).values()) == {"create": ["Hello"], "update": ["Bye"], "delete": []}[verb]


def test_template_that_was_brought_in_is_never_deleted(world: World) -> None:
    """Whoever made it may use it elsewhere."""
    edit(world, "Hello", on_remove="delete")
    world.apply([])
    holder = a_holder("importer")
    with open_ledger(world.storage(), Claim("default", holder, world.now)) as ledger:
        record = ledger.snapshot.templates[Address(ADDRESS)]
        versions = tuple(replace(version, is_ours=False) for version in record.versions)
        ledger.append(Templated(Address(ADDRESS), replace(record, versions=versions)))
    world.templates = []

    assert outcomes(world.apply([])) == [("forget", "done")]
    assert len(found(world)) == 1


def test_plan_that_reads_nothing_still_looks_for_what_is_new(world: World) -> None:
    """A template that the state does not know may be on MsgFlash."""
    assert actions(world.plan([sale()], Refresh.NONE)) == {ADDRESS: "CREATE", "sale": "create"}
    plan = asyncio.run(world.planner([sale()], None, Refresh.CHANGED).plan(world.snapshot()))
    assert actions(plan) == {ADDRESS: "CREATE", "sale": "create"}
    edit(world, "Hello", on_remove="delete")
    world.apply([])
    world.templates = []
    plan = asyncio.run(world.planner([], None, Refresh.CHANGED).plan(world.snapshot()))
    assert actions(plan) == {ADDRESS: "NO-OP"}


def test_version_goes_with_the_last_campaign_that_sends_it(world: World) -> None:
    """The apply after the one that replaced it."""
    world.apply([sale(lifecycle=REPLACE)])
    edit(world, "Bye")
    world.apply([sale(lifecycle=REPLACE)])
    assert len(found(world)) == 2

    assert actions(world.plan([sale(lifecycle=REPLACE)])) == {ADDRESS: "DELETE", "sale": "no-op"}
    assert outcomes(world.apply([sale(lifecycle=REPLACE)])) == [("delete", "done")]
    assert list(on_msgflash(world).values()) == ["Bye"]
    assert world.plan([sale(lifecycle=REPLACE)]).is_empty


def test_change_in_place_waits_for_no_campaign_that_starts_later(world: World) -> None:
    """Nor for one that sends something else."""
    edit(world, "Hello", on_change="in_place")
    direct = a_desired("direct", payload=a_payload(name="direct", starts_at=LATER))
    world.apply([sale(), direct])
    edit(world, "Bye", on_change="in_place")
    assert actions(world.plan([sale(), direct], Refresh.NONE))[ADDRESS] == "UPDATE"
