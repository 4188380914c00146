"""From files and state to a plan: what is asked, how often, and what is found out."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

import httpx
import pytest

from msgflash_apply.campaign import INSTANCE, TEMPLATE, Address, Content, Desired, Lifecycle, Record, Seen
from msgflash_apply.errors import ApiError, ExitCode, StateError
from msgflash_apply.findings import Diagnostic, InvalidFiles, Severity
from msgflash_apply.models.project import Policy
from msgflash_apply.plan.lookup import ONLY_CONNECTED
from msgflash_apply.plan.plan import Action, Audience, Plan, Reason, Sender
from msgflash_apply.plan.planner import Planner, PlanOptions
from msgflash_apply.plan.refresh import PriorState, Refresh, RemoteStatus
from msgflash_apply.state.snapshot import Snapshot
from tests.support.builders import INSTANCE_ID, NOW, a_desired, a_payload, a_record, a_snapshot, an_intent, some_facts
from tests.unit.plan.accounts import SHOP, WELCOME, ZEROES, Account, Object, a_remote

ALL = Policy(max_creates=None, max_retires=None)


def planned(
    *desired: Desired,
    account: Account | None = None,
    state: Snapshot | None = None,
    refresh: Refresh = Refresh.CHANGED,
    targets: tuple[str, ...] = (),
    labels: Mapping[str, str] | None = None,
    key: str = "msgf_live_1",
) -> Plan:
    """Plan against an account."""
    options = PlanOptions("default", ALL, refresh, targets, labels or {})
    return (account or Account()).use(
        lambda client: Planner(desired, (), options, client, lambda: NOW).plan(state or a_snapshot()), key=key
    )


def offline(*desired: Desired, state: Snapshot | None = None, has_state: bool = True) -> Plan:
    """Plan without sending anything."""
    options = PlanOptions("default", ALL, has_state=has_state)
    return asyncio.run(Planner(desired, (), options, None, lambda: NOW).plan(state or a_snapshot()))


def named(address: str = "sale", *, instance: str = "shop", **fields: object) -> Desired:
    """Build a campaign that names its instance."""
    payload = {**a_payload(name=address, instanceId=None), **fields}
    return a_desired(address, payload=payload, names={INSTANCE: instance})


def templated(address: str = "sale", *, template: str = "welcome", variables: object = None) -> Desired:
    """Build a campaign that names its template."""
    payload = a_payload(name=address, type=None, body=None, variables=variables)
    return a_desired(address, payload=payload, names={TEMPLATE: template})


def to(recipients: Object, address: str = "sale") -> Desired:
    """Build a campaign to some recipients."""
    return a_desired(address, payload=a_payload(name=address, recipients=recipients))


def sent_as(desired: Desired, **ids: str) -> Snapshot:
    """Build a state in which a campaign was sent with its names looked up."""
    payload = {**desired.payload, **ids}
    return a_snapshot({desired.address: a_record(facts=some_facts(payload, names=desired.names))})


def codes(plan: Plan) -> list[str]:
    """Give the codes of a plan's findings."""
    return [found.code for found in plan.diagnostics]


def mistakes(*desired: Desired, account: Account | None = None, state: Snapshot | None = None) -> list[Diagnostic]:
    """Plan what cannot be planned, and give the errors."""
    with pytest.raises(InvalidFiles) as caught:
        planned(*desired, account=account, state=state)
    return [found for found in caught.value.diagnostics if found.is_error]


# Requests: none per unchanged campaign.


@pytest.mark.parametrize("refresh", [Refresh.CHANGED, Refresh.NONE])
def test_unchanged_campaigns_by_id_cost_nothing(refresh: Refresh) -> None:
    """A plan in which nothing changed asks nothing, however many campaigns there are."""
    account = Account()
    state = a_snapshot({str(number): a_record(str(number)) for number in range(50)})
    plan = planned(*(a_desired(str(number)) for number in range(50)), account=account, state=state, refresh=refresh)

    assert plan.is_empty
    assert account.asked == []
    assert plan.requests.left_this_month is None


