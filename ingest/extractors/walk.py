"""A walk through a parsed Python program that follows known values to the calls that open files.

Variables, folders joined to names, f-strings, loops over literal lists, arguments of the program's own functions: a path
that the program text decides is found; a path of which only a run can tell a part is not. Nothing is executed. The work is
bounded by `FUEL` beyond one visit of each node: loops are then walked once, and functions no longer followed.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from ingest.extractors import opened, values
from ingest.extractors.calls import CONVENTIONAL_ALIASES, FUNCTIONS
from ingest.extractors.model import Hit
from ingest.extractors.values import (
    UNKNOWN,
    Class,
    Function,
    Instance,
    Method,
    PathValue,
    Ref,
    Result,
    Scope,
    Value,
    alternatives,
    either,
    elements,
    lift,
)

FUEL: Final = 40_000
ROUNDS: Final = 64
DEPTH: Final = 6
# modules that are meant where a name is used that nothing binds: the import stood in an earlier block
WELL_KNOWN: Final = (
    frozenset(CONVENTIONAL_ALIASES) | {name.split(".", 1)[0] for name in FUNCTIONS} | frozenset(dir(builtins))
)
ANY_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


class Walk:
    """One walk through one program; `hits` holds (line, column, hit) in the order of the walk."""

    def __init__(self) -> None:
        self.hits: list[tuple[int, int, Hit]] = []
        self.fuel = FUEL
        self.module = Scope()
        self.scope = self.module
        self.functions: list[tuple[Function, Class | None]] = []
        self.called: set[int] = set()
        self.active: list[int] = []
        self.returned: list[list[Value]] = []
        self.arguments: dict[str, Value] = {}
        self.position = (0, 0)

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
            if owner is None:
                self.call_function(function, [], {})
            else:
                self.call_function(function, [self.instance_of(owner)], {})

    def emit(self, operation: str, path: str, method: str) -> None:
        """Note a file that the call at hand opens."""
        self.hits.append((*self.position, Hit(path, operation, method)))

    # --- statements

    def block(self, body: Sequence[ast.stmt]) -> bool:
        """Walk through statements; True when what follows them is not reached."""
        for statement in body:
            if self.statement(statement):
                return True
        return False

    def statement(self, node: ast.stmt) -> bool:
        self.fuel -= 1
        handler = STATEMENTS.get(type(node))
        if handler is not None:
            return bool(handler(self, node))
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.expression(child)
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
        operator = values.OPERATORS.get(type(node.op))
        left = self.expression(node.target)
        self.assign(node.target, lift(operator, left, right) if operator else UNKNOWN)

    def assign(self, target: ast.expr, value: Value) -> None:
        """Bind a target of an assignment, a loop or a `with`."""
        if isinstance(target, ast.Name):
            self.scope.names[target.id] = value
        elif isinstance(target, ast.Tuple | ast.List):
            items = list(value) if isinstance(value, list | tuple) and len(value) == len(target.elts) else None
            if any(isinstance(item, ast.Starred) for item in target.elts):
                items = None
            for index, item in enumerate(target.elts):
                self.assign(item, UNKNOWN if items is None else items[index])
        elif isinstance(target, ast.Starred):
            self.assign(target.value, UNKNOWN)
        elif isinstance(target, ast.Attribute):
            owner = self.expression(target.value)
            for option in alternatives(owner):
                if isinstance(option, Instance):
                    option.attributes[target.attr] = value
        elif isinstance(target, ast.Subscript):
            owner, key = self.expression(target.value), self.expression(target.slice)
            if isinstance(owner, dict) and isinstance(key, str | int) and len(owner) < values.LENGTH:
                owner[key] = value

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
            self.scope.names[alias.asname or alias.name] = Ref(f"{module}.{alias.name}", True)

    def definition(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for decorator in node.decorator_list:
            self.expression(decorator)
        self.scope.names[node.name] = self.function(node)

    def function(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, owner: Class | None = None
    ) -> Function:
        """A function value, with its defaults, noted for the walk through what is never called."""
        arguments = node.args
        names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
        given = [self.expression(default) for default in arguments.defaults]
        defaults = dict(zip(names[len(names) - len(given) :], given, strict=True))
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            if default is not None:
                defaults[argument.arg] = self.expression(default)
        function = Function(node, self.scope, defaults)
        self.functions.append((function, owner))
        return function

    def class_definition(self, node: ast.ClassDef) -> None:
        outer = self.scope
        made = Class(node, Scope(parent=outer))
        self.scope = made.scope
        for statement in node.body:
            if isinstance(statement, ANY_FUNCTION):
                made.scope.names[statement.name] = self.function(statement, made)
                made.scope.names[statement.name].scope = outer
            else:
                self.statement(statement)
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

    def each(self, target: ast.expr, iterable: Value, body: Callable[[], object]) -> None:
        """Walk through a body once for each known element, or once with an unknown one."""
        items = elements(iterable)
        if not items or len(items) > ROUNDS:
            items = [UNKNOWN]
        # no loop may take what the rest of the program needs
        reserve = self.fuel * 3 // 4
        for index, item in enumerate(items):
            if index and self.fuel <= reserve:
                break
            self.assign(target, item)
            body()

    def repetition(self, node: ast.While) -> bool:
        self.forget(node)
        self.expression(node.test)
        self.branches((lambda: self.block(node.body) and False, lambda: False))
        return self.block(node.orelse)

    def forget(self, node: ast.For | ast.AsyncFor | ast.While) -> None:
        """What a loop counts is not known when nobody knows how often it runs."""
        if self.fuel <= 0:
            return
        for inner in ast.walk(node):
            self.fuel -= 1
            if isinstance(inner, ast.AugAssign) and isinstance(inner.target, ast.Name):
                self.scope.names[inner.target.id] = UNKNOWN

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
        for name in node.names:
            if name in self.module.names:
                self.scope.names[name] = self.module.names[name]

    # --- expressions

    def expression(self, node: ast.expr) -> Value:
        """The value of an expression, as far as it is known; the calls in it are noted on the way."""
        self.fuel -= 1
        handler = EXPRESSIONS.get(type(node))
        if handler is not None:
            return handler(self, node)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.expression(child)
        return UNKNOWN

    def constant(self, node: ast.Constant) -> Value:
        value = node.value
        return value if value is None or isinstance(value, str | int | float) else UNKNOWN

    def f_string(self, node: ast.JoinedStr) -> Value:
        parts = [self.expression(part) for part in node.values]
        return lift(values.concatenated, *parts)

    def f_string_field(self, node: ast.FormattedValue) -> Value:
        value = self.expression(node.value)
        spec = self.expression(node.format_spec) if node.format_spec is not None else ""
        return lift(lambda known, given: values.formatted(known, node.conversion, given), value, spec)

    def name(self, node: ast.Name) -> Value:
        found = self.scope.lookup(node.id)
        if found is not None:
            return found
        return Ref(CONVENTIONAL_ALIASES.get(node.id, node.id), node.id in WELL_KNOWN)

    def operation(self, node: ast.BinOp) -> Value:
        # a long sum is a deep tree on its left: taken apart by a loop, not by recursion
        chain = [node]
        while isinstance(chain[-1].left, ast.BinOp):
            chain.append(chain[-1].left)
        value = self.expression(chain[-1].left)
        for link in reversed(chain):
            operator = values.OPERATORS.get(type(link.op))
            right = self.expression(link.right)
            value = lift(operator, value, right) if operator else UNKNOWN
        return value

    def sign(self, node: ast.UnaryOp) -> Value:
        value = self.expression(node.operand)
        return lift(lambda known: -known, value) if isinstance(node.op, ast.USub) else UNKNOWN

    def choice(self, node: ast.BoolOp | ast.IfExp) -> Value:
        if isinstance(node, ast.IfExp):
            self.expression(node.test)
            return either([self.expression(node.body), self.expression(node.orelse)])
        return either([self.expression(part) for part in node.values])

    def sequence(self, node: ast.List | ast.Tuple | ast.Set) -> Value:
        items: list[Value] = []
        known = True
        for item in node.elts:
            if isinstance(item, ast.Starred):
                inner = elements(self.expression(item.value))
                known = known and inner is not None
                items.extend(inner or ())
            else:
                items.append(self.expression(item))
        if not known or len(items) > values.LENGTH:
            return UNKNOWN
        return tuple(items) if isinstance(node, ast.Tuple) else items

    def mapping(self, node: ast.Dict) -> Value:
        found: dict[Value, Value] = {}
        for key, item in zip(node.keys, node.values, strict=True):
            name = self.expression(key) if key is not None else UNKNOWN
            value = self.expression(item)
            if isinstance(name, str | int | float | Ref):
                found[name] = value
            elif key is None and isinstance(value, dict):
                found.update(value)
        return found

    def subscript(self, node: ast.Subscript) -> Value:
        owner, key = self.expression(node.value), self.expression(node.slice)
        return lift(_item, owner, key)

    def attribute(self, node: ast.Attribute) -> Value:
        owner = self.expression(node.value)
        return lift(lambda option: self.member(option, node.attr), owner)

    def member(self, owner: Value, name: str) -> Value:
        """`owner.name` of one known owner."""
        if isinstance(owner, Ref):
            return Ref(f"{owner.name}.{name}", owner.imported)
        if isinstance(owner, PathValue):
            return values.path_attribute(name, owner.text)
        if isinstance(owner, Instance):
            if name in owner.attributes:
                return owner.attributes[name]
            found = owner.of.scope.names.get(name, UNKNOWN)
            return Method(found, owner) if isinstance(found, Function) else found
        if isinstance(owner, Class):
            return owner.scope.names.get(name, UNKNOWN)
        if isinstance(owner, Result) and owner.name == "argparse.ArgumentParser().parse_args":
            return self.arguments.get(name, UNKNOWN)
        return UNKNOWN

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> Value:
        outer = self.scope
        self.scope = Scope(parent=outer)
        found: list[Value] = []
        pairs: dict[Value, Value] = {}
        known = True

        def inner(generators: Sequence[ast.comprehension]) -> None:
            nonlocal known
            if generators:
                iterable = self.expression(generators[0].iter)
                known = known and elements(iterable) is not None and not generators[0].ifs

                def body() -> None:
                    for test in generators[0].ifs:
                        self.expression(test)
                    inner(generators[1:])

                self.each(generators[0].target, iterable, body)
            elif isinstance(node, ast.DictComp):
                key, value = self.expression(node.key), self.expression(node.value)
                if isinstance(key, str | int):
                    pairs[key] = value
            else:
                found.append(self.expression(node.elt))

        inner(node.generators)
        self.scope = outer
        if not known:
            return UNKNOWN
        return pairs if isinstance(node, ast.DictComp) else found

    def named(self, node: ast.NamedExpr) -> Value:
        value = self.expression(node.value)
        self.assign(node.target, value)
        return value

    def awaited(self, node: ast.Await | ast.Starred) -> Value:
        return self.expression(node.value)

    def anonymous(self, node: ast.Lambda) -> Value:
        return self.function(node)

    # --- calls

    def call(self, node: ast.Call) -> Value:
        owner: Value = UNKNOWN
        attribute = ""
        if isinstance(node.func, ast.Attribute):
            owner, attribute = self.expression(node.func.value), node.func.attr
            target = lift(lambda option: self.member(option, attribute), owner)
        else:
            target = self.expression(node.func)
        positional: list[Value] = []
        for argument in node.args:
            value = self.expression(argument)
            if isinstance(argument, ast.Starred):
                positional.extend(elements(value) or ())
            else:
                positional.append(value)
        keywords: dict[str, Value] = {}
        for keyword in node.keywords:
            value = self.expression(keyword.value)
            if keyword.arg:
                keywords[keyword.arg] = value
            elif isinstance(value, dict):
                keywords.update({key: item for key, item in value.items() if isinstance(key, str)})
        self.position = (node.lineno, node.col_offset)
        return either(
            [
                self.call_one(option, receiver, attribute, positional, keywords)
                for option in alternatives(target)
                for receiver in (alternatives(owner) if option is UNKNOWN else (owner,))
            ]
        )

    def call_one(
        self, target: Value, owner: Value, attribute: str, positional: list[Value], keywords: dict[str, Value]
    ) -> Value:
        """What a call of one known or unknown function returns."""
        if isinstance(target, Function):
            return self.call_function(target, positional, keywords)
        if isinstance(target, Method):
            return self.call_function(target.function, [target.owner, *positional], keywords)
        if isinstance(target, Class):
            return self.instantiate(target, positional, keywords)
        if isinstance(target, Ref):
            pure = values.PURE.get(target.name)
            if pure is not None:
                return lift(pure, *positional)
            opened.function(self.emit, target.name, target.imported, not attribute, positional, keywords)
            self.call_argument(target.name.rsplit(".", 1)[-1], positional, keywords)
            return Result(target.name)
        if attribute:
            return self.call_method(owner, attribute, positional, keywords)
        return UNKNOWN

    def call_method(self, owner: Value, name: str, positional: list[Value], keywords: dict[str, Value]) -> Value:
        """What a method of an object that is not the program's own returns."""
        if isinstance(owner, str):
            if name == "format":
                return lift(
                    lambda *known: values.string_format(
                        owner, known[: len(positional)], dict(zip(keywords, known[len(positional) :], strict=True))
                    ),
                    *positional,
                    *keywords.values(),
                )
            return lift(lambda *known: values.string_method(name, owner, known), *positional)
        if isinstance(owner, PathValue):
            opened.path_method(self.emit, owner.text, name, positional, keywords)
            return lift(lambda *known: values.path_method(name, owner.text, known), *positional)
        if isinstance(owner, list):
            if name == "append" and positional and len(owner) < values.LENGTH:
                owner.append(positional[0])
            elif name == "extend" and positional and len(owner) < values.LENGTH:
                owner.extend(elements(positional[0]) or [UNKNOWN])
            elif name == "copy":
                return list(owner)
            return UNKNOWN
        if isinstance(owner, dict):
            return _dict_method(owner, name, positional)
        prefix = owner.name if isinstance(owner, Result) else ""
        if prefix == "argparse.ArgumentParser" and name == "add_argument":
            self.add_argument(positional, keywords)
        opened.method(self.emit, prefix, name, positional, keywords)
        self.call_argument(name, positional, keywords)
        return Result(f"{prefix}().{name}") if prefix else UNKNOWN

    def add_argument(self, positional: list[Value], keywords: dict[str, Value]) -> None:
        """Note the default of a command line argument: an executor runs a program without any."""
        names = [name for name in positional if isinstance(name, str)]
        if names and "default" in keywords:
            longest = max(names, key=len)
            name = keywords.get("dest", longest.lstrip("-").replace("-", "_"))
            if isinstance(name, str):
                self.arguments[name] = keywords["default"]

    def call_argument(self, name: str, positional: list[Value], keywords: dict[str, Value]) -> None:
        """Follow a function that is handed over to be called by others: threads, pools, `map`."""
        target = keywords.get("target")
        if name == "Thread" and isinstance(target, Function | Method):
            self.call_one(target, UNKNOWN, "", list(elements(keywords.get("args", UNKNOWN)) or ()), {})
        elif name in ("submit", "to_thread", "map", "imap") and positional:
            target, rest = positional[0], positional[1:]
            if not isinstance(target, Function | Method):
                return
            if name in ("submit", "to_thread"):
                self.call_one(target, UNKNOWN, "", rest, keywords)
                return
            for item in (elements(rest[0]) or [UNKNOWN])[:ROUNDS] if rest else ():
                self.call_one(target, UNKNOWN, "", [item], {})

    def call_function(self, function: Function, positional: Sequence[Value], keywords: dict[str, Value]) -> Value:
        """Walk through a function of the program with these arguments, and return what it may return."""
        node = function.node
        if len(self.active) >= DEPTH or id(node) in self.active or (self.fuel <= 0 and id(node) in self.called):
            return UNKNOWN
        self.called.add(id(node))
        arguments = node.args
        names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
        bound: dict[str, Value] = {argument.arg: UNKNOWN for argument in arguments.kwonlyargs}
        bound.update(dict.fromkeys(names, UNKNOWN))
        bound.update(function.defaults)
        bound.update(zip(names, positional, strict=False))
        bound.update({name: value for name, value in keywords.items() if name in bound})
        if arguments.vararg:
            bound[arguments.vararg.arg] = tuple(positional[len(names) :])
        if arguments.kwarg:
            bound[arguments.kwarg.arg] = UNKNOWN
        outer, place, depth = self.scope, self.position, len(self.active)
        self.scope = Scope(bound, function.scope)
        self.active.append(id(node))
        self.returned.append([])
        try:
            if isinstance(node, ast.Lambda):
                self.returned[-1].append(self.expression(node.body))
            else:
                self.block(node.body)
            results = self.returned[depth]
        except RecursionError:
            results = []
        self.scope, self.position = outer, place
        del self.active[depth:], self.returned[depth:]
        return either(results) if results else UNKNOWN

    def instantiate(self, made: Class, positional: Sequence[Value], keywords: dict[str, Value]) -> Instance:
        """An object of a class of the program, after its `__init__`."""
        instance = made.instance = Instance(made)
        initializer = made.scope.names.get("__init__")
        if isinstance(initializer, Function):
            self.call_function(initializer, [instance, *positional], keywords)
        else:
            fields = [
                statement.target.id
                for statement in made.node.body
                if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
            ]
            instance.attributes.update(zip(fields, positional, strict=False))
            instance.attributes.update(keywords)
        return instance

    def instance_of(self, made: Class) -> Instance:
        return made.instance or self.instantiate(made, [], {})


