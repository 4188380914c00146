"""
A document against its models: a typed value, or every mistake in our own words. Read `check` first.

A good document passes pydantic once. Of another one `broken.py` says which rules are broken and where, and `explain`
makes one finding per mistake, with what to write instead: one slip often breaks several rules (a misspelt field is also
a missing one, a template beside direct content breaks a rule per field). The nouns come from the models: the title of a
form, its example. What a model cannot say is checked on the typed campaign, in `meaning.py`.
"""

import re
from collections.abc import Callable, Collection, Container, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any, Final, TypeAlias, cast

from pydantic import TypeAdapter, ValidationError

from msgflash_apply.findings import Code, Finding, ValuePath, did_you_mean, in_quotes, listed, nearest, shown, spell
from msgflash_apply.limits import MAX_FINDINGS
from msgflash_apply.models.broken import Broken, Models, bad_size, broken_in, by_likeness
from msgflash_apply.models.forms import CONTACT_ID, PHONE_NUMBER, phone_number_hint
from msgflash_apply.models.parts import AnyModel, Model
from msgflash_apply.models.project import ProjectFile
from msgflash_apply.models.shape import Shape, fields_among, fields_of, is_needed, kinds_of, model_for
from msgflash_apply.models.template_file import TEMPLATES

Written: TypeAlias = Callable[[ValuePath], str | None]
"""The source text of an unquoted value; None where it is not known, or quoted."""

ALIASES: Final = {
    "text": "body",
    "message": "body",
    "caption": "body",
    "media": "mediaUrl",
    "image": "mediaUrl",
    "date": "schedule",
    "start": "schedule",
    "audience": "recipients",
    "contacts": "recipients",
    "tags": "recipients",
}
"""Words of other tools for fields of a campaign or template, too far away for a near miss."""

OF_THE_ENVIRONMENT: Final = frozenset(
    {"key", "api_key", "apiKey", "apikey", "token", "secret", "password", "base_url", "baseUrl", "url", "host"}
    | {"team_id", "teamId"}
)
"""Names under which people look for a place for the key or the address of MsgFlash in msgflash.yaml; contract 4."""

FROM_ENVIRONMENT: Final = (
    "the key comes from MSGFLASH_API_KEY, the team from MSGFLASH_TEAM_ID and the address of MsgFlash from "
    "MSGFLASH_BASE_URL: a branch must not be able to choose where the key goes"
)

CONTACT_IDS_WANTED: Final = "contact ids are wanted, not phone numbers: the `id` that MsgFlash shows for a contact"

EXPLAINED_BY_MEANING: Final = (("schedule",), ("timezone",))
"""Texts whose form `files/schedule.py` explains better: it knows the right spelling of a near miss."""

TYPE_WORDS: Final = {
    "string": "a text",
    "array": "a list",
    "object": "a map",
    "boolean": "`true` or `false`",
    "integer": "a whole number",
    "number": "a number",
}

TRUTHS: Final = {
    **dict.fromkeys(("yes", "y", "on", "true"), "true"),
    **dict.fromkeys(("no", "n", "off", "false"), "false"),
}
"""What other readers of YAML take for true and false."""

