"""
What holds for a whole run: msgflash.yaml, the environment chosen, variables from outside. Contract section 4.

Read `load_settings` first, which never picks an environment by itself: a forgotten option sends nothing. `read_project`
checks the file, in all its environments, for what its schema cannot say: paths stay in the repo, zones exist, no
secret, no state for two environments. Nothing in the file can choose where a secret goes: key and address of MsgFlash
come from the process's environment.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TypeAlias, cast

from msgflash_apply.campaign import Source
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.files.bounded import Exceeded, run
from msgflash_apply.files.bounded_child import File
from msgflash_apply.files.leaked_keys import hidden_keys, holds_key, leaked_keys
from msgflash_apply.files.reading import PlainDiagnostic, as_diagnostic, as_plain, documents_of, exceeded, placed
from msgflash_apply.files.repo import (
    is_within,
    name_in_repo,
    problem_of_folder,
    problem_of_given,
    problem_of_link,
    read_bytes,
    read_given,
    unreadable,
)
from msgflash_apply.files.schedule import check_timezone, inverted_zone
from msgflash_apply.files.written import check_numbers
from msgflash_apply.files.yaml_mistakes import ESCAPED_PAIR, character_of
from msgflash_apply.files.yaml_tree import located
from msgflash_apply.findings import (
    Code,
    Diagnostic,
    Finding,
    InvalidFiles,
    Place,
    Refused,
    Severity,
    ValuePath,
    did_you_mean,
    listed,
    spell,
    without_keys,
)
from msgflash_apply.models.explain import check, get_ready, not_known
from msgflash_apply.models.meaning import check_recipients
from msgflash_apply.models.project import (
    DEFAULT_ENVIRONMENT,
    REQUESTS_PER_SECOND,
    STATE_FORMS,
    Api,
    Defaults,
    PolicyFile,
    ProjectFile,
    Settings,
    policy_from,
    scheme_of_state,
)

PROJECT_FILE = "msgflash.yaml"

PREFIX = "MSGFLASH_VAR_"

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

NOT_UTF8 = re.compile("[\udc80-\udcff]")
"""Python's stand-ins for bytes of the environment or the command line that are not UTF-8."""

PASSWORD = re.compile(r"^[^/]+://[^/@]*:[^/@]+@|[?&](ssl)?password=", re.IGNORECASE)

STATE_KEY = re.compile(r"[A-Za-z0-9+/]{43}=")
"""32 bytes in base64, where the name of a file is needed."""


def load_settings(
    root: Path,
    *,
    environment: str | None,
    environ: Mapping[str, str],
    variables: Sequence[str] = (),
    variable_files: Sequence[Path] = (),
) -> Settings:
    """
    Read msgflash.yaml, if there is one, for the environment that was chosen; without any declared, for `default`.

    Args:
        root: the repo.
        environment: as chosen by option; None leaves it to `MSGFLASH_ENV`.
        environ: the process's environment; only names that begin with `MSGFLASH_` are read.
        variables: `name=value`, weakest first.
        variable_files: YAML or JSON files, weakest first; weaker than `variables`.

    Raises:
        InvalidFiles: mistakes in msgflash.yaml, all of them, or a file of variables whose link leads out of the repo.
        MsgflashApplyError: no environment was chosen where some are declared, or an unknown one; a variable that is not
            understood, or a link that leads from where the state should be to somewhere outside the repo.
    """
    project, warnings = read_project(root)
    chosen = environment or environ.get("MSGFLASH_ENV")
    if not chosen and project.environments:
        detail = f"msgflash.yaml declares {listed(project.known)}."
        fix = f"Write `--env {project.known[0]}`, or another of them, or set MSGFLASH_ENV."
        raise MsgflashApplyError("No environment was chosen.", detail, fix)
    chosen = _known(chosen or DEFAULT_ENVIRONMENT, project)
    outside = _outside(root, environ, variable_files, variables)
    return _settings(root, project, chosen, environ, outside, warnings)


def load_each_settings(
    root: Path,
    *,
    environment: str | None,
    environ: Mapping[str, str],
    variables: Sequence[str] = (),
    variable_files: Sequence[Path] = (),
) -> tuple[Settings, ...]:
    """Read msgflash.yaml for every environment, sorted by name, or for the one of an option; see `load_settings`."""
    project, warnings = read_project(root)
    chosen = (_known(environment, project),) if environment else project.known
    outside = _outside(root, environ, variable_files, variables)
    return tuple([_settings(root, project, each, environ, outside, warnings) for each in chosen])