@pytest.mark.parametrize(("refresh", "asked"), [(Refresh.CHANGED, ["/instances", "/templates?1"]), (Refresh.NONE, [])])
def test_names_are_asked_for_or_remembered(refresh: Refresh, asked: list[str]) -> None:
    """Names cost a request per list; with `none` the state's memory of an unchanged campaign is enough."""
    account = Account()
    desired = a_desired(
        payload=a_payload(instanceId=None, type=None, body=None), names={INSTANCE: "shop", TEMPLATE: "welcome"}
    )
    state = sent_as(desired, instanceId=INSTANCE_ID, templateId="t-welcome")
    plan = planned(desired, account=account, state=state, refresh=refresh)

    assert plan.is_empty
    assert sorted(account.asked) == asked


def test_what_is_asked_for_a_new_one_does_not_unsettle_the_others() -> None:
    """With `none` a new campaign's instance is asked for, and an unchanged one's template still remembered."""
    account = Account()
    old = templated("old")
    state = sent_as(old, templateId="t-long-gone")
    plan = planned(old, named("new"), account=account, state=state, refresh=Refresh.NONE)

    assert [(change.address, change.action) for change in plan.effective] == [("new", Action.CREATE)]
    assert account.asked.count("/templates?1") == 1  # for the marker of the state alone


def test_each_thing_is_asked_once() -> None:
    """Lists once, templates per page, a group, an instance's health and usage once each, for any creates."""
    groups = {"g1": {"id": "g1", "contactCount": 3}, "g2": {"id": "g2", "contactCount": 4}}
    many = [WELCOME, *({**WELCOME, "id": f"t{number}", "name": f"t{number}", "variables": []} for number in range(100))]
    account = Account(groups=groups, templates=many)
    by_group = [to({"type": "group", "groupId": f"g{1 + number % 2}"}, f"g-{number}") for number in range(4)]
    to_all = [named(f"all-{number}") for number in range(3)]
    plan = planned(*by_group, *to_all, templated("t", variables={"code": "A"}), account=account)

    assert sorted(account.asked) == [
        "/contacts",
        "/contacts/groups",
        "/instances",
        f"/instances/{INSTANCE_ID}/health",
        "/templates?1",
        "/templates?2",
        "/usage",
    ]
    assert (plan.requests.used, plan.requests.apply, plan.requests.left_this_month) == (7, 10, 60)


def test_second_plan_asks_anew() -> None:
    """Planning again under the lock finds what has changed on MsgFlash since the first plan was approved."""
    account = Account()
    options = PlanOptions("default", ALL)

    async def twice(planner: Planner) -> list[Plan]:
        first = await planner.plan(a_snapshot())
        account.instances = [{**SHOP, "waNumber": "+33799999999"}]
        return [first, await planner.plan(a_snapshot())]

    first, second = account.use(lambda client: twice(Planner([named()], (), options, client, lambda: NOW)))

    one_plan = ["/instances", "/templates?1", "/contacts", f"/instances/{INSTANCE_ID}/health", "/usage"]
    assert account.asked == one_plan * 2
    assert first.digest != second.digest


def test_abridged_templates_are_read_one_by_one() -> None:
    """What a template says is read by itself where the list leaves it out."""
    account = Account(templates=[{"id": "t-welcome", "name": "welcome"}])
    plan = planned(templated(variables={"code": "A"}), account=account)

    assert account.asked.count("/templates/t-welcome") == 1
    assert plan.changes[0].template is not None
    assert plan.changes[0].template.content == Content("text", "Hi", None)


def test_team_key_has_no_forecast_of_what_is_left() -> None:
    """A team's key may not read usage, so what is left is unknown."""
    account = Account()

    assert planned(a_desired(), account=account, key="msgf_team_1").requests.left_this_month is None
    assert "/usage" not in account.asked


@pytest.mark.parametrize(
    ("refresh", "asked"),
    [
        (Refresh.CHANGED, ["/campaigns/id-away", "/campaigns/id-stop"]),
        (Refresh.LIVE, ["/campaigns/id-away", "/campaigns/id-same", "/campaigns/id-stop"]),
        (Refresh.NONE, []),
    ],
)
def test_refresh_says_which_campaigns_are_read(refresh: Refresh, asked: list[str]) -> None:
    """`changed` reads what the plan would act on, `live` all that are not over, `none` nothing."""
    known = {address: a_record(address) for address in ("same", "stop", "away")}
    state = a_snapshot({**known, "over": a_record("over", status="completed")})
    account = Account(campaigns={f"id-{address}": a_remote(f"id-{address}") for address in known})
    desired = [a_desired("same"), a_desired("stop", paused=True), a_desired("over")]
    plan = planned(*desired, account=account, state=state, refresh=refresh)

    assert sorted(path for path in account.asked if path.startswith("/campaigns")) == asked
    assert {change.address: change.action for change in plan.effective} == {
        "stop": Action.PAUSE,
        "away": Action.RETIRE,
    }


