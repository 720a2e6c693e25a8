"""What programs do with their operands: which of them are files, and whether they are read or written.

A function for each family of programs, and one of its own name for a program that is like no other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final

from ingest.extractors import consoles
from ingest.extractors.model import Hit
from ingest.extractors.options import ANY_OUTPUT, MORE_VALUES, Command, files, given, is_file, is_operand, made, valued
from ingest.extractors.paths import extension, looks_like_file
from ingest.extractors.vocabulary import DOCUMENT_NAMES

Family = Callable[[Command], Iterator[Hit]]

# commands by which programs copy to and from a container or a store: `docker cp web:/a.txt b.txt`, `aws s3 cp`
COPYING: Final = frozenset(("cp", "mv"))
# and those of programs that also copy from host to host
CARRYING: Final = COPYING | frozenset("scp copy copyto move moveto".split())
# options by which whole folders are copied
RECURSIVE: Final = frozenset("-r -R -a -rf -av --recursive --archive".split())
# the option of `sed` and `perl` that changes files, also behind others: `-pi`
IN_PLACE: Final = re.compile(r"-[nErsplwu0]*i|--in-place")
# options of `curl` that send a file; some of them name it behind an `@`
SENDING: Final = frozenset("-d --data --data-binary --data-raw --data-ascii --json -F --form".split())
SENT: Final = SENDING | {"-T", "--upload-file"}
# commands of `docker` that read the files which options name
BUILDING: Final = frozenset("build buildx compose run create".split())
# and those that write a container or image into an archive, or read one
ARCHIVED: Final = {
    **dict.fromkeys(("save", "export"), ("write", ("-o", "--output"))),
    "load": ("read", ("-i", "--input")),
}
# operators of `cdo` that compare files
COMPARING: Final = frozenset("diff diffn diffv".split())
# options of `uv` that name lists of packages
LISTS: Final = tuple("-r --requirement --requirements -c --constraint --constraints -f --file".split())
# subtitles among the filters of `ffmpeg`
SUBTITLES: Final = re.compile(r"(?:^|[,;\]])(?:subtitles|ass)=(?:f(?:ilename)?=)?'?([^':,;\[\]]{1,300})")


def uses_none(command: Command) -> Iterator[Hit]:
    """Its arguments are words, folders, packages or files that it neither reads nor writes."""
    return iter(())


def uses_any(command: Command) -> Iterator[Hit]:
    """It is not known: it reads the files that it is given, but for those that an option says it writes."""
    named = list(given(command.program, command.rest))
    yield from named
    written = {hit.path for hit in named if hit.operation == "write"}
    # what is behind an output option is no input either where it is a template or a setting
    written.update(path for option, path in valued(command.rest) if option[:1] == "-" and ANY_OUTPUT.fullmatch(option))
    # a test is named behind the file that it stands in: `a.py::test_b`
    paths = [path.partition("::")[0] if "::" in path else path for path in command.operands]
    yield from (Hit(path, "read", "shell.program") for path in paths if path not in written and is_operand(path))


def writes(command: Command) -> Iterator[Hit]:
    """It writes all its operands."""
    return files(command.operands, "write")


def reads(command: Command) -> Iterator[Hit]:
    """It reads all its operands, but for numbers and settings."""
    paths = (path for path in command.operands if not path.isdigit() and ("=" not in path or looks_like_file(path)))
    return files(paths, "read")


def opens(command: Command) -> Iterator[Hit]:
    """It reads files, but also takes names, numbers or folders."""
    paths = (path for path in command.operands if looks_like_file(path) or path.rsplit("/", 1)[-1].startswith("."))
    return files(paths, "read")


def compiles(command: Command) -> Iterator[Hit]:
    """It reads the operands that look like files."""
    return files(filter(looks_like_file, command.operands), "read")


def only_first(command: Command, family: Family) -> Iterator[Hit]:
    """Only its first operand is a file, the others are names inside of it or statements."""
    return family(command._replace(operands=command.operands[:1]))


def reads_options(command: Command, options: tuple[str, ...]) -> Iterator[Hit]:
    """It reads only the files that some of its options name."""
    return files((path for option, path in valued(command.rest) if option in options), "read")


def filters(command: Command) -> Iterator[Hit]:
    """Its first operand is a pattern or a program, the others are files."""
    program, rest, paths = command.program, command.rest, command.operands
    in_place = program in ("sed", "perl") and any(IN_PLACE.match(word) for word in rest)
    if in_place and paths[:1] == [""]:
        paths = paths[1:]  # the ending of a copy that is not kept
    if not any(word in ("-e", "-f") or word.startswith("--expression=") for word in rest):
        paths = paths[1:]
    if program != "perl":
        yield from files((path for option, path in pairwise(rest) if option == "-f"), "read")
    certain = program in ("grep", "sed") or in_place
    for path in paths:
        if is_file(path) and ((certain and not path.endswith(".")) or looks_like_file(path)):
            yield Hit(path, "read", "shell.program")
            if in_place:
                yield Hit(path, "write", "shell.program")


def changes(command: Command, options: tuple[str, ...] = ()) -> Iterator[Hit]:
    """It changes the files that it is given: always, or if one of its options says so."""
    if options and not any(word in options for word in command.rest):
        yield from uses_any(command)
        return
    for path in filter(is_operand, command.operands):
        yield Hit(path, "read", "shell.program")
        yield Hit(path, "write", "shell.program")


def copies(command: Command) -> Iterator[Hit]:
    """It copies, moves or links its operands to the last of them."""
    program = command.program
    if len(command.operands) < 2:
        yield from uses_any(command)
        return
    if program == "install" and "-d" in command.rest:
        return  # it makes folders
    *sources, target = command.operands
    if not RECURSIVE.isdisjoint(command.rest):
        sources = [path for path in sources if looks_like_file(path)]
    made = is_file(target) and (looks_like_file(target) or _is_copy(program, sources, target)) and ":" not in target
    for path in sources:
        # what is copied or moved and has no ending is rather a folder, unless it becomes a file
        named = made or program in ("ln", "install") or extension(path) or _is_bare_file(path)
        if named and is_file(path) and ":" not in path:
            yield Hit(path, "read", "shell.copy")
    if made:
        yield Hit(target, "write", "shell.copy")


def _is_copy(program: str, sources: list[str], target: str) -> bool:
    """Whether one file goes to a name, not into a folder; folders are linked under their names as often as files."""
    if len(sources) != 1:
        return False
    same = target.rsplit("/", 1)[-1] == sources[0].rsplit("/", 1)[-1]
    return "." in target[1:] or (same and "/" in target and program != "ln")


def _is_bare_file(path: str) -> bool:
    """Whether a path without an ending is a file by its looks: `Makefile`, `LICENSE`, `.env`."""
    return looks_like_file(path) or path.rsplit("/", 1)[-1] in DOCUMENT_NAMES


def carries(command: Command, family: Family = uses_any, copying: frozenset[str] = COPYING) -> Iterator[Hit]:
    """It has commands that copy to and from another place; else it does as a family does."""
    words = command.operands
    if len(words) < 3 or copying.isdisjoint(words[:2]):
        return family(command)
    return copies(command._replace(operands=words[2:] if words[1] in copying else words[1:]))


def docker(command: Command) -> Iterator[Hit]:
    """It reads what options name, and keeps images in archives."""
    if not BUILDING.isdisjoint(command.rest[:2]):
        yield from reads_options(command, ("-f", "--file", "--env-file"))
        return
    for operation, options in (ARCHIVED[word] for word in command.rest[:2] if word in ARCHIVED):
        yield from files((path for option, path in valued(command.rest) if option in options), operation)


def converts(command: Command) -> Iterator[Hit]:
    """It makes the last of several operands of the others."""
    paths = command.operands
    targets = paths[-1:] if len(paths) > 1 else []
    named = [path for path in paths if looks_like_file(path) and is_file(path)]
    yield from (Hit(path, "read", "shell.program") for path in named if path not in targets)
    yield from (Hit(path, "write", "shell.program") for path in targets if path in named)


def converts_several(command: Command) -> Iterator[Hit]:
    """It converts where it is given several files, and else shows or changes one."""
    return converts(command) if len(command.operands) > 1 else iter(())


def derives(command: Command) -> Iterator[Hit]:
    """It makes the last of several files of the others, and only reads a single one, and those that it compares."""
    paths = list(filter(looks_like_file, command.operands))
    makes = len(paths) > 1 and COMPARING.isdisjoint(command.operands)
    return converts(command._replace(operands=paths)) if makes else files(paths, "read")


def layers(command: Command) -> Iterator[Hit]:
    """It makes the first of its files of the second."""
    paths = list(filter(looks_like_file, command.operands))
    return converts(command._replace(operands=[*paths[1:], *paths[:1]]))


def pdftk(command: Command) -> Iterator[Hit]:
    """It makes what stands behind `output` of what stands before."""
    words = command.operands
    place = words.index("output") if "output" in words else len(words)
    # a file may have a handle: `A=a.pdf`
    yield from compiles(command._replace(operands=[word.rpartition("=")[2] for word in words[:place]]))
    yield from files(words[place + 1 : place + 2], "write")


def ffmpeg(command: Command) -> Iterator[Hit]:
    """It also reads the subtitles that its filters name."""
    for option, word in pairwise(command.rest):
        if option in MORE_VALUES["ffmpeg"]:
            yield from (Hit(path, "read", "shell.program") for path in SUBTITLES.findall(word) if is_operand(path))
    yield from converts_several(command)


def papermill(command: Command) -> Iterator[Hit]:
    """It makes a notebook of another; parameters stand behind them."""
    return converts_several(command._replace(operands=list(filter(looks_like_file, command.operands))))


def tesseract(command: Command) -> Iterator[Hit]:
    """It reads a picture, and adds an ending to the name of the text that it writes."""
    yield from files(command.operands[:1], "read")
    for path in filter(is_file, command.operands[1:2]):
        if path != "stdout":
            yield Hit(path + ".txt", "write", "shell.program")


def queries(command: Command) -> Iterator[Hit]:
    """It runs SQL in a file's or a server's database."""
    yield from consoles.console_files(command.program, command.rest, command.fed)
    if command.program in consoles.SERVERS:
        yield from uses_any(command)


def git(command: Command) -> Iterator[Hit]:
    """It reads the patches that it applies, moves files, and packs them."""
    if command.operands[:1] == ["mv"]:
        yield from copies(command._replace(operands=command.operands[1:]))
    elif command.operands[:1] == ["archive"]:
        yield from made(command.rest)
    elif command.operands[:1] in (["apply"], ["am"]):
        yield from compiles(command._replace(operands=command.operands[1:]))


def dd(command: Command) -> Iterator[Hit]:
    """Its arguments are assignments."""
    for word in command.rest:
        name, _, path = word.partition("=")
        if name in ("if", "of") and is_file(path):
            yield Hit(path, "read" if name == "if" else "write", "shell.program")


def tar(command: Command) -> Iterator[Hit]:
    """It reads or writes an archive, and reads the files that it packs."""
    rest, paths = command.rest, command.operands
    flags = "".join(word for word in rest if word.startswith("-") and not word.startswith("--"))
    if rest and not rest[0].startswith("-"):
        flags += rest[0]
        paths = paths[1:]
    named = (word.partition("=")[2] for word in rest if word.startswith("--file="))
    short = (
        after
        for index, (word, after) in enumerate(pairwise(rest))
        # the first word needs no dash, and then its letters stand in any order
        if word.strip("-").isalpha() and (word.endswith("f") or (not index and word[0] != "-" and "f" in word))
    )
    archive = next(named, None) or next(short, "")
    if not archive or not is_file(archive):
        return
    creates = "c" in flags or "--create" in rest
    yield Hit(archive, "write" if creates else "read", "shell.program")
    if creates:
        yield from (Hit(path, "read", "shell.program") for path in paths if path != archive and looks_like_file(path))


def packs(command: Command) -> Iterator[Hit]:
    """It writes an archive, its first operand, of the others."""
    yield from files(command.operands[:1], "write")
    yield from files(filter(looks_like_file, command.operands[1:]), "read")


def zips(command: Command) -> Iterator[Hit]:
    """It packs where it is given an archive."""
    return packs(command) if command.operands else uses_any(command)


def unpacks(command: Command) -> Iterator[Hit]:
    """It reads the archive behind its command; `7z` also packs one."""
    if command.operands[:1] not in (["a"], ["u"]):
        return files(command.operands[1:2], "read")
    return packs(command._replace(operands=command.operands[1:])) if command.program == "7z" else uses_any(command)


def fetches(command: Command) -> Iterator[Hit]:
    """It names what it saves after the address, and sends files."""
    program, rest = command.program, command.rest
    named_after = program == "wget"
    folder = ""
    for option, value in pairwise([*rest, ""]):
        short = option[:1] == "-" and option[1:2] != "-"
        if program == "curl" and (option == "--remote-name" or (short and "O" in option)):
            named_after = True
        elif option.startswith(("--output-document", "--spider")) or (short and option.rstrip("-").endswith("O")):
            named_after = False
        elif program == "wget" and option == "-P":
            folder = value.rstrip("/") + "/"
        elif option in SENT or (program, option) == ("wget", "-i"):
            path = value.partition("@")[2].partition(";")[0] if option in SENDING else value
            if is_file(path):
                yield Hit(path, "read", "shell.program")
    for word in rest if named_after else ():
        host, slash, place = word.partition("://")[2].partition("?")[0].rpartition("/")
        if host and slash and is_file(folder + place) and looks_like_file(place):
            yield Hit(folder + place, "write", "shell.download")


def downloads(command: Command) -> Iterator[Hit]:
    """It downloads the files that are named of a model's or data set's repository into the folder that is given."""
    words = command.operands
    if "download" not in words[:2]:
        yield from uses_any(command)
        return
    options = dict(valued(command.rest))
    if words[0] == "download":
        folder = options.get("--local-dir", "")
        names = words[2:] if folder else []  # else they go to the cache
    else:
        folder = options.get("-p", options.get("--path", ""))
        names = [options.get("-f", options.get("--file", ""))]
    folder = "" if folder == "." else folder.rstrip("/") + "/" if folder else ""
    yield from files((folder + name for name in names if is_operand(name)), "write", "shell.download")


def aws(command: Command) -> Iterator[Hit]:
    """It writes what it gets from a store."""
    if command.operands[:2] == ["s3api", "get-object"]:
        return files(command.operands[2:3], "write", "shell.download")
    return uses_any(command)


def uv(command: Command) -> Iterator[Hit]:
    """It reads lists of packages, and may make one of another."""
    yield from reads_options(command, LISTS)
    if "compile" in command.rest[:2]:
        yield from uses_any(command)
