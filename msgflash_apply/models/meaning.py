"""
A campaign or template of the right shape: what goes on the wire, and what its model cannot say about it.

`desired` builds the payload by walking the model, so a field that is marked as sent cannot be forgotten.
`check_meaning` looks for what MsgFlash would send otherwise than its writer expects, and for former addresses that are
none; the start is read in `files/schedule.py`. `desired_template` and `check_template` do the same for templates. A
text goes to the phone as it is written, so what looks like a placeholder or like YAML's quotes and is neither, and what
cannot be seen, is pointed at by `check_text`. Contract sections 2, 5 and 14.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import cast

from msgflash_apply import template
from msgflash_apply.campaign import (
    DEFAULT_LIFECYCLE,
    GROUP,
    INSTANCE,
    TEMPLATE,
    UUID,
    Address,
    Content,
    Desired,
    Lifecycle,
    Source,
    format_instant,
    plain_id,
    read_address,
    shared_names,
    with_plain_ids,
)
from msgflash_apply.findings import (
    Code,
    Finding,
    Severity,
    ValuePath,
    did_you_mean,
    nearest,
    shown,
    spell,
    texts_in,
)
from msgflash_apply.invisible import INVISIBLE, invisible_in_name, named
from msgflash_apply.models.campaign_file import (
    WIRE_NAMES,
    ButtonsCampaign,
    CampaignFile,
    Explicit,
    MediaCampaign,
    Recipients,
    ReplyButton,
    Tags,
    content_of,
    in_order,
    wire_values,
)
from msgflash_apply.models.parts import Marked
from msgflash_apply.models.project import PlaceholderPolicy, Settings
from msgflash_apply.models.shape import fields_of, shape_of, shape_of_field
from msgflash_apply.models.template_file import MediaTemplate, TemplateFile

_ODD = re.compile("[^\t\n -z\xa1-\u06ff]|\xad")
"""A character that makes a closer look worthwhile; most texts hold none, and seeing that is quick."""

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")

_CONTROL_NAMES = {"\r": "a carriage return", "\x1b": "an escape character", "\0": "a null character"}

_INVISIBLE = re.compile(f"[{INVISIBLE}]")

_SINGLE_BRACES = re.compile(r"(?<!\{)\$?\{\s*(?P<name>(?:custom|each|local|contact|user|instance)\.[\w.-]+)\s*\}")


_DOUBLE, _SINGLE = "\u201c\u201d\u201e\u201f\uff02", "\u2018\u2019\u201a\u201b"

_CURLY_QUOTES = re.compile(f"[{_DOUBLE}]([^{_DOUBLE}]*)[{_DOUBLE}]|[{_SINGLE}]([^{_SINGLE}]*)[{_SINGLE}]")


def check_text(path: ValuePath, text: str) -> Iterator[Finding]:
    """
    Look at one text.

    Args:
        path: where it is.
        text: rendered; blank ones are the schema's concern.
    """
    if _ODD.search(text) is None:
        return
    field = f"`{spell(path)}`"
    if (control := _CONTROL.search(text)) is not None:
        name = _CONTROL_NAMES.get(control[0], f"the control character U+{ord(control[0]):04X}")
        message = f"{field} holds {name}, which no phone shows"
        hint = "delete it; only tabs and line feeds are allowed, and in double quotes a line feed is `\\n`"
        yield Finding(Code.UNSEEN_TEXT, path, message, hint)
    elif text.strip() and not any(map(is_visible, text)):
        message = (
            f"{field} holds nothing that can be seen, only invisible characters such as U+{ord(text.strip()[0]):04X}"
        )
        yield Finding(Code.UNSEEN_TEXT, path, message, "write a text, or delete the line")
    if "{" in text:
        for found in _SINGLE_BRACES.finditer(text):
            message = f"`{found[0]}` in {field} is sent as it is: a placeholder has two braces on each side"
            hint = f"write `{{{{ {found['name']} }}}}`"
            yield Finding(Code.NOT_A_PLACEHOLDER, path, message, hint, severity=Severity.WARNING)
            break  # one is enough to make people look
    if (quoted := _CURLY_QUOTES.fullmatch(text.strip())) is not None:
        inner = quoted[1] or quoted[2] or ""
        message = f"the curly quotes around {field} are part of the text: YAML knows straight ones alone"
        hint = (
            f'write "{inner}" with straight quotes' if len(inner) <= 40 and '"' not in inner else "write straight ones"
        )
        yield Finding(Code.CURLY_QUOTES, path, message, hint, severity=Severity.WARNING)


def is_visible(character: str) -> bool:
    """Whether a phone shows anything for a character: no space, no control, no joiner, mark or filler."""
    if character.isspace() or _INVISIBLE.match(character):
        return False
    return unicodedata.category(character) not in {"Cc", "Cf", "Cn", "Co", "Cs", "Mn", "Me", "Zs", "Zl", "Zp"}


def utf16_units(text: str) -> int:
    """The length of a text as JavaScript counts it, and so the limits of MsgFlash's console: an emoji is two."""
    return len(text) + sum(character > "\uffff" for character in text)


