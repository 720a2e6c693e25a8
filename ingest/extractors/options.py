"""The arguments of a command: which are options, their values, or operands, and the files that options name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from ingest.extractors.model import Hit
from ingest.extractors.paths import OPERAND_EXTENSIONS, extension, is_local, looks_like_file

# options that take a path to be written, by program
OUTPUT_OPTIONS: Final = {
    **dict.fromkeys("gcc g++ cc c++ clang clang++ rustc gfortran go dot nasm ld as".split(), ("-o",)),
    **dict.fromkeys("curl pandoc sort yt-dlp youtube-dl http xsltproc".split(), ("-o", "--output")),
    "wget": ("-O", "--output-document", "-o", "--output-file", "-a", "--append-output"),
    "gdown": ("-O", "--output"),
    "aria2c": ("-o", "--out"),
    **dict.fromkeys("bowtie bowtie2 hisat2".split(), ("-S",)),
    "jupyter": ("--output",),
    "openssl": ("-out", "-keyout"),
    "inkscape": ("-o", "--export-filename"),
    "gs": ("-sOutputFile",),
    "obabel": ("-O",),
    "pytest": ("--html", "--json-report-file", "--report-log"),
}
# of these programs, those that download, and those whose short options stand together: `wget -qO a.txt`
DOWNLOADING: Final = frozenset("curl wget gdown aria2c".split())
BUNDLING: Final = frozenset(("curl", "wget"))
# those of any program
ANY_OUTPUT: Final = re.compile(r"-o|--?out(?:put)?(?:[-_]?(?:[Ff]ile|[Pp]ath|[Nn]ame))?")
# one that is as often followed by something else
MAYBE_OUTPUT: Final = "-w"
# programs that search, whose `-o` takes no value
SEARCHING: Final = re.compile(r"grep$|^(?:ag|ack|ugrep|pkill)$")
# programs whose `-o` is followed by a setting, a format or a folder
NO_OUTPUT: Final = frozenset("pytest redis-cli dotnet kustomize ssh sftp".split())
# options that tell where a log or a report goes, but those of scripts, which may as well analyse one
REPORT_OUTPUT: Final = re.compile(r"--(?:log-?file|junit-?xml)")
REPORT_BEGINNINGS: Final = frozenset(("--l", "--j"))
# options that take a path to be read, of programs that are not known
ANY_INPUT: Final = frozenset("-f -i -a -b -1 -2 -r -U -in -query --file --filename --input".split())
# those of known programs, whose values may have any name
INPUTS: Final = {"openssl": ("-in", "-inkey")}
# options whose value is no file argument of the command
VALUE_OPTIONS: Final = frozenset(
    "-n -c -d -k -f -t -e -m -C -A -B -H -X -u -p -s -w -b -S -T -F -v -U --header".split()
)
# more of them, by program
MORE_VALUES: Final = {
    **dict.fromkeys(("scp", "sftp"), ("-o", "-P")),
    "pytest": ("-o",),
    "redis-cli": ("-o",),
    "aws": tuple("--key --bucket --prefix --profile --region --query --endpoint-url --acl".split()),
    "gcloud": ("--zone", "--project", "--region"),
    "ffmpeg": tuple("-vf -af -filter_complex -filter:v -filter:a -lavfi -metadata -map -passlogfile".split()),
    **dict.fromkeys(
        ("huggingface-cli", "hf"),
        tuple("--local-dir --repo-type --revision --cache-dir --include --exclude --token".split()),
    ),
}
# those of `VALUE_OPTIONS` that take no value, by program
FLAGS: Final = {
    program: frozenset(options.split())
    for programs, options in {
        "grep egrep fgrep zgrep": "-n -c -H -s -w -b -F -v -T -U",
        "rg": "-n -c -H -s -w -b -F -v -p -u -S",
        "sort": "-u -n -c -f -b -s -d -m -C",
        "sed": "-n -s -u",
        "perl": "-n -p -c -w -s -t -T -u -v",
        "jq": "-c -n -e -s -S -C",
        "cat": "-n -e -t -b -s -v -A -u -T",
        "wc": "-c -w -m",
        "tail": "-f -F -v",
        "head": "-v",
        "uniq": "-c -d -u",
        "diff": "-u -w -b -B -c -e -n -p -s -t -d",
        "cut": "-s -n",
        "ls": "-t",
        "tar": "-c -v -k -p -t",
        "python python2 python3 ipython": "-B -u -s -v -d",
        "bash sh zsh": "-e -u -v -n",
        "gcc g++ cc c++ clang clang++": "-c -S -v -w -p",
        "pandoc": "-s -S -p -v",
        "gzip bzip2 xz gunzip bunzip2 unxz": "-k -c -d -f -n -t -v",
        "cp mv install scp": "-n -f -p -u -v -b -d -s",
        "ln": "-s -n -f -v -b",
        "rsync": "-u -n -c -H -p -t -v -b -d -S -X -A",
        "zip": "-u -m -d -T -v",
        "unzip": "-p -c -n -u -t -v",
        "base64": "-d -w",
        "md5sum sha1sum sha256sum sha512sum shasum": "-c -b -t",
        "less more": "-n -e -F -S -X",
        "column": "-t -e -n",
        "gofmt": "-w -s -d -e",
        "goimports": "-w -d -e",
        "prettier": "-w -c",
        "crontab": "-e",
        "od": "-c -b -d -s -v",
        "xxd": "-p -u -b",
        "hexdump": "-C -b -c -d -v -x",
        "gpg": "-c -d -e -s -a -b -v -n -k",
    }.items()
    for program in programs.split()
}
# programs that are told by `+` where to begin: `less +G a.log`, `tail +2 a.csv`
STARTING: Final = frozenset("less more tail head sort vim vi nvim view nano emacs".split())
NO_FLAGS: Final[frozenset[str]] = frozenset()
# a path on another host: `vm:~/b.txt`
REMOTE: Final = re.compile(r"[\w.@-]{2,}:")
# what a program fills in by itself in the name of its output: `slurm-%j.out`
TEMPLATE: Final = re.compile(r"%(?:\(|\d*[A-Za-z])")
# a setting: `cache_dir=.cache.d`
SETTING: Final = re.compile(r"[\w.-]+=")


class Command(NamedTuple):
    """A program with its arguments."""

    called: str
    """The program as the command spells it, maybe with its folder."""
    program: str
    rest: list[str]
    """All arguments."""
    operands: list[str]
    """Those that are neither options nor values of options."""
    fed: str | None
    """What is redirected to it; '' where that is not known, None for nothing."""


def is_file(word: str) -> bool:
    """Whether a word can be a local file: nothing in it is left for the shell to fill in."""
    return is_local(word) and "$" not in word and "`" not in word and not word.startswith(("&", "="))


def is_operand(word: str) -> bool:
    """Whether an operand of a program that is not known looks like a local file."""
    if not is_file(word) or (":" in word and REMOTE.match(word)):
        return False
    # two letters behind several dots are rather the end of a host's name: `ns1.example.in`
    suffix = extension(word)
    of_host = len(suffix) < 3 and "/" not in word and word.count(".") > 1
    return looks_like_file(word) or (suffix in OPERAND_EXTENSIONS and not of_host and " " not in word)


def _is_output(word: str) -> bool:
    """Whether the value of an output option is a file, whatever its extension: no format, setting or number."""
    if not is_file(word) or word.startswith("-") or SETTING.match(word) or TEMPLATE.search(word):
        return False
    if looks_like_file(word):
        return True
    if not extension(word) or any(mark in word for mark in " =,:;%{}()[]|"):
        return False
    return "/" in word or (word.count(".") == 1 and not word[0].isdigit())


def files(words: Iterable[str], operation: str, method: str = "shell.program") -> Iterator[Hit]:
    """The words that can be local files."""
    return (Hit(word, operation, method) for word in words if is_file(word))


def operands(program: str, rest: list[str]) -> list[str]:
    """The arguments that are neither options nor values of options."""
    found: list[str] = []
    skip = False
    for word in rest:
        if skip:
            skip = False
        elif word[:1] == "+" and program in STARTING:
            continue
        elif word.startswith("-") and len(word) > 1:
            skip = (
                word in OUTPUT_OPTIONS.get(program, ())
                or word in MORE_VALUES.get(program, ())
                or (word[:3] in REPORT_BEGINNINGS and REPORT_OUTPUT.fullmatch(word) is not None)
                or (word in VALUE_OPTIONS and word not in FLAGS.get(program, NO_FLAGS))
            )
        else:
            found.append(word)
    return found


def valued(rest: list[str]) -> Iterator[tuple[str, str]]:
    """Words with those behind them, and both sides of `--option=value`."""
    for word, after in pairwise([*rest, ""]):
        option, equal, value = word.partition("=")
        if equal and word[:2] == "--":
            yield option, value
        yield word, after


def outputs(program: str, rest: list[str]) -> Iterator[Hit]:
    """The files named by a program's output options."""
    known = OUTPUT_OPTIONS.get(program)
    if not known:
        return
    method = "shell.download" if program in DOWNLOADING else "shell.program"
    for word, after in pairwise([*rest, ""]):
        # short options that stand together, of which the last may be followed by a value
        bundle = program in BUNDLING and len(word) <= 5 and word[:1] == "-" and word[:2] != "--"
        for option in known:
            value = ""
            if word == option or (bundle and len(option) == 2 and word.endswith(option[1])):
                value = after
            elif len(option) > 2 and word.startswith(option + "="):
                value = word[len(option) + 1 :]
            if is_file(value) and not TEMPLATE.search(value):
                yield Hit(value, "write", method)
                break


