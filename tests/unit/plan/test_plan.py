"""The plan as a value: counts, digest, exit code."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from msgflash_apply.campaign import TEMPLATE, Address, Content, Lifecycle
from msgflash_apply.errors import ExitCode
from msgflash_apply.plan.plan import (
    Action,
    Audience,
    Change,
    Plan,
    Reason,
    RequestForecast,
    Sender,
    Stage,
    TemplateAction,
    TemplateChange,
    UsedTemplate,
)
from tests.support.builders import NOW, SOON, a_payload

SERVER = "https://srv.msgflash.com"
CREATE = Change(Address("a"), Action.CREATE, SOON, after=a_payload())
NO_OP = Change(Address("b"), Action.NO_OP, SOON)
BLOCKED = Change(Address("c"), Action.BLOCKED, SOON, reason=Reason.LIMIT)


def a_plan(*changes: Change) -> Plan:
    """Build a plan."""
    return Plan(
        "default",
        SERVER,
        "lineage",
        1,
        NOW,
        complete=True,
        changes=changes,
        diagnostics=(),
        requests=RequestForecast(0, 0),
    )


def test_summary_names_every_action() -> None:
    """The summary counts each action, those that do not occur included."""
    summary = a_plan(CREATE, NO_OP).summary

    assert summary == dict.fromkeys(Action, 0) | {Action.CREATE: 1, Action.NO_OP: 1}


@pytest.mark.parametrize("action", TemplateAction)
def test_templates_are_counted_carried_out_and_waited_for(action: TemplateAction) -> None:
    """Each action of a template has its place: carried out, left as it is, or waiting for a person."""
    template = TemplateChange(Address("t"), action, "t@1")
    plan = replace(a_plan(NO_OP), templates=(template,))

    acts, waits = action.value not in {"no-op", "blocked"}, action.value == "blocked"
    assert plan.template_summary == dict.fromkeys(TemplateAction, 0) | {action: 1}
    assert plan.effective_templates == ((template,) if acts else ())
    assert plan.blocked_templates == ((template,) if waits else ())
    assert plan.is_empty is not acts
    assert plan.needs_person is waits
    assert plan.exit_code(detailed=True) == (2 if acts else 3 if waits else 0)


def test_approval_names_templates_where_there_is_something_to_approve() -> None:
    """Without templates, or with unchanged ones alone, the digest is what it is without them."""
    same = TemplateChange(Address("t"), TemplateAction.NO_OP, "t@1")
    plan = a_plan(CREATE)

    assert "templates" not in plan.approval
    assert replace(plan, templates=(same,)).digest == plan.digest
    made = replace(same, action=TemplateAction.CREATE, after=Content("text", "Hello"))
    words = {replace(plan, templates=(one,)).digest for one in (made, replace(made, after=Content("text", "Bye")))}
    assert len({plan.digest, *words}) == 3


def test_empty_means_nothing_would_be_done() -> None:
    """Unchanged and blocked campaigns alone make an empty plan."""
    assert a_plan(NO_OP, BLOCKED).is_empty
    assert not a_plan(CREATE).is_empty


@pytest.mark.parametrize(
    ("changes", "detailed", "code"),
    [
        ((NO_OP,), True, ExitCode.DONE),
        ((CREATE,), False, ExitCode.DONE),
        ((CREATE,), True, ExitCode.CHANGES),
        ((CREATE, BLOCKED), False, ExitCode.PERSON_NEEDED),
        ((CREATE, BLOCKED), True, ExitCode.PERSON_NEEDED),
    ],
)
def test_exit_code(changes: tuple[Change, ...], detailed: bool, code: ExitCode) -> None:
    """Blocked comes before changes, and changes count only when asked for."""
    assert a_plan(*changes).exit_code(detailed=detailed) is code


def test_digest_is_about_what_would_be_done() -> None:
    """Time of making and unchanged campaigns do not show in the digest; what goes out does."""
    plan = a_plan(CREATE)

    assert plan.digest == replace(a_plan(CREATE, NO_OP), created_at=NOW + timedelta(hours=1)).digest
    others = [
        replace(CREATE, after=a_payload(body="x")),
        replace(CREATE, address=Address("z")),
        replace(CREATE, action=Action.REPLACE),
        replace(CREATE, pause_after=True),
        replace(CREATE, id="c1"),
    ]
    assert len({a_plan(other).digest for other in [CREATE, *others]}) == 6


SHOP = Sender("i", "shop", "+33600000001")
WELCOME = UsedTemplate("t", "welcome", Content("image", "Hello", "https://cdn.example.com/a.png"))
WHOLE = replace(CREATE, instance=SHOP, template=WELCOME, max_people=100)


@pytest.mark.parametrize(
    "other",
    [
        replace(WHOLE, instance=replace(SHOP, number="+33600000002")),
        replace(WHOLE, instance=replace(SHOP, number=None)),
        replace(WHOLE, template=replace(WELCOME, content=replace(WELCOME.content, body="Bye"))),
        replace(WHOLE, template=replace(WELCOME, content=replace(WELCOME.content, media_url=None))),
        replace(WHOLE, template=replace(WELCOME, content=replace(WELCOME.content, type="video"))),
        replace(WHOLE, max_people=None),
        replace(WHOLE, lifecycle=Lifecycle("replace")),
        replace(WHOLE, lifecycle=Lifecycle(on_remove="keep")),
        replace(WHOLE, lifecycle=Lifecycle(ignore_changes=("body",))),
    ],
)
def test_digest_is_about_all_that_people_get(other: Change) -> None:
    """Words, media, number, limit and lifecycle are approved with the campaign."""
    assert a_plan(WHOLE).digest != a_plan(other).digest


def test_digest_is_about_one_place() -> None:
    """An approval for staging, or for a sandbox, is none for another place."""
    plan = a_plan(WHOLE)
    elsewhere = [replace(plan, environment="staging"), replace(plan, server="http://127.0.0.1:8735")]

    assert len({one.digest for one in [plan, *elsewhere]}) == 3


def test_digest_is_not_about_names_and_counts() -> None:
    """A template or an instance that is renamed, and one contact more, change nothing that people get."""
    renamed = replace(
        WHOLE,
        instance=replace(SHOP, name="boutique"),
        template=replace(WELCOME, name="hello"),
        audience=Audience("all", 7),
    )

    assert a_plan(WHOLE).digest == a_plan(renamed).digest


@pytest.mark.parametrize("action", [Action.PAUSE, Action.RETIRE, Action.FORGET])
def test_what_stops_a_campaign_depends_on_nothing_else(action: Action) -> None:
    """A pause is approved whatever its template says by now: nothing goes out."""
    before = replace(WHOLE, action=action)

    assert a_plan(before).digest == a_plan(replace(before, template=None, instance=None)).digest


def test_words_are_filled_in_and_people_s_own_stay() -> None:
    """What people read has the campaign's variables in it; placeholders of MsgFlash remain."""
    body = "{{contact.firstName}}: {{ custom.code }} {{custom.missing}} {{custom.n}}"
    payload = a_payload(type=None, body=None, templateId="t", variables={"code": "B{{x}}", "n": 9})
    change = replace(CREATE, after=payload, template=replace(WELCOME, content=Content("text", body)))

    assert change.words == Content("text", "{{contact.firstName}}: B{{x}} {{custom.missing}} 9")
    assert replace(change, template=None).words is None
    assert CREATE.words == Content("text", "Hello")


