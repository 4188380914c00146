"""
Which campaigns use which templates of this repo, and whether they give what these need. Contract section 14.

MsgFlash fails silently, recipient by recipient, where a variable of a template is missing. Read `use_templates`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from msgflash_apply.campaign import TEMPLATE, Address, Desired, read_address
from msgflash_apply.files.conflicts import Conflict
from msgflash_apply.files.expand import Expanded
from msgflash_apply.findings import Code, Finding, Severity, listed, nearest
from msgflash_apply.models.meaning import address_in
from msgflash_apply.models.project import Settings
from msgflash_apply.template import DesiredTemplate, placeholders


def use_templates(
    campaigns: Sequence[Expanded[Desired]], templates: Sequence[Expanded[DesiredTemplate]], settings: Settings
) -> tuple[list[Expanded[Desired]], list[Conflict]]:
    """
    Find the template of each campaign that names one of this repo, and compare its placeholders with `variables`.

    Returns:
        The campaigns, with their templates; one whose template has a mistake cannot be used. And what is wrong.
    """
    by_address = {one.address: one for one in templates}
    meant: dict[str, Address | Finding | None] = {}
    done: list[Expanded[Desired]] = []
    users: dict[Address, list[Expanded[Desired]]] = {}
    found: dict[tuple[object, Finding], Conflict] = {}  # the entries of a `for_each` share mistakes
    for one in campaigns:
        text = one.desired.names.get(TEMPLATE) if one.desired is not None else None
        if one.desired is None or text is None or not by_address:
            done.append(one)
            continue
        if text not in meant:
            meant[text] = _address_of(text, by_address, settings)
        address = meant[text]
        if isinstance(address, Finding):
            warning = replace(address, address=one.address)
            found.setdefault((one.source, warning), (one, warning))
        if address is None or isinstance(address, Finding):
            done.append(one)
            continue
        users.setdefault(address, []).append(one)
        is_usable = by_address[address].desired is not None
        done.append(one._replace(desired=replace(one.desired, template=address) if is_usable else None))
    for address, using in users.items():
        if (template := by_address[address].desired) is not None:
            for one, finding in _check_variables(template, using, settings):
                found.setdefault((one.source, finding), (one, finding))
    return done, list(found.values())


def _address_of(text: str, templates: Mapping[Address, object], settings: Settings) -> Address | Finding | None:
    """The address that a campaign names; a warning where it nearly does; None for a name on MsgFlash."""
    address = read_address(text)
    if address in templates:
        return address
    entries = [each for each in templates if each != address and each.partition("[")[0] == text.partition("[")[0]]
    path = address_in(text, settings.templates)
    folded = text.casefold()
    near = next((each for each in templates if folded in {each.casefold(), each.rpartition("/")[2].casefold()}), None)
    if path in templates:
        near = path
    elif near is None and "/" in text:
        near = Address(nearest(text, templates) or "") or None
    if not entries and near is None:
        return None
    message = f"`{text}` is no template of this repo, and is looked up by this name on MsgFlash"
    hint = f"did you mean `{near}`?" if not entries else f"name one of its entries: {listed(entries)}"
    return Finding(Code.NEARLY_A_TEMPLATE, ("template",), message, hint, severity=Severity.WARNING)


def _check_variables(
    template: DesiredTemplate, using: Sequence[Expanded[Desired]], settings: Settings
) -> Iterator[Conflict]:
    """Compare what a template needs with what each campaign gives."""
    needed = [path.removeprefix("custom.") for path in placeholders(template.content) if path.startswith("custom.")]
    given = [(one, variables_of(one)) for one in using]
    given_by_any = {name for _, names in given for name in names}
    own = settings.custom_below.keys() | settings.custom_above.keys()
    for one, names in given:
        unused = [name for name in names if name not in needed]
        for name in needed:
            if name in names:
                continue
            message = f"template `{template.address}` needs the variable `{name}`, and `variables` does not give it"
            hint = f"add `{name}: ...` to `variables`; without it every message fails"
            if (near := nearest(name, unused)) is not None:
                hint = f"`{near}` is given, and not used: did you mean `{name}`?"
            elif name in own and name not in given_by_any:
                hint = f"add it, or write `{{{{ local.{name} }}}}` in the template: `{name}` is a variable of this repo"
            yield one, Finding(Code.VARIABLE_MISSING, ("variables",), message, hint, address=one.address)
        for name in unused:
            message, path = f"template `{template.address}` does not use the variable `{name}`", ("variables", name)
            warning = Finding(Code.VARIABLE_UNUSED, path, message, "remove it", on_key=True, address=one.address)
            yield one, replace(warning, severity=Severity.WARNING)


def variables_of(one: Expanded[Desired]) -> Sequence[str]:
    """The names that a campaign gives to its template, as written."""
    variables = one.desired.payload.get("variables") if one.desired is not None else None
    return list(variables) if isinstance(variables, Mapping) else []
