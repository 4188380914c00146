"""
The steps of an apply around the engine's loop: what is shown, who is asked, which lock is held, which signal ends it.

Promise 3 lives here: what a person saw is compared, by digest, with what is planned again under the lock.
"""

import asyncio
import signal
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from msgflash_apply.api.client import Client
from msgflash_apply.cli import output, wiring
from msgflash_apply.cli.context import Globals
from msgflash_apply.cli.plan_sources import FromFiles, FromPlanFile, PlanSource, read_plan_file
from msgflash_apply.cli.planning import Request, planner_for, print_plan
from msgflash_apply.cli.progress import follow
from msgflash_apply.cli.rescuing import rescue
from msgflash_apply.cli.signals import says_yes, stop_on_signals
from msgflash_apply.config.settings import Settings
from msgflash_apply.engine.apply import Apply
from msgflash_apply.engine.plan import Plan
from msgflash_apply.engine.result import ApplyReport
from msgflash_apply.engine.stop import Stop
from msgflash_apply.errors import BackendError, PlanStale, QuotaExhausted, StateError
from msgflash_apply.report.apply_text import apply_to_text
from msgflash_apply.report.to_json import apply_to_json
from msgflash_apply.state.backends.base import Backend
from msgflash_apply.state.ledger import Ledger, open_ledger


@dataclass(frozen=True, slots=True)
class Order:
    """
    What a person or pipeline asks of an apply.

    Attributes:
        request: which part to plan.
        auto_approve: do not ask.
        digest: of the plan that was approved elsewhere; None for no such condition.
        as_json: print the end as JSON and no plan.
        lock_timeout_seconds: how long to wait for the lock.
        plan_file: a saved plan to carry out instead of planning from the files.
    """

    request: Request
    auto_approve: bool
    digest: str | None
    as_json: bool
    lock_timeout_seconds: float
    plan_file: Path | None = None


async def run_apply(options: Globals, order: Order) -> int:
    """
    Plan, show, ask, lock, plan again, act; then say what happened.

    Returns:
        The exit code.
    """
    if not order.auto_approve:
        wiring.fail_without_terminal("apply this")
    settings = wiring.settings_of(options)
    backend = wiring.backend_of(settings)
    async with wiring.client_of(settings) as client:
        source = _source(order, settings, backend, client)
        approved = order.digest
        if not order.auto_approve:
            shown = await source.to_show()
            _show(shown, options, order)
            if shown.is_empty or not says_yes("\nApply these changes?"):
                return shown.exit_code(detailed=False)
            approved = approved or shown.digest
        stop = Stop()
        try:
            report = await _apply_locked(options, order, settings, source, backend, client, approved, stop)
        except asyncio.CancelledError:
            output.note("Stopped at once. What was in flight is in doubt; see: msgflash-apply plan")
            return 128 + (stop.signal_number or signal.SIGINT)
    _tell(report, options, as_json=order.as_json)
    return report.exit_code


def _source(order: Order, settings: Settings, backend: Backend, client: Client) -> PlanSource:
    if order.plan_file is not None:
        return FromPlanFile(read_plan_file(order.plan_file), settings.environment)
    loaded = wiring.load_files(settings)
    return FromFiles(planner_for(settings, loaded, order.request, client), backend)


def _show(plan: Plan, options: Globals, order: Order) -> None:
    order.request.refuse_unknown(plan)
    if not order.as_json:
        print_plan(plan, options)


async def _apply_locked(
    options: Globals,
    order: Order,
    settings: Settings,
    source: PlanSource,
    backend: Backend,
    client: Client,
    approved: str | None,
    stop: Stop,
) -> ApplyReport:
    claim = wiring.claim(settings, "apply", order.lock_timeout_seconds)
    report: ApplyReport | None = None
    ledger: Ledger | None = None
    try:
        with open_ledger(backend, claim) as ledger:
            plan = await source.under_lock(ledger.snapshot)
            if order.auto_approve:
                _show(plan, options, order)
            _refuse_other(plan, approved)
            _refuse_beyond_quota(plan, order)
            with follow(len(plan.effective), terminal=sys.stderr.isatty()) as follower, stop_on_signals(stop):
                report = await Apply(
                    plan, ledger, client, stop=stop, run=claim.holder.lock_id, on_event=follower, now=wiring.now
                ).run()
    except (BackendError, StateError) as err:
        if report is None or ledger is None:
            raise
        # What was sent was sent: the report is told in any case, and what the storage refused is put elsewhere.
        file = rescue(ledger, backend, options.root) if ledger.endangered else None
        return replace(report, stopped=f"{err.summary} {err.detail}".strip(), recovery_file=file)
    for warning in ledger.warnings:
        output.note(f"Warning: {warning}")
    if ledger.unsaved:  # another run took over, and what came back after that is known to this process alone
        return replace(report, recovery_file=rescue(ledger, backend, options.root))
    return report


def _refuse_other(plan: Plan, approved: str | None) -> None:
    if approved is not None and plan.digest != approved:
        raise PlanStale(
            "The plan is not the one that was approved; nothing was sent.",
            f"Approved: {approved}\nNow:      {plan.digest}",
            "Look at it again: msgflash-apply plan",
        )


def _refuse_beyond_quota(plan: Plan, order: Order) -> None:
    """Refuse to begin what the month's requests can not finish: half of a plan is nobody's plan."""
    if not plan.requests.suffice and "request-quota" not in order.request.overrides:
        raise QuotaExhausted(
            "The month's API requests do not suffice for this apply; nothing was sent.",
            f"It needs {plan.requests.apply}, and {plan.requests.left_this_month} are left.",
            "Apply a part with --target or --select, or begin all the same with --override request-quota.",
        )


def _tell(report: ApplyReport, options: Globals, *, as_json: bool) -> None:
    if as_json:
        output.result(apply_to_json(report))
        return
    if not report.results and report.stopped is None:
        return  # the plan has said that there is nothing to do
    paint = output.paint_for(sys.stdout, options.colour)
    output.result(apply_to_text(report, paint=paint, width=output.width()))