def _known(chosen: str, project: ProjectFile) -> str:
    if chosen in project.known:
        return chosen
    detail, fix = f"{chosen!r} is not among {listed(project.known)}.", did_you_mean(chosen, project.known).capitalize()
    if chosen == DEFAULT_ENVIRONMENT:
        fix = "Choose one of them. To use the state of `default` again, declare it: `environments: {default: {}, ...}`."
    raise MsgflashApplyError("This environment does not exist.", detail, fix)


def _outside(
    root: Path, environ: Mapping[str, str], variable_files: Sequence[Path], variables: Sequence[str]
) -> Mapping[str, object]:
    """Read the variables from outside of the repo; see `variables_from_outside`."""
    if strays := [problem for file in variable_files if (problem := problem_of_given(root, file))]:
        raise InvalidFiles(strays)  # unread: whose file it is, a branch has chosen
    return variables_from_outside(environ, variable_files, variables)


def _settings(
    root: Path,
    project: ProjectFile,
    chosen: str,
    environ: Mapping[str, str],
    outside: Mapping[str, object],
    warnings: tuple[Diagnostic, ...],
) -> Settings:
    section, own = project.section(chosen), project.own(chosen)
    defaults = section.defaults or Defaults()
    campaigns, templates = project.folders_of(chosen)
    state = environ.get("MSGFLASH_STATE", "").replace("{environment}", chosen)
    if not state and not state_fits_file(project.states[chosen], root):
        # What the file says was checked; what is left is the default place, where a branch can bring a link along.
        detail = f"{project.states[chosen]} leads out of it."
        fix = "Keep it in the repo, without links that lead out, or give its path elsewhere as MSGFLASH_STATE."
        raise MsgflashApplyError("The state would lie outside the repo.", detail, fix)
    return Settings(
        root=root,
        environment=chosen,
        campaigns=campaigns.path,
        templates=templates.path,
        state=state or project.states[chosen],
        state_is_from_environment=bool(state),
        state_key_file=(section.state_key_file or "").replace("{environment}", chosen) or None,
        instance=defaults.instance,
        timezone=defaults.timezone,
        recipients=own.recipients,
        custom_below=project.custom or {},
        custom_above={**(own.custom or {}), **outside},
        policy=policy_from(section.policy or PolicyFile()),
        warnings=warnings,
        requests_per_second=(section.api or Api()).requests_per_second or REQUESTS_PER_SECOND,
    )


def read_project(root: Path) -> tuple[ProjectFile, tuple[Diagnostic, ...]]:
    """
    Read and check msgflash.yaml in the repo's root; without such a file everything is empty.

    Raises:
        InvalidFiles: every mistake in it, in all environments, whichever is chosen; or it has another name, or a
            folder of campaigns or templates is a link.
    """
    try:
        names = sorted(path.name for path in root.iterdir())
    except OSError as err:
        raise InvalidFiles([unreadable(".", err)]) from err
    if misnamed := [_misnamed(name, root) for name in names if _is_like_project_file(name)]:
        raise InvalidFiles(misnamed)
    if problem := problem_of_link(os.path.realpath(root), PROJECT_FILE):
        raise InvalidFiles([problem])  # unread: a mistake is shown with its line
    project, warnings = _project_in(root)
    folders = dict.fromkeys(folder for environment in project.known for folder in project.folders_of(environment))
    if problems := [problem for folder in folders if (problem := problem_of_folder(root, folder))]:
        raise InvalidFiles(problems)
    return project, warnings


def _is_like_project_file(name: str) -> bool:
    """Whether a file looks as if its limits and quiet hours held, and would not be read everywhere."""
    return name != PROJECT_FILE and name.lower().removeprefix(".") in {PROJECT_FILE, "msgflash.yml"}


def _misnamed(name: str, root: Path) -> Diagnostic:
    message, hint = "the project file is msgflash.yaml, and this one is not read", "rename it to msgflash.yaml"
    if os.path.lexists(root / PROJECT_FILE) and name.lower() != PROJECT_FILE:
        hint = "move what it says into msgflash.yaml, and delete it"
    return Diagnostic(Severity.ERROR, Code.MISNAMED, message, hint, name)


