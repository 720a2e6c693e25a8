"""Files that shell commands read and write: redirections, downloads, copies, and the arguments of common programs."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence
from itertools import pairwise
from typing import Final

from ingest.extractors.blocks import sound
from ingest.extractors.model import Extractor, Hit
from ingest.extractors.paths import is_local, looks_like_file

# Python's `re`, which is quicker on many short tokens: no two alternatives start alike but for `$`, so it is linear
# here too.
# one token: comment, blank, line end, operator, or a word of quoted and plain parts; together they cover the whole text
TOKEN: Final = re.compile(
    r"(?ms)[ \t]+#[^\n]*|^#[^\n]*|(?:[ \t\r]|\\\n)+|\n"
    r"|&>>|&>|[0-9]?>>|[0-9]?>&[0-9]?|[0-9]?>\||[0-9]?>|<<<|<<-?|<\(|>\(|<|\|\||&&|;;|[|;&()]"
    r"|(?:'[^']*'|\"(?:[^\"\\]|\\.)*\"|\\.|\$\{[^}\s${]*\}|\$\([^()]*\)|`[^`]*`|[^\s'\"\\;|&<>()`])+|."
)
OPERATORS: Final = frozenset("&>> &> >> >& >| > <<< << <<- <( >( < || && ;; | ; & ( )".split())
PART: Final = re.compile(r"(?s)'([^']*)'|\"((?:[^\"\\]|\\.)*)\"|\\(.)|([^'\"\\]+)")
QUOTING: Final = re.compile(r"['\"\\$]")
VARIABLE: Final = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")
ASSIGNMENT: Final = re.compile(r"(?s)^([A-Za-z_]\w*)=(.*)$")
PREFIXES: Final = frozenset("sudo time nohup env exec command then do else if while until ! {".split())
HERE_DOCUMENT: Final = (("operator", "<<"), ("operator", "<<-"))
ENDS: Final = frozenset(("|", "||", "&&", ";", "&", "(", ")", ";;"))
# characters and here documents of one script that are looked at
LIMIT: Final = 100_000
DOCUMENTS: Final = 50
# programs all of whose arguments that look like files are read
READERS: Final = frozenset(
    "cat head tail less more wc sort uniq cut nl tac rev od xxd hexdump strings file stat md5sum sha1sum"
    " sha256sum column paste"
    " join comm diff cmp unzip zcat gunzip bunzip2 unxz unrar bzcat xzcat source . pdftotext pdfinfo tesseract"
    " ffprobe exiftool"
    " csvcut csvlook csvstat open xdg-open display nano vim vi emacs code antiword catdoc docx2txt pdfgrep readelf"
    " objdump ldd"
    " soxi identify zipinfo sqlite3 ncdump h5dump".split()
)
# programs whose first argument that is no option is a pattern or a program
FILTERS: Final = frozenset("grep egrep fgrep zgrep rg sed awk gawk perl jq".split())
# programs whose arguments are words, folders, packages or files that they neither read nor write
OTHERS: Final = frozenset(
    "echo printf ls rm mkdir rmdir chmod chown find git docker npm npx yarn pip pip3 conda uv apt apt-get brew cd"
    " export test ["
    " which kill ps exit return set unset alias read sleep date ping ssh basename dirname realpath readlink cargo"
    " make help man"
    " curl wget http yt-dlp youtube-dl aria2c gdown unlink shred".split()
)
WORD: Final = re.compile(r"^[a-z][a-z0-9_.+-]*$")
RUNNERS: Final = {
    "python": "py", "python3": "py", "python2": "py", "ipython": "py", "pypy": "py", "pypy3": "py", "node": "js",
    "Rscript": "R", "bash": "sh", "sh": "sh", "zsh": "sh", "ruby": "rb", "julia": "jl", "php": "php", "java": "jar",
    "streamlit": "py", "perl": "pl", "deno": "ts", "ts-node": "ts",
}  # fmt: skip
COMPILERS: Final = frozenset(
    "gzip bzip2 xz gcc g++ cc c++ clang clang++ rustc gfortran pandoc sort ld as go javac nasm".split()
)
# options that take a path to be written, by program
OUTPUT_OPTIONS: Final = {
    **dict.fromkeys("gcc g++ cc c++ clang clang++ rustc gfortran go dot nasm".split(), ("-o",)),
    **dict.fromkeys("curl pandoc sort yt-dlp youtube-dl http xsltproc".split(), ("-o", "--output")),
    "wget": ("-O", "--output-document"),
    "gdown": ("-O", "--output"),
    "aria2c": ("-o", "--out"),
    "jupyter": ("--output",),
    "openssl": ("-out",),
    "inkscape": ("-o", "--export-filename"),
}
# options whose value is no file argument of the command
VALUE_OPTIONS: Final = frozenset(
    "-n -c -d -k -f -t -e -m -C -A -B -H -X -u -p -s -w -b -S -T -F -v -U --header".split()
)


def command_files(code: str) -> list[Hit]:
    """The files that a shell script reads and writes, in order; one pass over the text."""
    found: list[Hit] = []
    variables: dict[str, str] = {}
    for words in commands(code):
        first = 0
        while first < len(words) and words[first][0] == "word" and "=" in words[first][1]:
            match = ASSIGNMENT.match(words[first][1])
            if not match:
                break
            variables[match.group(1)] = expand(match.group(2), variables)
            first += 1
        words = words[first:]
        if words and words[0][1] == "export":
            for _, word in words[1:]:
                match = ASSIGNMENT.match(word)
                if match:
                    variables[match.group(1)] = expand(match.group(2), variables)
            continue
        if len(words) > 3 and words[0][1] == "for" and words[2][1] == "in":
            values = [expand(word, variables) for _, word in words[3:]]
            variables[words[1][1]] = values[0] if len(values) == 1 else "$"
            continue
        found.extend(_command(words, variables))
    return list(dict.fromkeys(found))


def argument_files(arguments: Sequence[str]) -> list[Hit]:
    """The files that one command reads and writes, given as a list of words."""
    return list(_program(list(arguments)))


def embedded(code: str) -> Iterator[tuple[str, str]]:
    """(language, code) of the programs inside a shell script: `python -c '..'` and here documents given to Python."""
    for words in commands(code):
        plain = [word for kind, word in words if kind == "word"]
        program = plain[0].rsplit("/", 1)[-1] if plain else ""
        if RUNNERS.get(program) != "py":
            continue
        if "-c" in plain[:-1]:
            yield "python", expand(plain[plain.index("-c") + 1], {})
        for kind, body in words:
            if kind == "document" and (len(plain) == 1 or plain[1] == "-"):
                yield "python", body


def commands(code: str) -> Iterator[list[tuple[str, str]]]:
    """The simple commands of a script: lists of (`word`, text), (`operator`, text) and (`document`, here document)."""
    code = sound(code[:LIMIT])
    for _ in range(DOCUMENTS):
        rest = yield from _commands(code)
        if not rest:
            return
        code = rest


def _commands(code: str) -> Generator[list[tuple[str, str]], None, str]:
    """The commands up to the end of the first here document; returns the script that follows it."""
    command: list[tuple[str, str]] = []
    terminators: list[str] = []
    position = 0
    for token in TOKEN.findall(code):
        position += len(token)
        if token == "\n" and terminators:
            for terminator in terminators:
                body, position = _document(code, position, terminator)
                command.append(("document", body))
            yield command
            return code[position:]
        if token == "\n" or token in ENDS:
            if command and not terminators:
                yield command
                command = []
        elif token[0] in " \t\r#" or token.startswith("\\\n"):
            continue
        elif (
            token in OPERATORS or (token[-1] in ">&|" and token.lstrip("0123456789") in OPERATORS) or _duplicates(token)
        ):
            command.append(("operator", token))
        elif command and command[-1] in HERE_DOCUMENT:
            terminators.append(expand(token, {}))
            command.pop()
        else:
            command.append(("word", token))
    if command:
        yield command
    return ""


def _duplicates(token: str) -> bool:
    """Whether a token makes one stream another, as `2>&1` does."""
    return ">&" in token and token.strip("0123456789") == ">&"


def _document(code: str, start: int, terminator: str) -> tuple[str, int]:
    """Body of a here document that starts at `start`, and where the script goes on."""
    position = start
    while position < len(code):
        end = code.find("\n", position)
        end = len(code) if end < 0 else end
        if code[position:end].strip() == terminator:
            return code[start:position], end
        position = end + 1
    return code[start:], len(code)


def expand(word: str, variables: dict[str, str]) -> str:
    """A word without its quotes, its known variables filled in; an unknown one stays as `$name`."""
    if not QUOTING.search(word):
        return word
    parts: list[str] = []
    for single, double, escaped, bare in PART.findall(word):
        if single or escaped:
            parts.append(single or escaped)
        else:
            parts.append(VARIABLE.sub(lambda match: _lookup(match, variables), double or bare))
    return "".join(parts)


def _lookup(match: re.Match[str], variables: dict[str, str]) -> str:
    name = match.group(1) or match.group(2)
    return variables.get(name, "$" + name)[:1024]


def _command(words: list[tuple[str, str]], variables: dict[str, str]) -> Iterator[Hit]:
    """The files of one simple command: its redirections, then its program's arguments."""
    arguments: list[str] = []
    redirected: list[Hit] = []
    operator = ""
    for kind, text in words:
        if kind == "operator":
            operator = text
        elif kind == "word":
            word = expand(text, variables)
            if not operator:
                arguments.append(word)
            elif _is_file(word):
                if operator == "<":
                    redirected.append(Hit(word, "read", "shell.redirection"))
                elif operator[-1] in ">|" or operator.endswith(">>"):
                    redirected.append(Hit(word, "write", "shell.redirection"))
            operator = ""
    yield from _program(arguments)
    yield from redirected