def test_what_a_reading_shows_is_decided_anew() -> None:
    """A campaign that turns out to be over is forgotten and not retired; one that is gone is created again."""
    state = a_snapshot({"away": a_record("away"), "stop": a_record("stop")})
    account = Account(campaigns={"id-away": a_remote("id-away", status="completed")})
    plan = planned(a_desired("stop", paused=True), account=account, state=state)

    assert {c.address: c.action for c in plan.changes} == {"away": Action.FORGET, "stop": Action.CREATE}


def test_what_was_read_is_kept() -> None:
    """A planner keeps what its last plan read: campaigns by id, None for one that is gone."""
    state = a_snapshot({"here": a_record("here"), "gone": a_record("gone")})
    account = Account(campaigns={"id-here": a_remote("id-here", status="running")})
    options = PlanOptions("default", ALL, Refresh.LIVE)

    async def read(planner: Planner) -> Mapping[str, RemoteStatus | None]:
        await planner.plan(state)
        return planner.readings

    found = account.use(lambda client: read(Planner([a_desired("here")], (), options, client, lambda: NOW)))

    assert found == {"id-here": RemoteStatus("running"), "id-gone": None}


def test_replacement_is_refused_once_something_was_sent() -> None:
    """Counters that were read stop a replace, though the status alone would allow it."""
    edited = a_desired(payload=a_payload(body="Other"), lifecycle=Lifecycle(on_change="replace"))
    state = a_snapshot({"sale": a_record(status="paused")})
    account = Account(campaigns={"id-sale": a_remote("id-sale", status="paused", sent=1)})

    assert [c.reason for c in planned(edited, account=account, state=state).blocked] == [Reason.ALREADY_STARTED]


# Offline, and without a state.


def test_offline_keeps_names_and_says_so() -> None:
    """Without MsgFlash names stay names, the plan is not complete, and a warning names each of them."""
    plan = offline(named(), a_desired("other", payload=a_payload(name="o", instanceId=None), names={INSTANCE: ""}))

    assert not plan.complete
    assert [c.after and "instanceId" in c.after for c in plan.changes] == [False, False]
    missing = [found for found in plan.diagnostics if found.code == "MF512"]
    assert [found.message for found in missing] == [
        "whether this state is the latest was not looked up",
        "the only connected instance was not looked up",
        "`shop` was not looked up",
    ]
    assert plan.requests.used == 0


def test_offline_says_nothing_of_names_outside_its_part() -> None:
    """A plan for a part of the campaigns tells only of the names that this part needs."""
    options = PlanOptions("default", ALL, targets=("other",))
    desired = [named(), named("other", instance="another")]

    plan = asyncio.run(Planner(desired, (), options, None, lambda: NOW).plan(a_snapshot()))

    assert [d.address for d in plan.diagnostics if d.code == "MF512"] == [None, "other"]


def test_offline_remembers_names() -> None:
    """Offline an unchanged campaign is recognised by the names that the state remembers."""
    plan = offline(named(), state=sent_as(named(), instanceId=INSTANCE_ID))

    assert plan.is_empty
    assert plan.diagnostics == ()


def test_offline_reads_nothing() -> None:
    """Offline what would be done is decided from the record alone."""
    plan = offline(state=a_snapshot({"sale": a_record()}))

    assert [(change.id, change.reason) for change in plan.changes] == [("id-sale", Reason.LIMIT)]


def test_preview_without_state_belongs_to_none() -> None:
    """A preview has neither lineage nor serial, so it cannot be taken for a plan."""
    plan = offline(a_desired(), has_state=False)

    assert (plan.lineage, plan.serial, plan.complete) == (None, None, False)
    assert [change.action for change in plan.changes] == [Action.CREATE]


# Names, instances, templates, audiences.