PLACEHOLDER = re.compile(r"\{\{-?\s*(?:contact|user|instance)\b[^{}]*\}\}")

BUTTON_CHARACTERS = 50
"""As many as the vendor's console allows (reference 5.5)."""


def desired(
    campaign: CampaignFile, address: Address, source: Source, starts_at: datetime, settings: Settings
) -> Desired:
    """
    Build one campaign.

    Args:
        campaign: rendered, and without a mistake.
        address: as made from its file.
        source: where it is written.
        starts_at: the instant of its `schedule`.
        settings: for defaults, and for the recipients of the environment.
    """
    values = {INSTANCE: settings.instance or "", **dict(wire_values(campaign))}
    recipients = campaign.recipients
    if settings.recipients is not None:
        recipients = settings.recipients
        values["recipients"] = dict(wire_values(recipients))
    values["schedule"] = format_instant(starts_at)
    if values.get("repeat") in {"none", "noe"}:
        del values["repeat"]  # once is said by silence: reference 5.3
    if values.get("variables") == {}:
        del values["variables"]
    if isinstance(recipients, Tags | Explicit):
        audience = cast("dict[str, object]", values["recipients"])  # no person twice: reference 5.4
        audience["value"] = list(dict.fromkeys(map(plain_id, recipients.value)))
    names = {}
    for field in (INSTANCE, TEMPLATE, GROUP):
        holder = cast("dict[str, object]", values["recipients"]) if field == GROUP else values
        if field in holder and not UUID.fullmatch(str(holder[field])):
            names[field] = str(holder.pop(field))
    written = campaign.lifecycle
    return Desired(
        address=address,
        source=source,
        payload=in_order(with_plain_ids(values)),
        names=shared_names(names),
        starts_at=starts_at,
        timezone=campaign.timezone or settings.timezone,
        paused=campaign.paused,
        lifecycle=DEFAULT_LIFECYCLE
        if written is None
        else Lifecycle(
            written.on_change, written.on_remove, tuple(WIRE_NAMES[name] for name in written.ignore_changes)
        ),
        labels=campaign.labels or {},
        moved_from=_former(campaign),
        max_people=campaign.audience.max if campaign.audience is not None else None,
    )


def desired_template(file: TemplateFile, address: Address, source: Source) -> template.DesiredTemplate:
    """Build one template; see `desired`."""
    values = cast("Mapping[str, str]", dict(wire_values(file)))
    written = file.lifecycle
    return template.DesiredTemplate(
        address=address,
        source=source,
        content=Content(values["type"], values.get("body"), values.get("mediaUrl")),
        lifecycle=template.DEFAULT_TEMPLATE_LIFECYCLE
        if written is None
        else template.TemplateLifecycle(written.on_change, written.on_remove),
        labels=file.labels or {},
        moved_from=_former(file),
    )


def _former(file: CampaignFile | TemplateFile) -> tuple[Address, ...]:
    return tuple(former for text in file.moved_from or () if (former := read_address(text)) is not None)


def check_meaning(campaign: CampaignFile, address: Address, settings: Settings) -> Iterator[Finding]:
    """
    Check everything but the start: one mistake, one finding.

    Args:
        campaign: rendered; where it has mistakes, only its sound part (`explain.sound_part`).
        address: as made from its file.
        settings: for the policy.
    """
    sound = campaign.model_fields_set
    yield from _check_texts(campaign, settings.policy.placeholders_in_direct)
    yield from _check_shared_fields(campaign, address, settings.campaigns)
    if isinstance(campaign, ButtonsCampaign) and "buttons" in sound:
        yield from _check_buttons(campaign)
    if "recipients" in sound:
        yield from check_recipients(campaign.recipients)
    if campaign.repeat in {"daily", "weekly"}:
        message = f"`repeat: {campaign.repeat}`: MsgFlash does not document when a repeating campaign ends"
        hint = "watch it with `msgflash-apply status`, and end it with `paused: true`"
        yield Finding(Code.REPEAT_OPEN_ENDED, ("repeat",), message, hint, severity=Severity.WARNING)
    elif campaign.repeat == "noe":  # a slip in the vendor's own pages: reference 5.3
        message, hint = "`repeat: noe` is taken for `none`: the campaign goes out once", "write `none`, or leave it out"
        yield Finding(Code.NOT_ALLOWED, ("repeat",), message, hint, severity=Severity.WARNING)


