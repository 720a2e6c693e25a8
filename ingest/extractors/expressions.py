"""Expressions of a parsed Python program: what they are worth, as far as the program text decides it."""

from __future__ import annotations

import ast
import builtins
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Final

from ingest.extractors import pure, values
from ingest.extractors.calls import FUNCTIONS, TABLES
from ingest.extractors.conventions import CONVENTIONAL_ALIASES
from ingest.extractors.model import Hit
from ingest.extractors.paths import is_only_ending
from ingest.extractors.values import (
    UNKNOWN,
    Class,
    Command,
    Function,
    Instance,
    Method,
    Parents,
    PathValue,
    Ref,
    Result,
    Scope,
    Value,
    alternatives,
    either,
    elements,
    is_key,
    key_of,
    lift,
)

# nodes visited beyond which loops are walked once and functions no longer followed
FUEL: Final = 40_000
# a loop over more elements than these is no list that someone wrote
ROUNDS: Final = 64
# modules that are meant where a name is used that nothing binds: the import stood in an earlier block
WELL_KNOWN: Final = (
    frozenset(CONVENTIONAL_ALIASES) | {name.split(".", 1)[0] for name in FUNCTIONS} | frozenset(dir(builtins))
)
# what the arguments of a command line are read into
PARSED: Final = Result("argparse.ArgumentParser().parse_args")
# kinds of values some of whose attributes are known, beside modules, classes and functions by their names
WITH_MEMBERS: Final = frozenset((values.Either, PathValue, values.Script, Instance, Class, Parents, dict, Result))

# kinds that have no `value` of their own: what is asked for it is a member of an enumeration
ENUMERATED: Final = frozenset((str, PathValue))

# kinds of values that tell less of a module's variable than the one it has
UNTOLD: Final = frozenset((values.Unknown, Result, type(None)))
# what is taken apart by several targets
SEQUENCE: Final = (list, tuple)
# what has items
WITH_ITEMS: Final = (*values.COLLECTIONS, str)