def reports(rest: list[str]) -> Iterator[Hit]:
    """The logs and reports that options name."""
    for index, word in enumerate(rest, start=1):
        if word[:3] in REPORT_BEGINNINGS:
            option, equal, value = word.partition("=")
            path = value if equal else "".join(rest[index : index + 1])
            if REPORT_OUTPUT.fullmatch(option) and is_file(path) and looks_like_file(path):
                yield Hit(path, "write", "shell.program")


def given(program: str, rest: list[str]) -> Iterator[Hit]:
    """What the usual options of a program that is not known name."""
    known = program in OUTPUT_OPTIONS
    for option, path in valued(rest):
        if (option in ANY_INPUT and is_operand(path)) or (option in INPUTS.get(program, ()) and is_file(path)):
            yield Hit(path, "read", "shell.program")
        elif option == MAYBE_OUTPUT and not known and looks_like_file(path) and is_file(path):
            yield Hit(path, "write", "shell.program")
    if not known and program not in NO_OUTPUT and not SEARCHING.search(program):
        yield from made(rest)


def made(rest: list[str]) -> Iterator[Hit]:
    """What the usual options name that say where output goes."""
    for option, path in valued(rest):
        if option[:2] in ("-o", "--") and ANY_OUTPUT.fullmatch(option) and _is_output(path):
            yield Hit(path, "write", "shell.program")
