"""Whether a name in prose that ends like a file is a local file: not a page, a library, an attribute or a product."""

from __future__ import annotations

import re
from typing import Final

from ingest.extractors import cjk
from ingest.extractors.beside import NEXT, OPTION, is_among_files, is_beside_file, is_key
from ingest.extractors.paths import (
    DATASET_EXTENSIONS,
    HOST,
    ROOTED_EXTENSIONS,
    STORED_EXTENSIONS,
    WEAK_EXTENSIONS,
    extension,
    has_known_ending,
    is_local,
    is_only_ending,
)
from ingest.extractors.said import MADE_BEFORE, WRITTEN_AFTER, WRITTEN_TO, sentence, written
from ingest.extractors.spans import HASHED, LINE_ENDS, is_listed, is_tagged
from ingest.extractors.vocabulary import (
    ALONE,
    ALSO_ATTRIBUTES,
    ATTRIBUTES,
    BEHIND,
    CLASSED,
    COMPRESSED,
    DATA,
    DISTRIBUTIONS,
    FIELDS,
    FOLDER_ENDINGS,
    HOLDERS,
    KINDS,
    LIBRARY_NAMES,
    LOGGED,
    MODULES,
    NAMED_SO,
    NAMESAKES,
    NAMESPACED,
    NO_ATTRIBUTES,
    NO_MEMBERS,
    OBJECTS,
    PACKAGED,
    PACKAGES,
    PAGE_KINDS,
    PAGE_LIBRARIES,
    PRODUCTS,
    PROGRAMS,
    ROOTS,
    RUN,
    SCRIPTS,
    SHINY,
    SOURCES,
    STORED_NAMES,
    STYLED,
    TABLES,
    TREE,
    USUAL,
)
from ingest.extractors.web import is_of_the_web

