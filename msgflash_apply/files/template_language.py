"""
What templates can say: jinja2 with a closed list of its own filters and tests, and no functions.

A template sees plain maps, lists and scalars and nothing of Python: `getattr` and `getitem` look into values and never
at their attributes. What is printed is a text or a number: `None` or `['a']` is never meant to be sent. How much a
template may cost is not counted here: it runs in a child process that the system bounds (`bounded.py`).

What is wrong with a template leaves its depth as `BadTemplate`; `templating.py` finds the tag. Read `Language` first;
`mistakes_in` checks what is written, before anything runs.
"""

import codecs
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import wraps

import jinja2.debug  # noqa: F401 - jinja2 itself imports it at the first mistake, where no file can be opened any more
from jinja2 import Environment, StrictUndefined, Undefined, nodes, pass_environment
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.filters import make_attrgetter
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.tests import TESTS as JINJA_TESTS
from jinja2.visitor import NodeTransformer

from msgflash_apply.findings import Code, Finding, Refused, did_you_mean
from msgflash_apply.limits import MAX_TEXT
from msgflash_apply.template import KNOWN_PLACEHOLDERS

codecs.lookup("unicode-escape")  # as above: jinja2 needs it for the first text in quotes

_PART = r"[^\s.|()\[\]{}~+*/<>=!?,:&%'\"]+"


class BadTemplate(Refused):
    """
    A template that is not rendered.

    Attributes:
        finding: without a path; its `offset` is that of the tag, where it is known already.
        name: the name or word in the template that it is about, by which its tag is found; or None.
        line: of the template, from 1; or None.
    """

    def __init__(
        self,
        code: Code,
        message: str,
        hint: str | None = None,
        *,
        name: str | None = None,
        line: int | None = None,
        offset: int | None = None,
    ) -> None:
        super().__init__(Finding(code, (), message, hint, offset=offset))
        self.name = name
        self.line = line


def undefined(owner: object, name: str, dotted: str = "") -> BadTemplate:
    """Nothing is called `name` in `owner`: a map with other names, or a value that holds no names at all."""
    written = dotted or name
    if name == "each":
        message = "`each` exists only where there is a `for_each`"
        return BadTemplate(Code.UNDEFINED_VARIABLE, message, "add it, or use a variable", name=name)
    if isinstance(owner, Mapping):
        hint = did_you_mean(name, [str(key) for key in owner]) if owner else "nothing is defined here"
        return BadTemplate(Code.UNDEFINED_VARIABLE, f"`{written}` is not defined", hint, name=name)
    message = f"`{written}` is looked for in {kind_of(owner)}, which has no names"
    return BadTemplate(Code.UNDEFINED_VARIABLE, message, "only maps have names", name=name)


def misused(name: str) -> BadTemplate:
    """A placeholder of MsgFlash anywhere but alone between its braces."""
    message = f"`{name}` is filled in by MsgFlash, which does nothing but put the value in"
    placeholder = name if "." in name else f"{name}.name"
    hint = f"write it alone, as {{{{ {placeholder} }}}}: without filter, test, condition or whitespace control"
    return BadTemplate(Code.PASS_THROUGH_MISUSED, message, hint, name=name)


def too_much(message: str) -> BadTemplate:
    """A bound is reached."""
    return BadTemplate(Code.TEMPLATE_LIMIT, message, "make the template or its values smaller")


def too_long() -> BadTemplate:
    """A rendered text above the bound."""
    return too_much(f"this gives a text of more than {MAX_TEXT} characters")


