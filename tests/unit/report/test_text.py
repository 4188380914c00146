"""The plan as text says what matters, and nothing that a campaign tells it to say."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgflash_apply.campaign import Address, Content, Names, Payload
from msgflash_apply.plan.plan import (
    Action,
    AttributeDiff,
    Audience,
    Plan,
    Reason,
    RequestForecast,
    Sender,
    UsedTemplate,
)
from msgflash_apply.report.layout import PLAIN, Paint
from msgflash_apply.report.own_secrets import learn
from msgflash_apply.report.text import plan_to_text
from tests.unit.report.builders import NOW, a_change, a_payload, a_plan


def text_of(plan: Plan, width: int = 100) -> str:
    """Show a plan without colour."""
    return plan_to_text(plan, now=NOW, paint=PLAIN, width=width)


def test_summary_in_the_contract_s_words() -> None:
    """The summary counts every action; moves and forgets only where there are any."""
    changes = [a_change(Action.NO_OP, address=Address(f"same/{n}")) for n in range(41)]
    changes += [a_change(address=Address(f"new/{n}")) for n in range(2)]
    changes += [a_change(Action.RETIRE, address=Address("old")), a_change(Action.PAUSE, address=Address("p"))]
    changes += [a_change(Action.BLOCKED, address=Address("b"), reason=Reason.LIMIT)]
    assert (
        "\nPlan: 2 to create, 1 to pause, 0 to resume, 0 to replace, 1 to retire, 41 unchanged, 1 blocked.\n"
        "Requests: 3 used for this plan, 4 needed to apply, 9512 left this month.\nDigest: sha256:"
    ) in text_of(a_plan(*changes))


def test_move_and_forget_are_counted_where_there_are_any() -> None:
    """Moves and forgets join the summary."""
    moved = a_change(Action.MOVE, previous_address=Address("a"))
    text = text_of(a_plan(moved, a_change(Action.FORGET, address=Address("z"))))
    assert "0 to retire, 1 to move, 1 to forget, 0 unchanged, 0 blocked." in text
    assert "  ~ a has moved to promo/black-friday\n" in text


@pytest.mark.parametrize(
    ("forecast", "expected"),
    [
        (RequestForecast(3, 4, 9512), "3 used for this plan, 4 needed to apply, 9512 left this month."),
        (
            RequestForecast(0, 4),
            "none used for this plan, 4 needed to apply; how many are left this month was not read.",
        ),
        (RequestForecast(3, 0), "3 used for this plan, none needed to apply."),
        (RequestForecast(3, 9, 8), "9 needed to apply, only 8 left this month: an apply would stop part way."),
    ],
)
def test_request_forecast(forecast: RequestForecast, expected: str) -> None:
    """The forecast says what it knows, and what it could not read."""
    assert expected in text_of(a_plan(a_change(), requests=forecast), width=200)


def test_blocked_plan_is_not_called_empty() -> None:
    """Nothing to do is not "no changes" while something waits for a person."""
    text = text_of(a_plan(a_change(Action.BLOCKED, reason=Reason.LEAD_TIME)))
    assert "No changes" not in text
    assert "(lead-time)" in text


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_comes_with_advice(reason: Reason) -> None:
    """Each reason is given in words and as the stable word, followed by what to do."""
    _, _, shown, *_ = text_of(a_plan(a_change(Action.BLOCKED, reason=reason)), width=300).split("\n\n")
    header, advice, *_ = shown.split("\n")
    assert re.fullmatch(rf"  [!?] promo/black-friday is (blocked|in doubt): .+ \({reason}\)", header)
    assert re.fullmatch(r" {4}[A-Z].+", advice)


def test_blocked_without_a_reason() -> None:
    """A change that is blocked without a reason is still shown as blocked."""
    text = text_of(a_plan(a_change(Action.BLOCKED), a_change(Action.BLOCKED, address=Address("q"), explanation="why")))
    assert "  ! promo/black-friday is blocked\n" in text
    assert "  ! q is blocked: why\n" in text


@pytest.mark.parametrize(("environment", "option"), [("default", ""), ("production", "--env production ")])
def test_doubt_comes_with_its_commands(environment: str, option: str) -> None:
    """In doubt, both commands stand on lines of their own, quoted for a shell, in every width."""
    address = Address('promo/black-friday["fr"]')
    plan = a_plan(a_change(Action.BLOCKED, address=address, reason=Reason.IN_DOUBT), environment=environment)
    for width in (20, 80, 200):
        lines = text_of(plan, width).split("\n")
        assert f"      msgflash-apply {option}resolve 'promo/black-friday[\"fr\"]' --created ID" in lines
        assert f"      msgflash-apply {option}resolve 'promo/black-friday[\"fr\"]' --not-created" in lines


def test_payload_is_shown_in_full() -> None:
    """Every field that goes on the wire is shown, those that this version does not know too."""
    after = a_payload(unheard_of={"deep": [1]}, buttons=["odd"], recipients={"type": "new", "x": 1}, repeat="daily")
    text = text_of(a_plan(a_change(after=after, audience=Audience("new"))))
    assert '      unheard_of   {"deep": [1]}\n' in text
    assert "      buttons      odd\n" in text
    assert '      audience     {"type": "new", "x": 1}: not counted\n' in text
    assert "      repeat       daily\n" in text


def test_words_of_a_template_are_shown_as_those_of_a_body() -> None:
    """In template mode people read the template's text with its variables, and nothing is sent but its id."""
    payload = a_payload(type=None, body=None, templateId="t", variables={"code": "BF30"})
    content = Content(
        "image", "Hi {{contact.firstName}},\n{{ custom.code }} {{custom.day}}", "https://cdn.example/a.jpg"
    )
    template, instance = UsedTemplate("t", "relance", content), Sender("i", "boutique", "+33612345678")
    shown = (
        "      template     relance (t)\n"
        '      variables    code = "BF30"\n'
        "      content      image\n"
        "      body         | Hi {{contact.firstName}},\n"
        "                   | BF30 {{custom.day}}\n"
        "      media        https://cdn.example/a.jpg\n"
    )
    for action in (Action.CREATE, Action.REPLACE, Action.RESUME, Action.ACCEPT):
        text = text_of(a_plan(a_change(action, after=payload, template=template, instance=instance)))
        assert shown in text
        assert "      instance     boutique, +33612345678 (i)\n" in text