# a command up to the source file that it compiles or runs: `gcc -O2 main.c`, `node build.mjs`
COMMAND: Final = re.compile(
    r"(?:^|[\s`'\"(])(?:gcc|g\+\+|cc|clang|clang\+\+|rustc|node|deno|deno run|bun|bun run|ts-node|tsx|perl|ruby|php"
    r"|Rscript|go run|go build)(?:[ \t]+(?:-[\w=+.-]+|-o[ \t]+[\w./-]+|[\w./-]+\.\w{1,3})){0,6}[ \t]+$"
)
FILE_AFTER: Final = re.compile(r"(?i)^[`'\"]?[ \t]+file\b")
PROGRAM_AFTER: Final = re.compile(r"(?i)^[ \t]+(?:file|program|script|header|source)\b")
PROGRAM_BEFORE: Final = re.compile(r"(?i)\b(?:run(?:s|ning)?|execut(?:e|es|ed|ing)|header|program|source)[ \t]+$")
# how git tells what changed in a file, and what stands before the name at the start of that line
CHANGED: Final = re.compile(r" +\| +(?:\d+ ?[+-]*|Bin \d+ -> \d+ bytes|Bin)[ \t]*(?:$|[\r\n])")
STARTS: Final = re.compile(r"(?:^|\n)[ \t]*$")
# the two ends of a heading that is a name, `### main.c`, of a line with a colon, and a place in a program
HEADING: Final = re.compile(r"(?:^|\n)#{1,6}[ \t]+(?:\d{1,2}[.)][ \t]+)?(?:[Ff]ile:?[ \t]+)?[*_]{0,2}$")
HEADING_END: Final = re.compile(r"[*_]{0,2}:?[ \t]*(?:\([^()\n]{1,60}\)[ \t]*)?(?:$|[\r\n])")
PLACE_AFTER: Final = re.compile(r"(?:,| at| on| in)? lines? \d")
# what `du` says before a name
SIZED: Final = re.compile(r"(?:^|\n)\d[\d.]*[KMGT]?\t$")
# the name of a class, one of two words or more, and that of a hook
CLASS: Final = re.compile(r"[A-Z][a-z]\w*")
WORDS: Final = re.compile(r"(?:[A-Z][a-z0-9]+){2,}")
HOOK: Final = re.compile(r"use[A-Z]\w+")
# what stands right before the name of a file, whatever its extension
OPENED: Final = re.compile(
    r"(?i)\b(?:read(?:s|ing)?|load(?:s|ed|ing)?|open(?:s|ed|ing)?|pars(?:es?|ed|ing)|edit(?:s|ed|ing)?|files?|scripts?"
    r"|databases?|connect(?:s|ed|ing)?[ \t]+to|compil(?:es?|ed|ing))[ \t]+(?:(?:in|from|the|file)[ \t]+){0,3}$"
)
# and what stands before one in quotes that no attribute has
CONVERTED: Final = re.compile(r"(?i)\b(?:convert|import|export|send|attach|upload)(?:s|ed|ing)?[ \t]+['\"]$")
# the collection of the University of California, Irvine, whose files are `iris.data` and `iris.names`
UCI: Final = re.compile(r"\bUCI\b|\bics\.uci\.edu\b|machine-learning-databases")
OPENED_NEAR: Final = re.compile(
    r"(?i)\b(?:read|load|open|pars|download|sav|import)(?:e|s|ed|ing|d)?[ \t]+(?:(?:in|from|the|as|to)[ \t]+){0,3}$"
)
CALLED_FILE: Final = re.compile(r"(?i)\bfiles?(?:[ \t]+(?:named|called))?[ \t]+$")
# extensions that are spelt with a capital
CAPITALISED: Final = frozenset(("rmd", "rds"))
# words beside the names of what programs store
_STORING: Final = r"(?:files?|weights|checkpoints?|saved?|stored?|load(?:ed|ing)?|download(?:ed)?)\b"
STORING: Final = re.compile(r"(?i)\b" + _STORING)
STORING_AFTER: Final = re.compile(r"(?i)^[`'\"*]{0,3}[ \t]+(?:\w+[ \t]+){0,2}" + _STORING)
# what stands before an extension and makes one with it: `.ome.tiff`, `.d.ts`
BEFORE_ENDINGS: Final = (".ome", ".d", ".min")
# how brackets or the cell of a table begin and end around a name
CELL: Final = re.compile(r"(?:\|[ \t]*|\((?:from |in |see )?)`?$")
CELL_END: Final = re.compile(r"`?(?:[ \t]*\||\))")
# what stands before the first word of an item
ITEM: Final = re.compile(r"(?:^|\n)[ \t]*(?:[-*+\u2022\u2023\u25e6]|\d{1,3}[.)])[ \t]+$")
# what stands before and behind a name that is a folder's
FOLDER_CALLED: Final = re.compile(r"(?i)\b(?:director(?:y|ies)|folders?)[ \t]+(?:named|called)[ \t]+[`'\"]?$")
FOLDER_BEFORE: Final = re.compile(r"(?i)\b(?<!file or )(?:directory|folder)[ \t]+[`'\"]?$")
FOLDER_AFTER: Final = re.compile(r"(?i)^[`'\"]?[ \t]+(?:directory|folder)\b")
REFUSED: Final = tuple(f"Permission denied: {quote}" for quote in "'\"`")
LIBRARIES: Final = ("site-packages/", "dist-packages/", "/lib/python", "<frozen", "/usr/include/")
# a stem that no attribute has: `slurm-123456`; and the weak endings that hosts have as well
NUMBERED: Final = re.compile(r"[A-Za-z]\w+-\d{2,}")
HOSTS: Final = frozenset("rs pl ml so pub cat top gp ps lp sv as m".split())
# initials, a degree, or an hour of the day: `J.R.R.`, `Ph.D.`, 10 `a.m.`
INITIALS: Final = re.compile(r"(?:[A-Z][a-z]?\.)+[A-Z]$|(?i:[ap]\.m)$")
# and single letters behind a slash: chi2/`d.o.f`
LETTERS: Final = re.compile(r"[a-z](?:\.[a-z])+")
# what an installer of packages fetches, and what it says of that
PACKAGE: Final = re.compile(r"[\w.]+-\d[\w.+-]*\.(?:whl|zip|tar\.gz|tar\.bz2)$")
FETCHING: Final = ("Downloading ", "Using cached ", "filename=")
REQUIRED: Final = ("Collecting ", "Requirement already satisfied: ", "Uninstalling ")
FETCHED: Final = re.compile(r"^ (?:\(\d[\d.]* ?[kM]?B\)|size=\d)")
# a folder whose name ends with a dot: `a.m./p.m`
DOTTED_FOLDER: Final = re.compile(r"[^./]\./")
# the identifier of a document
IDENTIFIER: Final = re.compile(r"10\.\d{4,9}/")
# a place in the source of a library, as its log names it
LOG_PLACE: Final = re.compile(r"^:\d+[\]:)]")
# a place in a program, as compilers name it; without a column that is also what libraries log of themselves
COMPILED: Final = re.compile(r"^:\d+:\d+:?(?=[.,;)]*(?:\s|$))")
# the same as compilers of TypeScript, C# and Windows name it: `src/a.ts(14,7): error TS2322`
DIAGNOSED: Final = re.compile(r"\(\d{1,7}(?:,\d{1,7}){0,3}\)[ ]?:[ ](?:fatal error|error|warning|note|info|message)\b")
COMPILED_LINE: Final = re.compile(r"^:\d+:[ \t]*(?:fatal error|error|warning|note|undefined reference)\b")


