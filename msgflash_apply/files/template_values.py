"""
What templates may do with values: look into maps, print texts and numbers, hand whole values on; all within a budget.

What can be wrong in a template is a `Mistake`, and `Refused` carries it out of a template's depth. Costs are counted,
not timed: the same files give the same result on every machine, however busy.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from msgflash_apply.findings import Code, did_you_mean

PASS_THROUGH = ("contact", "user", "instance")
"""Namespaces that MsgFlash fills in for each recipient (reference 4.1); never looked into here."""

NAMESPACES = ("custom", "each", *PASS_THROUGH)


MAX_TEXT = 65_536
"""Characters of one rendered scalar, and of any value on the way to it."""

MAX_STEPS = 200_000
"""Work of one campaign's templates: a character to parse, a tenth of a node to compile or a value to look at is one."""

MAX_CHARACTERS = 1_048_576
"""Characters of all that is rendered in one campaign."""

MAX_FILE_STEPS = 50 * MAX_STEPS
"""Work of all templates of one file: about five seconds of it, or ten thousand usual campaigns."""

MAX_FILE_CHARACTERS = 64 * MAX_CHARACTERS
"""Characters of all that is rendered of one file."""

PLACEHOLDER = re.compile(r"\{\{\s*(?:contact|user|instance)(?:\.[A-Za-z0-9_]+)+\s*\}\}")
"""A placeholder of MsgFlash in the form that its parser takes (reference 4.1)."""

_CHARACTERS_PER_STEP = 64


class Mistake(NamedTuple):
    """
    One thing that is wrong in a template.

    Attributes:
        code: which kind.
        message: what is wrong, without a full stop.
        hint: what to write instead, or None.
        name: the name or word in the template that it is about, by which its tag is found; or None.
        line: of the template, from 1; or None.
    """

    code: Code
    message: str
    hint: str | None = None
    name: str | None = None
    line: int | None = None

    def called(self, dotted: str) -> "Mistake":
        """The same, with the name as it is written in full."""
        return self._replace(message=self.message.replace(f"`{self.name}`", f"`{dotted}`", 1))


class Refused(Exception):
    """
    A template that is not rendered; always becomes a `Finding`.

    Attributes:
        mistake: what is wrong.
        offset: of the tag that is meant, where that is known here; else None.
    """

    def __init__(self, mistake: Mistake, offset: int | None = None) -> None:
        super().__init__(mistake.message)
        self.mistake = mistake
        self.offset = offset


def undefined(owner: object, name: str) -> Mistake:
    """Nothing is called `name` in `owner`: a map with other names, or a value that holds no names at all."""
    if name == "each":
        message = "`each` exists only in a campaign with `for_each`"
        return Mistake(Code.UNDEFINED_VARIABLE, message, "add `for_each`, or use `custom`", name)
    if isinstance(owner, Mapping):
        hint = did_you_mean(name, [str(key) for key in owner]) if owner else "nothing is defined here"
        return Mistake(Code.UNDEFINED_VARIABLE, f"`{name}` is not defined", hint, name)
    message = f"`{name}` is looked for in {kind_of(owner)}, which has no names"
    return Mistake(Code.UNDEFINED_VARIABLE, message, "only maps have names", name)


def unknown_namespace(name: str, local_names: Iterable[str]) -> Mistake:
    """A name that begins an expression and is neither a namespace nor set in the template."""
    known = (*NAMESPACES, *local_names)
    hint = did_you_mean(name, known)
    if not hint.startswith("did you mean"):
        hint = f"write `custom.{name}` for a variable of your own; MsgFlash knows contact, user and instance"
    return Mistake(Code.UNKNOWN_NAMESPACE, f"nothing is called `{name}`", hint, name)


def misused(name: str) -> Mistake:
    """A placeholder of MsgFlash anywhere but alone between its braces."""
    message = f"`{name}` is filled in by MsgFlash, which does nothing but put the value in"
    placeholder = name if "." in name else f"{name}.name"
    hint = f"write it alone, as {{{{ {placeholder} }}}}: without filter, test, condition or whitespace control"
    return Mistake(Code.PASS_THROUGH_MISUSED, message, hint, name)


def too_much(message: str) -> Refused:
    """A bound is reached."""
    return Refused(Mistake(Code.TEMPLATE_LIMIT, message, "make the template or its values smaller"))


def kind_of(value: object) -> str:
    """What a value is, in the words of the files."""
    match value:
        case None:
            return "nothing (null)"
        case bool():
            return "true or false"
        case str():
            return "a text"
        case int() | float():
            return "a number"
        case Mapping():
            return "a map"
        case _:
            return "a list"


