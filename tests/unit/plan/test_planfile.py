"""A saved plan is applied as it is, or not at all."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from msgflash_apply.campaign import Address, Content, Desired, Lifecycle, Source
from msgflash_apply.errors import PlanError, PlanForOtherEnvironment
from msgflash_apply.plan.plan import (
    Action,
    AttributeDiff,
    Change,
    Plan,
    Reason,
    TemplateAction,
    TemplateChange,
    digest_of,
)
from msgflash_apply.plan.planfile import SavedPlan, decode_plan, encode_plan, refuse_stale
from msgflash_apply.state.snapshot import Snapshot
from msgflash_apply.template import DesiredTemplate, TemplateLifecycle, Version
from tests.support.builders import NOW, SOON, a_desired, a_payload, a_record, a_snapshot, an_intent, some_facts
from tests.unit.plan.test_plan import BLOCKED, CREATE, NO_OP, SERVER, a_plan

HERE = a_snapshot()


SALE = a_desired(
    "sale", names={"groupId": "early-birds"}, lifecycle=Lifecycle("replace"), labels={"a": "b"}, max_people=5
)


def saved(*changes: Change, desired: tuple[Desired, ...] = (SALE,)) -> SavedPlan:
    """Build a saved plan over the state `HERE`."""
    plan = replace(a_plan(*changes), lineage=HERE.lineage, serial=HERE.serial)
    return SavedPlan(plan, desired, ("sale",), {"team": "crm"}, ("lead-time",))


def known(address: str) -> Change:
    """Build a change of a campaign on record."""
    return Change(Address(address), Action.PAUSE, SOON, id=f"id-{address}", before=a_payload(name=address), status="x")


def test_round_trip_keeps_everything() -> None:
    """What is read is what was saved, digest included."""
    original = saved(CREATE, NO_OP, BLOCKED, known("d"))
    read = decode_plan(encode_plan(original), where="p")

    assert read == original
    assert read.plan.digest == original.plan.digest


RELANCE = DesiredTemplate(
    Address("promo/relance"),
    Source("templates/promo/relance.yaml", 4),
    Content("image", "Hello {{contact.firstName}}", "https://cdn.example/a.jpg"),
    TemplateLifecycle("in_place", "delete"),
    {"team": "crm"},
    (Address("promo/old"),),
)


def test_round_trip_keeps_templates() -> None:
    """What the plan does with templates, and the files' templates that it was made from, are read as they were."""
    full = TemplateChange(
        RELANCE.address,
        TemplateAction.BLOCKED,
        RELANCE.name,
        reason=Reason.TEMPLATE_IN_USE,
        explanation="a is sending it",
        source=RELANCE.source,
        id="t-2",
        before=Content("image", "Hi", None),
        after=RELANCE.content,
        diff=(AttributeDiff("template.body", "Hi", RELANCE.content.body),),
        campaigns=(Address("a"), Address("b")),
        unused=(Version("t-1", "promo/relance@00000000", "sha256:0", NOW, is_ours=False),),
        lifecycle=RELANCE.lifecycle,
        labels=RELANCE.labels,
        previous_address=Address("promo/old"),
    )
    bare = TemplateChange(Address("z"), TemplateAction.FORGET, "z")
    first = saved(replace(CREATE, template_address=RELANCE.address))
    original = replace(first, plan=replace(first.plan, templates=(full, bare)), templates=(RELANCE,))
    read = decode_plan(encode_plan(original), where="p")

    assert read == original
    assert read.plan.digest == original.plan.digest != first.plan.digest
    assert read.templates[0].name == RELANCE.name


def test_a_template_s_address_is_taken_once() -> None:
    """Two templates at one address are no plan of this program."""
    with pytest.raises(PlanError, match="no plan file of this version"):
        decode_plan(encode_plan(replace(saved(CREATE), templates=(RELANCE, RELANCE))), where="p")


def edit(change: Callable[[dict[str, object]], None]) -> bytes:
    """Alter a good file without mending its checksum."""
    document = json.loads(encode_plan(saved(CREATE)))
    change(document)
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is no plan file"),
        (b"[]", "is no plan file"),
        (b"[" * 100_000, "is no plan file"),
        (b'{"format_version": 1, "campaigns": {}}', "is no plan file"),
        (edit(lambda d: d.update(format_version=1)), "another version"),
        (edit(lambda d: d.update(format_version=2)), "another version"),
        (edit(lambda d: d.update(format_version=4)), "another version"),
        (edit(lambda d: d.update(checksum="sha256:0")), "damaged"),
        (edit(lambda d: d.update(saved={})), "damaged"),
        (encode_plan(saved(CREATE))[:-40], "is no plan file"),
    ],
)
def test_what_is_no_whole_plan_is_refused(data: bytes, message: str) -> None:
    """Damage, other files and other versions are refused with what to do."""
    with pytest.raises(PlanError, match=message):
        decode_plan(data, where="plan.json")


