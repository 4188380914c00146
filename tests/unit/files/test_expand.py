"""One document to its campaigns: variables by precedence, `for_each`, and the payload as it goes on the wire."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from msgflash_apply.campaign import Desired, Lifecycle, Source
from msgflash_apply.models.project import Policy, Settings
from tests.unit.files.repos import WELCOME, in_short, loaded

INSTANCE = "11111111-1111-4111-8111-111111111111"
HEAD = "name: a\nschedule: 2099-01-01T00:00:00Z\nrecipients: {type: all}\n"


def only(root: Path, text: str, settings: Settings | None = None) -> Desired:
    """Load one document that holds no mistake; its campaign."""
    result = loaded(root, {"a.yaml": text}, settings)
    assert not result.has_errors, result.diagnostics
    (campaign,) = result.campaigns
    return campaign


def test_payload_is_in_the_order_of_the_api(tmp_path: Path) -> None:
    """The payload holds what the API knows, in its order, and nothing that is ours."""
    campaign = only(
        tmp_path,
        "labels: {a: b}\nvariables: {code: X, n: 2}\nrecipients: {type: all}\nrepeat: daily\ntemplate: welcome\n"
        f"schedule: 2099-01-01T12:00:00.5+02:00\nname: a\ninstanceId: {INSTANCE}\nkey: z\npaused: true\n",
    )

    assert list(campaign.payload.items()) == [
        ("instanceId", INSTANCE),
        ("name", "a"),
        ("schedule", "2099-01-01T10:00:00.500Z"),
        ("repeat", "daily"),
        ("recipients", {"type": "all"}),
        ("variables", {"code": "X", "n": 2}),
    ]
    assert campaign.names == {"templateId": "welcome"}


def test_what_is_not_sent_is_kept_beside_the_payload(tmp_path: Path) -> None:
    """Address, source, labels, lifecycle and orders stand beside the payload."""
    campaign = only(
        tmp_path,
        WELCOME + "paused: false\nlabels: {team: x}\nmoved_from: ['old/é', 'old[\"a b\"]']\n"
        "lifecycle: {on_change: replace, on_remove: keep, ignore_changes: [instance, template, footer]}\n",
    )

    assert (campaign.address, campaign.source) == ("a", Source("campaigns/a.yaml", 1))
    assert campaign.lifecycle == Lifecycle("replace", "keep", ("instanceId", "templateId", "footer"))
    assert (campaign.paused, campaign.labels) == (False, {"team": "x"})
    assert campaign.moved_from == ("old/é", 'old["a b"]')
    assert campaign.starts_at == datetime(2099, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize("written", ["none", "noe", "", '"none"'])
def test_once_is_said_by_silence(tmp_path: Path, written: str) -> None:
    """Every way of saying "once" leaves `repeat` out of the payload."""
    campaign = only(tmp_path, WELCOME + f"repeat: {written}\n")

    assert "repeat" not in campaign.payload


@pytest.mark.parametrize(
    ("text", "default", "field", "name"),
    [
        ("", None, None, ""),
        ("", "boutique", None, "boutique"),
        ("", INSTANCE, INSTANCE, None),
        ("instance: test-phone\n", "boutique", None, "test-phone"),
        (f"instance: {INSTANCE}\n", "boutique", INSTANCE, None),
        (f"instanceId: {INSTANCE}\n", "boutique", INSTANCE, None),
    ],
)
def test_instance_by_id_name_or_default(
    tmp_path: Path, text: str, default: str | None, field: str | None, name: str | None
) -> None:
    """An id goes into the payload, a name waits to be looked up, and no name at all means the only connected one."""
    campaign = only(tmp_path, WELCOME + text, Settings(tmp_path, instance=default))

    assert campaign.payload.get("instanceId") == field
    assert campaign.names.get("instanceId") == name


def test_local_time_in_the_default_zone(tmp_path: Path) -> None:
    """A local start is read in the campaign's zone, else in the default one, and shown in it."""
    text = HEAD.replace("00:00Z", "00:00") + "type: text\nbody: b\n"
    settings = Settings(tmp_path, timezone="Europe/Paris")

    by_default = only(tmp_path, text, settings)
    by_itself = only(tmp_path, text + "timezone: Asia/Tokyo\n", settings)

    assert (by_default.starts_at.hour, by_default.timezone) == (23, "Europe/Paris")
    assert (by_itself.starts_at.hour, by_itself.timezone) == (15, "Asia/Tokyo")


