"""
What the schema found, in our own words: one finding per mistake, with what to write instead.

The schema supplies the nouns (a title such as "A UUID", an example), this module the sentences. It knows neither the
validator nor any position. Read `word` first.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from msgflash_apply.findings import Code, Finding, did_you_mean, listed, shown, spell

TYPE_WORDS = {
    "string": "a text",
    "array": "a list",
    "object": "a map",
    "boolean": "`true` or `false`",
    "integer": "a whole number",
    "number": "a number",
    "null": "empty",
}

LONG_NUMBER = 10**6
"""From here on an unquoted number was probably a phone number or a code."""


@dataclass(frozen=True, slots=True)
class Broken:
    """
    One rule of the schema that a document breaks.

    Attributes:
        keyword: the schema's word (`maxLength`); `falseSchema` where a field is not allowed.
        limit: what the keyword says: the limit, the allowed values, the missing or unexpected names.
        path: where in the document.
        rule: where in the schema.
        subschema: the schema object that holds the keyword; for `falseSchema` the one that forbids the field.
        value: what is at `path`; for `propertyNames` the name.
        parent: the map or list around `path`.
    """

    keyword: str
    limit: object
    path: tuple[str | int, ...]
    rule: tuple[str | int, ...]
    subschema: Mapping[str, object]
    value: object
    parent: object

    @property
    def field(self) -> str:
        """The place as people write it, in backticks."""
        return f"`{spell(self.path)}`" if self.path else "the document"

    @property
    def wanted(self) -> str:
        """What the schema wants here, as a noun with its article; empty where it has no name for it."""
        title = str(self.subschema.get("title", "")) if "pattern" in self.subschema else ""
        return title[:1].lower() + title[1:]

    @property
    def example(self) -> str | None:
        """A hint with the schema's first example."""
        examples = self.subschema.get("examples")
        return f"for example `{examples[0]}`" if isinstance(examples, list) else None

    @property
    def kind(self) -> str | None:
        """The value of `type` that made this rule apply; None for rules that always apply."""
        owner = self.value if self.keyword == "required" else self.parent
        conditional = "then" in self.rule and isinstance(owner, Mapping)
        return str(cast("Mapping[str, object]", owner).get("type")) if conditional else None


def word(broken: Broken) -> Finding:
    """Say one broken rule as a finding. KeyError for a keyword that our schemas do not use."""
    return SENTENCES[broken.keyword](broken)


def _wrong_type(broken: Broken) -> Finding:
    if broken.value is None:
        return Finding(Code.WRONG_TYPE, broken.path, f"{broken.field} has no value", "write one, or delete the line")
    expected = [name for name in cast("Sequence[str]", broken.limit) if name != "null"]
    wanted = broken.wanted
    if not wanted or "text" in wanted:
        wanted = " or ".join(TYPE_WORDS[name] for name in sorted(expected, reverse=True))
    match broken.value:
        case bool():
            found = f"`{shown(broken.value)}`"
        case int() | float():
            found = f"the number {shown(broken.value)}"
        case str():
            found = f"the text {shown(broken.value)}"
        case list():
            found = "a list"
        case _:
            found = "a map"
    message = f"{broken.field} must be {wanted}, not {found}"
    return Finding(Code.WRONG_TYPE, broken.path, message, _type_hint(broken, expected))


def _type_hint(broken: Broken, expected: Sequence[str]) -> str | None:
    value = broken.value
    if "contact id" in broken.wanted:
        return CONTACT_IDS_WANTED
    if "string" in expected and isinstance(value, bool | int | float):
        quoted = f'quote it: "{shown(value)}"'
        lost = not isinstance(value, bool) and abs(value) >= LONG_NUMBER
        return f"{quoted} (a leading `+` or `0` only survives in quotes)" if lost else quoted
    if "array" in expected and isinstance(value, str):
        return f"write a list: [{shown(value)}]"
    if "object" in expected and not broken.path:
        return "begin with fields, such as `name: ...`"
    return broken.example


CONTACT_IDS_WANTED = "contact ids are wanted, not phone numbers: the `id` that MsgFlash shows for a contact"


