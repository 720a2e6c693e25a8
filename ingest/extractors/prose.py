"""Files that prose and tool results name: what an agent says it saved, listings, attached files, paths in a sentence.

Dots with a known extension behind them are found first; only around those is anything looked at closely, in windows of
bounded size. A text whose dots end sentences or stand in numbers costs one pass from dot to dot.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from itertools import islice
from operator import itemgetter
from typing import Final

import re2

from ingest.extractors import certain, cjk
from ingest.extractors.blocks import prose, sound
from ingest.extractors.model import Extractor, Hit
from ingest.extractors.paths import (
    BUILD_NAMES,
    DOT_NAMES,
    EXTENSIONS,
    HOST,
    ROOTED_EXTENSIONS,
    STORED_EXTENSIONS,
    WEAK_EXTENSIONS,
    extension,
    has_known_ending,
    is_local,
    is_only_ending,
)
from ingest.extractors.said import WRITTEN, WRITTEN_AFTER, WRITTEN_TO, operation, sentence
from ingest.extractors.spans import (
    LINE_ENDS,
    LISTED,
    QUOTES,
    cleaned,
    continues,
    is_listed,
    item_start,
    of_folder,
    quoted_start,
    renamed,
    spaced,
    token_start,
    told_start,
    unbroken,
    whole_line,
)
from ingest.extractors.vocabulary import (
    ALONE,
    ALSO_ATTRIBUTES,
    ATTRIBUTES,
    BEHIND,
    COMPRESSED,
    DATA,
    DISTRIBUTIONS,
    DOCUMENT_NAMES,
    FIELDS,
    FOLDERS,
    KINDS,
    LIBRARY_NAMES,
    LINKED_FOLDERS,
    LOGGED,
    MODULES,
    NAMESAKES,
    NO_ATTRIBUTES,
    OBJECTS,
    PACKAGE_NAMES,
    PAGES,
    PRODUCTS,
    PROGRAMS,
    RUN,
    SCRIPTS,
    SOURCES,
    STORED_NAMES,
    TABLES,
    TREE,
    USUAL,
    WEB,
    WEB_FOLDERS,
)
from ingest.extractors.windows import spaced_start

# words of one text that may be names of files and are looked at closely, each for up to 0.1 ms, and words behind a dot
# that are asked whether they are extensions
NAMES: Final = 20_000
DOTS: Final = 50 * NAMES
# how far before and after an extension a path, its quotes and its sentence are looked for
WINDOW: Final = 300
KNOWN: Final = EXTENSIONS | WEAK_EXTENSIONS | ROOTED_EXTENSIONS | STORED_EXTENSIONS
# a dot and the word behind it that may be an extension, so no number; Python's `re`, which is linear here and costs
# less a match than RE2
ENDING_PATTERN: Final = r"\.([A-Za-z_][A-Za-z0-9_]{0,10}|7[zZ](?![A-Za-z0-9_]))"
ENDING: Final = re.compile(ENDING_PATTERN)
# what a copy of a file has behind its ending, or a file of which others are made
COPIED: Final = re.compile(
    r"\.(?:example|sample|template|dist|orig|tmp|old|new|save|swp|part|partial|copy|backup|default|\d{1,2}"
    r"|sha1|sha256|sha512|md5|sig|asc)"
    r"(?![A-Za-z0-9_./(=-]*[A-Za-z0-9_/(=])"
)
# files that have a name by convention instead of an extension
NAME_PATTERN: Final = (
    r"\b(?:" + "|".join(map(re.escape, sorted(BUILD_NAMES | DOCUMENT_NAMES | PACKAGE_NAMES))) + r")\b"
    r"|-info/(?:RECORD|METADATA|WHEEL|INSTALLER)\b"
    r"|\.(?:" + "|".join(re.escape(name[1:]) for name in sorted(DOT_NAMES, reverse=True)) + r")\b"
)
# a part of each of them, or a word that stands beside them; the last three have a dot
NAME_HINTS: Final = (
    "file",
    "README",
    "LICEN",
    "CHANGELOG",
    "CONTRIB",
    "AUTHORS",
    "-INFO",
    "-info/",
    "MANIFEST",
    ".git",
    ".bash",
    ".env",
)
# a command up to the source file that it compiles or runs: `gcc -O2 main.c`, `node build.mjs`
COMMAND: Final = re.compile(
    r"(?:^|[\s`'\"(])(?:gcc|g\+\+|cc|clang|clang\+\+|rustc|node|deno|deno run|bun|bun run|ts-node|tsx|perl|ruby|php"
    r"|Rscript|go run|go build)(?:[ \t]+(?:-[\w=+.-]+|-o[ \t]+[\w./-]+|[\w./-]+\.\w{1,3})){0,6}[ \t]+$"
)
FILE_BEFORE: Final = re.compile(r"(?i)\b(?:files?|named|called)[ \t]*:?[ \t]+(?:the[ \t]+)?$")
FILE_AFTER: Final = re.compile(r"(?i)^[ \t]+file\b")
PROGRAM_AFTER: Final = re.compile(r"(?i)^[ \t]+(?:file|program|script|header|source)\b")
PROGRAM_BEFORE: Final = re.compile(r"(?i)\b(?:run(?:s|ning)?|execut(?:e|es|ed|ing)|header|program|source)[ \t]+$")
ARTICLE: Final = re.compile(r"(?i)\b(?:an?|the|your|this|our|my|new|its|to|in|into|from|edit|and|plus)[ \t]+$")
# what a list of a web site's repository has after a name: how old the last change is
AGED: Final = re.compile(
    r"^(?!`|'|\"|[^\n]*\b(?:was|were|last|modified|created|updated|saved)\b)"
    r"[^\n]{1,120}?\b(?:\d+|an?) (?:day|week|month|year)s? ago\b"
)
# what stands right before the name of a file, whatever its extension
OPENED: Final = re.compile(
    r"(?i)\b(?:read(?:s|ing)?|load(?:s|ed|ing)?|open(?:s|ed|ing)?|pars(?:es?|ed|ing)|edit(?:s|ed|ing)?|files?|scripts?"
    r"|databases?|connect(?:s|ed|ing)?[ \t]+to|compil(?:es?|ed|ing))[ \t]+(?:(?:in|from|the|file)[ \t]+){0,3}$"
)
# and what stands before one in quotes that no attribute has
CONVERTED: Final = re.compile(r"(?i)\b(?:convert|import|export|send|attach|upload)(?:s|ed|ing)?[ \t]+['\"]$")
# words that stand before a file that a tool made, whatever the file's extension
SAVED_PATTERN: Final = (
    r"(?i:\b(?:(?:saved|written|wrote|exported|stored|dumped|downloaded|output|rendered|logged)(?:[ \t]+\w+){0,4}?"
    r"[ \t]+(?:to|as|in|into|at|under)|(?:created|generated|output|wrote|saved)(?:[ \t]+\w+){0,2}?[ \t]+file"
    r"|output[ \t]+(?:file|path)|file)(?:[ \t]+(?:the[ \t]+)?(?:file|path))?[ \t]*:?[ \t]*[`'\"(\[*]{0,3}"
    r"((?:[A-Za-z]:\\|~?/|\.{0,2}/)?[\w][\w./\\~+-]*\.[A-Za-z]\w{0,9}))"
)
# both in one pass
SAVED_OR_NAME: Final = re2.compile(f"{SAVED_PATTERN}|({NAME_PATTERN})")
# extensions that are spelt with a capital
CAPITALISED: Final = frozenset(("rmd", "rds"))
# words beside the names of what programs store
_STORING: Final = r"(?:files?|weights|checkpoints?|saved?|stored?|load(?:ed|ing)?|download(?:ed)?)\b"
STORING: Final = re.compile(r"(?i)\b" + _STORING)
STORING_AFTER: Final = re.compile(r"(?i)^[`'\"*]{0,3}[ \t]+(?:\w+[ \t]+){0,2}" + _STORING)
# what stands before an extension and makes one with it: `.ome.tiff`, `.d.ts`
BEFORE_ENDINGS: Final = (".ome", ".d", ".min")
# what closes the name of a file that a program says it saved or cannot open
CLOSING: Final = frozenset("'\u2019")
LIST_MARKS: Final = "`'\",;*"
# how brackets or the cell of a table begin and end around a name
CELL: Final = re.compile(r"(?:\|[ \t]*|\((?:from |in |see )?)`?$")
CELL_END: Final = re.compile(r"`?(?:[ \t]*\||\))")
# what stands before the first word of an item
ITEM: Final = re.compile(r"(?:^|\n)[ \t]*(?:[-*+\u2022\u2023\u25e6]|\d{1,3}[.)])[ \t]+$")
# a request to a server that stands before its path, and a header that says what a download is called
REQUESTED: Final = re.compile(
    r"(?:^|[^\w-])(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|CONNECT|(?i:request[ _](?:ur[li]|path):))[ \t]+"
    r"[`'\"]?$"
)
DISPOSITION: Final = re.compile(r"(?i)\b(?:attachment|inline|form-data)\b[^\n]{0,60};[ \t]*filename=[\"']?$")
REFUSED: Final = tuple(f"Permission denied: {quote}" for quote in "'\"`")
LIBRARIES: Final = ("site-packages/", "dist-packages/", "/lib/python", "<frozen", "/usr/include/")
# a name of a program's: `package.Class.method`
DOTTED_NAME: Final = re.compile(r"[A-Za-z_]+\.[A-Za-z_]+\.[A-Za-z_]+$")
# initials, a degree, or an hour of the day: `J.R.R.`, `Ph.D.`, 10 `a.m.`
INITIALS: Final = re.compile(r"(?:[A-Z][a-z]?\.)+[A-Z]$|(?i:[ap]\.m)$")
# what an installer of packages fetches, and what it says of that
PACKAGE: Final = re.compile(r"[\w.]+-\d[\w.+-]*\.(?:whl|zip|tar\.gz|tar\.bz2)$")
FETCHING: Final = ("Downloading ", "Using cached ", "filename=")
REQUIRED: Final = ("Collecting ", "Requirement already satisfied: ", "Uninstalling ")
FETCHED: Final = re.compile(r"^ (?:\(\d[\d.]* ?[kM]?B\)|size=\d)")
# what is to be filled in, a port, and the host before it
FILLED: Final = re.compile(r"<\w[\w -]*>$")
PORT: Final = re.compile(r"\d{2,5}/")
HOST_BEFORE: Final = re.compile(r"(?:^|[^\w.-])(?:localhost|[\w-]+(?:\.[\w-]+)+):$")
# a folder whose name ends with a dot: `a.m./p.m`
DOTTED_FOLDER: Final = re.compile(r"[^./]\./")
# the identifier of a document
IDENTIFIER: Final = re.compile(r"10\.\d{4,9}/")
# a wiki's page of a file, whose name may have blanks
WIKI_FILE: Final = re.compile(r"\b(?:File|Image):[^\s\"'*`_][^\n\"'\])|]*$")
# a place in the source of a library, as its log names it
LOG_PLACE: Final = re.compile(r"^:\d+[\]:)]")
# a place in a program, as compilers name it; without a column that is also what libraries log of themselves
COMPILED: Final = re.compile(r"^:\d+:\d+:?(?=\s|$)")
COMPILED_LINE: Final = re.compile(r"^:\d+:[ \t]*(?:fatal error|error|warning|note|undefined reference)\b")
# the two ends of a name in Markdown's emphasis, which is no pattern of names
EMPHASIS: Final = re.compile(r"(?:^|[\s(\[])\*$")
EMPHASIS_END: Final = re.compile(r"^\*(?:$|[\s.,;:!?)\]])")
ENDING_WORD: Final = re.compile(r"^[ \t]+(?:extension|ending|suffix|format)")
# what stands before or after a name that is no local file: links into the web, breadcrumbs, wiki pages
LINKED_BEFORE: Final = ("](#", "File:", "Image:", "title=", 'href="', "href='", "\u203a ", "\u203a")
SHOWN_BEFORE: Final = ('src="', "src='")
LINKED_AFTER: Final = (" <http", "](http", "](/wiki", "](//", "](file:", " \u203a")


def extract_text(text: str) -> list[Hit]:
    """Files that a message or a tool result names outside its code blocks.

    Args:
        text: the whole content, code blocks included (they are passed over).

    Returns:
        One hit per path, in order of first appearance: `write` where the text says that the file was saved, written,
        created or generated, else `mention`. No web addresses, folders, or frames of a traceback. Linear in the length
        of the text, and bounded: nothing is found behind the first 20,000 words (`NAMES`) that may be names of files,
        repeated ones included, or the first million dots before a letter (`DOTS`).
    """
    if (
        "." not in text
        and not _has(text, NAME_HINTS[:-3])
        and (("/" not in text and "rw" not in text and certain.READ_ONLY not in text) or not _has(text, certain.HINTS))
    ):
        return []
    text = sound(text)
    if "```" in text:
        text = prose(text)
    found: list[tuple[int, Hit | None]] = []
    ends, others, last = _endings(text, found)
    others = others or _has(text, NAME_HINTS)
    in_order = len(found)
    for match in islice(SAVED_OR_NAME.finditer(text), NAMES) if others else ():
        start, end = match.span(1)
        if match.start() >= last:
            break
        if match.group(2):
            found.append((match.end(), _conventional(text, *match.span(2))))
        elif end not in ends:
            found.append((end, _saved(text, start, end)))
    whole = certain.certain_files(text)
    if whole:
        found = _apart(found, [item for item in whole if item[1] <= last])
    if whole or len(found) > in_order:
        found.sort(key=itemgetter(0))
    return _first(found)


def _has(text: str, hints: tuple[str, ...]) -> bool:
    """Whether one of these stands in a text; `any` takes twice as long on a short one."""
    for hint in hints:  # noqa: SIM110
        if hint in text:
            return True
    return False


def _endings(text: str, found: list[tuple[int, Hit | None]]) -> tuple[set[int], bool, int]:
    """Note the files with a known extension; (where such extensions end, whether there are others, where to stop)."""
    ends: set[int] = set()
    others = False
    looked_at = 0
    for dots, match in enumerate(ENDING.finditer(text)):
        if looked_at == NAMES or dots == DOTS:
            return ends, others, match.start()
        word = match.group(1)
        if word.lower() in KNOWN:
            end = match.end()
            ends.add(end)
            if word in ROOTED_EXTENSIONS and text.rfind("/", max(0, end - WINDOW), end) < 0:
                continue
            if not continues(text[end : end + 3]):
                looked_at += 1
                found.append((end, _named(text, end)))
            elif text[end : end + 1] == "." and word in EXTENSIONS and (copied := COPIED.match(text, end)):
                looked_at += 1
                found.append((copied.end(), _named(text, end, copied.group())))
        else:
            others = True
            end = match.end()
            mark = text[end : end + 1]
            if mark == "`":
                looked_at += 1
                found.append((end, certain.quoted_file(text, end)))
            elif mark in CLOSING:
                looked_at += 1
                found.append((end, certain.told_file(text, end)))
    return ends, others, len(text)


def _apart(found: list[tuple[int, Hit | None]], whole: list[tuple[int, int, Hit]]) -> list[tuple[int, Hit | None]]:
    """What was found, with whole names in place of all that ends inside of them."""
    spans = sorted((start, end) for start, end, _ in whole)
    starts = [start for start, _ in spans]
    ends = [-1, *(end for _, end in spans)]
    kept = [item for item in found if item[0] > ends[bisect_left(starts, item[0])]]
    return kept + [(end, hit) for _, end, hit in whole]


def _first(found: list[tuple[int, Hit | None]]) -> list[Hit]:
    """One hit a path, in the order given; a mention gives way to a write."""
    first: dict[str, Hit] = {}
    for _, hit in found:
        if hit is None:
            continue
        known = first.get(hit.path)
        if known is None or (known.operation == "mention" and hit.operation == "write"):
            first[hit.path] = hit
    return list(first.values())


def _named(text: str, end: int, beyond: str = "") -> Hit | None:
    """The file whose known extension ends at a position, if it is one; `beyond` is what its name has behind that."""
    after = text[end + len(beyond) : end + len(beyond) + WINDOW]
    low = max(0, end - WINDOW)
    window = text[low:end]
    start = token_start(window)
    quoted = quoted_start(window, start, after)
    if quoted is not None:
        start = quoted
    elif "\\" in window and (drive := spaced_start(window, start)) is not None:
        start = drive
    elif "/" not in window[start:] and (told := told_start(window, start, after)) is not None:
        start = told
    elif (
        window[start - 1 : start] == " " and after[:1] in LINE_ENDS and (item := item_start(window, start)) is not None
    ):
        start = item
    token = window[start:]
    before = window[:start]
    if start == 0 and low:
        return None
    if before[-1:] in (">", ":") and _is_rest(token, before, after):
        return None
    if before[-1:] == "*" and EMPHASIS.search(before) and EMPHASIS_END.match(after):
        before = before[:-1]
    path = cleaned(token, before)
    if path is None or not _plausible(path, before, after, quoted is not None):
        return None
    if "dr" in before and of_folder(before):
        return None
    if not beyond:
        path = whole_line(text, low + start, end, path) or spaced(before, path, after) or renamed(path, before)
    return Hit(path + beyond, operation(text[max(0, low + start - 160) : low + start], after), "prose.path")


def _is_rest(token: str, before: str, after: str) -> bool:
    """Whether a word is the rest of a path behind something to fill in, or of an address without its scheme.

    So it is in `<path>/a.md`, but not in `<path>/tmp/a.md</path>`, and in `localhost:8000/a.csv`.
    """
    if before[-1] == ">":
        return token[:1] == "/" and not after.startswith("</") and FILLED.search(before[-40:]) is not None
    return PORT.match(token) is not None and HOST_BEFORE.search(before[-80:]) is not None


def _conventional(text: str, start: int, end: int) -> Hit | None:
    """The file of a name such as `Makefile`, where the text around it says that it is one."""
    after = text[end : end + WINDOW]
    if continues(after) or after[:1] in ("-", "_", "/"):
        return None
    low = max(0, end - WINDOW)
    window = text[low:end]
    first = token_start(window)
    before = window[:first]
    path = cleaned(window[first:], before)
    name = text[start:end].rpartition("/")[2]
    if path is None or not is_local(path) or HOST.match(path) or any(part in path for part in LIBRARIES):
        return None
    if path != name and not path.endswith("/" + name):
        return None
    quote = before[-1:]
    quoted = QUOTES.get(quote) == after[:1] and not (quote == '"' and name in DOCUMENT_NAMES)
    said = (
        quoted
        or "/" in path
        or (name[0] == "." and name != ".profile" and before[-1:] not in (")", "]") and not ENDING_WORD.match(after))
        or name in PACKAGE_NAMES
        or before.endswith(TREE)
        or cjk.FILE_BEFORE.search(before[-12:])
        or cjk.FILE_AFTER.match(after)
        or FILE_BEFORE.search(before[-24:])
        or FILE_AFTER.match(after)
        or LISTED.fullmatch(before[before.rfind("\n") + 1 :])
        or is_listed(before, after)
    )
    if not said and (name not in BUILD_NAMES or not ARTICLE.search(before[-12:])):
        return None
    if _of_the_web(path, "", before, after):
        return None
    return Hit(path, operation(before[-160:], after), "prose.name")


def _plausible(path: str, before: str, after: str, quoted: bool) -> bool:
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
    if _of_the_web(path, suffix, before, after) or _of_a_library(path, suffix, before, after):
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
    if suffix in ROOTED_EXTENSIONS and not path.lower().startswith(("~/", "./", "../", *FOLDERS)):
        return False
    if suffix in WEAK_EXTENSIONS and stem.replace(".", "").isdigit() and "." in stem:
        return False  # a version
    if suffix == "sh" and len(stem) == 6 and stem.isdigit() and path.endswith("SH"):
        return False  # a share at the exchange of Shanghai
    if (
        len(suffix) > 1
        and path.endswith(suffix.title())
        and suffix not in CAPITALISED
        and (stem.islower() or suffix in WEAK_EXTENSIONS)
    ):
        return False  # a class, `threading.Lock`, or the next sentence, where no blank parts them: `the day.So`
    if "/" not in path and _is_attribute(stem, suffix, before, after, quoted):
        return False
    if "/" not in path:
        if suffix in WEAK_EXTENSIONS and not _is_told(path, suffix, before, after, quoted):
            return False
        if suffix in STORED_EXTENSIONS and (stem in OBJECTS or not _is_stored(stem, before, after, quoted)):
            return False
    return any(character.isalnum() for character in stem)


def _is_told(path: str, suffix: str, before: str, after: str, quoted: bool) -> bool:
    """Whether the text around a name says that it is a file, although its extension may be something else."""
    if INITIALS.match(path):
        return False
    stem = path[: -len(suffix) - 1]
    if quoted and not (suffix in ALSO_ATTRIBUTES and stem.replace(".", "").isalpha() and not has_known_ending(stem)):
        return True
    return bool(
        (suffix in USUAL and stem.islower() and len(stem) > 2 and ("." not in stem or _is_kind(stem, suffix)))
        or before.endswith(TREE)
        or WRITTEN.search(sentence(before))
        or OPENED.search(before[-40:].rstrip("`'\""))
        or (quoted and CONVERTED.search(before[-20:]))
        or (suffix in RUN and COMMAND.search(before[-80:]))
        or (suffix in PROGRAMS and (PROGRAM_BEFORE.search(before[-20:]) or PROGRAM_AFTER.match(after)))
        or _is_compiled(path, after)
        or (suffix in "ch" and len(stem) > 5 and stem.isidentifier() and _is_enclosed(before, after))
        or cjk.FILE_BEFORE.search(before[-12:])
        or cjk.FILE_AFTER.match(after)
    )


def _is_stored(stem: str, before: str, after: str, quoted: bool) -> bool:
    """Whether a name such as `tokenizer.model`, which may be an attribute, stands beside files, or is called one."""
    if quoted and stem in STORED_NAMES:
        return True
    if quoted:
        return STORING.search(sentence(before[-120:])) is not None or STORING_AFTER.match(after[:60]) is not None
    *_, previous = before[-80:].split() or [""]
    return extension(previous.strip(LIST_MARKS)) in EXTENSIONS


def _is_enclosed(before: str, after: str) -> bool:
    """Whether a name is all that stands in brackets or in the cell of a table."""
    opening = CELL.search(before[-20:])
    return opening is not None and CELL_END.match(after) is not None


def _of_the_web(path: str, suffix: str, before: str, after: str) -> bool:
    """Whether a name is that of a page, of a picture on one, or a link's text."""
    if (
        after.startswith(LINKED_AFTER)
        or before.endswith(LINKED_BEFORE)
        or (after.find(" ago", 0, 160) > 0 and AGED.search(after))
        or ("e:" in before[-120:] and WIKI_FILE.search(before[-120:]))
    ):
        return True
    if (path[0] == "/" and REQUESTED.search(before[-20:])) or after.startswith(" HTTP/"):
        return True
    if before[-12:].find("name=") >= 0 and DISPOSITION.search(before[-120:]):
        return True
    if before.endswith("](") and (suffix in PAGES or (path[0] == "/" and not _is_linked(path))):
        return True
    if before.endswith(SHOWN_BEFORE) and ("/" + path).startswith(("//", *WEB_FOLDERS)):
        return True
    of_site = path[0] == "/" and (path.count("/") == 1 or path.startswith(WEB_FOLDERS))
    return (of_site and suffix in WEB) or "/wiki/" in path or "thumb/" in path or path.startswith("wiki/")


