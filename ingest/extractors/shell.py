"""Files that shell commands read and write: redirections, downloads, copies, and the arguments of common programs."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence
from typing import Final

from ingest.extractors.blocks import sound
from ingest.extractors.model import Extractor, Hit
from ingest.extractors.options import is_file
from ingest.extractors.programs import ASSIGNMENT, PREFIXES, PYTHONS, SHELLS, program_files

# a count or a comparison, `((i < 3))`, nothing of which is a file
_ARITHMETIC: Final = r"\(\((?:[^()\n]|\([^()\n]*\))*\)\)"
# Python's `re`, which is quicker on many short tokens: no two alternatives start alike but for `$` and `(`, where the
# one that does not hold ends at the next bracket or line end, so it is linear here too.
# one token: comment, blank, line end, operator, or a word of quoted and plain parts; together they cover the whole text
TOKEN: Final = re.compile(
    r"(?ms)[ \t]+#[^\n]*|^#[^\n]*|(?:[ \t\r]|\\\n)+|\n|"
    + _ARITHMETIC
    + r"|&>>|&>|[0-9]?>>|[0-9]?>&[0-9]?|[0-9]?>\||[0-9]?>|<<<|<<-?|<\(|>\(|<|\|\||&&|;;|[|;&()]"
    r"|(?:'[^']*'|\"(?:[^\"\\]|\\.)*\"|\\.|\$\{[^}\s${]*\}|\$"
    + _ARITHMETIC
    + r"|\$\([^()]*\)|`[^`]*`|[^\s'\"\\;|&<>()`])+|."
)
OPERATORS: Final = frozenset("&>> &> >> >& >| > <<< << <<- <( >( < || && ;; | ; & ( )".split())
# what a token begins with that may be something else than a word
NO_WORD: Final = frozenset(" \t\r\n#\\&|;<>()0123456789")
PART: Final = re.compile(r"(?s)'([^']*)'|\"((?:[^\"\\]|\\.)*)\"|\\(.)|([^'\"\\]+)")
QUOTING: Final = re.compile(r"['\"\\$]")
VARIABLE: Final = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")
HERE_DOCUMENT: Final = (("operator", "<<"), ("operator", "<<-"))
ENDS: Final = frozenset(("|", "||", "&&", ";", "&", "(", ")", ";;", "<(", ">("))
# the option of a shell before a script, also with others: `-lc`
OF_SCRIPT: Final = re.compile(r"-[a-z]*c$")
# a command whose output is a part of a word
SUBSTITUTION: Final = re.compile(r"\$\(([^()]*)\)|(?<!\\)`([^`]*)`")
# what stands before the bracket that begins an array
ARRAY: Final = re.compile(r"[A-Za-z_]\w*\+?=$")
# characters and here documents of one script that are looked at
LIMIT: Final = 100_000
DOCUMENTS: Final = 50
BRACES: Final = re.compile(r"^([^{}]*)\{([^{}]+)\}([^{}]*)$")
RANGE: Final = re.compile(r"^(\d{1,4})\.\.(\d{1,4})$")
# values of a loop's variable that are followed
ROUNDS: Final = 32


def command_files(code: str) -> list[Hit]:
    """The files that a shell script reads and writes, in order; one pass over the text."""
    found: list[Hit] = []
    variables: dict[str, str] = {}
    loops: dict[str, list[str]] = {}
    substitutes = "$(" in code or "`" in code
    for words in commands(code):
        for kind, text in words if substitutes else ():
            if kind in ("word", "element") and ("$(" in text or "`" in text) and text[0] != "'":
                for pair in SUBSTITUTION.findall(text):
                    found.extend(command_files(pair[0] or pair[1]))
        first = 0
        while first < len(words) and words[first][0] == "word" and "=" in words[first][1]:
            match = ASSIGNMENT.match(words[first][1])
            if not match:
                break
            variables[match.group(1)] = expand(match.group(2), variables)
            first += 1
        words = words[first:]
        # an assignment of PowerShell's: `$path = "a.csv"`
        if words and words[0][1][:1] == "$":
            match = ASSIGNMENT.match("".join(text for _, text in words[:3])[1:]) if len(words) in (1, 3) else None
            if match:
                variables[match.group(1)] = expand(match.group(2), variables)
                continue
        if words and words[0][1] == "export":
            for _, word in words[1:]:
                match = ASSIGNMENT.match(word)
                if match:
                    variables[match.group(1)] = expand(match.group(2), variables)
            continue
        if len(words) > 3 and words[0][1] == "for" and words[2][1] == "in":
            values = [value for _, word in words[3:] for value in _braces(expand(word, variables))]
            variables[words[1][1]] = values[0] if len(values) == 1 else "$"
            loops[words[1][1]] = values if len(values) <= ROUNDS else []
            continue
        found.extend(_rounds(words, variables, loops))
    return list(dict.fromkeys(found))


def _rounds(words: list[tuple[str, str]], variables: dict[str, str], loops: dict[str, list[str]]) -> Iterator[Hit]:
    """The files of a command, for each value of the loop's variable that it uses."""
    used = {
        name
        for kind, text in words
        if loops and kind == "word" and "$" in text
        for pair in VARIABLE.findall(text)
        for name in pair
        if name in loops
    }
    name = used.pop() if len(used) == 1 else ""
    if len(loops.get(name, ())) < 2:
        yield from _command(words, variables)
        return
    before = variables[name]
    for value in loops[name]:
        variables[name] = value
        yield from _command(words, variables)
    variables[name] = before