@pytest.mark.parametrize(
    ("desired", "instances", "code"),
    [
        (named(instance="shopp"), [SHOP], "MF503"),
        (named(), [SHOP, {**SHOP, "id": "twin"}], "MF502"),
        (named(instance=ONLY_CONNECTED), [], "MF501"),
        (templated(template="goodbye"), [SHOP], "MF503"),
        (a_desired(), [], "MF504"),
    ],
)
def test_unknown_and_ambiguous_names_are_errors(desired: Desired, instances: list[Object], code: str) -> None:
    """A name or id that means nothing, or several things, stops the plan at its place."""
    [found] = mistakes(desired, account=Account(instances=instances))

    assert (found.code, found.file, found.line) == (code, "campaigns/sale.yaml", 1)


def test_all_unknown_names_are_found_in_one_run() -> None:
    """Every unknown name of every file is reported at once."""
    found = mistakes(named("a", instance="x"), named("b", instance="y"), templated("c", template="z"))

    assert [diagnostic.address for diagnostic in found] == ["a", "b", "c"]


def test_disconnected_instance_is_a_warning() -> None:
    """A campaign on a disconnected instance is created, with a warning."""
    plan = planned(a_desired(), account=Account(instances=[{**SHOP, "status": "disconnected"}]))

    assert [change.action for change in plan.changes] == [Action.CREATE]
    assert codes(plan) == ["MF505"]


@pytest.mark.parametrize("abridged", [False, True], ids=["listed", "abridged"])
def test_template_variables_are_checked(abridged: bool) -> None:
    """A missing variable is an error, an unused one a warning; a list without variables costs a read of each."""
    template = {key: value for key, value in WELCOME.items() if not (abridged and key == "variables")}
    account = Account(templates=[template])
    missing = mistakes(templated(), account=account)
    plan = planned(templated(variables={"code": "A", "extra": 1}), account=account)

    assert [found.code for found in missing] == ["MF507"]
    assert codes(plan) == ["MF508"]
    assert plan.diagnostics[0].severity is Severity.WARNING
    assert ("/templates/t-welcome" in account.asked) is abridged


def test_template_by_id_must_exist() -> None:
    """A template's id that the account does not have is an error."""
    desired = a_desired(payload=a_payload(type=None, body=None, templateId="nowhere"))

    assert [found.code for found in mistakes(desired)] == ["MF506"]


@pytest.mark.parametrize(
    ("recipients", "count", "warnings"),
    [
        ({"type": "all"}, 120, []),
        ({"type": "explicit", "value": ["a", "b"]}, 2, []),
        ({"type": "tags", "value": ["vip"]}, 0, ["MF511"]),
        ({"type": "group", "groupId": "full"}, 3, []),
        ({"type": "group", "groupId": "empty"}, 0, ["MF511"]),
        ({"type": "group", "groupId": "untold"}, None, ["MF520"]),
    ],
)
def test_audience_is_counted_where_it_can_be(recipients: Object, count: int | None, warnings: list[str]) -> None:
    """Each type of recipients is counted with what is at hand; no recipients are a warning."""
    groups: dict[str, Object] = {
        "full": {"id": "full", "name": "Full", "contactCount": 3},
        "empty": {"id": "empty", "name": "Empty", "contactCount": 0},
        "untold": {"id": "untold", "name": "Untold"},
    }
    plan = planned(to(recipients), account=Account(groups=groups, known=["a", "b"]))
    named = groups.get(str(recipients.get("groupId")))

    assert plan.changes[0].audience == Audience(
        str(recipients["type"]), count, name=str(named["name"]) if named else None
    )
    assert codes(plan) == warnings


def test_empty_account_is_a_warning() -> None:
    """A campaign to everybody of an empty account draws a warning."""
    plan = planned(a_desired(), account=Account(contacts=0))

    assert "the account has no contacts" in plan.diagnostics[0].message


def test_missing_group_is_an_error() -> None:
    """A group that the account does not have stops the plan."""
    assert [found.code for found in mistakes(to({"type": "group", "groupId": "g"}))] == ["MF509"]


# Never two of one.


def test_duplicates_after_look_up_are_refused() -> None:
    """Two files that name one instance differently are the same mailing once it is looked up."""
    one, other = named("a"), a_desired("b", payload=a_payload(name="a"))

    assert [(found.code, found.address) for found in mistakes(one, other)] == [("MF510", "b")]