def _pattern(broken: Broken) -> Finding:
    text = str(broken.value)
    if not text.strip():
        return Finding(Code.WRONG_FORM, broken.path, f"{broken.field} is blank", "write a text, or delete the line")
    looks_like_phone = "contact id" in broken.wanted and not set(text) - set("+0123456789 ().-")
    hint = CONTACT_IDS_WANTED if looks_like_phone else broken.example
    message = f"{broken.field} must be {broken.wanted}, not {shown(text)}"
    return Finding(Code.WRONG_FORM, broken.path, message, hint)


def _enum(broken: Broken) -> Finding:
    allowed = [str(value) for value in cast("Sequence[object]", broken.limit) if value is not None]
    choice, hint = f"one of {listed(allowed)}", did_you_mean(str(broken.value), allowed)
    if len(allowed) == 1:
        choice, hint = f"`{allowed[0]}`", f"write `{allowed[0]}`"
    message = f"{broken.field} must be {choice}, not {shown(broken.value)}"
    return Finding(Code.NOT_ALLOWED, broken.path, message, hint)


def _required(broken: Broken) -> Finding:
    missing = spell((*broken.path, str(broken.limit)))
    if broken.kind is None:
        return Finding(Code.MISSING_FIELD, broken.path, f"`{missing}` is required", f"add `{broken.limit}: ...`")
    message = f"`{missing}` is required when `{spell((*broken.path, 'type'))}` is `{broken.kind}`"
    return Finding(Code.MISSING_FIELD, (*broken.path, "type"), message, f"add `{broken.limit}: ...`")


def _forbidden(broken: Broken) -> Finding:
    if "dependentSchemas" in broken.rule:
        message = f"`{broken.rule[1]}` and {broken.field} exclude each other"
        return Finding(Code.FIELDS_CLASH, broken.path, message, "keep one of them", on_key=True)
    if broken.kind is None:
        message = f"{broken.field} goes with `template`, not with `type`"
        hint = "variables are filled into a template; write direct content out, or use `custom`"
        return Finding(Code.FIELDS_CLASH, broken.path, message, hint, on_key=True)
    required = cast("Sequence[str]", broken.subschema.get("required", ()))
    hint = f"`type: {broken.kind}` needs {listed(required)}" if required else "delete it"
    message = f"{broken.field} does not go with `type: {broken.kind}`"
    return Finding(Code.FIELDS_CLASH, broken.path, message, hint, on_key=True)


def _name(broken: Broken) -> Finding:
    message = f"{shown(broken.value)} in {broken.field} must be {broken.wanted}"
    path = (*broken.path, str(broken.value))
    return Finding(Code.WRONG_FORM, path, message, broken.example, on_key=True)


def _size(sentence: str, hint: str | None = None) -> Callable[[Broken], Finding]:
    """Make the wording of a limit; the sentence may use `field`, `limit` and `size`."""

    def say(broken: Broken) -> Finding:
        size = len(broken.value) if isinstance(broken.value, str | list | Mapping) else broken.value
        message = sentence.format(field=broken.field, limit=broken.limit, size=size)
        return Finding(Code.WRONG_SIZE, broken.path, message, hint if broken.path[-1:] == ("value",) else None)

    return say


SENTENCES: Mapping[str, Callable[[Broken], Finding]] = {
    "type": _wrong_type,
    "pattern": _pattern,
    "enum": _enum,
    "required": _required,
    "falseSchema": _forbidden,
    "propertyNames": _name,
    "maxLength": _size("{field} is {size} characters long, at most {limit} are allowed"),
    "minItems": _size("{field} is empty, at least {limit} entry is needed"),
    "maxItems": _size(
        "{field} holds {size} entries, at most {limit} are allowed",
        "put the contacts in a MsgFlash group and write `type: group` with its `groupId`",
    ),
    "minProperties": _size("{field} is empty, at least {limit} entry is needed"),
    "minimum": _size("{field} must be at least {limit}, not {size}"),
    "maximum": _size("{field} must be at most {limit}, not {size}"),
    "exclusiveMinimum": _size("{field} must be more than {limit}, not {size}"),
}
