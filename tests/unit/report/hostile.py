"""Texts that try to become more than text in a comment or on a page."""

from msgflash_apply.campaign import Address, Content, Source
from msgflash_apply.findings import Diagnostic, Severity
from msgflash_apply.plan.plan import (
    Action,
    AttributeDiff,
    Audience,
    Change,
    Plan,
    Reason,
    Sender,
    TemplateAction,
    TemplateChange,
    UsedTemplate,
)
from msgflash_apply.template import Version
from tests.unit.report.builders import NOW, a_change, a_payload, a_plan, a_template_change

CANARY = "document.title='owned'"

CORPUS = {
    "script": f"<script>{CANARY}</script>",
    "script-end": f"</script><script>{CANARY}</script>",
    "style-end": f"</style></title></textarea><img src=x onerror={CANARY}>",
    "image": f'<img src="https://evil.example/x.png" onerror="{CANARY}">',
    "double-quote": f'" onmouseover="{CANARY}" x="',
    "single-quote": f"' autofocus onfocus={CANARY} x='",
    "svg": f"<svg/onload={CANARY}><animate onbegin={CANARY} attributeName=x dur=1s>",
    "math": f"<math><mtext></mtext><mglyph><style><!--</style><img title='--><img src=1 onerror={CANARY}>'>",
    "javascript": f"javascript:{CANARY}",
    "javascript-link": f"[click](javascript:{CANARY})",
    "data-url": f"data:text/html,<script>{CANARY}</script>",
    "entities": f"&lt;script&gt;{CANARY}&lt;/script&gt; &#60;img src=x onerror={CANARY}&#62; &amp;",
    "css": "}</style><style>*{background:url(https://evil.example/)}",
    "import": "@import 'https://evil.example/x.css';",
    "comment": f"--> --!> <!-- <![CDATA[ ]]> <script>{CANARY}</script>",
    "jinja": "{{ 7*7 }} {% include '/etc/passwd' %} {# gone #} ${7*7} <%= 7 %>",
    "placeholder": '{{contact.firstName}} {{ contact.meta.<b>x</b> }} {{contact."><script>}}',
    "bidi": "\u202egnp.exe\u202c \u2066\u2069",
    "nul": "a\x00b\x1b[31m\x07\u2028\ud800",
    "backticks": "` `` ``` ```` `````\n```\n````\n~~~\n`````",
    "fence": f"```\n</details>\n\n<script>{CANARY}</script>\n\n# Heading\n\n| a | b |\n|---|---|",
    "table": "a | b || c \\| d \\\\| e |\n| x |",
    "mention": "@octocat @org/team #12 GH-1 org/repo#3 0123456789abcdef0123456789abcdef01234567 :tada: !5 ~label $1",
    "links": "https://evil.example www.evil.example <https://evil.example> evil@example.com [a][b]\n\n[b]: https://evil.example",
    "images": "![x](https://evil.example/x.png) ![y][b]",
    "markdown": "# h\n> q\n- [ ] task\n1. one\n***bold*** ~~gone~~ [^1]\n\n---\n\nx\n===\n\n    code\n$$x$$ $`y`$",
    "details": "</summary></details></code></pre></blockquote></div>",
    "header": "authorization:",
    "redacted-header": "Authorization: Bearer abcdefgh",
    "url": "https://user:password@evil.example/a",
    "spaces": "   ",
    "backslash": "ends in \\",
    "long-word": "x" * 20_000,
    "many-lines": "line\n" * 5_000,
    "combining": "z" + "\u0301" * 20_000,
    "emoji": "👩\u200d💻 🇫🇷 é 日本語 עברית",
}


def hostile_plan(text: str) -> Plan:
    """Build a plan that holds one text wherever a stranger can put one."""
    after = a_payload(
        name=text,
        body=text,
        mediaUrl=f"https://cdn.example/{text}",
        title=text,
        footer=text,
        buttons=[{"type": text, "displayText": text, "url": text}],
        recipients={"type": "tags", "value": [text]},
        **{f"unknown {text}": text},
    )
    template = {"templateId": text, "variables": {text: text}, **a_payload(type=None, body=None, instanceId=text)}
    used = UsedTemplate(text, text, Content(text, text, text))
    group = {**template, "recipients": {"type": "group", "groupId": text}}
    fields = {"labels": {text: text}, "source": Source(text, 3), "timezone": text, "status": text, "explanation": text}
    fields["instance"] = Sender(text, text, text)
    return a_plan(
        _change(f"a{text}", Action.CREATE, after=after, names={"instanceId": text}, **fields),
        _change(f"b{text}", Action.REPLACE, id=text, after=template, diff=differences(text), **fields),
        _change(f"c{text}", Action.BLOCKED, reason=Reason.IN_DOUBT, id=None, before=None, **fields),
        _change(f"d{text}", Action.BLOCKED, reason=Reason.LIMIT, diff=differences(text), **fields),
        _change(f"e{text}", Action.MOVE, previous_address=Address(text), **fields),
        _change(f"f{text}", Action.ACCEPT, after=template, template=used, diff=differences(text), **fields),
        _change(f"g{text}", Action.CREATE, after=group, template=used, audience=Audience(text, 3, name=text), **fields),
        _change(f"h{text}", Action.CREATE, after=group, template=used, template_address=Address(text), **fields),
        environment=text,
        diagnostics=(
            Diagnostic(Severity.WARNING, "MF999", text, hint=text, file=text, line=1, address=text),
            Diagnostic(Severity.WARNING, "MF998", text, address=f"{text}]"),
        ),
        templates=(*(_template(text, action) for action in TemplateAction),),
    )


def differences(text: str) -> tuple[AttributeDiff, ...]:
    """Build diffs that hold a text in each of their places."""
    return (
        AttributeDiff("body", text, f"{text}\n{text}"),
        AttributeDiff(f"variables.{text}", None, text),
        AttributeDiff("name", text, None),
        AttributeDiff("buttons", [text], {text: text}),
    )


def _template(text: str, action: TemplateAction) -> TemplateChange:
    return a_template_change(
        action,
        address=Address(f"{action}{text}"),
        name=text,
        reason=Reason.TEMPLATE_IN_USE if action is TemplateAction.BLOCKED else None,
        explanation=text,
        source=Source(text, 3),
        id=text,
        before=Content(text, text, text),
        after=Content(text, f"{text}.", text),
        diff=differences(text),
        campaigns=(Address(text), Address(f"{text}2")),
        unused=(Version(text, text, text, NOW),),
        labels={text: text},
        previous_address=Address(text),
    )


def many_changes(count: int, action: Action = Action.CREATE) -> Plan:
    """Build a plan of so many changes."""
    return a_plan(*(a_change(action, address=Address(f"promo/{number:05}")) for number in range(count)))


def _change(address: str, action: Action, **fields: object) -> Change:
    return a_change(action, address=Address(address), **fields)
