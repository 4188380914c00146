"""
`apply`: plan, show, ask, lock, plan again, act.

`run_apply` is the story up to the lock, `carry_out` is the rest. Promise 3 is kept between the two: the plan that is
made under the lock must have the digest of the one that was approved.

At the first SIGINT, SIGTERM or SIGHUP an apply starts nothing new, finishes what is in flight, records it, and exits
with 130, 143 or 129. At the second, or where that takes too long, it gives up what is in flight, which is in doubt
then. See `stop_on_signals` and `interrupts`.
"""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import click

from msgflash_apply.api.client import Client
from msgflash_apply.apply.loop import apply_plan
from msgflash_apply.apply.marker import MarkerWriter, marker_writer
from msgflash_apply.apply.result import ApplyReport
from msgflash_apply.apply.stop import Stop
from msgflash_apply.cli import output, wiring
from msgflash_apply.cli.interrupts import INTERRUPTS, ORDERLY_SECONDS, Interrupted
from msgflash_apply.cli.options import LOCK_TIMEOUT, Globals, pass_globals
from msgflash_apply.cli.plan import OVERRIDE, SELECT, TARGET, planner_for, print_plan, refuse_unmatched
from msgflash_apply.cli.progress import follow
from msgflash_apply.cli.recovery_file import rescue
from msgflash_apply.cli.streams import without_waiting
from msgflash_apply.errors import BackendError, PlanError, PlanStale, QuotaExhausted, StateError
from msgflash_apply.files.load import Loaded, place
from msgflash_apply.models.project import Settings
from msgflash_apply.plan.approval import LOOK_AGAIN, refuse_other
from msgflash_apply.plan.plan import Plan
from msgflash_apply.plan.planfile import LARGEST_BYTES, SavedPlan, decode_plan, refuse_stale
from msgflash_apply.plan.planner import Planner
from msgflash_apply.report.formats import APPLY_FORMATS, Look
from msgflash_apply.report.layout import counted
from msgflash_apply.report.safe_text import shown as visible_text
from msgflash_apply.report.wording import reach
from msgflash_apply.state.backends.base import Backend
from msgflash_apply.state.ledger import Ledger, open_ledger
from msgflash_apply.state.reading import read_state
from msgflash_apply.state.snapshot import Snapshot


@click.command
@click.argument("plan_file", metavar="[PLANFILE]", required=False, type=click.Path(path_type=Path))
@click.option("--auto-approve", is_flag=True, help="Skip the approval prompt (for pipelines).")
@click.option("--expect", "digest", metavar="DIGEST", help="Apply only if the plan has this digest.")
@TARGET
@SELECT
@OVERRIDE
@click.option("--format", "format_", type=click.Choice(list(APPLY_FORMATS)), default="text", help="Output format.")
@LOCK_TIMEOUT
@pass_globals
def command(
    options: Globals,
    plan_file: Path | None,
    digest: str | None,
    targets: tuple[str, ...],
    labels: Mapping[str, str],
    overrides: tuple[str, ...],
    format_: str,
    lock_timeout_seconds: float,
    *,
    auto_approve: bool,
) -> int:
    """
    Apply a new plan, or the one in PLANFILE (see `plan --out`).

    Each campaign is created at most once, and every step is recorded before it is taken. The first SIGINT, SIGTERM or
    SIGHUP finishes what is in flight and starts nothing new; the second stops at once.

    Exits with 0 if everything is done, with 3 if something is blocked, failed or in doubt, and with 130, 143 or 129
    after a signal.
    """
    if plan_file is not None and (targets or labels or overrides):
        raise click.UsageError("A saved plan is applied as it is: --target, --select and --override go with `plan`.")
    if not auto_approve:
        wiring.fail_without_terminal("apply this")
    settings = wiring.settings_of(options)
    backend = wiring.backend_of(settings)
    # Before anything runs beside: files are read by copies of this process.
    saved = None if plan_file is None else read_plan_file(plan_file)
    if saved is not None:
        loaded = Loaded(saved.desired, (), 0, templates=saved.templates)
        targets, labels, overrides = saved.targets, saved.labels, saved.overrides
        digest = _digest_of_file(saved, digest)
    else:
        loaded = wiring.load_files(settings)
    wanted = Wanted(saved, digest, targets, labels, overrides, format_, lock_timeout_seconds, auto_approve=auto_approve)
    return wiring.run(run_apply(options, settings, backend, loaded, wanted))