def _braces(word: str) -> list[str]:
    """The words that a shell makes of one with `{a,b}` or `{1..3}` in it."""
    match = BRACES.match(word) if "{" in word else None
    if match is None:
        return [word]
    before, inside, after = match.groups()
    if bounds := RANGE.match(inside):
        low, high = map(int, bounds.groups())
        inner = [str(number) for number in range(low, min(high, low + ROUNDS) + 1)]
    else:
        inner = inside.split(",")[:ROUNDS]
    return [before + part + after for part in inner] if len(inner) > 1 else [word]


def argument_files(arguments: Sequence[str]) -> list[Hit]:
    """The files that one command reads and writes, given as a list of words."""
    script = _script(arguments)
    return command_files(script) if script else list(program_files(list(arguments)))


def _script(arguments: Sequence[str]) -> str:
    """The script that a shell is given as an argument: `bash -c 'sort a.txt > b.txt'`; '' where it is none."""
    if len(arguments) < 3:
        return ""
    program = arguments[0]
    if program in PREFIXES:
        program = next((word for word in arguments if word not in PREFIXES), "")
    if program.rsplit("/", 1)[-1] not in SHELLS:
        return ""
    option = next((index for index, word in enumerate(arguments) if OF_SCRIPT.match(word)), len(arguments))
    return arguments[option + 1] if option + 1 < len(arguments) else ""


def embedded(code: str) -> Iterator[tuple[str, str]]:
    """(language, code) of the programs inside a shell script: `python -c '..'` and here documents given to Python."""
    if ("-c" not in code and "<<" not in code) or not any(map(code.__contains__, PYTHONS)):
        return
    for words in commands(code):
        plain = [word for kind, word in words if kind == "word"]
        program = plain[0].rsplit("/", 1)[-1] if plain else ""
        if program not in PYTHONS:
            continue
        if "-c" in plain[:-1]:
            yield "python", expand(plain[plain.index("-c") + 1], {})
        for kind, body in words:
            if kind == "document" and (len(plain) == 1 or plain[1] == "-"):
                yield "python", body


def commands(code: str) -> Iterator[list[tuple[str, str]]]:
    """The simple commands of a script: lists of (kind, text).

    A kind is `word`, `operator`, `document` for a here document, or `element` for one of an array.
    """
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
    # what stands before on a line that has here documents, with the ends of its own
    waiting: list[tuple[list[tuple[str, str]], list[str]]] = []
    previous = ""
    # brackets that are open in an array
    depth = 0
    for match in TOKEN.finditer(code):
        token = match.group()
        if depth or (token == "(" and command and previous[-1:] == "=" and ARRAY.match(previous)):
            if not depth:
                command[-1] = ("word", previous + "$")  # no value that is known
            depth += (token == "(") - (token == ")")
            if token not in OPERATORS and not token.isspace() and token[0] not in " \t#":
                command.append(("element", token))
            previous = ""
            continue
        previous = token
        if token[0] not in NO_WORD:
            _add_word(command, terminators, token)
        elif token == "\n" and (terminators or waiting):
            position = match.end()
            for words, ends in [*waiting, (command, terminators)]:
                for terminator in ends:
                    body, position = _document(code, position, terminator)
                    words.append(("document", body))
                if words:
                    yield words
            return code[position:]
        elif token == "\n" or token in ENDS:
            if terminators or waiting:
                waiting.append((command, terminators))
                terminators = []
            elif command:
                yield command
            command = []
        elif token[0] in " \t\r#" or token.startswith(("\\\n", "((")):
            continue
        elif (
            token in OPERATORS or (token[-1] in ">&|" and token.lstrip("0123456789") in OPERATORS) or _duplicates(token)
        ):
            command.append(("operator", token))
        else:
            _add_word(command, terminators, token)
    for words, _ in [*waiting, (command, terminators)]:
        if words:
            yield words
    return ""


def _add_word(command: list[tuple[str, str]], terminators: list[str], word: str) -> None:
    """Add a word to a command, or to what ends its here documents where it stands behind the mark of one."""
    if command and command[-1] in HERE_DOCUMENT:
        terminators.append(expand(word, {}))
        command.pop()
    else:
        command.append(("word", word))


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
    if ("word", "[[") in words[:3]:
        return  # `<` compares here
    if len(words) > 2 and words[0][0] == words[1][0] == "operator":
        return  # one side of a merge, `<<<<<<< HEAD`, `>>>>>>> main`, or a prompt of Python, `>>> a`
    arguments: list[str] = []
    redirected: list[Hit] = []
    operator = ""
    fed: str | None = None
    for kind, text in words:
        if kind == "operator":
            operator = text
        elif kind == "word":
            word = expand(text, variables)
            if not operator:
                arguments.extend(_braces(word) if word == text else (word,))
            elif is_file(word):
                if operator == "<":
                    fed = ""
                    redirected.append(Hit(word, "read", "shell.redirection"))
                elif operator[-1] in ">|" or (operator.endswith(">&") and not word.isdigit()):
                    redirected.append(Hit(word, "write", "shell.redirection"))
            if operator == "<<<":
                fed = word
            operator = ""
        elif kind == "document":
            fed = text
    script = _script(arguments)
    yield from command_files(script) if script else program_files(arguments, fed)
    yield from redirected


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
