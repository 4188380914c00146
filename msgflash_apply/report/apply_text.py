"""What an apply did, as text: one line per event while it runs (`event_to_line`), and its end (`apply_to_text`)."""

import signal
from collections import Counter
from collections.abc import Iterator
from typing import assert_never

from msgflash_apply.apply.result import ApplyReport, ChangeEnded, ChangeStarted, Event, Outcome, Paused, Result
from msgflash_apply.plan.plan import SENDING, Action
from msgflash_apply.report.diagnostics import finding_lines, no_source
from msgflash_apply.report.differences import difference_lines, plain
from msgflash_apply.report.layout import NARROWEST, Paint, Tone, counted, indented, titled
from msgflash_apply.report.safe_text import shell_word, shown
from msgflash_apply.report.wording import program, resolving_commands

_DONE = {
    Action.CREATE: "created",
    Action.PAUSE: "paused",
    Action.RESUME: "resumed",
    Action.REPLACE: "replaced",
    Action.RETIRE: "retired",
    Action.FORGET: "forgotten",
    Action.ACCEPT: "accepted",
    Action.MOVE: "moved",
    Action.NO_OP: "unchanged",
    Action.BLOCKED: "blocked",
}
_DOING = {
    Action.CREATE: "creating",
    Action.PAUSE: "pausing",
    Action.RESUME: "resuming",
    Action.REPLACE: "replacing",
    Action.RETIRE: "retiring",
    Action.FORGET: "forgetting",
    Action.ACCEPT: "accepting",
    Action.MOVE: "moving",
    Action.NO_OP: "leaving",
    Action.BLOCKED: "leaving",
}
_NOT_DONE = {
    Outcome.FAILED: ("failed", Tone.DANGER),
    Outcome.IN_DOUBT: ("in doubt", Tone.DOUBT),
    Outcome.SKIPPED: ("skipped", Tone.CHANGED),
}
_MEANING = {
    Outcome.IN_DOUBT: "In doubt: sent, and no answer says whether it arrived. Nothing more is sent for these until a"
    " person looks in the MsgFlash console and runs one of the commands; ID is the id that the console shows.",
    Outcome.FAILED: "Failed: fix the cause and apply again. Nothing was created for these, unless it says so.",
    Outcome.SKIPPED: "Skipped: nothing was sent for these.",
}
_RECOVERY = (
    "the state's storage refused some outcomes. They are in this file and nowhere else; recover them before anything"
    " else:"
)
_MOST_SKIPPED = 20


def event_to_line(event: Event, *, done: int, total: int) -> str:
    """
    Describe one event in one line, for logs: `created promo/black-friday  id 8f14  (3/12)`.

    Args:
        event: what happened.
        done: changes that have ended, this one included.
        total: changes to be carried out.
    """
    match event:
        case ChangeStarted(change=change):
            return f"{_DOING[change.action]} {shown(change.address)}"
        case ChangeEnded(result=result):
            if result.outcome is Outcome.DONE:
                what = f"{_DONE[result.action]} {shown(result.address)}"
                what += f"  id {shown(result.id)}" if result.id else ""
            else:
                what = f"{_NOT_DONE[result.outcome][0]} {_what_happened(result)}"
            return f"{what}  ({done}/{total})"
        case Paused(seconds=seconds):
            return f"MsgFlash asked to slow down: every request waits {seconds:.1f} s"
    assert_never(event)


def apply_to_text(report: ApplyReport, *, paint: Paint, width: int = 100) -> str:
    """Show the end of an apply: MsgFlash's advice, what needs a person and what to do about it, then the counts."""
    width = max(width, NARROWEST)
    parts = ["\n".join(_advice(report, paint, width))]
    parts += ["\n".join(_unfinished(report, outcome, paint, width)) for outcome in _NOT_DONE]
    parts += ["\n".join(finding_lines(d, paint=paint, source_line=no_source, width=width)) for d in report.diagnostics]
    parts.append("\n".join(_stop(report, paint, width)))
    done = Counter(result.action for result in report.results if result.outcome is Outcome.DONE)
    counts = [f"{done[action]} {word}" for action, word in _DONE.items() if done[action]]
    counts += [f"{number} {word}" for outcome, (word, _) in _NOT_DONE.items() if (number := report.summary[outcome])]
    if report.blocked:
        counts.append(f"{report.blocked} blocked and not tried")
    total = f"{paint(Tone.STRONG, 'Applied:')} {', '.join(counts) or 'nothing, there was nothing to do'}."
    parts.append(f"{total}\nRequests: {report.requests_sent} sent.")
    return "\n\n".join(part for part in parts if part) + "\n"