def _digest_of_file(saved: SavedPlan, digest: str | None) -> str:
    """Return what a saved plan is held to; PlanStale if another one was approved elsewhere."""
    if digest not in (None, saved.plan.digest):
        detail = f"Approved: {digest}\nThe file: {saved.plan.digest}"
        raise PlanStale("The plan in the file is not the one that was approved; nothing was sent.", detail, LOOK_AGAIN)
    return saved.plan.digest


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    What an apply is for, as the command line says it.

    Attributes:
        saved: the saved plan; None for a new one.
        digest: of the plan that was approved elsewhere; None for no such condition.
        targets: addresses to plan; empty for all.
        labels: labels of the campaigns to plan; empty for all.
        overrides: limits to lift for this run.
        format_: how to print the result; the plan is printed as text, and only before a result in text.
        lock_timeout_seconds: how long to wait for the lock.
        auto_approve: do not ask.
    """

    saved: SavedPlan | None
    digest: str | None
    targets: tuple[str, ...]
    labels: Mapping[str, str]
    overrides: tuple[str, ...]
    format_: str
    lock_timeout_seconds: float
    auto_approve: bool


async def run_apply(options: Globals, settings: Settings, backend: Backend, loaded: Loaded, wanted: Wanted) -> int:
    """
    Plan, show and ask; carry the plan out under the lock; print the result.

    Args:
        options: global ones.
        settings: of the run.
        backend: of the state.
        loaded: the campaigns, of the files or of a saved plan.
        wanted: what to do.

    Returns:
        The exit code.
    """
    saved, approved = wanted.saved, wanted.digest
    shown: Plan | None = None

    async with wiring.client_of(settings) as client:
        planner = planner_for(
            settings, loaded, client, targets=wanted.targets, labels=wanted.labels, overrides=wanted.overrides
        )

        async def plan_on(snapshot: Snapshot) -> Plan:
            """Plan; of a saved plan the campaigns alone are taken, and all the rest is worked out again."""
            if saved is None:
                return await planner.plan(snapshot)
            refuse_stale(saved, snapshot, environment=settings.environment, server=wiring.server())
            plan = await planner.plan(snapshot)
            refuse_other(plan, saved.plan.digest, shown=saved.plan, snapshot=snapshot)
            return plan

        if not wanted.auto_approve:
            plan = await plan_on(read_state(backend, environment=settings.environment))
            _show(plan, wanted, options)
            if plan.is_empty or not says_yes(plan):
                return plan.exit_code(detailed=False)
            approved, shown = approved or plan.digest, plan

        async def plan_under_lock(snapshot: Snapshot) -> Plan:
            """Plan again, from the state that is locked now; refuse any plan but the approved one."""
            plan = await plan_on(snapshot)
            if wanted.auto_approve:
                _show(plan, wanted, options)
            if refuse_other(plan, approved, shown=shown, snapshot=snapshot):
                output.note("Already applied: the approved plan was carried out before, and nothing is left to do.")
            _refuse_beyond_quota(plan, wanted.overrides)
            return plan

        report = await carry_out(
            plan_under_lock, planner, settings, backend, client, Stop(), wanted.lock_timeout_seconds
        )
        print_report(report, wanted.format_, options)
    return report.exit_code


def _show(plan: Plan, wanted: Wanted, options: Globals) -> None:
    """Print the plan before a result in text; refuse targets and labels that match nothing."""
    refuse_unmatched(plan, wanted.targets, wanted.labels)
    if wanted.format_ == "text":
        print_plan(plan, options)


def _refuse_beyond_quota(plan: Plan, overrides: tuple[str, ...]) -> None:
    """Refuse to begin what the month's requests cannot finish: half of a plan is not what was approved."""
    if not plan.requests.suffice and "request-quota" not in overrides:
        raise QuotaExhausted(
            "The month's API requests do not suffice for this apply; nothing was sent.",
            f"It needs {plan.requests.apply}, and {plan.requests.left_this_month} are left.",
            "Apply a part with --target or --select, or begin all the same with --override request-quota.",
        )


def read_plan_file(path: Path) -> SavedPlan:
    """Read a saved plan; PlanError if there is none."""
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST_BYTES + 1)
    except OSError as err:
        raise PlanError(f"{path} cannot be read.", f"{err.strerror}.") from err
    return decode_plan(data, where=str(path))


