"""
Templates of the repo during one apply: made before the campaigns that send them, cleaned up after; contract section 14.

Every write is announced in the journal as a campaign's is, and leaves in time or not at all. But nothing stays in
doubt: a template whose create got no answer is found again by its name and content, equal copies are harmless, and a
change or a removal may be sent twice.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Final

from msgflash_apply.api.client import READ_ATTEMPTS, TOO_LATE, MayLeave
from msgflash_apply.api.outcome import (
    Answer,
    Created,
    NotCreated,
    Reply,
    Then,
    classify,
    data_in,
    is_rate_limit,
    object_in,
    problem_in,
)
from msgflash_apply.apply.create import report_pause, wait_for_slot
from msgflash_apply.apply.result import Outcome, TemplateResult
from msgflash_apply.apply.run import Run
from msgflash_apply.campaign import Address, Content, plain_id
from msgflash_apply.errors import ApiError
from msgflash_apply.plan.lookup import Lookups
from msgflash_apply.plan.plan import WRITING, TemplateAction, TemplateChange
from msgflash_apply.state.journal import Entry, Kept, Templated
from msgflash_apply.template import Effect, TemplateRecord, Version

IN_FLIGHT: Final = 8
NOT_MADE: Final = "stopped before it was made"
NOT_UNDERSTOOD: Final = "an answer that is not understood"


async def begin(run: Run, changes: Iterable[TemplateChange]) -> list[TemplateResult]:
    """Write down what needs no request: moves, what was found or forgotten, descriptions."""
    done, templates, queued = [], run.templates, []
    for change in changes:
        record = templates.records.pop(change.previous_address or change.address, None)
        after = None if change.action is TemplateAction.FORGET else _described(change, record)
        entries: list[Entry] = []
        if change.previous_address is not None:
            entries.append(Templated(change.previous_address, None))
        if change.action is TemplateAction.ADOPT and after is not None and change.after is not None:
            entries.append(Kept(change.after.digest, change.after))
            found = replace(_version(run, change, change.id or "", change.after), is_ours=False)
            after = _with_version(after, found)
        if after is not None:
            templates.records[change.address] = after
        if change.reason is not None:
            templates.failed[change.address] = change.explanation
        # Another line alone is no reason to write; what is made is written down when it is announced.
        is_same = record == after or (record and after and replace(after, line=record.line) == record)
        if entries or (not is_same and change.action not in WRITING):
            entries.append(Templated(change.address, after))
        queued.append((change, run.journal.queue(*entries) if entries else None))
    for change, written in queued:
        is_stored = written is None or await run.journal.is_durable(written)
        if change.is_effective and change.action not in WRITING | {TemplateAction.DELETE}:
            outcome, error = (Outcome.DONE, None) if is_stored else (Outcome.SKIPPED, run.stop.why)
            done.append(TemplateResult(change.address, change.action, outcome, change.id, error))
    return done


async def make(run: Run, change: TemplateChange) -> TemplateResult:
    """Create a version, or change the one there is."""
    content = change.after or Content()
    is_create = change.action is TemplateAction.CREATE
    effect = Effect(
        "create" if is_create else "update",
        run.now(),
        change.name,
        content.digest,
        id=None if is_create else change.id,
        known=change.copies,
    )

    async def send(may_leave: MayLeave) -> Answer:
        if is_create:
            return await run.client.create_template(change.name, content, may_leave)
        return await run.client.update_template(change.id or "", change.name, content, may_leave)

    unheard: set[str] = set()

    async def find() -> str | None:
        lookups = Lookups(run.client)
        listed = (await lookups.templates()).items()
        new = [each for each, one in listed if one.name == change.name and each not in effect.known]
        whole = (await lookups.used_templates(new)).items()
        unheard.update([each for each, one in whole if one is not None and one.content == content][:1])
        return next(iter(unheard), None)

    # Another state may have made what is found: it is never deleted, and never what is changed in place.
    finds = is_create and change.lifecycle.on_change != "in_place"
    identifier, why, outcome = await _write(run, change.address, effect, send, content, find if finds else None)
    result = TemplateResult(change.address, change.action, Outcome.DONE, identifier or change.id)
    if identifier is None:
        run.templates.failed[change.address] = why
        return replace(result, outcome=outcome, error=why)
    version = replace(_version(run, change, identifier, content), is_ours=identifier not in unheard)
    record = _with_version(run.templates.records[change.address], version)
    if not await _put(run, change.address, record):
        return replace(result, error="it was made, but its id could not be stored in the state")
    return result


async def clean_up(run: Run, change: TemplateChange) -> TemplateResult:
    """Delete the versions that nothing uses; and the record, where no file has the template any more."""
    result = TemplateResult(change.address, TemplateAction.DELETE, Outcome.DONE, change.id)
    for version in change.unused:
        effect = Effect("delete", run.now(), version.name, version.content, id=version.id)

        async def send(may_leave: MayLeave, identifier: str = version.id) -> Answer:
            return await run.client.delete_template(identifier, may_leave)

        gone, why, outcome = await _write(run, change.address, effect, send, None, None)
        if gone is None:
            return replace(result, outcome=outcome, error=f"{version.name} was not deleted: {why}")
        record = run.templates.records[change.address]
        rest = tuple(one for one in record.versions if one.id != version.id)
        is_last = change.after is None and version is change.unused[-1]
        if not await _put(run, change.address, None if is_last else replace(record, versions=rest)):
            return replace(result, error=run.stop.why)
    return result


def _described(change: TemplateChange, record: TemplateRecord | None) -> TemplateRecord | None:
    """Give the record of a template what its file says and MsgFlash does not get."""
    if change.source is None:
        return record
    return replace(
        record or TemplateRecord(""),
        file=change.source.file,
        line=change.source.line,
        on_remove=change.lifecycle.on_remove,
        labels=dict(change.labels),
    )


def _version(run: Run, change: TemplateChange, identifier: str, content: Content) -> Version:
    return Version(plain_id(identifier), change.name, content.digest, run.now())


def _with_version(record: TemplateRecord, version: Version) -> TemplateRecord:
    """Make a version the current one, in the place of what the same template said before; nothing is open then."""
    former = next((one for one in record.versions if one.id == version.id), None)
    kept = version if former is None else replace(version, made_at=former.made_at, is_ours=former.is_ours)
    others = tuple(one for one in record.versions if one.id != version.id)
    return replace(record, versions=(*others, kept), effects=())


async def _put(run: Run, address: Address, record: TemplateRecord | None, *before: Entry) -> bool:
    """Write down what is known of a template from now on."""
    is_stored = await run.journal.write(*before, Templated(address, record))
    if is_stored and record is not None:
        run.templates.records[address] = record
    return is_stored


async def _write(
    run: Run,
    address: Address,
    effect: Effect,
    send: Callable[[MayLeave], Awaitable[Answer]],
    content: Content | None,
    find: Callable[[], Awaitable[str | None]] | None,
) -> tuple[str | None, str, Outcome]:
    """
    Announce a write, send it, and again as long as that may help.

    Args:
        run: of the plan.
        address: of the template.
        effect: what is announced.
        send: sends it once.
        content: what it says; None where it is deleted.
        find: looks for what a create made whose answer never came; None where sending it again does no harm.

    Returns:
        The id of the template; or None, why there is none, and whether anything was sent. The announcement stays open
        where the outcome is not known.
    """
    record, what = replace(run.templates.records[address], effects=()), ""
    for attempt in range(1, READ_ATTEMPTS + 1):
        answer = await _announced(run, address, record, effect, send, content)
        if answer is None:
            return None, run.stop.why or NOT_MADE, Outcome.FAILED if what else Outcome.SKIPPED
        if isinstance(answer, Reply) and (made := _id_in(answer, effect)) is not None:
            return await _compared(run, address, record, Version(made, effect.name, "", run.now()), answer, content)
        outcome = classify(answer)
        what = NOT_UNDERSTOOD if isinstance(outcome, Created) else outcome.what
        if isinstance(outcome, NotCreated) and outcome.then is not Then.RETRY:
            if outcome.then is Then.STOP:
                run.stop.set(what)
            await _put(run, address, record)
            break
        if find is not None and not isinstance(outcome, NotCreated):
            try:
                found = await find()
            except ApiError as err:
                what = f"{what}; and whether it was made could not be looked up: {err.detail or err.summary}"
                break
            if found is not None:
                return found, "", Outcome.DONE
        if attempt < READ_ATTEMPTS:
            await run.client.back_off(attempt)
    return None, what, Outcome.FAILED


async def _announced(
    run: Run,
    address: Address,
    record: TemplateRecord,
    effect: Effect,
    send: Callable[[MayLeave], Awaitable[Answer]],
    content: Content | None,
) -> Answer | None:
    """
    Write ahead, wait for a slot and send; again where that took longer than an announcement holds, or was too fast.

    Returns:
        The answer; None where nothing was sent, since the run stops.
    """
    kept = () if content is None else (Kept(content.digest, content),)
    while True:
        may_leave = run.deadline()
        if not await _put(run, address, replace(record, effects=(effect,)), *kept):
            return None
        await wait_for_slot(run)
        if run.stop.is_set:
            await _put(run, address, record)
            return None
        answer = await send(may_leave)
        if is_rate_limit(answer):
            report_pause(run)
        elif answer is not TOO_LATE:
            return answer


async def _compared(
    run: Run, address: Address, record: TemplateRecord, made: Version, answer: Reply, content: Content | None
) -> tuple[str | None, str, Outcome]:
    """Hold the answer against what was sent; what says something else is on record, and no campaign sends it."""
    said = _contradiction(answer, content)
    if said is None:
        return made.id, "", Outcome.DONE
    version = replace(made, content=said[0].digest)
    await _put(run, address, _with_version(record, version), Kept(said[0].digest, said[0]))
    return None, said[1], Outcome.FAILED


def _id_in(answer: Reply, effect: Effect) -> str | None:
    """Read which template an answer says was written; None where it says nothing of the kind."""
    if effect.verb == "create":
        made = object_in(answer) if answer.status == 201 else None
        return None if made is None else plain_id(str(made["id"]))
    problem = problem_in(answer)
    is_gone = effect.verb == "delete" and problem is not None and problem.is_absence
    return effect.id if is_gone or (answer.status == 200 and data_in(answer) is not None) else None


def _contradiction(answer: Reply, content: Content | None) -> tuple[Content, str] | None:
    """Say what a template says by MsgFlash's answer, where that is not what was sent; examples are abridged."""
    made = object_in(answer)
    if made is None or content is None:
        return None
    sent = {"type": content.type, "body": content.body, "mediaUrl": content.media_url}
    said = {name: made[name] for name in sent if name in made and (made[name] or None) != sent[name]}
    if not said:
        return None
    kind, body, media = (said.get(name, value) for name, value in sent.items())
    texts = [None if value is None else str(value) for value in (kind, body, media)]
    return Content(*texts), f"MsgFlash's answer is not what was sent: another {', '.join(said)}"