HALF_CHARACTER: Final = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair, which JSON on the wire cannot carry."""

LONG_NUMBER: Final = 10**6
"""From here on an unquoted number was probably a phone number or a code."""


def not_known(_: ValuePath) -> None:
    """Know no source text."""


def explain(document: object, models: Models, written: Written = not_known) -> tuple[Finding, ...]:
    """
    Say every broken rule once.

    Args:
        document: a campaign, template or project file, rendered: dicts, lists, texts, numbers, booleans, None.
        models: of such files.
        written: the source text of unquoted values, for hints that quote it.

    Returns:
        One finding per mistake, in no special order; none for texts that are `EXPLAINED_BY_MEANING`.
    """
    if not isinstance(document, dict):
        return (_wrong_type(Broken("form", (), Shape(("object",)), document, models, None), written),)
    whole = cast("dict[str, object]", _with_whole_names(document))
    # One more than is shown, so that the others are counted.
    broken = list(islice(broken_in(models, whole, ()), MAX_FINDINGS + 1))
    unknown = [part for part in broken if part.is_unknown]
    meant = {(*part.path[:-1], word) for part in unknown if (word := _meant_by(part)) is not None}
    pairs = [pair for model in models for pair in model.exclusive]
    excluded = {other: one for one, other in pairs if one in document and other in document}
    found = [_half_a_character(())] if whole != document else []
    found += [_unknown_field(part, is_project=models == (ProjectFile,)) for part in unknown]
    for other, one in excluded.items():
        message, hint = f"`{one}` and `{other}` exclude each other", "keep one of them"
        found.append(Finding(Code.FIELDS_CLASH, (other,), message, hint, on_key=True))
    choosing = [*(name for model in models for name in model.chosen_by), "type"]
    if not any((name,) in meant for name in choosing):
        found += _content_modes(broken, document, choosing)
    for part in broken:
        match part.rule:
            case "missing" if part.path not in meant:
                found.append(_missing(part))
            case "extra" if not part.is_unknown and part.kind is not None:
                found.append(_misplaced(part))
            case "form" if not _is_explained_elsewhere(part, excluded):
                found.append(_wrong(part, written))
            case "key":
                found.append(_wrong_key(part))
            case "both":
                one, other = (spell((*part.path[:-1], name)) for name in part.models[0].one_of)
                message, hint = f"`{one}` and `{other}` exclude each other", "keep one of them"
                found.append(Finding(Code.FIELDS_CLASH, part.path, message, hint, on_key=True))
            case _:
                pass
    return tuple(dict.fromkeys(found))


def _with_whole_names(value: object) -> object:
    """Take out entries whose names hold half a character: pydantic looks no further than such a one."""
    match value:
        case dict():
            return {k: _with_whole_names(v) for k, v in value.items() if not HALF_CHARACTER.search(str(k))}
        case list():
            return [_with_whole_names(v) for v in value]
        case _:
            return value


def _is_explained_elsewhere(part: Broken, excluded: Mapping[str, str]) -> bool:
    """Whether the form of a value is no matter here: its meaning is explained better, or it should not be there."""
    if part.path in EXPLAINED_BY_MEANING:
        return isinstance(part.value, str) and not HALF_CHARACTER.search(part.value)
    return part.path[0] in excluded if part.path else False


def _meant_by(part: Broken) -> str | None:
    """The field that an unknown one is probably meant to be."""
    known = fields_among(part.models)
    return alias if (alias := ALIASES.get(part.name)) in known else nearest(part.name, known)


def _unknown_field(part: Broken, *, is_project: bool) -> Finding:
    known = fields_among(part.models)
    if is_project and part.name in OF_THE_ENVIRONMENT:
        message = f"{part.field} cannot be in a file"
        return Finding(Code.SECRET_IN_FILE, part.path, message, FROM_ENVIRONMENT, on_key=True)
    if is_project and part.path == ("recipients",):
        hint = "campaigns name their recipients; only an entry of `environments` may replace them"
    elif part.path == ("name",) and part.models == TEMPLATES:
        hint = "delete it: a template is named after its address, which is the path of its file, or ends with its `key`"
    elif (alias := ALIASES.get(part.name)) in known:
        hint = f"MsgFlash calls it `{alias}`"
    elif part.name == "title" and "displayText" in known:
        hint = "the kind of a campaign's button is `type`, its text is `displayText`"
    else:
        hint = did_you_mean(part.name, known)
    return Finding(Code.UNKNOWN_FIELD, part.path, f"unknown field {part.field}", hint, on_key=True)


def _content_modes(broken: Sequence[Broken], document: Mapping[str, object], choosing: Sequence[str]) -> list[Finding]:
    """One finding where the content is given in no way, or in two ways at once."""
    if any(part.rule == "no kind" for part in broken):
        message = "exactly one content mode is needed, and neither `template` nor `type` is given"
        hint = "add `template: <name of a template>`, or `type: text` with a `body`"
        return [Finding(Code.CONTENT_MODE, (), message, hint)]
    clashing = {part.name for part in broken if part.rule == "extra" and part.kind is None and not part.is_unknown}
    if not clashing:
        return []
    template = next(name for name in choosing if name in document)
    beside = [name for name in document if name in clashing]
    message = f"exactly one content mode is allowed, and `{template}` is beside {listed(beside)}"
    hint = "keep the template with its `variables`, or write the message here with `type`"
    return [Finding(Code.CONTENT_MODE, (beside[0],), message, hint, on_key=True)]


def _misplaced(part: Broken) -> Finding:
    """A field that belongs to another kind."""
    typed = [model for model in part.models if not model.chosen_by]
    if not any(part.name in fields_of(model) for model in typed):
        message = f"{part.field} goes with `template`, not with `type`"
        hint = "variables are filled into a template; write direct content out, or use `custom`"
        return Finding(Code.FIELDS_CLASH, part.path, message, hint, on_key=True)
    (own,) = (model for model in typed if part.kind in kinds_of(model))
    needed = [name for name in fields_of(own) if is_needed(own, name) and not all(name in fields_of(m) for m in typed)]
    hint = f"`type: {part.kind}` needs {listed(needed)}" if needed else "delete it"
    message = f"{part.field} does not go with `type: {part.kind}`"
    return Finding(Code.FIELDS_CLASH, part.path, message, hint, on_key=True)


def _missing(part: Broken) -> Finding:
    hint = f"add `{part.name}: ...`"
    around = part.path[:-1]
    if part.models[0].one_of:
        hint = " or ".join(f"`{name}: ...`" for name in part.models[0].one_of)
        message = (
            f"one of {listed(part.models[0].one_of)} is required when `{spell((*around, 'type'))}` is `{part.kind}`"
        )
        return Finding(Code.MISSING_FIELD, (*around, "type"), message, f"add {hint}")
    if part.kind is None or all(is_needed(model, part.name) for model in part.models):
        return Finding(Code.MISSING_FIELD, around, f"{part.field} is required", hint)
    message = f"{part.field} is required when `{spell((*around, 'type'))}` is `{part.kind}`"
    return Finding(Code.MISSING_FIELD, (*around, "type"), message, hint)


def _half_a_character(path: ValuePath) -> Finding:
    """Half of a pair; in the name of a field it is nowhere in particular."""
    field = f"`{spell(path)}`" if path else "the document"
    return Finding(Code.WRONG_FORM, path, f"{field} holds half a character", "write the character itself")


def _wrong_key(part: Broken) -> Finding:
    message = f"{shown(part.name)} in `{spell(part.path[:-1])}` must be {_noun(part.shape)}"
    return Finding(Code.WRONG_FORM, part.path, message, _example(part.shape), on_key=True)


def _wrong(part: Broken, written: Written) -> Finding:
    """Say what is wrong with a value: pydantic said that something is, and the shape says what was wanted."""
    value, shape = part.value, part.shape
    if shape.choices:
        return _not_a_choice(part)
    if value is None or not any(name in _types_of(value) for name in shape.types):
        return _wrong_type(part, written)
    if (sentence := bad_size(part)) is not None:
        is_audience = isinstance(value, list) and part.path[-1:] == ("value",) and value
        return Finding(Code.WRONG_SIZE, part.path, f"{part.field} {sentence}", GROUP_INSTEAD if is_audience else None)
    text = str(value)
    if HALF_CHARACTER.search(text):
        return _half_a_character(part.path)
    if not text.replace("\ufeff", "").strip():
        return Finding(Code.WRONG_FORM, part.path, f"{part.field} is blank", "write a text, or delete the line")
    looks_like_phone = shape.form is CONTACT_ID and not set(text) - set("+0123456789 ().-")
    hint = CONTACT_IDS_WANTED if looks_like_phone else _form_hint(shape, text)
    return Finding(Code.WRONG_FORM, part.path, f"{part.field} must be {_noun(shape)}, not {shown(text)}", hint)


GROUP_INSTEAD: Final = "put the contacts in a MsgFlash group and write `type: group` with its `group` or `groupId`"


def _types_of(value: object) -> Container[str]:
    """JSON's names for what a value is."""
    match value:
        case bool():
            return ("boolean",)
        case int() | float():
            return ("number", "integer") if value == value // 1 else ("number",)
        case str():
            return ("string",)
        case list():
            return ("array",)
        case _:
            return ("object",)


