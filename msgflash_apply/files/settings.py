"""
`custom.*` from outside the repo: environment variables, files and options, each stronger than the one before.

Values from the environment and from `--var` are texts and stay texts; a `--var-file` may hold lists, maps, numbers.

What the schema of msgflash.yaml cannot say: paths stay in the repo, zones exist, no secret, no state for two.

Reading msgflash.yaml: from bytes to a checked `Project`, or every mistake in it. Read `read_project` first.

What holds for a whole run: msgflash.yaml, the environment chosen, variables from outside. Contract section 4.

Nothing in the file can choose where a secret goes: key and address of MsgFlash come from the process's environment.
Read `Settings` first.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path, PurePosixPath
from typing import cast

from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.files.positions import located, misread
from msgflash_apply.files.repo import is_within, leaked_keys, read_bytes, read_given, unreadable
from msgflash_apply.files.schedule import BadSchedule, check_timezone
from msgflash_apply.files.yaml_values import BadYaml, parse
from msgflash_apply.findings import (
    Code,
    Diagnostic,
    Finding,
    InvalidFiles,
    Severity,
    ValuePath,
    did_you_mean,
    listed,
    spell,
)
from msgflash_apply.models.project import (
    DEFAULT_ENVIRONMENT,
    Policy,
    Project,
    QuietHours,
    Section,
    Settings,
    policy_from,
    project_from,
)
from msgflash_apply.models.schema import check

PREFIX = "MSGFLASH_VAR_"

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

NOT_UTF8 = re.compile("[\udc80-\udcff]")
"""Python's stand-ins for bytes of the environment or the command line that are not UTF-8."""


def variables_from_outside(
    environ: Mapping[str, str], files: Sequence[Path], options: Sequence[str]
) -> dict[str, object]:
    """
    Merge the three sources, last wins by name: `MSGFLASH_VAR_name` < `--var-file` < `--var name=value`.

    Raises:
        MsgflashApplyError: an option or file that cannot be understood; says which.
    """
    merged: dict[str, object] = {
        name.removeprefix(PREFIX): value for name, value in environ.items() if name.startswith(PREFIX)
    }
    for file in files:
        merged |= _from_file(file)
    merged |= dict(_from_option(option) for option in options)
    for name, value in merged.items():
        _check(name, value)
    return merged


def _from_option(option: str) -> tuple[str, str]:
    name, equals, value = option.partition("=")
    if not equals:
        raise MsgflashApplyError("A variable is not understood.", f"--var {option}", "Write --var name=value.")
    return name, value


def _from_file(file: Path) -> Mapping[str, object]:
    summary = "A file of variables cannot be used."
    try:
        documents = parse(read_given(file))
    except OSError as err:
        raise MsgflashApplyError(summary, f"{file}: {err.strerror or err}") from err
    except BadYaml as err:
        detail = f"{file}:{err.line}:{err.column}: {err.message}"
        raise MsgflashApplyError(summary, detail, err.hint or "") from err
    value = documents[0].value if documents else {}
    if len(documents) > 1 or not isinstance(value, dict):
        raise MsgflashApplyError(summary, f"{file} must hold one map of names to values.")
    return value


def _check(name: str, value: object) -> None:
    if not NAME.fullmatch(name):
        detail = f"{name!r} cannot be used as {{{{ custom.name }}}}"
        fix = "Use letters, digits and _, and begin with a letter or _."
        raise MsgflashApplyError("A variable's name is not understood.", detail, fix)
    if isinstance(value, str) and NOT_UTF8.search(value):
        raise MsgflashApplyError("A variable's value is not UTF-8.", name)


PASSWORD = re.compile(r"^[^/]+://[^/@]*:[^/@]+@|[?&](ssl)?password=", re.IGNORECASE)

STATE_KEY = re.compile(r"[A-Za-z0-9+/]{43}=")
"""32 bytes in base64, where the name of a file is wanted."""


def check_section(path: ValuePath, section: Mapping[str, object], root: Path) -> Iterator[Finding]:
    """
    Check the top level or one environment of msgflash.yaml; values of a wrong type are left to the schema.

    Args:
        path: where the section stands in the document.
        section: its fields.
        root: the repo.
    """
    yield from _check_campaigns((*path, "campaigns"), section.get("campaigns"), root)
    yield from _check_state((*path, "state"), section.get("state"), root)
    yield from _check_key_file((*path, "state_key_file"), section.get("state_key_file"))
    for keys in (("defaults", "timezone"), ("policy", "quiet_hours", "timezone")):
        yield from _check_zone((*path, *keys), _within(section, keys))


