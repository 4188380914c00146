"""
What becomes of the templates of the repo, and what campaigns send by them: contract section 14. Pure.

`resolve` finds for each template the one on MsgFlash that says what its file says, or how it comes to be; campaigns are
decided on that. `template_changes` then says what is done, with the campaigns that it concerns and what nothing uses.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from msgflash_apply.campaign import (
    GONE,
    TEMPLATE,
    TERMINAL,
    UNKNOWN,
    Address,
    Content,
    Desired,
    Facts,
    Status,
    id_in,
    plain_id,
    plain_id_in,
    with_ids,
)
from msgflash_apply.findings import Code, Diagnostic, Severity
from msgflash_apply.models.project import Policy
from msgflash_apply.plan.diff import content_differences
from msgflash_apply.plan.lookup import LookedUp, place_of
from msgflash_apply.plan.plan import WRITING, Change, Reason, TemplateAction, TemplateChange, UsedTemplate, finding
from msgflash_apply.plan.refresh import PriorState
from msgflash_apply.state.snapshot import Snapshot
from msgflash_apply.template import DesiredTemplate, TemplateLifecycle, TemplateRecord, Version, placeholders

Listed = Mapping[str, UsedTemplate]
"""Templates of MsgFlash by id: every one that the state knows, and every one with a name that the files want."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """
    What one template of the repo is on MsgFlash.

    Attributes:
        change: what is to be done for it; without the campaigns that it concerns, and what nothing uses.
        used: what campaigns send by it, once that is done; its id is empty until then where it is created.
        versions: that MsgFlash has of it by this state.
        same: ids of every version that says what its file says, and of those that are gone.
    """

    change: TemplateChange
    used: UsedTemplate
    versions: tuple[Version, ...]
    same: frozenset[str] = frozenset()

    @property
    def is_in_place(self) -> bool:
        """Whether the campaigns that send it already get other words."""
        return self.change.action is TemplateAction.UPDATE

    def changes_words_of(self, change: Change) -> bool:
        """Whether a campaign on record gets other words by this."""
        return self.is_in_place and plain_id_in(change.before, TEMPLATE) == self.change.id

    def id_for(self, sent: str | None) -> str:
        """The id that a campaign sends: the one that it was created with, where that says the same."""
        same = {version.id for version in self.versions if version.content == self.used.content.digest}
        return sent if sent is not None and sent in same else self.used.id


def resolve(
    desired: Sequence[DesiredTemplate], prior: PriorState, listed: Listed | None, policy: Policy, now: datetime
) -> Mapping[Address, Resolved]:
    """
    Find what each template of the files is on MsgFlash.

    Args:
        desired: every template of the files.
        prior: the state, with what was read of its campaigns.
        listed: what MsgFlash has; None where it was not asked, and the state is believed.
        policy: how many may be created.
        now: the time of planning.
    """
    homes = _homes(desired, prior.snapshot)
    found = {}
    for wanted in desired:
        home = homes.get(wanted.address)
        record = prior.snapshot.templates[home] if home is not None else TemplateRecord("")
        moved = home if home != wanted.address else None
        found[wanted.address] = _resolve(wanted, record, moved, prior, listed, now)
    creates = [address for address, one in found.items() if one.change.action is TemplateAction.CREATE]
    if policy.max_creates is not None and len(creates) > policy.max_creates:
        explanation = f"the plan would create {len(creates)}, and `policy.max_creates` is {policy.max_creates}"
        for address in creates:
            found[address] = replace(found[address], change=found[address].change.blocked(Reason.LIMIT, explanation))
    return found


def _homes(desired: Sequence[DesiredTemplate], snapshot: Snapshot) -> Mapping[Address, Address]:
    """Find where the state has each template: at its address, at a former one, or under one that vanished."""
    addresses = {wanted.address for wanted in desired}
    homes = {address: address for address in addresses & snapshot.templates.keys()}
    vanished = {address for address in snapshot.templates if address not in addresses}
    new = [wanted for wanted in desired if wanted.address not in homes]
    for wanted in new:
        named = [former for former in wanted.moved_from if former in vanished]
        same = [
            address
            for address in sorted(vanished)
            if (versions := snapshot.templates[address].versions) and versions[-1].content == wanted.content.digest
        ]
        for former in (named or same)[:1]:
            homes[wanted.address] = former
            vanished.remove(former)
    return homes


def _resolve(
    wanted: DesiredTemplate,
    record: TemplateRecord,
    moved: Address | None,
    prior: PriorState,
    listed: Listed | None,
    now: datetime,
) -> Resolved:
    content, digest = wanted.content, wanted.content.digest
    present = tuple(version for version in record.versions if listed is None or version.id in listed)
    same = [version for version in present if version.content == digest]
    change = TemplateChange(
        address=wanted.address,
        action=TemplateAction.NO_OP if moved is None else TemplateAction.MOVE,
        name=wanted.name,
        source=wanted.source,
        after=content,
        lifecycle=wanted.lifecycle,
        labels=wanted.labels,
        previous_address=moved,
    )
    to_make = Resolved(
        replace(change, action=TemplateAction.CREATE),
        UsedTemplate("", wanted.name, content, placeholders(content)),
        present,
        frozenset(version.id for version in record.versions if version.content == digest),
    )
    current = same[-1] if same else present[-1] if present else None
    if current is not None:
        says = _content_of(current, prior.snapshot, listed)
        change = replace(change, id=current.id, name=current.name, before=says)
        if says is not None and says != content:
            change = replace(change, diff=content_differences(says, content))
    resolved = replace(to_make, change=change, used=replace(to_make.used, id=change.id or ""))
    if current is not None and change.before == content:
        # The answer of a change in place may have been lost.
        taken = change if same else replace(change, action=TemplateAction.ADOPT, explanation=_LOST)
        return replace(resolved, change=taken)
    if same:
        put_back = "it was edited on MsgFlash, and this puts back what its file says"
        return replace(resolved, change=replace(change, action=TemplateAction.UPDATE, explanation=put_back))
    if (lost := _created_unheard(wanted, record, listed)) is not None:
        adopted = replace(
            change, action=TemplateAction.ADOPT, id=lost, name=wanted.name, before=content, diff=(), explanation=_LOST
        )
        return replace(resolved, change=adopted, used=replace(to_make.used, id=lost))
    copies = tuple(sorted(_copies(wanted, listed)))
    if current is None:
        explanation = "it is gone on MsgFlash" if record.versions else ""
        return replace(
            to_make, change=replace(to_make.change, copies=copies, explanation=explanation, previous_address=moved)
        )
    if wanted.lifecycle.on_change == "block":
        kept = UsedTemplate(current.id, current.name, change.before or content, placeholders(change.before or content))
        blocked = change.blocked(Reason.IMMUTABLE_CHANGE, "its file changed, and `on_change` is `block`")
        return replace(resolved, change=blocked, used=kept)
    # Neither the type can be changed, nor a caption taken away (reference 4): another version can have both.
    can_change = (
        change.before is not None and change.before.type == content.type and (content.body or not change.before.body)
    )
    if wanted.lifecycle.on_change == "in_place" and can_change:
        update = replace(change, action=TemplateAction.UPDATE, name=wanted.name)
        if sending := [*_sending(prior, current.id, now)]:
            update = update.blocked(Reason.TEMPLATE_IN_USE, f"{sending[0]} is sending it" + _more(sending))
        return replace(resolved, change=update)
    version = replace(change, action=TemplateAction.CREATE, id=None, name=wanted.name, copies=copies)
    return replace(to_make, change=version)


_LOST = "a run that got no answer made it"


def _more(addresses: Sequence[Address]) -> str:
    return f", and {len(addresses) - 1} more are" if len(addresses) > 1 else ""


def _content_of(version: Version, snapshot: Snapshot, listed: Listed | None) -> Content | None:
    """What a version says: on MsgFlash, or as the state remembers."""
    return snapshot.contents.get(version.content) if listed is None else listed[version.id].content


def _copies(wanted: DesiredTemplate, listed: Listed | None) -> Iterator[str]:
    for identifier, one in (listed or {}).items():
        if one.name == wanted.name and one.content == wanted.content:
            yield identifier


def _created_unheard(wanted: DesiredTemplate, record: TemplateRecord, listed: Listed | None) -> str | None:
    """
    Find what a create made whose answer never came: by name and content, and it was not there before.

    Another state of the account may have made it meanwhile. Sent, the two are the same; but what is changed in place
    must be this state's own, or the campaigns of the other one would get other words.
    """
    if wanted.lifecycle.on_change == "in_place":
        return None
    announced = [one for one in record.effects if one.verb == "create" and one.content == wanted.content.digest]
    before = {identifier for one in announced for identifier in one.known}
    found = sorted(set(_copies(wanted, listed)) - before) if announced else []
    return found[0] if found else None


def _sending(prior: PriorState, identifier: str, now: datetime) -> Iterator[Address]:
    """Name the campaigns that send a template now, or may."""
    for address, record in prior.snapshot.campaigns.items():
        if plain_id_in(record.facts.payload, TEMPLATE) == identifier:
            status = prior.status(record)
            is_due = status in {Status.SCHEDULED, UNKNOWN} and record.facts.starts_at <= now
            if status == Status.RUNNING or is_due:
                yield address
    for address, intent in prior.snapshot.in_doubt.items():
        if intent.facts.starts_at <= now and plain_id_in(intent.facts.payload, TEMPLATE) == identifier:
            yield address


def users_of(resolved: Mapping[Address, Resolved], snapshot: Snapshot) -> set[str]:
    """Give the ids of the campaigns on record whose template is to be changed in place: are they sending?"""
    changed = {
        one.change.id
        for one in resolved.values()
        if one.change.action is TemplateAction.UPDATE and one.change.lifecycle.on_change == "in_place"
    }
    return {
        record.id
        for record in snapshot.campaigns.values()
        if record.status not in {*TERMINAL, GONE} and plain_id_in(record.facts.payload, TEMPLATE) in changed
    }


def with_template(desired: Desired, resolved: Mapping[Address, Resolved], sent: Facts | None, now: datetime) -> Desired:
    """
    Put in the id of the template of the repo that a campaign sends, where it has one already.

    What a campaign sent whose start has passed stays what it was, whatever became of the template since.
    """
    home = resolved.get(desired.template) if desired.template is not None else None
    if home is None:
        return desired
    former = id_in(sent.payload, TEMPLATE) if sent is not None else None
    identifier = home.id_for(former)
    if sent is not None and former != identifier and plain_id(former or "") in home.same and sent.starts_at <= now:
        return replace(desired, payload=with_ids(desired.payload, {TEMPLATE: former or ""}))
    return replace(desired, payload=with_ids(desired.payload, {TEMPLATE: identifier})) if identifier else desired


def with_made(prior: PriorState, resolved: Mapping[Address, Resolved]) -> PriorState:
    """Let the prior state know what the templates will say that this plan makes or changes."""
    made = {address: one.used for address, one in resolved.items()}
    changed = [one.used for one in resolved.values() if one.change.action is TemplateAction.UPDATE]
    templates = {**prior.templates, **{one.id: one for one in changed}}
    templates |= {one.id: one for one in made.values() if one.id and one.id not in templates}
    return replace(prior, templates=templates, made=made, in_place=frozenset(one.id for one in changed))


def wait_for_templates(changes: Sequence[Change], resolved: Mapping[Address, Resolved]) -> tuple[Change, ...]:
    """Block what would be sent by a template that cannot be made to say what its file says."""
    done = []
    for change in changes:
        home = resolved.get(change.template_address) if change.template_address is not None else None
        if home is not None and change.is_sending and home.change.reason is not None:
            change = change.blocked(home.change.reason, f"its template is blocked: {home.change.explanation}")  # noqa: PLW2901
        done.append(change)
    return tuple(done)


def template_changes(
    resolved: Mapping[Address, Resolved],
    prior: PriorState,
    listed: Listed | None,
    items: Iterable[LookedUp],
    changes: Sequence[Change],
    every: Sequence[Change],
) -> tuple[TemplateChange, ...]:
    """
    Say what is done for each template that files or state know, sorted by address.

    Args:
        resolved: those of the files.
        prior: the state.
        listed: what MsgFlash has; None where it was not asked, and then nothing is cleaned up.
        items: every campaign of the files.
        changes: of the plan, by which campaigns get other words.
        every: the same of the whole repo: a change in place also reaches the campaigns that are not planned.
    """
    used = {plain_id(identifier) for item in items if (identifier := id_in(item.payload, TEMPLATE))}
    used |= {
        plain_id(identifier)
        for _, record in prior.snapshot.records()
        if prior.status(record) not in {*TERMINAL, GONE} and (identifier := id_in(record.facts.payload, TEMPLATE))
    }
    used |= {
        plain_id(identifier)
        for intent in prior.snapshot.in_doubt.values()
        if (identifier := id_in(intent.facts.payload, TEMPLATE))
    }
    used |= {one.used.id for one in resolved.values()}
    senders: dict[Address | None, list[Change]] = {}
    for change in changes:
        senders.setdefault(change.template_address, []).append(change)
    done = []
    for address, one in resolved.items():
        wait = tuple(
            change.address
            for change in (every if one.is_in_place else senders.get(address, ()))
            if (change.template_address == address or one.changes_words_of(change))
            and (change.is_sending or change.diff or change.reason is not None)
        )
        unused = () if listed is None or one.change.reason is not None else _unused(one.versions, used)
        shown = replace(one.change, campaigns=wait if one.change.action in _TELLING else (), unused=unused)
        if shown.action is TemplateAction.NO_OP and unused:
            shown = replace(shown, action=TemplateAction.DELETE, explanation="nothing uses these versions any more")
        done.append(shown)
    homes = resolved.keys() | {one.change.previous_address for one in resolved.values()}
    done += [
        _left(address, record, prior.snapshot, listed, used)
        for address, record in prior.snapshot.templates.items()
        if address not in homes
    ]
    return tuple(sorted(done, key=lambda change: change.address))


_TELLING = frozenset({TemplateAction.CREATE, TemplateAction.UPDATE, TemplateAction.BLOCKED})


def _unused(versions: Sequence[Version], used: set[str]) -> tuple[Version, ...]:
    return tuple(version for version in versions if version.is_ours and version.id not in used)


def _left(
    address: Address, record: TemplateRecord, snapshot: Snapshot, listed: Listed | None, used: set[str]
) -> TemplateChange:
    """Decide on what no file has any more."""
    versions = tuple(version for version in record.versions if listed is None or version.id in listed)
    current = versions[-1] if versions else None
    left = TemplateChange(
        address=address,
        action=TemplateAction.FORGET,
        name=current.name if current else address,
        id=current.id if current else None,
        before=_content_of(current, snapshot, listed) if current else None,
        explanation="its file is gone",
        lifecycle=TemplateLifecycle(on_remove=record.on_remove),
        labels=record.labels,
    )
    unused = _unused(versions, used)
    if record.on_remove == "keep" or not versions:
        also = "; it stays on MsgFlash" if versions else ", and it is gone on MsgFlash"
        return replace(left, explanation=left.explanation + also)
    if listed is None or any(version.id in used for version in versions):
        also = ", and it is deleted once no campaign uses it"
        return replace(left, action=TemplateAction.NO_OP, explanation=left.explanation + also)
    if not unused:
        return replace(left, explanation="its file is gone; this state did not create it, so it stays on MsgFlash")
    return replace(left, action=TemplateAction.DELETE, unused=unused)


def same_names(
    items: Iterable[LookedUp], listed: Iterable[tuple[str, str]], snapshot: Snapshot
) -> Iterator[Diagnostic]:
    """
    Find campaigns whose `template` is an address of the repo and a name on MsgFlash as well.

    Args:
        items: every campaign of the files.
        listed: name and id of each template of MsgFlash.
        snapshot: with those that are the repo's own.
    """
    own = {version.id for record in snapshot.templates.values() for version in record.versions}
    taken = {name: identifier for name, identifier in listed if identifier not in own}
    for item in items:
        name = item.desired.names.get(TEMPLATE, "")
        if item.desired.template is not None and name in taken:
            message = f"`{name}` is a template of this repo, and one on MsgFlash has this name too ({taken[name]})"
            hint = "give the id of the one on MsgFlash (`templateId`), or rename one of them"
            yield finding(
                Severity.ERROR, Code.AMBIGUOUS_NAME, item.desired, message, hint, place_of(item.desired, TEMPLATE)
            )


def requests_for(changes: Iterable[TemplateChange]) -> int:
    """Forecast how many requests an apply of these changes sends when nothing goes wrong."""
    return sum((change.action in WRITING) + len(change.unused) for change in changes if change.is_effective)