# Values


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
        BadTemplate: for true, false, null, maps, lists, what is no number, and numbers of thousands of digits.
    """
    if isinstance(value, Undefined):
        return str(value)  # raises
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        hint = "choose the words: {{ 'yes' if .. else 'no' }}"
        raise BadTemplate(Code.UNPRINTABLE, "true or false cannot be part of a text", hint)
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        try:
            return str(value)
        except ValueError:
            raise too_much("a number of thousands of digits cannot be part of a text") from None
    hint = "for a list, use `| join(', ')`; for the value itself, let the expression be all of the text"
    if value is None:
        hint = "give it a value, or use `| default('..', true)`"
    raise BadTemplate(Code.UNPRINTABLE, f"{kind_of(value)} cannot be part of a text", hint)


# Filters and tests


@pass_environment
def _join(environment: Environment, value: object, d: str = "", attribute: str | None = None) -> str:
    if not isinstance(value, (list, tuple, Mapping)):
        raise TypeError("join takes a list")
    item_of: Callable[[object], object] = (
        (lambda item: item) if attribute is None else make_attrgetter(environment, attribute)
    )
    return as_text(d).join([as_text(item_of(item)) for item in value])


def _string(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else as_text(value)


def _adapted(name: str, *, texts: int = 0) -> Callable[..., object]:
    """
    A filter of jinja2 that prints like everything else here, and whose result can be looked at more than once.

    Args:
        name: of the filter.
        texts: how many of its arguments, the filtered value first, are texts or numbers; -1 for all.
    """
    function = JINJA_FILTERS[name]
    at = 1 if getattr(function, "jinja_pass_arg", None) is not None else 0

    @wraps(function)
    def adapted(*args: object, **kwargs: object) -> object:
        for value in (*args[at:], *kwargs.values())[: None if texts < 0 else texts]:
            as_text(value)  # may raise: jinja2 would print a list as Python does
        if texts:
            args = (*args[:at], as_text(args[at]), *args[at + 1 :])
        result: object = function(*args, **kwargs)
        return list(result) if isinstance(result, Iterator) else result

    return adapted


_OF_TEXT = ("capitalize", "lower", "title", "trim", "truncate", "upper", "urlencode")

_OF_LIST = ("dictsort", "first", "items", "last", "list", "max", "min", "reverse", "sort", "unique")

_AS_THEY_ARE = ("abs", "count", "d", "default", "float", "int", "length", "round")

FILTERS: Mapping[str, Callable[..., object]] = {
    **{name: JINJA_FILTERS[name] for name in _AS_THEY_ARE},
    **{name: _adapted(name, texts=1) for name in _OF_TEXT},
    **{name: _adapted(name) for name in _OF_LIST},
    "format": _adapted("format", texts=-1),
    "join": _join,
    "replace": _adapted("replace", texts=3),
    "string": _string,
}
"""By name."""

_TESTS = (
    "boolean", "defined", "divisibleby", "even", "false", "float", "integer", "iterable", "mapping", "none", "number",
    "odd", "sequence", "string", "true", "undefined",
)  # fmt: skip

TESTS = {name: JINJA_TESTS[name] for name in _TESTS}
"""By name."""

_LOOP_NAMES = frozenset({"index", "index0", "revindex", "revindex0", "first", "last", "length", "depth", "depth0"})


class Missing(StrictUndefined):
    """A name that leads nowhere: usable with `default` and `is defined` alone, and reported with its near misses."""

    @property
    def _undefined_message(self) -> str:
        # Documented for undefined types of one's own; it is asked just before the error, so this is the error.
        raise undefined(self._undefined_obj, str(self._undefined_name))


class Language(ImmutableSandboxedEnvironment):
    """
    The jinja2 environment of one kind of file: what names may be between its braces, and whose they are.

    Args:
        own: the namespace of the repo's variables.
        pass_through: namespaces that MsgFlash fills in for each recipient (reference 4.1); never looked into here.

    Attributes:
        namespaces: all of them.
        placeholder: matches one of MsgFlash's in the form that its parser takes (reference 4.1).
        nearly: matches one whose writer meant that form, and its `name`.
        tag: matches `{{ dotted.names }}`; those that are `ours`, and placeholders.
    """

    intercepted_binops = frozenset({"%"})

    def __init__(self, own: str, *pass_through: str) -> None:
        # Not optimized: nothing is worked out while compiling.
        super().__init__(
            undefined=Missing, keep_trailing_newline=True, finalize=self.printed, cache_size=0, optimized=False
        )
        self.globals.clear()
        self.filters = dict(FILTERS)
        self.tests = dict(TESTS)
        self.own, self.pass_through = own, pass_through
        self.namespaces = (own, "each", *pass_through)
        theirs = "|".join(pass_through)
        self.placeholder = re.compile(rf"\{{\{{\s*(?:{theirs})(?:\.[A-Za-z0-9_]+)+\s*\}}\}}")
        self.nearly = re.compile(
            rf"\{{\{{-?\s*(?P<name>(?:{theirs})(?:\s*\.\s*{_PART}(?:[ \t]+{_PART})*"
            r"|\[\s*(?:'[^']*'|\"[^\"]*\"|\d+)\s*\])+)\s*-?\}\}"
        )
        # The look-behind leaves `{{{` to jinja2, which reads it as a map inside an expression.
        self.tag = re.compile(
            rf"(?<!\{{)\{{\{{\s*+(?:(?P<ours>(?:{own}|each)(?:\.[A-Za-z_][A-Za-z0-9_]*+)*+)"
            rf"|(?:{theirs})(?:\.[A-Za-z0-9_]++)++)\s*+\}}\}}"
        )

    def printed(self, value: object) -> str:
        """
        Print a value where a template puts it.

        Raises:
            BadTemplate: as `as_text`; it is too long; or the value itself is a template: values are not rendered again.
        """
        text = as_text(value)
        if "{" in text:
            self.check_rendered(text)
        if len(text) > MAX_TEXT:
            raise too_long()
        return text

    def check_rendered(self, text: str) -> None:
        """
        Make sure that nothing is left in a rendered text that looks like a template, but for placeholders of MsgFlash.

        Raises:
            BadTemplate: MsgFlash would send it as written, or fail.
        """
        rest = self.placeholder.sub("", text) if "{{" in text else text
        for opening in ("{{", "{%"):
            if (at := rest.find(opening)) >= 0:
                message = f"this gives a text that is a template itself: `{rest[at : at + 40]}`"
                theirs = ", ".join(f"{{{{ {name}.* }}}}" for name in self.pass_through)
                raise BadTemplate(
                    Code.UNPRINTABLE, message, f"values are not rendered again; they may hold only {theirs}"
                )

    def plain(self, value: object) -> object:
        """
        Copy a value that is given for a whole scalar, as JSON can carry it.

        Raises:
            BadTemplate: it holds what is no text, number, true, false, null, list or map.
        """
        if isinstance(value, str | Undefined):
            return self.printed(value)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, Mapping):
            return {as_text(key): self.plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.plain(item) for item in value]
        as_text(value)
        return value

    def getattr(self, obj: object, attribute: str) -> object:
        """Look up an entry; of `loop`, one of its counters."""
        if isinstance(obj, LoopContext) and attribute in _LOOP_NAMES:
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: object, argument: object) -> object:
        """Look up an entry or an item."""
        if isinstance(obj, Undefined):
            str(obj)  # raises
        try:
            return look_up(obj, argument)
        except KeyError:
            return self.undefined(obj=obj, name=str(argument))

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        """Calculate a remainder; what Python does with `%` behind a text is refused."""
        if isinstance(left, str):
            raise BadTemplate(Code.TEMPLATE_FORBIDDEN, "`%` does not format texts here", "use the filter `format`")
        result: object = super().call_binop(context, operator, left, right)
        return result

    def prepared(self, tree: nodes.Template) -> nodes.Template:
        """Let `~` print like everything else; jinja2's own takes lists and null."""
        prepared: nodes.Template = _Joining().visit(tree)
        prepared.set_environment(self)
        return prepared