class Expressions(ABC):
    """The state of a walk, and the values of expressions; `hits` holds (line, column, hit) in the order of the walk."""

    def __init__(self) -> None:
        self.hits: list[tuple[int, int, Hit]] = []
        self.fuel = FUEL
        self.module = Scope()
        self.scope = self.module
        self.functions: list[tuple[Function, Class | None]] = []
        self.called: set[int] = set()
        self.active: list[int] = []
        self.returned: list[list[Value]] = []
        self.yielded: list[list[Value]] = []
        self.arguments: dict[str, Value] = {}
        self.position = (0, 0)
        # modules all of whose names are imported
        self.stars: list[str] = []

    def emit(self, operation: str, path: str, method: str) -> None:
        """Note a file that the call at hand opens; one that has nothing but an ending was made of an empty name."""
        if is_only_ending(path):
            return
        self.hits.append((*self.position, Hit(path, operation, method)))

    @abstractmethod
    def call_function(self, function: Function, positional: Sequence[Value], keywords: dict[str, Value]) -> Value:
        """What a function of the program returns."""

    @abstractmethod
    def function(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, owner: Class | None = None
    ) -> Function:
        """A function value."""

    def assign(self, target: ast.expr, value: Value) -> None:
        """Bind a target of an assignment, a loop or a `with`."""
        if isinstance(target, ast.Name):
            self.scope.names[target.id] = value
            if target.id in self.scope.shared and type(value) not in UNTOLD:
                self.module.names[target.id] = value
        elif isinstance(target, ast.Tuple | ast.List):
            for item, part in zip(target.elts, _parts(target.elts, value), strict=True):
                self.assign(item.value if isinstance(item, ast.Starred) else item, part)
        elif isinstance(target, ast.Attribute):
            owner = self.expression(target.value)
            for option in alternatives(owner):
                if isinstance(option, Instance):
                    option.attributes[target.attr] = value
                elif isinstance(option, Class):
                    option.scope.names[target.attr] = value
        elif isinstance(target, ast.Subscript):
            owner, key = self.expression(target.value), self.expression(target.slice)
            if isinstance(owner, dict) and len(owner) < values.LENGTH:
                owner[key_of(key)] = value

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

    def expression(self, node: ast.expr) -> Value:
        """The value of an expression, as far as it is known; the calls in it are noted on the way."""
        self.fuel -= 1
        handler = EXPRESSIONS.get(type(node))
        if handler is not None:
            return handler(self, node)
        self.parts(node)
        return UNKNOWN

    def parts(self, node: ast.AST) -> None:
        """Walk through the expressions that a node holds."""
        for name in node._fields:
            part = getattr(node, name, None)
            if isinstance(part, ast.expr):
                self.expression(part)
            elif isinstance(part, list):
                for item in part:
                    if isinstance(item, ast.expr):
                        self.expression(item)

    def comparison(self, node: ast.Compare) -> Value:
        self.expression(node.left)
        for part in node.comparators:
            self.expression(part)
        return UNKNOWN

    def constant(self, node: ast.Constant) -> Value:
        value = node.value
        return value if value is None or isinstance(value, values.PLAIN) else UNKNOWN

    def f_string(self, node: ast.JoinedStr) -> Value:
        parts = [self.expression(part) for part in node.values]
        value = lift(pure.concatenated, *parts)
        if value is UNKNOWN:
            return _command(*parts)
        return value

    def f_string_field(self, node: ast.FormattedValue) -> Value:
        value = self.expression(node.value)
        spec = self.expression(node.format_spec) if node.format_spec is not None else ""
        return lift(lambda known, given: pure.formatted(known, node.conversion, given), value, spec)

    def name(self, node: ast.Name) -> Value:
        found = self.scope.lookup(node.id)
        if found is not None:
            return found
        if node.id == "__file__":
            return values.SCRIPT
        for module in self.stars:
            if (name := f"{module}.{node.id}") in FUNCTIONS or name in pure.PURE:
                return Ref(name, True)
        return Ref(CONVENTIONAL_ALIASES.get(node.id, node.id), node.id in WELL_KNOWN)

    def operation(self, node: ast.BinOp) -> Value:
        # a long sum is a deep tree on its left: taken apart by a loop, not by recursion
        chain = [node]
        while isinstance(chain[-1].left, ast.BinOp):
            chain.append(chain[-1].left)
        value = self.expression(chain[-1].left)
        for link in reversed(chain):
            operator = pure.OPERATORS.get(type(link.op))
            right = self.expression(link.right)
            joined = lift(operator, value, right) if operator else UNKNOWN
            value = _command(value, right) if joined is UNKNOWN and isinstance(link.op, ast.Add) else joined
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
            if key is not None:
                found[key_of(name)] = value
            elif isinstance(value, dict) and len(found) + len(value) <= values.LENGTH:
                found.update(value)
        return found

    def subscript(self, node: ast.Subscript) -> Value:
        owner, key = self.expression(node.value), self.expression(node.slice)
        return lift(_part if type(node.slice) is ast.Slice else _item, owner, key)

    def bounds(self, node: ast.Slice) -> Value:
        """What a slice is taken between; a bound that is left out is None."""
        parts = [None if part is None else self.expression(part) for part in (node.lower, node.upper, node.step)]
        return lift(lambda *known: known, *parts)

    def attribute(self, node: ast.Attribute) -> Value:
        found = self.attribute_of(self.expression(node.value), node.attr)
        # what reads or writes tables of an object that is not known: `df.write.parquet(..)`
        return Ref(f"_.{node.attr}") if found is UNKNOWN and node.attr in TABLES else found

    def attribute_of(self, owner: Value, name: str) -> Value:
        """`owner.name`, whatever the owner is."""
        kind = type(owner)
        if kind is Ref:  # most often, by far
            return self.member(owner, name)
        if name == "value" and all(type(option) in ENUMERATED for option in alternatives(owner)):
            return owner
        if kind not in WITH_MEMBERS or (kind is Result and owner.name != PARSED.name):
            return UNKNOWN
        return lift(lambda option: self.member(option, name), owner)

    def member(self, owner: Value, name: str) -> Value:
        """`owner.name` of one known owner."""
        if isinstance(owner, Ref):
            dotted = f"{owner.name}.{name}"
            return pure.CONSTANTS.get(dotted) or Ref(dotted, owner.imported)
        if isinstance(owner, PathValue):
            return pure.path_attribute(name, owner.text)
        if owner is values.SCRIPT:
            return pure.script_attribute(name)
        if isinstance(owner, Instance):
            if name in owner.attributes:
                return owner.attributes[name]
            found = owner.of.attribute(name)
            if not isinstance(found, Function) or found.kind == "static":
                return found
            return self.call_function(found, [owner], {}) if found.kind == "property" else Method(found, owner)
        if isinstance(owner, Class):
            found = owner.attribute(name)
            return Method(found, owner) if isinstance(found, Function) and found.kind == "class" else found
        if isinstance(owner, Parents):
            found = owner.attribute(name)
            return Method(found, owner.owner) if isinstance(found, Function) and found.kind != "static" else found
        if isinstance(owner, dict):
            return owner.get(name, UNKNOWN)
        if isinstance(owner, Result) and owner.name == PARSED.name:
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
                pairs[key_of(key)] = value
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

    def yields(self, node: ast.Yield) -> Value:
        value = self.expression(node.value) if node.value is not None else None
        if self.yielded:
            self.yielded[-1].append(value)
        return UNKNOWN

    def awaited(self, node: ast.Await | ast.Starred) -> Value:
        return self.expression(node.value)

    def anonymous(self, node: ast.Lambda) -> Value:
        return self.function(node)