def forged(*path: str | int, to: object) -> bytes:
    """Change one place of a plan file, and put the right checksum to it."""
    document = json.loads(encode_plan(saved(CREATE)))
    holder = document["saved"]
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = to
    return json.dumps({**document, "checksum": digest_of(document["saved"])}).encode()


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("plan", "changes", 0, "action"), "cancel", "plan.changes.0.action"),
        (("plan", "changes", 0, "after"), {"name": "sale"}, "its payload has no name or no recipients"),
        (("plan", "changes", 0, "starts_at"), "9999-12-31T23:00:00-05:00", "is no plan file of this version"),
        (("desired", 0, "payload"), {"name": "sale"}, "its payload has no name or no recipients"),
        (("desired", 0, "payload", "surprise"), 1, "surprise is no field of MsgFlash"),
    ],
)
def test_wrong_shape_is_refused_even_with_a_good_checksum(
    path: tuple[str | int, ...], value: object, words: str
) -> None:
    """A file that was written by hand is checked before use."""
    with pytest.raises(PlanError) as refused:
        decode_plan(forged(*path, to=value), where="plan.json")
    assert words in str(refused.value)


def test_start_is_the_one_that_is_sent() -> None:
    """A forged start time is not believed: it is read from the payload that goes out."""
    read = decode_plan(forged("desired", 0, "starts_at", to="2020-01-01T00:00:00Z"), where="p")

    assert read.desired[0].starts_at == SALE.starts_at


def test_an_address_is_taken_once() -> None:
    """Two campaigns at one address are no plan of this program."""
    with pytest.raises(PlanError, match="no plan file of this version"):
        decode_plan(encode_plan(saved(CREATE, desired=(SALE, SALE))), where="p")


@pytest.mark.parametrize("payload", [a_payload(instanceId=None), a_payload(surprise=1)])
def test_payload_that_cannot_be_sent_is_not_saved(payload: dict[str, object]) -> None:
    """A create without an instance, or with a field that MsgFlash does not know, cannot be saved."""
    with pytest.raises(PlanError, match="cannot be saved"):
        encode_plan(saved(CREATE, desired=(a_desired(payload=payload),)))


def test_plan_without_state_is_not_saved() -> None:
    """A preview can be neither saved nor applied."""
    with pytest.raises(PlanError, match="without a state"):
        encode_plan(SavedPlan(replace(a_plan(CREATE), lineage=None, serial=None), ()))


def test_same_world_is_accepted() -> None:
    """Nothing changed: no objection."""
    refuse_stale(saved(CREATE), HERE, environment="default", server=SERVER)


def stale(plan: Plan, snapshot: Snapshot = HERE) -> str:
    """Check a plan that must be refused, and give the words."""
    with pytest.raises(PlanError) as caught:
        refuse_stale(SavedPlan(plan, ()), snapshot, environment="default", server=SERVER)
    return str(caught.value)


def test_other_environment_is_refused() -> None:
    """A plan of one environment is not applied to another."""
    with pytest.raises(PlanForOtherEnvironment):
        refuse_stale(saved(CREATE), HERE, environment="production", server=SERVER)


def test_other_server_is_refused() -> None:
    """A plan that was made with a sandbox is not applied to MsgFlash."""
    with pytest.raises(PlanForOtherEnvironment, match="another server"):
        refuse_stale(saved(CREATE), HERE, environment="default", server="http://127.0.0.1:8735")


def test_other_lineage_is_refused() -> None:
    """A state that is not the plan's is refused, whatever its serial."""
    assert "another state" in stale(saved(CREATE).plan, replace(HERE, lineage="other"))


def test_moved_on_state_says_what_changed() -> None:
    """A newer serial is refused with each record that differs from what the plan was made with."""
    other = a_record("sent", facts=some_facts(a_payload(body="Other")))
    records = {"a": a_record("a"), "sent": other, "same": a_record("same")}
    moved = replace(a_snapshot(records, {"b": an_intent("b")}), serial=8)
    plan = saved(CREATE, NO_OP, BLOCKED, known("gone"), known("sent"), known("same")).plan
    words = stale(plan, moved)

    assert "a is on record now, as id-a" in words
    assert "b is in doubt" in words
    assert "gone is not on record any more" in words
    assert "sent was sent with another content" in words
    assert "same" not in words.replace("same was", "")


def test_many_changes_are_counted_beyond_ten() -> None:
    """A long list of what changed is cut, and says how much is missing."""
    plan = saved(*(known(str(number)) for number in range(12))).plan

    assert "and 2 more" in stale(plan, replace(HERE, serial=8))
    assert "nothing that this plan acts on" in stale(saved().plan, replace(HERE, serial=8))
