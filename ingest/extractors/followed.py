"""Calls of a parsed Python program: its own functions are followed, all others are looked up in the table of calls."""

from __future__ import annotations

import ast
from abc import abstractmethod
from collections.abc import Sequence
from typing import Final

from ingest.extractors import opened, pure, values
from ingest.extractors.expressions import EXPRESSIONS, PARSED, ROUNDS, Expressions
from ingest.extractors.values import (
    UNKNOWN,
    Class,
    Either,
    Function,
    Instance,
    Method,
    Parents,
    Partial,
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

# how many of the program's functions may be inside one another
DEPTH: Final = 6
# what makes a dictionary, or an object with attributes, of its keywords
RECORDS: Final = frozenset("dict types.SimpleNamespace argparse.Namespace collections.OrderedDict".split())
# what stands for the default that it is given: `out: str = typer.Option("a.csv")`
DEFAULTS: Final = frozenset("typer.Option typer.Argument dataclasses.field pydantic.Field".split())
# decorators that give a function's argument a default
OPTIONS: Final = frozenset("click.option click.argument".split())
# methods of a parser of arguments, which may be set up elsewhere: in an earlier block, by a function
PARSER_METHODS: Final = frozenset("add_argument set_defaults parse_args parse_known_args".split())
# calls that return what they are given, or what is made of it
MAKING: Final = RECORDS | DEFAULTS | OPTIONS | {"functools.partial", "collections.namedtuple"} | pure.PURE.keys()
# builtins that return a part of what they are given, or what is kept elsewhere
PASSING: Final = frozenset("next getattr min max".split())
# functions and methods that call what they are given
CALLING: Final = frozenset("Thread submit to_thread map imap".split())


class Calls(Expressions):
    """What calls return and open."""

    @abstractmethod
    def block(self, body: Sequence[ast.stmt]) -> bool:
        """Walk through statements; True when what follows them is not reached."""

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
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            if argument.annotation is not None and type(text := defaults.get(argument.arg)) is str:
                defaults[argument.arg] = PathValue(text) if _is_path(argument.annotation) else text
        function = Function(node, self.scope, defaults, owner=owner)
        self.functions.append((function, owner))
        return function

    def call(self, node: ast.Call) -> Value:
        """What a call returns; the files that it opens are noted."""
        owner: Value = UNKNOWN
        attribute = ""
        called = node.func
        if type(called) is ast.Attribute:
            owner, attribute = self.expression(called.value), called.attr
            target = self.attribute_of(owner, attribute)
        else:
            target = self.expression(called)
        positional: list[Value] = []
        for argument in node.args:
            value = self.expression(argument)
            if type(argument) is ast.Starred:
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
        if type(target if target is not UNKNOWN else owner) is not Either:
            return self.call_one(target, owner, attribute, positional, keywords)
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
        if target is UNKNOWN:
            return self.call_method(owner, attribute, positional, keywords) if attribute else UNKNOWN
        if isinstance(target, Ref):
            name = target.name
            if attribute in PARSER_METHODS:
                return self.parser_method(attribute, positional, keywords)
            if name in MAKING:
                return self.call_making(name, positional, keywords)
            if name == "vars" and positional == [PARSED]:
                return dict(self.arguments)
            opened.function(self.emit, name, target.imported, not attribute, positional, keywords)
            last = name.rsplit(".", 1)[-1]
            if last in CALLING:
                self.call_argument(last, positional, keywords)
            return UNKNOWN if name in PASSING else Result(name)
        if isinstance(target, Function):
            return self.call_function(target, positional, keywords)
        if isinstance(target, Method):
            return self.call_function(target.function, [target.owner, *positional], keywords)
        if isinstance(target, Class):
            return self.instantiate(target, positional, keywords)
        if isinstance(target, Instance) and isinstance(called := target.of.attribute("__call__"), Function):
            return self.call_function(called, [target, *positional], keywords)
        if isinstance(target, Parents):
            return target  # `super()`, which stands for itself
        if isinstance(target, Partial):
            return self.call_one(
                target.function, UNKNOWN, "", [*target.positional, *positional], {**target.keywords, **keywords}
            )
        if attribute:
            return self.call_method(owner, attribute, positional, keywords)
        if isinstance(target, Result):
            opened.called(self.emit, target.name, positional, keywords)
        return UNKNOWN

    def call_making(self, name: str, positional: list[Value], keywords: dict[str, Value]) -> Value:
        """What a call of one of the functions in `MAKING` returns."""
        if name in RECORDS:
            return _record(positional, keywords)
        if name in DEFAULTS:
            if "default_factory" in keywords:
                return self.call_one(keywords["default_factory"], UNKNOWN, "", [], {})
            return keywords.get("default", positional[0] if positional else UNKNOWN)
        if name in OPTIONS:
            self.add_argument(positional, keywords)
            return UNKNOWN
        if name == "functools.partial":
            return _partial(positional, keywords)
        if name == "collections.namedtuple":
            return Class(Scope(), fields=_fields(positional[1] if len(positional) > 1 else keywords.get("field_names")))
        known = pure.PURE[name]
        # `os.getenv(n, default=d)` and `enumerate(a, start=1)`
        positional = [*positional, *(keywords[keyword] for keyword in ("default", "start") if keyword in keywords)]
        if known is pure.combined and keywords:
            return UNKNOWN  # it repeats them
        return lift(known, *positional)

    def call_method(self, owner: Value, name: str, positional: list[Value], keywords: dict[str, Value]) -> Value:
        """What a method of an object that is not the program's own returns."""
        if isinstance(owner, str):
            if name == "format":
                return lift(
                    lambda *known: pure.string_format(
                        owner, known[: len(positional)], dict(zip(keywords, known[len(positional) :], strict=True))
                    ),
                    *positional,
                    *keywords.values(),
                )
            return lift(lambda *known: pure.string_method(name, owner, known), *positional)
        if isinstance(owner, PathValue):
            opened.path_method(self.emit, owner.text, name, positional, keywords)
            return lift(lambda *known: pure.path_method(name, owner.text, known), *positional)
        if owner is values.SCRIPT:
            return owner if name in ("resolve", "absolute") else UNKNOWN
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
        if name in PARSER_METHODS:
            return self.parser_method(name, positional, keywords)
        opened.method(self.emit, prefix, name, positional, keywords)
        if name in CALLING:
            self.call_argument(name, positional, keywords)
        return Result(f"{prefix}().{name}") if prefix else UNKNOWN

    def parser_method(self, name: str, positional: list[Value], keywords: dict[str, Value]) -> Value:
        """What a method of a parser of arguments, of a group of them or of a command returns."""
        if name == "add_argument":
            self.add_argument(positional, keywords)
        elif name == "set_defaults":
            self.arguments.update(keywords)
        else:
            return PARSED if name == "parse_args" else (PARSED, UNKNOWN)
        return UNKNOWN

    def add_argument(self, positional: list[Value], keywords: dict[str, Value]) -> None:
        """Note the default of a command line argument: an executor runs a program without any."""
        names = [name for name in positional if isinstance(name, str)]
        if names and "default" in keywords:
            # `click` takes a name without dashes as that of the variable
            named = [name for name in names if name[:1] != "-"] or [max(names, key=len)]
            name = keywords.get("dest", named[0].lstrip("-").replace("-", "_"))
            if isinstance(name, str):
                made = keywords.get("type")
                known = pure.PURE.get(made.name) if isinstance(made, Ref) else None
                default = keywords["default"]
                # an empty one stands for a value that has to be given
                self.arguments[name] = UNKNOWN if default == "" else lift(known, default) if known else default

    def call_argument(self, name: str, positional: list[Value], keywords: dict[str, Value]) -> None:
        """Follow a function that is handed over to be called by one of those in `CALLING`."""
        target = keywords.get("target")
        if name == "Thread" and isinstance(target, Function | Method | Partial):
            self.call_one(target, UNKNOWN, "", list(elements(keywords.get("args", UNKNOWN)) or ()), {})
        elif name != "Thread" and positional:
            target, rest = positional[0], positional[1:]
            if not isinstance(target, Function | Method | Ref | Partial):
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
        if function.owner is not None and function.owner.bases and positional:
            bound["super"] = Parents(function.owner, positional[0])
        bound.update(zip(names, positional, strict=False))
        bound.update({name: value for name, value in keywords.items() if name in bound})
        if arguments.vararg:
            bound[arguments.vararg.arg] = tuple(positional[len(names) :])
        if arguments.kwarg:
            bound[arguments.kwarg.arg] = {name: value for name, value in keywords.items() if name not in names}
        outer, place, depth = self.scope, self.position, len(self.active)
        self.scope = Scope(bound, function.scope)
        self.active.append(id(node))
        self.returned.append([])
        self.yielded.append([])
        try:
            if isinstance(node, ast.Lambda):
                self.returned[-1].append(self.expression(node.body))
            else:
                self.block(node.body)
            results, made = self.returned[depth], self.yielded[depth]
        except RecursionError:
            results, made = [], []
        self.scope, self.position = outer, place
        del self.active[depth:], self.returned[depth:], self.yielded[depth:]
        if made:
            return _generated(node, made)
        return either(results) if results else UNKNOWN

    def instantiate(self, made: Class, positional: Sequence[Value], keywords: dict[str, Value]) -> Instance:
        """An object of a class of the program, after its `__init__`."""
        instance = made.instance = Instance(made)
        initializer = made.attribute("__init__")
        if isinstance(initializer, Function):
            self.call_function(initializer, [instance, *positional], keywords)
        else:
            instance.attributes.update(zip(made.fields, positional, strict=False))
            instance.attributes.update(keywords)
            finisher = made.attribute("__post_init__")
            if isinstance(finisher, Function):
                self.call_function(finisher, [instance], {})
        return instance

    def instance_of(self, made: Class) -> Instance:
        return made.instance or self.instantiate(made, [], {})


EXPRESSIONS[ast.Call] = Calls.call


def _is_path(annotation: ast.expr) -> bool:
    """Whether an argument is annotated as a path, which a command line's parser makes of its default."""
    return any(
        (type(part) is ast.Name and part.id == "Path") or (type(part) is ast.Attribute and part.attr == "Path")
        for part in ast.walk(annotation)
    )


def _generated(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, made: list[Value]) -> Value:
    """What a generator yields, where all of that is known: a list, or the value of one that makes a context."""
    if UNKNOWN in made or None in made or len(made) > values.LENGTH:
        return UNKNOWN
    decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
    names = [getattr(part, "attr", getattr(part, "id", "")) for part in decorators]
    return either(made) if any("contextmanager" in name for name in names) else made


def _record(positional: Sequence[Value], keywords: dict[str, Value]) -> Value:
    """A dictionary, or an object of named values, made by a call."""
    if not positional:
        return dict(keywords)
    given = positional[0]
    if isinstance(given, list) and all(isinstance(pair, tuple) and len(pair) == 2 for pair in given):
        given = {key_of(key): value for key, value in given}  # `dict(zip(keys, values))`
    return {**given, **keywords} if isinstance(given, dict) else UNKNOWN


def _partial(positional: Sequence[Value], keywords: dict[str, Value]) -> Value:
    """A function that is given some of its arguments before it is called."""
    if not positional or len(positional) > values.ALTERNATIVES:
        return UNKNOWN
    function, *given = positional
    if isinstance(function, Partial) and len(function.positional) + len(function.keywords) < values.ALTERNATIVES:
        return Partial(function.function, [*function.positional, *given], {**function.keywords, **keywords})
    return Partial(function, given, keywords) if isinstance(function, Ref | Function | Method | Class) else UNKNOWN


def _fields(value: Value) -> tuple[str, ...]:
    """The names of a named tuple's fields, given as a list or in one text."""
    names = value.replace(",", " ").split() if isinstance(value, str) else elements(value) or ()
    return tuple(name for name in names if isinstance(name, str))


def _dict_method(owner: dict[Value, Value], name: str, positional: Sequence[Value]) -> Value:
    if name == "items":
        return list(owner.items())
    if name == "values":
        return list(owner.values())
    if name == "keys":
        return list(owner)
    if name == "get" and positional and is_key(positional[0]) and type(positional[0]) is not Ref:
        return owner.get(positional[0], positional[1] if len(positional) > 1 else None)
    return UNKNOWN
