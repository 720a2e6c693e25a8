"""Files of code in other languages than Python and the shell: JavaScript, R, Java, C++, Go, Rust, Julia, SQL and more.

One pattern finds calls with their first arguments, tables say which of them open a file. Variables that hold one
literal are followed, and nothing more. RE2: linear in the text, whatever it is.
"""

from __future__ import annotations

from typing import Final

import re2

from ingest.extractors import shell
from ingest.extractors.blocks import sound
from ingest.extractors.model import Extractor, Hit
from ingest.extractors.opened import sql_files
from ingest.extractors.paths import looks_like_file
from ingest.extractors.patterns import LIMIT, STRING, argument
from ingest.extractors.values import Value

SCRIPT_IMPORT_PATTERN: Final = (
    r"""(?m)(?:\brequire\(|\bimport\(|^[ \t]*import\b[^'"\n]*|\bfrom[ \t]+)['"]([^'"\n]+)['"]"""
    r"""|(?:^|[ \t;(])(?:library|require|requireNamespace)\([ \t]*['"]?([A-Za-z][\w.]*)['"]?[ \t]*[,)]"""
)
_ARGUMENT: Final = r"(?:[A-Za-z_]\w*[ \t]*=[ \t]*)?(?:[rR]?" + STRING + r"|[A-Za-z_][\w.]*)"
# a call or a declaration (`ifstream in("a.txt")`) with its first arguments, or an assignment of a literal; what only
# wraps a path (`Paths.get("a.txt")`) is passed over
SCRIPT_CALL_PATTERN: Final = (
    r"(?P<target>[A-Za-z_][\w.]*)[ \t]*(?::=|=|<-)[ \t]*(?P<value>" + STRING + r")[ \t]*(?:;|#|,|\)|\r|\n|$)"
    r"|(?P<call>[A-Za-z_$][\w.]*(?:::\w+)*)(?:[ \t]+(?P<name>[A-Za-z_][\w.]*))?[({]\s*"
    r"(?:(?:new[ \t]+File|Paths?\.(?:get|of)|File|file)\(\s*)?"
    r"(?P<first>" + _ARGUMENT + r")[ \t]*(?:,\s*(?P<second>" + _ARGUMENT + r")[ \t]*)?[,)}]"
)
SCRIPT_IMPORT: Final = re2.compile(SCRIPT_IMPORT_PATTERN)
SCRIPT_CALL: Final = re2.compile(SCRIPT_CALL_PATTERN)
# functions by the position of their path; a name with a dot is asked for as such
WRITES: Final = dict.fromkeys(
    "writeFile writeFileSync appendFile appendFileSync createWriteStream outputFile outputJson outputJsonSync"
    " png pdf jpeg svg tiff bmp sink cairo_pdf ggsave ofstream FileWriter save_image"
    " PrintWriter FileOutputStream StreamWriter file_put_contents csvwrite dlmwrite xlswrite"
    " Files.write Files.writeString Files.newBufferedWriter File.WriteAllText File.WriteAllLines File.WriteAllBytes"
    " File.AppendAllText os.Create os.WriteFile ioutil.WriteFile File.create fs.write File.write IO.write CSV.write"
    " Deno.writeTextFile Bun.write savefig save".split(),
    0,
) | dict.fromkeys(
    "write.csv write.csv2 write.table write_csv write_tsv saveRDS writeLines fwrite write_xlsx write.xlsx"
    " write_json write_parquet write_feather write_delim st_write"
    " writetable writematrix saveas exportgraphics imwrite".split(),
    1,
)
READS: Final = dict.fromkeys(
    "readFile readFileSync createReadStream readJson readJsonSync read.csv read.csv2 read.table read.delim read_csv"
    " read_tsv read_excel readRDS readLines fread source load fromJSON read_json read_delim ifstream"
    " FileReader FileInputStream StreamReader file_get_contents read_parquet read_feather read_xlsx st_read vroom"
    " readtable readmatrix csvread xlsread importdata imread audioread"
    " Files.readAllLines Files.readAllBytes Files.readString Files.lines Files.newBufferedReader File.ReadAllText"
    " File.ReadAllLines File.ReadAllBytes os.Open os.ReadFile ioutil.ReadFile fs.read fs.read_to_string File.read"
    " File.readlines File.foreach IO.read CSV.read CSV.File CSV.foreach Source.fromFile io.lines Scanner"
    " Deno.readTextFile".split(),
    0,
)
# functions that a mode, their second argument, makes one or the other
MODES: Final = frozenset("fopen open File.open io.open".split())
DOCKER_COPIES: Final = re2.compile(r"(?mi)^[ \t]*(?:COPY|ADD)[ \t]+(?:--\S+[ \t]+)*([^\n\[]+)$")
DOCKER_RUNS: Final = re2.compile(r"(?mi)^[ \t]*RUN[ \t]+((?:[^\n]*\\\n)*[^\n]*)$")
RECIPES: Final = re2.compile(r"(?m)^\t[@-]*([^\n]*)$")


