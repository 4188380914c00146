"""The plans whose text is kept: every action, every reason, and texts that try to deceive."""

from datetime import UTC, datetime

from msgflash_apply.campaign import Address, Content, Source
from msgflash_apply.findings import Diagnostic, Severity
from msgflash_apply.plan.plan import (
    Action,
    AttributeDiff,
    Audience,
    Change,
    Plan,
    Reason,
    RequestForecast,
    Sender,
    TemplateAction,
    TemplateChange,
    UsedTemplate,
)
from msgflash_apply.template import TemplateLifecycle, version_name
from tests.unit.report.builders import (
    INSTANCE_ID,
    PAYLOAD,
    SAID,
    SAYS,
    a_change,
    a_payload,
    a_plan,
    a_template_change,
    a_version,
)

GROUP_ID = "c81e728d-9d4c-4f63-af06-7f89cc14862c"
OTHER_ID = "eccbc87e-4b5c-42fe-8830-8fd9f2a7baf3"

SPRING = a_payload(
    name="Spring sale",
    type="image",
    body="Le printemps\nest là.\n",
    mediaUrl="https://cdn.example.com/spring.jpg",
    recipients={"type": "group", "groupId": GROUP_ID},
)
TEMPLATE = a_payload(
    name="Welcome",
    type=None,
    body=None,
    templateId=OTHER_ID,
    variables={"code": "BIENVENUE10", "percent": 10},
    recipients={"type": "all"},
    repeat="weekly",
)
BUTTONS = a_payload(
    name="Survey",
    type="buttons",
    body=None,
    title="Votre avis",
    description="Une minute suffit.",
    footer="Acme",
    buttons=[
        {"type": "reply", "displayText": "Oui", "id": "yes"},
        {"type": "url", "displayText": "Plus tard", "url": "https://acme.example/avis"},
    ],
    recipients={"type": "explicit", "value": [f"contact-{number}" for number in range(1, 26)]},
)
HOSTILE = a_payload(
    name="Sale\x1b[2K\x1b[1A\x1b[32mNo changes.",
    body="pay\u200dpal.com\n\u202egnp.exe\n\x07\x9b31m\u2028emoji 👩\u200d💻 stay \nauthorization: https://x.example/?token=abc&password=hunter2\n",
    mediaUrl="https://user:secret@cdn.example.com/" + "a" * 300,
    surprise={"unknown": ["field\x1b]0;title\x07"]},
)

BOUTIQUE = {"instanceId": "boutique-principale"}
WELCOME = {"instanceId": "+33612345678", "templateId": "welcome-v2"}
FROM_BOUTIQUE = Sender(INSTANCE_ID, "boutique-principale", "+33612345678")
FROM_TEST_PHONE = Sender("a87ff679-a2f3-471d-9181-a67b7542122c", "test-phone", None)
BEFORE = "Bonjour {{contact.firstName}},\n{{custom.percent}} % avec {{custom.code}}."
AFTER = "Bonjour {{contact.firstName}} !\n{{custom.percent}} % avec le code *{{custom.code}}*.\n{{custom.unknown}}"
WELCOME_TEMPLATE = UsedTemplate(
    OTHER_ID, "welcome-v2", Content("image", AFTER, "https://cdn.example.com/welcome.jpg"), ("contact.firstName",)
)
HOSTILE_TEMPLATE = UsedTemplate(
    OTHER_ID,
    "welcome\x1b[31m\u202e2v",
    Content("text", "pay\u200dpal.com {{custom.code}}\n\x1b[2Kgone\n```\n<b>", None),
)
HOSTILE_SENDER = Sender(INSTANCE_ID, "boutique\x1b]0;title\x07", "+33\u202e612")

WARNING = Diagnostic(
    severity=Severity.WARNING,
    code="MF310",
    message="`{{contact.firstName}}` in a direct body is sent as it is written",
    hint="use a template, or say it without the name",
    file="campaigns/promo/black-friday.yaml",
    line=9,
    column=7,
)


def change(address: str, action: Action, **fields: object) -> Change:
    """Build a change of its own address and file."""
    source = None if action in {Action.RETIRE, Action.FORGET} else Source(f"campaigns/{address}.yaml", 1)
    return a_change(action, **{"address": Address(address), "source": source, **fields})


def blocked(reason: Reason, **fields: object) -> Change:
    """Build a change that is blocked for a reason."""
    return change(f"blocked/{reason}", Action.BLOCKED, reason=reason, **fields)


