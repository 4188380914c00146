"""A scalar cut into what stands as it is and what is evaluated; cheaply, where it holds nothing but dotted names."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from msgflash_apply.config.template_errors import Mistake, Refused, undefined
from msgflash_apply.config.template_values import Budget, look_up

# The look-behind leaves `{{{` to jinja2, which reads it as a map inside an expression.
_TAG = re.compile(
    r"(?<!\{)\{\{\s*+(?:(?P<ours>(?:custom|each)(?:\.[A-Za-z_][A-Za-z0-9_]*+)*+)"
    r"|(?:contact|user|instance)(?:\.[A-Za-z0-9_]++)++)\s*+\}\}",
)

OPENINGS = ("{{", "{%", "{#")
"""What begins a tag."""


class Evaluable(Protocol):
    """
    A part of a scalar that is worked out for each campaign.

    Attributes:
        offset: of its first brace in the scalar; None when it is all of it.
    """

    @property
    def offset(self) -> int | None:
        """See above."""

    def evaluate(self, variables: Mapping[str, object], budget: Budget) -> object:
        """Give its value; Refused says what is wrong."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A tag that can not be evaluated, whatever the variables; the scalar's other tags still are."""

    offset: int | None
    mistake: Mistake

    def evaluate(self, variables: Mapping[str, object], budget: Budget) -> object:
        """Refuse."""
        del variables, budget
        raise Refused(self.mistake)


Part: TypeAlias = "str | Evaluable"


@dataclass(frozen=True, slots=True)
class DottedName:
    """`{{ custom.shop.city }}`: by far the most usual expression, looked up without jinja2."""

    offset: int
    name: str

    def evaluate(self, variables: Mapping[str, object], budget: Budget) -> object:
        """Walk down the maps, one name after the other."""
        del budget  # as long as the name: nothing that needs counting
        value: object = variables
        walked = ""
        for step in self.name.split("."):
            walked = f"{walked}.{step}" if walked else step
            try:
                value = look_up(value, step)
            except KeyError:
                mistake = undefined(value, step)
                raise Refused(mistake.called(walked)) from None
        return value


def cut_at_names(text: str) -> tuple[Part, ...] | None:
    """
    Cut a text at its dotted names; placeholders of MsgFlash stay in the text.

    Returns:
        The parts; the text itself as the only one when nothing in it is ours; None when it needs jinja2.
    """
    tags = list(_TAG.finditer(text))
    if len(tags) != text.count("{{") or "{%" in text or "{#" in text:
        return None
    parts: list[Part] = []
    kept = 0
    for tag in tags:
        if tag["ours"]:
            parts += (with_line_feeds(text[kept : tag.start()]), DottedName(tag.start(), tag["ours"]))
            kept = tag.end()
    return tuple(part for part in (*parts, with_line_feeds(text[kept:])) if part != "") if parts else (text,)


def with_line_feeds(text: str) -> str:
    """Line breaks as jinja2 gives them back."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
