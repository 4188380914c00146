"""Which files `fmt` looks at, and what becomes of each: changed, canonical already, or left alone with a finding."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from msgflash_apply.config.canonical import NotCanonical, canonical, field_order
from msgflash_apply.config.codes import Code
from msgflash_apply.config.documents import BadYaml
from msgflash_apply.config.files import CampaignFile, campaign_files, read_bytes, unreadable
from msgflash_apply.config.findings import misread
from msgflash_apply.config.schemas import SchemaName
from msgflash_apply.config.settings import Settings
from msgflash_apply.errors import Diagnostic, Severity, in_order

PROJECT_FILE = "msgflash.yaml"


@dataclass(frozen=True, slots=True)
class Changed:
    """A file whose canonical form is another: where it lies, its name relative to the repo, what it should hold."""

    path: Path
    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Formatted:
    """What `fmt` found; nothing is written yet. `findings` are about files that are to be left alone."""

    changed: tuple[Changed, ...]
    unchanged: int
    findings: tuple[Diagnostic, ...]


def format_files(settings: Settings, paths: Sequence[Path] = ()) -> Formatted:
    """
    Bring files into canonical form, in memory.

    Args:
        settings: say where the campaigns are.
        paths: files or folders to keep to; none means msgflash.yaml and every campaign.
    """
    changed, unchanged = [], 0
    findings: list[Diagnostic] = []
    for found, schema in _files(settings, paths):
        outcome = found if isinstance(found, Diagnostic) else _format(found, schema)
        if isinstance(outcome, Diagnostic):
            findings.append(outcome)
        elif outcome is None:
            unchanged += 1
        else:
            changed.append(outcome)
    return Formatted(tuple(changed), unchanged, in_order(findings))


def _files(settings: Settings, paths: Sequence[Path]) -> Iterator[tuple[CampaignFile | Diagnostic, SchemaName]]:
    root, project = settings.root.resolve(), settings.root / PROJECT_FILE
    wanted = {path: (settings.root / path).resolve() for path in paths}
    everything = not paths or root in wanted.values()
    if project.is_file() and (everything or project.resolve() in wanted.values()):
        yield CampaignFile(str(project), PROJECT_FILE), "project"
    others = [path for path, real in wanted.items() if real != project.resolve() or not project.is_file()]
    if everything or others:
        for found in campaign_files(settings.root, settings.campaigns, () if everything else others):
            yield found, "campaign"


def _format(file: CampaignFile, schema: SchemaName) -> Changed | Diagnostic | None:
    try:
        before = read_bytes(file.path)
        after = canonical(before, field_order(schema))
    except OSError as err:
        return unreadable(file.name, err)
    except BadYaml as err:
        return misread(err, file.name)
    except NotCanonical as err:
        hint = "it was left as it is; write it more plainly to have it formatted"
        return Diagnostic(Severity.ERROR, Code.NOT_FORMATTED, str(err), hint, file=file.name)
    return None if after == before else Changed(Path(file.path), file.name, after)
