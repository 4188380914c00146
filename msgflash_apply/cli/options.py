"""
What the global options say, carried to every command.

Durations as people type them.
"""

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


def seconds_from(duration: str, option: str = "--lock-timeout") -> float:
    """Read `90s`, `5m`, `1h` or a number of seconds."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", duration.strip())
    if match is None:
        raise click.BadParameter(f"'{duration}' is not a duration; write 90s, 5m or 1h.", param_hint=option)
    return float(match[1]) * UNIT_SECONDS[match[2]]
