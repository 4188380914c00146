"""
What may be in msgflash.yaml, the only list of its fields, and what it says, as values: `Settings` for a run, `Policy`.

Editors see the list as `schemas/project.schema.json`, which `schema.py` makes; hence the titles. An environment
inherits what the top level says and overrides it key by key. The file is read in `files/settings.py`.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Final, Literal, NamedTuple, Self, TypeAlias

from annotated_types import Ge, Gt, Le, MaxLen
from pydantic import BeforeValidator, Field
from pydantic_core import PydanticKnownError

from msgflash_apply.findings import Diagnostic
from msgflash_apply.limits import MAX_ENVIRONMENTS
from msgflash_apply.models.campaign_file import Recipients
from msgflash_apply.models.forms import Text, Timezone, VariableName
from msgflash_apply.models.parts import AnyModel, Form, Maybe, Model, Whole, described

PlaceholderPolicy: TypeAlias = Literal["error", "warn", "allow"]

LIMITS: Final = (
    "lead-time", "quiet-hours", "max-creates", "max-retires", "max-audience", "max-messages", "request-quota",
    "account-marker",
)  # fmt: skip
"""What a person may lift for one run, with `--override`."""

DEFAULT_ENVIRONMENT: Final = "default"
"""The one that there is where msgflash.yaml declares none."""

DEFAULT_CAMPAIGNS: Final = "campaigns"

DEFAULT_TEMPLATES: Final = "templates"

FileKind: TypeAlias = Literal["campaign", "template"]

DEFAULT_STATE: Final = ".msgflash/{environment}.json"

REQUESTS_PER_SECOND: Final = 9.85
"""The default pace: a little below the ten that MsgFlash lets in."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Hours in which nothing may start, on the clocks of `timezone`; over midnight when `starts` is after `ends`."""

    starts: time
    ends: time
    timezone: str


@dataclass(frozen=True, slots=True)
class MaxMessages:
    """How many campaigns may reach one audience within any span of `per`."""

    count: int
    per: timedelta


TemplateEdits: TypeAlias = Literal["accept", "pause"]


@dataclass(frozen=True, slots=True)
class Policy:
    """
    What a plan may do without a person.

    Attributes:
        min_lead_time: a start nearer than this is blocked.
        quiet_hours: None for no such hours.
        max_creates: in one plan; None for no limit.
        max_retires: in one plan; an int counts campaigns, a float is the fraction of the live ones, None is no limit.
            All of them at once is blocked whatever it says, unless `retire_all`.
        max_audience: recipients of one campaign; None for no limit.
        max_messages: to one audience; None for no limit.
        template_edits: what follows when a template was edited on MsgFlash after it was approved.
        retire_all: a person lifted the limit on retires for one run.
        lift_audiences: a person lifted the limits that campaigns set for themselves for one run.
        placeholders_in_direct: what a placeholder of MsgFlash in direct content draws.
        account_marker: the account remembers the state; see `plan/marker.py`.
        trust_state: a person said that the state is the right one, whatever the account remembers, for one run.
    """

    min_lead_time: timedelta = timedelta(minutes=10)
    quiet_hours: QuietHours | None = None
    max_creates: int | None = 500
    max_retires: float | int | None = 0.3
    placeholders_in_direct: PlaceholderPolicy = "warn"
    max_audience: int | None = None
    max_messages: MaxMessages | None = None
    template_edits: TemplateEdits = "accept"
    retire_all: bool = False
    lift_audiences: bool = False
    account_marker: bool = True
    trust_state: bool = False

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
            max_audience=None if "max-audience" in limits else self.max_audience,
            max_messages=None if "max-messages" in limits else self.max_messages,
            retire_all="max-retires" in limits,
            lift_audiences="max-audience" in limits,
            trust_state="account-marker" in limits,
        )

    def max_people(self, own: int | None) -> int | None:
        """The most recipients of a campaign that sets the limit `own` for itself; None for no limit."""
        if own is None or self.lift_audiences:
            return self.max_audience
        return own if self.max_audience is None else min(own, self.max_audience)


UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration(text: str) -> timedelta:
    """Read `1h30m`, of the right form: whole numbers with s, m, h or d."""
    parts = re.findall(r"([0-9]+)([smhd])", text)
    return sum((timedelta(**{UNITS[unit]: int(number)}) for number, unit in parts), timedelta())


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


def fraction(text: str) -> float:
    """Read `30%`, of the right form."""
    return int(text.removesuffix("%")) / 100


Duration = Annotated[
    timedelta, Form("duration", "A duration", "^([0-9]{1,5}[smhd]){1,8}$", ("10m", "1h30m"), read=duration)
]

Clock = Annotated[
    time, Form("clock", "A time of day", "^([01][0-9]|2[0-3]):[0-5][0-9]$", ("21:00",), read=time.fromisoformat)
]

Share = Annotated[
    int | float | None,
    Form(
        "share",
        "A count or a percentage",
        "^(100|[1-9]?[0-9])%$",
        ("30%", 5),
        types=("integer", "string", "null"),
        least=0,
        read=fraction,
    ),
]

EnvironmentName = Annotated[
    str,
    Form(
        "environmentName",
        "An environment name of letters, digits, `_` and `-`",
        "^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$",
        ("staging",),
    ),
]


class Defaults(Model):
    """What campaigns take where they say nothing."""

    definition = "defaults"
    noun = "Defaults of the campaigns"

    instance: Annotated[Maybe[Text], described("Sending number", "Name, WhatsApp number or UUID of an instance.")] = (
        None
    )
    timezone: Annotated[
        Maybe[Timezone], described("Time zone", "For campaigns with a local `schedule` and no `timezone`.")
    ] = None


class QuietHoursFile(Model):
    """The file's words for `QuietHours`."""

    starts: Annotated[Clock, Field(alias="from")]
    ends: Annotated[Clock, Field(alias="to")]
    timezone: Timezone


class MaxMessagesFile(Model):
    """The file's words for `MaxMessages`."""

    count: Annotated[Annotated[Whole, Ge(1)], described("How many campaigns")]
    per: Annotated[Duration, described("Within which time", examples=["7d"])]


class PolicyFile(Model):
    """The file's words for `Policy`: what is absent keeps its default, and nothing at all is no limit."""

    definition = "policy"
    noun = "What a plan may do"

    min_lead_time: Annotated[
        Maybe[Duration],
        described("Least time before a start", "A campaign that starts nearer than this is blocked.", "10m"),
    ] = None
    quiet_hours: Annotated[QuietHoursFile | None, described("Hours in which nothing may start")] = None
    max_creates: Annotated[
        Annotated[Whole, Ge(0)] | None, described("Most creates in one plan", "Empty: no limit.", 500)
    ] = None
    max_retires: Annotated[
        Share,
        described(
            "Most campaigns that one plan may retire",
            "A count, or a percentage of the live ones; it counts once more than 10 are managed. Empty: no limit.",
            "30%",
        ),
    ] = None
    max_audience: Annotated[
        Annotated[Whole, Ge(0)] | None,
        described(
            "Most recipients of one campaign",
            "A create is blocked when more people would receive it, or when they were not counted. Empty: no limit.",
        ),
    ] = None
    max_messages: Annotated[
        MaxMessagesFile | None,
        described(
            "Most campaigns to one audience",
            "Of this state, to the same tag, the same group or all contacts, within a time. Empty: no limit.",
        ),
    ] = None
    template_edits: Annotated[
        Maybe[TemplateEdits],
        described(
            "When a template is edited on MsgFlash",
            "Of a campaign that was created: `accept` shows the new words in the plan and records them, `pause` pauses "
            "the campaign.",
            "accept",
        ),
    ] = None
    placeholders_in_direct: Annotated[
        Maybe[PlaceholderPolicy],
        described("Placeholders in direct content", "MsgFlash is not known to render them there.", "warn"),
    ] = None
    account_marker: Annotated[
        bool,
        described(
            "Let the account remember the state",
            "A template says which run wrote the state last, so that an old copy of the state is refused.",
            default=True,
        ),
    ] = True


