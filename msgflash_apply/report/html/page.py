"""
The plan as a page for people who would rather look: one file, no network, readable without its script.

The page forbids itself everything but its own style and script, both named by their digest; so even if a text became
markup, nothing could run and nothing could leave. jinja2 escapes every value, and `card` makes it safe to read.
"""

from base64 import b64encode
from collections.abc import Iterable
from datetime import datetime
from functools import cache, partial
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from msgflash_apply.plan.plan import Action, Plan, Reason
from msgflash_apply.report.diagnostics import finding_lines, no_source
from msgflash_apply.report.html.card import card_of, numbers_by_id, template_card_of
from msgflash_apply.report.html.timeline import timeline_of
from msgflash_apply.report.layout import PLAIN
from msgflash_apply.report.markup_text import clipped
from msgflash_apply.report.preview_text import Preview
from msgflash_apply.report.wording import caveat, forecasts, in_zone, reach, template_verdict, verdict, where

MOST_LISTED = 2_000
"""Rows of the list that says the same as the timeline."""

MOST_WARNINGS = 500

MOST_OPEN = 16
"""With more campaigns than this, only those that wait for a person are shown opened."""

MOST_RENDERED = 200
"""With more campaigns than this, a browser lays out only those in sight."""

MOST_CHOICES = 500
"""Entries of a filter; beyond them, the field for addresses remains."""

_LINE_COLUMNS = 2_000

_FINDING_WIDTH = 1_000

_NAME_COLUMNS = 80


def plan_to_html(plan: Plan, *, now: datetime) -> str:
    """
    Show a plan on one self-contained page; unchanged campaigns and templates are only counted.

    Args:
        plan: what to show.
        now: an aware moment, for how far off each start is.
    """
    blocked = sorted(plan.blocked, key=lambda change: change.reason is not Reason.IN_DOUBT)
    changes = (*blocked, *plan.effective)
    show = partial(card_of, environment=plan.environment, now=now, numbers=numbers_by_id(changes))
    cards = [show(change, number=number) for number, change in enumerate(changes, 1)]
    templates = [
        template_card_of(one, number=number, now=now)
        for number, one in enumerate((*plan.blocked_templates, *plan.effective_templates), len(cards) + 1)
    ]
    every, waiting = [*cards, *templates], len(plan.blocked_templates)
    drawn = sorted((card for card in cards if card.mark), key=lambda card: card.starts_at)
    findings = (
        finding_lines(each, paint=PLAIN, source_line=no_source, width=_FINDING_WIDTH)
        for each in plan.diagnostics[:MOST_WARNINGS]
    )
    return _template("plan").render(
        environment=clipped(plan.environment, _NAME_COLUMNS),
        where=where(plan, partial(clipped, columns=_NAME_COLUMNS)),
        reach=reach(plan, now, partial(clipped, columns=_NAME_COLUMNS)),
        made_at=in_zone(plan.created_at, None),
        verdict=verdict(plan),
        template_verdict=template_verdict(plan),
        counts=[(action.value, number) for action, number in plan.summary.items() if number],
        caveat=caveat(plan),
        forecasts=forecasts(plan.requests),
        digest=plan.digest,
        unchanged=plan.summary[Action.NO_OP],
        waiting=[*templates[:waiting], *cards[: len(blocked)]],
        templates=templates[waiting:],
        effective=cards[len(blocked) :],
        is_open=len(every) <= MOST_OPEN,
        is_long=len(every) > MOST_RENDERED,
        warnings=["\n".join(clipped(line, _LINE_COLUMNS) for line in lines) for lines in findings],
        warnings_left_out=max(0, len(plan.diagnostics) - MOST_WARNINGS),
        timeline=timeline_of(cards, now),
        listed=drawn[:MOST_LISTED],
        listed_left_out=max(0, len(drawn) - MOST_LISTED),
        actions=_numbered(card.action for card in every),
        instances=_numbered(card.instance for card in cards),
        labels=_numbered(label for card in every for label in card.labels),
    )


def preview_to_html(preview: Preview, *, now: datetime) -> str:
    """Show one message on a page of its own; it has no script."""
    return _template("preview").render(
        address=clipped(preview.change.address, _NAME_COLUMNS),
        facts=[(row.label, clipped(row.text, _LINE_COLUMNS)) for row in preview.facts(now)],
        notes=[clipped(note, _LINE_COLUMNS) for note in preview.notes],
        message=preview.message,
    )


@cache
def _template(name: str) -> Template:
    """Compile a page when the first one is made, with its style, its script and the policy that admits them."""
    environment = Environment(
        autoescape=True,
        loader=PackageLoader("msgflash_apply.report"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    folder = files("msgflash_apply.report").joinpath("templates")
    style, script = (folder.joinpath(name).read_text(encoding="utf-8") for name in ("plan.css", "plan.js"))
    digests = ("sha256-" + b64encode(sha256(text.encode()).digest()).decode() for text in (style, script))
    policy = "default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'"
    globals_ = {
        "style": Markup(style),  # noqa: S704 - a file of ours
        "script": Markup(script),  # noqa: S704 - a file of ours
        "policy": policy.format(*digests),
    }
    return environment.get_template(f"{name}.html.jinja", globals=globals_)


def _numbered(texts: Iterable[str]) -> dict[str, int]:
    """Number the choices of a filter: cards carry the number, so that no text of a campaign steers the script."""
    return {text: number for number, text in enumerate(sorted(set(texts))[:MOST_CHOICES])}
