"""Programs of a shell, what each does with its operands, and so which files a command reads and writes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Final

from ingest.extractors import families, powershell
from ingest.extractors.families import Family
from ingest.extractors.model import Hit
from ingest.extractors.options import (
    ANY_OUTPUT,
    FLAGS,
    OUTPUT_OPTIONS,
    TEMPLATE,
    Command,
    is_file,
    made,
    operands,
    outputs,
    reports,
)
from ingest.extractors.paths import looks_like_file

ASSIGNMENT: Final = re.compile(r"(?s)^([A-Za-z_]\w*)=(.*)$")
PREFIXES: Final = frozenset(
    "sudo time nohup env exec command then do else if while until ! { $ npx bunx -y --yes".split()
)
WORD: Final = re.compile(r"^[a-z][a-z0-9_.+-]*$")
# programs that are named after what they make of what: `wkhtmltopdf`, `svg2png`
CONVERTER: Final = re.compile(
    r"^[a-z]+(?:to|2)(?:pdf|ps|eps|html?|te?xt|md|markdown|rst|latex|docx?|xlsx?|csv|json|xml|ya?ml|png|jpe?g|svg|gif|wav|mp3)$"
)
# programs that run a script
PYTHONS: Final = frozenset("python python3 python2 ipython pypy pypy3 streamlit".split())
SHELLS: Final = frozenset("bash sh zsh".split())
RUNNERS: Final = PYTHONS | SHELLS | frozenset("node Rscript ruby julia php java perl deno ts-node".split())
# modules of Python's that are programs of the same name
MODULES: Final = frozenset("pip pytest papermill autopep8 yapf autoflake".split())
# words of an option of a script that names what it makes, or what is no file
RESULTS: Final = frozenset(
    "o w l out outfile output outputs save saved dest destination target export log logs logfile result results write"
    " report to plot plots fig figure dump name title checkpoint ckpt cache history metrics summary pred preds"
    " prediction predictions submission exclude ignore pattern host url domain".split()
)
# those of them whose value a script writes
MADE: Final = frozenset("save dest destination export report plot fig figure submission".split())
OPTION_WORD: Final = re.compile(r"[a-z0-9]+")


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
    if first >= len(arguments):
        return
    called, rest = arguments[first], arguments[first + 1 :]
    program = called.rsplit("/", 1)[-1]
    if program.lower() in powershell.COMMANDS:
        yield from powershell.command_files(program.lower(), rest)
        return
    yield from outputs(program, rest)
    if program not in RUNNERS and called[:2] != "./":
        yield from reports(rest)
    family = PROGRAMS.get(program) or (families.converts if CONVERTER.search(program) else _otherwise)
    yield from family(Command(called, program, rest, operands(program, rest), fed))


def is_known(program: str) -> bool:
    """Whether a word is the name of a known program."""
    return program in KNOWN or CONVERTER.search(program) is not None


def _runs(command: Command) -> Iterator[Hit]:
    """It runs a script, or a module, which may be a program."""
    program, rest, words = command.program, command.rest, command.operands
    if not words:
        yield from _otherwise(command)
    elif rest[:1] == ["-m"] and not MODULES.isdisjoint(rest[1:2]):
        yield from program_files(rest[1:])
    elif rest[:2] == ["-m", "json.tool"]:
        yield from families.converts(command)
    elif "-m" in rest:
        yield from families.uses_any(command)
    elif "-c" not in rest[: rest.index(words[0])]:
        script = words[1] if program == "streamlit" and len(words) > 1 else words[0]
        if looks_like_file(script):
            yield Hit(script, "read", "shell.run")
            yield from _of_script(rest[rest.index(script) + 1 :])


def _otherwise(command: Command) -> Iterator[Hit]:
    """It is a script itself, or a program that is not known."""
    if command.called.startswith("./") and looks_like_file(command.called):
        yield Hit(command.called, "read", "shell.run")
        yield from _of_script(command.rest)
    elif WORD.search(command.program):
        yield from families.uses_any(command)


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


def _table(*rows: tuple[Family, str]) -> dict[str, Family]:
    """Each program with its family; a later row wins."""
    return {program: family for family, programs in rows for program in programs.split()}


# what programs do whose names tell a command from a title
COMMON: Final = _table(
    (_runs, " ".join(RUNNERS)),
    (
        families.reads,
        "cat head tail less more wc sort uniq cut nl tac rev od xxd hexdump strings md5sum sha1sum sha256sum paste"
        " comm diff cmp zcat gunzip bunzip2 unxz bzcat xzcat pdfinfo ffprobe exiftool csvcut csvlook csvstat nano"
        " vim vi emacs antiword catdoc pdfgrep readelf objdump ldd crontab soxi identify ncdump h5dump base64"
        " sha512sum shasum cksum fold expand shuf latexmk pdflatex xelatex",
    ),
    (families.opens, "open xdg-open file stat join code display column source ."),
    (partial(families.only_first, family=families.opens), "unzip"),
    (partial(families.only_first, family=families.reads), "zipinfo"),
    (families.writes, "tee touch truncate"),
    # `perl` runs scripts, but most often a line of its own
    (families.filters, "grep egrep fgrep zgrep rg sed awk gawk perl jq"),
    (families.compiles, "gzip bzip2 xz gcc g++ cc c++ clang clang++ rustc gfortran pandoc ld as go javac nasm"),
    (families.converts_several, "convert magick montage sox qpdf ssconvert"),
    (families.ffmpeg, "ffmpeg"),
    (families.tesseract, "tesseract"),
    (families.copies, "cp mv install rsync scp ln"),
    (partial(families.carries, family=families.aws), "aws"),
    (families.carries, "gsutil"),
    (partial(families.carries, family=families.docker), "docker podman"),
    (families.tar, "tar"),
    (families.zips, "zip"),
    (families.unpacks, "7z unrar"),
    (families.dd, "dd"),
    (families.fetches, "curl wget"),
    (families.git, "git"),
    (families.queries, "sqlite3"),
    (families.uv, "uv"),
    (partial(families.reads_options, options=("-r", "--requirement", "-c", "--constraint")), "pip pip3"),
    (partial(families.reads_options, options=("-f", "--file")), "conda"),
    (partial(families.reads_options, options=("-i",)), "ssh ssh-copy-id"),
    (partial(families.reads_options, options=("-f", "--file", "--makefile")), "make gmake"),
    (
        families.uses_none,
        "echo printf ls rm mkdir rmdir chmod chown find npm yarn apt apt-get brew cd export test [ which kill ps"
        " exit return set unset alias read sleep date ping basename dirname realpath readlink cargo help man"
        " http yt-dlp youtube-dl aria2c gdown unlink shred dig host nslookup whois traceroute telnet nc ncat",
    ),
)
# and what all of them do
PROGRAMS: Final = COMMON | _table(
    (families.changes, "mogrify dos2unix unix2dos nbstripout jpegoptim optipng"),
    (partial(families.changes, options=("-i", "--in-place")), "autopep8 yapf autoflake clang-format"),
    (partial(families.changes, options=("--write", "-w")), "prettier"),
    (partial(families.changes, options=("-w",)), "gofmt goimports"),
    (partial(families.changes, options=("--inplace",)), "jupyter jupyter-nbconvert"),
    (partial(families.changes, options=("--fix",)), "eslint stylelint standard"),
    (families.converts_several, "pdfunite pdfcrop lame ebook-convert gdal_translate gdalwarp lessc objcopy"),
    (families.papermill, "papermill"),
    (families.derives, "composite sass cdo nccopy ncks ncrcat ncra ncea ncwa gdaldem pdfseparate"),
    (families.layers, "ogr2ogr"),
    (families.pdftk, "pdftk"),
    (families.carries, "nerdctl kubectl oc"),
    (partial(families.carries, copying=families.CARRYING), "gcloud rclone"),
    (families.downloads, "huggingface-cli hf kaggle"),
    (families.queries, "duckdb psql mysql mariadb"),
)
# names of programs, also of those that have options only
KNOWN: Final = frozenset((*PREFIXES, *COMMON, *OUTPUT_OPTIONS, *FLAGS, "cmake"))