def _is_file(word: str) -> bool:
    return is_local(word) and "$" not in word and "`" not in word and not word.startswith("&")


def _program(arguments: list[str]) -> Iterator[Hit]:
    """The files that a program's arguments name."""
    first = 0
    while first < len(arguments) and (arguments[first] in PREFIXES or ASSIGNMENT.match(arguments[first])):
        first += 1
    arguments = arguments[first:]
    if not arguments:
        return
    program, rest = arguments[0].rsplit("/", 1)[-1], arguments[1:]
    yield from _outputs(program, rest)
    plain = _operands(program, rest)
    if program in ("cp", "mv", "install", "rsync", "scp", "ln") and len(plain) >= 2:
        *sources, target = plain
        yield from (Hit(path, "read", "shell.copy") for path in sources if _is_file(path) and ":" not in path)
        if (
            _is_file(target)
            and (looks_like_file(target) or (len(sources) == 1 and "." in target[1:]))
            and ":" not in target
        ):
            yield Hit(target, "write", "shell.copy")
    elif program in ("tee", "touch", "truncate"):
        yield from (Hit(path, "write", "shell.program") for path in plain if _is_file(path))
    elif program in READERS:
        yield from (Hit(path, "read", "shell.program") for path in plain if _is_file(path) and _readable(program, path))
    elif program in FILTERS:
        yield from _filter(program, rest, plain)
    elif program in RUNNERS and plain:
        if (
            "-m" not in rest
            and "-c" not in rest
            and looks_like_file(plain[1] if program == "streamlit" and len(plain) > 1 else plain[0])
        ):
            yield Hit(plain[1] if program == "streamlit" else plain[0], "read", "shell.run")
    elif program == "tar":
        yield from _tar(rest, plain)
    elif program in ("zip", "7z") and plain:
        names = plain[1:] if program == "7z" else plain
        yield from (Hit(path, "write", "shell.program") for path in names[:1] if _is_file(path))
        yield from (
            Hit(path, "read", "shell.program") for path in names[1:] if looks_like_file(path) and _is_file(path)
        )
    elif program in ("ffmpeg", "convert", "magick", "sox", "qpdf"):
        named = [path for path in plain if looks_like_file(path) and _is_file(path)]
        yield from (Hit(path, "read", "shell.program") for path in named[:-1])
        yield from (Hit(path, "write", "shell.program") for path in named[-1:] if len(named) > 1)
    elif program in COMPILERS:
        yield from (Hit(path, "read", "shell.program") for path in plain if _is_file(path) and looks_like_file(path))
    elif program in ("pip", "pip3", "conda", "uv"):
        yield from (
            Hit(path, "read", "shell.program")
            for option, path in pairwise(rest)
            if option in ("-r", "--requirement", "-f", "--file") and _is_file(path)
        )
    elif arguments[0].startswith("./") and looks_like_file(arguments[0]):
        yield Hit(arguments[0], "read", "shell.run")
    elif program not in OTHERS and WORD.search(program):
        yield from (Hit(path, "read", "shell.program") for path in plain if _is_file(path) and looks_like_file(path))