def is_plausible(path: str, before: str, after: str, quoted: bool) -> bool:
    """Whether a word with a known extension is a local file, judged by itself and what stands around it."""
    suffix = extension(path)
    if (
        not suffix
        or not is_local(path)
        or (not path.isascii() and HOST.match(path))
        or "..." in path
        or ("./" in path and DOTTED_FOLDER.search(path))
    ):
        return False
    if is_of_the_web(path, suffix, before, after) or _of_a_library(path, suffix, before, after):
        return False
    near = before[-30:]
    behind = "older" in near or "irector" in near
    if (behind or (suffix in FOLDER_ENDINGS and "/" in path)) and _is_folder(path, suffix, before, after):
        return False
    if "yyyy" in path.lower():
        return False  # a date to fill in
    if suffix == "d" and before.endswith("-> "):
        return False  # a link to a folder
    if path.startswith("10.") and IDENTIFIER.match(path):
        return False
    stem = path.rsplit("/", 1)[-1][: -len(suffix) - 1]
    if path[0] == "." and (stem in BEFORE_ENDINGS or (suffix in COMPRESSED and is_only_ending(stem))):
        return False  # a kind of file: `.tar.gz`
    if suffix in ROOTED_EXTENSIONS and not path.lower().startswith(("~/", "./", "../", *ROOTS)):
        return False
    if suffix in WEAK_EXTENSIONS and stem.replace(".", "").isdigit() and "." in stem:
        return False  # a version
    if len(suffix) == 1 and LETTERS.fullmatch(stem):
        return False
    if suffix == "sh" and len(stem) == 6 and stem.isdigit() and path.endswith("SH"):
        return False  # a share at the exchange of Shanghai
    if len(suffix) > 1 and path.endswith(suffix.title()) and suffix not in CAPITALISED:
        # a class, `threading.Lock`, or the next sentence, where no blank parts them: `the day.So`
        if stem.islower() or suffix in WEAK_EXTENSIONS:
            return False
        # a namespace or an abbreviation
        if suffix in NAMESPACED and not quoted and "/" not in path and not _is_said(before, after):
            return False
    if suffix in DATASET_EXTENSIONS and "/" in path and _has_holder(path):
        return False  # `request.data/response.data`
    if "/" not in path and _is_attribute(stem, suffix, before, after, quoted):
        return False
    if "/" not in path:
        if suffix in WEAK_EXTENSIONS and not _is_told(path, suffix, before, after, quoted):
            return False
        if suffix in DATASET_EXTENSIONS and not _is_dataset(stem, suffix, before, after, quoted):
            return False
        if suffix in STORED_EXTENSIONS and (stem in OBJECTS or not _is_stored(stem, before, after, quoted)):
            return False
    return stem.isalnum() or any(map(str.isalnum, stem))