def check_template(
    file: TemplateFile, address: Address, settings: Settings, written: Mapping[str, object]
) -> Iterator[Finding]:
    """Check a template; see `check_meaning`. `written` is the document as it was before it was rendered."""
    yield from _check_texts(file, "allow")
    yield from _check_shared_fields(file, address, settings.templates)
    for name, value in content_of(file):
        for found in dict.fromkeys(each[0] for each in template.PLACEHOLDER.finditer(str(value))):
            finding = _not_filled_in((name,), found)
            if finding is not None:
                source = written.get(name)
                offset = source.find(found) if isinstance(source, str) else -1
                yield replace(finding, offset=offset if offset >= 0 else None)


def _not_filled_in(path: ValuePath, placeholder: str) -> Finding | None:
    """Say of a placeholder of MsgFlash why it is probably sent as it is, or makes every message fail."""
    dotted = placeholder.strip("{ \t\n}")
    root, _, rest = dotted.partition(".")
    if path != ("body",):
        message = f"`{placeholder}` in `{spell(path)}` is probably sent as written: MsgFlash fills in `body` alone"
        hint = "write it out, or use `{{ local.name }}`"
    elif root == "custom" and "." in rest:
        message = f"no campaign can give `{dotted}`: `variables` is a flat map"
        hint = f"write `{{{{ custom.{rest.replace('.', '_')} }}}}`"
        return Finding(Code.PASS_THROUGH_MISUSED, path, message, hint)
    elif root == "custom" or dotted in template.KNOWN_PLACEHOLDERS or dotted.startswith("contact.meta."):
        return None
    else:
        known = [each.removeprefix(f"{root}.") for each in template.KNOWN_PLACEHOLDERS if each.startswith(f"{root}.")]
        near = nearest(rest, known)
        message = f"MsgFlash is not known to fill in `{dotted}`"
        hint = did_you_mean(rest, known)
        if near is not None:
            hint = f"did you mean `{root}.{near}`?"
        elif root == "contact":
            hint = f"a field of your own contacts is `{{{{ contact.meta.{rest} }}}}`"
    return Finding(Code.NOT_FILLED_IN, path, message, hint, severity=Severity.WARNING)


def _check_shared_fields(file: CampaignFile | TemplateFile, address: Address, folder: str) -> Iterator[Finding]:
    """Check the fields that campaigns and templates have alike."""
    if (
        isinstance(file, MediaCampaign | MediaTemplate)
        and "media_url" in file.model_fields_set
        and file.media_url[:7].lower() == "http://"
    ):
        message = "`mediaUrl` is not https: anyone on the way can read or change the file"
        hint = f"write `https://{file.media_url[7:]}` if the server can"
        yield Finding(Code.MEDIA_NOT_HTTPS, ("mediaUrl",), message, hint, severity=Severity.WARNING)
    yield from _check_labels(file.labels or {})
    for index, text in enumerate(file.moved_from or ()):
        former = read_address(text)
        if (meant := address_in(text, folder)) is not None:
            message, hint = f"{shown(text)} is a path, and an address is needed", f"write `{meant}`"
            yield Finding(Code.BAD_FORMER_ADDRESS, ("moved_from", index), message, hint)
        elif former is None:
            message = f"{shown(text)} is not an address"
            hint = 'write it as plans show it, for example `promo/old-name` or `promo/old-name["fr"]`'
            yield Finding(Code.BAD_FORMER_ADDRESS, ("moved_from", index), message, hint)
        elif former == address:
            noun = "campaign" if isinstance(file, CampaignFile) else "template"
            message, hint = f"{shown(text)} is this {noun}'s own address", "give the address that it had before"
            yield Finding(Code.BAD_FORMER_ADDRESS, ("moved_from", index), message, hint)


def address_in(text: str, folder: str) -> Address | None:
    """Read the address in the path of a file, below a folder or with it; None for what is no path."""
    base, bracket, entry = text.partition("[")
    path = base.replace("\\", "/").removeprefix("./").removeprefix("/").removeprefix(f"{folder}/")
    stem = re.sub(r"\.ya?ml\Z", "", path, flags=re.IGNORECASE)
    return read_address(f"{stem}{bracket}{entry}") if stem != base else None


