"""A campaigns repo in a temporary folder, for tests of what is read from it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgflash_apply.files.load import Loaded, load
from msgflash_apply.files.settings import load_settings
from msgflash_apply.findings import Diagnostic
from msgflash_apply.models.project import Settings

WELCOME = """\
name: Welcome
schedule: 2099-03-02T10:00:00+01:00
recipients: {type: all}
type: text
body: Hello
"""


def write(root: Path, files: Mapping[str, str]) -> Path:
    """Write files, by path relative to the repo; the repo."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def settings_of(
    root: Path,
    project: str = "",
    *,
    environment: str | None = None,
    environ: Mapping[str, str] | None = None,
    variables: Sequence[str] = (),
    variable_files: Sequence[Path] = (),
) -> Settings:
    """Load the settings of a repo whose msgflash.yaml holds `project`; no such file when that is empty."""
    if project:
        write(root, {"msgflash.yaml": project})
    return load_settings(
        root, environment=environment, environ=environ or {}, variables=variables, variable_files=variable_files
    )


def loaded(root: Path, files: Mapping[str, str], settings: Settings | None = None) -> Loaded:
    """Write campaign files, by path below `campaigns/`, and load them; with default settings unless others come."""
    write(root, {f"campaigns/{name}": text for name, text in files.items()})
    return load(settings or Settings(root))


def in_short(diagnostics: Sequence[Diagnostic]) -> list[str]:
    """Each diagnostic in one line, with the folder of the campaigns left out: `a.yaml:3:1 MF301`."""
    return [f"{(d.file or '').removeprefix('campaigns/')}:{d.line}:{d.column} {d.code}" for d in diagnostics]
