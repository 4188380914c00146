"""
A plan is a value: what an apply would do, to whom, and why. Made without I/O; printed, hashed, compared, refused.

Read `Plan` and `Change` first. Actions and reasons are closed sets: contract sections 7 and 11.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Self

from msgflash_apply.campaign import (
    DEFAULT_LIFECYCLE,
    GONE,
    PAUSED_BY_SYSTEM,
    TEMPLATE,
    TERMINAL,
    Address,
    Content,
    Desired,
    JsonObject,
    Lifecycle,
    Names,
    Payload,
    Seen,
    Source,
    Status,
    parse_instant,
)
from msgflash_apply.errors import ExitCode
from msgflash_apply.findings import Code, Diagnostic, Severity, ValuePath
from msgflash_apply.template import DEFAULT_TEMPLATE_LIFECYCLE, TemplateLifecycle, Version


class Action(StrEnum):
    """What happens to one campaign."""

    CREATE = "create"
    PAUSE = "pause"
    RESUME = "resume"
    REPLACE = "replace"
    RETIRE = "retire"
    FORGET = "forget"
    ACCEPT = "accept"
    MOVE = "move"
    NO_OP = "no-op"
    BLOCKED = "blocked"


SENDING = frozenset({Action.CREATE, Action.REPLACE})
"""Actions that make a campaign, which people will get."""

REACHING = SENDING | {Action.RESUME, Action.ACCEPT}
"""Actions by which people get what is approved: its words and its number are part of the approval."""


class Reason(StrEnum):
    """Why a campaign is blocked; stable words for programs."""

    IN_DOUBT = "in-doubt"
    IMMUTABLE_CHANGE = "immutable-change"
    ALREADY_STARTED = "already-started"
    SCHEDULE_PASSED = "schedule-passed"
    LEAD_TIME = "lead-time"
    QUIET_HOURS = "quiet-hours"
    MISSING_ON_SERVER = "missing-on-server"
    LIMIT = "limit"
    TEMPLATE_IN_USE = "template-in-use"


class TemplateAction(StrEnum):
    """What happens to one template of the repo."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    ADOPT = "adopt"
    FORGET = "forget"
    MOVE = "move"
    NO_OP = "no-op"
    BLOCKED = "blocked"


WRITING = frozenset({TemplateAction.CREATE, TemplateAction.UPDATE})
"""Actions that write what a template says."""


class Stage(StrEnum):
    """How far a campaign is, as to what can still be stopped: its point of no return."""

    NOT_CREATED = "not-created"
    IN_DOUBT = "in-doubt"
    STOPPABLE = "stoppable"
    PAUSED = "paused"
    SENDING = "sending"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class AttributeDiff:
    """One attribute that differs; `path` is dotted with indexes (`recipients.value[0]`), absent is None."""

    path: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class Sender:
    """The WhatsApp number that a campaign goes out from: an instance of MsgFlash. `number` is None before pairing."""

    id: str
    name: str
    number: str | None


@dataclass(frozen=True, slots=True)
class UsedTemplate:
    """A template that a campaign sends; `variables` are dotted paths, and `id` is empty as long as it is not made."""

    id: str
    name: str
    content: Content
    variables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Audience:
    """
    Who would get it.

    Attributes:
        type: of the recipients: all, tags, explicit, group.
        count: how many; None where it was not counted.
        limit: how many the instance's warm-up advises in one campaign; None where MsgFlash does not say.
        name: of a group, as MsgFlash has it; None for others.
    """

    type: str
    count: int | None = None
    limit: int | None = None
    name: str | None = None


_CUSTOM = re.compile(r"\{\{\s*custom\.(?P<name>[a-zA-Z0-9_]+)\s*\}\}")
"""A placeholder that `variables` fills in (reference 4.1)."""