@pytest.mark.parametrize(
    ("recipients", "audience", "names", "most", "expected"),
    [
        ({"type": "group", "groupId": "g"}, Audience("group", 88, name="VIP"), {}, None, "group VIP (g): 88 contacts"),
        ({"type": "group"}, None, {"groupId": "VIP"}, 9, "group VIP (not looked up): at most 9"),
        ({"type": "all"}, Audience("all", 120), {}, 500, "every contact: 120 contacts, at most 500"),
        ({"type": "all"}, Audience("all", 0), {}, None, "every contact: no one would receive it"),
        ({"type": "all"}, Audience("all"), {}, 500, "every contact: not counted, at most 500"),
        (
            {"type": "explicit", "value": ["a", "b"]},
            Audience("explicit", 2, limit=1),
            {},
            None,
            "2 contact ids (a, b): 2 contacts, above the 1 that the number's warm-up advises",
        ),
    ],
)
def test_audience(
    recipients: Payload, audience: Audience | None, names: Names, most: int | None, expected: str
) -> None:
    """An audience says who they are, how many they are, and how many they may be."""
    after = a_payload(recipients=recipients)
    text = text_of(a_plan(a_change(after=after, audience=audience, names=names, max_people=most)))
    assert f"      audience     {expected}\n" in text


def test_what_is_blocked_by_its_limit_says_how_many_they_are() -> None:
    """A campaign that exists and is kept from people by its limit shows both numbers too."""
    change = a_change(Action.BLOCKED, reason=Reason.LIMIT, audience=Audience("tags", 620), max_people=500)
    assert ": 620 contacts, at most 500\n" in text_of(a_plan(change))


