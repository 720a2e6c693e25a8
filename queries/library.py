"""The named queries: one `.sql` file each, which says in its header what it answers, takes and returns.

The header is part of the interface: listings, help texts, the checks of parameters and the README's reference are all
made from it, so a query is added by adding one file to a folder below `sql`. The folder is the query's group.

    -- Which tool calls follow each other again and again?
    --
    -- Parameters
    --   run_id    VARCHAR = NULL  one run; all runs where NULL
    --   min_count BIGINT = 2      how often, at least
    --
    -- Columns
    --   tools  names of the tools, in order
    --   count  how often they were called in this order
    select ...

Where its defaults find nothing in the sample runs, a section `Example` after the columns says with what the reference
asks it: `--   min_count = 2`.
"""

import difflib
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from queries.errors import QueryError

TYPES: dict[str, type] = {"VARCHAR": str, "BIGINT": int, "DOUBLE": float, "BOOLEAN": bool}
"""Types that a parameter may have, as DuckDB names them, and the Python type of their values."""

Value = str | int | float | bool | None

RUN = "run_id"
"""The parameter that says which run is meant, in every query that has it."""

LATEST = "latest"
"""What stands there, in any case of letters, for the run that started last. A run of that name can't be asked for."""

ALL = "all"
"""The same for all runs."""

_PARAMETER = re.compile(r"(?P<name>[a-z][a-z0-9_]*)\s+(?P<type>[A-Z]+)\s*=\s*(?P<default>'[^']*'|\S+)\s+(?P<doc>\S.*)")
_LEAST = re.compile(r"; at least (-?\d+)$")
_COLUMN = re.compile(r"(?P<name>[a-z][a-z0-9_]*)\s+(?P<doc>\S.*)")


@dataclass(frozen=True)
class Parameter:
    """A value that a query can be given.

    Attributes:
        type: one of `TYPES`.
        default: None stands for SQL's NULL.
        is_latest: None stands for the run that started last, and "all" for nothing, because the query is about one run
            (in the header: `run_id VARCHAR = LATEST`).
        doc: its meaning. Where it begins with "one of:", it lists the only values that there are; where it ends in
            "; at least" and a number, there are none below.
    """

    name: str
    type: str
    default: Value
    doc: str
    is_latest: bool = False

    @property
    def typed_default(self) -> str:
        """The default as it is typed: an empty value stands for NULL."""
        if self.default is None:
            return LATEST if self.is_latest else ""
        return self.default if isinstance(self.default, str) else json.dumps(self.default)

    @property
    def explanation(self) -> str:
        """Its meaning, for those who type an empty value where SQL has NULL."""
        return self.doc.replace("NULL", "empty")

    @property
    def choices(self) -> tuple[str, ...]:
        """The values that are allowed, or none where all of the type are."""
        listed = self.doc.split(";")[0].removeprefix("one of:") if self.doc.startswith("one of:") else ""
        return tuple(choice.strip() for choice in listed.split(",") if choice.strip())

    @property
    def least(self) -> int | None:
        """The least value that is allowed, or None where all of the type are."""
        match = _LEAST.search(self.doc)
        return int(match[1]) if match else None


@dataclass(frozen=True)
class Query:
    """A named query.

    Attributes:
        columns: each result column, in order, with what it means.
        sql: the whole file.
        example: parameters with which the reference shows it; the others have their defaults.
    """

    name: str
    group: str
    question: str
    parameters: tuple[Parameter, ...]
    columns: dict[str, str]
    sql: str
    example: dict[str, Value]


def names() -> list[str]:
    """Names of all queries, sorted by group and name."""
    return list(_library())


def find(name: str) -> Query:
    """The query of that name. Raises QueryError, naming the nearest ones, where there is none."""
    library = _library()
    if name in library:
        return library[name]
    like = name.lower()
    near = difflib.get_close_matches(like, library, n=3) or [known for known in library if like and like in known][:3]
    hint = f"did you mean {' or '.join(near)}?" if near else "`queries` lists them"
    raise QueryError(f"no query is named {name!r}: {hint}")


@cache
def _library() -> dict[str, Query]:
    """Every query of the package, by name."""
    found: dict[str, Query] = {}
    for file in sorted((Path(__file__).parent / "sql").glob("*/*.sql")):
        query = parse(file.stem, file.parent.name, file.read_text(encoding="utf-8"))
        if query.name in found:
            raise ValueError(f"two queries are named {query.name}: in {found[query.name].group} and in {query.group}")
        found[query.name] = query
    return found


def parse(name: str, group: str, sql: str) -> Query:
    """The query that a file's text defines. Raises ValueError where its header is not in order."""
    where = f"{group}/{name}.sql"
    sections = _sections(where, sql)
    columns: dict[str, str] = {}
    for line in sections["Columns"]:
        match = _COLUMN.fullmatch(line)
        if match is None:
            raise ValueError(f"{where}: not a column and its meaning: {line}")
        columns[match["name"]] = match["doc"]
    question = " ".join(sections["Question"])
    if not question or not columns:
        raise ValueError(f"{where}: the header needs a question and columns")
    parameters = tuple(_parameter(where, line) for line in sections["Parameters"])
    types = {parameter.name: parameter.type for parameter in parameters}
    example: dict[str, Value] = {}
    for line in sections["Example"]:
        given, _, value = (part.strip() for part in line.partition("="))
        if given not in types or not value:
            raise ValueError(f"{where}: not a parameter of the query and its value: {line}")
        example[given] = _default(types[given], value)
    return Query(name, group, question, parameters, columns, sql, example)


def _sections(where: str, sql: str) -> dict[str, list[str]]:
    """The header's lines, without comment marks, by section. A line with a deeper indent continues the one before."""
    sections: dict[str, list[str]] = {"Question": [], "Parameters": [], "Columns": [], "Example": []}
    section = "Question"
    for line in sql.splitlines():
        if not line.startswith("--"):
            break
        text = line[2:].rstrip()
        if text.strip() in sections:
            section = text.strip()
        elif text.startswith("     ") and sections[section]:
            sections[section][-1] += " " + text.strip()
        elif text.strip():
            sections[section].append(text.strip())
    return sections


def _parameter(where: str, line: str) -> Parameter:
    match = _PARAMETER.fullmatch(line)
    if match is None or match["type"] not in TYPES:
        raise ValueError(f"{where}: not a parameter of the form `name TYPE = default  meaning`: {line}")
    default = _default(match["type"], match["default"])
    if default is not None and type(default) is not TYPES[match["type"]]:
        raise ValueError(f"{where}: the default of {match['name']} is no {match['type']}: {match['default']}")
    return Parameter(match["name"], match["type"], default, match["doc"], match["default"] == "LATEST")


def _default(kind: str, text: str) -> Value:
    """The value of a default as it is written in SQL."""
    if text in ("NULL", "LATEST"):
        return None
    if text.startswith("'"):
        return text[1:-1]
    value: Value = json.loads(text)
    return float(value) if kind == "DOUBLE" and type(value) is int else value