def _met(one: Value, other: Value) -> Value:
    """A variable's value where two branches meet: either, but a count that differs is known to neither."""
    if isinstance(one, int | float) and isinstance(other, int | float) and one != other:
        return UNKNOWN
    return either((one, other))


def _item(owner: Value, key: Value) -> Value:
    if isinstance(owner, dict | list | tuple | str) and isinstance(key, str | int):
        return owner[key]  # type: ignore[index]
    return UNKNOWN


def _dict_method(owner: dict[Value, Value], name: str, positional: Sequence[Value]) -> Value:
    if name == "items":
        return list(owner.items())
    if name == "values":
        return list(owner.values())
    if name == "keys":
        return list(owner)
    if name == "get" and positional and isinstance(positional[0], str | int):
        return owner.get(positional[0], positional[1] if len(positional) > 1 else None)
    return UNKNOWN


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

EXPRESSIONS: Final[dict[type[ast.AST], Callable[[Walk, Any], Value]]] = {
    ast.Constant: Walk.constant,
    ast.JoinedStr: Walk.f_string,
    ast.FormattedValue: Walk.f_string_field,
    ast.Name: Walk.name,
    ast.BinOp: Walk.operation,
    ast.UnaryOp: Walk.sign,
    ast.BoolOp: Walk.choice,
    ast.IfExp: Walk.choice,
    ast.List: Walk.sequence,
    ast.Tuple: Walk.sequence,
    ast.Set: Walk.sequence,
    ast.Dict: Walk.mapping,
    ast.Subscript: Walk.subscript,
    ast.Attribute: Walk.attribute,
    ast.ListComp: Walk.comprehension,
    ast.SetComp: Walk.comprehension,
    ast.GeneratorExp: Walk.comprehension,
    ast.DictComp: Walk.comprehension,
    ast.NamedExpr: Walk.named,
    ast.Await: Walk.awaited,
    ast.Starred: Walk.awaited,
    ast.Lambda: Walk.anonymous,
    ast.Call: Walk.call,
}
