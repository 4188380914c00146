"""The progress of an apply on stderr: a bar on a terminal, a line every few seconds in a log, results as they come."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from msgflash_apply.apply.result import ChangeEnded, ChangeStarted, Event, TemplateEnded, TemplateStarted
from msgflash_apply.cli.output import note
from msgflash_apply.report.apply_text import event_to_line
from msgflash_apply.report.own_secrets import redact

LINE_EVERY_SECONDS = 5.0

Follower: TypeAlias = Callable[[Event], None]
"""Shows an event, and returns at once."""


@contextmanager
def follow(total: int, *, terminal: bool) -> Iterator[Follower]:
    """Show the progress of `total` changes, those of templates included, on stderr; stdout stays free for results."""
    if not terminal:
        yield _Log(total)
        return
    console = Console(file=sys.stderr, highlight=False)
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}", markup=False),
        TimeRemainingColumn(),
    )
    began_at = time.monotonic()
    with Progress(*columns, console=console, auto_refresh=False, redirect_stdout=False, transient=True) as progress:
        task = progress.add_task("apply", total=total, rate="")
        done = 0

        def follower(event: Event) -> None:
            nonlocal done
            if isinstance(event, ChangeStarted | TemplateStarted):
                return
            done += isinstance(event, ChangeEnded | TemplateEnded)
            console.print(redact(event_to_line(event, done=done, total=total)), markup=False, soft_wrap=True)
            rate = done / max(time.monotonic() - began_at, 0.001)
            progress.update(task, completed=done, rate=f"{rate:.1f}/s", refresh=True)

        yield follower


class _Log:
    """Lines for a log: every result, and the pace every few seconds."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._began_at = self._last_pace_at = time.monotonic()

    def __call__(self, event: Event) -> None:
        self._done += isinstance(event, ChangeEnded | TemplateEnded)
        if isinstance(event, ChangeStarted | TemplateStarted):
            return
        note(event_to_line(event, done=self._done, total=self._total))
        now = time.monotonic()
        if self._done and now - self._last_pace_at >= LINE_EVERY_SECONDS:
            self._last_pace_at = now
            rate = self._done / (now - self._began_at)
            left = (self._total - self._done) / rate
            note(f"{self._done} of {self._total}, {rate:.1f} a second, {left:.0f} s left")