def _is_linked(path: str) -> bool:
    """Whether a path of a link in Markdown leads to a disk's folder and not to one of the page's site."""
    return path.lower().startswith(LINKED_FOLDERS) or (path.startswith("/content/") and path.count("/") == 2)


def _of_a_library(path: str, suffix: str, before: str, after: str) -> bool:
    """Whether a name is a place in source code, as tracebacks, warnings and logs name it, or a package's archive."""
    if before.endswith('File "') and after.startswith('", line'):
        return True
    if any(part in path for part in LIBRARIES):
        return not before.endswith(REFUSED)
    if suffix == "py" and before.endswith(REQUIRED):
        return True
    if before.endswith(FETCHING) and FETCHED.match(after) and PACKAGE.match(path):
        return True
    return suffix in SOURCES and LOG_PLACE.search(after) is not None and not _is_compiled(path, after)


def _is_compiled(path: str, after: str) -> bool:
    """Whether a compiler names a place in a file of the user's."""
    return after[:1] == ":" and bool(COMPILED.match(after) or (path[0] != "/" and COMPILED_LINE.match(after)))


def _is_attribute(stem: str, suffix: str, before: str, after: str, quoted: bool) -> bool:
    """Whether a name without a folder is a product, or an attribute of a module or object."""
    if (stem.lower() in PRODUCTS and suffix == "js") or f"{stem}.{suffix}".lower() in LIBRARY_NAMES:
        return True
    if suffix == "pdf" and stem.rsplit(".", 1)[-1] in DISTRIBUTIONS:
        return True
    if suffix in COMPRESSED and (stem == "tar" or has_known_ending(stem)):
        return stem == "tar"  # the format
    if _is_kind(stem, suffix) or (suffix in BEHIND and has_known_ending(stem)):
        return False
    if stem in ("read", "write") and suffix in TABLES:
        return not _is_of_a_file(suffix, before, after)  # functions of R
    if stem.lower() in MODULES and (suffix in NO_ATTRIBUTES or (suffix == "log" and stem in LOGGED)):
        return False
    first, dot, _ = stem.partition(".")
    if first.lower() in MODULES and (not quoted or suffix in ATTRIBUTES):
        return not (dot and first in NAMESAKES and _is_of_a_file(suffix, before, after))
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