@pytest.mark.parametrize(
    "state",
    [
        a_snapshot({"sale": a_record()}),
        a_snapshot(in_doubt={"sale": an_intent()}),
        a_snapshot({"sale": a_record(status="completed")}),
    ],
)
def test_copy_whose_original_was_edited_is_refused(state: Snapshot) -> None:
    """A file copied to a new place and then edited at the old one would send the old mailing again: an error."""
    original = a_desired("sale", payload=a_payload(name="sale", body="Edited"))
    copy = a_desired("copy", payload=a_payload(name="sale"))

    assert [(found.code, found.address) for found in mistakes(original, copy, state=state)] == [("MF510", "copy")]


def test_swapped_files_replace_nothing() -> None:
    """Two files that swap their contents would both be created again: an error, whatever `on_change` says."""
    swap = Lifecycle(on_change="replace")
    state = a_snapshot({"a": a_record("a"), "b": a_record("b")})
    account = Account(campaigns={"id-a": a_remote("id-a"), "id-b": a_remote("id-b")})
    one = a_desired("a", payload=a_payload(name="b"), lifecycle=swap)
    two = a_desired("b", payload=a_payload(name="a"), lifecycle=swap)

    assert [found.code for found in mistakes(one, two, account=account, state=state)] == ["MF510", "MF510"]


def test_renamed_entry_of_a_table_is_a_move() -> None:
    """A key of `for_each` that is renamed takes its campaign along."""
    state = a_snapshot({'promo["fr"]': a_record("promo-fr"), 'promo["de"]': a_record("promo-de")})
    desired = [
        a_desired('promo["france"]', payload=a_payload(name="promo-fr")),
        a_desired('promo["de"]', payload=a_payload(name="promo-de")),
    ]
    plan = planned(*desired, state=state)

    assert [(c.address, c.action, c.previous_address) for c in plan.effective] == [
        ('promo["france"]', Action.MOVE, 'promo["fr"]')
    ]


# A part of the campaigns.


@pytest.mark.parametrize(
    ("targets", "labels", "selected"),
    [
        (("promo",), {}, ["promo/spring", 'promo["fr"]']),
        (("promo/",), {}, ["promo/spring"]),
        (("promo/spring", "promotion"), {}, ["promo/spring", "promotion"]),
        ((), {"season": "spring"}, ["gone", "promo/spring"]),
        (("promo",), {"season": "spring"}, ["promo/spring"]),
        (("nowhere",), {}, []),
    ],
)
def test_plan_keeps_to_targets_and_labels(
    targets: tuple[str, ...], labels: dict[str, str], selected: list[str]
) -> None:
    """A target means itself and all below it; labels are those of the file, or of the record once it is gone."""
    spring = {"season": "spring"}
    desired = [a_desired("promo/spring", labels=spring), a_desired('promo["fr"]'), a_desired("promotion")]
    state = a_snapshot({"gone": a_record("gone", facts=some_facts(a_payload(name="gone"), labels=spring))})
    account = Account(campaigns={"id-gone": a_remote("id-gone")})
    plan = planned(*desired, account=account, state=state, targets=targets, labels=labels)

    assert [change.address for change in plan.changes] == selected
    assert not plan.complete


def test_part_of_a_chain_of_renames_is_refused() -> None:
    """A plan narrowed to the newcomer at an address whose record has not left it yet is an error."""
    state = a_snapshot({"a": a_record("a"), "b": a_record("b")})
    chain = [
        a_desired("b", payload=a_payload(name="a"), moved_from=("a",)),
        a_desired("c", payload=a_payload(name="b"), moved_from=("b",)),
    ]
    with pytest.raises(InvalidFiles) as caught:
        planned(*chain, state=state, targets=("b",))

    assert "leaves its record behind" in caught.value.diagnostics[0].message
    assert [change.action for change in planned(*chain, state=state).changes] == [Action.MOVE, Action.MOVE]


