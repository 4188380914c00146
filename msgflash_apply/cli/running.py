"""Running the engine's coroutines from a command."""

from collections.abc import Awaitable, Coroutine
from typing import TypeVar

Result = TypeVar("Result")


def without_waiting(work: Coroutine[object, None, Result]) -> Result:
    """Run what sends no request, and so never waits: that needs no event loop, which takes 40 ms to load."""
    try:
        work.send(None)
    except StopIteration as end:
        result: Result = end.value
        return result
    raise AssertionError("this waits for something")


def run_to_end(work: Awaitable[Result]) -> Result:
    """
    Be `asyncio.run` for results that are large.

    At its end `asyncio.run` spells out the finished task, result and all, for the text of an error that nobody sees;
    for a plan of 10 000 campaigns that takes a tenth of a second. So the task itself gives nothing back here.
    """
    import asyncio

    results: list[Result] = []

    async def run() -> None:
        results.append(await work)

    asyncio.run(run())
    return results[0]
