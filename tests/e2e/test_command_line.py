"""The command itself: help, version, slips, and where settings come from."""

import pytest

from msgflash_apply import __version__
from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import Repo, created

COMMANDS = ("init", "validate", "plan", "apply", "resolve", "state", "schema", "sandbox", "demo")


def test_version(repo: Repo) -> None:
    """`--version` prints one line, with or without other options."""
    alone, among_others = repo.run("--version"), repo.run("--no-color", "--version")
    assert alone.out == among_others.out == f"msgflash-apply {__version__}\n"
    assert (alone.code, among_others.code) == (0, 0)


def test_help_names_every_command(repo: Repo) -> None:
    """`--help` and `-h` list the commands, in any folder, whatever is wrong with its files."""
    repo.write("msgflash.yaml", "version: [")
    long, short = repo.run("--help"), repo.run("-h")
    assert (long.code, short.code) == (0, 0)
    assert long.out == short.out
    assert all(f"\n  {command} " in long.out for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(repo: Repo, command: str) -> None:
    """`COMMAND --help` says how it is used and ends with 0."""
    told = repo.run(command, "--help")
    assert told.code == 0
    assert told.out.startswith(f"Usage: msgflash-apply {command} ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("plann",), "Did you mean 'plan'?"),
        (("plan", "--formt", "json"), "--format"),
        (("plan", "--format", "xml"), "xml"),
        (("plan", "--no-state"), "--offline"),
        (("plan", "surplus"), "surplus"),
        (("apply", "--auto-approve", "--lock-timeout", "soon"), "soon"),
        (("state",), "list"),
        (("state", "show"), "ADDRESS"),
        (("schema", "nothing"), "campaign"),
        (("--chdir", "nowhere", "plan"), "nowhere"),
        (("--env", "nowhere", "plan"), "nowhere"),
        (("--var", "brand", "validate"), "brand"),
        (("--var-file", "nowhere.yaml", "validate"), "nowhere.yaml"),
        ((), "Commands:"),
    ],
    ids=" ".join,
)
def test_slips_end_with_1(repo: Repo, sandbox: Sandbox, arguments: tuple[str, ...], told: str) -> None:
    """A usage error is 1, never 2 (which means changes), names the slip on stderr, and does nothing."""
    refused = repo.run(*arguments)
    assert refused.code == 1
    assert told in refused.err
    assert "Traceback" not in refused.err
    assert sandbox.requests == []


@pytest.mark.parametrize("name", ["campaign", "template", "project", "plan", "state"])
def test_schema_prints_a_json_schema(repo: Repo, name: str) -> None:
    """`schema NAME` prints a JSON Schema that a program can read."""
    printed = repo.run("schema", name)
    assert printed.code == 0
    assert printed.document["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_chdir_works_elsewhere(repo: Repo) -> None:
    """`--chdir` makes every path relative to that folder, outputs included."""
    inner = repo.folder / "inner"
    inner.mkdir()
    repo.campaign("sale")
    (repo.folder / "campaigns").rename(inner / "campaigns")
    planned = repo.run("--chdir", "inner", "plan", "--offline", "--no-state", "--output", "plan.txt")
    assert planned.code == 0, planned.err
    assert (inner / "plan.txt").exists()


@pytest.mark.parametrize("by_option", [True, False], ids=["--env", "MSGFLASH_ENV"])
def test_each_environment_has_its_own_state(repo: Repo, sandbox: Sandbox, *, by_option: bool) -> None:
    """An environment has its variables and its state; the default one's is left alone."""
    repo.write("msgflash.yaml", "version: 1\nenvironments:\n  staging:\n    custom: {brand: Acme TEST}\n")
    repo.campaign("sale", name="{{ custom.brand }}")
    option = ("--env", "staging") if by_option else ()
    env = {} if by_option else {"MSGFLASH_ENV": "staging"}
    assert repo.run(*option, "init", env=env).code == 0
    assert repo.run(*option, "apply", "--auto-approve", env=env).code == 0
    assert created(sandbox) == {"Acme TEST": 1}
    assert repo.records == {}
    assert (repo.folder / ".msgflash/staging.json").exists()


def test_state_location_from_the_environment(repo: Repo) -> None:
    """MSGFLASH_STATE overrides the project file."""
    elsewhere = {"MSGFLASH_STATE": "elsewhere.json"}
    assert repo.run("plan", env=elsewhere).code == 1
    assert repo.run("init", env=elsewhere).code == 0
    assert (repo.folder / "elsewhere.json").exists()
    assert repo.run("plan", env=elsewhere).code == 0


def test_precedence_of_variables(repo: Repo) -> None:
    """Project < campaign < environment < MSGFLASH_VAR_ < --var-file < --var; the last one wins."""
    repo.write(
        "msgflash.yaml", "version: 1\ncustom: {a: project}\nenvironments: {default: {custom: {c: environment}}}\n"
    )
    repo.write("vars.yaml", "e: file\nf: file\n")
    repo.campaign(
        "sale", custom=dict.fromkeys("bcdef", "campaign"), body="|".join(f"{{{{ custom.{n} }}}}" for n in "abcdef")
    )
    env = {f"MSGFLASH_VAR_{name}": "variable" for name in "def"}
    options = ("--env", "default", "--var-file", "vars.yaml", "--var", "f=option")
    planned = repo.run(*options, "plan", "--offline", "--no-state", env=env)
    assert "project|campaign|environment|variable|file|option" in planned.out


def test_key_from_a_file(repo: Repo, sandbox: Sandbox) -> None:
    """MSGFLASH_API_KEY_FILE names a file that holds the key."""
    repo.campaign("sale")
    file = repo.write("key", f"{sandbox.api_key}\n")
    done = repo.run("apply", "--auto-approve", env={"MSGFLASH_API_KEY": "", "MSGFLASH_API_KEY_FILE": str(file)})
    assert done.code == 0, done.err


@pytest.mark.parametrize("file", ["", "nowhere", "."])
def test_missing_key_is_an_error(repo: Repo, sandbox: Sandbox, file: str) -> None:
    """Without a key the error says where to put one."""
    repo.campaign("sale")
    refused = repo.run("plan", env={"MSGFLASH_API_KEY": "", "MSGFLASH_API_KEY_FILE": file})
    assert refused.code == 1
    assert "MSGFLASH_API_KEY" in refused.err
    assert sandbox.requests == []


@pytest.mark.parametrize(("level", "code"), [("DEBUG", 0), ("loud", 1)])
def test_log_level_from_the_environment(repo: Repo, level: str, code: int) -> None:
    """MSGFLASH_LOG is checked like --log-level, in capitals too; a slip is an error and not ignored."""
    told = repo.run("validate", env={"MSGFLASH_LOG": level})
    assert told.code == code
    assert ("'loud' is not one of" in told.err) is bool(code)


def test_reader_that_goes_away(repo: Repo) -> None:
    """A pipe that is closed early, as by `head`, brings no traceback."""
    running = repo.start("schema", "campaign")
    assert running.process.stdout is not None
    running.process.stdout.close()
    running.process.wait(timeout=10)
    assert running.process.stderr is not None
    said = running.process.stderr.read()
    running.process.stderr.close()
    assert "Traceback" not in said
    assert "Exception ignored" not in said