@dataclass(frozen=True, slots=True)
class Change:
    """
    What the plan says about one address.

    Attributes:
        address: the campaign.
        action: the verb.
        reason: why, for blocked ones only.
        explanation: a clause for people, why this action; may be empty.
        source: where it is written; None when no file has it any more.
        id: the campaign's id on MsgFlash, where it has one.
        before: the payload on record; None where nothing was sent.
        after: the payload as it would go on the wire; None where no file has it any more.
        diff: attributes by which `before` and `after` differ.
        starts_at: start of `after`, else of `before`.
        timezone: in which people read the start; None for UTC.
        names: the names that the files give where `after` has ids, by payload field; where an id could not be looked
            up (offline), `after` lacks that field.
        audience: of `after`, for creates, replaces and resumes.
        max_people: more recipients than this block it; None for no limit.
        instance: the number that it goes out from; None where MsgFlash was not asked.
        template: what it sends in template mode, as it is on MsgFlash now or will be made before it is sent; None where
            that was not asked.
        template_address: the template of this repo that it sends; None for others.
        lifecycle: as in the file; of one that no file has, what is kept with the record.
        labels: as in the file, else as on record.
        status: on MsgFlash, as last read; None where it has no record.
        previous_address: where the record is now, when it moves.
        pause_after: the file says `paused: true`, so a create is followed by a pause.
    """

    address: Address
    action: Action
    starts_at: datetime
    reason: Reason | None = None
    explanation: str = ""
    source: Source | None = None
    id: str | None = None
    before: Payload | None = None
    after: Payload | None = None
    diff: tuple[AttributeDiff, ...] = ()
    timezone: str | None = None
    names: Names = field(default_factory=dict)
    audience: Audience | None = None
    max_people: int | None = None
    instance: Sender | None = None
    template: UsedTemplate | None = None
    template_address: Address | None = None
    lifecycle: Lifecycle = DEFAULT_LIFECYCLE
    labels: Mapping[str, str] = field(default_factory=dict)
    status: str | None = None
    previous_address: Address | None = None
    pause_after: bool = False

    @property
    def is_sending(self) -> bool:
        """Whether it would make a campaign, which people will get."""
        return self.action is Action.CREATE or self.action is Action.REPLACE

    @property
    def words(self) -> Content | None:
        """
        What people read: direct content, or the template's, with the variables of the campaign filled in.

        Placeholders of MsgFlash remain (`{{contact.firstName}}`). None where the template is not known.
        """
        payload = self.payload or {}
        if self.template is None and (TEMPLATE in payload or TEMPLATE in self.names):
            return None
        if self.template is None:
            kind, body, media = (payload.get(name) for name in ("type", "body", "mediaUrl"))
            return Content(*(None if value is None else str(value) for value in (kind, body, media)))
        variables = payload.get("variables")
        given = variables if isinstance(variables, Mapping) else {}

        def value_of(found: re.Match[str]) -> str:
            return str(given.get(found["name"], found[0]))

        content = self.template.content
        return replace(content, body=content.body and _CUSTOM.sub(value_of, content.body))

    @property
    def payload(self) -> Payload | None:
        """What the change is about: what would be sent, else what was."""
        return self.before if self.after is None else self.after

    @property
    def seen(self) -> Seen:
        """What is approved beside the payload, and recorded with the campaign."""
        return Seen(
            content=self.template.content.digest if self.template is not None else None,
            number=self.instance.number if self.instance is not None else None,
            people=self.audience.count if self.audience is not None else None,
            max_people=self.max_people,
        )

    @property
    def approval(self) -> JsonObject:
        """All that is approved of this change: what people get, from whom, how many they may be; plain JSON."""
        seen = self.seen if self.action in REACHING else Seen()
        return {
            "action": self.action.value,
            "previous address": self.previous_address,
            "id": self.id,
            "payload": self.after,
            "paused after": self.pause_after,
            "content": seen.content,
            "number": seen.number,
            "limit of people": seen.max_people,
            "lifecycle": [self.lifecycle.on_change, self.lifecycle.on_remove, *self.lifecycle.ignore_changes],
        }

    @property
    def recipients(self) -> JsonObject:
        """The recipients of `after`; empty where no file has the campaign any more."""
        recipients = (self.after or {}).get("recipients")
        return recipients if isinstance(recipients, Mapping) else {}

    def blocked(self, reason: Reason, explanation: str) -> Self:
        """Return this change as a blocked one."""
        return replace(self, action=Action.BLOCKED, reason=reason, explanation=explanation)

    def stage(self, now: datetime) -> Stage:
        """
        Say what can still be stopped, as of the status that is known.

        `stoppable` lasts until the start that was sent; a scheduled campaign whose start time has passed counts as
        `sending` until it is read, and so does a status that this version does not know.
        """
        if self.reason is Reason.IN_DOUBT:
            return Stage.IN_DOUBT
        if self.id is None or self.before is None or self.status is None:
            return Stage.NOT_CREATED
        if self.status in {*TERMINAL, GONE}:
            return Stage.OVER
        if self.status in {Status.PAUSED, *PAUSED_BY_SYSTEM}:
            return Stage.PAUSED
        ahead = parse_instant(str(self.before["schedule"])) > now
        return Stage.STOPPABLE if ahead and self.status in {Status.SCHEDULED, Status.DRAFT} else Stage.SENDING


