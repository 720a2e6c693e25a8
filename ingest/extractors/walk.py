"""A walk through a parsed Python program that follows known values to the calls that open files.

Variables, folders joined to names, f-strings, loops over literal lists, arguments of the program's own functions: a
path that the program text decides is found; a path of which only a run can tell a part is not. Nothing is executed. The
work is bounded by `FUEL` beyond one visit of each node: loops are then walked once, and functions no longer followed.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, islice
from typing import Any, Final

from ingest.extractors import pure
from ingest.extractors.followed import Calls
from ingest.extractors.patterns import STARS
from ingest.extractors.values import (
    ALTERNATIVES,
    UNKNOWN,
    Class,
    Ref,
    Scope,
    Value,
    either,
    elements,
    lift,
)

KINDS: Final = {
    "property": "property",
    "cached_property": "property",
    "staticmethod": "static",
    "classmethod": "class",
}
NUMBERS = (int, float)
ANY_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


class Walk(Calls):
    """One walk through one program."""

    def program(self, tree: ast.Module) -> None:
        """Walk through the program, then through the functions that it defines but never calls."""
        self.block(tree.body)
        index = 0
        while index < len(self.functions):
            function, owner = self.functions[index]
            index += 1
            if id(function.node) in self.called:
                continue
            self.scope = self.module
            if owner is None or function.kind == "static":
                self.call_function(function, [], {})
            elif function.kind == "class":
                self.call_function(function, [owner], {})
            else:
                self.call_function(function, [self.instance_of(owner)], {})

    def block(self, body: Sequence[ast.stmt]) -> bool:
        """Walk through statements; True when what follows them is not reached."""
        for statement in body:
            self.fuel -= 1
            if STATEMENTS.get(type(statement), Walk.parts)(self, statement):
                return True
        return False

    def expression_statement(self, node: ast.Expr) -> None:
        self.expression(node.value)

    def assignment(self, node: ast.Assign) -> None:
        value = self.expression(node.value)
        for target in node.targets:
            self.assign(target, value)

    def annotated(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.assign(node.target, self.expression(node.value))

    def augmented(self, node: ast.AugAssign) -> None:
        right = self.expression(node.value)
        operator = pure.OPERATORS.get(type(node.op))
        left = self.expression(node.target)
        self.assign(node.target, lift(operator, left, right) if operator else UNKNOWN)

    def imports(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.asname:
                self.scope.names[alias.asname] = Ref(alias.name, True)
            else:
                top = alias.name.split(".", 1)[0]
                self.scope.names[top] = Ref(top, True)

    def imports_from(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            module = "." * node.level + (node.module or "")
            if alias.name == "*" and len(self.stars) < STARS:
                self.stars.append(module)
            self.scope.names[alias.asname or alias.name] = self.member(Ref(module, True), alias.name)

    def definition(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        outer, self.arguments = self.arguments, {}
        for decorator in node.decorator_list:
            self.expression(decorator)
        options, self.arguments = self.arguments, outer
        function = self.scope.names[node.name] = self.function(node)
        function.defaults.update(options)

    def class_definition(self, node: ast.ClassDef) -> None:
        outer = self.scope
        bases = [self.expression(base) for base in node.bases]
        known = tuple(base for base in bases if isinstance(base, Class))
        own = (
            statement.target.id
            for statement in node.body
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
        )
        inherited = (name for base in known for name in base.fields)
        made = Class(Scope(parent=outer), known, tuple(dict.fromkeys(islice(chain(inherited, own), ALTERNATIVES))))
        self.scope = made.scope
        for statement in node.body:
            if isinstance(statement, ANY_FUNCTION):
                function = self.function(statement, made)
                function.scope = outer
                function.kind = _kind(statement)
                made.scope.names[statement.name] = function
            else:
                self.block((statement,))
        self.scope = outer
        self.scope.names[node.name] = made

    def returns(self, node: ast.Return) -> bool:
        value = self.expression(node.value) if node.value is not None else None
        if self.returned:
            self.returned[-1].append(value)
        return True

    def raises(self, node: ast.Raise) -> bool:
        for part in (node.exc, node.cause):
            if part is not None:
                self.expression(part)
        return True

    def leaves(self, node: ast.Break | ast.Continue) -> bool:
        return True

    def branches(self, bodies: Iterable[Callable[[], bool]]) -> bool:
        """Walk through bodies of which one is run, and let the variables have the values of any of them."""
        before = self.scope.names
        ends: list[dict[str, Value]] = []
        for body in bodies:
            self.fuel -= len(before) // 8
            if self.fuel > 0:
                self.scope.names = dict(before)
            if not body():
                ends.append(self.scope.names)
        if not ends:
            self.scope.names = before
            return True
        merged = ends[0]
        for other in ends[1:]:
            if other is merged:
                continue
            for name, value in other.items():
                if name not in merged:
                    merged[name] = value
                elif merged[name] is not value:
                    merged[name] = _met(merged[name], value)
        self.scope.names = merged
        return False

    def condition(self, node: ast.If) -> bool:
        self.expression(node.test)
        return self.branches((lambda: self.block(node.body), lambda: self.block(node.orelse)))

    def attempt(self, node: ast.Try) -> bool:
        handlers = [lambda handler=handler: self.handler(handler) for handler in node.handlers]
        ended = self.branches((lambda: self.block(node.body) or self.block(node.orelse), *handlers))
        return self.block(node.finalbody) or ended

    def handler(self, node: ast.ExceptHandler) -> bool:
        if node.name:
            self.scope.names[node.name] = UNKNOWN
        return self.block(node.body)

    def loop(self, node: ast.For | ast.AsyncFor) -> bool:
        iterable = self.expression(node.iter)
        if not elements(iterable):
            self.forget(node)
        self.each(node.target, iterable, lambda: self.block(node.body))
        return self.block(node.orelse)

    def repetition(self, node: ast.While) -> bool:
        self.forget(node)
        self.expression(node.test)
        self.branches((lambda: self.block(node.body) and False, lambda: False))
        return self.block(node.orelse)

    def forget(self, node: ast.For | ast.AsyncFor | ast.While) -> None:
        """What a loop counts is not known when nobody knows how often it runs."""
        if self.fuel <= 0:
            return
        pending: list[object] = [node]
        while pending:
            inner = pending.pop()
            if isinstance(inner, ast.AST):
                self.fuel -= 1
                pending += vars(inner).values()
                if isinstance(inner, ast.AugAssign) and isinstance(inner.target, ast.Name):
                    self.scope.names[inner.target.id] = UNKNOWN
            elif isinstance(inner, list):
                pending += inner

    def context(self, node: ast.With | ast.AsyncWith) -> bool:
        for item in node.items:
            value = self.expression(item.context_expr)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, value)
        return self.block(node.body)

    def selection(self, node: ast.Match) -> bool:
        self.expression(node.subject)
        cases = [lambda case=case: self.block(case.body) for case in node.cases]
        return self.branches((*cases, lambda: False))

    def shared(self, node: ast.Global) -> None:
        self.scope.shared |= frozenset(node.names)
        for name in node.names:
            if name in self.module.names:
                self.scope.names[name] = self.module.names[name]


def _kind(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """What decorators make of a method: `property`, `static`, `class`, or '' for a plain one."""
    for decorator in node.decorator_list:
        name = getattr(decorator, "attr", getattr(decorator, "id", ""))
        if name in KINDS:
            return KINDS[name]
    return ""


def _met(one: Value, other: Value) -> Value:
    """A variable's value where two branches meet: either, but a count that differs is known to neither."""
    if isinstance(one, NUMBERS) and isinstance(other, NUMBERS) and one != other:
        return UNKNOWN
    return either((one, other))


STATEMENTS: Final[dict[type[ast.AST], Callable[[Walk, Any], object]]] = {
    ast.Expr: Walk.expression_statement,
    ast.Assign: Walk.assignment,
    ast.AnnAssign: Walk.annotated,
    ast.AugAssign: Walk.augmented,
    ast.Import: Walk.imports,
    ast.ImportFrom: Walk.imports_from,
    ast.FunctionDef: Walk.definition,
    ast.AsyncFunctionDef: Walk.definition,
    ast.ClassDef: Walk.class_definition,
    ast.Return: Walk.returns,
    ast.Raise: Walk.raises,
    ast.Break: Walk.leaves,
    ast.Continue: Walk.leaves,
    ast.If: Walk.condition,
    ast.Try: Walk.attempt,
    ast.For: Walk.loop,
    ast.AsyncFor: Walk.loop,
    ast.While: Walk.repetition,
    ast.With: Walk.context,
    ast.AsyncWith: Walk.context,
    ast.Match: Walk.selection,
    ast.Global: Walk.shared,
}
if hasattr(ast, "TryStar"):
    STATEMENTS[ast.TryStar] = Walk.attempt
