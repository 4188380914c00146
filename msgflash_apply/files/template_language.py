"""
What templates can say: jinja2 with a closed list of filters and tests, no functions, and every operation bounded.

A template sees plain maps, lists and scalars and nothing of Python: `getattr` and `getitem` look into values and never
at their attributes. Filters are those of jinja2 where they cannot grow, bounded ones of our own elsewhere; names that
begin with a blank are for `template_check.bounded` alone, no template can write them. Read `Language` first.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from typing import cast

from jinja2 import StrictUndefined, Undefined, pass_context
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.filters import make_attrgetter
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.tests import TESTS as JINJA_TESTS

from msgflash_apply.files.template_values import (
    MAX_TEXT,
    Budget,
    Mistake,
    Refused,
    as_text,
    look_up,
    printed,
    too_much,
    undefined,
)
from msgflash_apply.findings import Code

BUDGET = " budget"
"""Where a template's context keeps the budget."""

WEIGHED = " weighed"
"""Gives its input unchanged, once the work of looking at all of it is counted."""

TICKED = " ticked"
"""Counts one turn of a loop; prints nothing."""

SCALARS = " scalars"
"""Refuses a list or map with collections in it: written in templates, those could double at every step."""

CONCATENATED = " concatenated"
"""Jinja2's `~`, bounded."""

_MAX_PRECISION = 20

_CONVERSION = re.compile(r"%(?:\([A-Za-z_]\w*\))?[-+ 0]*\d{0,3}(?:\.\d{1,2})?[sdf]|%%", re.ASCII)


def budget_of(context: Context) -> Budget:
    """The budget that a template runs on."""
    return cast("Budget", context[BUDGET])


def defined(value: object) -> object:
    """The value itself; Refused when nothing is there."""
    if isinstance(value, Undefined):
        str(value)  # raises
    return value


@pass_context
def _weighed(context: Context, value: object) -> object:
    if not isinstance(value, Undefined):
        budget_of(context).weigh(value)
    return value


@pass_context
def _ticked(context: Context, nothing: str, steps: int) -> str:
    budget_of(context).work(steps)
    return nothing


@pass_context
def _scalars(context: Context, value: object) -> object:
    for item in (*value, *value.values()) if isinstance(value, Mapping) else cast("Sequence[object]", value):
        if isinstance(defined(item), (Mapping, list, tuple)):
            message = "a list or map that is written in a template cannot hold another"
            raise Refused(Mistake(Code.TEMPLATE_FORBIDDEN, message, "define it under `custom`"))
    return _weighed(context, value)


@pass_context
def _concatenated(context: Context, values: Sequence[object]) -> str:
    return _bounded_join([_text(value) for value in values], "", budget_of(context))


def _text(value: object) -> str:
    return as_text(defined(value))