def plan_of_every_action() -> Plan:
    """Show each action once, and each content mode and audience."""
    replaced = AttributeDiff("body", "Le printemps\nest là.\n", "Le printemps\nest là !\nVenez.\n")
    renamed = AttributeDiff("name", "Spring", "Spring sale")
    return a_plan(
        change("promo/black-friday", Action.CREATE, names=BOUTIQUE, instance=FROM_BOUTIQUE, max_people=500),
        change(
            "promo/welcome",
            Action.CREATE,
            after=TEMPLATE,
            audience=Audience("all", 640),
            pause_after=True,
            names=WELCOME,
            template=WELCOME_TEMPLATE,
            instance=FROM_BOUTIQUE,
        ),
        change(
            "promo/greeting",
            Action.ACCEPT,
            explanation="its template was edited on MsgFlash after it was approved",
            before=TEMPLATE,
            after=TEMPLATE,
            names=WELCOME,
            status="scheduled",
            diff=(AttributeDiff("template.body", BEFORE, AFTER), AttributeDiff("template.type", "text", "image")),
            template=WELCOME_TEMPLATE,
            instance=FROM_BOUTIQUE,
        ),
        change("promo/survey", Action.CREATE, after=BUTTONS, audience=Audience("explicit", 25), timezone=None),
        change("promo/night", Action.PAUSE, status="running", explanation="the file says `paused: true`"),
        change("promo/day", Action.RESUME, previous_address=Address("promo/afternoon"), instance=FROM_BOUTIQUE),
        change(
            "promo/spring",
            Action.REPLACE,
            after=SPRING,
            diff=(renamed, replaced),
            audience=Audience("group", 88, name="VIP Paris"),
            instance=FROM_TEST_PHONE,
        ),
        change("promo/old", Action.RETIRE, explanation="no file has it any more"),
        change("promo/over", Action.FORGET, explanation="no file has it any more, and it is completed"),
        change("promo/new-name", Action.MOVE, previous_address=Address("promo/old-name")),
        change("promo/same", Action.NO_OP),
        change('promo/each["fr"]', Action.BLOCKED, reason=Reason.IN_DOUBT, id=None, before=None),
        environment="production",
        diagnostics=(WARNING,),
    )


def plan_of_every_reason() -> Plan:
    """Show each reason once; some with an explanation of the planner, some without."""
    moved = AttributeDiff("schedule", "2026-11-27T08:00:00.000Z", "2026-11-28T08:00:00.000Z")
    tags = AttributeDiff("recipients.value[1]", None, "lyon")
    after = a_payload(schedule="2026-11-28T08:00:00.000Z")
    return a_plan(
        blocked(Reason.IN_DOUBT, id=None, before=None, explanation="the answer to its create never came"),
        blocked(Reason.IMMUTABLE_CHANGE, after=after, diff=(moved, tags)),
        blocked(Reason.ALREADY_STARTED, after=after, diff=(moved,), explanation="it is running since 08:00"),
        blocked(Reason.SCHEDULE_PASSED, id=None, before=None, starts_at=datetime(2026, 11, 23, 9, 58, tzinfo=UTC)),
        blocked(Reason.LEAD_TIME, id=None, before=None, starts_at=datetime(2026, 11, 23, 10, 4, 30, tzinfo=UTC)),
        blocked(Reason.QUIET_HOURS, id=None, before=None, timezone="America/New_York", audience=Audience("tags", 0)),
        blocked(Reason.MISSING_ON_SERVER),
        blocked(
            Reason.LIMIT,
            id=None,
            before=None,
            explanation="620 people would receive it, and at most 500 may",
            audience=Audience("tags", 620),
            max_people=500,
        ),
        requests=RequestForecast(used=0, apply=0),
    )


