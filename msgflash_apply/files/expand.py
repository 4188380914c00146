"""
One document -> its campaigns: variables, `for_each`, rendering, checks. Contract sections 2 and 3.

`custom`, `for_each` and `key` are not part of what is rendered per campaign: variables are values, the table of a
`for_each` is rendered once, and an address must not depend on a variable. Read `expand` first.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import cast

from msgflash_apply.campaign import Address, Desired, Source, entry_address
from msgflash_apply.files.schedule import start_of
from msgflash_apply.files.template_values import Pool
from msgflash_apply.files.templating import Renderer, RenderProblem
from msgflash_apply.findings import BY_TEXT, Code, Finding, ValuePath, texts_in
from msgflash_apply.models.campaign_file import check_meaning, desired
from msgflash_apply.models.project import Settings
from msgflash_apply.models.schema import check

Fields = Mapping[str, object]

NOT_RENDERED = ("custom", "for_each", "key")


@dataclass(frozen=True, slots=True)
class Expanded:
    """
    What became of one entry of a document; a document without `for_each` has one.

    Attributes:
        address: of the campaign, whether or not it can be used.
        desired: None when there is an error.
        findings: errors and warnings.
    """

    address: Address
    desired: Desired | None
    findings: tuple[Finding, ...]


def expand(
    fields: Fields, base: Address, source: Source, settings: Settings, pool: Pool | None = None
) -> Iterator[Expanded]:
    """
    Make the campaigns of one document, in the order of its `for_each`.

    Args:
        fields: the document as parsed.
        base: its address, without any entry.
        source: where it is written.
        settings: variables, defaults and policy.
        pool: what the templates of the whole file may cost; None for a file with this document alone. Once it is used
            up, which is a finding, the entries that are left are not given.
    """
    pool = pool or Pool()
    raw = {name: fields[name] for name in NOT_RENDERED if name in fields}
    body = {name: value for name, value in fields.items() if name not in raw} if raw else fields
    custom = _custom(raw.get("custom"), settings)
    if "for_each" not in raw:
        yield _expanded(Renderer(custom, pool=pool), body, raw, _Target(base, source, settings))
        return
    table, problems = Renderer(custom, pool=pool).render(raw["for_each"], ("for_each",))
    if problems or not isinstance(table, dict) or not table:
        yield _without_table(fields, table, problems, base)
        return
    raw["for_each"] = table
    for key, value in table.items():
        renderer = Renderer(custom, {"key": key, "value": value}, pool=pool)
        yield _expanded(renderer, body, raw, _Target(entry_address(base, key), source, settings))
        if pool.is_spent:
            return
        raw = {}  # they are the same for every entry, and checking a long table per entry would take its square


@dataclass(frozen=True, slots=True)
class _Target:
    address: Address
    source: Source
    settings: Settings


def _custom(own: object, settings: Settings) -> Fields:
    return {**settings.custom_below, **(own if isinstance(own, dict) else {}), **settings.custom_above}


def _expanded(renderer: Renderer, body: Fields, raw: Fields, target: _Target) -> Expanded:
    """Render and check one campaign; a good one passes each check once and pays for no explanation."""
    rendered, problems = renderer.render(body)
    fields = cast("Fields", {**cast("Fields", rendered), **raw} if raw else rendered)
    shape = check(fields)
    found = [_for_template(finding, body) for finding in _shape_findings(shape, problems)] if shape or problems else []
    broken = {finding.path[0] for finding in found if finding.path}
    sound = {name: value for name, value in fields.items() if name not in broken} if broken else fields
    start = None
    if "schedule" in sound and "timezone" not in broken:
        start = start_of(sound, target.settings.timezone)
        if isinstance(start, Finding):
            found.append(start)
    found += check_meaning(sound, target.address, target.settings)
    if start is None or isinstance(start, Finding) or any(finding.is_error for finding in found):
        return Expanded(target.address, None, _addressed(found, target.address))
    campaign = desired(fields, target.address, target.source, start, target.settings)
    return Expanded(target.address, campaign, _addressed(found, target.address))


def _shape_findings(shape: tuple[Finding, ...], problems: tuple[RenderProblem, ...]) -> list[Finding]:
    """What rendering and the schema found; where rendering failed, the schema would only see the template."""
    unrendered = [problem.path for problem in problems]
    return [*map(_from_render, problems), *(finding for finding in shape if not _is_below(finding.path, unrendered))]


def _for_template(finding: Finding, body: Fields) -> Finding:
    """A number where a text is wanted: quotes do not help when an expression gave it."""
    is_number = finding.code is Code.WRONG_TYPE and str(finding.hint).startswith("quote it")
    if is_number and isinstance(_written(body, finding.path), str):
        return replace(finding, hint="make the expression a text: `{{ ... | string }}`")
    return finding


def _written(tree: object, path: ValuePath) -> object:
    """What stands in the file at a path; None where only rendering made the place."""
    for step in path:
        if isinstance(tree, dict):
            tree = tree.get(step)
        elif isinstance(tree, list) and isinstance(step, int) and step < len(tree):
            tree = tree[step]
        else:
            return None
    return tree


def _from_render(problem: RenderProblem) -> Finding:
    return Finding(BY_TEXT[problem.code], problem.path, problem.message, problem.hint, offset=problem.offset)


def _is_below(path: ValuePath, others: list[ValuePath]) -> bool:
    return any(path[: len(other)] == other for other in others)


def _addressed(found: list[Finding], address: Address) -> tuple[Finding, ...]:
    return tuple(replace(finding, address=address) for finding in found)


def _without_table(fields: Fields, table: object, problems: tuple[RenderProblem, ...], base: Address) -> Expanded:
    """The table itself is wrong: say so, and whatever can be said of fields that hold no template."""
    templates = [path for path, text in texts_in(fields) if "{" in text and path[:1] != ("for_each",)]
    shape = [finding for finding in check({**fields, "for_each": table}) if not _is_below(finding.path, templates)]
    return Expanded(base, None, _addressed(_shape_findings(tuple(shape), problems), base))