def _readable(program: str, path: str) -> bool:
    """Whether an operand of a reading program is a file: some also take names, numbers or folders."""
    if program in ("open", "xdg-open", "unzip", "file", "stat", "join", "code", "display", "column", "source", "."):
        return looks_like_file(path) or path.rsplit("/", 1)[-1].startswith(".")
    return not path.isdigit()


def _outputs(program: str, rest: list[str]) -> Iterator[Hit]:
    """The files named by a program's output options."""
    options = OUTPUT_OPTIONS.get(program, ())
    for index, word in enumerate(rest):
        for option in options:
            value = ""
            if word == option or (
                program in ("wget", "curl")
                and not word.startswith("--")
                and word[:1] == "-"
                and word.endswith(option[1:])
                and len(option) == 2
                and len(word) <= 5
            ):
                value = rest[index + 1] if index + 1 < len(rest) else ""
            elif word.startswith(option + "=") and option.startswith("--"):
                value = word[len(option) + 1 :]
            if value and _is_file(value) and "%(" not in value:
                yield Hit(
                    value,
                    "write",
                    "shell.download" if program in ("curl", "wget", "gdown", "aria2c") else "shell.program",
                )
                break


def _operands(program: str, rest: list[str]) -> list[str]:
    """The arguments that are neither options nor values of options."""
    found: list[str] = []
    skip = False
    for word in rest:
        if skip:
            skip = False
        elif word.startswith("-") and len(word) > 1:
            skip = word in VALUE_OPTIONS or word in OUTPUT_OPTIONS.get(program, ())
        else:
            found.append(word)
    return found