def plan_of_hostile_texts() -> Plan:
    """Show names, bodies and addresses that try to deceive their readers."""
    long_before = "\n".join(f"line {number}" for number in range(1, 31))
    long_after = long_before.replace("line 3\n", "line three \n").replace("line 20", "") + "\n" + "word " * 40
    value = {"list": [1, 2.5, None, True], "text": "x" * 200}
    return a_plan(
        change(
            "hostile/\x1b[31mred",
            Action.CREATE,
            after=HOSTILE,
            source=Source("campaigns/a\nb.yaml", 12),
            instance=HOSTILE_SENDER,
        ),
        change(
            "hostile/template",
            Action.CREATE,
            after={**TEMPLATE, "recipients": SPRING["recipients"], "variables": {"code": "\u202eBF\x07"}},
            template=HOSTILE_TEMPLATE,
            audience=Audience("group", 3, name="VIP\x9b31m\u2028Paris"),
            instance=HOSTILE_SENDER,
        ),
        change("hostile/many", Action.CREATE, after=a_payload(body="\n".join(map(str, range(150))))),
        change(
            "hostile/differs",
            Action.BLOCKED,
            reason=Reason.IMMUTABLE_CHANGE,
            explanation="its file says \x1b[0m otherwise",
            diff=(
                AttributeDiff("body", long_before, long_after),
                AttributeDiff("footer", "a\nb", None),
                AttributeDiff("variables.deep", {"text": "é"}, value),
                AttributeDiff("name", "日本語" * 12, "日本語" * 13),
                *(AttributeDiff(f"recipients.value[{n}]", None, f"tag-{n}") for n in range(60)),
            ),
        ),
        change('hostile/it\'s "\u202etxt"', Action.BLOCKED, reason=Reason.IN_DOUBT, id=None, before=None),
        diagnostics=(Diagnostic(Severity.WARNING, "MF999", "bell \x07 and key msgf_team_abc", address="hostile/x"),),
        requests=RequestForecast(used=12, apply=400, left_this_month=120),
        server="http://127.0.0.1:8400",
    )


def of_template(address: str, action: TemplateAction, **fields: object) -> TemplateChange:
    """Build the change of a template at its own address and file, and with its own name."""
    name = version_name(Address(address), SAYS)
    return a_template_change(action, **{"address": Address(address), "name": name, **fields})


def plan_of_templates() -> Plan:
    """Show every action and reason of templates, and campaigns that send them."""
    in_place = TemplateLifecycle(on_change="in_place")
    many = tuple(Address(f"sales/{number:02}") for number in range(1, 26))
    picture = Content("image", "Regardez {{custom.what}}", "https://cdn.example.com/look.jpg")
    sends = a_payload(name="Relance", type=None, body=None, variables={"code": "BF30"}, recipients={"type": "all"})
    made = {"template_address": Address("promo/relance"), "names": {"templateId": "promo/relance"}}
    new = UsedTemplate("", version_name(Address("promo/relance"), SAYS), SAYS, ("contact.firstName", "custom.code"))
    return a_plan(
        change(
            "promo/relance-december",
            Action.CREATE,
            after=sends,
            audience=Audience("all", 640),
            instance=FROM_BOUTIQUE,
            template=new,
            **made,
        ),
        change(
            "promo/greeting",
            Action.ACCEPT,
            explanation="its template is changed in place by this plan",
            before={**TEMPLATE, "templateId": OTHER_ID},
            after={**TEMPLATE, "templateId": OTHER_ID},
            status="scheduled",
            diff=a_template_change(TemplateAction.UPDATE).diff,
            instance=FROM_BOUTIQUE,
            template=UsedTemplate(OTHER_ID, "promo/hello@current", SAYS),
            template_address=Address("promo/hello"),
        ),
        change(
            "promo/waits",
            Action.BLOCKED,
            reason=Reason.IMMUTABLE_CHANGE,
            explanation="its template is blocked: its file changed, and `on_change` is `block`",
            id=None,
            before=None,
            after=sends,
            template=UsedTemplate(OTHER_ID, "legal/terms@20af6c1c", SAID),
            template_address=Address("legal/terms"),
        ),
        templates=(
            of_template("legal/footer", TemplateAction.NO_OP, after=SAYS, before=SAYS, diff=()),
            of_template(
                "legal/terms",
                TemplateAction.BLOCKED,
                reason=Reason.IMMUTABLE_CHANGE,
                explanation="its file changed, and `on_change` is `block`",
                campaigns=(Address("promo/waits"),),
                lifecycle=TemplateLifecycle(on_change="block"),
            ),
            of_template(
                "news/first",
                TemplateAction.CREATE,
                after=picture,
                name=version_name(Address("news/first"), picture),
                labels={"team": "crm", "lang": "fr"},
            ),
            of_template(
                "news/found", TemplateAction.ADOPT, explanation="a run that got no answer made it", diff=(), before=SAYS
            ),
            of_template(
                "news/gone",
                TemplateAction.FORGET,
                explanation="its file is gone; it stays on MsgFlash",
            ),
            of_template("news/moved", TemplateAction.MOVE, previous_address=Address("news/old-name"), diff=()),
            of_template(
                "news/tidy",
                TemplateAction.DELETE,
                explanation="nothing uses these versions any more",
                after=SAYS,
                before=SAYS,
                unused=(a_version("t-1", address=Address("news/tidy")),),
            ),
            of_template(
                "news/trash",
                TemplateAction.DELETE,
                explanation="its file is gone",
                unused=(a_version("t-2"), a_version("t-3", picture)),
            ),
            of_template(
                "promo/hello",
                TemplateAction.UPDATE,
                name="promo/hello@current",
                lifecycle=in_place,
                campaigns=(Address("promo/greeting"),),
            ),
            of_template(
                "promo/relance",
                TemplateAction.CREATE,
                before=a_template_change(TemplateAction.UPDATE).before,
                diff=a_template_change(TemplateAction.UPDATE).diff,
                campaigns=(Address("promo/relance-december"),),
                unused=(a_version("t-4"),),
                previous_address=Address("promo/reminder"),
            ),
            of_template(
                "sales/text",
                TemplateAction.BLOCKED,
                reason=Reason.TEMPLATE_IN_USE,
                explanation="sales/01 is sending it, and 24 more are",
                campaigns=many,
                lifecycle=in_place,
            ),
            of_template(
                "too/many",
                TemplateAction.BLOCKED,
                reason=Reason.LIMIT,
                explanation="the plan would create 501, and `policy.max_creates` is 500",
                before=None,
                id=None,
                diff=(),
            ),
        ),
        environment="production",
    )