@pytest.mark.parametrize(
    ("former", "hint"),
    [("sale/autum", "did you mean `sale/autumn`?"), ("zzz", "gone from the files: `sale/autumn`")],
)
def test_former_address_that_nobody_knows(former: str, hint: str) -> None:
    """While a campaign is gone whose new name this may be, a `moved_from` that names nothing is a warning."""
    state = a_snapshot({"sale/autumn": a_record("sale/autumn"), "tea": a_record("tea")})
    new = a_desired("new", payload=a_payload(name="edited"), moved_from=(former,))

    def unknown(*desired: Desired) -> list[Diagnostic]:
        return [found for found in planned(*desired, state=state).diagnostics if found.code == "MF516"]

    (warning,) = unknown(new, a_desired("tea"))
    assert (warning.is_error, warning.address, warning.hint) == (False, "new", hint)
    assert unknown(new, a_desired("tea"), a_desired("sale/autumn")) == []
    assert unknown(replace(new, moved_from=(*new.moved_from, Address("sale/autumn"))), a_desired("tea")) == []


def test_warnings_of_the_files_are_carried_along() -> None:
    """Findings about the files are in the plan, and beside its errors."""
    warning = Diagnostic(Severity.WARNING, "MF309", "a placeholder", file="campaigns/sale.yaml", line=4)
    options = PlanOptions("default", ALL)
    account = Account(instances=[])
    with pytest.raises(InvalidFiles) as caught:
        account.use(lambda client: Planner([named()], [warning], options, client, lambda: NOW).plan(a_snapshot()))

    assert [found.code for found in caught.value.diagnostics] == ["MF503", "MF309"]
    assert Planner([], (), options, None, lambda: NOW).environment == "default"


def test_name_that_many_give_is_one_warning() -> None:
    """Offline, one warning covers every campaign that gives the same name."""
    plan = offline(named("a"), named("b"), named("c", instance="other"))
    missing = [found.message for found in plan.diagnostics if found.code == "MF512"]

    assert missing[1:] == ["`shop` was not looked up; 2 campaigns need it", "`other` was not looked up"]


@pytest.mark.parametrize(
    ("account", "codes_found", "exit_code"),
    [
        (Account(templates=[]), ["MF503", "MF517"], ExitCode.PERSON_NEEDED),
        (Account(templates=[{**WELCOME, "name": "hello"}]), ["MF503"], ExitCode.DONE),
        (Account(instances=[{**SHOP, "name": "boutique"}]), ["MF503"], ExitCode.DONE),
    ],
)
def test_names_that_are_gone_stop_no_plan(account: Account, codes_found: list[str], exit_code: ExitCode) -> None:
    """What a created campaign's file calls its template or instance may be gone: a warning, and other plans go on."""
    desired = a_desired(
        payload=a_payload(instanceId=None, type=None, body=None, variables={"code": "A"}),
        names={INSTANCE: "shop", TEMPLATE: "welcome"},
    )
    state = sent_as(desired, instanceId=INSTANCE_ID, templateId="t-welcome")
    plan = planned(desired, account=account, state=state)

    assert [change.action for change in plan.changes] == [Action.NO_OP]
    assert sorted(codes(plan)) == codes_found
    assert all(not found.is_error for found in plan.diagnostics)
    assert plan.exit_code(detailed=False) is exit_code


def test_names_of_another_campaign_are_not_remembered() -> None:
    """A name that the file has now and the record has not is an error: nothing says which id it means."""
    desired = templated(variables={"code": "A"}, template="goodbye")
    state = sent_as(templated(variables={"code": "A"}), templateId="t-welcome")

    assert [found.code for found in mistakes(desired, state=state)] == ["MF503"]


# What is behind the ids: words, numbers, the account's plan, the server.


def a_sent_template(status: str = "scheduled", variables: object = None, template: str = "t-welcome") -> Record:
    """Build the record of a campaign in template mode, of an earlier version that kept no words."""
    payload = a_payload(name="sale", type=None, body=None, templateId=template, variables=variables)
    return a_record(status=status, facts=some_facts(payload, names={TEMPLATE: "welcome"}))


@pytest.mark.parametrize(
    ("record", "templates", "found"),
    [
        (a_sent_template(variables={"code": "A"}), [WELCOME], []),
        (a_sent_template(), [WELCOME], [("MF518", "template `welcome` needs the variable `code` now")]),
        (
            a_sent_template(),
            [],
            [("MF517", "template `welcome` is gone on MsgFlash: every message of `sale` will fail")],
        ),
        (a_sent_template("completed"), [], []),
        (replace(a_sent_template(), retired=True), [], []),
        (a_record(), [], []),
    ],
)
def test_campaigns_whose_messages_will_fail(
    record: Record, templates: list[Object], found: list[tuple[str, str]]
) -> None:
    """A template that is gone, or wants more, hurts the live campaigns that use it: a person is needed."""
    sent = a_desired(payload=record.facts.payload)
    plan = planned(sent, account=Account(templates=templates), state=a_snapshot({"sale": record}))

    assert [(one.code, one.address) for one in plan.diagnostics] == [(code, "sale") for code, _ in found]
    assert all(words in one.message for one, (_, words) in zip(plan.diagnostics, found, strict=True))
    assert plan.needs_person is bool(found)
    assert plan.is_empty