def _project_in(root: Path) -> tuple[ProjectFile, tuple[Diagnostic, ...]]:
    try:
        file = File(PROJECT_FILE, read_bytes(str(root / PROJECT_FILE)))
    except FileNotFoundError:
        return ProjectFile(version=1), ()
    except OSError as err:
        raise InvalidFiles([unreadable(PROJECT_FILE, err)]) from err
    get_ready((ProjectFile,))
    ((_, result),) = run(_read_project, [file])
    if isinstance(result, Exceeded):
        raise InvalidFiles([exceeded(file, result)])
    value, line, broken, found = cast("_PlainProject", result)
    diagnostics = [as_diagnostic(each) for each in found]
    project = None if broken else check(value, (ProjectFile,))
    findings = [finding for finding in _check_meaning(value, project, root) if finding.path not in broken]
    diagnostics += placed([file._replace(about=[(line, finding) for finding in findings])] if findings else [])
    if not isinstance(project, ProjectFile) or any(found.is_error for found in diagnostics):
        raise InvalidFiles(diagnostics)
    return project, tuple(diagnostics)


_PlainProject: TypeAlias = tuple[object, int, list[ValuePath], list[PlainDiagnostic]]
"""What the file says, the line of its document, what has not its right shape, and why."""


def _read_project(file: File) -> _PlainProject:
    """Read the file, in a child, and check its shape."""
    documents, source = documents_of(file), Source(file.name)
    leaked = list(leaked_keys(file.data, file.name))
    if isinstance(documents, Diagnostic):
        return None, 1, [()], list(map(as_plain, [*leaked, documents]))
    if len(documents) > 1:
        message, at = "msgflash.yaml holds one document, and here begins a second", Place(documents[1].line, 1)
        second = Finding(Code.BAD_YAML, (), message, "delete the `---`", at=at)
        return None, at.line, [()], list(map(as_plain, [*leaked, *located([second], None, source)]))
    document = documents[0] if documents else None
    value = document.value if document is not None else {}
    shape = check(value, (ProjectFile,), document.written if document is not None else not_known)
    findings = list(shape) if isinstance(shape, tuple) else []
    broken = [finding.path for finding in findings]
    if document is not None:
        names = value.get("environments") if isinstance(value, dict) else None
        sections = [("environments", name) for name in names] if isinstance(names, dict) else []
        findings += check_numbers(document, [(*section, "custom") for section in ((), *sections)])
        findings += hidden_keys(value, file.data)
    diagnostics = [*leaked, *located(findings, document, source)]
    return value, document.line if document is not None else 1, broken, list(map(as_plain, diagnostics))


def _check_meaning(value: object, project: object, root: Path) -> Iterator[Finding]:
    """Check what the model cannot say; `project` is what the file says, where its shape is right."""
    if not isinstance(value, dict):
        return
    sections: list[tuple[ValuePath, Mapping[str, object]]] = [((), value)]
    if isinstance(environments := value.get("environments"), dict):
        sections += [(("environments", name), each) for name, each in environments.items() if isinstance(each, dict)]
    found = [finding for path, section in sections for finding in _check_section(path, section, root)]
    if isinstance(project, ProjectFile):
        found += _check_shared_states(project)
        found += _check_folders(project)
        for name in project.known:
            repeats = check_recipients(recipients) if (recipients := project.own(name).recipients) else ()
            found += (replace(finding, path=("environments", name, *finding.path)) for finding in repeats)
        bad = {finding.path for finding in found}
        found += (finding for finding in _check_filled_in(project, root) if finding.path not in bad)
    yield from found


def _check_section(path: ValuePath, section: Mapping[str, object], root: Path) -> Iterator[Finding]:
    """Check the top level or one environment; values of a wrong type are left to the schema."""
    state, key_file = section.get("state"), section.get("state_key_file")
    for name in ("campaigns", "templates"):
        if isinstance(folder := section.get(name), str) and not _stays(folder, root):
            message = f"`{spell((*path, name))}` must be a folder within the repo"
            yield Finding(Code.OUTSIDE_REPO, (*path, name), message, f"for example `{name}`")
    if isinstance(state, str):
        yield from _check_state((*path, "state"), state, root)
    # The file with the keys may be anywhere: a key has no business in the repo. What is read there is never shown.
    if isinstance(key_file, str) and any(STATE_KEY.fullmatch(word) for word in key_file.split()):
        at = (*path, "state_key_file")
        hint = "name a file that holds it, or give it as MSGFLASH_STATE_KEY; and make a new key, for this one was shown"
        yield Finding(Code.SECRET_IN_FILE, at, f"`{spell(at)}` holds a key", hint)
    yield from _check_zones(path, section)


