"""What common programs do with their arguments: which of them are files, and whether they are read or written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from ingest.extractors import consoles, powershell
from ingest.extractors.model import Hit
from ingest.extractors.options import (
    ANY_OUTPUT,
    FLAGS,
    MORE_VALUES,
    OUTPUT_OPTIONS,
    TEMPLATE,
    given,
    is_file,
    is_operand,
    made,
    operands,
    outputs,
    reports,
    valued,
)
from ingest.extractors.paths import extension, looks_like_file
from ingest.extractors.vocabulary import DOCUMENT_NAMES

ASSIGNMENT: Final = re.compile(r"(?s)^([A-Za-z_]\w*)=(.*)$")
PREFIXES: Final = frozenset(
    "sudo time nohup env exec command then do else if while until ! { $ npx bunx -y --yes".split()
)
# programs all of whose arguments that look like files are read
READERS: Final = frozenset(
    "cat head tail less more wc sort uniq cut nl tac rev od xxd hexdump strings file stat md5sum sha1sum"
    " sha256sum column paste"
    " join comm diff cmp unzip zcat gunzip bunzip2 unxz bzcat xzcat source . pdfinfo"
    " ffprobe exiftool"
    " csvcut csvlook csvstat open xdg-open display nano vim vi emacs code antiword catdoc pdfgrep readelf"
    " objdump ldd crontab"
    " soxi identify zipinfo ncdump h5dump base64 sha512sum shasum cksum fold expand shuf latexmk pdflatex"
    " xelatex".split()
)
# of these only the first operand is a file, the others are names inside of it or statements
FIRST_ONLY: Final = frozenset("unzip zipinfo".split())
# programs that are named after what they make of what: `wkhtmltopdf`, `svg2png`
CONVERTER: Final = re.compile(
    r"^[a-z]+(?:to|2)(?:pdf|ps|eps|html?|te?xt|md|markdown|rst|latex|docx?|xlsx?|csv|json|xml|ya?ml|png|jpe?g|svg|gif|wav|mp3)$"
)
# the option of `sed` and `perl` that changes files, also behind others: `-pi`
IN_PLACE: Final = re.compile(r"-[nErsplwu0]*i|--in-place")
WRITERS: Final = frozenset("tee touch truncate".split())
# programs whose first argument that is no option is a pattern or a program
FILTERS: Final = frozenset("grep egrep fgrep zgrep rg sed awk gawk perl jq".split())
# programs whose arguments are words, folders, packages or files that they neither read nor write
OTHERS: Final = frozenset(
    "echo printf ls rm mkdir rmdir chmod chown find git docker npm yarn pip pip3 conda uv apt apt-get brew cd"
    " export test ["
    " which kill ps exit return set unset alias read sleep date ping ssh basename dirname realpath readlink cargo"
    " make help man"
    " curl wget http yt-dlp youtube-dl aria2c gdown unlink shred dig host nslookup whois traceroute telnet nc"
    " ncat".split()
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
# words of an option of a script that names what it makes, or what is no file
RESULTS: Final = frozenset(
    "o w l out outfile output outputs save saved dest destination target export log logs logfile result results write"
    " report to plot plots fig figure dump name title checkpoint ckpt cache history metrics summary pred preds"
    " prediction predictions submission exclude ignore pattern host url domain".split()
)
# those of them whose value a script writes
MADE: Final = frozenset("save dest destination export report plot fig figure submission".split())
OPTION_WORD: Final = re.compile(r"[a-z0-9]+")
# options by which programs are given the files that they read, which are no operands of theirs
FILE_OPTIONS: Final = {
    **dict.fromkeys(("pip", "pip3"), frozenset("-r --requirement -c --constraint".split())),
    "uv": frozenset("-r --requirement --requirements -c --constraint --constraints -f --file".split()),
    "conda": frozenset("-f --file".split()),
    **dict.fromkeys(("make", "gmake"), frozenset("-f --file --makefile".split())),
    **dict.fromkeys(("docker", "podman"), frozenset("-f --file --env-file".split())),
}
DOCKER_COMMANDS: Final = frozenset("build buildx compose run create".split())
# programs that copy to and from a store in the cloud: `aws s3 cp`, `gsutil cp`
STORES: Final = frozenset(("aws", "gsutil"))
# and those that also copy from host to host, with the commands by which they do
CARRIERS: Final = frozenset(("gcloud", "rclone"))
COPYING: Final = frozenset("cp mv".split())
CARRYING: Final = COPYING | frozenset("scp copy copyto move moveto".split())
# commands that write a container or image into an archive, or read one
ARCHIVED: Final = {
    **dict.fromkeys(("save", "export"), ("write", ("-o", "--output"))),
    "load": ("read", ("-i", "--input")),
}
# subtitles among the filters of `ffmpeg`
SUBTITLES: Final = re.compile(r"(?:^|[,;\]])(?:subtitles|ass)=(?:f(?:ilename)?=)?'?([^':,;\[\]]{1,300})")
# programs that copy to and from a container: `docker cp web:/a.txt b.txt`
CONTAINERS: Final = frozenset("docker podman nerdctl kubectl oc".split())
# programs that change the files that they are given, and the options by which they do; '' where they always do
IN_PLACE_PROGRAMS: Final = {
    **dict.fromkeys("mogrify dos2unix unix2dos nbstripout jpegoptim optipng".split(), ("",)),
    **dict.fromkeys("autopep8 yapf autoflake clang-format".split(), ("-i", "--in-place")),
    "prettier": ("--write", "-w"),
    **dict.fromkeys("gofmt goimports".split(), ("-w",)),
    **dict.fromkeys("eslint stylelint standard".split(), ("--fix",)),
}
# modules of Python's that are programs of the same name
MODULES: Final = frozenset("pip pytest papermill autopep8 yapf autoflake".split())
# programs that make the last of several files of the others
LAST_WRITTEN: Final = frozenset(
    "ffmpeg convert magick montage sox qpdf ssconvert pdfunite papermill pdfcrop lame ebook-convert gdal_translate"
    " gdalwarp lessc objcopy".split()
)
# options of `curl` that send a file; some of them name it behind an `@`
SENDING: Final = frozenset("-d --data --data-binary --data-raw --data-ascii --json -F --form".split())
SENT: Final = SENDING | {"-T", "--upload-file"}
# all programs that are known by name
KNOWN: Final = frozenset().union(
    PREFIXES, READERS, WRITERS, FILTERS, OTHERS, RUNNERS, COMPILERS, OUTPUT_OPTIONS, FLAGS, FILE_OPTIONS, STORES,
    "cp mv install rsync scp tar dd tesseract 7z unrar zip ffmpeg convert magick montage sox qpdf ssconvert pytest"
    " cmake gpg openssl sqlite3".split(),
)  # fmt: skip


def is_known(program: str) -> bool:
    """Whether a word is the name of a known program."""
    return program in KNOWN or CONVERTER.search(program) is not None


def program_files(arguments: list[str], fed: str | None = None) -> Iterator[Hit]:
    """The files that a program's arguments name.

    Args:
        arguments: the words of the command, the program itself first among them.
        fed: what is redirected to it; '' where that is not known, None for nothing.
    """
    first = 0
    while first < len(arguments) and (arguments[first] in PREFIXES or ASSIGNMENT.match(arguments[first])):
        first += 1
    # an assignment of PowerShell's: `$rows = Import-Csv a.csv`
    if arguments[first + 1 : first + 2] == ["="] and arguments[first].startswith("$"):
        first += 2
    arguments = arguments[first:]
    if not arguments:
        return
    program, rest = arguments[0].rsplit("/", 1)[-1], arguments[1:]
    if program.lower() in powershell.COMMANDS:
        yield from powershell.command_files(program.lower(), rest)
        return
    yield from outputs(program, rest)
    if program not in RUNNERS and arguments[0][:2] != "./":
        yield from reports(rest)
    plain = operands(program, rest)
    copying = CARRYING if program in CARRIERS else COPYING
    carries = program in CARRIERS or program in STORES or program in CONTAINERS
    if carries and len(plain) > 2 and not copying.isdisjoint(plain[:2]):
        plain = plain[2:] if plain[1] in copying else plain[1:]
        program = "cp"
    if program in ("cp", "mv", "install", "rsync", "scp", "ln") and len(plain) >= 2:
        if program == "install" and "-d" in rest:
            return  # it makes folders
        *sources, target = plain
        if any(word in ("-r", "-R", "-a", "-rf", "-av", "--recursive", "--archive") for word in rest):
            sources = [path for path in sources if looks_like_file(path)]
        made = is_file(target) and (looks_like_file(target) or _is_copy(program, sources, target)) and ":" not in target
        for path in sources:
            # what is copied or moved and has no ending is rather a folder, unless it becomes a file
            named = made or program in ("ln", "install") or extension(path) or _is_bare_file(path)
            if named and is_file(path) and ":" not in path:
                yield Hit(path, "read", "shell.copy")
        if made:
            yield Hit(target, "write", "shell.copy")
    elif program in consoles.STATEMENTS:
        yield from consoles.console_files(program, rest, fed)
        if program in consoles.SERVERS:
            yield from _any(program, rest, plain)
    elif program in WRITERS:
        yield from (Hit(path, "write", "shell.program") for path in plain if is_file(path))
    elif program in READERS:
        plain = plain[:1] if program in FIRST_ONLY else plain
        yield from (Hit(path, "read", "shell.program") for path in plain if is_file(path) and _readable(program, path))
    elif program in FILTERS:
        yield from _filter(program, rest, plain)
    elif program in RUNNERS and plain:
        if rest[:1] == ["-m"] and not MODULES.isdisjoint(rest[1:2]):
            yield from program_files(rest[1:])
        elif rest[:2] == ["-m", "json.tool"]:
            yield from _converted(plain)
        elif "-m" in rest:
            yield from _any(program, rest, plain)
        elif "-c" not in rest[: rest.index(plain[0])]:
            script = plain[1] if program == "streamlit" and len(plain) > 1 else plain[0]
            if looks_like_file(script):
                yield Hit(script, "read", "shell.run")
                yield from _of_script(rest[rest.index(script) + 1 :])
    elif program == "tar":
        yield from _tar(rest, plain)
    elif program == "dd":
        yield from _assigned(rest)
    elif program in ("curl", "wget"):
        yield from _fetched(program, rest)
    elif program == "git" and plain[:1] in (["apply"], ["am"]):
        yield from (Hit(path, "read", "shell.program") for path in plain[1:] if is_file(path) and looks_like_file(path))
    elif program == "tesseract":
        yield from _recognised(plain)
    elif program in ("7z", "unrar") and plain[:1] not in (["a"], ["u"]):
        yield from (Hit(path, "read", "shell.program") for path in plain[1:2] if is_file(path))
    elif program in ("zip", "7z") and plain:
        names = plain[1:] if program == "7z" else plain
        yield from (Hit(path, "write", "shell.program") for path in names[:1] if is_file(path))
        yield from (Hit(path, "read", "shell.program") for path in names[1:] if looks_like_file(path) and is_file(path))
    elif program in IN_PLACE_PROGRAMS and _changes(program, rest):
        for path in filter(is_operand, plain):
            yield Hit(path, "read", "shell.program")
            yield Hit(path, "write", "shell.program")
    elif program in ("huggingface-cli", "hf", "kaggle") and "download" in plain[:2]:
        yield from _downloaded(rest, plain)
    elif program == "aws" and plain[:2] == ["s3api", "get-object"]:
        yield from (Hit(path, "write", "shell.download") for path in plain[2:3] if is_file(path))
    elif program in LAST_WRITTEN or CONVERTER.search(program):
        if program == "ffmpeg":
            filters = (word for option, word in pairwise(rest) if option in MORE_VALUES["ffmpeg"])
            shown = (path for word in filters for path in SUBTITLES.findall(word))
            yield from (Hit(path, "read", "shell.program") for path in shown if is_operand(path))
        if program == "papermill":
            plain = [path for path in plain if looks_like_file(path)]  # parameters stand behind them
        if len(plain) > 1 or CONVERTER.search(program):
            yield from _converted(plain)
    elif program in COMPILERS:
        yield from (Hit(path, "read", "shell.program") for path in plain if is_file(path) and looks_like_file(path))
    elif program in FILE_OPTIONS:
        yield from _optional(program, rest)
    elif arguments[0].startswith("./") and looks_like_file(arguments[0]):
        yield Hit(arguments[0], "read", "shell.run")
        yield from _of_script(rest)
    elif program not in OTHERS and WORD.search(program):
        yield from _any(program, rest, plain)


def _any(program: str, rest: list[str], plain: list[str]) -> Iterator[Hit]:
    """The files of a program that is not known: it reads them, but for those that an option says it writes."""
    named = list(given(program, rest))
    yield from named
    written = {hit.path for hit in named if hit.operation == "write"}
    # what is behind an output option is no input either where it is a template or a setting
    written.update(path for option, path in valued(rest) if option[:1] == "-" and ANY_OUTPUT.fullmatch(option))
    # a test is named behind the file that it stands in: `a.py::test_b`
    paths = [path.partition("::")[0] if "::" in path else path for path in plain]
    yield from (Hit(path, "read", "shell.program") for path in paths if path not in written and is_operand(path))


def _downloaded(rest: list[str], plain: list[str]) -> Iterator[Hit]:
    """The files that are named one by one, of a model's or data set's repository, in the folder that is given."""
    options = dict(valued(rest))
    if plain[0] == "download":
        folder = options.get("--local-dir", "")
        names = plain[2:] if folder else []  # else they go to the cache
    else:
        folder = options.get("-p", options.get("--path", ""))
        names = [options.get("-f", options.get("--file", ""))]
    folder = "" if folder == "." else folder.rstrip("/") + "/" if folder else ""
    yield from (
        Hit(folder + name, "write", "shell.download") for name in names if is_operand(name) and is_file(folder + name)
    )


def _changes(program: str, rest: list[str]) -> bool:
    """Whether a program changes the files that it is given here."""
    options = IN_PLACE_PROGRAMS[program]
    return "" in options or any(word in options for word in rest)


def _is_copy(program: str, sources: list[str], target: str) -> bool:
    """Whether one file goes to a name, not into a folder; folders are linked under their names as often as files."""
    if len(sources) != 1:
        return False
    same = target.rsplit("/", 1)[-1] == sources[0].rsplit("/", 1)[-1]
    return "." in target[1:] or (same and "/" in target and program != "ln")


def _is_bare_file(path: str) -> bool:
    """Whether a path without an ending is a file by its looks: `Makefile`, `LICENSE`, `.env`."""
    return looks_like_file(path) or path.rsplit("/", 1)[-1] in DOCUMENT_NAMES


def _converted(plain: list[str]) -> Iterator[Hit]:
    """The files of a program that makes the last of several of the others."""
    targets = plain[-1:] if len(plain) > 1 else []
    named = [path for path in plain if looks_like_file(path) and is_file(path)]
    yield from (Hit(path, "read", "shell.program") for path in named if path not in targets)
    yield from (Hit(path, "write", "shell.program") for path in targets if path in named)


def _optional(program: str, rest: list[str]) -> Iterator[Hit]:
    """The files of a program that reads only what its options name."""
    if program in ("docker", "podman") and DOCKER_COMMANDS.isdisjoint(rest[:2]):
        for operation, options in (ARCHIVED[word] for word in rest[:2] if word in ARCHIVED):
            named = (path for option, path in valued(rest) if option in options and is_file(path))
            yield from (Hit(path, operation, "shell.program") for path in named)
        return
    for option, path in valued(rest):
        if option in FILE_OPTIONS[program] and is_file(path):
            yield Hit(path, "read", "shell.program")
    if program == "uv" and "compile" in rest[:2]:
        yield from _any(program, rest, operands(program, rest))


def _readable(program: str, path: str) -> bool:
    """Whether an operand of a reading program is a file: some also take names, numbers or folders."""
    if program in ("open", "xdg-open", "unzip", "file", "stat", "join", "code", "display", "column", "source", "."):
        return looks_like_file(path) or path.rsplit("/", 1)[-1].startswith(".")
    return not path.isdigit() and ("=" not in path or looks_like_file(path))


def _filter(program: str, rest: list[str], plain: list[str]) -> Iterator[Hit]:
    """The files of a program whose first operand is a pattern."""
    in_place = program in ("sed", "perl") and any(IN_PLACE.match(word) for word in rest)
    if in_place and plain[:1] == [""]:
        plain = plain[1:]  # the ending of a copy that is not kept
    files = plain if any(word in ("-e", "-f") or word.startswith("--expression=") for word in rest) else plain[1:]
    for option, path in pairwise(rest):
        if option == "-f" and program != "perl" and is_file(path):
            yield Hit(path, "read", "shell.program")
    for path in files:
        certain = program in ("grep", "sed") or in_place
        if is_file(path) and ((certain and not path.endswith(".")) or looks_like_file(path)):
            yield Hit(path, "read", "shell.program")
            if in_place:
                yield Hit(path, "write", "shell.program")


def _recognised(plain: list[str]) -> Iterator[Hit]:
    """The picture that `tesseract` reads, and where its text goes: it adds the ending to that name."""
    for path in filter(is_file, plain[:1]):
        yield Hit(path, "read", "shell.program")
    for path in filter(is_file, plain[1:2]):
        if path != "stdout":
            yield Hit(path + ".txt", "write", "shell.program")


def _fetched(program: str, rest: list[str]) -> Iterator[Hit]:
    """The files that a download is named after, and those that are sent."""
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
            if path and is_file(path):
                yield Hit(path, "read", "shell.program")
    for word in rest if named_after else ():
        host, slash, place = word.partition("://")[2].partition("?")[0].rpartition("/")
        if host and slash and is_file(folder + place) and looks_like_file(place):
            yield Hit(folder + place, "write", "shell.download")


def _assigned(rest: list[str]) -> Iterator[Hit]:
    """The files of a program whose arguments are assignments, as those of `dd` are."""
    for word in rest:
        name, _, path = word.partition("=")
        if name in ("if", "of") and is_file(path):
            yield Hit(path, "read" if name == "if" else "write", "shell.program")


def _of_script(rest: list[str]) -> Iterator[Hit]:
    """The files that a script is given; it reads them but where an option or the last place may say otherwise."""
    yield from made(rest)
    paths: list[str] = []
    option = ""
    for word in rest:
        if word[:1] == "-":
            option, equal, value = word.partition("=")
            if equal and (operation := _of_option(option, value)):
                yield Hit(value, operation, "shell.program")
            option = "" if equal else option
            continue
        if option and (operation := _of_option(option, word)):
            yield Hit(word, operation, "shell.program")
        elif not option and " " not in word and is_file(word) and looks_like_file(word):
            paths.append(word)
        option = ""
    # of several the last may be where the result goes
    yield from (Hit(path, "read", "shell.program") for path in paths[: max(1, len(paths) - 1)])


def _of_option(option: str, value: str) -> str:
    """What a script does with the file that one of its options names, judged by the option's words; '' for no file, and
    where these don't tell."""
    if " " in value or not is_file(value) or not looks_like_file(value) or TEMPLATE.search(value):
        return ""
    words = OPTION_WORD.findall(option[:100].lower())
    if ANY_OUTPUT.fullmatch(option) or not MADE.isdisjoint(words):
        return "write"
    return "read" if RESULTS.isdisjoint(words) else ""


def _tar(rest: list[str], plain: list[str]) -> Iterator[Hit]:
    """The archive that `tar` reads or writes, and the files that it packs."""
    flags = "".join(word for word in rest if word.startswith("-") and not word.startswith("--"))
    if rest and not rest[0].startswith("-"):
        flags += rest[0]
        plain = plain[1:]
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
        yield from (Hit(path, "read", "shell.program") for path in plain if path != archive and looks_like_file(path))