def _advice(report: ApplyReport, paint: Paint, width: int) -> Iterator[str]:
    """Show what MsgFlash said about safety; a plain `allow` has nothing to read and is only counted."""
    said = [(result, result.safety) for result in report.results if result.safety is not None]
    worth_reading = [
        (result, safety)
        for result, safety in said
        if safety.get("decision") != "allow" or safety.get("reasons") or safety.get("recommendations")
    ]
    if worth_reading:
        yield paint(Tone.STRONG, "Advice from MsgFlash") + " (advice only: it sends all the same)"
    for result, safety in worth_reading:
        decision = [plain(safety.get("decision", "no decision"))]
        if "riskLevel" in safety:
            decision.append(f"risk {plain(safety['riskLevel'])}")
        if "score" in safety:
            decision.append(f"score {plain(safety['score'])} of 100")
        yield from indented(f"{shown(result.address)}: {shown(', '.join(decision))}", 2, width, hanging=2)
        for field in ("reasons", "recommendations"):
            items = safety.get(field)
            for item in items if isinstance(items, list | tuple) else ():
                yield from indented(f"{field.removesuffix('s')}: {shown(plain(item))}", 4, width, hanging=2)
    if quiet := len(said) - len(worth_reading):
        yield f"MsgFlash advised nothing against {counted(quiet, 'other campaign' if worth_reading else 'campaign')}."


def _unfinished(report: ApplyReport, outcome: Outcome, paint: Paint, width: int) -> Iterator[str]:
    """List the changes that ended one way, why, and under those in doubt the commands that resolve them."""
    results = [result for result in report.results if result.outcome is outcome]
    if not results:
        return
    yield from indented(_MEANING[outcome], 0, width)
    # Skipped ones are harmless and may be thousands; those that need a person are all named.
    named = results[:_MOST_SKIPPED] if outcome is Outcome.SKIPPED else results
    word, tone = _NOT_DONE[outcome]
    for result in named:
        first, *others = indented(_what_happened(result), len(word) + 4, width)
        yield f"  {paint(tone, word)}  {first.strip()}"
        yield from others
        if outcome is Outcome.IN_DOUBT and result.action in SENDING:
            yield from (f"      {command}" for command in resolving_commands(result.address, report.environment))
        yield from difference_lines(result.differences, paint=paint, width=width)
        if result.is_stoppable:
            yield from indented("To stop it before it sends, write `paused: true` into its file, and then:", 6, width)
            yield f"      {program(report.environment)} apply --target {shell_word(result.address)}"
    if more := len(results) - len(named):
        yield f"  … {more} more skipped"


def _what_happened(result: Result) -> str:
    what = f"{shown(result.address)} ({result.action})"
    return f"{what}: {shown(result.error)}" if result.error else what


def _stop(report: ApplyReport, paint: Paint, width: int) -> Iterator[str]:
    """Say why the run ended early, and what to do before the next one."""
    command = program(report.environment)
    if report.recovery_file is not None:
        yield from titled("Not stored:", _RECOVERY, paint=paint, tone=Tone.DANGER, width=width)
        yield f"  {command} state recover {shell_word(report.recovery_file)}"
    if report.interrupted_by is not None:
        number = report.interrupted_by
        name = {each.value: each.name for each in signal.Signals}.get(number, f"signal {number}")
        why = f"by {name}; nothing new was started."
        yield from titled("Interrupted", why, paint=paint, tone=Tone.DANGER, width=width)
    if report.stopped is not None:
        yield from titled("Stopped early:", shown(report.stopped), paint=paint, tone=Tone.DANGER, width=width)
    if report.stopped is not None or report.interrupted_by is not None:
        yield from indented("What was created is recorded and is not sent again. To continue, apply again:", 0, width)
        yield f"  {command} apply"
