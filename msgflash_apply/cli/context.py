"""What the global options say, carried to every command."""

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
