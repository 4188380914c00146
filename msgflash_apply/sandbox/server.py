"""
Starting and stopping: `Sandbox` for programs and tests, `serve` for the command.

    with Sandbox(Options(clock_speed=0)) as sandbox:
        sandbox.add_fault("POST /api/v1/campaigns drop_after")
        ...  # a client of sandbox.url with sandbox.api_key
        sandbox.advance(3600)

The server runs in one background thread with an event loop of its own; when the block ends, thread, loop and sockets
are gone.
"""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import datetime
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import TYPE_CHECKING, Self

from msgflash_apply.sandbox.access import DEMO_API_KEY
from msgflash_apply.sandbox.control import campaigns_shape
from msgflash_apply.sandbox.exchange import JsonObject
from msgflash_apply.sandbox.faults import Fault, parse_fault
from msgflash_apply.sandbox.options import Options, SandboxError
from msgflash_apply.sandbox.service import SeenRequest, Service
from msgflash_apply.sandbox.world import World

if TYPE_CHECKING:
    from msgflash_apply.sandbox.listener import Listener

__all__ = ["DEMO_API_KEY", "Fault", "Options", "Sandbox", "SandboxError", "parse_fault", "serve"]


class Sandbox:
    """
    A MsgFlash of one's own, from `start` (or `with`) to `stop`.

    Every method may be called from any thread. `world` is the living thing: read it while nothing is being asked of
    the server, or use `campaigns`. SandboxError says why it can not start.
    """

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()
        self._service = Service(self.options)
        self._listener: Listener | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: Thread | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Self:
        """Listen, and return once connections are taken."""
        listening: Future[None] = Future()
        self._thread = Thread(target=lambda: asyncio.run(self._live(listening)), name="sandbox", daemon=True)
        self._thread.start()
        try:
            listening.result()
        except BaseException:
            self._thread.join()
            raise
        return self

    def stop(self) -> None:
        """Cut what is open, stop listening, and remember the world if there is a file for it."""
        if self._loop is not None and self._thread is not None and self._listener is not None:
            self._loop.call_soon_threadsafe(self._listener.stop)
            self._thread.join()
            self._loop = None
            self._service.remember()

    @property
    def url(self) -> str:
        """The base URL, without a slash at the end."""
        return self._started.url

    @property
    def api_key(self) -> str:
        """The first key of the options."""
        return self.options.api_keys[0].secret

    @property
    def world(self) -> World:
        """Everything the server knows."""
        return self._service.world

    @property
    def requests(self) -> list[SeenRequest]:
        """The API requests seen so far, in the order they were carried out; a copy."""
        with self._service.lock:
            return list(self._service.seen)

    def campaigns(self) -> list[JsonObject]:
        """Show every campaign as GET does, with its `payload`, in order of creation, as of now."""
        with self._service.lock:
            self._service.world.advance(self._service.clock.now())
            return campaigns_shape(self._service.world)

    def add_fault(self, fault: Fault | str) -> None:
        """Arm a fault, given as text too (`faults.py`); ValueError for a text that is none."""
        parsed = parse_fault(fault) if isinstance(fault, str) else fault
        with self._service.lock:
            self._service.faults.add(parsed)

    def clear_faults(self) -> None:
        """Disarm all faults."""
        with self._service.lock:
            self._service.faults.clear()

    def advance(self, seconds: float) -> datetime:
        """Let time pass at once, and return the new time."""
        return self._service.advance(seconds)

    def now(self) -> datetime:
        """Tell the sandbox's time."""
        return self._service.clock.now()

    @contextmanager
    def unreachable(self) -> Iterator[None]:
        """Listen no more while the block runs: connecting is refused, as where no server is."""
        self._run(self._started.close())
        try:
            yield
        finally:
            self._run(self._started.open())

    @property
    def _started(self) -> "Listener":
        if self._listener is None:
            raise SandboxError("The sandbox has not been started.")
        return self._listener

    def _run(self, work: Coroutine[None, None, None]) -> None:
        """Do something in the server's loop, and wait for it."""
        if self._loop is not None:
            asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _live(self, listening: Future[None]) -> None:
        """Listen until told to stop; whatever keeps it from listening goes to the thread that waits."""
        try:
            from msgflash_apply.sandbox.listener import Listener  # noqa: PLC0415 - aiohttp loads when a server starts

            listener = Listener(self._service)
            await listener.open()
        except ModuleNotFoundError as error:
            fix = "pip install 'msgflash-apply[sandbox]'"
            listening.set_exception(SandboxError(f"The sandbox needs {error.name}, which is not installed:\n{fix}"))
            return
        except OSError as error:
            where = f"{self.options.host}:{self.options.port}"
            listening.set_exception(SandboxError(f"The sandbox can not listen on {where}: {error.strerror}"))
            return
        self._listener, self._loop = listener, asyncio.get_running_loop()
        listening.set_result(None)
        await listener.until_stopped()


def serve(options: Options, on_start: Callable[[str], None]) -> None:
    """Run a sandbox until SIGINT or SIGTERM; `on_start` gets its URL. Only in the main thread of a process."""
    # A signal may come while its own thread waits here. An event's lock is held at moments then, and setting it would
    # never end; putting into this queue is reentrant.
    told_to_stop: SimpleQueue[int] = SimpleQueue()
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {each: signal.signal(each, lambda number, _frame: told_to_stop.put(number)) for each in signals}
    try:
        with Sandbox(options) as sandbox:
            on_start(sandbox.url)
            told_to_stop.get()
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
