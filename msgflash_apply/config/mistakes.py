"""
From broken rules to mistakes: one slip often breaks several rules, and people want to hear of it once.

A misspelt field is also a missing one; a template beside direct content breaks a rule per field. Read `mistakes` first.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

from msgflash_apply.config.codes import Code
from msgflash_apply.config.findings import MOST_TOLD, Finding, spell
from msgflash_apply.config.near import did_you_mean, listed, nearest
from msgflash_apply.config.schemas import SchemaName
from msgflash_apply.config.trees import ValuePath
from msgflash_apply.config.wording import Broken, word

CONTENT = ("template", "templateId", "type")
ALIASES = {
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
"""Words of other tools for fields of a campaign, too far away for a near miss."""

OF_THE_ENVIRONMENT = frozenset(
    {"key", "api_key", "apiKey", "apikey", "token", "secret", "password", "base_url", "baseUrl", "url", "host"}
    | {"team_id", "teamId"}
)
"""Names under which people look for a place for the key or the address of MsgFlash in msgflash.yaml; contract 4."""

EXPLAINED_BY_MEANING = frozenset({("schedule",), ("timezone",)})
"""Texts whose form `meaning` explains better than a pattern can: it knows the right spelling of a near miss."""

FROM_ENVIRONMENT = (
    "the key comes from MSGFLASH_API_KEY, the team from MSGFLASH_TEAM_ID and the address of MsgFlash from "
    "MSGFLASH_BASE_URL: a branch must not be able to choose where the key goes"
)


def mistakes(broken: Sequence[Broken], schema: SchemaName) -> tuple[Finding, ...]:
    """Say every broken rule once: unknown fields with near misses, the content mode as one, the others as they are."""
    unknown = [part for part in broken if part.keyword == "additionalProperties"]
    meant = frozenset(_meant(unknown))
    mode = [part for part in broken if _is_content_mode(part)]
    others = [part for part in broken if part.keyword != "additionalProperties" and part not in mode]
    found = [finding for part in unknown for finding in _unknown_fields(part, schema)]
    if mode and not meant & {(name,) for name in CONTENT}:
        found.append(_content_mode(mode))
    misplaced = {part.path for part in others if part.keyword == "falseSchema"}
    found += [word(part) for part in others if not _is_explained(part, meant, misplaced)]
    return tuple(dict.fromkeys(found))


def _names(part: Broken) -> list[str]:
    return cast("list[str]", part.limit)[:MOST_TOLD]


def _known(part: Broken) -> Mapping[str, object]:
    return cast("Mapping[str, object]", part.subschema.get("properties", {}))


def _meant(unknown: Iterable[Broken]) -> Iterator[ValuePath]:
    """Paths of the fields that unknown ones were probably meant to be."""
    for part in unknown:
        for name in _names(part):
            known = _known(part)
            if (meant := _alias(name, known) or nearest(name, known)) is not None:
                yield (*part.path, meant)


def _is_explained(part: Broken, meant: frozenset[ValuePath], misplaced: set[ValuePath]) -> bool:
    """Whether another finding says it already: a misspelt field is also missing, a misplaced one is often wrong too."""
    if part.keyword == "required":
        return (*part.path, str(part.limit)) in meant
    if part.keyword == "pattern" and part.path in EXPLAINED_BY_MEANING:
        return True
    return part.keyword != "falseSchema" and any(part.path[: len(path)] == path for path in misplaced)


def _alias(name: str, known: Mapping[str, object]) -> str | None:
    alias = ALIASES.get(name)
    return alias if alias in known else None


def _unknown_fields(part: Broken, schema: SchemaName) -> Iterator[Finding]:
    for name in _names(part):
        path = (*part.path, name)
        if schema == "project" and name in OF_THE_ENVIRONMENT:
            message = f"`{spell(path)}` can not stand in a file"
            yield Finding(Code.SECRET_IN_FILE, path, message, FROM_ENVIRONMENT, on_key=True)
        else:
            hint = _unknown_hint(name, part)
            yield Finding(Code.UNKNOWN_FIELD, path, f"unknown field `{spell(path)}`", hint, on_key=True)


def _unknown_hint(name: str, part: Broken) -> str:
    known = _known(part)
    if (alias := _alias(name, known)) is not None:
        return f"MsgFlash calls it `{alias}`"
    if name == "title" and "displayText" in known:
        return "the kind of a campaign's button is `type`, its text is `displayText`"
    return did_you_mean(name, known)


def _is_content_mode(part: Broken) -> bool:
    """Whether the rule is one of those that together mean "exactly one content mode"."""
    if part.rule[:2] == ("then", "properties") or part.rule == ("else", "required"):
        return True
    stands_alone = isinstance(part.parent, Mapping) and "type" not in part.parent
    return part.rule == ("else", "properties", "variables") and stands_alone


def _content_mode(mode: Sequence[Broken]) -> Finding:
    clashing = [str(part.path[0]) for part in mode if part.rule[0] == "then"]
    if not clashing:
        message = "exactly one content mode is needed, and neither `template` nor `type` is given"
        hint = "add `template: <name of a template>`, or `type: text` with a `body`"
        return Finding(Code.CONTENT_MODE, (), message, hint)
    document = cast("Mapping[str, object]", mode[0].parent)
    template = next(name for name in CONTENT if name in document)
    first = next(name for name in document if name in clashing)
    message = (
        f"exactly one content mode is allowed, and `{template}` stands beside {listed(_in_order(clashing, document))}"
    )
    hint = "keep the template with its `variables`, or write the message here with `type`"
    return Finding(Code.CONTENT_MODE, (first,), message, hint, on_key=True)


def _in_order(names: Iterable[str], document: Mapping[str, object]) -> list[str]:
    wanted = set(names)
    return [name for name in document if name in wanted]