def _check_state(path: ValuePath, state: str, root: Path) -> Iterator[Finding]:
    """Check where the state is said to be; never shows it, since it may hold a password."""
    if PASSWORD.search(state):
        hint = "keep the address here and give the credentials in the environment, or give it all as MSGFLASH_STATE"
        yield Finding(Code.SECRET_IN_FILE, path, f"`{spell(path)}` holds a password", hint)
        return
    try:
        is_url = scheme_of_state(state) is not None
    except ValueError as err:
        yield Finding(Code.WRONG_FORM, path, f"`{spell(path)}` {err}", STATE_FORMS)
        return
    if not is_url and not _stays(state, root):
        hint = f"{STATE_FORMS}; a path elsewhere is given as MSGFLASH_STATE"
        yield Finding(Code.OUTSIDE_REPO, path, f"`{spell(path)}` leads out of the repo", hint)


def _check_filled_in(project: ProjectFile, root: Path) -> Iterator[Finding]:
    """Check the places of state and key file as each environment has them, its name filled in: a link may be there."""
    for environment in project.known:
        own, section = project.own(environment), project.section(environment)
        for name, written in (("state", section.state), ("state_key_file", section.state_key_file)):
            if written is None:
                continue
            path = ("environments", environment, name) if name in own.model_fields_set else (name,)
            place = written.replace("{environment}", environment)
            strays = not state_fits_file(place, root) if name == "state" else _is_stray_key_file(place, root)
            if strays:
                message = f"`{spell(path)}` is a link that leads out of the repo in environment `{environment}`"
                hint = "replace the link by what it leads to, or name a path without one"
                yield Finding(Code.OUTSIDE_REPO, path, message, hint)


def _is_stray_key_file(place: str, root: Path) -> bool:
    """
    Whether a link leads from a place in the repo to a key elsewhere.

    A key has no business in the repo, so a place outside may be named, as what it is: absolute, or with `..`.
    """
    name = name_in_repo(root, Path(place)) if place.isprintable() else None
    return name is not None and not is_within(root, place)


def _check_zones(path: ValuePath, section: Mapping[str, object]) -> Iterator[Finding]:
    for keys in (("defaults", "timezone"), ("policy", "quiet_hours", "timezone")):
        value: object = section
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        if not isinstance(value, str):
            continue
        is_for_clocks = keys[0] == "policy"
        try:
            check_timezone(value, is_for_clocks=is_for_clocks)
            warning = inverted_zone(value, is_for_clocks=is_for_clocks)
        except Refused as err:
            warning = err.finding
        if warning is not None:
            yield replace(warning, path=(*path, *keys))


def _check_shared_states(project: ProjectFile) -> Iterator[Finding]:
    """Two environments with one state would each retire what the other sent."""
    by_state: dict[str, list[str]] = {}
    for environment, state in project.states.items():
        by_state.setdefault(state, []).append(environment)
    for state, environments in by_state.items():
        if len(environments) > 1:
            message = f"the environments {listed(environments)} would share the state `{state}`"
            hint = "put `{environment}` into `state`, or give each environment a `state` of its own"
            last = environments[-1]
            path = ("environments", last, "state") if project.own(last).state is not None else ("state",)
            yield Finding(Code.SHARED_STATE, path, message, hint)


def _check_folders(project: ProjectFile) -> Iterator[Finding]:
    """A file that is in both folders would be a campaign and a template."""
    for environment in project.known:
        campaigns, templates = (folder.path for folder in project.folders_of(environment))
        if f"{campaigns}/".startswith(f"{templates}/") or f"{templates}/".startswith(f"{campaigns}/"):
            own = project.own(environment).model_fields_set
            section = ("environments", environment) if own & {"campaigns", "templates"} else ()
            fields = own if section else project.model_fields_set
            message = f"the folder of the templates, `{templates}`, overlaps that of the campaigns, `{campaigns}`"
            hint = "write `templates: ...` and `campaigns: ...` so that neither is within the other"
            name = "templates" if "templates" in fields else "campaigns"
            yield Finding(Code.FIELDS_CLASH, (*section, name), message, hint)
            return


