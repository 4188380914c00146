"""What an apply did, as text: one line per event while it runs (`event_to_line`), and its end (`apply_to_text`)."""

import signal
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import assert_never

from msgflash_apply.apply.result import (
    ApplyReport,
    ChangeEnded,
    ChangeStarted,
    Event,
    Outcome,
    Paused,
    Result,
    TemplateEnded,
    TemplateResult,
    TemplateStarted,
)
from msgflash_apply.plan.plan import SENDING, Action, TemplateAction
from msgflash_apply.report.diagnostics import finding_lines, no_source
from msgflash_apply.report.differences import difference_lines, plain
from msgflash_apply.report.layout import NARROWEST, Paint, Tone, counted, indented, titled
from msgflash_apply.report.safe_text import shell_word, shown
from msgflash_apply.report.wording import program, resolving_commands

_DONE: Mapping[str, str] = {
    Action.CREATE: "created",
    TemplateAction.UPDATE: "updated",
    TemplateAction.DELETE: "deleted",
    TemplateAction.ADOPT: "adopted",
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
_DOING: Mapping[str, str] = {
    Action.CREATE: "creating",
    TemplateAction.UPDATE: "updating",
    TemplateAction.DELETE: "deleting",
    TemplateAction.ADOPT: "adopting",
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
_MEANING_FOR_TEMPLATES = _MEANING | {
    Outcome.IN_DOUBT: "In doubt: sent, and no answer says whether it arrived. Apply again: the next plan looks for"
    " these by name and content. No message goes out with them before.",
    Outcome.FAILED: "Failed: fix the cause and apply again. Campaigns that send these templates are not created.",
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
        done: changes that have ended, of templates too, this one included.
        total: changes to be carried out.
    """
    match event:
        case ChangeStarted(change=change):
            return f"{_DOING[change.action]} {shown(change.address)}"
        case TemplateStarted(change=template):
            return f"{_DOING[template.action]} template {shown(template.address)}"
        case ChangeEnded(result=result):
            return f"{_ended(result)}  ({done}/{total})"
        case TemplateEnded(result=of_template):
            return f"{_ended(of_template)}  ({done}/{total})"
        case Paused(seconds=seconds):
            return f"MsgFlash asked to slow down: every request waits {seconds:.1f} s"
    assert_never(event)


def apply_to_text(report: ApplyReport, *, paint: Paint, width: int = 100) -> str:
    """Show the end of an apply: MsgFlash's advice, what needs a person and what to do about it, then the counts."""
    width = max(width, NARROWEST)
    parts = ["\n".join(_advice(report, paint, width))]
    for results, meaning in ((report.templates, _MEANING_FOR_TEMPLATES), (report.results, _MEANING)):
        for outcome in _NOT_DONE:
            ended = [result for result in results if result.outcome is outcome]
            parts.append("\n".join(_unfinished(ended, meaning[outcome], report.environment, paint, width)))
    parts += ["\n".join(finding_lines(d, paint=paint, source_line=no_source, width=width)) for d in report.diagnostics]
    parts.append("\n".join(_stop(report, paint, width)))
    of_templates, counts = _counts(report.templates), _counts(report.results)
    if report.blocked:
        counts.append(f"{report.blocked} blocked and not tried")
    nothing = "no campaigns" if of_templates else "nothing, there was nothing to do"
    total = [f"{paint(Tone.STRONG, 'Templates:')} {', '.join(of_templates)}."] if of_templates else []
    total.append(f"{paint(Tone.STRONG, 'Applied:')} {', '.join(counts) or nothing}.")
    parts.append("\n".join([*total, f"Requests: {report.requests_sent} sent."]))
    return "\n\n".join(part for part in parts if part) + "\n"


def _counts(results: Sequence[Result | TemplateResult]) -> list[str]:
    """Count what was done by its verb, and the rest by how it ended."""
    done = Counter(result.action.value for result in results if result.outcome is Outcome.DONE)
    ended = Counter(result.outcome for result in results)
    counts = [f"{done[action]} {word}" for action, word in _DONE.items() if done[action]]
    return counts + [f"{ended[outcome]} {word}" for outcome, (word, _) in _NOT_DONE.items() if ended[outcome]]


def _ended(result: Result | TemplateResult) -> str:
    if result.outcome is not Outcome.DONE:
        return f"{_NOT_DONE[result.outcome][0]} {_what_happened(result)}"
    return f"{_DONE[result.action]} {_name(result)}" + (f"  id {shown(result.id)}" if result.id else "")


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


def _unfinished(
    results: Sequence[Result | TemplateResult], meaning: str, environment: str, paint: Paint, width: int
) -> Iterator[str]:
    """List changes that ended in one way, why, and under campaigns in doubt the commands that resolve them."""
    if not results:
        return
    yield from indented(meaning, 0, width)
    outcome = results[0].outcome
    # Skipped ones are harmless and may be thousands; those that need a person are all named.
    named = results[:_MOST_SKIPPED] if outcome is Outcome.SKIPPED else results
    word, tone = _NOT_DONE[outcome]
    for result in named:
        first, *others = indented(_what_happened(result), len(word) + 4, width)
        yield f"  {paint(tone, word)}  {first.strip()}"
        yield from others
        if isinstance(result, TemplateResult):
            continue
        if outcome is Outcome.IN_DOUBT and result.action in SENDING:
            yield from (f"      {command}" for command in resolving_commands(result.address, environment))
        yield from difference_lines(result.differences, paint=paint, width=width)
        if result.is_stoppable:
            yield from indented("To stop it before it sends, write `paused: true` into its file, and then:", 6, width)
            yield f"      {program(environment)} apply --target {shell_word(result.address)}"
    if more := len(results) - len(named):
        yield f"  … {more} more skipped"


def _name(result: Result | TemplateResult) -> str:
    """Name what a result is of: templates have addresses of their own."""
    return f"{'template ' if isinstance(result, TemplateResult) else ''}{shown(result.address)}"


def _what_happened(result: Result | TemplateResult) -> str:
    what = f"{_name(result)} ({result.action})"
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