def _is_kind(stem: str, suffix: str) -> bool:
    """Whether the last part of a stem says what kind of source file it is: `app.test.ts`."""
    return suffix in SCRIPTS and "." in stem and stem.rpartition(".")[2] in KINDS


def _saved(text: str, start: int, end: int) -> Hit | None:
    """A file of an extension that is not known, after words that say it was saved."""
    path = text[start:end]
    before, after = text[max(0, start - WINDOW) : start], text[end : end + 20]
    if (
        after[:1].isalnum()
        or after[:1] in ("/", "(", "-", "@", "=", "[")
        or not is_local(path)
        or "://" in unbroken(before)
    ):
        return None
    suffix = extension(path)
    if not suffix or not any(character.isalpha() for character in suffix) or HOST.match(path) or before.endswith("://"):
        return None
    if "/" not in path and (before[-1:] not in QUOTES or DOTTED_NAME.match(path)):
        return None
    if "..." in path or any(part in path for part in LIBRARIES) or before.endswith('File "'):
        return None
    return Hit(path, operation(before[-160:], after), "prose.saved")


PROSE: tuple[Extractor, ...] = (
    Extractor(
        name="prose.path",
        finds="names with a known extension: quoted, bare, in a listing or a link to a local file",
        text="prose",
        example="The plot was saved to `out/fig.png`; see https://example.org/a.png and data.csv.",
        found=(("write", "out/fig.png"), ("mention", "data.csv")),
        pattern=ENDING_PATTERN,
        function=extract_text,
    ),
    Extractor(
        name="prose.name",
        finds="files that have a name by convention and no extension, where the text says that they are files",
        text="prose",
        example="I wrote a `Dockerfile`. See the LICENSE file.",
        found=(("write", "Dockerfile"), ("mention", "LICENSE")),
        pattern=NAME_PATTERN,
        function=extract_text,
    ),
    Extractor(
        name="prose.saved",
        finds="paths of any other extension after `saved to`, `written to`, `created file`, `output file`, `file:`",
        text="prose",
        example="Checkpoint saved to 'run/model.weights1'.",
        found=(("write", "run/model.weights1"),),
        pattern=SAVED_PATTERN,
        function=extract_text,
    ),
)