def _not_a_choice(part: Broken) -> Finding:
    allowed = [str(choice) for choice in part.shape.choices if choice is not None]
    choice, hint = f"one of {listed(allowed)}", did_you_mean(str(part.value), allowed)
    if len(allowed) == 1:
        choice, hint = f"`{allowed[0]}`", f"write `{allowed[0]}`"
    message = f"{part.field} must be {choice}, not {shown(part.value)}"
    return Finding(Code.NOT_ALLOWED, part.path, message, hint)


def _wrong_type(part: Broken, written: Written) -> Finding:
    value, field = part.value, part.field
    if value is None:
        return Finding(Code.WRONG_TYPE, part.path, f"{field} has no value", "write one, or delete the line")
    source = written(part.path) if not isinstance(value, str) else None
    text = shown(value) if source is None else source
    found = {dict: "a map", list: "a list", str: f"the text {text}", bool: f"`{text}`"}
    message = f"{field} must be {_wanted(part.shape)}, not {found.get(type(value), f'the number {text}')}"
    return Finding(Code.WRONG_TYPE, part.path, message, _type_hint(part, text, is_source=source is not None))


def _type_hint(part: Broken, text: str, *, is_source: bool) -> str | None:
    """Say what to write instead; quotes only where the text, as the file spells it, is of the form that is wanted."""
    value, shape = part.value, part.shape
    if shape.form is CONTACT_ID:
        return CONTACT_IDS_WANTED
    if "string" in shape.types and (is_source or isinstance(value, bool | int | float)):
        if shape.form is None or not shape.form.fits(text):
            return _form_hint(shape, text)
        if not is_source and isinstance(value, int | float) and abs(value) >= LONG_NUMBER:
            return f'quote it: "{text}" (a leading `+` or `0` only survives in quotes)'
        return f"quote it: {in_quotes(text)}"
    if shape.types == ("boolean",) and isinstance(value, str) and value.lower() in TRUTHS:
        return f"write `{TRUTHS[value.lower()]}`"
    if "array" in shape.types and isinstance(value, str):
        return f"write a list: [{shown(value)}]"
    if "object" in shape.types and not part.path:
        fields = fields_among(part.models)
        needed = next(name for name in fields if all(is_needed(model, name) for model in part.models))
        return f"begin with fields, such as `{needed}: ...`"
    return _example(shape)


