"""What Python code imports, reads and writes: by its syntax tree where it parses, by patterns where it does not."""

from __future__ import annotations

import ast
import warnings
from typing import Final

import re2

from ingest.extractors import patterns, shell
from ingest.extractors.blocks import PARSE_LIMIT, sound
from ingest.extractors.model import Extractor, Hit
from ingest.extractors.paths import is_local
from ingest.extractors.walk import Walk

CELL: Final = re2.compile(r"^\s*%%(\w+)[ \t]*([^\n]*)\n?")
CONTINUATION: Final = re2.compile(r"(?m)^[ \t]*(?:>>>|\.\.\.)[ \t]?")


def parse(code: str) -> ast.Module | None:
    """The syntax tree, or None where the code is no Python, too large or too deep (CPython stops at 200 brackets)."""
    if len(code) > PARSE_LIMIT:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return None


def python_facts(code: str) -> tuple[set[str], list[Hit]]:
    """Imports and files of Python code, the files in order of first appearance."""
    code = sound(code)
    before: list[Hit] = []
    tree = parse(code)
    if tree is None and len(code) <= PARSE_LIMIT:
        code, before = _without_magics(code)
        tree = parse(code)
    if tree is not None:
        try:
            walk = Walk()
            walk.program(tree)
        except RecursionError:
            pass
        else:
            ordered = [hit for _, _, hit in sorted(walk.hits, key=lambda hit: hit[:2])]
            packages = tree_imports(tree)
            if "import_module" in code or "__import__" in code:
                packages |= dynamic_imports(tree)
            return packages, [*before, *ordered]
    return patterns.imports(code), [*before, *patterns.python_files(code)]


def tree_imports(tree: ast.Module) -> set[str]:
    """Top-level names of all packages that a program imports, relative imports left out."""
    found: set[str] = set()
    # statements alone: most nodes of a tree are expressions
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            found.update(alias.name.split(".", 1)[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if not node.level and node.module:
                found.add(node.module.split(".", 1)[0])
        else:
            for name in ("body", "orelse", "finalbody", "handlers", "cases"):
                inner = getattr(node, name, None)
                if isinstance(inner, list):
                    pending.extend(inner)
    return found


def dynamic_imports(tree: ast.Module) -> set[str]:
    """Top-level names of packages given to `import_module` or `__import__`."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0]
            if (
                name in ("import_module", "__import__")
                and isinstance(first, ast.Constant)
                and isinstance(first.value, str)
            ):
                found.add(first.value.split(".", 1)[0])
    return found - {""}


def _without_magics(code: str) -> tuple[str, list[Hit]]:
    """Code without the lines that only IPython understands, and the files that those lines name."""
    found: list[Hit] = []
    cell = CELL.match(code)
    if cell:
        magic, argument = cell.groups()
        rest = code[cell.end() :]
        if magic in ("writefile", "file"):
            path = argument.replace("-a ", "").strip().strip("'\"")
            return "", [Hit(path, "write", "python.magic")] if is_local(path) else []
        if magic in ("bash", "sh", "script"):
            return "", shell.command_files(rest)
        code = rest
    if ">>> " in code:
        code = CONTINUATION.sub("", code)
    lines = code.split("\n")
    for index, line in enumerate(lines):
        bare = line.lstrip()
        if not bare or bare[0] not in "!%?":
            continue
        if bare[0] == "!":
            found.extend(hit._replace(method="python.magic") for hit in shell.command_files(bare[1:]))
        elif bare.startswith("%run "):
            found.extend(shell.command_files("python " + bare[5:]))
        lines[index] = line[: len(line) - len(bare)] + "pass"
    return "\n".join(lines), found


MAGICS: tuple[Extractor, ...] = (
    Extractor(
        name="python.import",
        finds="packages that Python code imports, by their top-level names",
        text="python",
        example="import os.path as p\nfrom numpy import linalg\nfrom . import mine",
        found=(("import", "numpy"), ("import", "os")),
        function=tree_imports,
    ),
    Extractor(
        name="python.magic",
        finds="files of the shell lines and cell magics of a notebook",
        text="python",
        example="!wget -q https://example.org/a.csv -O a.csv\nimport numpy",
        found=(("write", "a.csv"), ("import", "numpy")),
        function=_without_magics,
    ),
)
