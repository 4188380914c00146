"""msgflash.yaml, environments, and variables from outside."""

from datetime import time, timedelta
from pathlib import Path

import pytest

from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.files.load import load
from msgflash_apply.findings import Diagnostic, InvalidFiles
from msgflash_apply.models.project import Policy, QuietHours
from tests.unit.files.repos import settings_of, write

ACME = """\
version: 1
campaigns: mailings
defaults: {instance: boutique, timezone: Europe/Paris}
custom: {brand: Acme, city: Paris}
environments:
  staging:
    defaults: {instance: test-phone}
    custom: {brand: Acme TEST}
    campaigns: drafts
  production:
    state: "s3://acme/production"
    policy: {max_creates: 5}
    api: {requests_per_second: 2}
policy:
  min_lead_time: 1h30m
  quiet_hours: {from: "21:00", to: "08:00", timezone: Europe/Paris}
  max_retires: 20%
"""


def mistakes_in(root: Path, project: str) -> tuple[Diagnostic, ...]:
    """The diagnostics with which a project file is refused."""
    with pytest.raises(InvalidFiles) as refused:
        settings_of(root, project)
    return refused.value.diagnostics


def test_defaults_without_a_project_file(tmp_path: Path) -> None:
    """Without msgflash.yaml every default holds, in the environment `default`."""
    settings = settings_of(tmp_path)

    assert settings.environment == "default"
    assert (settings.campaigns, settings.state) == ("campaigns", ".msgflash/default.json")
    assert (settings.instance, settings.timezone, settings.requests_per_second) == (None, None, 9.85)
    assert settings.policy == Policy(timedelta(minutes=10), None, 500, 0.3, "warn", None, None, "accept")


def test_environment_overrides_key_by_key(tmp_path: Path) -> None:
    """An environment changes what it names and inherits the rest."""
    staging = settings_of(tmp_path, ACME, environment="staging")
    production = settings_of(tmp_path, environment="production")

    assert (staging.instance, staging.timezone, staging.campaigns) == ("test-phone", "Europe/Paris", "drafts")
    assert (production.instance, production.campaigns) == ("boutique", "mailings")
    assert production.policy.max_creates == 5
    assert production.policy.min_lead_time == timedelta(hours=1, minutes=30)
    assert (staging.requests_per_second, production.requests_per_second) == (9.85, 2.0)


def test_policy_is_read_with_units(tmp_path: Path) -> None:
    """Durations, times of day and percentages arrive as values."""
    policy = settings_of(tmp_path, ACME, environment="staging").policy

    assert policy.quiet_hours == QuietHours(time(21), time(8), "Europe/Paris")
    assert policy.max_retires == 0.2
    assert policy.placeholders_in_direct == "warn"


@pytest.mark.parametrize(
    ("written", "share"), [("25%", 0.25), ("0", 0), ("7", 7), ("", None)], ids=["percent", "zero", "count", "no limit"]
)
def test_max_retires_is_a_fraction_or_a_count(tmp_path: Path, written: str, share: float | None) -> None:
    """A percentage becomes a float, a count stays an int, nothing means no limit."""
    policy = settings_of(tmp_path, f"version: 1\npolicy: {{max_retires: {written}}}\n").policy

    assert policy.max_retires == share
    assert isinstance(policy.max_retires, float) == written.endswith("%")


def test_state_is_the_environments_own(tmp_path: Path) -> None:
    """The environment's name is filled into the state's location, which MSGFLASH_STATE overrides."""
    default = settings_of(tmp_path)
    production = settings_of(tmp_path, ACME, environment="production")
    elsewhere = settings_of(tmp_path, environ={"MSGFLASH_STATE": "/var/{environment}.json"}, environment="staging")

    assert default.state == ".msgflash/default.json"
    assert production.state == "s3://acme/production"
    assert elsewhere.state == "/var/staging.json"


def test_environment_variable_chooses_where_no_option_does(tmp_path: Path) -> None:
    """MSGFLASH_ENV counts, and an option is stronger; an empty one is as if it were not set."""
    environ = {"MSGFLASH_ENV": "staging"}

    assert settings_of(tmp_path, ACME, environ=environ).environment == "staging"
    assert settings_of(tmp_path, environ=environ, environment="production").environment == "production"
    (tmp_path / "msgflash.yaml").unlink()
    assert settings_of(tmp_path, environ={"MSGFLASH_ENV": ""}).environment == "default"


@pytest.mark.parametrize("environments", ["{only: }", "{default: {}, other: {}}", "{production: {}, staging: {}}"])
def test_declared_environments_are_never_picked(tmp_path: Path, environments: str) -> None:
    """Where some are declared, be it one alone or `default` among them, none given is an error that lists them."""
    with pytest.raises(MsgflashApplyError, match="No environment was chosen") as refused:
        settings_of(tmp_path, f"version: 1\nenvironments: {environments}\n", environ={"MSGFLASH_ENV": ""})

    names = [name.split(":")[0] for name in environments.strip("{}").split(", ")]
    assert all(f"`{name}`" in refused.value.detail for name in names)
    assert f"`--env {names[0]}`" in refused.value.fix