def says_yes(plan: Plan) -> bool:
    """
    Ask for the word `yes`, after what it means: where, how many campaigns and people, from which numbers, when.

    A signal ends the question at once.
    """
    changes = counted(len(plan.effective), "change")
    if templates := len(plan.effective_templates):
        changes = f"{counted(templates, 'template')} and {counted(len(plan.effective), 'campaign')}"
    lines = [f"\nIn environment {visible_text(plan.environment)}: {changes}.", *reach(plan, wiring.now())]
    output.note("\n".join(lines))
    return wiring.says_yes("Apply these changes?", "Nothing was applied.")


async def carry_out(
    plan_under_lock: Callable[[Snapshot], Awaitable[Plan]],
    planner: Planner,
    settings: Settings,
    backend: Backend,
    client: Client,
    stop: Stop,
    lock_timeout_seconds: float,
) -> ApplyReport:
    """
    Take the lock, plan again, act, and commit.

    Once something may have been sent its results are returned in any case. If the storage fails then, what it refused
    is written to a recovery file, which the report names.

    Raises:
        CancelledError, Interrupted: a signal came before anything was sent.
        MsgflashApplyError: nothing was sent.
    """
    claim = wiring.claim(settings, "apply", lock_timeout_seconds)
    report: ApplyReport | None = None
    ledger: Ledger | None = None
    marker: MarkerWriter | None = None
    try:
        # Signals are answered in this way until the lock is given back.
        with without_waiting(), ExitStack() as signals, open_ledger(backend, claim) as ledger:
            plan = await plan_under_lock(ledger.snapshot)
            signals.enter_context(stop_on_signals(stop))
            marker, run_id = marker_writer(planner.marker, claim.holder, ledger.snapshot, client), claim.holder.lock_id
            total = len(plan.effective_templates) + len(plan.effective)
            with follow(total, terminal=sys.stderr.isatty()) as follower:
                report = await apply_plan(
                    plan, ledger, client, stop=stop, run_id=run_id, marker=marker, on_event=follower, now=wiring.now
                )
                if marker is not None and marker.is_written and not stop.is_urgent:
                    ledger.commit()
                    await stop.unless_given_up(marker.end(ledger.snapshot, wiring.now()))
    except (BackendError, StateError, Interrupted) as err:
        if report is None or ledger is None:
            raise
        file = rescue(ledger, backend, settings.root) if ledger.endangered else None
        why = "The lock could not be given back in time."
        if not isinstance(err, Interrupted):
            why = f"{err.summary} {err.detail}".strip()
        return replace(report, stopped=why, recovery_file=file)
    findings = [*report.diagnostics, *(marker.findings if marker is not None else ())]
    report = replace(report, diagnostics=place(findings, settings.root))
    for warning in ledger.warnings:
        output.note(f"Warning: {warning}")
    if ledger.unsaved:  # another run took over, and what came back after that is known to this process alone
        return replace(report, recovery_file=rescue(ledger, backend, settings.root))
    return report


@contextmanager
def stop_on_signals(stop: Stop) -> Iterator[None]:
    """Start nothing new after the first signal; give up what is in flight at the second, or some time later."""
    loop, is_first = asyncio.get_running_loop(), True

    def give_up() -> None:
        if not stop.is_urgent:
            stop.give_up()
            output.note("Stopped at once. What has no answer yet is in doubt; see: msgflash-apply plan")

    def on_signal(number: int) -> None:
        nonlocal is_first
        if not is_first:
            give_up()
            return
        is_first = False
        stop.set(f"stopped by {signal.Signals(number).name}", number)
        loop.call_later(ORDERLY_SECONDS, give_up)
        output.note("Stopping: finishing what is in flight. Once more to stop at once.")

    with INTERRUPTS.answering(lambda number: loop.call_soon_threadsafe(on_signal, number)):
        yield


def print_report(report: ApplyReport, format_: str, options: Globals) -> None:
    """Print what was done; nothing in text where the plan has said that there is nothing to do."""
    if format_ != "text" or report.results or report.templates or report.stopped is not None:
        look = Look(wiring.now(), output.paint_for(sys.stdout, options.colour), output.width())
        output.result(APPLY_FORMATS[format_](report, look))