class _Joining(NodeTransformer):
    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:  # noqa: N802 - jinja2 looks for it by this name
        """`a ~ b` as `[a, b] | join`."""
        self.generic_visit(node)
        parts = nodes.List(node.nodes, lineno=node.lineno)
        return nodes.Filter(parts, "join", [], [], None, None, lineno=node.lineno)


CAMPAIGNS = Language("custom", "contact", "user", "instance")
"""Of campaign files."""

TEMPLATES = Language("local", "contact", "user", "instance", "custom")
"""Of template files, whose `custom.*` is filled in by MsgFlash with the variables of each campaign."""

# What may be written


_MAX_LEVELS = 50

_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Assign,
    nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Keyword,
    nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Filter, nodes.Test, nodes.CondExpr, nodes.Compare, nodes.Operand,
    nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Pos, nodes.Concat,
    nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod,
)  # fmt: skip

_ALONE = "files are rendered alone: only `if`, `for` and `set` are known"

_REFUSED: dict[type[nodes.Node], tuple[str, str]] = {
    nodes.Call: ("nothing can be called", "use a filter: `.. | upper`"),
    nodes.Pow: ("`**` is not allowed", "write the number"),
    nodes.Include: ("`{% include %}` is not allowed", _ALONE),
    nodes.Import: ("`{% import %}` is not allowed", _ALONE),
    nodes.FromImport: ("`{% from %}` is not allowed", _ALONE),
    nodes.Extends: ("`{% extends %}` is not allowed", _ALONE),
    nodes.Block: ("`{% block %}` is not allowed", _ALONE),
    nodes.Macro: ("`{% macro %}` is not allowed", _ALONE),
    nodes.CallBlock: ("`{% call %}` is not allowed", _ALONE),
    nodes.FilterBlock: ("`{% filter %}` is not allowed", _ALONE),
    nodes.AssignBlock: ("`{% set %}` is not allowed", _ALONE),
    nodes.With: ("`{% with %}` is not allowed", _ALONE),
    nodes.ScopedEvalContextModifier: ("`{% autoescape %}` is not allowed", _ALONE),
    nodes.Scope: ("`{% scope %}` is not allowed", _ALONE),
}


