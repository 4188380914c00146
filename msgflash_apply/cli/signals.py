"""SIGINT and SIGTERM during an apply: the first drains, the second stops at once."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import click

from msgflash_apply.cli import output
from msgflash_apply.engine.stop import Stop

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