def state_fits_file(value: str, root: Path) -> bool:
    """Whether msgflash.yaml may say that the state is there: at a URL, or in a file of the repo."""
    try:
        return scheme_of_state(value) is not None or _stays(value, root)
    except ValueError:
        return False


def _stays(value: str, root: Path) -> bool:
    """No absolute path, no `..`, no link that leads out."""
    path = PurePosixPath(value)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in value and is_within(root, value)


def variables_from_outside(
    environ: Mapping[str, str], files: Sequence[Path], options: Sequence[str]
) -> dict[str, object]:
    """
    Merge the three sources, last wins by name: `MSGFLASH_VAR_name` < `--var-file` < `--var name=value`.

    Values from the environment and from `--var` are texts and stay texts; a file may hold lists, maps, numbers.

    Raises:
        MsgflashApplyError: an option or file that cannot be understood; says which.
    """
    merged: dict[str, object] = {
        name.removeprefix(PREFIX): value for name, value in environ.items() if name.startswith(PREFIX)
    }
    for file in files:
        merged |= _variables_in(file)
    for option in options:
        name, equals, text = option.partition("=")
        if not equals:
            detail = f"--var {without_keys(option)}"
            raise MsgflashApplyError("A variable is not understood.", detail, "Write --var name=value.")
        merged[name] = text
    for name, value in merged.items():
        if not NAME.fullmatch(name):
            detail = f"{without_keys(name)!r} cannot be used as {{{{ custom.name }}}}"
            fix = "Use letters, digits and _, and begin with a letter or _."
            raise MsgflashApplyError("A variable's name is not understood.", detail, fix)
        if isinstance(value, str) and NOT_UTF8.search(value):
            raise MsgflashApplyError("A variable's value is not UTF-8.", name)
        if holds_key(value):
            detail = f"custom.{name} holds one, and a campaign could send it to people."
            raise MsgflashApplyError("An API key of MsgFlash is no variable.", detail, "Give it as MSGFLASH_API_KEY.")
    return merged


def _variables_in(path: Path) -> Mapping[str, object]:
    summary = "A file of variables cannot be used."
    try:
        file = File(str(path), read_given(path))
    except OSError as err:
        raise MsgflashApplyError(summary, f"{path}: {err.strerror or err}") from err
    ((_, result),) = run(_read_variables, [file])
    if isinstance(result, Exceeded):
        raise MsgflashApplyError(summary, f"Reading {path} takes {result.what}.")
    value, found = cast("tuple[object, list[PlainDiagnostic]]", result)
    if found:
        mistakes = [as_diagnostic(each) for each in found]
        lines = [f"{path}:{one.line}:{one.column}: {one.message}" for one in mistakes]
        if len(mistakes) == 1:
            raise MsgflashApplyError(summary, lines[0], mistakes[0].hint or "")
        pairs = zip(lines, mistakes, strict=True)
        raise MsgflashApplyError(summary, "\n".join(f"{line}; {one.hint}" for line, one in pairs))
    if not isinstance(value, dict):
        raise MsgflashApplyError(summary, f"{path} must hold one map of names to values.")
    return value


def _read_variables(file: File) -> tuple[object, list[PlainDiagnostic]]:
    """Read a file of variables, in a child."""
    if file.name.lower().endswith(".json"):  # JSON spells an emoji as two halves, which are nothing in YAML
        text = file.data.decode("utf-8", "surrogateescape")
        file = file._replace(
            data=ESCAPED_PAIR.sub(lambda pair: pair["before"] + character_of(pair), text).encode(
                "utf-8", "surrogateescape"
            )
        )
    documents = documents_of(file)
    if isinstance(documents, Diagnostic):
        return None, [as_plain(documents)]
    if len(documents) > 1:
        return None, []
    found = list(leaked_keys(file.data, file.name))
    for one in documents:
        mistakes = [*check_numbers(one, [()]), *hidden_keys(one.value, file.data)]
        found += located(mistakes, one, Source(file.name))
    return documents[0].value if documents else {}, list(map(as_plain, found))
