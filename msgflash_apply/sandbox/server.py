"""
Starting and stopping: `Sandbox` for programs and tests, `serve` for the command.

    with Sandbox(Options(clock_speed=0)) as sandbox:
        sandbox.add_fault("POST /api/v1/campaigns drop_after")
        ...  # a client of sandbox.url with sandbox.api_key
        sandbox.advance(3600)

The server runs in a background thread with its own event loop; when the block ends, thread, loop and sockets are gone.
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
from msgflash_apply.sandbox.service import OnMessage, SeenRequest, Service, ignore
from msgflash_apply.sandbox.world import World

if TYPE_CHECKING:
    from msgflash_apply.sandbox.listener import Listener

__all__ = ["DEMO_API_KEY", "Fault", "Options", "Sandbox", "SandboxError", "parse_fault", "serve"]


class Sandbox:
    """
    An embedded MsgFlash that runs from `start` (or `with`) to `stop`.

    Every method may be called from any thread. `world` is the live data: read it while the server has no request, or
    use `campaigns`. SandboxError says why it cannot start.
    """

    def __init__(self, options: Options | None = None, on_message: OnMessage = ignore) -> None:
        self.options = options or Options()
        self._service = Service(self.options, on_message)
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
        """Start to listen, and return once connections are accepted."""
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
        """Cut open connections, stop listening, and save the world if there is a file for it."""
        if self._loop is not None and self._thread is not None and self._listener is not None:
            self._loop.call_soon_threadsafe(self._listener.stop)
            self._thread.join()
            self._loop = None
            self._service.save()

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
        """Arm a fault, or its text (see `faults.py`); ValueError for a text that is not a fault."""
        parsed = parse_fault(fault) if isinstance(fault, str) else fault
        with self._service.lock:
            self._service.faults.add(parsed)

    def clear_faults(self) -> None:
        """Disarm all faults."""
        with self._service.lock:
            self._service.faults.clear()

    def advance(self, seconds: float) -> datetime:
        """Move the clock ahead and return the new time."""
        return self._service.advance(seconds)

    def now(self) -> datetime:
        """Return the sandbox's time."""
        return self._service.clock.now()

    @contextmanager
    def unreachable(self) -> Iterator[None]:
        """Stop listening while the block runs: connections are refused, as where no server runs."""
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
        """Run a coroutine in the server's loop, and wait for it."""
        if self._loop is not None:
            asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _live(self, listening: Future[None]) -> None:
        """Listen until `stop`; an error that prevents it goes to the thread that waits in `start`."""
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
            listening.set_exception(SandboxError(f"The sandbox cannot listen on {where}: {error.strerror}"))
            return
        self._listener, self._loop = listener, asyncio.get_running_loop()
        listening.set_result(None)
        await listener.until_stopped()


def serve(options: Options, on_start: Callable[[str], None], on_message: OnMessage = ignore) -> None:
    """
    Run a sandbox until SIGINT or SIGTERM. Only in the main thread of a process.

    Args:
        options: of the sandbox.
        on_start: gets its URL.
        on_message: see `OnMessage`.
    """
    # A signal may come while this very thread waits. An Event holds its lock at moments then, and setting it in the
    # handler would wait for ever; putting into a SimpleQueue is reentrant.
    stop_signals: SimpleQueue[int] = SimpleQueue()
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {each: signal.signal(each, lambda number, _frame: stop_signals.put(number)) for each in signals}
    try:
        with Sandbox(options, on_message) as sandbox:
            on_start(sandbox.url)
            stop_signals.get()
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
