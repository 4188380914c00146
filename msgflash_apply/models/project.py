"""
What msgflash.yaml says, as values: `Settings` for a run, `Policy` with its limits, `Project` per environment.

An environment inherits what the top level says and overrides it key by key. The file is read in `files/settings.py`.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from pathlib import Path, PurePosixPath
from typing import Final, Literal, Self, TypeAlias, cast

from msgflash_apply.findings import Diagnostic

PlaceholderPolicy: TypeAlias = Literal["error", "warn", "allow"]

LIMITS: Final = ("lead-time", "quiet-hours", "max-creates", "max-retires", "request-quota")
"""What a person may lift for one run, with `--override`."""

REQUESTS_PER_SECOND: Final = 9.85
"""The default pace: a little below the ten that MsgFlash lets in."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Hours in which nothing may start, on the clocks of `timezone`; over midnight when `starts` is after `ends`."""

    starts: time
    ends: time
    timezone: str


@dataclass(frozen=True, slots=True)
class Policy:
    """
    What a plan may do without a person.

    Attributes:
        min_lead_time: a start nearer than this is blocked.
        quiet_hours: None for no such hours.
        max_creates: in one plan; None for no limit.
        max_retires: in one plan; an int counts campaigns, a float is the fraction of the live ones, None is no limit.
        placeholders_in_direct: what a placeholder of MsgFlash in direct content draws.
    """

    min_lead_time: timedelta = timedelta(minutes=10)
    quiet_hours: QuietHours | None = None
    max_creates: int | None = 500
    max_retires: float | int | None = 0.3
    placeholders_in_direct: PlaceholderPolicy = "warn"

    def without(self, limits: Collection[str]) -> Self:
        """
        Lift some of `LIMITS`, for one run. A start that is past stays blocked whatever is lifted.

        `request-quota` is the account's and no part of a policy: it is held when an apply begins.
        """
        return replace(
            self,
            min_lead_time=timedelta(0) if "lead-time" in limits else self.min_lead_time,
            quiet_hours=None if "quiet-hours" in limits else self.quiet_hours,
            max_creates=None if "max-creates" in limits else self.max_creates,
            max_retires=None if "max-retires" in limits else self.max_retires,
        )


UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def policy_from(fields: Mapping[str, object]) -> Policy:
    """Read the fields of a checked `policy`; what is absent keeps its default."""
    default = Policy()
    quiet_hours = default.quiet_hours
    if quiet := cast("Mapping[str, str] | None", fields.get("quiet_hours")):
        starts, ends = time.fromisoformat(quiet["from"]), time.fromisoformat(quiet["to"])
        quiet_hours = QuietHours(starts, ends, quiet["timezone"])
    retires = fields.get("max_retires", default.max_retires)
    if isinstance(retires, str):
        retires = int(retires.removesuffix("%")) / 100
    return Policy(
        min_lead_time=duration(str(fields["min_lead_time"])) if "min_lead_time" in fields else default.min_lead_time,
        quiet_hours=quiet_hours,
        max_creates=cast("int | None", fields.get("max_creates", default.max_creates)),
        max_retires=cast("float | int | None", retires),
        placeholders_in_direct=cast("PlaceholderPolicy", fields.get("placeholders_in_direct", "warn")),
    )


def duration(text: str) -> timedelta:
    """Read `1h30m`, as the schema allows it: whole numbers with s, m, h or d."""
    parts = re.findall(r"([0-9]+)([smhd])", text)
    return sum((timedelta(**{UNITS[unit]: int(number)}) for number, unit in parts), timedelta())


DEFAULT_ENVIRONMENT = "default"

STATE_SCHEMES: Final = ("az", "gs", "http", "https", "postgres", "postgresql", "s3")

STATE_FORMS: Final = (
    "write a path within the repo, such as `.msgflash/{environment}.json`, or a URL that begins with "
    + ", ".join(f"{scheme}://" for scheme in STATE_SCHEMES)
)


def scheme_of_state(place: str) -> str | None:
    """
    Read where a state is: the scheme of a URL, in lower case, or None for the path of a file.

    The only rule for this, wherever the place comes from. Whether a path may lead there is the caller's to say.

    Raises:
        ValueError: it is neither, or holds what cannot be seen; says why.
    """
    if not place.isprintable():
        raise ValueError("holds a control character or another one that cannot be seen")
    start, colon, rest = place.partition(":")
    if colon and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", start, re.ASCII):
        if start.lower() in STATE_SCHEMES and rest.startswith("//"):
            return start.lower()
        raise ValueError(f"begins with `{start}:{'//' * rest.startswith('//')}`, which no storage of a state has")
    if "://" in place:
        raise ValueError("holds `://`, and does not begin with the scheme of a storage")
    return None


Section: TypeAlias = Mapping[str, object]
"""The top level or an environment: `campaigns`, `state`, `state_key_file`, `defaults` and so on; any may be absent."""


@dataclass(frozen=True, slots=True)
class Project:
    """
    A checked msgflash.yaml; without a file everything is empty.

    Attributes:
        top: what the top level says.
        environments: what each environment overrides.
        warnings: about the file.
    """

    top: Section
    environments: Mapping[str, Section]
    warnings: tuple[Diagnostic, ...] = ()

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
        return {
            **cast("Section", self.top.get(name, {})),
            **cast("Section", self.own(environment).get(name, {})),
        }

    def campaigns_of(self, environment: str) -> str:
        """The folder of the campaigns, relative to the repo, with forward slashes."""
        return str(PurePosixPath(self.text(environment, "campaigns", "campaigns")))

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
        warnings: about msgflash.yaml.
        now: the time, by which a start is far ahead; None where that is a plan's to say, of what is new.
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
    requests_per_second: float = REQUESTS_PER_SECOND
    warnings: tuple[Diagnostic, ...] = ()
    now: datetime | None = None