def test_people_come_first() -> None:
    """The lines after the title say how many people there are, and what waits for a person."""
    blocked = a_change(Action.BLOCKED, address=Address("b"), reason=Reason.LIMIT)
    title, people, waiting, *_ = text_of(a_plan(a_change(), blocked, server="http://127.0.0.1:1"), 200).split("\n")
    assert title == "Plan for environment default on http://127.0.0.1:1"
    assert people.startswith("120 people get 120 messages in 1 campaign, from ")
    assert waiting == "1 campaign waits for a person."


def test_recipients_that_are_no_object() -> None:
    """Recipients of an unknown shape are shown as they are."""
    assert "      audience     [1, 2]: 120 contacts\n" in text_of(a_plan(a_change(after=a_payload(recipients=[1, 2]))))


def test_change_without_payloads() -> None:
    """A campaign of which only the start is known shows that."""
    text = text_of(a_plan(a_change(Action.PAUSE, before=None, after=None)))
    assert "      start        Fri 27 Nov 2026 09:00 Europe/Paris, in 3 d 22 h\n" in text


def test_lost_line_break_at_the_end_shows() -> None:
    """A difference that the eye would miss is made visible."""
    difference = AttributeDiff("body", "a \nb\n", "a\nb")
    text = text_of(a_plan(a_change(Action.REPLACE, diff=(difference,))))
    assert "          - a·\n          + a\n            b\n          - (empty line)\n" in text


def test_value_beside_a_text_of_several_lines() -> None:
    """A text of several lines in place of another value is shown line by line too."""
    text = text_of(a_plan(a_change(Action.REPLACE, diff=(AttributeDiff("body", 7, "a\nb"),))))
    assert "      ~ body:\n          - 7\n          + a\n          + b\n" in text


def test_long_differences_are_cut_with_a_count() -> None:
    """A difference of very many lines ends with how many more there are."""
    after = "\n".join(str(number) for number in range(100))
    text = text_of(a_plan(a_change(Action.REPLACE, diff=(AttributeDiff("body", None, after),))))
    assert "          + 59\n          … 40 more lines; --format json shows them all\n" in text


def test_past_start_says_so() -> None:
    """A start that has passed is shown as past."""
    text = text_of(a_plan(a_change(Action.FORGET, starts_at=NOW - timedelta(days=2))))
    assert "2 d ago" in text


@given(st.text(), st.text(), st.text())
def test_colours_are_the_only_escape_sequences(name: str, body: str, address: str) -> None:
    """Whatever campaigns hold, the text has our colours and line breaks and no other control character."""
    change = a_change(address=Address(address), after=a_payload(name=name, body=body), explanation=body)
    difference = AttributeDiff(name, body, name)
    plan = a_plan(change, a_change(Action.REPLACE, diff=(difference,)), environment=name)
    text = plan_to_text(plan, now=NOW, paint=Paint(colour=True))
    rest = re.sub(r"\x1b\[[0-9;]+m", "", text).replace("\n", "")
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", rest)


@given(st.integers(min_value=1, max_value=120))
def test_no_key_gets_through_whatever_the_width(width: int) -> None:
    """Our key in any text of a campaign is redacted before lines are broken, so that no half of it is left."""
    rest = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
    key = f"msgf_live_{rest}"
    learn(key)
    after = a_payload(name=key, body=f"a\n{key}", variables={key: key}, recipients={"type": "tags", "value": [key]})
    change = a_change(after=after, explanation=key, diff=(AttributeDiff(key, key, f"{key}\n"),))
    text = re.sub(r"\s", "", text_of(a_plan(change), width))
    assert rest not in text
    assert "[redacted]" in text


@given(st.text(alphabet="ab \n日é", max_size=300), st.integers(min_value=40, max_value=120))
def test_attributes_fit_the_width(body: str, width: int) -> None:
    """Attributes are never wider than the terminal."""
    text = text_of(a_plan(a_change(after=a_payload(body=body))), width)
    rows = [line for line in text.split("\n") if line.startswith("      ")]
    assert all(len(line) <= width for line in rows)
