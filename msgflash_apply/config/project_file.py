"""Reading msgflash.yaml: from bytes to a checked `Project`, or every mistake in it. Read `read_project` first."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from msgflash_apply.config.codes import Code
from msgflash_apply.config.documents import BadYaml, parse
from msgflash_apply.config.files import is_within, read_bytes, unreadable
from msgflash_apply.config.findings import Finding, located, misread
from msgflash_apply.config.leaked_keys import leaked_keys
from msgflash_apply.config.project import Project, Section, project_from
from msgflash_apply.config.project_rules import check_section, check_shared_states
from msgflash_apply.config.trees import ValuePath
from msgflash_apply.config.validate import check
from msgflash_apply.errors import Diagnostic, InvalidFiles, Severity

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
    """What the schema can not say of a file of the right shape."""
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
