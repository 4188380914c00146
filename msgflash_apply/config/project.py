"""
msgflash.yaml as it stands: read, checked, and laid out per environment.

An environment inherits what the top level says and overrides it key by key. Read `read_project` first.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, cast

from msgflash_apply.config import documents
from msgflash_apply.config.codes import Code
from msgflash_apply.config.files import read_bytes, unreadable
from msgflash_apply.config.findings import Finding, located, misread
from msgflash_apply.config.project_rules import check_section, check_shared_states
from msgflash_apply.config.validate import check
from msgflash_apply.errors import Diagnostic, InvalidFiles, Severity

PROJECT_FILE = "msgflash.yaml"
DEFAULT_ENVIRONMENT = "default"

Section: TypeAlias = Mapping[str, object]
"""The top level or an environment: `campaigns`, `state`, `state_key_file`, `defaults` and so on; any may be absent."""


@dataclass(frozen=True, slots=True)
class Project:
    """
    A checked msgflash.yaml; without a file everything is empty.

    Attributes:
        top: what the top level says.
        environments: what each environment overrides.
    """

    top: Section
    environments: Mapping[str, Section]

    @property
    def known(self) -> tuple[str, ...]:
        """Environments that can be chosen, sorted; `default` always can."""
        return tuple(sorted({DEFAULT_ENVIRONMENT, *self.environments}))

    def own(self, environment: str) -> Section:
        """What an environment says itself."""
        return self.environments.get(environment, {})

    def text(self, environment: str, name: str, default: str) -> str:
        """A single value: the environment's, else the top level's, else the default."""
        return str(self.own(environment).get(name, self.top.get(name, default)))

    def table(self, environment: str, name: str) -> Mapping[str, object]:
        """A map of values: the top level's, overridden key by key by the environment's."""
        return {**_table(self.top, name), **_table(self.own(environment), name)}

    @property
    def states(self) -> Mapping[str, str]:
        """Where each environment keeps its state: its name is filled in."""
        return {
            name: self.text(name, "state", ".msgflash/{environment}.json").replace("{environment}", name)
            for name in self.known
        }


def read_project(root: Path) -> Project:
    """
    Read and check msgflash.yaml in the repo's root.

    Raises:
        InvalidFiles: every mistake in it, in all environments, whichever is chosen.
    """
    try:
        data = read_bytes(str(root / PROJECT_FILE))
        found = documents.parse(data)
    except FileNotFoundError:
        return Project({}, {})
    except OSError as err:
        raise InvalidFiles([unreadable(PROJECT_FILE, err)]) from err
    except documents.BadYaml as err:
        raise InvalidFiles([misread(err, PROJECT_FILE)]) from err
    if len(found) > 1:
        raise InvalidFiles([_second_document(found[1].line)])
    value = found[0].value if found else {}
    if findings := _findings(value, root):
        raise InvalidFiles(located(findings, data, 0, PROJECT_FILE))
    return _project(value)


def _second_document(line: int) -> Diagnostic:
    message = "msgflash.yaml holds one document, and here begins a second"
    return Diagnostic(Severity.ERROR, Code.BAD_YAML, message, "delete the `---`", PROJECT_FILE, line, 1)


def _findings(value: object, root: Path) -> list[Finding]:
    shape = check(value, "project")
    if not isinstance(value, dict):
        return list(shape)
    sections = list(_sections(value))
    meaning = [finding for path, section in sections for finding in check_section(path, section, root)]
    broken = {finding.path for finding in shape}
    found = [*shape, *(finding for finding in meaning if finding.path not in broken)]
    return found if shape else [*found, *_shared_states(_project(value))]


def _shared_states(project: Project) -> Iterator[Finding]:
    own = {name for name, section in project.environments.items() if "state" in section}
    yield from check_shared_states(project.states, own)


def _sections(top: Section) -> Iterator[tuple[documents.Path, Section]]:
    """The top level and every environment that is at least a map, with where it stands."""
    yield (), top
    environments = top.get("environments")
    if isinstance(environments, Mapping):
        for name, section in environments.items():
            if isinstance(section, Mapping):
                yield ("environments", name), section


def _project(value: object) -> Project:
    top = dict(cast("Section", value))
    environments = cast("Mapping[str, Section | None]", top.pop("environments", None) or {})
    return Project(top, {name: section or {} for name, section in environments.items()})


def _table(section: Section, name: str) -> Mapping[str, object]:
    return cast("Mapping[str, object]", section.get(name, {}))