def test_a_campaign_that_the_plan_acts_on_is_not_said_to_fail() -> None:
    """What the plan pauses needs no warning that its messages would fail."""
    sent = a_desired(payload=a_sent_template().facts.payload, paused=True)
    account = Account(templates=[], campaigns={"id-sale": a_remote("id-sale")})
    plan = planned(sent, account=account, state=a_snapshot({"sale": a_sent_template()}))

    assert [change.action for change in plan.changes] == [Action.PAUSE]
    assert codes(plan) == []


@pytest.mark.parametrize(
    ("features", "kinds", "expected"),
    [
        ({"campaigns": False, "buttons": False}, ["buttons", "text"], ["the account's plan has no campaigns; 2 would"]),
        ({"campaigns": False}, ["text"], ["the account's plan has no campaigns"]),
        ({"buttons": False}, ["buttons", "buttons"], ["the account's plan has no buttons; 2 campaigns need them"]),
        ({"buttons": False, "voiceNotes": False}, ["voice_note"], ["the account's plan has no voice notes"]),
    ],
)
def test_what_the_plan_of_the_account_lacks_is_an_error(
    features: Object, kinds: list[str], expected: list[str]
) -> None:
    """Creates that MsgFlash would refuse are errors before anything is sent, once per cause."""
    desired = [a_desired(f"c{n}", payload=a_payload(name=f"c{n}", type=kind)) for n, kind in enumerate(kinds)]
    found = mistakes(*desired, account=Account(features=features))

    assert {one.code for one in found} == {"MF521"}
    assert [one.message.startswith(words) for one, words in zip(found, expected, strict=True)] == [True]
    assert found[0].address == "c0"


@pytest.mark.parametrize("features", [{}, {"buttons": True, "campaigns": True}, {"voiceNotes": False}])
def test_features_that_are_there_or_unknown_are_no_error(features: Object) -> None:
    """What the account's plan does not deny is tried."""
    plan = planned(a_desired(payload=a_payload(type="buttons")), account=Account(features=features))

    assert [change.action for change in plan.changes] == [Action.CREATE]


@pytest.mark.parametrize(
    ("status", "retired", "warned"),
    [("scheduled", False, True), ("completed", False, False), ("scheduled", True, False)],
)
def test_an_answer_that_differed_is_a_warning(status: str, *, retired: bool, warned: bool) -> None:
    """A live campaign that MsgFlash made otherwise than it was sent is a warning of every plan."""
    record = replace(a_record(status=status, retired=retired), differs=("schedule: .. was sent, it has ..",))
    plan = planned(a_desired(), state=a_snapshot({"sale": record}))

    assert codes(plan) == (["MF522"] if warned else [])


def test_another_server_is_refused() -> None:
    """A state whose campaigns are on another server is not compared with this one."""
    state = replace(a_snapshot({"sale": a_record()}), server="http://127.0.0.1:8735")

    with pytest.raises(StateError, match="a sandbox on this machine"):
        planned(a_desired(), state=state)
    assert offline(a_desired(), state=state).is_empty


def test_records_of_earlier_versions_are_filled_in() -> None:
    """An unchanged campaign whose record lacks words and number shows them, so that the apply can write them down."""
    record = a_sent_template(variables={"code": "A"})
    sent = a_desired(payload=record.facts.payload)
    known = replace(record, facts=replace(record.facts, seen=Seen()))
    new = named("new")

    (_, old), (_, complete) = (planned(new, sent, state=a_snapshot({"sale": one})).changes for one in (record, known))

    assert old.action is complete.action is Action.NO_OP
    assert old.template is not None
    assert old.template.name == "welcome"
    assert old.instance == Sender(INSTANCE_ID, "shop", "+33612345678")
    assert (complete.template, complete.instance) == (None, None)