def check_shared_states(states: Mapping[str, str], own: AbstractSet[str]) -> Iterator[Finding]:
    """
    Two environments with one state would each retire what the other sent.

    Args:
        states: by environment, its name filled in.
        own: environments that give a `state` themselves.
    """
    by_state: dict[str, list[str]] = {}
    for environment, state in states.items():
        by_state.setdefault(state, []).append(environment)
    for state, environments in by_state.items():
        if len(environments) > 1:
            message = f"the environments {listed(environments)} would share the state `{state}`"
            hint = "put `{environment}` into `state`, or give each environment a `state` of its own"
            last = environments[-1]
            path = ("environments", last, "state") if last in own else ("state",)
            yield Finding(Code.SHARED_STATE, path, message, hint)


def _within(section: Mapping[str, object], keys: tuple[str, ...]) -> object:
    value: object = section
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def state_fits_file(value: str, root: Path) -> bool:
    """Whether msgflash.yaml may say that the state is there: at a URL, or in a file of the repo."""
    return "://" in value or _stays(value, root)


def _check_campaigns(path: ValuePath, value: object, root: Path) -> Iterator[Finding]:
    if not isinstance(value, str):
        return
    folder = PurePosixPath(value)
    if folder == PurePosixPath() or not _stays(value, root):
        message = f"`{spell(path)}` must be a folder within the repo"
        yield Finding(Code.OUTSIDE_REPO, path, message, "for example `campaigns`")


def _check_state(path: ValuePath, value: object, root: Path) -> Iterator[Finding]:
    if not isinstance(value, str):
        return
    if PASSWORD.search(value):
        hint = "keep the address here and give the credentials in the environment, or give it all as MSGFLASH_STATE"
        yield Finding(Code.SECRET_IN_FILE, path, f"`{spell(path)}` holds a password", hint)
    elif not state_fits_file(value, root):
        message = f"`{spell(path)}` leads out of the repo"
        hint = "keep the state below `.msgflash`, or give a path elsewhere as MSGFLASH_STATE"
        yield Finding(Code.OUTSIDE_REPO, path, message, hint)


def _check_key_file(path: ValuePath, value: object) -> Iterator[Finding]:
    # It may lie anywhere: a key has no business in the repo. What is read there is shown to nobody.
    if isinstance(value, str) and any(STATE_KEY.fullmatch(word) for word in value.split()):
        hint = "name a file that holds it, or give it as MSGFLASH_STATE_KEY; and make a new key, for this one was shown"
        yield Finding(Code.SECRET_IN_FILE, path, f"`{spell(path)}` holds a key", hint)


def _stays(value: str, root: Path) -> bool:
    """No absolute path, no `..`, no link that leads out."""
    path = PurePosixPath(value)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in value and is_within(root, value)


def _check_zone(path: ValuePath, value: object) -> Iterator[Finding]:
    if not isinstance(value, str):
        return
    try:
        check_timezone(value)
    except BadSchedule as err:
        yield Finding(Code.BAD_TIMEZONE, path, err.message, err.hint)


PROJECT_FILE = "msgflash.yaml"


def read_project(root: Path) -> Project:
    """
    Read and check msgflash.yaml in the repo's root; without such a file everything is empty.

    Raises:
        InvalidFiles: every mistake in it, in all environments, whichever is chosen.
    """
    if not is_within(root, PROJECT_FILE):
        raise InvalidFiles([_leads_out()])
    try:
        data = read_bytes(str(root / PROJECT_FILE))
    except FileNotFoundError:
        return Project({}, {})
    except OSError as err:
        raise InvalidFiles([unreadable(PROJECT_FILE, err)]) from err
    return project_from(_read(data, root))


def _read(data: bytes, root: Path) -> object:
    try:
        found = parse(data)
    except BadYaml as err:
        raise InvalidFiles([misread(err, PROJECT_FILE)]) from err
    if len(found) > 1:
        raise InvalidFiles([_second_document(found[1].line)])
    value = found[0].value if found else {}
    keys = tuple(leaked_keys(data, PROJECT_FILE))
    findings = _findings(value, root)
    if keys or findings:
        placed = located(findings, data, 0, PROJECT_FILE) if found else map(_of_nothing, findings)
        raise InvalidFiles((*keys, *placed))
    return value


def _leads_out() -> Diagnostic:
    # Before it is read: a mistake is told with its line, which would show a file that is none of this repo's.
    message, hint = "this link leads out of the repo", "replace it by a plain YAML file"
    return Diagnostic(Severity.ERROR, Code.OUTSIDE_REPO, message, hint, PROJECT_FILE)