class Pool:
    """What is left for the templates of one file: a short one with `for_each` may give many campaigns."""

    __slots__ = ("characters", "steps")

    def __init__(self) -> None:
        self.steps = MAX_FILE_STEPS
        self.characters = MAX_FILE_CHARACTERS

    @property
    def is_spent(self) -> bool:
        """Whether a bound was reached: the campaign that reached it has been refused."""
        return self.steps < 0 or self.characters < 0


class Budget:
    """
    What is left for one campaign's templates; every method raises Refused when it is not enough.

    Args:
        pool: from which it is taken; None for one of its own.
    """

    __slots__ = ("_characters", "_pool", "_steps")

    def __init__(self, pool: Pool | None = None) -> None:
        self._steps = MAX_STEPS
        self._characters = MAX_CHARACTERS
        self._pool = pool or Pool()

    @property
    def is_spent(self) -> bool:
        """Whether a bound was reached, so that nothing more is rendered."""
        return self._steps < 0 or self._characters < 0 or self._pool.is_spent

    def work(self, steps: int) -> None:
        """Count work before it is done."""
        self._steps -= steps
        self._pool.steps -= steps
        if self._steps < 0:
            raise too_much("the templates of this campaign take too much work")
        if self._pool.steps < 0:
            raise too_much("the templates of this file take too much work")

    def write(self, characters: int) -> None:
        """Count what is rendered."""
        self._characters -= characters
        self._pool.characters -= characters
        if self._characters < 0:
            raise too_much("the templates of this campaign give too much text")
        if self._pool.characters < 0:
            raise too_much("the templates of this file give too much text")

    def give_up(self) -> None:
        """Let nothing more be rendered, as if the bound were reached."""
        self._steps = -1

    def weigh(self, value: object) -> None:
        """Count the work of looking at all of a value; what is shared in it counts as often as it is seen."""
        if isinstance(value, str):
            if len(value) > MAX_TEXT:
                raise too_much(f"a text of {len(value)} characters is too long for a template")
            self.work(1 + len(value) // _CHARACTERS_PER_STEP)
            return
        self.work(1)
        if isinstance(value, Mapping):
            value = (*value, *value.values())
        for child in value if isinstance(value, (list, tuple)) else ():
            self.weigh(child)


def look_up(owner: object, name: object) -> object:
    """
    Find what a template calls `owner.name` or `owner[name]`: an entry of a map, or an item of a list or text.

    Raises:
        KeyError: there is none; a value's methods and attributes never count.
    """
    if isinstance(owner, Mapping):
        if isinstance(name, str) and name in owner:
            return owner[name]
    elif isinstance(owner, Sequence) and isinstance(name, int) and -len(owner) <= name < len(owner):
        return owner[name]
    raise KeyError(name)


def as_text(value: object) -> str:
    """
    Print a value inside a text: texts and numbers as they are.

    Raises:
        Refused: for true, false, null, maps, lists and what is no number: `None` or `['a']` is never meant to be sent.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        hint = "choose the words: {{ 'yes' if custom.name else 'no' }}"
        raise Refused(Mistake(Code.UNPRINTABLE, "true or false cannot be part of a text", hint))
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return str(value)
    hint = "for a list, use `| join(', ')`; for the value itself, let the expression be all of the text"
    if value is None:
        hint = "give it a value, or use `| default('..', true)`"
    raise Refused(Mistake(Code.UNPRINTABLE, f"{kind_of(value)} cannot be part of a text", hint))


def printed(value: object) -> str:
    """
    Print a value where a template puts it.

    Raises:
        Refused: as `as_text`, or when the value itself is a template: values are not rendered again.
    """
    text = as_text(value)
    if "{" in text:
        check_rendered(text)
    return text


def check_rendered(text: str) -> None:
    """
    Make sure that nothing is left in a rendered text that looks like a template, but for placeholders of MsgFlash.

    Raises:
        Refused: MsgFlash would send it as written, or fail.
    """
    rest = PLACEHOLDER.sub("", text) if "{{" in text else text
    for opening in ("{{", "{%"):
        if (at := rest.find(opening)) >= 0:
            message = f"this gives a text that is a template itself: `{rest[at : at + 40]}`"
            hint = "values are not rendered again; they may hold only {{ contact.* }}, {{ user.* }}, {{ instance.* }}"
            raise Refused(Mistake(Code.UNPRINTABLE, message, hint))


def plain(value: object, budget: Budget) -> object:
    """
    Copy a value that is given for a whole scalar, as JSON can carry it, counting every part.

    Raises:
        Refused: it is too large, or holds what is no text, number, true, false, null, list or map.
    """
    budget.write(1)
    if isinstance(value, str):
        budget.write(len(value))
        return check_length(printed(value))
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Mapping):
        return {as_text(key): plain(item, budget) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, budget) for item in value]
    as_text(value)
    return value


def check_length(text: str) -> str:
    """Refuse a text above the bound."""
    if len(text) > MAX_TEXT:
        raise too_much(f"this gives a text of more than {MAX_TEXT} characters")
    return text
