"""
What templates can say: jinja2 with a closed list of filters and tests, no functions, and every operation bounded.

A template sees plain maps, lists and scalars and nothing of Python: `getattr` and `getitem` look into values and never
at their attributes. Growth is bounded where it happens: here for `+` and `*`, in `template_filters` for the filters.
"""

from jinja2 import StrictUndefined, pass_context
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from msgflash_apply.config.codes import Code
from msgflash_apply.config.template_errors import Mistake, Refused, too_much, undefined
from msgflash_apply.config.template_filters import FILTERS, TESTS, budget_of, defined
from msgflash_apply.config.template_values import MAX_TEXT, look_up, printed

_LOOP_NAMES = frozenset({"index", "index0", "revindex", "revindex0", "first", "last", "length", "depth", "depth0"})
_MAX_ITEMS = 1_000
_MAX_BITS = 256


class Missing(StrictUndefined):
    """A name that leads nowhere: usable with `default` and `is defined` alone, and told with its near misses."""

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
        _check_growth(operator, left, right)
        result: object = super().call_binop(context, operator, left, right)
        return result


def _check_growth(operator: str, left: object, right: object) -> None:
    sizes = [len(side) for side in (left, right) if isinstance(side, (str, list, tuple))]
    bits = sum(abs(side).bit_length() for side in (left, right) if isinstance(side, int))
    if operator == "%" and isinstance(left, str):
        raise Refused(Mistake(Code.TEMPLATE_FORBIDDEN, "`%` does not format texts here", "use the filter `format`"))
    if operator == "*" and sizes:
        factor = next((side for side in (left, right) if isinstance(side, int)), 0)
        sizes = [sizes[0] * factor]
    limit = MAX_TEXT if isinstance(left, str) or isinstance(right, str) else _MAX_ITEMS
    if bits > _MAX_BITS or sum(sizes) > limit:
        raise too_much(f"`{operator}` would give too large a result")


@pass_context
def _finalize(context: Context, value: object) -> str:
    budget = budget_of(context)
    budget.work(1)
    return printed(defined(value))
