"""
A parsed template, checked against what is allowed, and rewritten so that every costly step is counted.

`mistakes_in` names what is not allowed; `bounded` may be used only on a tree that has no mistake. Both work on jinja2's
syntax tree, so neither spelling nor whitespace can hide anything from them.
"""

import math
from collections.abc import Iterator
from typing import cast

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from msgflash_apply.files.template_language import CONCATENATED, FILTER_NAMES, SCALARS, TESTS, TICKED, WEIGHED
from msgflash_apply.files.template_values import NAMESPACES, PASS_THROUGH, Mistake, misused, unknown_namespace
from msgflash_apply.findings import Code, did_you_mean

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
    nodes.Call: ("nothing can be called", "use a filter: `custom.name | upper`"),
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


def mistakes_in(tree: nodes.Node) -> Iterator[Mistake]:
    """Everything in a template that is not allowed, in the order in which it is written."""
    assigned = {name.name for name in tree.find_all(nodes.Name) if name.ctx == "store"}
    if next(tree.find_all(nodes.For), None) is not None:
        assigned.add("loop")
    yield from _mistakes(tree, assigned, 0)


def count(tree: nodes.Node) -> int:
    """How many nodes a tree has."""
    return 1 + sum(count(child) for child in tree.iter_child_nodes())


def _mistakes(node: nodes.Node, assigned: set[str], level: int) -> Iterator[Mistake]:
    if level > _MAX_LEVELS:
        yield Mistake(Code.TEMPLATE_LIMIT, f"nested more than {_MAX_LEVELS} levels deep", "make the template simpler")
        return
    mistake = _mistake(node, assigned)
    if mistake is not None:
        yield mistake._replace(line=node.lineno)
        return
    for child in node.iter_child_nodes():
        yield from _mistakes(child, assigned, level + 1)


def _mistake(node: nodes.Node, assigned: set[str]) -> Mistake | None:
    match node:
        case nodes.Name():
            return _name_mistake(node, assigned)
        case nodes.Getattr() if (dotted := _dotted(node)).partition(".")[0] in PASS_THROUGH:
            return misused(dotted)
        case nodes.Getattr() if node.attr.startswith("_"):
            return _forbidden(f"`{node.attr}` cannot be looked at", "names do not begin with `_`", node.attr)
        case nodes.Filter() | nodes.Test():
            return _operation_mistake(node)
        case nodes.Const(value=float(value)) if not math.isfinite(value):
            return Mistake(Code.TEMPLATE_LIMIT, "this number is too large", "write a smaller one")
        case nodes.For() if node.recursive:
            return _forbidden("a loop cannot be recursive", "write the loops inside each other")
        case _:
            other = f"`{type(node).__name__}` is not allowed in a template", "use expressions, `if`, `for` and `set`"
            return None if isinstance(node, _ALLOWED) else _forbidden(*_REFUSED.get(type(node), other))


def _operation_mistake(node: nodes.Filter | nodes.Test) -> Mistake | None:
    kind, known = ("filter", FILTER_NAMES) if isinstance(node, nodes.Filter) else ("test", TESTS.keys())
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


def _name_mistake(node: nodes.Name, assigned: set[str]) -> Mistake | None:
    if node.ctx == "store":
        if node.name not in (*NAMESPACES, "loop"):
            return None
        return _forbidden(f"`{node.name}` cannot be given a new value", "choose another name", node.name)
    if node.name in PASS_THROUGH:
        return misused(node.name)
    return None if node.name in NAMESPACES or node.name in assigned else unknown_namespace(node.name, assigned)


def _forbidden(message: str, hint: str, name: str | None = None) -> Mistake:
    return Mistake(Code.TEMPLATE_FORBIDDEN, message, hint, name)


class _Bounded(NodeTransformer):
    """Puts a counting filter around whatever may cost more than a step; what is inside comes first."""

    def generic_visit(self, node: nodes.Node, *args: object, **kwargs: object) -> nodes.Node:
        node = super().generic_visit(node, *args, **kwargs)
        match node:
            case nodes.Filter(node=nodes.Expr() as filtered):
                node.node = _through(WEIGHED, filtered)
            case nodes.Compare():
                node.expr = _through(WEIGHED, node.expr)
                for operand in node.ops:
                    operand.expr = _through(WEIGHED, operand.expr)
            case nodes.Getitem(arg=nodes.Slice()):
                node.node = _through(WEIGHED, node.node)
            case nodes.Concat():
                return _through(CONCATENATED, nodes.List(node.nodes, lineno=node.lineno))
            case nodes.Tuple(ctx="store"):
                pass
            case nodes.List() | nodes.Tuple() | nodes.Dict():
                return _through(SCALARS, node)
            case nodes.For():
                steps = nodes.Const(count(node), lineno=node.lineno)
                tick = _through(TICKED, nodes.Const("", lineno=node.lineno), steps)
                node.iter = _through(WEIGHED, cast("nodes.Expr", node.iter))
                node.body.insert(0, nodes.Output([tick], lineno=node.lineno))
            case _:
                pass
        return node


def _through(name: str, node: nodes.Expr, *args: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(node, name, list(args), [], None, None, lineno=node.lineno)


def bounded(tree: nodes.Template) -> nodes.Template:
    """Rewrite a template so that it runs within its budget."""
    rewritten: nodes.Template = _Bounded().visit(tree)
    return rewritten