def _is_said(before: str, after: str) -> bool:
    """Whether words of opening or writing, or the word file, stand right beside a name."""
    return bool(
        OPENED.search(before[-40:].rstrip("`'\""))
        or written(sentence(before))
        or WRITTEN_AFTER.match(after)
        or FILE_AFTER.match(after)
        or cjk.FILE_BEFORE.search(before[-12:])
        or cjk.FILE_AFTER.match(after)
    )


def _is_told(path: str, suffix: str, before: str, after: str, quoted: bool) -> bool:
    """Whether the text around a name says that it is a file, although its extension may be something else."""
    if INITIALS.match(path):
        return False
    stem = path[: -len(suffix) - 1]
    if suffix not in USUAL and suffix not in PROGRAMS and is_key(sentence(before[-160:]), after):
        return False
    if quoted and not (suffix in ALSO_ATTRIBUTES and stem.replace(".", "").isalpha() and not has_known_ending(stem)):
        return True
    if suffix not in ALSO_ATTRIBUTES and suffix not in SCRIPTS and _is_between(stem, suffix, before, after):
        return True
    if suffix in ("a", "so") and stem.startswith("lib"):
        return True
    if suffix == "r" and path.endswith("R") and _is_script_of_r(stem):
        return True
    return bool(
        _is_usual(stem, suffix, before, after)
        or before.endswith(TREE)
        or is_tagged(before)
        or (before.endswith("  ") and HASHED.search(before[-140:]))
        or written(sentence(before))
        or WRITTEN_AFTER.match(after)
        or OPENED.search(before[-40:].rstrip("`'\""))
        or (quoted and CONVERTED.search(before[-20:]))
        or (suffix in RUN and COMMAND.search(before[-80:]))
        or (suffix in PROGRAMS and (PROGRAM_BEFORE.search(before[-20:]) or PROGRAM_AFTER.match(after)))
        or (suffix in RUN and not stem.isdigit() and is_listed(before, after))
        or (" | " in after[:60] and CHANGED.match(after) and STARTS.search(before[-20:]))
        or (before[-1:] == "\t" and SIZED.search(before[-20:]))
        or _is_compiled(path, after)
        or (suffix in PROGRAMS and suffix != "js" and _is_placed(before, after))
        or (suffix in "ch" and stem.isidentifier() and _is_of_c(stem, suffix, before, after))
        or cjk.FILE_BEFORE.search(before[-12:])
        or cjk.FILE_AFTER.match(after)
    )


def _is_placed(before: str, after: str) -> bool:
    """Whether a name is all of a heading, as that of a block of code is, or a line of the program is told behind it."""
    if PLACE_AFTER.match(after):
        return True
    return HEADING_END.match(after) is not None and HEADING.search(before[-40:]) is not None


def _is_of_c(stem: str, suffix: str, before: str, after: str) -> bool:
    """Whether a source or header of C stands alone in brackets or a cell, or the other of the two stands near it."""
    if len(stem) > 5 and _is_enclosed(before, after):
        return True
    other = f"{stem}.{'h' if suffix == 'c' else 'c'}"
    return len(stem) > 3 and stem not in HOLDERS and (other in before[-120:] or other in after[:120])


def _is_script_of_r(stem: str) -> bool:
    """Whether a name that ends with a capital R, as scripts of R do, is no attribute's: `analysis.R`, `ui.R`."""
    return stem in SHINY or (len(stem) > 3 and stem.islower() and stem not in HOLDERS and stem not in MODULES)


def _is_between(stem: str, suffix: str, before: str, after: str) -> bool:
    """Whether a name that may be an attribute's has files beside it, an option before it, or a number behind a dash."""
    if stem.lower() in HOLDERS or stem.lower() in MODULES:
        return False
    if suffix not in HOSTS and NUMBERED.fullmatch(stem):
        return True
    return OPTION.search(before[-40:]) is not None or is_among_files(before, after)


