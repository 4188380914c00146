"""Templates of a repo: what is read from their files, and what the campaigns that use them must give."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from msgflash_apply.files.fmt import format_files
from msgflash_apply.files.load import Loaded, load, load_each
from msgflash_apply.files.settings import load_each_settings
from msgflash_apply.findings import InvalidFiles
from msgflash_apply.models.project import Settings
from msgflash_apply.template import DesiredTemplate
from tests.unit.files.repos import settings_of, write

RELANCE = "type: text\nbody: Hello {{contact.firstName}}, {{ custom.code }} ends on {{custom.day}}.\n"
CAMPAIGN = """\
name: Relance
schedule: 2099-03-02T10:00:00+01:00
recipients: {type: all}
template: promo/relance
variables: {code: BF30, day: Friday}
"""
NEEDS, NOT_GIVEN = "template `promo/relance` needs the variable", "and `variables` does not give it"
LOCAL, IS_OURS = "`{{ local.code }}`", "`code` is a variable of this repo"
REPO = {"templates/promo/relance.yaml": RELANCE, "campaigns/relance.yaml": CAMPAIGN}


def loaded(root: Path, files: Mapping[str, str], settings: Settings | None = None) -> Loaded:
    """Write a repo, and load it."""
    (root / "campaigns").mkdir(exist_ok=True)
    write(root, files)
    return load(settings or Settings(root))


def the_template(root: Path, text: str, settings: Settings | None = None) -> DesiredTemplate:
    """Load a repo whose only file is a good template."""
    result = loaded(root, {"templates/a.yaml": text}, settings)
    assert result.diagnostics == ()
    (template,) = result.templates
    return template


def findings(result: Loaded) -> list[str]:
    """Each finding as `place code: message (hint)`."""
    return [f"{d.file}:{d.line}:{d.column} {d.code}: {d.message} ({d.hint})" for d in result.diagnostics]


def test_templates_come_beside_campaigns(tmp_path: Path) -> None:
    """A campaign that names the address of a template uses it, and keeps the name as it is written."""
    result = loaded(tmp_path, {**REPO, "templates/a.yml": "type: text\nbody: A\n"})

    assert result.diagnostics == ()
    assert [template.address for template in result.templates] == ["a", "promo/relance"]
    (campaign,) = result.campaigns
    assert (campaign.template, campaign.names["templateId"]) == ("promo/relance", "promo/relance")
    assert result.files == 3


def test_all_fields_are_taken(tmp_path: Path) -> None:
    """What is sent is in the content, and what is kept beside it."""
    text = (Path(__file__).parent / "valid_templates/all_fields.yaml").read_text(encoding="utf-8")

    template = the_template(tmp_path, text, Settings(tmp_path, custom_below={"brand": "Acme"}))

    assert template.content.body == (
        "Hello {{contact.firstName}}, {{ custom.code }} ends on {{custom.day}}.\n"
        "ACME, Paris - {{ instance.name }} {{contact.meta.town}}\n"
    )
    assert (template.content.type, template.content.media_url) == ("image", "https://cdn.acme.example/Paris.jpg")
    assert (template.lifecycle.on_change, template.lifecycle.on_remove) == ("in_place", "delete")
    assert (template.address, template.labels, template.moved_from) == (
        "relance",
        {"team": "marketing"},
        ("promo/old",),
    )


def test_a_template_per_entry(tmp_path: Path) -> None:
    """The entries of a `for_each` are templates of their own, and a campaign names each by its full address."""
    files = {
        "templates/hello.yaml": 'type: text\nbody: "{{ each.value }}"\nfor_each: {fr: Bonjour, de: Hallo}\n',
        "campaigns/a.yaml": CAMPAIGN.replace("promo/relance", "'hello[\"{{ each.key }}\"]'").replace(
            "variables: {code: BF30, day: Friday}", "for_each: {fr: 1, de: 2}"
        ),
    }

    result = loaded(tmp_path, files)

    assert result.diagnostics == ()
    assert [(one.address, one.content.body) for one in result.templates] == [
        ('hello["de"]', "Hallo"), ('hello["fr"]', "Bonjour")
    ]  # fmt: skip
    assert [one.template for one in result.campaigns] == ['hello["de"]', 'hello["fr"]']


@pytest.mark.parametrize(
    ("variables", "said"), [((), "environment"), (("x=option",), "option")], ids=["environment", "option"]
)
def test_variables_are_those_of_campaigns(tmp_path: Path, variables: tuple[str, ...], said: str) -> None:
    """`local.x` is what `custom.x` is in campaigns, by the same precedence: project, file, environment, options."""
    project = """\