def mistakes_in(tree: nodes.Node, language: Language) -> Iterator[BadTemplate]:
    """Everything in a template that is not allowed, in the order in which it is written."""
    assigned = {name.name for name in tree.find_all(nodes.Name) if name.ctx == "store"}
    if next(tree.find_all(nodes.For), None) is not None:
        assigned.add("loop")
    yield from _mistakes(tree, language, assigned, 0)


def _mistakes(
    node: nodes.Node, language: Language, assigned: set[str], level: int, *, is_printed: bool = False
) -> Iterator[BadTemplate]:
    if level > _MAX_LEVELS:
        yield too_much(f"nested more than {_MAX_LEVELS} levels deep")
        return
    is_constant = is_printed and _is_constant(node, language)
    mistake = constant(node, language) if is_constant else _mistake(node, language, assigned)
    if mistake is not None:
        mistake.line = node.lineno
        yield mistake
        return
    for child in node.iter_child_nodes():
        yield from _mistakes(child, language, assigned, level + 1, is_printed=isinstance(node, nodes.Output))


def _mistake(node: nodes.Node, language: Language, assigned: set[str]) -> BadTemplate | None:
    match node:
        case nodes.Name():
            return _name_mistake(node, language, assigned)
        case nodes.Getattr() if (dotted := _dotted(node)).partition(".")[0] in language.pass_through:
            return misused(dotted)
        case nodes.Getattr() if node.attr.startswith("_"):
            return _forbidden(f"`{node.attr}` cannot be looked at", "names do not begin with `_`", node.attr)
        case nodes.Filter() | nodes.Test():
            return _operation_mistake(node)
        case nodes.Const(value=float(value)) if not math.isfinite(value):
            return too_much("this number is too large")
        case nodes.For() if node.recursive:
            return _forbidden("a loop cannot be recursive", "write the loops inside each other")
        case _:
            other = f"`{type(node).__name__}` is not allowed in a template", "use expressions, `if`, `for` and `set`"
            return None if isinstance(node, _ALLOWED) else _forbidden(*_REFUSED.get(type(node), other))