def _is_usual(stem: str, suffix: str, before: str, after: str) -> bool:
    """Whether a name is spelt as a file's, and no library's that a sentence speaks of: `uses jquery.js`."""
    if _is_class(stem, suffix):
        return True
    if suffix not in USUAL:
        return False
    if "." in stem:
        return _is_kind(stem, suffix)
    if not (stem.islower() or stem == "App") or len(stem) < 3:
        return False
    if stem in PAGE_LIBRARIES:
        return is_listed(before, after) or is_beside_file(before)
    return True


def _is_class(stem: str, suffix: str) -> bool:
    """Whether a source file is called after the class or React's hook in it: `Program.cs`, `useAuth.ts`.

    One word before `ts` may be a class that has one.
    """
    if suffix in CLASSED:
        return CLASS.fullmatch(stem) is not None and stem.lower() not in PRODUCTS
    if suffix in SCRIPTS and HOOK.fullmatch(stem):
        return True
    return suffix == "ts" and WORDS.fullmatch(stem) is not None


def _is_stored(stem: str, before: str, after: str, quoted: bool) -> bool:
    """Whether a name such as `tokenizer.model`, which may be an attribute, stands beside files, or is called one."""
    if quoted and stem in STORED_NAMES:
        return True
    if quoted:
        return STORING.search(sentence(before[-120:])) is not None or STORING_AFTER.match(after[:60]) is not None
    following = NEXT.match(after[:80])
    return is_beside_file(before) or (following is not None and has_known_ending(following[1]))


def _has_holder(path: str) -> bool:
    """Whether a part of a path is what holds data or names: `request.data/response.data`."""
    return any(part.partition(".")[0].lower() in HOLDERS for part in path.split("/") if "." in part)


def _is_dataset(stem: str, suffix: str, before: str, after: str, quoted: bool) -> bool:
    """Whether a name such as `iris.data` is that of a file, by the words, names and quotes beside it."""
    if "." in stem or len(stem) < 3 or stem.lower() in HOLDERS or stem.lower() in MODULES or "_" in stem:
        return False
    if (UCI.search(before) or UCI.search(after)) and stem.isascii():
        return True
    near = f"{before[-80:]} {after[:80]}"
    if len(stem) > 3 and any(f"{stem}.{other}" in near for other in DATASET_EXTENSIONS if other != suffix):
        return True
    if suffix == "test":
        return False
    if "-" in stem or FILE_AFTER.match(after) or is_beside_file(before):
        return True
    near = before[-40:].rstrip("`'\"")
    return CALLED_FILE.search(near) is not None or (quoted and OPENED_NEAR.search(near) is not None)


def _is_enclosed(before: str, after: str) -> bool:
    """Whether a name is all that stands in brackets or in the cell of a table."""
    opening = CELL.search(before[-20:])
    return opening is not None and CELL_END.match(after) is not None


def _is_folder(path: str, suffix: str, before: str, after: str) -> bool:
    """Whether a text says that a name is a folder's: the folder named `a.json`, the directory `/etc/nginx/conf.d`."""
    near = before[-30:]
    if FOLDER_CALLED.search(near):
        return "file" not in before[-90:]  # a file in the directory, named `a.cfg`
    # behind the mere word the name of a file may stand: in the folder a.csv is the table
    if suffix not in FOLDER_ENDINGS or "/" not in path:
        return False
    return FOLDER_BEFORE.search(near) is not None or FOLDER_AFTER.match(after) is not None


def _of_a_library(path: str, suffix: str, before: str, after: str) -> bool:
    """Whether a name is a place in source code, as tracebacks, warnings and logs name it, or a package's archive."""
    if before.endswith('File "') and after.startswith('", line'):
        return True
    if ("/" in path or "<" in path) and any(part in path for part in LIBRARIES):
        return not before.endswith(REFUSED)
    if suffix == "py" and before.endswith(REQUIRED):
        return True
    if before.endswith(FETCHING) and FETCHED.match(after) and PACKAGE.match(path):
        return True
    return suffix in SOURCES and LOG_PLACE.search(after) is not None and not _is_compiled(path, after)


