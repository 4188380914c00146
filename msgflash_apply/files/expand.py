"""
One document -> its campaigns or templates: variables, `for_each`, rendering, checks. Contract sections 2, 3 and 14.

`custom`, `for_each` and `key` are not part of what is rendered per campaign: variables are values, the table of a
`for_each` is rendered once, and an address must not depend on a variable. Read `expand` first. In what campaigns and
templates differ is in `KINDS`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar, cast

from msgflash_apply.campaign import FAR_AHEAD_HINT, Address, Desired, Source, entry_address, far_ahead
from msgflash_apply.files import template_language
from msgflash_apply.files.leaked_keys import rendered_keys
from msgflash_apply.files.schedule import inverted_zone, start_of
from msgflash_apply.files.templating import Renderer
from msgflash_apply.findings import Code, Finding, Severity, ValuePath, texts_in
from msgflash_apply.limits import MAX_ENTRIES
from msgflash_apply.models.campaign_file import CAMPAIGNS, CampaignFile
from msgflash_apply.models.explain import Written, check, not_known, sound_part
from msgflash_apply.models.meaning import check_meaning, check_template, desired, desired_template
from msgflash_apply.models.parts import Model
from msgflash_apply.models.project import FileKind, Settings
from msgflash_apply.models.template_file import TEMPLATES, TemplateFile
from msgflash_apply.template import DesiredTemplate

Fields = Mapping[str, object]

NOT_RENDERED = ("custom", "for_each", "key")

Wanted = TypeVar("Wanted", Desired, DesiredTemplate)


class Expanded(NamedTuple, Generic[Wanted]):
    """
    One campaign or template of a document: what the file wants, or why it cannot be used.

    Attributes:
        address: whether or not it can be used.
        source: the document.
        desired: None when there is an error.
        findings: errors and warnings.
    """

    address: Address
    source: Source
    desired: Wanted | None
    findings: tuple[Finding, ...]


class Entry(NamedTuple):
    """What is the same for all fields of one campaign or template; `body` is the document before it was rendered."""

    address: Address
    source: Source
    settings: Settings
    body: Fields


Checked: TypeAlias = tuple[list[Finding], Callable[[], Any] | None]
"""What is wrong; and what makes the value that is wanted, if nothing is."""


class Kind(NamedTuple):
    """
    In what kinds of files differ.

    Attributes:
        models: of their documents.
        language: of their templates.
        read: checks the sound part of a rendered document, given the names of its broken fields.
    """

    models: tuple[type[Model], ...]
    language: template_language.Language
    read: Callable[[Any, frozenset[object], Entry], Checked]


def _campaign(campaign: CampaignFile, broken: frozenset[object], entry: Entry) -> Checked:
    settings, start = entry.settings, None
    found: list[Finding] = []
    if "schedule" in campaign.model_fields_set and "timezone" not in broken:
        start = start_of(campaign.schedule, campaign.timezone, settings.timezone)
        if isinstance(start, Finding):
            found.append(start)
        elif settings.now is not None and (far := far_ahead(start, settings.now)) is not None:
            found.append(Finding(Code.FAR_AHEAD, ("schedule",), far, FAR_AHEAD_HINT, severity=Severity.WARNING))
        found += filter(None, [inverted_zone(campaign.timezone or "", campaign.schedule)])
    found += check_meaning(campaign, entry.address, settings)
    if not isinstance(start, datetime):
        return found, None
    return found, partial(desired, campaign, entry.address, entry.source, start, settings)


def _template(file: TemplateFile, _: frozenset[object], entry: Entry) -> Checked:
    found = list(check_template(file, entry.address, entry.settings, entry.body))
    return found, partial(desired_template, file, entry.address, entry.source)


KINDS: Mapping[FileKind, Kind] = {
    "campaign": Kind(CAMPAIGNS, template_language.CAMPAIGNS, _campaign),
    "template": Kind(TEMPLATES, template_language.TEMPLATES, _template),
}


def expand(
    fields: Fields,
    base: Address,
    source: Source,
    settings: Settings,
    written: Written = not_known,
    kind: FileKind = "campaign",
) -> Iterator[Expanded[Any]]:
    """
    Make the campaigns of one document, in the order of its `for_each`; a document without one has one campaign.

    Args:
        fields: the document as parsed.
        base: its address, without any entry.
        source: where it is written.
        settings: variables, defaults and policy.
        written: the source text of an unquoted value of the document.
        kind: what it holds instead of campaigns.
    """
    models, language, _ = KINDS[kind]
    raw = {name: fields[name] for name in NOT_RENDERED if name in fields}
    body = {name: value for name, value in fields.items() if name not in raw} if raw else fields
    own = raw.get("custom")
    custom = {**settings.custom_below, **(own if isinstance(own, dict) else {}), **settings.custom_above}
    entries: Iterable[tuple[Address, Fields | None]] = ((base, None),)
    if "for_each" in raw:
        table, problems = Renderer(custom, None, language).render(raw["for_each"], ("for_each",))
        problems += tuple(rendered_keys(table, raw["for_each"], ("for_each",)))
        if problems or not isinstance(table, dict) or not table:
            # Without a table: what is wrong with it, and whatever can be said of fields that hold no template.
            templates = [path for path, text in texts_in(fields) if "{" in text and path[:1] != ("for_each",)]
            shape = check({**fields, "for_each": table}, models, written)
            found = [*problems, *(_elsewhere(shape, problems, templates) if isinstance(shape, tuple) else ())]
            yield Expanded(base, source, None, tuple([replace(finding, address=base) for finding in found]))
            return
        if len(table) > MAX_ENTRIES:
            message = f"`for_each` has {len(table)} entries, and {MAX_ENTRIES} at most are read"
            finding = Finding(Code.WRONG_SIZE, ("for_each",), message, "split it into several files", address=base)
            yield Expanded(base, source, None, (finding,))
            return
        raw["for_each"] = table
        entries = ((entry_address(base, key), {"key": key, "value": value}) for key, value in table.items())
    for address, each in entries:
        renderer, entry = Renderer(custom, each, language), Entry(address, source, settings, body)
        yield _expanded(renderer, entry, raw, written, KINDS[kind])
        raw = {}  # they are the same for every entry, and checking a long table per entry would take its square


def _expanded(renderer: Renderer, entry: Entry, raw: Fields, written: Written, kind: Kind) -> Expanded[Any]:
    """Render and check one campaign or template; a good one passes each check once and pays for no explanation."""
    rendered, problems = renderer.render(entry.body)
    fields = cast("Fields", {**cast("Fields", rendered), **raw} if raw else rendered)
    found: list[Finding] = []
    broken: frozenset[object] = frozenset()
    file = check(fields, kind.models, written)
    if problems or isinstance(file, tuple):
        shape = file if isinstance(file, tuple) else ()
        found = [*problems, *(_for_template(finding, entry.body) for finding in _elsewhere(shape, problems))]
        broken = frozenset(finding.path[0] for finding in found if finding.path)
        file = sound_part(fields, kind.models, broken)
    more, make = kind.read(file, broken, entry)
    found += more
    found += rendered_keys(rendered, entry.body)
    findings = tuple([replace(finding, address=entry.address) for finding in found])
    if make is None or any(finding.is_error for finding in found):
        return Expanded(entry.address, entry.source, None, findings)
    return Expanded(entry.address, entry.source, make(), findings)


def _elsewhere(
    shape: Sequence[Finding], problems: Sequence[Finding], templates: Sequence[ValuePath] = ()
) -> list[Finding]:
    """What the schema found where nothing failed to render: there it would only see the template."""
    unrendered = [*(problem.path for problem in problems), *templates]
    return [finding for finding in shape if not any(finding.path[: len(path)] == path for path in unrendered)]


def _for_template(finding: Finding, body: Fields) -> Finding:
    """A number where a text is needed: quotes do not help when an expression gave it."""
    if finding.code is not Code.WRONG_TYPE or not str(finding.hint).startswith("quote it"):
        return finding
    written: object = body
    for step in finding.path:
        if isinstance(written, dict):
            written = written.get(step)
        elif isinstance(written, list) and isinstance(step, int) and step < len(written):
            written = written[step]
        else:
            return finding  # only rendering made the place
    hint = "make the expression a text: `{{ ... | string }}`"
    return replace(finding, hint=hint) if isinstance(written, str) else finding