@pytest.mark.parametrize(
    ("status", "starts_at", "stage"),
    [
        ("scheduled", SOON, Stage.STOPPABLE),
        ("draft", SOON, Stage.STOPPABLE),
        ("scheduled", NOW, Stage.SENDING),
        ("running", SOON, Stage.SENDING),
        ("brand_new_status", SOON, Stage.SENDING),
        ("paused", NOW, Stage.PAUSED),
        ("paused_quota", NOW, Stage.PAUSED),
        ("completed", NOW, Stage.OVER),
        (None, SOON, Stage.NOT_CREATED),
    ],
)
def test_stage_tells_the_point_of_no_return(status: str | None, starts_at: datetime, stage: Stage) -> None:
    """Each campaign says what can still be stopped; what is not known to wait counts as sending."""
    change = replace(NO_OP, id="c1", status=status, before=a_payload(starts_at=starts_at))

    assert change.stage(NOW) is stage


def test_stage_before_a_create() -> None:
    """What was not created is said to be so, and what may have been is in doubt."""
    assert CREATE.stage(NOW) is Stage.NOT_CREATED
    assert replace(BLOCKED, reason=Reason.IN_DOUBT).stage(NOW) is Stage.IN_DOUBT


@pytest.mark.parametrize(("left", "enough"), [(None, True), (2, True), (1, False)])
def test_requests_suffice(left: int | None, *, enough: bool) -> None:
    """A plan that needs more requests than the month has left says so; unknown is no objection."""
    assert RequestForecast(0, 2, left).suffice is enough


# What people read.


GREETING = Content("image", "Hello {{contact.firstName}}: {{ custom.code }}, {{custom.day}}", "https://a.example/1.jpg")


@pytest.mark.parametrize(
    ("variables", "body"),
    [
        ({"code": "BF30", "day": 3}, "Hello {{contact.firstName}}: BF30, 3"),
        ({"code": "{{custom.day}}"}, "Hello {{contact.firstName}}: {{custom.day}}, {{custom.day}}"),
        (None, GREETING.body),
    ],
)
def test_words_of_a_template_are_filled_in(variables: object, body: str) -> None:
    """Variables of the campaign are filled in once, those that it lacks and MsgFlash's own remain to be seen."""
    payload = a_payload(type=None, body=None, templateId="t", variables=variables)
    change = replace(CREATE, after=payload, template=UsedTemplate("t", "greeting", GREETING))

    assert change.words == replace(GREETING, body=body)


def test_template_without_text_has_none() -> None:
    """A template that is a medium alone has no text to fill in."""
    change = replace(CREATE, template=UsedTemplate("t", "picture", Content("image", None, "https://a.example/1.jpg")))

    assert change.words == Content("image", None, "https://a.example/1.jpg")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (CREATE, Content("text", "Hello")),
        (replace(CREATE, after=a_payload(body=None)), Content("text")),
        (replace(CREATE, after=None, before=a_payload(body="Sent")), Content("text", "Sent")),
        (replace(CREATE, after=None), Content()),
        (replace(CREATE, after=a_payload(templateId="t")), None),
        (replace(CREATE, names={TEMPLATE: "greeting"}), None),
    ],
)
def test_words_of_direct_content_are_its_own(change: Change, words: Content | None) -> None:
    """What is written in the file, or else was sent, is what people read; of an unknown template nothing is said."""
    assert change.words == words
