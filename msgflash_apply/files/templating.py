"""
Templates in scalars: `custom.*` and `each.*` are rendered here, placeholders of MsgFlash pass through untouched.

Cheap first: a text without `{` is returned as it is, one with nothing but `{{ dotted.names }}` is cut into parts by a
regular expression, and only the rest goes to jinja2 (`template_scalar.py` has both). Contract section 3.
"""

from collections.abc import Iterable, Mapping
from typing import cast

from msgflash_apply.files.template_scalar import OPENINGS, Part, compile_scalar, cut_at_names
from msgflash_apply.files.template_values import (
    Budget,
    Mistake,
    Pool,
    Refused,
    check_length,
    check_rendered,
    plain,
    printed,
)
from msgflash_apply.findings import MOST_FINDINGS, Finding, ValuePath

# What cutting and compiling cost, in the steps of a budget: they are spent before, and whether or not it is cached.
_STEPS_PER_CHARACTER = 4

_STEPS_PER_TAG = 200

_MAX_MESSAGE = 300


class Renderer:
    """
    Renders one campaign's scalars, within one budget of work and text for all of them.

    Args:
        custom: the campaign's variables, by precedence already merged.
        each: `key` and `value` of its entry in `for_each`; None where there is none.
        pool: shared with the other campaigns of its file; None for one of its own.
    """

    __slots__ = ("_budget", "_problems", "_variables")

    def __init__(
        self, custom: Mapping[str, object], each: Mapping[str, object] | None = None, *, pool: Pool | None = None
    ) -> None:
        self._variables: dict[str, object] = {"custom": custom}
        if each is not None:
            self._variables["each"] = each
        self._budget = Budget(pool)
        self._problems: list[Finding] = []

    def render(self, value: object, path: ValuePath = ()) -> tuple[object, tuple[Finding, ...]]:
        """
        Render every text in a value; keys are left alone.

        A text that is exactly one expression becomes what the expression gives: a list, a number, true, null. Inside a
        longer text only texts and numbers can be printed; true, false, null, lists and maps are problems there. Line
        breaks of a text with expressions become line feeds.

        Args:
            value: plain maps, lists and scalars; never changed.
            path: of the value in its document, with which the problems' paths begin.

        Returns:
            The rendered value, which shares what needed no rendering with the given one, and is that very object when
            no text in it holds a `{`; and the problems, in order. A scalar with a problem is left as it was.
        """
        self._problems = []
        rendered = self._tree(value, path)
        return rendered, tuple(self._problems)

    def _tree(self, value: object, path: ValuePath) -> object:
        if isinstance(value, str):
            return self._scalar(value, path) if "{" in value else value
        if not isinstance(value, (dict, list)):
            return value
        steps: Iterable[tuple[str | int, object]] = value.items() if isinstance(value, dict) else enumerate(value)
        rendered = value
        for step, old in steps:
            if type(old) is str and "{" not in old:  # most are
                continue
            if (new := self._tree(old, (*path, step))) is not old:
                rendered = value.copy() if rendered is value else rendered
                cast("dict[str | int, object]", rendered)[step] = new  # or the list
        return rendered

    def _scalar(self, text: str, path: ValuePath) -> object:
        if self._budget.is_spent:  # said once, where it happened
            return text
        problems_before = len(self._problems)
        rendered: object = text
        try:
            if (parts := cut_at_names(text)) is None:
                tags = sum(text.count(opening) for opening in OPENINGS)
                self._budget.work(_STEPS_PER_CHARACTER * len(text) + _STEPS_PER_TAG * tags)
                parts = compile_scalar(text)
            if len(parts) == 1:
                rendered = self._evaluated(parts[0], path, is_whole=True)
            else:
                pieces = [cast("str", self._evaluated(part, path, is_whole=False)) for part in parts]
                rendered = check_length("".join(pieces))
                check_rendered(rendered)
                self._budget.write(len(rendered))
        except Refused as err:
            self._report(path, None, err.mistake)
        return rendered if len(self._problems) == problems_before else text

    def _evaluated(self, part: Part, path: ValuePath, *, is_whole: bool) -> object:
        """The value of a part that is all of its scalar, of any type; otherwise the text that it gives."""
        if isinstance(part, str):
            return part
        try:
            if not self._budget.is_spent:
                value = part.evaluate(self._variables, self._budget)
                return plain(value, self._budget) if is_whole else check_length(printed(value))
        except Refused as err:
            self._report(path, part.offset if err.offset is None else err.offset, err.mistake)
        return ""

    def _report(self, path: ValuePath, offset: int | None, mistake: Mistake) -> None:
        message = mistake.message
        if len(message) > _MAX_MESSAGE:  # it may quote a name of any length
            message = message[: _MAX_MESSAGE - 1] + "…"
        self._problems.append(Finding(mistake.code, path, message, mistake.hint, offset=offset))
        if len(self._problems) == MOST_FINDINGS:
            self._budget.give_up()