def _form_hint(shape: Shape, text: str) -> str | None:
    return phone_number_hint(text) if shape.form is PHONE_NUMBER else _example(shape)


def _noun(shape: Shape) -> str:
    """The form that is wanted, with its article."""
    title = shape.form.title if shape.form is not None else ""
    return title[:1].lower() + title[1:]


def _wanted(shape: Shape) -> str:
    """What a shape takes: the form where it says more than the type."""
    if shape.form is not None and not shape.form.title.startswith("A text"):
        return _noun(shape)
    return " or ".join(TYPE_WORDS[name] for name in sorted(shape.types, reverse=True) if name != "null")


def _example(shape: Shape) -> str | None:
    """A hint with the first example."""
    if not shape.examples:
        return None
    example = shape.examples[0]
    return f"for example `{example if isinstance(example, str) else shown(example)}`"


def check(
    document: object, models: tuple[type[AnyModel], ...], written: Written = not_known
) -> AnyModel | tuple[Finding, ...]:
    """
    Read a document.

    Args:
        document: after rendering: dicts, lists, texts, numbers, booleans, None.
        models: those of its kind of file: `CAMPAIGNS`, `TEMPLATES`, or `ProjectFile` alone.
        written: the source text of an unquoted value, for hints that quote it.

    Returns:
        What it says; or one finding per mistake, in no special order. Of a campaign they may be none, where all that
        is wrong is the form of `schedule` or `timezone`, which is explained where these are read.
    """
    model = model_for(models, document) if isinstance(document, dict) else None
    try:
        if model is not None:
            return model.model_validate(document)
    except ValidationError:
        pass
    return explain(document, models, written)


def get_ready(models: tuple[type[Model], ...]) -> None:
    """Build what checking needs, once for all children of this process: pydantic would do it in each."""
    for model in models:
        model.model_rebuild()


def sound_part(
    fields: Mapping[str, object], models: tuple[type[AnyModel], ...], broken: Collection[object]
) -> AnyModel:
    """
    Read what can be used of a document with mistakes, so that it can be checked for what it means.

    Args:
        fields: the document after rendering.
        models: as for `check`.
        broken: names of fields that have a mistake.

    Returns:
        A model that has only the sound fields, which `model_fields_set` names; even required ones may be missing.
    """
    typed = tuple(one for one in models if not one.chosen_by)
    model = model_for(models, fields) or by_likeness(typed, fields)[0]
    values: dict[str, Any] = {}
    for name in fields_of(model).keys() & fields.keys() - broken:
        try:
            values[name] = _adapter(model, name).validate_python(fields[name])
        except ValidationError:
            if isinstance(fields[name], str):  # its form is explained where it is read
                values[name] = fields[name]
    return model.model_construct(**values)


@cache
def _adapter(model: type[Model], name: str) -> TypeAdapter[object]:
    return TypeAdapter(fields_of(model)[name].rebuild_annotation())