def _bounded_join(texts: Sequence[str], separator: str, budget: Budget) -> str:
    length = sum(map(len, texts)) + len(separator) * len(texts)
    if length > MAX_TEXT:
        raise too_much(f"this gives a text of more than {MAX_TEXT} characters")
    budget.work(1 + length // 64)
    return separator.join(texts)


@pass_context
def _join(context: Context, value: object, d: str = "", attribute: str | None = None) -> str:
    if not isinstance(value, (list, tuple, Mapping)):
        raise TypeError("join takes a list")
    items: list[object] = list(value)
    if attribute is not None:
        items = [make_attrgetter(context.environment, attribute)(item) for item in items]
    return _bounded_join([_text(item) for item in items], _text(d), budget_of(context))


def _replace(value: object, old: object, new: object, count: int = -1) -> str:
    text, before, after = _text(value), _text(old), _text(new)
    times = text.count(before) if count < 0 else min(count, text.count(before))
    if len(text) + times * (len(after) - len(before)) > MAX_TEXT:
        raise too_much("`replace` would give too large a text")
    return text.replace(before, after, count)


def _string(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else _text(value)


def _round(value: float, precision: int = 0, method: str = "common") -> object:
    if abs(precision) > _MAX_PRECISION:
        raise too_much("`round` takes a precision from -20 to 20")
    result: object = JINJA_FILTERS["round"](value, precision, method)
    return result


def _format(value: object, *args: object, **kwargs: object) -> str:
    pattern = _text(value)
    if "%" in _CONVERSION.sub("", pattern):
        hint = "use %s, %d, %f or %%, with at most three digits of width and two of precision"
        raise Refused(Mistake(Code.TEMPLATE_FORBIDDEN, f"`format` does not take `{pattern[:40]}`", hint))
    for argument in (*args, *kwargs.values()):
        _text(argument)
    return pattern % (kwargs or args)


def _adapted(name: str, *, of_text: bool = False) -> Callable[..., object]:
    """
    A filter of jinja2 whose result can be looked at more than once: a generator would be used up by the first look.

    With `of_text` it takes a text or a number, and does not print a list or null as Python does.
    """
    function = JINJA_FILTERS[name]
    at = 1 if getattr(function, "jinja_pass_arg", None) is not None else 0

    @wraps(function)
    def adapted(*args: object, **kwargs: object) -> object:
        if of_text:
            args = (*args[:at], _text(args[at]), *args[at + 1 :])
        result: object = function(*args, **kwargs)
        return list(result) if isinstance(result, Iterator) else result

    return adapted


_OF_TEXT = ("capitalize", "lower", "title", "trim", "truncate", "upper", "urlencode")

_OF_LIST = ("dictsort", "first", "items", "last", "list", "max", "min", "reverse", "sort", "unique")

_AS_THEY_ARE = ("abs", "count", "d", "default", "float", "int", "length")

FILTERS: Mapping[str, Callable[..., object]] = {
    **{name: JINJA_FILTERS[name] for name in _AS_THEY_ARE},
    **{name: _adapted(name, of_text=True) for name in _OF_TEXT},
    **{name: _adapted(name) for name in _OF_LIST},
    "format": _format,
    "join": _join,
    "replace": _replace,
    "round": _round,
    "string": _string,
    WEIGHED: _weighed,
    TICKED: _ticked,
    SCALARS: _scalars,
    CONCATENATED: _concatenated,
}
"""By name."""

FILTER_NAMES = frozenset(name for name in FILTERS if not name.startswith(" "))
"""The filters that a template may name."""

_TESTS = (
    "boolean", "defined", "divisibleby", "even", "false", "float", "integer", "iterable", "mapping", "none", "number",
    "odd", "sequence", "string", "true", "undefined",
)  # fmt: skip

TESTS = {name: JINJA_TESTS[name] for name in _TESTS}
"""By name."""

_LOOP_NAMES = frozenset({"index", "index0", "revindex", "revindex0", "first", "last", "length", "depth", "depth0"})

_MAX_ITEMS = 1_000

_MAX_BITS = 256


class Missing(StrictUndefined):
    """A name that leads nowhere: usable with `default` and `is defined` alone, and reported with its near misses."""

    @property
    def _undefined_message(self) -> str:
        # Documented for undefined types of one's own; it is asked just before the error, so this is the error.
        raise Refused(undefined(self._undefined_obj, str(self._undefined_name)))


class Language(ImmutableSandboxedEnvironment):
    """The one jinja2 environment of campaign files."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def __init__(self) -> None:
        # Not optimized: nothing is worked out while compiling, where no budget is at hand.
        super().__init__(
            undefined=Missing, keep_trailing_newline=True, finalize=_finalize, cache_size=0, optimized=False
        )
        self.globals.clear()
        self.filters = dict(FILTERS)
        self.tests = dict(TESTS)

    def getattr(self, obj: object, attribute: str) -> object:
        """Look up an entry; of `loop`, one of its counters."""
        if isinstance(obj, LoopContext) and attribute in _LOOP_NAMES:
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: object, argument: object) -> object:
        """Look up an entry or an item."""
        try:
            return look_up(defined(obj), argument)
        except KeyError:
            return self.undefined(obj=obj, name=str(argument))

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        """Calculate, unless the result would be large."""
        budget_of(context).work(1)
        if operator == "%" and isinstance(left, str):
            raise Refused(Mistake(Code.TEMPLATE_FORBIDDEN, "`%` does not format texts here", "use the filter `format`"))
        sides = (left, right)
        sizes = [len(side) for side in sides if isinstance(side, (str, list, tuple))]
        if operator == "*" and sizes:
            sizes = [sizes[0] * next((side for side in sides if isinstance(side, int)), 0)]
        bits = sum(abs(side).bit_length() for side in sides if isinstance(side, int))
        limit = MAX_TEXT if isinstance(left, str) or isinstance(right, str) else _MAX_ITEMS
        if bits > _MAX_BITS or sum(sizes) > limit:
            raise too_much(f"`{operator}` would give too large a result")
        result: object = super().call_binop(context, operator, left, right)
        return result


@pass_context
def _finalize(context: Context, value: object) -> str:
    budget = budget_of(context)
    budget.work(1)
    return printed(defined(value))