def _check_texts(file: CampaignFile | TemplateFile, policy: PlaceholderPolicy) -> Iterator[Finding]:
    """Look at every text that goes out."""
    for name, value in content_of(file):
        for path, text in texts_in(value, (name,)):
            if "{{" in text and (policy != "allow" or name == "variables"):
                yield from _check_placeholder(path, text, policy)
            yield from check_text(path, text)
            yield from _check_length(file, path, text)
    if isinstance(file, CampaignFile) and "name" in file.model_fields_set:
        yield from check_text(("name",), file.name)
        yield from _check_length(file, ("name",), file.name)


def _check_length(file: Marked, path: ValuePath, text: str) -> Iterator[Finding]:
    if text.isascii() or (limit := _characters_of(type(file), str(path[0]))) is None:
        return
    if len(text) <= limit < (units := utf16_units(text)):
        message = f"`{spell(path)}` has {units} UTF-16 units, and MsgFlash's console takes {limit}"
        hint = "shorten it: an emoji counts as two or more"
        yield Finding(Code.LONG_WITH_EMOJI, path, message, hint, severity=Severity.WARNING)


@cache
def _characters_of(model: type[Marked], name: str) -> int | None:
    """The most characters of a field's text, or of each text in its map."""
    shape = shape_of_field(fields_of(model)[name])
    most = shape.limits.get("maxLength") or (shape_of(shape.item).limits.get("maxLength") if shape.item else None)
    return None if most is None else int(most)


def _check_placeholder(path: ValuePath, text: str, policy: PlaceholderPolicy) -> Iterator[Finding]:
    """
    Find the first placeholder of MsgFlash in a text that its server is not known to render.

    That is direct content, and the values of a template's variables: people probably get `{{contact.firstName}}`
    (reference 5.1, 10.4). The policy is about direct content; in variables a placeholder always draws a warning.
    """
    found = PLACEHOLDER.search(text)
    if found is None:
        return
    message = f"`{found[0]}` in `{spell(path)}` is probably sent as written: "
    if path[0] == "variables":
        message += "values of variables are not rendered"
        hint = "write the placeholder into the template itself"
        yield Finding(Code.PLACEHOLDER_IN_VARIABLES, path, message, hint, severity=Severity.WARNING)
    else:
        message += "direct content is not rendered"
        hint = "use a `template`, or write a text that fits everyone"
        severity = Severity.ERROR if policy == "error" else Severity.WARNING
        yield Finding(Code.PLACEHOLDER_IN_DIRECT, path, message, hint, severity=severity)


def _check_buttons(campaign: ButtonsCampaign) -> Iterator[Finding]:
    replies: dict[str, int] = {}
    for index, button in enumerate(campaign.buttons):
        if (size := utf16_units(button.display_text)) > BUTTON_CHARACTERS:
            path = ("buttons", index, "displayText")
            message = f"`{spell(path)}` is {size} characters long and may be cut after {BUTTON_CHARACTERS}"
            yield Finding(Code.LONG_BUTTON, path, message, "shorten it", severity=Severity.WARNING)
        if isinstance(button, ReplyButton) and (first := replies.setdefault(button.id, index)) != index:
            message = f"{shown(button.id)} is the id of `buttons[{first}]`, too: the answers would look alike"
            hint = "give each `reply` an `id` of its own"
            yield Finding(Code.FIELDS_CLASH, ("buttons", index, "id"), message, hint)


def _check_labels(labels: Mapping[str, str]) -> Iterator[Finding]:
    """People choose campaigns by their labels, as they read them."""
    for name, value in labels.items():
        if (odd := invisible_in_name(value)) is not None:
            message = f"`{spell(('labels', name))}` holds {named(value[odd])}, which cannot be seen"
            yield Finding(Code.UNSEEN_TEXT, ("labels", name), message, "write the label without it")


def check_recipients(recipients: Recipients) -> Iterator[Finding]:
    """Warn of repeated tags or contacts, of a campaign or an environment: once for the whole list, at the first."""
    if not isinstance(recipients, Tags | Explicit):
        return
    written = recipients.value
    audience = [plain_id(item) for item in written]
    repeats = len(audience) - len(set(audience))
    if not repeats:
        return
    places = {item: index for index, item in reversed(list(enumerate(audience)))}
    first = next(index for index, item in enumerate(audience) if places[item] < index)
    message = f"{shown(written[first])} is listed before" + f", and {repeats - 1} more repeats follow" * (repeats > 1)
    path = ("recipients", "value", first)
    yield Finding(Code.REPEATED_RECIPIENT, path, message, "delete the repeats", severity=Severity.WARNING)
