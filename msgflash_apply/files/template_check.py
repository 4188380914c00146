"""
A parsed template, checked against what is allowed, and rewritten so that every costly step is counted.

`mistakes_in` names what stands in the way; `bounded` may be used only on a tree that has none. Both work on jinja2's
syntax tree, so neither spelling nor whitespace can hide anything from them.
"""

import math
from collections.abc import Callable, Collection, Iterator
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

_STATEMENTS: dict[type[nodes.Node], str] = {
    nodes.Include: "include", nodes.Import: "import", nodes.FromImport: "from", nodes.Extends: "extends",
    nodes.Block: "block", nodes.Macro: "macro", nodes.CallBlock: "call", nodes.FilterBlock: "filter",
    nodes.AssignBlock: "set", nodes.With: "with", nodes.ScopedEvalContextModifier: "autoescape",
    nodes.Scope: "scope",
}  # fmt: skip


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
        case nodes.Getattr():
            return _attribute_mistake(node)
        case nodes.Filter():
            return _operation_mistake("filter", node, FILTER_NAMES)
        case nodes.Test():
            return _operation_mistake("test", node, TESTS)
        case nodes.Const(value=float(value)) if not math.isfinite(value):
            return Mistake(Code.TEMPLATE_LIMIT, "this number is too large", "write a smaller one")
        case nodes.For() if node.recursive:
            return _forbidden("a loop cannot be recursive", "write the loops inside each other")
        case _:
            return None if isinstance(node, _ALLOWED) else _forbidden(*_not_allowed(node))


def _operation_mistake(kind: str, node: nodes.Filter | nodes.Test, known: Collection[str]) -> Mistake | None:
    if node.name not in known:
        return _forbidden(f"the {kind} `{node.name}` does not exist here", did_you_mean(node.name, known), node.name)
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        return _forbidden("arguments cannot be unpacked with `*`", "write them one by one", node.name)
    return None


def _attribute_mistake(node: nodes.Getattr) -> Mistake | None:
    dotted = _dotted(node)
    if dotted.partition(".")[0] in PASS_THROUGH:
        return misused(dotted)
    if node.attr.startswith("_"):
        return _forbidden(f"`{node.attr}` cannot be looked at", "names do not begin with `_`", node.attr)
    return None


def _dotted(node: nodes.Node) -> str:
    """`contact.meta.town` as it is written; empty where something else than a name begins it."""
    if isinstance(node, nodes.Getattr):
        before = _dotted(node.node)
        return f"{before}.{node.attr}" if before else ""
    return node.name if isinstance(node, nodes.Name) else ""


def _name_mistake(node: nodes.Name, assigned: set[str]) -> Mistake | None:
    if node.ctx == "store":
        reserved = node.name in NAMESPACES or node.name == "loop"
        return (
            _forbidden(f"`{node.name}` cannot be given a new value", "choose another name", node.name)
            if reserved
            else None
        )
    if node.name in PASS_THROUGH:
        return misused(node.name)
    if node.name in NAMESPACES or node.name in assigned:
        return None
    return unknown_namespace(node.name, assigned)


def _not_allowed(node: nodes.Node) -> tuple[str, str]:
    if isinstance(node, nodes.Call):
        return "nothing can be called", "use a filter: `custom.name | upper`"
    if isinstance(node, nodes.Pow):
        return "`**` is not allowed", "write the number"
    word = _STATEMENTS.get(type(node))
    if word is None:
        return f"`{type(node).__name__}` is not allowed in a template", "use expressions, `if`, `for` and `set`"
    return f"`{{% {word} %}}` is not allowed", "files are rendered alone: only `if`, `for` and `set` are known"


def _forbidden(message: str, hint: str, name: str | None = None) -> Mistake:
    return Mistake(Code.TEMPLATE_FORBIDDEN, message, hint, name)


def _weigh_input(node: nodes.Node) -> nodes.Node:
    if isinstance(node, nodes.Filter) and node.node is not None:
        node.node = _through(WEIGHED, node.node)
    return node


def _weigh_operands(node: nodes.Node) -> nodes.Node:
    if isinstance(node, nodes.Compare):
        node.expr = _through(WEIGHED, node.expr)
        for operand in node.ops:
            operand.expr = _through(WEIGHED, operand.expr)
    return node


def _weigh_sliced(node: nodes.Node) -> nodes.Node:
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Slice):
        node.node = _through(WEIGHED, node.node)
    return node


def _concatenate(node: nodes.Node) -> nodes.Node:
    return (
        _through(CONCATENATED, nodes.List(node.nodes, lineno=node.lineno)) if isinstance(node, nodes.Concat) else node
    )


def _scalars_only(node: nodes.Node) -> nodes.Node:
    is_target = isinstance(node, nodes.Tuple) and node.ctx == "store"
    return _through(SCALARS, node) if isinstance(node, nodes.Expr) and not is_target else node


def _tick(node: nodes.Node) -> nodes.Node:
    if isinstance(node, nodes.For):
        steps = nodes.Const(count(node), lineno=node.lineno)
        tick = _through(TICKED, nodes.Const("", lineno=node.lineno), steps)
        node.iter = _through(WEIGHED, cast("nodes.Expr", node.iter))
        node.body.insert(0, nodes.Output([tick], lineno=node.lineno))
    return node


_REWRITES: dict[type[nodes.Node], Callable[[nodes.Node], nodes.Node]] = {
    nodes.Filter: _weigh_input,
    nodes.Compare: _weigh_operands,
    nodes.Getitem: _weigh_sliced,
    nodes.Concat: _concatenate,
    nodes.List: _scalars_only,
    nodes.Tuple: _scalars_only,
    nodes.Dict: _scalars_only,
    nodes.For: _tick,
}


class _Bounded(NodeTransformer):
    """Puts a counting filter around whatever may cost more than a step; what is inside comes first."""

    def get_visitor(self, node: nodes.Node) -> Callable[[nodes.Node], nodes.Node] | None:
        rewrite = _REWRITES.get(type(node))
        return None if rewrite is None else lambda found: rewrite(self.generic_visit(found))


def _through(name: str, node: nodes.Expr, *args: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(node, name, list(args), [], None, None, lineno=node.lineno)


def bounded(tree: nodes.Template) -> nodes.Template:
    """Rewrite a template so that it runs within its budget."""
    rewritten: nodes.Template = _Bounded().visit(tree)
    return rewritten
