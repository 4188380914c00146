"""
SIGINT and SIGTERM during an apply: the first drains, the second stops at once.

Where the plan of an apply comes from: made anew from the files, or read from a file that was reviewed.

The steps of an apply around the engine's loop: what is shown, who is asked, which lock is held, which signal ends it.

Promise 3 lives here: what a person saw is compared, by digest, with what is planned again under the lock.

`apply`: plan, show, ask, lock, plan again, act.
"""

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import click

from msgflash_apply.api.client import Client
from msgflash_apply.apply.loop import apply_plan
from msgflash_apply.apply.result import ApplyReport
from msgflash_apply.apply.stop import Stop
from msgflash_apply.cli import output, wiring
from msgflash_apply.cli.options import Globals, pass_globals, seconds_from
from msgflash_apply.cli.plan import Request, labels_from, planner_for, print_plan
from msgflash_apply.cli.progress import follow
from msgflash_apply.cli.recovery_file import rescue
from msgflash_apply.errors import BackendError, PlanError, PlanStale, QuotaExhausted, StateError
from msgflash_apply.models.project import LIMITS, Settings
from msgflash_apply.plan.plan import Plan
from msgflash_apply.plan.planfile import LARGEST_BYTES, SavedPlan, decode_plan, refuse_stale
from msgflash_apply.plan.planner import Planner
from msgflash_apply.report.formats import APPLY_FORMATS, Look
from msgflash_apply.state.backends.base import Backend
from msgflash_apply.state.ledger import Ledger, open_ledger
from msgflash_apply.state.reading import read_state
from msgflash_apply.state.snapshot import Snapshot

NUMBERS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_on_signals(stop: Stop) -> Iterator[None]:
    """Set `stop` at the first signal, and cancel the current task at the second."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def on_signal(number: int) -> None:
        if stop.signal_number is not None and task is not None:
            task.cancel()
            return
        stop.set(f"stopped by {signal.Signals(number).name}", number)
        output.note("Stopping: finishing what is in flight. Once more to stop at once.")

    for number in NUMBERS:
        loop.add_signal_handler(number, on_signal, number)
    try:
        yield
    finally:
        for number in NUMBERS:
            loop.remove_signal_handler(number)


def says_yes(question: str) -> bool:
    """Ask. Ctrl-C must end the question at once; asyncio's own handler would only note it and let it wait on."""
    asyncio_handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return click.confirm(question, err=True)
    finally:
        signal.signal(signal.SIGINT, asyncio_handler)


class PlanSource(Protocol):
    """Gives the plan twice: to show it, and again under the lock, where only the second counts."""

    async def to_show(self) -> Plan:
        """Give the plan that a person is asked about."""

    async def under_lock(self, snapshot: Snapshot) -> Plan:
        """Give the plan to carry out, given the state that is locked now."""


@dataclass(frozen=True, slots=True)
class FromFiles:
    """Plans from the campaign files, each time anew."""

    planner: Planner
    backend: Backend

    async def to_show(self) -> Plan:
        """Plan from the state as anybody reads it."""
        return await self.planner.plan(read_state(self.backend, environment=self.planner.environment))

    async def under_lock(self, snapshot: Snapshot) -> Plan:
        """Plan from the locked state."""
        return await self.planner.plan(snapshot)


@dataclass(frozen=True, slots=True)
class FromPlanFile:
    """Gives a saved plan, as it is or not at all."""

    saved: SavedPlan
    environment: str

    async def to_show(self) -> Plan:
        """Give the plan as it was saved."""
        return self.saved.plan

    async def under_lock(self, snapshot: Snapshot) -> Plan:
        """Give the plan as it was saved; PlanError where the world has moved on."""
        refuse_stale(self.saved, snapshot, environment=self.environment, now=wiring.now())
        return self.saved.plan


def read_plan_file(path: Path) -> SavedPlan:
    """Read a plan file; PlanError where there is none."""
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST_BYTES + 1)
    except OSError as err:
        raise PlanError(f"{path} cannot be read.", f"{err.strerror}.") from err
    return decode_plan(data, where=str(path))


