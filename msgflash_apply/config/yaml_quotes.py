"""How a scalar is written: quotes only where they are needed, and then double ones where nothing needs an escape."""

from msgflash_apply.config.core_schema import NotJson, resolve

# YAML 1.1 made truth values of these; files are read by editors and tools that still do.
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_FLOW_MARKS = frozenset(",[]{}:")


def canonical_quotes(raw: str, value: str, *, in_flow: bool) -> str:
    """
    Write a scalar of one line.

    Args:
        raw: as it is written; a plain one stays as it is.
        value: what it means.
        in_flow: whether it stands inside `{..}` or `[..]`, where more characters need quotes.
    """
    if raw[:1] not in {'"', "'"} or can_be_plain(value, in_flow=in_flow):
        return value if raw[:1] in {'"', "'"} else raw
    if raw[0] == "'" and value.isprintable() and not {'"', "\\"} & set(value):
        return f'"{value}"'
    return raw


def can_be_plain(value: str, *, in_flow: bool) -> bool:
    """
    Whether a text means itself without quotes, for every reader of YAML; in doubt it does not.

    A template keeps its quotes: without them it needs some as soon as it comes to stand first.
    """
    if not value[:1].isalpha() or not value.isprintable() or value != value.strip() or value.lower() in _WORDS:
        return False
    if "{" in value or ": " in value or " #" in value or value.endswith(":") or (in_flow and _FLOW_MARKS & set(value)):
        return False
    try:
        return resolve(value) == value
    except NotJson:
        return False