def script_imports(code: str) -> set[str]:
    """Packages of JavaScript `require` and `import`, and of R `library`."""
    found: set[str] = set()
    for script, library in SCRIPT_IMPORT.findall(sound(code[:LIMIT])):
        name = script or library
        if name.startswith((".", "/")):
            continue
        parts = name.removeprefix("node:").split("/")
        found.add("/".join(parts[:2]) if name.startswith("@") else parts[0])
    return found


def script_files(code: str) -> list[Hit]:
    """Files of JavaScript, R and other code that opens files by calls."""
    code = sound(code[:LIMIT])
    if "(" not in code and "{" not in code:
        return []
    found: list[Hit] = []
    variables: dict[str, Value] = {}
    for match in SCRIPT_CALL.finditer(code):
        if match.group("target"):
            variables[match.group("target")] = match.group("value")[1:-1]
            continue
        # the second of two words is the call, as in `new FileReader`, unless the first declares it: `ifstream in`
        for name in filter(None, (match.group("name"), match.group("call"))):
            operation, position = _operation(name.replace("::", "."), match.group("second") or "")
            if operation:
                break
        else:
            continue
        texts = [match.group("second" if position else "first")]
        if name.endswith("save"):  # `save(x, file = "a.RData")`, `save("a.mat", "x")`, `book.save("a.xlsx")`
            texts = [match.group("first"), match.group("second")]
        positional: list[Value] = []
        for text in filter(None, texts):
            argument(text, variables, positional, {})
        paths = [path for path in positional if isinstance(path, str) and looks_like_file(path)]
        found.extend(Hit(path, operation, "code.call") for path in paths)
    return list(dict.fromkeys(found))


def _operation(name: str, second: str) -> tuple[str, int]:
    """What a function does with the file that it is given, and at which place that stands; '' where it is none."""
    parts = name.split(".")
    for key in (name, ".".join(parts[-2:]), parts[-1]):
        if key in WRITES:
            return "write", WRITES[key]
        if key in READS:
            return "read", READS[key]
        if key in MODES:
            return ("write" if second[1:2] in ("w", "a", "x") else "read"), 0
    return "", 0


def sql_script(code: str) -> list[Hit]:
    """Files that SQL statements read and write by themselves, as DuckDB's do."""
    return [Hit(path, operation, "code.sql") for operation, path in sql_files(sound(code[:LIMIT]))]


def build_files(code: str) -> list[Hit]:
    """Files that a Dockerfile copies, and those of its commands or of the recipes of a makefile."""
    code = sound(code[:LIMIT])
    found: list[Hit] = []
    for words in DOCKER_COPIES.findall(code):
        found.extend(Hit(path, "read", "code.build") for path in words.split()[:-1] if looks_like_file(path))
    for pattern in (DOCKER_RUNS, RECIPES):
        found.extend(shell.command_files("\n".join(pattern.findall(code))))
    return list(dict.fromkeys(found))


SCRIPTS: tuple[Extractor, ...] = (
    Extractor(
        name="code.call",
        finds="files of calls in code that does not parse or is not Python; literals and variables that hold one",
        text="code",
        example='fs.writeFileSync("out.json", JSON.stringify(x));',
        found=(("write", "out.json"),),
        pattern=SCRIPT_CALL_PATTERN,
        function=script_files,
    ),
    Extractor(
        name="code.require",
        finds="packages that JavaScript and R code asks for",
        text="code",
        example="const fs = require('fs');",
        found=(("import", "fs"),),
        pattern=SCRIPT_IMPORT_PATTERN,
        function=script_imports,
    ),
    Extractor(
        name="code.sql",
        finds="files that SQL statements read or write by themselves",
        text="sql",
        example="COPY (SELECT * FROM 'a.parquet') TO 'b.csv';",
        found=(("read", "a.parquet"), ("write", "b.csv")),
        function=sql_script,
    ),
    Extractor(
        name="code.build",
        finds="files that a Dockerfile copies",
        text="dockerfile",
        example="FROM scratch\nCOPY app.py data/ /srv/",
        found=(("read", "app.py"),),
        function=build_files,
    ),
)