@dataclass(frozen=True, slots=True)
class Order:
    """
    What a person or pipeline asks of an apply.

    Attributes:
        request: which part to plan.
        auto_approve: do not ask.
        digest: of the plan that was approved elsewhere; None for no such condition.
        format_: how to print the end; the plan is printed as text, and only before an end in text.
        lock_timeout_seconds: how long to wait for the lock.
        plan_file: a saved plan to carry out instead of planning from the files.
    """

    request: Request
    auto_approve: bool
    digest: str | None
    format_: str
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
    # With nothing done in text, the plan has said that there is nothing to do.
    if order.format_ != "text" or report.results or report.stopped is not None:
        look = Look(wiring.now(), output.paint_for(sys.stdout, options.colour), output.width())
        output.result(APPLY_FORMATS[order.format_](report, look))
    return report.exit_code


def _source(order: Order, settings: Settings, backend: Backend, client: Client) -> PlanSource:
    if order.plan_file is not None:
        return FromPlanFile(read_plan_file(order.plan_file), settings.environment)
    loaded = wiring.load_files(settings)
    return FromFiles(planner_for(settings, loaded, order.request, client), backend)


def _show(plan: Plan, options: Globals, order: Order) -> None:
    order.request.refuse_unknown(plan)
    if order.format_ == "text":
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
                report = await apply_plan(
                    plan, ledger, client, stop=stop, run_id=claim.holder.lock_id, on_event=follower, now=wiring.now
                )
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
    """Refuse to begin what the month's requests cannot finish: half of a plan is nobody's plan."""
    if not plan.requests.suffice and "request-quota" not in order.request.overrides:
        raise QuotaExhausted(
            "The month's API requests do not suffice for this apply; nothing was sent.",
            f"It needs {plan.requests.apply}, and {plan.requests.left_this_month} are left.",
            "Apply a part with --target or --select, or begin all the same with --override request-quota.",
        )


@click.command(short_help="Create what is missing, pause what is gone.")
@click.argument("plan_file", metavar="[PLANFILE]", required=False, type=click.Path(path_type=Path))
@click.option("--auto-approve", is_flag=True, help="Do not ask; for pipelines.")
@click.option("--expect", "digest", metavar="DIGEST", help="Apply only if the plan has this digest.")
@click.option("--target", "targets", metavar="ADDR", multiple=True, help="Keep to an address; repeatable.")
@click.option("--select", "selections", metavar="NAME=VALUE", multiple=True, help="Keep to a label; repeatable.")
@click.option("--override", "overrides", type=click.Choice(LIMITS), multiple=True, help="Lift a limit for this run.")
@click.option(
    "--format", "format_", type=click.Choice(list(APPLY_FORMATS)), default="text", help="How to print the end."
)
@click.option("--lock-timeout", metavar="DURATION", default="0s", help="Wait for the lock, e.g. 5m.")
@pass_globals
def command(
    options: Globals,
    plan_file: Path | None,
    digest: str | None,
    targets: tuple[str, ...],
    selections: tuple[str, ...],
    overrides: tuple[str, ...],
    format_: str,
    lock_timeout: str,
    *,
    auto_approve: bool,
) -> int:
    """
    Carry out a plan, made anew from the files or read from PLANFILE (see `plan --out`).

    Each campaign is created at most once, and every step is written down before it is taken.

    Exits 0 when all is done, 3 when something is blocked, failed or in doubt, 130 or 143 after a signal.
    """
    if plan_file is not None and (targets or selections or overrides):
        raise click.UsageError("A saved plan is applied as it is: --target, --select and --override go with `plan`.")
    order = Order(
        request=Request(targets=targets, labels=labels_from(selections), overrides=overrides),
        auto_approve=auto_approve,
        digest=digest,
        format_=format_,
        lock_timeout_seconds=seconds_from(lock_timeout),
        plan_file=plan_file,
    )
    return asyncio.run(run_apply(options, order))