@dataclass(frozen=True, slots=True)
class TemplateChange:
    """
    What the plan says about one template of the repo.

    Attributes:
        address: the template; a namespace of its own.
        action: `create` makes a version, `update` changes the one there is, `adopt` takes one that MsgFlash has by this
            name and content, `delete` also cleans up versions that nothing uses.
        name: on MsgFlash, after the change.
        reason: why, for blocked ones only: `immutable-change`, `template-in-use`, `limit`.
        explanation: a clause for people; may be empty.
        source: where it is written; None when no file has it any more.
        id: of the current version on MsgFlash; None where there is none.
        before: what the current version says; None where there is none.
        after: what the file says; None where no file has it any more.
        diff: attributes by which `before` and `after` differ, with paths such as `template.body`.
        campaigns: that send other words by this change, or wait for it.
        unused: versions that are deleted, since nothing uses them.
        lifecycle: as in the file; of one that no file has, what is kept with the record.
        labels: as in the file, else as on record.
        previous_address: where the record is now, when it moves.
        copies: ids of equal templates on MsgFlash that are not this state's.
    """

    address: Address
    action: TemplateAction
    name: str
    reason: Reason | None = None
    explanation: str = ""
    source: Source | None = None
    id: str | None = None
    before: Content | None = None
    after: Content | None = None
    diff: tuple[AttributeDiff, ...] = ()
    campaigns: tuple[Address, ...] = ()
    unused: tuple[Version, ...] = ()
    lifecycle: TemplateLifecycle = DEFAULT_TEMPLATE_LIFECYCLE
    labels: Mapping[str, str] = field(default_factory=dict)
    previous_address: Address | None = None
    copies: tuple[str, ...] = ()

    @property
    def is_effective(self) -> bool:
        """Whether an apply would do something for it."""
        return self.action not in {TemplateAction.NO_OP, TemplateAction.BLOCKED}

    @property
    def approval(self) -> JsonObject:
        """All that is approved of this change, plain JSON."""
        return {
            "action": self.action.value,
            "previous address": self.previous_address,
            "name": self.name,
            "id": self.id,
            "words": None if self.after is None else self.after.digest,
            "list of deletions": [version.id for version in self.unused],
            "lifecycle": [self.lifecycle.on_change, self.lifecycle.on_remove],
        }

    def blocked(self, reason: Reason, explanation: str) -> Self:
        """Return this change as a blocked one."""
        return replace(self, action=TemplateAction.BLOCKED, reason=reason, explanation=explanation)


@dataclass(frozen=True, slots=True)
class RequestForecast:
    """
    API requests: `used` to make this plan, `apply` to carry it out, `left_this_month` where it can be read.

    `left_this_month` is None for team keys (they may not read usage), offline, and where nothing would be sent.
    `messages` is how many the creates would send, as far as their audiences were counted; `messages_left` of the month.
    """

    used: int
    apply: int
    left_this_month: int | None = None
    messages: int | None = None
    messages_left: int | None = None

    @property
    def suffice(self) -> bool:
        """Whether the month's requests are enough to carry the plan out; True where they could not be read."""
        return self.left_this_month is None or self.left_this_month >= self.apply


