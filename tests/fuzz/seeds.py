"""Good inputs for every reader, to begin from: whatever is wrong with a mutant of them is wrong in one place."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from msgflash_apply.campaign import Address, Content, Seen
from msgflash_apply.models.project import Policy
from msgflash_apply.plan.plan import Audience, Sender, UsedTemplate
from msgflash_apply.plan.planfile import SavedPlan, encode_plan
from msgflash_apply.plan.planner import Planner, PlanOptions
from msgflash_apply.state.backends.encryption import Envelope, write_envelope
from msgflash_apply.state.backends.terraform_http import bundle
from msgflash_apply.state.codec import encode, encode_entries
from msgflash_apply.state.journal import (
    Adopted,
    Approved,
    Bound,
    Created,
    Described,
    Entry,
    Forgotten,
    Kept,
    Moved,
    NotCreated,
    Observed,
    Opened,
    Removed,
    Restored,
    Retired,
)
from msgflash_apply.state.serialise import to_json
from msgflash_apply.state.snapshot import LastApproval, Snapshot
from tests.hostile import answers
from tests.support.builders import INSTANCE_ID, NOW, SOON, a_desired, a_payload, a_record, a_snapshot, an_intent
from tests.support.states import ENVIRONMENT, LINEAGE, a_holder, created, intended

ROOT = Path(__file__).parents[2]
CAMPAIGN = b"""\
# A campaign in every style
name: "Sale {{ custom.brand }} {{ each.key }}{{ each.value.a }}"
key: sale
schedule: 2099-03-02T10:00:00
timezone: Europe/Paris
recipients: &who {type: tags, value: [vip, 'new', "old"]}
audience: {max: 500}
type: text
body: |
  Hello {{ contact.firstName }},
  {% for item in custom.list %}{{ item | upper }}{% if not loop.last %}, {% endif %}{% endfor %}
