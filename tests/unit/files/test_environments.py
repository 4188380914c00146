"""Environments: who gets campaigns in one of them, and what reading the files for all of them finds."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from msgflash_apply.files.load import Loaded, load, load_each
from msgflash_apply.files.settings import load_each_settings
from msgflash_apply.findings import Diagnostic, InvalidFiles
from tests.unit.files.repos import WELCOME, settings_of, write

CONTACT = "CCCCCCCC-cccc-4ccc-8ccc-000000000001"
GROUP = "99999999-9999-4999-8999-999999999991"
STAFF = "{recipients: {type: tags, value: [staff]}}"


def load_all(root: Path, project: str, files: Mapping[str, str], *paths: str, environment: str | None = None) -> Loaded:
    """Write a repo whose msgflash.yaml goes on with `project`, and load it for its environments."""
    write(root, {"msgflash.yaml": f"# Acme's\nversion: 1\n{project}", **files})
    every = load_each_settings(root, environment=environment, environ={})
    return load_each(every, [Path(path) for path in paths])


def mistakes_in(root: Path, project: str) -> tuple[Diagnostic, ...]:
    """The diagnostics with which a project file is refused."""
    with pytest.raises(InvalidFiles) as refused:
        settings_of(root, project)
    return refused.value.diagnostics


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("{type: all}", {"type": "all"}),
        ("{type: tags, value: [staff, office]}", {"type": "tags", "value": ["staff", "office"]}),
        (f"{{type: explicit, value: [{CONTACT}]}}", {"type": "explicit", "value": [CONTACT.lower()]}),
        (f"{{type: group, groupId: {GROUP}}}", {"type": "group", "groupId": GROUP}),
    ],
    ids=["all", "tags", "explicit", "group"],
)
def test_recipients_of_an_environment_replace_those_of_campaigns(
    tmp_path: Path, written: str, sent: Mapping[str, object]
) -> None:
    """What goes out has them whatever a file says, and so has its fingerprint; another environment is as written."""
    vip = WELCOME.replace("{type: all}", "{type: tags, value: [vip]}")
    write(tmp_path, {"campaigns/a.yaml": vip, "campaigns/b.yaml": vip.replace("Welcome", "b")})
    project = f"version: 1\nenvironments: {{live: , staging: {{recipients: {written}}}}}\n"

    staging = load(settings_of(tmp_path, project, environment="staging")).campaigns
    live = load(settings_of(tmp_path, environment="live")).campaigns

    assert [campaign.payload["recipients"] for campaign in staging] == [sent, sent]
    assert [campaign.payload["recipients"] for campaign in live] == 2 * [{"type": "tags", "value": ["vip"]}]
    assert not {campaign.fingerprint for campaign in staging} & {campaign.fingerprint for campaign in live}
    assert list(staging[0].payload) == list(live[0].payload)


def test_recipients_that_are_replaced_are_checked_all_the_same(tmp_path: Path) -> None:
    """A mistake in a campaign's recipients is found in the environment that does not use them, too."""
    wrong = WELCOME.replace("{type: all}", "{type: tags}")

    found = load_all(tmp_path, f"environments: {{staging: {STAFF}}}\n", {"campaigns/a.yaml": wrong}).diagnostics

    assert [(d.code, d.file, d.line) for d in found] == [("MF302", "campaigns/a.yaml", 3)]


@pytest.mark.parametrize(
    ("recipients", "place", "code", "words"),
    [
        ("{type: tag, value: [a]}", (4, 24), "MF304", "did you mean `tags`?"),
        ("{type: tags}", (4, 24), "MF302", "`environments.staging.recipients.value` is required"),
        ("{type: tags, value: staff}", (4, 37), "MF303", 'write a list: ["staff"]'),
        ("{type: tags, value: []}", (4, 37), "MF306", "is empty"),
        ("{type: all, groupId: x}", (4, 29), "MF308", "does not go with `type: all`"),
        ('{type: explicit, value: ["+33612345678"]}', (4, 42), "MF305", "not phone numbers"),
        ("[staff]", (4, 17), "MF303", "must be a map"),
    ],
)
def test_mistakes_in_them_have_their_place(
    tmp_path: Path, recipients: str, place: tuple[int, int], code: str, words: str
) -> None:
    """Recipients in msgflash.yaml are explained as those of a campaign are."""
    text = f"version: 1\nenvironments:\n  staging:\n    recipients: {recipients}\n"

    (found,) = mistakes_in(tmp_path, text)

    assert ((found.line, found.column), found.code, found.file) == (place, code, "msgflash.yaml")
    assert words in f"{found.message} ({found.hint})"


def test_recipients_for_all_environments_do_not_exist(tmp_path: Path) -> None:
    """At the top level they are an unknown field, with where they may be."""
    (found,) = mistakes_in(tmp_path, "version: 1\nrecipients: {type: all}\n")

    assert (found.code, found.line) == ("MF301", 2)
    assert "an entry of `environments`" in str(found.hint)


def test_repeats_in_them_are_warned_of_and_dropped(tmp_path: Path) -> None:
    """The same tag twice is a warning at its place in msgflash.yaml, and is sent once."""
    project = "version: 1\nenvironments:\n  staging: {recipients: {type: tags, value: [staff, staff]}}\n"
    write(tmp_path, {"campaigns/a.yaml": WELCOME})

    result = load(settings_of(tmp_path, project, environment="staging"))

    assert [(d.code, d.is_error, d.file, d.line, d.column) for d in result.diagnostics] == [
        ("MF410", False, "msgflash.yaml", 3, 53)
    ]
    assert result.campaigns[0].payload["recipients"] == {"type": "tags", "value": ["staff"]}