version: 1
custom: {x: project, y: project}
environments: {live: {custom: {x: environment}}}
"""
    settings = settings_of(tmp_path, project, environment="live", variables=variables)
    text = 'type: text\ncustom: {x: file, y: file}\nbody: "{{ local.x }}, {{ local.y }}"\n'

    assert the_template(tmp_path, text, settings).content.body == f"{said}, file"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (
            "variables: {code: BF30}",
            [f"5:12 MF507: {NEEDS} `day`, {NOT_GIVEN} (add `day: ...` to `variables`; without it every message fails)"],
        ),
        (
            "variables: {code: BF30, day: Friday, colour: red}",
            ["5:38 MF508: template `promo/relance` does not use the variable `colour` (remove it)"],
        ),
        (
            "variables: {code: BF30, dya: Friday}",
            [
                f"5:12 MF507: {NEEDS} `day`, {NOT_GIVEN} (`dya` is given, and not used: did you mean `day`?)",
                "5:25 MF508: template `promo/relance` does not use the variable `dya` (remove it)",
            ],
        ),
        (
            "variables: {day: Friday}",
            [
                f"5:12 MF507: {NEEDS} `code`, {NOT_GIVEN} (add it, or write {LOCAL} in the template: {IS_OURS})",
            ],
        ),
    ],
)
def test_variables_are_what_the_template_needs(tmp_path: Path, variables: str, expected: list[str]) -> None:
    """A missing variable is an error at `variables`, one that is not used is a warning at its line."""
    campaign = CAMPAIGN.replace("variables: {code: BF30, day: Friday}", variables)

    result = loaded(
        tmp_path, {**REPO, "campaigns/relance.yaml": campaign}, Settings(tmp_path, custom_below={"code": 1})
    )

    assert findings(result) == [f"campaigns/relance.yaml:{each}" for each in expected]
    assert result.has_errors == ("MF507" in expected[0])


def test_without_variables_the_document_is_pointed_at(tmp_path: Path) -> None:
    """Where no `variables` are given, each missing one is an error all the same; entries of a table share it."""
    campaign = CAMPAIGN.replace("variables: {code: BF30, day: Friday}", "for_each: {a: 1, b: 2}").replace(
        "name: Relance", "name: '{{ each.key }}'"
    )

    result = loaded(tmp_path, {**REPO, "campaigns/relance.yaml": campaign})

    assert [(d.code, d.line) for d in result.diagnostics] == [("MF507", 1), ("MF507", 1)]


def test_campaign_cannot_use_a_broken_template(tmp_path: Path) -> None:
    """A mistake in a template is reported in its file, and the campaigns that use it are no desired state."""
    result = loaded(tmp_path, {**REPO, "templates/promo/relance.yaml": RELANCE + "bdoy: x\n"})

    assert [(d.file, d.code) for d in result.diagnostics] == [("templates/promo/relance.yaml", "MF301")]
    assert (result.campaigns, result.templates) == ((), ())


@pytest.mark.parametrize(
    ("named", "hint"),
    [
        ("relance", "did you mean `promo/relance`?"),
        ("Promo/Relance", "did you mean `promo/relance`?"),
        ("promo/relanec", "did you mean `promo/relance`?"),
        ("templates/promo/relance.yaml", "did you mean `promo/relance`?"),
        ("hello", 'name one of its entries: `hello["fr"]`'),
    ],
)
def test_name_that_is_nearly_an_address(tmp_path: Path, named: str, hint: str) -> None:
    """It may be a name on MsgFlash, so it is a warning that says which template of the repo may be meant."""
    files = {
        **REPO,
        "campaigns/relance.yaml": CAMPAIGN.replace("promo/relance", named),
        "templates/hello.yaml": "type: text\nbody: Bonjour\nfor_each: {fr: 1}\n",
    }

    result = loaded(tmp_path, files)

    (found,) = result.diagnostics
    assert (found.code, found.line, found.column, found.hint, found.is_error) == ("MF428", 4, 11, hint, False)
    assert result.campaigns[0].template is None


@pytest.mark.parametrize("named", ["welcome", "news/welcome", "99999999-9999-4999-8999-999999999991", "Bons d'achat"])
def test_other_names_are_those_of_msgflash(tmp_path: Path, named: str) -> None:
    """A name that is like no address is looked up on MsgFlash, and nothing is said about it."""
    files = {**REPO, "campaigns/relance.yaml": CAMPAIGN.replace("promo/relance", f'"{named}"')}

    result = loaded(tmp_path, files)

    assert result.diagnostics == ()
    assert result.campaigns[0].template is None


def test_conflicts_between_templates(tmp_path: Path) -> None:
    """An address twice or in other capitals, and a former address in use, are found; equal texts are no mistake."""
    text = "type: text\nbody: A\n"
    files = {"a.yaml": text, "a.yml": text, "b.yaml": text, "B.yaml": text, "c.yaml": text + "moved_from: [b]\n"}

    result = loaded(tmp_path, {f"templates/{name}": text for name, text in files.items()})

    assert [(d.file, d.code) for d in result.diagnostics] == [
        ("templates/B.yaml", "MF416"), ("templates/a.yaml", "MF406"), ("templates/a.yml", "MF406"),
        ("templates/b.yaml", "MF416"), ("templates/c.yaml", "MF409"),
    ]  # fmt: skip
    assert result.diagnostics[-1].message == "the former address `b` is still in use, by a template that remains"


@pytest.mark.parametrize(
    ("paths", "addresses", "templates"),
    [
        (["templates"], [], ["promo/relance"]),
        (["templates/promo/relance.yaml"], [], ["promo/relance"]),
        (["campaigns"], ["relance"], []),
        (["."], ["relance"], ["promo/relance"]),
    ],
)
def test_paths_narrow_what_is_read(
    tmp_path: Path, paths: list[str], addresses: list[str], templates: list[str]
) -> None:
    """Paths below the folder of the templates are read as templates; what is not read is no mistake."""
    write(tmp_path, REPO)

    result = load(Settings(tmp_path), [Path(path) for path in paths])

    assert result.diagnostics == ()
    assert [one.address for one in result.campaigns] == addresses
    assert [one.address for one in result.templates] == templates


def test_folder_of_an_environment(tmp_path: Path) -> None:
    """An environment may have its templates elsewhere, as it may its campaigns."""
    project = "version: 1\ntemplates: texts\nenvironments: {live: {templates: other/texts}, staging: {}}\n"
    write(tmp_path, {"other/texts/a.yaml": RELANCE, "texts/b.yaml": RELANCE})

    live, staging = (
        loaded(tmp_path, {}, settings_of(tmp_path, project, environment=one)) for one in ("live", "staging")
    )

    assert [[one.address for one in each.templates] for each in (live, staging)] == [["a"], ["b"]]


@pytest.mark.parametrize(
    ("project", "code", "place"),
    [
        ("templates: campaigns", "MF308", 2),
        ("templates: campaigns/texts", "MF308", 2),
        ("campaigns: templates/x", "MF308", 2),
        ("environments:\n  a: {templates: campaigns}", "MF308", 3),
        ("templates: ../texts", "MF103", 2),
        ("templates: link", "MF103", None),
    ],
)
def test_folder_that_cannot_be(tmp_path: Path, project: str, code: str, place: int | None) -> None:
    """The folder is within the repo, without a link on the way, and apart from the campaigns."""
    (tmp_path / "campaigns").mkdir()
    (tmp_path / "link").symlink_to("campaigns")

    with pytest.raises(InvalidFiles) as refused:
        settings_of(tmp_path, f"version: 1\n{project}\n", environment="a")

    assert [(d.code, d.line) for d in refused.value.diagnostics] == [(code, place)]


def test_folder_that_is_none(tmp_path: Path) -> None:
    """That there is no folder is no mistake, but a file in its place is."""
    assert loaded(tmp_path, {}).diagnostics == ()
    assert findings(loaded(tmp_path, {"templates": ""}))[0].startswith("templates:None:None MF104: there is no folder")


def test_environments_that_say_something_else(tmp_path: Path) -> None:
    """Two environments whose template has another text send people two things; with one text it is a warning."""
    environments = "environments: {a: {custom: {x: 1}}, b: {custom: {x: 2}}}"
    write(tmp_path, {"msgflash.yaml": f"version: 1\n{environments}\n", **REPO})
    every = load_each_settings(tmp_path, environment=None, environ={})

    same = load_each(every)
    write(tmp_path, {"templates/promo/relance.yaml": RELANCE.replace(".\n", " {{ local.x }}.\n")})
    other = load_each(every)

    assert [d.code for d in same.diagnostics] == ["MF111"]
    assert other.diagnostics == ()
    assert [one.address for one in other.templates] == ["promo/relance"]


def test_templates_are_formatted(tmp_path: Path) -> None:
    """`fmt` puts the fields of a template in the order of its schema."""
    text = "# note\nlabels: {a:   b}\nbody: A\ntype: text\nlifecycle: {on_remove: delete}\n"
    write(tmp_path, {"templates/a.yaml": text, "campaigns/relance.yaml": CAMPAIGN})

    formatted = format_files(tmp_path, Settings(tmp_path).folders)

    (changed,) = formatted.changed
    assert (changed.name, formatted.unchanged, formatted.findings) == ("templates/a.yaml", 1, ())
    assert changed.data.decode() == ("# note\ntype: text\nbody: A\nlifecycle: {on_remove: delete}\nlabels: {a: b}\n")