@pytest.mark.parametrize(
    ("record", "people"),
    [
        (a_record(), {"sale": 120}),
        (a_record(status="completed"), {}),
        (a_record(status="paused", retired=True), {}),
        (a_record(facts=some_facts(a_payload(starts_at=NOW))), {}),
    ],
)
def test_people_are_counted_again_until_the_start(record: Record, people: dict[str, int]) -> None:
    """What has started, is over or retired is counted no more; instances are read with it."""
    state = a_snapshot({"sale": record})

    async def recount(planner: Planner) -> tuple[Mapping[Address, int | None], Mapping[str, Sender]]:
        await planner.plan(state)
        return await planner.recount(state), planner.instances

    desired, options = [a_desired(payload=record.facts.payload)], PlanOptions("default", ALL)
    counted, instances = Account().use(lambda client: recount(Planner(desired, (), options, client, lambda: NOW)))

    assert counted == people
    assert instances == {INSTANCE_ID: Sender(INSTANCE_ID, "shop", "+33612345678")}


@pytest.mark.parametrize(
    ("recipients", "contacts", "count", "asked"),
    [
        ({"type": "tags", "value": ["vip"]}, 2, 2, "/contacts"),
        ({"type": "tags", "value": ["vip"]}, 2001, None, "/contacts"),
        ({"type": "explicit", "value": ["c0"]}, 2, 1, "/contacts/c0"),
    ],
)
def test_what_a_plan_has_counted_is_not_asked_again(
    recipients: Object, contacts: int, count: int | None, asked: str
) -> None:
    """Contacts are asked for once, though a plan counts a new campaign and a recount one that was sent to them."""
    account = Account(tagged=[["vip"], ["vip"]], contacts=contacts, known=["c0"])
    payload = a_payload(name="old", recipients=recipients)
    state = a_snapshot({"old": a_record("old", facts=some_facts(payload))})
    desired, options = [to(recipients), a_desired("old", payload=payload)], PlanOptions("default", ALL)

    async def recount(planner: Planner) -> Mapping[Address, int | None]:
        await planner.plan(state)
        return await planner.recount(state)

    counted = account.use(lambda client: recount(Planner(desired, (), options, client, lambda: NOW)))

    assert counted == {"old": count}
    assert [path for path in account.asked if path.startswith("/contacts")] == [asked]


def test_offline_counts_nothing_again() -> None:
    """Without MsgFlash there is nothing to compare with."""
    planner = Planner([], (), PlanOptions("default", ALL), None, lambda: NOW)

    assert asyncio.run(planner.recount(a_snapshot({"sale": a_record()}))) == {}
    asyncio.run(planner.plan(a_snapshot()))
    assert planner.prior == PriorState(a_snapshot())


# What seems to be gone.


@dataclass
class Absent(Account):
    """An account whose campaigns are not found; `stats` are, or are not, and nothing else is where it is `blind`."""

    stats: Object | None = None
    is_blind: bool = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a read."""
        if self.stats is not None and request.url.path.endswith("/stats"):
            return httpx.Response(200, json={"data": self.stats})
        if self.is_blind:
            return httpx.Response(404, json={"error": {"code": "NOT_FOUND", "message": "no"}})
        return await super().handle_async_request(request)


def test_gone_is_what_a_second_look_does_not_find() -> None:
    """A campaign that neither endpoint knows, while the account answers, is gone: it had not started, and is new."""
    plan = planned(a_desired(paused=True), account=Absent(), state=a_snapshot({"sale": a_record()}))

    assert [change.action for change in plan.changes] == [Action.CREATE]
    assert "is gone on MsgFlash" in plan.changes[0].explanation


def test_not_found_once_is_not_gone() -> None:
    """A campaign that its counters are found of exists: it is paused, and never created again."""
    account = Absent(stats={"campaignId": "id-sale", "status": "scheduled", "stats": ZEROES})
    plan = planned(a_desired(paused=True), account=account, state=a_snapshot({"sale": a_record()}))

    assert [change.action for change in plan.changes] == [Action.PAUSE]


def test_an_account_that_finds_nothing_has_lost_nothing() -> None:
    """Where every read is answered with 404, nothing is known, and nothing is planned."""
    with pytest.raises(ApiError):
        planned(a_desired(paused=True), account=Absent(is_blind=True), state=a_snapshot({"sale": a_record()}))