def test_too_many_environments_are_refused(tmp_path: Path) -> None:
    """Checking all of them reads every file once for each, so a stranger's list has an end."""
    names = "".join(f"  e{number}: {{}}\n" for number in range(51))

    (found,) = mistakes_in(tmp_path, f"version: 1\nenvironments:\n{names}")

    assert (found.code, found.line) == ("MF306", 3)
    assert "51 entries, at most 50" in found.message


def test_findings_name_the_environments_that_have_them(tmp_path: Path) -> None:
    """What is wrong everywhere is said once; what is wrong in one or in some environments says where."""
    project = "environments: {a: {custom: {x: one}}, b: , c: {custom: {x: one}, defaults: {timezone: Europe/Paris}}}\n"
    text = WELCOME.replace("Welcome", '"{{ custom.x }}"').replace("+01:00", "") + "surplus: 1\n"

    result = load_all(tmp_path, project, {"campaigns/one.yaml": text})

    found = [(d.line, d.code, d.message.partition(" (environment")[2]) for d in result.diagnostics]
    assert found == [(1, "MF203", " `b`)"), (2, "MF401", "s `a`, `b`)"), (6, "MF301", "")]
    assert result.campaigns == ()


def test_one_environment_alone_is_checked_by_its_option(tmp_path: Path) -> None:
    """A mistake of staging is none of production's; with one environment no finding needs its name."""
    project = "environments: {production: {custom: {x: 1}}, staging: }\n"
    files = {"campaigns/one.yaml": WELCOME.replace("Welcome", '"{{ custom.x | string }}"')}

    assert load_all(tmp_path, project, files).has_errors
    assert not load_all(tmp_path, project, files, environment="production").has_errors
    (found,) = load_all(tmp_path, project, files, environment="staging").diagnostics
    assert "staging" not in found.message


@pytest.mark.parametrize(
    ("paths", "campaigns", "absent"),
    [
        ((), ["a", "b"], []),
        (("drafts",), ["b"], []),
        (("mailings/a.yaml", "drafts/b.yaml"), ["a", "b"], []),
        (("drafts", "lost"), ["b"], ["lost"]),
    ],
)
def test_environments_with_folders_of_their_own(
    tmp_path: Path, paths: tuple[str, ...], campaigns: list[str], absent: list[str]
) -> None:
    """A path below the campaigns folder of one environment is not missed in the other; one below none is."""
    project = "environments: {live: {campaigns: mailings}, staging: {campaigns: drafts}}\n"
    files = {"mailings/a.yaml": WELCOME, "drafts/b.yaml": WELCOME.replace("Welcome", "b")}

    result = load_all(tmp_path, project, files, *paths)

    assert [campaign.address for campaign in result.campaigns] == campaigns
    assert [(d.file, d.code, "environment" in d.message) for d in result.diagnostics] == [
        (name, "MF104", False) for name in absent
    ]


def test_what_two_environments_would_both_send_is_warned_of_once(tmp_path: Path) -> None:
    """Each pair has one warning, at the later one's name, with the first campaign and how many more there are."""
    project = "environments:\n  test: {}\n  live: {}\n  dev: {custom: {brand: Dev}}\n"
    files = {f"campaigns/{name}.yaml": WELCOME.replace("Welcome", name) for name in "cab"}
    files["campaigns/d.yaml"] = WELCOME.replace("Welcome", "\"{{ custom.brand | default('Acme') }}\"")

    result = load_all(tmp_path, project, files)

    assert {(d.code, d.is_error, d.file) for d in result.diagnostics} == {("MF111", False, "msgflash.yaml")}
    found = [(d.line, d.column, d.message.partition(" would")[0], d.message[-24:]) for d in result.diagnostics]
    assert found == [
        (4, 3, "the environments `dev` and `test`", "campaign `a`, and 2 more"),
        (4, 3, "the environments `live` and `test`", "campaign `a`, and 3 more"),
        (5, 3, "the environments `dev` and `live`", "campaign `a`, and 2 more"),
    ]
    assert "`recipients` of a few colleagues, or another `defaults.instance`" in str(result.diagnostics[0].hint)


@pytest.mark.parametrize("own", ["recipients: {type: tags, value: [staff]}", "defaults: {instance: test-phone}"])
def test_what_the_warning_says_makes_it_go_away(tmp_path: Path, own: str) -> None:
    """Other people, or another number, is no second mailing; nor is a campaign that only one environment has."""
    project = (
        f"environments: {{live: {{custom: {{ways: {{x: 1}}}}}}, staging: {{{own}, custom: {{ways: {{y: 1}}}}}}}}\n"
    )
    entries = WELCOME.replace("Welcome", '"{{ each.key }}"') + 'for_each: "{{ custom.ways }}"\n'

    result = load_all(tmp_path, project, {"campaigns/a.yaml": WELCOME, "campaigns/b.yaml": entries})

    assert result.diagnostics == ()
    assert [campaign.address for campaign in result.campaigns] == ["a", 'b["x"]', 'b["y"]']


def test_campaigns_that_differ_in_their_people_alone_are_one_mailing_in_staging(tmp_path: Path) -> None:
    """Two texts for two audiences reach the same colleagues twice; the finding says what must differ there."""
    files = {"campaigns/a.yaml": WELCOME, "campaigns/b.yaml": WELCOME.replace("all", "tags, value: [vip]")}

    result = load_all(tmp_path, f"environments: {{live: , staging: {STAFF}}}\n", files)

    assert [(d.code, d.file) for d in result.diagnostics] == [
        ("MF407", "campaigns/a.yaml"),
        ("MF407", "campaigns/b.yaml"),
    ]
    assert all(d.message.endswith("(environment `staging`)") for d in result.diagnostics)
    assert "in environment `staging` both go to its `recipients`" in str(result.diagnostics[0].hint)