def _of_nothing(finding: Finding) -> Diagnostic:
    """A finding about a file without content, which has no places."""
    return Diagnostic(finding.severity, finding.code, finding.message, finding.hint, PROJECT_FILE, 1, 1)


def _second_document(line: int) -> Diagnostic:
    message = "msgflash.yaml holds one document, and here begins a second"
    return Diagnostic(Severity.ERROR, Code.BAD_YAML, message, "delete the `---`", PROJECT_FILE, line, 1)


def _findings(value: object, root: Path) -> list[Finding]:
    shape = check(value, "project")
    if not isinstance(value, dict):
        return list(shape)
    meaning = [*_of_sections(value, root)] if shape else _meaning(value, root)
    broken = {finding.path for finding in shape}
    return [*shape, *(finding for finding in meaning if finding.path not in broken)]


def _meaning(value: Section, root: Path) -> list[Finding]:
    """What the schema cannot say of a file of the right shape."""
    project = project_from(value)
    own = {name for name, section in project.environments.items() if "state" in section}
    return [*_of_sections(value, root), *check_shared_states(project.states, own)]


def _of_sections(top: Section, root: Path) -> Iterator[Finding]:
    for path, section in _sections(top):
        yield from check_section(path, section, root)


def _sections(top: Section) -> Iterator[tuple[ValuePath, Section]]:
    """The top level and every environment that is at least a map, with where it stands."""
    yield (), top
    environments = top.get("environments")
    if isinstance(environments, Mapping):
        for name, section in environments.items():
            if isinstance(section, Mapping):
                yield ("environments", name), section


__all__ = ["Policy", "QuietHours", "Settings", "load_settings"]


def load_settings(
    root: Path,
    *,
    environment: str | None,
    environ: Mapping[str, str],
    variables: Sequence[str] = (),
    variable_files: Sequence[Path] = (),
) -> Settings:
    """
    Read msgflash.yaml, if there is one, for one environment.

    Args:
        root: the repo.
        environment: as chosen by option; None leaves it to `MSGFLASH_ENV`, and that to `default`.
        environ: the process's environment; only names that begin with `MSGFLASH_` are read.
        variables: `name=value`, weakest first.
        variable_files: YAML or JSON files, weakest first; weaker than `variables`.

    Raises:
        InvalidFiles: mistakes in msgflash.yaml, all of them.
        MsgflashApplyError: an unknown environment, a variable that is not understood, or a link that leads from where
            the state should be to somewhere outside the repo.
    """
    project = read_project(root)
    chosen = environment or environ.get("MSGFLASH_ENV") or DEFAULT_ENVIRONMENT
    _check_environment(chosen, project)
    outside = variables_from_outside(environ, variable_files, variables)
    defaults = project.table(chosen, "defaults")
    state = environ.get("MSGFLASH_STATE", "").replace("{environment}", chosen)
    if not state and not state_fits_file(project.states[chosen], root):
        raise _state_elsewhere(project.states[chosen])
    return Settings(
        root=root,
        environment=chosen,
        campaigns=str(PurePosixPath(project.text(chosen, "campaigns", "campaigns"))),
        state=state or project.states[chosen],
        state_is_from_environment=bool(state),
        state_key_file=project.text(chosen, "state_key_file", "").replace("{environment}", chosen) or None,
        instance=cast("str | None", defaults.get("instance")),
        timezone=cast("str | None", defaults.get("timezone")),
        custom_below=_custom(project.top),
        custom_above={**_custom(project.own(chosen)), **outside},
        policy=policy_from(project.table(chosen, "policy")),
        requests_per_second=float(str(project.table(chosen, "api").get("requests_per_second", 9.85))),
    )


def _custom(section: Section) -> Mapping[str, object]:
    return cast("Mapping[str, object]", section.get("custom", {}))


def _state_elsewhere(state: str) -> MsgflashApplyError:
    # The file itself was checked; what is left are links, which a branch can bring along, under the name filled in.
    fix = "Keep it in the repo, without links that lead out, or give its path elsewhere as MSGFLASH_STATE."
    return MsgflashApplyError("The state would lie outside the repo.", f"{state} leads out of it.", fix)


def _check_environment(environment: str, project: Project) -> None:
    if environment not in project.known:
        detail = f"{environment!r} is not among {listed(project.known)}."
        fix = did_you_mean(environment, project.known).capitalize()
        raise MsgflashApplyError("This environment does not exist.", detail, fix)