labels: {team: shop, <<: {a: b}}
custom: {brand: Acme, list: [a, b], who: *who}
lifecycle: {on_change: replace, ignore_changes: [body]}
for_each: {fr: {a: 1}, de: {a: 2}}
paused: false
---
key: template
moved_from: [promo/old]
name: Welcome
schedule: 2099-03-02T10:00:00+01:00
repeat: weekly
recipients: {type: explicit, value: [11111111-1111-4111-8111-111111111111]}
template: welcome
variables: {brand: "{{ custom.brand | default('x') }}", n: 3, f: 1500.5}
"""
TEMPLATES = (
    "Hello {{ contact.firstName }}, {{ custom.a }}",
    "{% for x in custom.list %}{{ loop.index }}. {{ x | upper | trim }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "{{ custom.map.a.b ~ '-' ~ custom.n + 1 }} {{ custom.f | round(1) }} {{ custom['list'][0:2] | join(', ') }}",
    "{%- set y = custom.n * 2 -%}{{ '%s %d' | format(custom.a, y) }} {# note #} {{ 'a' if custom.yes else 'b' }}",
    "{{ custom.absent | default('x', true) | replace('x', 'y') }} {{ each.key }} {{ {'a': [custom.a]} }}",
    "{{ custom.text | truncate(20) }} {{ custom.numbers | sort | unique | first }} {{ custom.map is mapping }}",
)
PROJECT = (ROOT / "msgflash.yaml").read_bytes()
SERVER = "https://srv.msgflash.com"
WORDS = Content("image", "Hello {{contact.firstName}}: {{custom.code}}", "https://a.example/1.jpg")
FACTS = replace(a_record("sale").facts, seen=Seen(WORDS.digest, "+33612345678", 120, 500))
RICH = Snapshot(
    LINEAGE,
    7,
    ENVIRONMENT,
    campaigns={
        Address("sale"): replace(a_record("sale"), former_ids=("id-0",), differs=("name: 'a' was sent, it has 'b'",)),
        Address('promo/été["fr"]'): a_record("other", status="completed", retired=True),
        Address("template"): a_record("template", facts=replace(FACTS, timezone="Europe/Paris", labels={"a": "b"})),
    },
    in_doubt={Address("doubt"): an_intent("doubt")},
    history={Address("past"): (a_record("past", status="failed"), a_record("paster"))},
    journal="run-0",
    server=SERVER,
    contents={WORDS.digest: WORDS},
    approved=LastApproval("sha256:0", {Address("sale"): "create"}, NOW),
)
ENTRIES: Sequence[Entry] = (
    Opened("run-1", LINEAGE, 1, ENVIRONMENT, NOW),
    Bound(SERVER),
    Kept(WORDS.digest, WORDS),
    Approved("sha256:0", {Address("sale"): "create"}, NOW),
    intended("sale"),
    created("sale"),
    intended("gone"),
    NotCreated(Address("gone"), "400 VALIDATION_ERROR: no", NOW),
    Observed(Address("sale"), "running", NOW),
    Retired(Address("sale"), NOW, "paused"),
    Restored(Address("sale"), NOW, "scheduled"),
    Moved(Address("sale"), Address("promo/été")),
    Described(Address("promo/été"), FACTS),
    intended("promo/été"),
    Created(Address("promo/été"), "id-2", "scheduled", SOON, ("name: 'a' was sent, it has 'b'",)),
    Forgotten(Address("promo/été"), NOW),
    Adopted(Address("sale"), a_record("sale")),
    Removed(Address("sale"), NOW),
    intended("doubt"),
)
COUNTERS = {"planned": 3, "queued": 0, "sent": 1, "delivered": 1, "read": 0, "failed": 0, "cancelled": 0}
REMOTE = {
    **a_payload(name="sale", repeat="daily"),
    "id": "id-sale",
    "status": "scheduled",
    "stats": COUNTERS,
    "progressPercent": 12.5,
    "safety": {"decision": "allow", "risk": "low", "reasons": ["few"], "recommendations": []},
}
EVERYTHING = {
    **REMOTE,
    "templates": [
        {
            "id": "t-welcome",
            "name": "welcome",
            "type": WORDS.type,
            "body": WORDS.body,
            "mediaUrl": WORDS.media_url,
            "variables": ["contact.firstName", "custom.code"],
        }
    ],
    "groups": [{"id": "g", "name": "early-birds", "contactCount": 4}],
    "total": 1,
    "contacts": [{"id": "c", "tags": ["vip"]}],
    "nextCursor": "x",
    "hasMore": False,
    "messages": [{"campaignId": "id-sale", "createdAt": "2026-11-23T12:00:00Z"}],
    "limits": {"monthlyOutboundQuota": 10, "monthlyApiRequestQuota": 100},
    "usage": {"effectiveOutboundUsage": 1, "apiRequestsCount": 2},
    "features": {"campaigns": True, "buttons": False, "voiceNotes": True},
    "warmupPolicy": {"maxCampaignRecipients": 5},
    "contactCount": 4,
    "waNumber": "+33612345678",
}
INSTANCES = [{"id": INSTANCE_ID, "name": "shop", "waNumber": "+33612345678", "status": "connected"}]
PROBLEM = {"error": {"code": "VALIDATION_ERROR", "message": "no", "details": [{"path": "body"}]}}


def _json(*documents: object) -> tuple[bytes, ...]:
    return tuple(json.dumps(document).encode() for document in documents)


def _a_plan() -> bytes:
    wanted = [
        a_desired("new", labels={"a": "b"}),
        a_desired("sale", payload=a_payload(name="other")),
        *answers.WANTED[:1],
    ]
    planner = Planner(wanted, (), PlanOptions("default", Policy()), None, lambda: NOW)
    plan = asyncio.run(planner.plan(a_snapshot({"old": a_record("old")}, {"doubt": an_intent("doubt")})))
    changes = tuple(
        replace(
            change,
            instance=Sender(INSTANCE_ID, "shop", "+33612345678"),
            template=UsedTemplate("t", "welcome", WORDS, ("custom.code",)),
            audience=Audience("group", 120, 500, "early-birds"),
        )
        for change in plan.changes
    )
    saved = SavedPlan(replace(plan, changes=changes), tuple({one.address: one for one in wanted}.values()))
    return encode_plan(replace(saved, targets=("new",), labels={"a": "b"}, overrides=("lead-time",)))


JSON = frozenset(
    {
        "state", "sealed-state", "sealed-journal", "recovery", "lock", "envelope", "sealed-plan", "answer", "endpoint",
        "import",
    }
)  # fmt: skip
"""Readers whose seeds hold JSON, or lines of it."""


@cache
def seeds() -> Mapping[str, tuple[bytes, ...]]:
    """Good inputs, by reader."""
    journal = encode_entries(ENTRIES, first=0)
    entries = b"\n".join(json.dumps(json.loads(line)["entry"]).encode() for line in journal.splitlines())
    recovery = b"\n".join(entries.splitlines()[:3])
    answered = _json({"data": EVERYTHING}, {"data": INSTANCES}, PROBLEM, {"data": REMOTE})
    http = bundle.Bundle(3, "w", b"{}", {"run-1": bundle.Journal(b"x\n")})
    encrypted = Envelope("0a1b2c3d4e5f", bytes(12), b"secret")
    plan = _a_plan()
    return {
        "yaml": (CAMPAIGN, PROJECT),
        "campaign": (CAMPAIGN,),
        "template": tuple(text.encode() for text in TEMPLATES),
        "format": (CAMPAIGN, PROJECT),
        "project": (PROJECT,),
        "variables": (b"a: 1\nb: [x, {c: d}]\n", b'{"a": "x", "b": [1, 2]}'),
        "state": (encode(RICH),),
        "sealed-state": (encode(RICH), encode(replace(RICH, moved="s3://elsewhere/state"))),
        "journal": (journal,),
        "sealed-journal": (entries,),
        "recovery": (recovery, entries),
        "lock": (to_json(a_holder()),),
        "envelope": (bundle.encode(http), write_envelope(encrypted, on_one_line=True)),
        "plan": (plan,),
        "sealed-plan": (plan,),
        "answer": answered,
        "endpoint": answered,
        "import": answered,
    }