class Api(Model):
    """How MsgFlash is called."""

    definition = "api"
    noun = "How MsgFlash is called"

    requests_per_second: Annotated[
        Maybe[Annotated[float, Gt(0), Le(100_000)]],
        described(
            "Pace of all requests",
            "Requests a second. MsgFlash allows 10 for each key; more is for a sandbox without a limit.",
            REQUESTS_PER_SECOND,
        ),
    ] = None


class Section(Model):
    """What the top level may say, and each environment in its place."""

    campaigns: Annotated[
        Maybe[Text], described("Folder of the campaigns", "Relative to this file.", DEFAULT_CAMPAIGNS)
    ] = None
    templates: Annotated[
        Maybe[Text], described("Folder of the templates", "Relative to this file.", DEFAULT_TEMPLATES)
    ] = None
    state: Annotated[
        Maybe[Text],
        described(
            "Where the state is kept",
            "A path within the repo, or s3:// gs:// az:// postgresql:// https://. `{environment}` stands for the "
            "environment's name. MSGFLASH_STATE overrides it.",
            DEFAULT_STATE,
        ),
    ] = None
    state_key_file: Annotated[
        Maybe[Text],
        described(
            "File with the key of the state",
            "Encrypts the state, wherever it is kept. 32 random bytes in base64, as `openssl rand -base64 32` prints "
            "them; while one key takes another's place both, the new one first. Absolute, or relative to this file; "
            "keep it out of git. `{environment}` stands for the environment's name. MSGFLASH_STATE_KEY, which holds "
            "the key itself, overrides it.",
            examples=["/run/secrets/msgflash-state-key"],
        ),
    ] = None
    defaults: Annotated[Maybe[Defaults], described("Defaults of the campaigns")] = None
    custom: Annotated[
        Maybe[dict[VariableName, object]],
        described(
            "Variables", "Values for `{{ custom.name }}` in campaign files and `{{ local.name }}` in template files."
        ),
    ] = None
    policy: Annotated[Maybe[PolicyFile], described("What a plan may do")] = None
    api: Annotated[Maybe[Api], described("How MsgFlash is called")] = None


class EnvironmentFile(Section):
    """What one environment says for itself."""

    definition = "environment"
    noun = "An environment"

    recipients: Annotated[
        Maybe[Recipients],
        described(
            "Who gets it instead",
            "Replaces the recipients of every campaign in this environment: a few colleagues, say.",
            examples=[{"type": "tags", "value": ["staff"]}],
        ),
    ] = None


def _overridden(lower: AnyModel, upper: AnyModel) -> AnyModel:
    changes: dict[str, object] = {}
    for name in upper.model_fields_set & type(lower).model_fields.keys():
        below, above = getattr(lower, name), getattr(upper, name)
        is_both = isinstance(below, Model) and isinstance(above, Model)
        changes[name] = _overridden(below, above) if is_both else above
    return lower.model_copy(update=changes)


def _no_truth(value: object) -> object:
    """True is 1 for Python, and no version of a format."""
    if isinstance(value, bool):
        raise PydanticKnownError("literal_error", {"expected": "1"})
    return value


class _Versioned(Model):
    version: Annotated[Literal[1], BeforeValidator(_no_truth), described("Version of this format")]