@dataclass(frozen=True, slots=True)
class Plan:
    """
    What an apply would do.

    Attributes:
        environment: whose state it was compared with.
        server: origin of the MsgFlash that it is for, such as `https://srv.msgflash.com`.
        lineage: of that state; None without a state (`--no-state`).
        serial: of that state; None without a state.
        created_at: when it was made.
        complete: False when something could not be checked (offline, or narrowed by --target or --select).
        changes: one per address, sorted by address.
        diagnostics: findings that do not stop the run, in order.
        requests: the forecast.
        templates: one per template of the repo that files or state know, sorted by address.
    """

    environment: str
    server: str
    lineage: str | None
    serial: int | None
    created_at: datetime
    complete: bool
    changes: tuple[Change, ...] = field(repr=False)  # thousands; asyncio spells out what a task gives back
    diagnostics: tuple[Diagnostic, ...]
    requests: RequestForecast
    templates: tuple[TemplateChange, ...] = ()

    @property
    def summary(self) -> dict[Action, int]:
        """How many of each action, every action named."""
        found = Counter(change.action for change in self.changes)
        return {action: found[action] for action in Action}

    @property
    def template_summary(self) -> dict[TemplateAction, int]:
        """How many templates of each action, every action named."""
        found = Counter(one.action for one in self.templates)
        return {action: found[action] for action in TemplateAction}

    @property
    def is_empty(self) -> bool:
        """Whether an apply would do nothing."""
        return not self.effective and not self.effective_templates

    @property
    def effective(self) -> tuple[Change, ...]:
        """The changes that an apply would carry out."""
        return tuple(c for c in self.changes if c.action is not Action.NO_OP and c.action is not Action.BLOCKED)

    @property
    def effective_templates(self) -> tuple[TemplateChange, ...]:
        """The changes of templates that an apply would carry out, before those of campaigns."""
        return tuple(one for one in self.templates if one.is_effective)

    @property
    def blocked(self) -> tuple[Change, ...]:
        """The changes that wait for a person."""
        return tuple(c for c in self.changes if c.action is Action.BLOCKED)

    @property
    def approval(self) -> JsonObject:
        """
        What a person approves, plain JSON: environment, server, and by address what each change comes to.

        Unchanged campaigns take no part: what was approved is what goes out, and nothing goes out for them. Nor do the
        time of reading, and how many people there are: their limit does.
        """
        changes = {change.address: change.approval for change in self.changes if change.action is not Action.NO_OP}
        templates = {one.address: one.approval for one in self.templates if one.action is not TemplateAction.NO_OP}
        of_templates = {"templates": templates} if templates else {}
        return {"environment": self.environment, "server": self.server, "changes": changes, **of_templates}

    @property
    def digest(self) -> str:
        """`sha256:` over the approval."""
        return digest_of(self.approval)

    @property
    def blocked_templates(self) -> tuple[TemplateChange, ...]:
        """The changes of templates that wait for a person."""
        return tuple(one for one in self.templates if one.action is TemplateAction.BLOCKED)

    @property
    def reaching(self) -> tuple[Change, ...]:
        """The changes by which people get messages."""
        return tuple(c for c in self.changes if c.is_sending or c.action is Action.RESUME)

    @property
    def people(self) -> int | None:
        """
        How many people the changes reach; None where nothing was counted.

        Whoever is in two audiences counts twice, except that campaigns to the same recipients reach the same people.
        """
        counted = [c for c in self.reaching if c.audience is not None and c.audience.count is not None]
        everyone = [c.audience.count for c in counted if c.audience is not None and c.audience.type == "all"]
        if everyone and everyone[0] is not None:
            return everyone[0]
        audiences = {digest_of(c.recipients): c.audience.count or 0 for c in counted if c.audience is not None}
        return sum(audiences.values()) if counted else None

    @property
    def uncounted(self) -> int:
        """Of how many of these changes the people were not counted."""
        return sum(c.audience is None or c.audience.count is None for c in self.reaching)

    @property
    def is_hurting(self) -> bool:
        """Whether a campaign that was created will fail."""
        return any(one.code in HURTING for one in self.diagnostics)

    @property
    def needs_person(self) -> bool:
        """Whether something waits for a person: it is blocked, or a campaign that was created will fail."""
        return bool(self.blocked or self.blocked_templates) or self.is_hurting

    def exit_code(self, *, detailed: bool) -> ExitCode:
        """Return the exit code: 3 when a person is needed, else 2 (only if `detailed`) when there are changes."""
        if self.needs_person:
            return ExitCode.PERSON_NEEDED
        if detailed and not self.is_empty:
            return ExitCode.CHANGES
        return ExitCode.DONE


HURTING = frozenset({Code.TEMPLATE_GONE, Code.TEMPLATE_WANTS_MORE})
"""Warnings about campaigns that were created and whose messages will fail."""


def digest_of(document: object) -> str:
    """`sha256:` and 64 hex digits over JSON, whatever the order of keys."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def finding(
    severity: Severity,
    code: str,
    about: Change | Desired,
    message: str,
    hint: str | None,
    path: ValuePath | None = None,
) -> Diagnostic:
    """Make a diagnostic about a campaign, or about the field at `path` of its document."""
    file, line = (about.source.file, about.source.line) if about.source else (None, None)
    return Diagnostic(severity, code, message, hint, file=file, line=line, address=about.address, path=path)
