"""
What msgflash.yaml says, laid out per environment; `project_file` reads it.

An environment inherits what the top level says and overrides it key by key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias, cast

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


def project_from(value: object) -> Project:
    """Lay out what the file says; a value of the right shape."""
    top = dict(cast("Section", value))
    environments = cast("Mapping[str, Section | None]", top.pop("environments", None) or {})
    return Project(top, {name: section or {} for name, section in environments.items()})


def _table(section: Section, name: str) -> Mapping[str, object]:
    return cast("Mapping[str, object]", section.get(name, {}))