class ProjectFile(Section, _Versioned):
    """A repo of MsgFlash campaigns."""

    environments: Annotated[
        Maybe[Annotated[dict[EnvironmentName, EnvironmentFile | None], MaxLen(MAX_ENVIRONMENTS)]],
        described(
            "Environments",
            "Each has its own state. Where there are some, `--env` or MSGFLASH_ENV must choose one. What is given here "
            "overrides the top level.",
        ),
    ] = None

    @property
    def known(self) -> tuple[str, ...]:
        """Environments that can be chosen, sorted: those declared, else `default` alone."""
        return tuple(sorted(self.environments or {DEFAULT_ENVIRONMENT}))

    def own(self, environment: str) -> EnvironmentFile:
        """What an environment says itself."""
        return (self.environments or {}).get(environment) or EnvironmentFile()

    def section(self, environment: str) -> Section:
        """What holds in an environment: the top level's, overridden field by field, and in maps key by key."""
        section: Section = _overridden(self, self.own(environment))
        return section

    def folders_of(self, environment: str) -> tuple["Folder", "Folder"]:
        """The folders of the campaigns and of the templates."""
        section = self.section(environment)
        campaigns = Folder(str(PurePosixPath(section.campaigns or DEFAULT_CAMPAIGNS)), "campaign")
        return campaigns, Folder(str(PurePosixPath(section.templates or DEFAULT_TEMPLATES)), "template")

    @property
    def states(self) -> Mapping[str, str]:
        """Where each environment keeps its state: its name is filled in."""
        return {name: (self.section(name).state or DEFAULT_STATE).replace("{environment}", name) for name in self.known}


class Folder(NamedTuple):
    """A folder whose YAML files are of one kind: its path relative to the repo, with forward slashes."""

    path: str
    kind: FileKind


def policy_from(fields: PolicyFile) -> Policy:
    """Turn the file's words into values; what is absent keeps its default."""
    given: dict[str, Any] = {name: getattr(fields, name) for name in fields.model_fields_set}
    if quiet := given.get("quiet_hours"):
        given["quiet_hours"] = QuietHours(quiet.starts, quiet.ends, quiet.timezone)
    if most := given.get("max_messages"):
        given["max_messages"] = MaxMessages(most.count, most.per)
    return replace(Policy(), **given)


@dataclass(frozen=True, slots=True)
class Settings:
    """
    Everything that is neither a campaign nor a template.

    Attributes:
        root: the repo.
        environment: the one chosen; `default` where msgflash.yaml declares none.
        campaigns: folder of the campaigns, relative to the repo, with forward slashes.
        templates: folder of the templates, likewise; it need not exist.
        state: URL, or path relative to the repo; the environment's name is filled in.
        state_is_from_environment: `MSGFLASH_STATE` said so, and no file that a branch can edit.
        state_key_file: path, absolute or relative to the repo, of the file with the keys that encrypt the state; None
            for none. `MSGFLASH_STATE_KEY` outranks it, and is never seen here.
        instance: name, number or UUID of the default instance; None to look for the only one.
        timezone: default IANA zone for local times; None to require it.
        recipients: who gets every campaign in this environment, instead of those that its file names; None for those.
        custom_below: variables weaker than a campaign's own: those of the project.
        custom_above: variables stronger than a campaign's own: environment < MSGFLASH_VAR_* < files < options.
        policy: limits for plans.
        requests_per_second: pace of all requests.
        warnings: about msgflash.yaml.
        now: the time, by which a start is far ahead; None where that is a plan's to say, of what is new.
    """

    root: Path
    environment: str = DEFAULT_ENVIRONMENT
    campaigns: str = DEFAULT_CAMPAIGNS
    state: str = DEFAULT_STATE.replace("{environment}", DEFAULT_ENVIRONMENT)
    state_is_from_environment: bool = False
    state_key_file: str | None = None
    instance: str | None = None
    timezone: str | None = None
    recipients: Recipients | None = None
    custom_below: Mapping[str, object] = field(default_factory=dict)
    custom_above: Mapping[str, object] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    requests_per_second: float = REQUESTS_PER_SECOND
    warnings: tuple[Diagnostic, ...] = ()
    now: datetime | None = None
    templates: str = DEFAULT_TEMPLATES

    @property
    def folders(self) -> tuple[Folder, Folder]:
        """What is read."""
        return Folder(self.campaigns, "campaign"), Folder(self.templates, "template")
