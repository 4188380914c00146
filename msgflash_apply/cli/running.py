"""Running the engine's coroutines from a command."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

Result = TypeVar("Result")


def run_to_end(work: Awaitable[Result]) -> Result:
    """
    Be `asyncio.run` for results that are large.

    At its end `asyncio.run` spells out the finished task, result and all, for the text of an error that nobody sees;
    for a plan of 10 000 campaigns that takes a tenth of a second. So the task itself gives nothing back here.
    """
    results: list[Result] = []

    async def run() -> None:
        results.append(await work)

    asyncio.run(run())
    return results[0]