def _is_constant(node: nodes.Node, language: Language) -> bool:
    """Whether an expression is the same in every file, and no placeholder of MsgFlash on its way through."""
    if isinstance(node, nodes.TemplateData | nodes.Name) or next(node.find_all((nodes.Name, nodes.Call)), None):
        return False
    return not (isinstance(node, nodes.Const) and language.placeholder.fullmatch(str(node.value)))


def constant(node: nodes.Node, language: Language) -> BadTemplate:
    """A constant between braces: people would get it, where its writer meant a placeholder."""
    if isinstance(node, nodes.Const) and isinstance(node.value, int) and not isinstance(node.value, bool):
        message = f"`{{{{{node.value}}}}}` is a placeholder of other tools, and would be sent as `{node.value}`"
        hint = "write `{{ custom.name }}` for a value of your own, or use a template with `{{ contact.firstName }}`"
        if language is TEMPLATES:
            hint = "write `{{ custom.name }}` for a value that each campaign gives, or `{{ contact.firstName }}`"
        return BadTemplate(Code.CONSTANT, message, hint, name=str(node.value))
    return BadTemplate(
        Code.CONSTANT, "this is the same for everyone, so braces are not needed", "write the text itself"
    )


def _operation_mistake(node: nodes.Filter | nodes.Test) -> BadTemplate | None:
    kind, known = ("filter", FILTERS.keys()) if isinstance(node, nodes.Filter) else ("test", TESTS.keys())
    if node.name not in known:
        return _forbidden(f"the {kind} `{node.name}` does not exist here", did_you_mean(node.name, known), node.name)
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        return _forbidden("arguments cannot be unpacked with `*`", "write them one by one", node.name)
    return None


def _dotted(node: nodes.Node) -> str:
    """`contact.meta.town` as it is written; empty where something else than a name begins it."""
    if isinstance(node, nodes.Getattr):
        before = _dotted(node.node)
        return f"{before}.{node.attr}" if before else ""
    return node.name if isinstance(node, nodes.Name) else ""


def _name_mistake(node: nodes.Name, language: Language, assigned: Iterable[str]) -> BadTemplate | None:
    name = node.name
    if node.ctx == "store":
        if name not in (*language.namespaces, "loop"):
            return None
        return _forbidden(f"`{name}` cannot be given a new value", "choose another name", name)
    if name in language.pass_through:
        return misused(name)
    if name in language.namespaces or name in assigned:
        return None
    hint = did_you_mean(name, (*language.namespaces, *assigned))
    if name == TEMPLATES.own:
        hint = "variables are `local.*` in templates; in campaigns they are `custom.*`"
    elif not hint.startswith("did you mean") and language is TEMPLATES:
        meant = next((one for one in KNOWN_PLACEHOLDERS if one.endswith(f".{name}")), None)
        hint = f"write `custom.{name}` for a value that each campaign gives, or `local.{name}` for one of this repo"
        hint = f"did you mean `{meant}`?" if meant is not None else hint
    elif not hint.startswith("did you mean"):
        hint = f"write `custom.{name}` for a variable of your own; MsgFlash knows contact, user and instance"
    return BadTemplate(Code.UNKNOWN_NAMESPACE, f"nothing is called `{name}`", hint, name=name)


def _forbidden(message: str, hint: str, name: str | None = None) -> BadTemplate:
    return BadTemplate(Code.TEMPLATE_FORBIDDEN, message, hint, name=name)