def test_variables_by_precedence(tmp_path: Path) -> None:
    """A campaign's own variables are stronger than the project's and weaker than everything from outside."""
    settings = Settings(tmp_path, custom_below={"a": 1, "b": 1, "c": 1}, custom_above={"c": 3})
    text = HEAD + 'type: text\nbody: "{{ custom.a }}{{ custom.b }}{{ custom.c }}"\ncustom: {b: 2, c: 2}\n'

    assert only(tmp_path, text, settings).payload["body"] == "123"


def test_one_campaign_per_entry(tmp_path: Path) -> None:
    """`for_each` makes a campaign per entry, with the entry in its templates, its address and its past."""
    result = loaded(
        tmp_path,
        {
            "promo/hi.yaml": 'name: "Hi {{ each.key }}"\nschedule: 2099-01-01T00:00:00Z\nrecipients: {type: all}\n'
            'type: text\nbody: "{{ each.value }}"\nmoved_from: [\'old["{{ each.key }}"]\']\n'
            "for_each: {fr: Bonjour, pt BR: Olá}\n"
        },
    )

    assert [campaign.address for campaign in result.campaigns] == ['promo/hi["fr"]', 'promo/hi["pt BR"]']
    assert [campaign.payload["body"] for campaign in result.campaigns] == ["Bonjour", "Olá"]
    assert result.campaigns[0].moved_from == ('old["fr"]',)
    assert result.diagnostics == ()


def test_number_from_an_expression_is_not_told_to_be_quoted(tmp_path: Path) -> None:
    """Where a text is wanted and an expression gives a number, the hint is a filter: quotes are there already."""
    result = loaded(tmp_path, {"a.yaml": HEAD + 'type: text\nbody: "{{ custom.n }}"\ncustom: {n: 3}\n'})

    assert in_short(result.diagnostics) == ["a.yaml:5:7 MF303"]
    assert result.diagnostics[0].hint == "make the expression a text: `{{ ... | string }}`"


def test_long_table_stays_linear(tmp_path: Path) -> None:
    """A table of a thousand entries makes a thousand campaigns."""
    table = "".join(f"  k{index}: text {index}\n" for index in range(1000))

    result = loaded(tmp_path, {"a.yaml": HEAD + 'type: text\nbody: "{{ each.value }}"\nfor_each:\n' + table})

    assert len(result.campaigns) == 1000
    assert result.diagnostics == ()


def test_repeated_recipients_are_sent_once(tmp_path: Path) -> None:
    """A tag listed twice draws one warning at the repeat, and goes on the wire once."""
    result = loaded(tmp_path, {"a.yaml": WELCOME.replace("all}", "tags, value: [a, b, a, b]}")})

    assert dict(result.campaigns[0].payload)["recipients"] == {"type": "tags", "value": ["a", "b"]}
    assert in_short(result.diagnostics) == ["a.yaml:3:40 MF410"]
    assert not result.has_errors


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("repeat: weekly\ntype: text\nbody: b\n", "MF403"),
        ("type: image\nmediaUrl: http://a.example/b.jpg\n", "MF411"),
        (
            f"type: buttons\ntitle: t\ndescription: d\nbuttons: [{{type: reply, id: x, displayText: {'x' * 51}}}]\n",
            "MF412",
        ),
        ("type: text\nbody: Hi {{contact.firstName}}\n", "MF413"),
        (
            "type: buttons\ntitle: t\ndescription: d\nbuttons: [{type: reply, id: '{{ user.id }}', displayText: y}]\n",
            "MF413",
        ),
        ("template: a\nvariables: {x: '{{ contact.name }}'}\n", "MF414"),
    ],
)
def test_doubts_are_warnings(tmp_path: Path, text: str, code: str) -> None:
    """What would be sent otherwise than expected is a warning, and the campaign is still there."""
    result = loaded(tmp_path, {"a.yaml": HEAD + text})

    assert [(d.code, d.is_error, d.address) for d in result.diagnostics] == [(code, False, "a")]
    assert len(result.campaigns) == 1


def test_policy_decides_about_placeholders_in_direct_content(tmp_path: Path) -> None:
    """A placeholder in direct content is an error, a warning or nothing, as the policy says."""
    files = {"a.yaml": HEAD + "type: text\nbody: Hi {{contact.firstName}}\n"}

    refused = loaded(tmp_path, files, Settings(tmp_path, policy=Policy(placeholders_in_direct="error")))
    allowed = loaded(tmp_path, files, Settings(tmp_path, policy=Policy(placeholders_in_direct="allow")))

    assert refused.has_errors
    assert allowed.diagnostics == ()
    assert allowed.campaigns[0].payload["body"] == "Hi {{contact.firstName}}"