def _parts(targets: Sequence[ast.expr], value: Value) -> list[Value]:
    """What each of several targets is bound to that share a value; a starred one gets what the others leave."""
    if not isinstance(value, SEQUENCE):
        return [UNKNOWN] * len(targets)
    known = list(value)
    for index, target in enumerate(targets):
        if type(target) is ast.Starred and len(known) >= len(targets) - 1:
            end = index + len(known) - len(targets) + 1
            known[index:end] = [known[index:end]]
    return known if len(known) == len(targets) else [UNKNOWN] * len(targets)


def _command(*parts: Value) -> Value:
    """Texts of which some are not known, as far as they may be a shell command."""
    texts = [part if isinstance(part, str) else part.text if isinstance(part, Command) else "$_" for part in parts]
    known = sum(map(len, texts))
    return Command("".join(texts)) if known <= values.LENGTH and any(" " in text for text in texts) else UNKNOWN


def _item(owner: Value, key: Value) -> Value:
    return owner[key] if isinstance(owner, WITH_ITEMS) and is_key(key) else UNKNOWN


def _part(owner: Value, between: Value) -> Value:
    return owner[slice(*between)] if isinstance(owner, values.SEQUENCES) else UNKNOWN


EXPRESSIONS: Final[dict[type[ast.AST], Callable[[Any, Any], Value]]] = {
    ast.Constant: Expressions.constant,
    ast.JoinedStr: Expressions.f_string,
    ast.FormattedValue: Expressions.f_string_field,
    ast.Name: Expressions.name,
    ast.BinOp: Expressions.operation,
    ast.UnaryOp: Expressions.sign,
    ast.Compare: Expressions.comparison,
    ast.BoolOp: Expressions.choice,
    ast.IfExp: Expressions.choice,
    ast.List: Expressions.sequence,
    ast.Tuple: Expressions.sequence,
    ast.Set: Expressions.sequence,
    ast.Dict: Expressions.mapping,
    ast.Subscript: Expressions.subscript,
    ast.Slice: Expressions.bounds,
    ast.Attribute: Expressions.attribute,
    ast.ListComp: Expressions.comprehension,
    ast.SetComp: Expressions.comprehension,
    ast.GeneratorExp: Expressions.comprehension,
    ast.DictComp: Expressions.comprehension,
    ast.NamedExpr: Expressions.named,
    ast.Yield: Expressions.yields,
    ast.Await: Expressions.awaited,
    ast.Starred: Expressions.awaited,
    ast.Lambda: Expressions.anonymous,
}
"""Those of calls are added where these are followed."""