def _is_compiled(path: str, after: str) -> bool:
    """Whether a compiler names a place in a file of the user's."""
    if after[:1] == "(":
        return DIAGNOSED.match(after) is not None
    return after[:1] == ":" and bool(COMPILED.match(after) or (path[0] != "/" and COMPILED_LINE.match(after)))


def _is_attribute(stem: str, suffix: str, before: str, after: str, quoted: bool) -> bool:
    """Whether a name without a folder is a product, or an attribute of a module or object."""
    if (stem.lower() in PRODUCTS and suffix == "js") or f"{stem}.{suffix}".lower() in LIBRARY_NAMES:
        return True
    if stem[0] == "~" and "." in stem:
        return True  # a link of Sphinx's: `~sympy.polyclasses.DMP`
    if suffix == "css" and not quoted and stem[0].isupper() and stem.lower() in PAGE_LIBRARIES:
        return True
    if suffix == "pdf" and stem.rsplit(".", 1)[-1] in DISTRIBUTIONS:
        return True
    if suffix in COMPRESSED and (stem == "tar" or has_known_ending(stem)):
        return stem == "tar"  # the format
    if _is_kind(stem, suffix) or (suffix in BEHIND and has_known_ending(stem)):
        return False
    if stem in ("read", "write") and suffix in TABLES:
        return not _is_of_a_file(suffix, before, after)  # functions of R
    if stem.lower() in MODULES and (suffix in NO_MEMBERS or (suffix == "log" and stem in LOGGED)):
        return False
    if suffix == "r" and stem in SHINY:
        return False
    first, dot, _ = stem.partition(".")
    if dot and first in PACKAGES and suffix in PACKAGED and stem.islower() and stem.replace(".", "").isalpha():
        return not _is_of_a_file(suffix, before, after)
    if first.lower() in MODULES and (not quoted or suffix in ATTRIBUTES):
        if dot:
            return not (first in NAMESAKES and _is_of_a_file(suffix, before, after))
        return not (first in NAMED_SO and _is_listed_or_made(suffix, before, after))
    if stem.endswith(".io") and suffix in ("fits", "mat", "wav"):
        return True  # `astropy.io.fits`
    if stem[0] == "." and suffix in NO_ATTRIBUTES:
        return False
    dotted = "." in stem and not stem.endswith(".tar")
    if not dotted or quoted or suffix in DATA or not stem.islower() or not stem.replace(".", "").isalpha():
        return False
    return not _is_of_a_file(suffix, before, after)


def _is_of_a_file(suffix: str, before: str, after: str) -> bool:
    """Whether a name that may be an attribute stands where files do.

    Words of writing or opening stand beside it, or it is all that an item of a list or brackets hold.
    """
    if WRITTEN_TO.search(before[-80:]) or WRITTEN_AFTER.match(after):
        return True
    if suffix not in FIELDS and OPENED.search(before[-40:].rstrip("`'\"")):
        return True
    if suffix not in ALONE:
        return False
    return _is_enclosed(before, after) or (after[:1] in LINE_ENDS and ITEM.search(before[-20:]) is not None)


def _is_listed_or_made(suffix: str, before: str, after: str) -> bool:
    """Whether a name such as `app.db` or `response.json`, which may be an attribute, stands where only files do."""
    listed = before.endswith(TREE) or FILE_AFTER.match(after) or is_listed(before, after)
    return bool(listed or MADE_BEFORE.search(before[-60:])) or _is_of_a_file(suffix, before, after)


def _is_kind(stem: str, suffix: str) -> bool:
    """Whether the last part of a stem says what kind of source file it is: `app.test.ts`, `app.component.html`."""
    kind = stem.rpartition(".")[2] if "." in stem else ""
    return (suffix in SCRIPTS and kind in KINDS) or (suffix in STYLED and kind in PAGE_KINDS)
