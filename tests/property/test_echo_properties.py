"""What comes back from MsgFlash: the same in any spelling that a server may choose, and another one after any edit."""

import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

from hypothesis import assume, given
from hypothesis import strategies as st

from msgflash_apply.api.models import RemoteCampaign
from msgflash_apply.campaign import Payload, format_instant
from msgflash_apply.plan.echo import differences_from, differences_in_answer, meaning
from tests.support.builders import SOON, a_payload

texts = st.text(st.characters(codec="utf-8"), max_size=8).filter(str.strip)
ids = st.uuids().map(str)
audiences = st.one_of(
    st.just({"type": "all"}),
    st.fixed_dictionaries({"type": st.just("tags"), "value": st.lists(texts, min_size=1, max_size=4)}),
    st.fixed_dictionaries({"type": st.just("explicit"), "value": st.lists(ids, min_size=1, max_size=4)}),
    st.fixed_dictionaries({"type": st.just("group"), "groupId": ids}),
)
numbers = st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9)
variables = st.dictionaries(st.sampled_from("abc"), texts | numbers, min_size=1)
contents = st.one_of(
    st.fixed_dictionaries({"type": st.just("text"), "body": texts}),
    st.fixed_dictionaries({"type": st.just("image"), "body": texts, "mediaUrl": st.just("https://a.example/1.jpg")}),
    st.fixed_dictionaries({"templateId": ids, "variables": variables}),
    st.fixed_dictionaries({"type": st.just("buttons"), "title": texts, "description": texts, "footer": texts}),
)


@st.composite
def payloads(draw: st.DrawFn) -> Payload:
    """Draw a campaign as it is sent."""
    content = draw(contents)
    moment = SOON + timedelta(minutes=draw(st.integers(-10_000, 10_000)))
    repeat = draw(st.sampled_from([None, "daily", "weekly"]))
    absent = {name: None for name in ("type", "body") if name not in content}
    fields = {"instanceId": draw(ids), "name": draw(texts), "recipients": draw(audiences), "repeat": repeat}
    return a_payload(starts_at=moment, **{**fields, **absent, **content})  # type: ignore[arg-type] # its own keywords


@st.composite
def respelled(draw: st.DrawFn, payload: Payload) -> Mapping[str, object]:
    """Spell a campaign as some server may: white space, forms, case, zones, order, nulls and empties."""
    answer = {"templateVariables" if name == "variables" else name: _text(draw, item) for name, item in payload.items()}
    zone = timezone(timedelta(minutes=15 * draw(st.integers(-40, 40))))
    answer["schedule"] = datetime.fromisoformat(str(payload["schedule"])).astimezone(zone).isoformat()
    for name in answer.keys() & {"instanceId", "templateId"}:
        answer[name] = str(answer[name]).upper()
    if isinstance(given := payload.get("variables"), dict):
        answer["templateVariables"] = {name: _number(draw, _text(draw, item)) for name, item in given.items()}
    recipients = answer["recipients"] = dict(payload["recipients"])  # type: ignore[call-overload] # it is a dict
    if "value" in recipients:
        recipients["value"] = [_text(draw, item) for item in draw(st.permutations(recipients["value"]))]
    for name in draw(st.sets(st.sampled_from(["value", "groupId"]))):
        recipients.setdefault(name, draw(st.sampled_from([None, []])))
    for name in draw(st.sets(st.sampled_from(["type", "body", "mediaUrl", "title", "footer", "templateId", "repeat"]))):
        answer.setdefault(name, draw(st.sampled_from([None, ""])))
    if draw(st.booleans()):
        answer.setdefault("repeat", draw(st.sampled_from(["none", "noe"])))
    return {"id": "c1", "status": "scheduled", **answer}


def _text(draw: st.DrawFn, value: object) -> object:
    if not isinstance(value, str):
        return value
    text = unicodedata.normalize("NFD", value) if draw(st.booleans()) else value
    return draw(st.sampled_from([text, f" {text}\n", text.replace("\n", "\r\n")]))


def _number(draw: st.DrawFn, value: object) -> object:
    """Spell a number as JSON does without a difference between 12 and 12.0, or as the text of it."""
    if not isinstance(value, int | float):
        return value
    whole = int(value) if float(value).is_integer() else value
    return draw(st.sampled_from([value, str(whole)]))


@given(st.data())
def test_normalised_copy_is_the_same(data: st.DataObject) -> None:
    """No spelling of a server makes another campaign of it, read or as the answer to its create."""
    sent = data.draw(payloads())
    answer = data.draw(respelled(sent))

    assert differences_from(sent, RemoteCampaign.model_validate(answer)) == ()
    assert differences_in_answer(sent, answer) == ()


@given(payloads(), payloads())
def test_two_campaigns_differ_or_mean_the_same(sent: Payload, other: Payload) -> None:
    """Without a difference there is nothing that counts in one and not in the other; with one, it is named."""
    assume("repeat" not in sent)
    answer = {"templateVariables" if name == "variables" else name: item for name, item in other.items()}
    found = RemoteCampaign.model_validate({"id": "c1", "status": "scheduled", **answer})

    assert bool(differences_from(sent, found)) is (meaning(sent) != meaning(other))


@given(payloads())
def test_meaning_is_stable(payload: Payload) -> None:
    """What is spelled one way stays so, and keeps its start."""
    once = meaning(payload)

    assert meaning(once) == once
    assert once["schedule"] == format_instant(datetime.fromisoformat(str(payload["schedule"])))
