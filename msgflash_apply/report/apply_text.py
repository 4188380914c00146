"""What an apply did, as text: one line per event while it runs; at its end, what needs a person."""

import signal
from collections import Counter
from collections.abc import Iterator
from typing import assert_never

from msgflash_apply.apply.result import ApplyReport, ChangeEnded, ChangeStarted, Event, Outcome, Paused, Result
from msgflash_apply.campaign import JsonObject
from msgflash_apply.plan.plan import SENDING, Action
from msgflash_apply.report.differences import plain
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
    Outcome.FAILED: "Failed: mend the cause and apply again. Nothing was created for these, unless it says so.",
    Outcome.SKIPPED: "Skipped: nothing was sent for these.",
}
_RECOVERY = (
    "the state's storage refused some outcomes. They are written down in this file and nowhere else; bring them in"
    " before anything else:"
)
_MOST_SKIPPED = 20


def event_to_line(event: Event, *, done: int, total: int) -> str:
    """
    Tell one event in one line, for logs: `created promo/black-friday  id 8f14  (3/12)`.

    Args:
        event: what happened.
        done: changes that have ended, this one included.
        total: changes to be carried out.
    """
    match event:
        case ChangeStarted(change=change):
            return f"{_DOING[change.action]} {shown(change.address)}"
        case ChangeEnded(result=result):
            return f"{_ended(result)}  ({done}/{total})"
        case Paused(seconds=seconds):
            return f"MsgFlash asked for patience: every request waits {seconds:.1f} s"
    assert_never(event)


def apply_to_text(report: ApplyReport, *, paint: Paint, width: int = 100) -> str:
    """Show the end of an apply: MsgFlash's advice, what needs a person and what to do about it, then the counts."""
    width = max(width, NARROWEST)
    parts = ["\n".join(_advice(report, paint, width))]
    parts += ["\n".join(_unfinished(report, outcome, paint, width)) for outcome in _NOT_DONE]
    parts.append("\n".join(_stop(report, paint, width)))
    parts.append("\n".join(_totals(report, paint)))
    return "\n\n".join(part for part in parts if part) + "\n"


def _ended(result: Result) -> str:
    if result.outcome is not Outcome.DONE:
        return f"{_NOT_DONE[result.outcome][0]} {_what_happened(result)}"
    return f"{_DONE[result.action]} {shown(result.address)}" + (f"  id {shown(result.id)}" if result.id else "")


def _advice(report: ApplyReport, paint: Paint, width: int) -> Iterator[str]:
    """Show what MsgFlash said about safety; a plain `allow` has nothing to read and is only counted."""
    worth_reading, quiet = [], 0
    for result in report.results:
        if (safety := result.safety) is not None:
            if _is_plain_allow(safety):
                quiet += 1
            else:
                worth_reading.append((result, safety))
    if worth_reading:
        yield paint(Tone.STRONG, "Advice from MsgFlash") + " (advice only: it sends all the same)"
    for result, safety in worth_reading:
        yield from indented(f"{shown(result.address)}: {_decision(safety)}", 2, width, hanging=2)
        for field in ("reasons", "recommendations"):
            for item in _texts(safety.get(field)):
                yield from indented(f"{field.removesuffix('s')}: {shown(item)}", 4, width, hanging=2)
    if quiet:
        yield f"MsgFlash advised nothing against {counted(quiet, 'other campaign' if worth_reading else 'campaign')}."


def _is_plain_allow(safety: JsonObject) -> bool:
    return safety.get("decision") == "allow" and not safety.get("reasons") and not safety.get("recommendations")


def _decision(safety: JsonObject) -> str:
    said = [plain(safety.get("decision", "no decision"))]
    if "riskLevel" in safety:
        said.append(f"risk {plain(safety['riskLevel'])}")
    if "score" in safety:
        said.append(f"score {plain(safety['score'])} of 100")
    return shown(", ".join(said))


def _texts(value: object) -> list[str]:
    return [plain(item) for item in value] if isinstance(value, list | tuple) else []


def _unfinished(report: ApplyReport, outcome: Outcome, paint: Paint, width: int) -> Iterator[str]:
    """List the changes that ended one way, why, and under those in doubt the commands that resolve them."""
    results = [result for result in report.results if result.outcome is outcome]
    if not results:
        return
    yield from indented(_MEANING[outcome], 0, width)
    # Skipped ones are harmless and may be thousands; those that need a person are all named.
    named = results[:_MOST_SKIPPED] if outcome is Outcome.SKIPPED else results
    for result in named:
        yield from _unfinished_lines(result, report.environment, paint, width)
    if more := len(results) - len(named):
        yield f"  … {more} more skipped"


def _unfinished_lines(result: Result, environment: str, paint: Paint, width: int) -> Iterator[str]:
    word, tone = _NOT_DONE[result.outcome]
    first, *others = indented(_what_happened(result), len(word) + 4, width)
    yield f"  {paint(tone, word)}  {first.strip()}"
    yield from others
    if result.outcome is Outcome.IN_DOUBT and result.action in SENDING:
        yield from (f"      {command}" for command in resolving_commands(result.address, environment))


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
        why = f"by {_signal_name(report.interrupted_by)}; nothing new was started."
        yield from titled("Interrupted", why, paint=paint, tone=Tone.DANGER, width=width)
    if report.stopped is not None:
        yield from titled("Stopped early:", shown(report.stopped), paint=paint, tone=Tone.DANGER, width=width)
    if report.stopped is not None or report.interrupted_by is not None:
        yield from indented("What was created is on record and is not sent again. To go on, apply again:", 0, width)
        yield f"  {command} apply"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _totals(report: ApplyReport, paint: Paint) -> Iterator[str]:
    done = Counter(result.action for result in report.results if result.outcome is Outcome.DONE)
    said = [f"{done[action]} {word}" for action, word in _DONE.items() if done[action]]
    said += [f"{number} {word}" for outcome, (word, _) in _NOT_DONE.items() if (number := report.summary[outcome])]
    if report.blocked:
        said.append(f"{report.blocked} blocked and not tried")
    yield paint(Tone.STRONG, "Applied:") + f" {', '.join(said) or 'nothing, there was nothing to do'}."
    yield f"Requests: {report.requests_sent} sent."
