"""
Templates in scalars: `custom.*` and `each.*` are rendered here, placeholders of MsgFlash pass through untouched.

Cheap first: a text without `{` is returned as it is, one with nothing but `{{ dotted.names }}` is cut into parts by a
regular expression (`template_parts`), and only the rest is given to jinja2 (`template_scalar`, imported when the first
such text is met).
Contract section 3.
"""

from collections.abc import Mapping
from dataclasses import dataclass

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
from msgflash_apply.findings import MOST_TOLD, ValuePath

# What cutting and compiling cost, in the steps of a budget: they are spent before, and whether or not it is cached.
_STEPS_PER_CHARACTER = 4

_STEPS_PER_TAG = 200

_MAX_MESSAGE = 300


@dataclass(frozen=True, slots=True)
class RenderProblem:
    """
    Something that keeps a scalar from being rendered.

    Attributes:
        path: of the scalar.
        offset: characters into it, to the `{` of the tag that is meant; None for all of it.
        message: what is wrong, without a full stop.
        hint: what to write instead, or None.
        code: MF201 to MF207, see `Code`.
    """

    path: ValuePath
    offset: int | None
    message: str
    hint: str | None
    code: str


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
        self._problems: list[RenderProblem] = []

    def render(self, value: object, path: ValuePath = ()) -> tuple[object, tuple[RenderProblem, ...]]:
        """
        Render every text in a value; keys are left alone.

        A text that is exactly one expression becomes what the expression gives: a list, a number, true, null. Inside a
        longer text only texts and numbers can be printed; true, false, null, lists and maps are problems there. Line
        breaks of a text with expressions become line feeds.

        Args:
            value: plain maps, lists and scalars; never changed.
            path: where it stands in its document, to begin the problems' paths with.

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
        if isinstance(value, dict):
            return self._entries(value, path)
        return self._items(value, path) if isinstance(value, list) else value

    def _entries(self, entries: dict[str, object], path: ValuePath) -> dict[str, object]:
        rendered = entries
        for key, old in entries.items():
            if type(old) is str and "{" not in old:  # most are
                continue
            if (new := self._tree(old, (*path, key))) is not old:
                rendered = dict(entries) if rendered is entries else rendered
                rendered[key] = new
        return rendered

    def _items(self, items: list[object], path: ValuePath) -> list[object]:
        rendered = items
        for index, old in enumerate(items):
            if (new := self._tree(old, (*path, index))) is not old:
                rendered = list(items) if rendered is items else rendered
                rendered[index] = new
        return rendered

    def _scalar(self, text: str, path: ValuePath) -> object:
        if self._budget.is_spent:  # said once, where it happened
            return text
        problems_before = len(self._problems)
        rendered: object = text
        try:
            parts = cut_at_names(text) or self._compiled(text)
            rendered = self._whole(parts[0], path) if len(parts) == 1 else self._joined(parts, path)
        except Refused as err:
            self._report(path, None, err.mistake)
        return rendered if len(self._problems) == problems_before else text

    def _compiled(self, text: str) -> tuple[Part, ...]:
        tags = sum(text.count(opening) for opening in OPENINGS)
        self._budget.work(_STEPS_PER_CHARACTER * len(text) + _STEPS_PER_TAG * tags)
        return compile_scalar(text)

    def _whole(self, part: Part, path: ValuePath) -> object:
        if isinstance(part, str):
            return part
        try:
            return plain(part.evaluate(self._variables, self._budget), self._budget)
        except Refused as err:
            self._report(path, part.offset if err.offset is None else err.offset, err.mistake)
        return None

    def _joined(self, parts: tuple[Part, ...], path: ValuePath) -> str:
        text = check_length("".join([self._piece(part, path) for part in parts]))
        check_rendered(text)
        self._budget.write(len(text))
        return text

    def _piece(self, part: Part, path: ValuePath) -> str:
        if isinstance(part, str) or self._budget.is_spent:
            return part if isinstance(part, str) else ""
        try:
            return check_length(printed(part.evaluate(self._variables, self._budget)))
        except Refused as err:
            self._report(path, part.offset if err.offset is None else err.offset, err.mistake)
        return ""

    def _report(self, path: ValuePath, offset: int | None, mistake: Mistake) -> None:
        message = mistake.message
        if len(message) > _MAX_MESSAGE:  # it may quote a name of any length
            message = message[: _MAX_MESSAGE - 1] + "…"
        self._problems.append(RenderProblem(path, offset, message, mistake.hint, mistake.code))
        if len(self._problems) == MOST_TOLD:
            self._budget.give_up()