def test_undeclared_default_says_how_to_have_its_state_again(tmp_path: Path) -> None:
    """`default` exists where nothing is declared, or where it is; a state that was made before is not lost."""
    with pytest.raises(MsgflashApplyError) as refused:
        settings_of(tmp_path, ACME, environment="default")

    assert "`production`, `staging`" in refused.value.detail
    assert "declare it" in refused.value.fix
    declared = settings_of(tmp_path, "version: 1\nenvironments: {default: , other: }\n", environment="default")
    assert declared.state == ".msgflash/default.json"


def test_unknown_environment_lists_the_known_ones(tmp_path: Path) -> None:
    """A slip in an environment's name is answered with the names there are and the nearest one."""
    with pytest.raises(MsgflashApplyError) as refused:
        settings_of(tmp_path, ACME, environment="prodution")

    assert "`production`, `staging`" in refused.value.detail
    assert refused.value.fix == "Did you mean `production`?"


def test_variables_by_precedence(tmp_path: Path) -> None:
    """Environment < MSGFLASH_VAR_* < files < options, each later one stronger; the project stays below campaigns."""
    write(tmp_path, {"a.yaml": "file: 1\noption: file\n", "b.json": '{"list": [1, 2], "file": 2}'})

    settings = settings_of(
        tmp_path,
        ACME,
        environment="staging",
        environ={"MSGFLASH_VAR_process": "yes", "MSGFLASH_VAR_file": "weak", "OTHER": "no"},
        variable_files=[tmp_path / "a.yaml", tmp_path / "b.json"],
        variables=["option=a=b", "empty="],
    )

    assert settings.custom_below == {"brand": "Acme", "city": "Paris"}
    assert settings.custom_above == {
        "brand": "Acme TEST", "process": "yes", "file": 2, "option": "a=b", "list": [1, 2], "empty": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("option", "shown"), [("brand", "--var brand"), ("=x", "''"), ("a-b=x", "'a-b'"), ("1a=x", "'1a'")]
)
def test_odd_variable_is_refused(tmp_path: Path, option: str, shown: str) -> None:
    """A variable that no template could name is an error that shows it."""
    with pytest.raises(MsgflashApplyError, match=shown):
        settings_of(tmp_path, variables=[option])


def test_variable_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    """Bytes of the environment that are no text are an error that names the variable, never part of a message."""
    with pytest.raises(MsgflashApplyError, match="city"):
        settings_of(tmp_path, environ={"MSGFLASH_VAR_city": "Li\udce8ge"})


@pytest.mark.parametrize(
    ("text", "says"), [("- a\n", "one map"), ("a: 1\n---\nb: 2\n", "one map"), ("a: [\n", r"vars\.yaml:1:4: ")]
)
def test_odd_variable_file_is_refused(tmp_path: Path, text: str, says: str) -> None:
    """A file of variables that is not one map is an error that names it."""
    write(tmp_path, {"vars.yaml": text})

    with pytest.raises(MsgflashApplyError, match=says):
        settings_of(tmp_path, variable_files=[tmp_path / "vars.yaml"])


def test_missing_variable_file_is_named(tmp_path: Path) -> None:
    """A file of variables that is not there is an error that names it."""
    with pytest.raises(MsgflashApplyError, match=r"absent\.yaml: No such file"):
        settings_of(tmp_path, variable_files=[tmp_path / "absent.yaml"])


def test_every_mistake_of_the_project_file_is_told_with_its_place(tmp_path: Path) -> None:
    """Mistakes of shape and of meaning come in one go, each with line and column."""
    found = mistakes_in(
        tmp_path,
        "version: 1\n"
        "campaigns: ../elsewhere\n"
        "defaults: {timezone: Europe/Pariss}\n"
        "policy: {min_lead_time: soon, quiet_hours: {from: 9}}\n"
        "polcy: {}\n",
    )

    assert [(d.line, d.column, d.code) for d in found] == [
        (2, 12, "MF103"),
        (3, 22, "MF402"),
        (4, 25, "MF305"),
        (4, 44, "MF302"),
        (4, 44, "MF302"),
        (4, 51, "MF303"),
        (5, 1, "MF301"),
    ]
    assert found[1].hint is not None
    assert "Europe/Paris" in found[1].hint
    assert found[-1].hint == "did you mean `policy`?"


@pytest.mark.parametrize("field", ["key", "base_url", "api_key", "url", "token"])
def test_project_file_holds_no_key_and_no_address_of_the_api(tmp_path: Path, field: str) -> None:
    """A field for the key or the base URL is refused with where they come from."""
    (found,) = mistakes_in(tmp_path, f"version: 1\napi: {{{field}: x}}\n")

    assert found.code == "MF105"
    assert "MSGFLASH_API_KEY" in str(found.hint)
    assert "MSGFLASH_BASE_URL" in str(found.hint)


