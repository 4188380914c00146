"""
What holds for a whole run: msgflash.yaml, the environment chosen, variables from outside. Contract section 4.

Nothing in the file can choose where a secret goes: key and address of MsgFlash come from the process's environment.
Read `Settings` first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import cast

from msgflash_apply.config.near import did_you_mean, listed
from msgflash_apply.config.policy import Policy, QuietHours, policy_from
from msgflash_apply.config.project import DEFAULT_ENVIRONMENT, Project, Section
from msgflash_apply.config.project_file import read_project
from msgflash_apply.config.project_rules import state_fits_file
from msgflash_apply.config.variables import variables_from_outside
from msgflash_apply.errors import MsgflashApplyError

__all__ = ["Policy", "QuietHours", "Settings", "load_settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """
    Everything that is not a campaign.

    Attributes:
        root: the repo.
        environment: the one chosen; `default` without a choice.
        campaigns: folder of the campaigns, relative to the repo, with forward slashes.
        state: URL, or path relative to the repo; the environment's name is filled in.
        state_is_from_environment: `MSGFLASH_STATE` said so, and no file that a branch can edit.
        state_key_file: path, absolute or relative to the repo, of the file with the keys that encrypt the state; None
            for none. `MSGFLASH_STATE_KEY` outranks it, and is never seen here.
        instance: name, number or UUID of the default instance; None to look for the only one.
        timezone: default IANA zone for local times; None to require it.
        custom_below: variables weaker than a campaign's own: those of the project.
        custom_above: variables stronger than a campaign's own: environment < MSGFLASH_VAR_* < files < options.
        policy: limits for plans.
        requests_per_second: pace of all requests.
    """

    root: Path
    environment: str = DEFAULT_ENVIRONMENT
    campaigns: str = "campaigns"
    state: str = f".msgflash/{DEFAULT_ENVIRONMENT}.json"
    state_is_from_environment: bool = False
    state_key_file: str | None = None
    instance: str | None = None
    timezone: str | None = None
    custom_below: Mapping[str, object] = field(default_factory=dict)
    custom_above: Mapping[str, object] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    requests_per_second: float = 9.85


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