def plan_of_hostile_templates() -> Plan:
    """Show names, words and addresses of templates that try to deceive, and nothing but templates."""
    said = Content("text", "pay\u200dpal.com {{custom.code}}\n\x1b[2Kgone\n```\n<b>", None)
    says = Content("text\x07", "\u202egnp.exe\n" + "x" * 300, "https://user:secret@cdn.example.com/a.jpg")
    return a_plan(
        templates=(
            of_template(
                "hostile/\x1b[31mred",
                TemplateAction.UPDATE,
                name="red\x1b]0;title\x07",
                id="\u202etxt",
                before=said,
                after=says,
                diff=(AttributeDiff("template.body", said.body, says.body), AttributeDiff("template.\x07", None, "\n")),
                campaigns=(Address("a\nb"), Address("\u202ec")),
                unused=(a_version("\x1b[2K"),),
                labels={"a\nb": "\x1b[0m"},
                previous_address=Address("was\x07here"),
                source=Source("templates/a\nb.yaml", 3),
                explanation="its file says \x1b[0m otherwise",
            ),
            of_template("hostile/`|<b>", TemplateAction.CREATE, after=said, name="`|<b>"),
        )
    )


def plan_offline() -> Plan:
    """Show a plan that could look up nothing and count no contacts."""
    unknown = {name: value for name, value in TEMPLATE.items() if name not in {"instanceId", "templateId"}}
    return a_plan(
        change(
            "offline/unknown",
            Action.CREATE,
            after=unknown,
            audience=Audience("all"),
            names={**WELCOME, "instanceId": ""},
        ),
        change("offline/given", Action.CREATE, after=PAYLOAD, audience=Audience("tags")),
        complete=False,
        requests=RequestForecast(used=0, apply=2),
    )


EMPTY_PLANS = {
    "nothing-at-all": a_plan(requests=RequestForecast(used=0, apply=0)),
    "all-unchanged": a_plan(
        change("promo/a", Action.NO_OP), change("promo/b", Action.NO_OP), requests=RequestForecast(used=5, apply=0)
    ),
    "templates-unchanged": a_plan(
        change("promo/a", Action.NO_OP),
        templates=(of_template("promo/relance", TemplateAction.NO_OP, before=SAYS, diff=()),),
        requests=RequestForecast(used=5, apply=0),
    ),
    "narrowed": a_plan(change("promo/a", Action.NO_OP), complete=False, requests=RequestForecast(used=1, apply=0)),
    "without-state": a_plan(lineage=None, serial=None, complete=False, requests=RequestForecast(used=0, apply=0)),
}

PLANS = {
    "every-action": plan_of_every_action(),
    "every-reason": plan_of_every_reason(),
    "hostile-texts": plan_of_hostile_texts(),
    "offline": plan_offline(),
    "templates": plan_of_templates(),
    "hostile-templates": plan_of_hostile_templates(),
    **EMPTY_PLANS,
}