@pytest.mark.parametrize("url", ["https://me:secret@host/state", "postgresql://h/db?password=secret"])
def test_project_file_holds_no_password(tmp_path: Path, url: str) -> None:
    """Credentials in the state's URL are refused, and not repeated."""
    (found,) = mistakes_in(tmp_path, f"version: 1\nstate: {url}\n")

    assert found.code == "MF105"
    assert "secret" not in found.message + str(found.hint)


@pytest.mark.parametrize("path", ["/etc/state.json", "../state.json", "out/state.json"])
def test_local_state_stays_in_the_repo(tmp_path: Path, path: str) -> None:
    """A path in the file that leads out of the repo is refused, through a link too."""
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "out").symlink_to(tmp_path)

    (found,) = mistakes_in(repo, f"version: 1\nstate: {path}\n")

    assert (found.code, found.line, found.column) == ("MF103", 2, 8)


@pytest.mark.parametrize("folder", [".", "/tmp", "..", "a/../../b", "'  '"])  # noqa: S108 - it is refused, not used
def test_campaigns_folder_stays_in_the_repo(tmp_path: Path, folder: str) -> None:
    """The folder of the campaigns is a folder within the repo."""
    (found,) = mistakes_in(tmp_path, f"version: 1\ncampaigns: {folder}\n")

    assert found.code in {"MF103", "MF305"}


@pytest.mark.parametrize(
    ("text", "line", "names"),
    [
        ("version: 1\nstate: s3://acme/state\nenvironments: {test: , live: }\n", 2, "`live`, `test`"),
        ("version: 1\nenvironments:\n  a: {state: x}\n  b: {state: x}\n", 4, "`a`, `b`"),
    ],
)
def test_two_environments_share_no_state(tmp_path: Path, text: str, line: int, names: str) -> None:
    """A state without the environment's name would be one for all, and is refused."""
    (found,) = mistakes_in(tmp_path, text)

    assert (found.code, found.line) == ("MF106", line)
    assert names in found.message


@pytest.mark.parametrize(
    ("text", "place", "code"),
    [
        ("version: 1\n---\nversion: 1\n", (3, 1), "MF102"),
        ("- a\n", (1, 1), "MF303"),
        ("version: 2\n", (1, 10), "MF304"),
        ("campaigns: a\n", (1, 1), "MF302"),
        ("version: 1\nversion: 1\n", (2, 1), "MF102"),
        ("version: 1\nenvironments: {'../x': {}}\n", (2, 16), "MF305"),
    ],
)
def test_project_file_of_another_form(tmp_path: Path, text: str, place: tuple[int, int], code: str) -> None:
    """What is not one map of version 1 is refused with its place."""
    (found,) = mistakes_in(tmp_path, text)

    assert ((found.line, found.column), found.code, found.file) == (place, code, "msgflash.yaml")


def test_unreadable_project_file(tmp_path: Path) -> None:
    """A msgflash.yaml that cannot be read is an error, not an absent one."""
    (tmp_path / "msgflash.yaml").mkdir()

    (found,) = mistakes_in(tmp_path, "")

    assert (found.code, found.file) == ("MF101", "msgflash.yaml")


def test_zones_of_the_project_are_answered_with_what_fits_there(tmp_path: Path) -> None:
    """An offset is written into schedules; quiet hours take a place."""
    text = "version: 1\ndefaults: {timezone: GMT+2}\n"
    text += "policy: {quiet_hours: {from: '21:00', to: '08:00', timezone: CEST}}\n"

    default, quiet = mistakes_in(tmp_path, text)

    assert (default.code, default.line, quiet.code, quiet.line) == ("MF402", 2, "MF402", 3)
    assert "write the offset in each `schedule`: 2026-11-27T09:00+02:00" in str(default.hint)
    assert quiet.hint == "name the place whose clocks are meant, such as Europe/Paris"


def test_warnings_about_the_project_are_carried_along(tmp_path: Path) -> None:
    """A warning about msgflash.yaml does not stop the run, and is shown with those about the campaigns."""
    write(tmp_path, {"campaigns/readme": ""})
    settings = settings_of(tmp_path, "version: 1\ndefaults: {timezone: Etc/GMT+2}\n")

    (warning,) = load(settings).diagnostics

    assert (warning.code, warning.is_error, warning.file, warning.line) == ("MF415", False, "msgflash.yaml", 2)


def test_folder_that_is_gone_is_reported(tmp_path: Path) -> None:
    """A repo that cannot be listed is an error, and not an empty one."""
    with pytest.raises(InvalidFiles) as caught:
        settings_of(tmp_path / "absent")

    assert [d.code for d in caught.value.diagnostics] == ["MF101"]
