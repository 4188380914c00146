"""`sandbox`: run the embedded MsgFlash, to try things on and to test against."""

from contextlib import suppress
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

import click

from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.report.safe_text import shown
from msgflash_apply.sandbox.assumptions import ASSUMPTIONS
from msgflash_apply.sandbox.exchange import JsonObject
from msgflash_apply.sandbox.faults import parse_fault
from msgflash_apply.sandbox.options import Options, SandboxError
from msgflash_apply.sandbox.server import serve


@click.command
@click.option("--host", default="127.0.0.1", help="Loopback address to listen on.")
@click.option("--port", type=int, default=8025, help="Port to listen on; 0 for any free one.")
@click.option("--clock", "clock_speed", type=float, default=1.0, help="Sandbox seconds per second.")
@click.option("--start-at", metavar="TIME", help="Time of the sandbox's clock, ISO 8601 with offset [default: now].")
@click.option("--data", type=click.Path(path_type=Path, dir_okay=False), help="Keep everything in this file.")
@click.option("--rate", type=int, default=10, help="Requests per second and key; 0 for no limit.")
@click.option("--latency", type=float, default=0.0, help="Seconds before each answer.")
@click.option(
    "--fault",
    "faults",
    metavar="RULE",
    multiple=True,
    help="Fault to inject, such as 'POST /api/v1/campaigns drop_after' (repeatable).",
)
@click.option("--lenient", is_flag=True, help="Ignore unknown fields and nulls instead of refusing them.")
def command(
    host: str,
    port: int,
    clock_speed: float,
    start_at: str | None,
    data: Path | None,
    rate: int,
    latency: float,
    faults: tuple[str, ...],
    *,
    lenient: bool,
) -> None:
    """
    Run an embedded MsgFlash server until it is stopped. It sends no messages.

    Prints what it assumes where MsgFlash's documentation says nothing, and each message that `proof` sends it.
    """
    require_sandbox()
    try:
        options = Options(
            host=host,
            port=port,
            clock_speed=clock_speed,
            start_at=datetime.fromisoformat(start_at) if start_at else None,
            requests_per_second=rate,
            latency_seconds=latency,
            data=data,
            faults=tuple(parse_fault(text) for text in faults),
            strict=not lenient,
        )
        serve(options, on_start=lambda url: greet(url, options.api_keys[0].secret), on_message=report)
    except (ValueError, SandboxError) as err:
        raise MsgflashApplyError("The sandbox cannot start.", str(err)) from err


def report(message: JsonObject) -> None:
    """Print a single message as it would have gone out; the sandbox goes on where nobody reads this any more."""
    said = [str(message[name]) for name in ("mediaUrl", "body") if message[name] is not None]
    line = f"Message ({message['type']}) from {message['from']} to {message['to']}: {' '.join(said)}"
    with suppress(OSError):
        click.echo(shown(line))


def require_sandbox() -> None:
    """Refuse with the command that installs what is missing."""
    if find_spec("aiohttp") is None:
        raise MsgflashApplyError(
            "The sandbox is not installed.", "It comes with an extra:", "  pip install 'msgflash-apply[sandbox]'"
        )


def greet(url: str, key: str) -> None:
    """Print where it listens, how to point this program at it, and what it had to assume."""
    lines = [
        f"The sandbox listens on {url}. It sends no messages. Stop it with Ctrl-C.",
        "",
        f"  export MSGFLASH_BASE_URL={url}",
        f"  export MSGFLASH_API_KEY={key}",
        "",
        "Where MsgFlash's documentation is silent it assumes:",
        *(f"  {assumption}" for assumption in ASSUMPTIONS),
    ]
    # Not through `output`: this key opens nothing but the sandbox, and people must be able to copy it.
    click.echo("\n".join(lines))
