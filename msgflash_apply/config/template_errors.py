"""What can be wrong in a template, as a value, and the exception that carries it out of a template's depth."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgflash_apply.config.codes import Code
from msgflash_apply.config.near import did_you_mean

PASS_THROUGH = ("contact", "user", "instance")
"""Namespaces that MsgFlash fills in for each recipient (reference 4.1); never looked into here."""
NAMESPACES = ("custom", "each", *PASS_THROUGH)


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
    A template that is not rendered; always becomes a `RenderProblem`.

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