def _filter(program: str, rest: list[str], plain: list[str]) -> Iterator[Hit]:
    """The files of a program whose first operand is a pattern."""
    files = plain if "-e" in rest or "-f" in rest else plain[1:]
    in_place = program in ("sed", "perl") and any(word.startswith("-i") or word == "--in-place" for word in rest)
    for path in files:
        if _is_file(path) and ((program == "grep" and not path.endswith(".")) or looks_like_file(path)):
            yield Hit(path, "read", "shell.program")
            if in_place:
                yield Hit(path, "write", "shell.program")


def _tar(rest: list[str], plain: list[str]) -> Iterator[Hit]:
    """The archive that `tar` reads or writes, and the files that it packs."""
    flags = "".join(word for word in rest if word.startswith("-") and not word.startswith("--"))
    if rest and not rest[0].startswith("-"):
        flags += rest[0]
        plain = plain[1:]
    archive = next(
        (after for word, after in pairwise(rest) if word.strip("-").isalpha() and word.endswith("f")),
        "",
    )
    if not archive or not _is_file(archive):
        return
    creates = "c" in flags
    yield Hit(archive, "write" if creates else "read", "shell.program")
    if creates:
        yield from (Hit(path, "read", "shell.program") for path in plain if path != archive and looks_like_file(path))


SHELL: tuple[Extractor, ...] = (
    Extractor(
        name="shell.redirection",
        finds="files that a command's input or output is redirected to",
        text="shell",
        example="sort < names.txt > sorted.txt",
        found=(("read", "names.txt"), ("write", "sorted.txt")),
        function=command_files,
    ),
    Extractor(
        name="shell.download",
        finds="files that `curl`, `wget` and their kin save",
        text="shell",
        example="curl -sL https://example.org/a -o a.csv",
        found=(("write", "a.csv"),),
        function=command_files,
    ),
    Extractor(
        name="shell.copy",
        finds="files that are copied, moved or linked",
        text="shell",
        example="cp a.txt b.txt",
        found=(("read", "a.txt"), ("write", "b.txt")),
        function=command_files,
    ),
    Extractor(
        name="shell.program",
        finds="files that common programs are given: `cat`, `grep`, `tee`, `tar`, `unzip`, compilers",
        text="shell",
        example="cat a.txt | grep x | tee b.txt",
        found=(("read", "a.txt"), ("write", "b.txt")),
        function=command_files,
    ),
    Extractor(
        name="shell.run",
        finds="scripts that a shell runs",
        text="shell",
        example="python3 analyse.py --fast",
        found=(("read", "analyse.py"),),
        function=command_files,
    ),
)
