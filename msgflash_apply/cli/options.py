"""Options that commands share: the global ones as a value, then `--format` and `--lock-timeout`."""

import re
from dataclasses import dataclass
from pathlib import Path

import click


@dataclass(frozen=True, slots=True)
class Globals:
    """The global options of contract section 9, as given."""

    root: Path
    environment: str | None
    variables: tuple[str, ...]
    variable_files: tuple[Path, ...]
    colour: bool | None
    log_level: str


pass_globals = click.make_pass_decorator(Globals)

UNIT_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}


def seconds_from(ctx: click.Context, option: click.Parameter, duration: str) -> float:
    """Read `90s`, `5m`, `1h` or a number of seconds; the callback of options that hold a duration."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", duration.strip())
    if match is None:
        raise click.BadParameter(f"'{duration}' is not a duration; write 90s, 5m or 1h.", ctx, option)
    return float(match[1]) * UNIT_SECONDS[match[2]]


TEXT_OR_JSON = click.option(
    "--format", "format_", type=click.Choice(["text", "json"]), default="text", help="Output format."
)

ACCEPT_DIFFERENCES = click.option(
    "--accept-differences",
    is_flag=True,
    help="Record the campaign even if it is not what was sent; show what differs.",
)

LOCK_TIMEOUT = click.option(
    "--lock-timeout",
    "lock_timeout_seconds",
    metavar="DURATION",
    default="0s",
    callback=seconds_from,
    help="How long to wait for the lock of the state, such as 5m.",
)
