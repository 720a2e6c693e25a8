"""Files of code in other languages than Python and the shell: JavaScript, R, Java, C++, Go, Rust, Julia, SQL and more.

One pattern finds calls with their first arguments, tables say which of them open a file. Variables that hold one
literal, or a path that is joined of such, are followed, and nothing more. RE2: linear in the text, whatever it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Final

import re2

from ingest.extractors import shell
from ingest.extractors.blocks import sound
from ingest.extractors.model import Extractor, Hit
from ingest.extractors.paths import MAXIMUM, is_local, looks_like_file
from ingest.extractors.patterns import LIMIT, STRING, argument
from ingest.extractors.statements import sql_files
from ingest.extractors.values import UNKNOWN, Value

SCRIPT_IMPORT_PATTERN: Final = (
    r"""(?m)(?:\brequire\(|\bimport\(|^[ \t]*import\b[^'"\n]*|\bfrom[ \t]+)['"]([^'"\n]+)['"]"""
    r"""|(?:^|[ \t;(])(?:library|require|requireNamespace)\([ \t]*['"]?([A-Za-z][\w.]*)['"]?[ \t]*[,)]"""
)
# a text, among them a template of JavaScript's without holes, folders of Windows, escaped or in a text of C#'s
_TEXT: Final = r"(?:" + STRING + r'|`[^`\n\\$]*`|"(?:[^"\n\\]|\\\\)*"|@"[^"\n]*")'
# a function that joins folders and a name, or other texts, and what stands first in it: the program's own folder
_JOINER: Final = r"\b(?:path\.(?:join|resolve)|file\.path|joinpath|filepath\.Join|Path\.Combine|File\.join|paste0?)"
_OPENED: Final = r"\(\s*(?:(?:__dirname|process\.cwd\(\)|@__DIR__)\s*,\s*)?"
_PART: Final = r"(?:" + _TEXT + r"|[A-Za-z_][\w.]*)"
_PARTS: Final = _PART + r"(?:\s*,\s*" + _PART + r")*"
_SEPARATED: Final = r"\s*,\s*sep\s*=\s*"
JOIN_PATTERN: Final = _JOINER + _OPENED + _PARTS + r"(?:" + _SEPARATED + _TEXT + r")?\s*\)"
_ARGUMENT: Final = r"(?:[A-Za-z_]\w*[ \t]*=[ \t]*)?(?:[rR]?" + _TEXT + r"|" + JOIN_PATTERN + r"|[A-Za-z_][\w.]*)"
# what only wraps a path: `Paths.get("a.txt")`
_WRAPPER: Final = r"(?:new[ \t]+File|Paths?\.(?:get|of)|File|file)\(\s*"
# a call or a declaration (`ifstream in("a.txt")`) with its first arguments, or an assignment of a literal
SCRIPT_CALL_PATTERN: Final = (
    r"(?P<target>[A-Za-z_][\w.]*)[ \t]*(?::=|=|<-)[ \t]*(?P<value>" + _TEXT + "|" + JOIN_PATTERN + ")"
    r"[ \t]*(?:;|#|,|\)|\r|\n|$)"
    r"|(?P<call>[A-Za-z_$][\w.]*(?:::\w+)*)(?:[ \t]+(?P<name>[A-Za-z_][\w.]*))?[({]\s*"
    r"(?:" + _WRAPPER + r")?"
    r"(?P<first>" + _ARGUMENT + r")[ \t]*(?:,\s*(?P<second>" + _ARGUMENT + r")[ \t]*)?[,)}]"
    r"(?:\s*,\s*" + _WRAPPER + r"(?P<wrapped>" + _ARGUMENT + r")\s*\))?"
)
# `using A, B` and `import A: f` of Julia, modules of the program's own left out
JULIA_IMPORT_PATTERN: Final = (
    r"(?m)(?:^|;)[ \t]*(?:using|import)[ \t]+([A-Za-z_][\w.]*(?:[ \t]*,[ \t]*[A-Za-z_][\w.]*)*)"
)
# an object of options whose entry is a file: `page.screenshot({ path: "a.png" })`
OPTIONS_PATTERN: Final = (
    r"\b(?P<call>[A-Za-z_$][\w.]*)\(\s*\{(?:(?:[^{}]|\{[^{}]*\})*[{,\s])?(?P<key>path|filename)\s*:\s*(?P<first>"
    + _TEXT
    + "|"
    + JOIN_PATTERN
    + r"|[A-Za-z_]\w*)"
)
# brackets in brackets, up to three deep
_INNER: Final = r"""[^()"']|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"""
_NESTED: Final = rf"\((?:{_INNER}|\((?:{_INNER}|\((?:{_INNER})*\))*\))*\)"
# what R writes into a file that a later argument names: `cat(x, file = "a.txt")`
LATER_PATTERN: Final = (
    r"\b(?:cat|write(?:Lines|[._]\w+)?|capture\.output|dput|sink|saveRDS|save|ggsave|png|pdf|svg|jpeg|tiff)"
    rf"\((?:{_INNER}|{_NESTED})*?\b(?:file|filename|path|con)[ \t]*=[ \t]*(?P<first>"
    + STRING
    + "|"
    + JOIN_PATTERN
    + r"|[A-Za-z_][\w.]*)[ \t]*[,)]"
)
# what is written into a file that the next argument names, where the first is a call: `writeLines(f(d), "a.txt")`
SECOND_PATTERN: Final = (
    r"\b(?P<call>writeLines|saveRDS|save_?json|st_write|fwrite|write[._][\w.]{1,20}|writedlm|savefig|save|imwrite)\(\s*"
    rf"[\w.:$@]+{_NESTED}\s*,\s*(?:(?:file|path|con|filename)[ \t]*=[ \t]*)?(?P<first>"
    + STRING
    + "|"
    + JOIN_PATTERN
    + r"|[A-Za-z_][\w.]*)[ \t]*[,)]"
)
# what Java writes into a file that a later argument makes: `ImageIO.write(image, "png", new File("a.png"))`
MADE_PATTERN: Final = rf"\bImageIO\.write\((?:{_INNER}|{_NESTED})*?,\s*{_WRAPPER}(?P<first>" + _ARGUMENT + r")\s*\)"
# streams of C++ that are opened later: `std::ofstream out; out.open("a.txt")`
STREAM_PATTERN: Final = r"\b(?P<kind>[io]fstream)[ \t]+(?P<names>\w+(?:[ \t]*,[ \t]*\w+)*)[ \t]*;"
# `open` of Perl, with the mode before the name or in it
PERL_OPEN_PATTERN: Final = (
    r"\bopen[ \t]*\(?[ \t]*(?:(?:my|our|local)[ \t]+)?\$?\w+[ \t]*,[ \t]*['\"][ \t]*(?P<mode>\+?[<>]{1,2})"
    r"(?:[^'\"\n<>]{0,40}['\"][ \t]*,[ \t]*(?:\$(?P<variable>\w+)|(?P<first>" + STRING + r"))"
    r"|[ \t]*(?P<name>[^'\"\n$<>:]+)['\"])"
)
# macros of Julia's: `@save "a.jld2" x`
MACRO_PATTERN: Final = r"(?:^|[^\w@])@(?P<macro>save|load)(?:[ \t]+|\()(?P<first>" + STRING + r"|[A-Za-z_]\w*)"
SCRIPT_IMPORT: Final = re2.compile(SCRIPT_IMPORT_PATTERN)
SCRIPT_CALL: Final = re2.compile(SCRIPT_CALL_PATTERN)
JULIA_IMPORT: Final = re2.compile(JULIA_IMPORT_PATTERN)
OPTIONS: Final = re2.compile(OPTIONS_PATTERN)
LATER: Final = re2.compile(LATER_PATTERN)
SECOND: Final = re2.compile(SECOND_PATTERN)
MADE: Final = re2.compile(MADE_PATTERN)
STREAM: Final = re2.compile(STREAM_PATTERN)
MACRO: Final = re2.compile(MACRO_PATTERN)
PERL_OPEN: Final = re2.compile(PERL_OPEN_PATTERN)
JOIN: Final = re2.compile(
    rf"(?P<joiner>{_JOINER}){_OPENED}(?P<parts>{_PARTS})(?:{_SEPARATED}(?P<separator>{_TEXT}))?\s*\)"
)
PART: Final = re2.compile(_PART)
QUOTES: Final = frozenset("'\"`")
# functions by the position of their path; a name with a dot is asked for as such
WRITES: Final = dict.fromkeys(
    "writeFile writeFileSync appendFile appendFileSync createWriteStream outputFile outputJson outputJsonSync"
    " png pdf jpeg svg tiff bmp sink cairo_pdf ggsave ofstream FileWriter save_image"
    " PrintWriter FileOutputStream StreamWriter file_put_contents csvwrite dlmwrite xlswrite"
    " Files.write Files.writeString Files.newBufferedWriter File.WriteAllText File.WriteAllLines File.WriteAllBytes"
    " File.AppendAllText os.Create os.WriteFile ioutil.WriteFile File.create fs.write File.write IO.write CSV.write"
    " writeTextFile writeTextFileSync save.image Bun.write savefig save toFile FileUtils.writeStringToFile"
    " writeValue".split(),
    0,
) | dict.fromkeys(
    "write.csv write.csv2 write.table write_csv write_tsv saveRDS writeLines fwrite write_xlsx write.xlsx"
    " write_json write_parquet write_feather write_delim st_write"
    " writetable writematrix saveas exportgraphics imwrite XLSX.writeFile XLSX.writeFileXLSX".split(),
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
    " readTextFile readTextFileSync scan read_sav read_dta read_sas read_spss read.xlsx sharp ImageIO.read readValue"
    " FileUtils.readFileToString parsefile File.ReadLines knit rmarkdown.render".split(),
    0,
)
# functions that are given a file to read and one to write
COPIES: Final = frozenset(
    "copyFile copyFileSync renameSync fs.rename promises.rename fs.copy fs.copySync fs.moveSync file.copy file.rename"
    " File.Copy File.Move FileUtils.cp FileUtils.mv FileUtils.copy os.Rename fs.cpSync copyfile movefile Files.copy"
    " Files.move".split()
)
# functions whose options name a file to be written
OPTION_WRITES: Final = frozenset("screenshot pdf transports.File storageState".split())
# functions that a mode, their second argument, makes one or the other
MODES: Final = frozenset("fopen freopen open File.open io.open h5open jldopen".split())
# functions whose file stands first or second: `save(x, file = "a.RData")`, `save("a.mat", "x")`, `savefig(p, "a.png")`
EITHER: Final = frozenset("save savefig imwrite".split())
# functions that are given nothing but paths, so that these need no extension
SURE: Final = frozenset(
    "writeFileSync appendFileSync readFileSync createWriteStream createReadStream fs.writeFile fs.readFile"
    " fs.appendFile writeTextFile readTextFile writeTextFileSync readTextFileSync"
    " ofstream ifstream FileWriter FileReader FileOutputStream FileInputStream StreamWriter StreamReader"
    " Files.write Files.writeString Files.newBufferedWriter Files.readAllLines Files.readAllBytes Files.readString"
    " Files.lines Files.newBufferedReader Files.copy Files.move File.WriteAllText File.WriteAllLines File.WriteAllBytes"
    " File.AppendAllText File.ReadAllText File.ReadAllLines File.ReadAllBytes File.Copy File.Move"
    " os.Create os.WriteFile os.ReadFile ioutil.WriteFile ioutil.ReadFile File.create fs.write fs.read_to_string"
    " fopen freopen file_put_contents file_get_contents readRDS read.csv".split()
)
# functions of one language, whose names mean something else in others
JULIA: Final = {
    **dict.fromkeys("write writedlm touch h5write".split(), ("write", 0)),
    **dict.fromkeys("png pdf svg".split(), ("write", 1)),
    **dict.fromkeys("read readdlm readlines readline eachline include h5read".split(), ("read", 0)),
}
OF_LANGUAGE: Final = {"julia": JULIA, "jl": JULIA, "r": {"write": ("write", 1)}}
NO_FUNCTIONS: Final[dict[str, tuple[str, int]]] = {}
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


def script_files(code: str, language: str = "") -> list[Hit]:
    """Files of JavaScript, R and other code that opens files by calls.

    Args:
        code: the code.
        language: its name in lower case, where some functions are those of that language.
    """
    code = sound(code[:LIMIT])
    own = OF_LANGUAGE.get(language, NO_FUNCTIONS)
    streams = _streams(code) if "fstream" in code else {}
    found: list[tuple[int, Hit]] = []
    variables: dict[str, Value] = {}
    for match in SCRIPT_CALL.finditer(code):
        if match.group("target"):
            value = match.group("value")
            text = value.removeprefix("@")
            known = text[1:-1] if text[0] in QUOTES else _joined(value, variables)[1]
            variables[match.group("target")] = known
            continue
        # the second of two words is the call, as in `new FileReader`, unless the first declares it: `ifstream in`
        for name in filter(None, (match.group("name"), match.group("call"))):
            name = name.replace("::", ".")
            keys = _keys(name)
            operation, position = own.get(name) or _operation(keys, match.group("second") or "")
            if operation:
                break
        else:
            continue
        first, second = match.group("first"), match.group("second") or match.group("wrapped")
        sure = not SURE.isdisjoint(keys)
        if streams and (stream := streams.get(name.removesuffix(".open"))):
            operation, sure = stream, True
        if operation == "copy":
            for kind, argument_ in (("read", first), ("write", second)):
                paths = _paths([argument_], variables, sure)
                found.extend((match.start(), Hit(path, kind, "code.call")) for path in paths)
            continue
        # what is piped into a function leaves it the file alone: `d |> write_csv("a.csv")`
        piped = position and not second and name != "writeLines" and match.group()[-1] == ")" and first[-1] in "'\""
        texts = [first, second] if keys[-1] in EITHER else [second if position and not piped else first]
        found.extend((match.start(), Hit(path, operation, "code.call")) for path in _paths(texts, variables, sure))
    found.extend(_named_later(code, variables))
    found.sort(key=itemgetter(0))
    return list(dict.fromkeys(hit for _, hit in found))


def _joined(text: str, variables: dict[str, Value]) -> tuple[str, Value]:
    """What stands before a function that joins texts to a path, and what it makes of them as far as they are known.

    `file.path(d, "a.csv")` puts a slash between them, `paste0(d, "a.csv")` nothing.
    """
    match = JOIN.search(text)
    if match is None:
        return text, UNKNOWN
    before, joiner, separator = text[: match.start()], match.group("joiner"), match.group("separator")
    parts = [part[1:-1] if part[0] in QUOTES else variables.get(part) for part in PART.findall(match.group("parts"))]
    known = [part for part in parts if isinstance(part, str) and "{" not in part]
    between = {"paste0": "", "paste": separator[1:-1] if separator else " "}.get(joiner, "/")
    if len(known) < len(parts) or sum(map(len, known)) + len(between) * len(known) > MAXIMUM:
        return before, UNKNOWN
    if between == "/":
        known[:-1] = [part.rstrip("/") for part in known[:-1]]
    return before, between.join(known)


def _streams(code: str) -> dict[str, str]:
    """What is done with the files of C++ streams that are declared without one, by their names."""
    found: dict[str, str] = {}
    for kind, names in STREAM.findall(code):
        found.update(dict.fromkeys(map(str.strip, names.split(",")), "write" if kind == "ofstream" else "read"))
    return found


def _paths(texts: Sequence[str | None], variables: dict[str, Value], sure: bool = False) -> list[str]:
    """The files that arguments name, each a literal or a variable that holds one.

    Args:
        texts: the arguments as they are written.
        variables: values of variables.
        sure: whether the call is given nothing but a path, which then needs no extension.
    """
    accepted = is_local if sure else looks_like_file
    positional: list[Value] = []
    for text in filter(None, texts):
        if text[-1] == ")":
            before, path = _joined(text, variables)
            argument(f"{before}path", {"path": path}, positional, {})
        else:
            argument(text.removeprefix("@"), variables, positional, {})
    paths = [path.replace("\\\\", "\\") for path in positional if isinstance(path, str)]
    return [path for path in paths if accepted(path)]


def _named_later(code: str, variables: dict[str, Value]) -> Iterator[tuple[int, Hit]]:
    """The files that stand neither first nor second among a call's arguments, with where they are."""
    for match in OPTIONS.finditer(code):
        if OPTION_WRITES.isdisjoint(_keys(match.group("call"))):
            continue
        for path in _paths([match.group("first")], variables):
            yield match.start(), Hit(path, "write", "code.call")
    for pattern in (LATER, SECOND, MADE) if "ImageIO" in code else (LATER, SECOND):
        for match in pattern.finditer(code):
            for path in _paths([match.group("first")], variables):
                yield match.start(), Hit(path, "write", "code.call")
    for match in MACRO.finditer(code) if "@save" in code or "@load" in code else ():
        for path in _paths([match.group("first")], variables):
            yield match.start(), Hit(path, "write" if match.group("macro") == "save" else "read", "code.call")
    for match in PERL_OPEN.finditer(code):
        mode = match.group("mode")
        name = match.group("name")
        for path in _paths([match.group("variable") or match.group("first") or f"'{name.strip()}'"], variables):
            if "<" in mode or "+" in mode:
                yield match.start(), Hit(path, "read", "code.call")
            if ">" in mode or "+" in mode:
                yield match.start(), Hit(path, "write", "code.call")


def _operation(keys: tuple[str, str, str], second: str) -> tuple[str, int]:
    """What a function of these keys does with its file, and at which place that stands; '' where it is none."""
    for key in keys:
        if key in COPIES:
            return "copy", 0
        if key in WRITES:
            return "write", WRITES[key]
        if key in READS:
            return "read", READS[key]
        if key in MODES:
            return ("write" if second[1:2] in ("w", "a", "x") else "read"), 0
    return "", 0


def _keys(name: str) -> tuple[str, str, str]:
    """What a function is looked up by: its whole name, the last two parts of it, the last one."""
    parts = name.split(".")
    return name, ".".join(parts[-2:]), parts[-1]


def julia_imports(code: str) -> set[str]:
    """Packages that Julia code uses."""
    found: set[str] = set()
    for names in JULIA_IMPORT.findall(sound(code[:LIMIT])):
        found.update(name.strip().split(".", 1)[0] for name in names.split(","))
    return found


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
        name="code.using",
        finds="packages that Julia code uses",
        text="julia",
        example="using CSV, DataFrames: nrow\nimport JSON",
        found=(("import", "CSV"), ("import", "DataFrames"), ("import", "JSON")),
        pattern=JULIA_IMPORT_PATTERN,
        function=julia_imports,
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
