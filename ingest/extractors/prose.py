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

from ingest.extractors import certain, cjk, rooted
from ingest.extractors.beside import is_enumerated
from ingest.extractors.blocks import prose, sound
from ingest.extractors.model import Extractor, Hit
from ingest.extractors.paths import (
    BUILD_NAMES,
    DATASET_EXTENSIONS,
    DOT_NAMES,
    EXTENSIONS,
    HOST,
    ROOTED_EXTENSIONS,
    STORED_EXTENSIONS,
    WEAK_EXTENSIONS,
    extension,
    is_local,
)
from ingest.extractors.plausible import DIAGNOSED, LIBRARIES, is_plausible
from ingest.extractors.quoted import QUOTES, quoted_start
from ingest.extractors.said import has_any, operation
from ingest.extractors.spaced import (
    LISTED,
    address_start,
    cell_start,
    entry_start,
    folder_start,
    hashed_start,
    is_copy,
    item_start,
    spaced,
    told_start,
    whole_line,
    without_bracket,
)
from ingest.extractors.spans import LINE_ENDS, cleaned, continues, is_listed, of_folder, renamed, token_start, unbroken
from ingest.extractors.vocabulary import BEGINNING, CONFIG_NAMES, DOCUMENT_NAMES, EITHER, PACKAGE_NAMES, TREE
from ingest.extractors.web import is_of_the_web
from ingest.extractors.windows import slashed_start, spaced_start
from ingest.occurring import occurring

# words of one text that may be names of files and are looked at closely, each for up to 0.1 ms, and words behind a dot
# that are asked whether they are extensions
NAMES: Final = 20_000
DOTS: Final = 50 * NAMES
# how far before and after an extension a path, its quotes and its sentence are looked for
WINDOW: Final = 300
KNOWN: Final = EXTENSIONS | WEAK_EXTENSIONS | ROOTED_EXTENSIONS | STORED_EXTENSIONS | DATASET_EXTENSIONS
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
# the word that begins the next sentence, where no blank parts them: `I ran main.py.It printed 3`
NEXT_SENTENCE: Final = re.compile(r"\.(?:" + "|".join(sorted(BEGINNING)) + r")(?=[ ,'\u2019])")
# files that have a name by convention instead of an extension
NAME_PATTERN: Final = (
    r"\b(?:" + "|".join(map(re.escape, sorted(BUILD_NAMES | DOCUMENT_NAMES | PACKAGE_NAMES | CONFIG_NAMES))) + r")\b"
    r"|-info/(?:RECORD|METADATA|WHEEL|INSTALLER)\b"
    r"|\.(?:" + "|".join(re.escape(name[1:]) for name in sorted(DOT_NAMES, reverse=True)) + r")\b"
)
# a part of each of them that has no dot
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
    "OAI_CONFIG",
)
# what tells one of several such files of a build: `Dockerfile.dev`
VARIANT: Final = re.compile(r"\.[a-z][a-z0-9_-]{1,20}(?![\w/(=-]|\.\w)")
FILE_BEFORE: Final = re.compile(r"(?i)\b(?:files?|named|called)[ \t]*:?[ \t]+(?:the[ \t]+)?$")
FILE_AFTER: Final = re.compile(r"(?i)^[ \t]+file\b")
ARTICLE: Final = re.compile(
    r"(?i)\b(?:an?|the|your|this|our|my|new|its|to|in|into|from|and|plus"
    r"|created?|wrote|written|writing|generated?|added?|updated?|edit(?:ed)?|modified|saved)[ \t]+$"
)
# words that stand before a file that a tool made, whatever the file's extension
SAVED: Final = (
    r"\b(?:(?:saved|written|wrote|exported|stored|dumped|downloaded|output|rendered|logged)(?:[ \t]+\w+){0,4}?"
    r"[ \t]+(?:to|as|in|into|at|under)|(?:created|generated|output|wrote|saved)(?:[ \t]+\w+){0,2}?[ \t]+file"
    r"|output[ \t]+(?:file|path)|file)(?:[ \t]+(?:the[ \t]+)?(?:file|path))?[ \t]*:?[ \t]*[`'\"(\[*]{0,3}"
)
SAVED_FILE: Final = r"(?:[A-Za-z]:\\|~?/|\.{0,2}/)?[\w][\w./\\~+-]*\.[A-Za-z]\w{0,9}"
SAVED_PATTERN: Final = f"(?i:{SAVED}({SAVED_FILE}))"
# both in one pass
SAVED_OR_NAME: Final = re2.compile(f"{SAVED_PATTERN}|({NAME_PATTERN})")
# what stands in each text without other extensions that has a name by convention, or one that `certain` knows; and what
# does in any text with one of these or a file that was saved: the only pass for them over most texts
HINTS: Final = r"[a-z]file\b|[Ff]ile[ \t:].*?(?:/|named|called)|" + "|".join(
    map(re.escape, (*NAME_HINTS[1:], ".env", "go.mod", "go.sum", *certain.HINTS, certain.HIDDEN))
)
hints: Final = occurring(HINTS)
saved_or_hints: Final = occurring(f"(?i:{SAVED}{SAVED_FILE})|{NAME_PATTERN}|{HINTS}")
# a letter or mark as text inside JSON has it: `\u62a5.docx`, `\/tmp\/a.csv`
LETTER: Final = re.compile(r"(?<!\\)\\(?:u([0-9a-fA-F]{4})|/)")
# what closes the name of a file that a program says it saved or cannot open
CLOSING: Final = frozenset("'\u2019")
# a name of a program's: `package.Class.method`
DOTTED_NAME: Final = re.compile(r"[A-Za-z_]+\.[A-Za-z_]+\.[A-Za-z_]+$")
# what is to be filled in, a port, and the host before it
FILLED: Final = re.compile(r"<\w[\w -]*>$")
PORT: Final = re.compile(r"\d{2,5}/")
HOST_BEFORE: Final = re.compile(r"(?:^|[^\w.-])(?:localhost|[\w-]+(?:\.[\w-]+)+):$")
# endings of documents in which a place is referred to: `guide.md#usage`
REFERRED_IN: Final = frozenset("md rst txt pdf ipynb docx".split())
PLACE: Final = re.compile(r"#[A-Za-z][\w=-]*(?=$|[\s\])`'\",.;:])")
# how large a file is, right behind its name
SIZE: Final = re.compile(r"\(\d[\d.,]{0,15} ?(?:[kKMGT]i?)?(?:B|[Bb]ytes)\)")
# an image or a table of a file of astronomy's: `a.fits.gz[1]`, `b.fits[SCI]`
OF_UNITS: Final = frozenset("fits fz gz".split())
UNIT: Final = re.compile(r"\[(?:\d{1,3}|[A-Z]{2,12})\]")
# the two ends of a name in Markdown's emphasis, which is no pattern of names
EMPHASIS: Final = re.compile(r"(?:^|[\s(\[])\*$")
EMPHASIS_END: Final = re.compile(r"^\*(?:$|[\s.,;:!?)\]])")
ENDING_WORD: Final = re.compile(r"^[ \t]+(?:extension|ending|suffix|format)")


def may_name_files(text: str) -> bool:
    """Whether it takes more than a glance to see that `extract_text` finds nothing."""
    return (
        "." in text
        or has_any(text, NAME_HINTS)
        or (("/" in text or "rw" in text or certain.READ_ONLY in text) and has_any(text, certain.HINTS))
    )


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
    if not may_name_files(text):
        return []
    text = sound(text)
    if "\\u" in text or "\\/" in text:
        text = LETTER.sub(_letter, text)
    if "```" in text:
        text = prose(text)
    found: list[tuple[int, Hit | None]] = []
    ends, others, last = _endings(text, found)
    if (saved_or_hints if others else hints)(text) is None:
        return _first(found)
    in_order = len(found)
    for match in islice(SAVED_OR_NAME.finditer(text), NAMES):
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


def _letter(match: re.Match[str]) -> str:
    """The character that an escape stands for, but not half of one, nor a mark that JSON has to escape."""
    character = chr(int(match.group(1), 16)) if match.group(1) else "/"
    return match.group() if character < " " or character in '"\\' or "\ud800" <= character <= "\udfff" else character


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
                hit = _named(text, end)
                if hit is None and word in DATASET_EXTENSIONS and text[end : end + 1] in CLOSING:
                    hit = certain.told_file(text, end)
                found.append((end, hit))
            elif _is_marked(text, end, word):
                looked_at += 1
                found.append((end, _named(text, end)))
            elif text[end : end + 1] != ".":
                continue
            elif word in EXTENSIONS and NEXT_SENTENCE.match(text, end):
                looked_at += 1
                found.append((end, _named(text, end)))
            elif word in EXTENSIONS and (copied := COPIED.match(text, end)):
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
                found.append((end, certain.told_file(text, end) or rooted.rooted_file(text, end)))
            elif mark in rooted.BEHIND and text.rfind("/", max(0, end - rooted.NEAR), end) >= 0:
                looked_at += 1
                found.append((end, rooted.rooted_file(text, end)))
    return ends, others, len(text)


def _is_marked(text: str, end: int, word: str) -> bool:
    """Whether what goes on behind an extension is no part of the name: a place, a size, or a part of the file."""
    mark = text[end : end + 1]
    if mark == "#":
        return word in REFERRED_IN and PLACE.match(text, end) is not None
    if mark == "(":
        return DIAGNOSED.match(text, end) is not None or SIZE.match(text, end) is not None
    return mark == "[" and word in OF_UNITS and UNIT.match(text, end) is not None


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
        for path in _either(hit.path) if hit.path.count("/") == 1 else (hit.path,):
            known = first.get(path)
            if known is None or (known.operation == "mention" and hit.operation == "write"):
                first[path] = Hit(path, hit.operation, hit.method)
    return list(first.values())


def _either(path: str) -> tuple[str, ...]:
    """The two names of which a slash lets choose, `fig.pdf/fig.png`, or the path; a table in parts is a folder."""
    name, _, other = path.partition("/")
    if extension(name) in EITHER and extension(other) in EITHER and not other.startswith("part-"):
        return name, other
    return (path,)


def _named(text: str, end: int, beyond: str = "") -> Hit | None:
    """The file whose known extension ends at a position, if it is one; `beyond` is what its name has behind that."""
    after = text[end + len(beyond) : end + len(beyond) + WINDOW]
    low = max(0, end - WINDOW)
    window = text[low:end]
    start = token_start(window)
    quoted = quoted_start(window, start, after)
    if quoted is not None:
        start = quoted
    elif (address := address_start(window, after)) is not None:
        start = address
    elif (hashed := hashed_start(window, start, after)) is not None:
        start = hashed
    elif window[start - 1 : start] == ")" and (plain := without_bracket(window, start)) is not None:
        name = token_start(plain)
        path_start = told_start(plain, name, after) if "/" not in plain[name:] else name
        start = name if path_start is None else path_start
        if not is_copy(plain, start, after):
            return None
    elif ("\\" in window and (drive := spaced_start(window, start)) is not None) or (
        ":/" in window and (drive := slashed_start(window, start)) is not None
    ):
        start = drive
    elif (
        told := folder_start(window, start) if "/" in window[start:] else told_start(window, start, after)
    ) is not None:
        start = told
    elif window[start - 1 : start] == " " and (within := _item(window, start, after)) is not None:
        start = within
    token = window[start:]
    before = window[:start]
    if start == 0 and low:
        return None
    if before[-1:] in (">", ":") and _is_rest(token, before, after):
        return None
    if before[-1:] == "*" and EMPHASIS.search(before) and EMPHASIS_END.match(after):
        before = before[:-1]
    path = cleaned(token, before)
    if path is None or not is_plausible(path, before, after, quoted is not None):
        return None
    if "dr" in before and of_folder(before):
        return None
    if not beyond:
        path = whole_line(text, low + start, end, path) or spaced(before, path, after) or renamed(path, before)
    return Hit(path + beyond, operation(text[max(0, low + start - 160) : low + start], after), "prose.path")


def _item(window: str, start: int, after: str) -> int | None:
    """Where the name begins that is a whole entry of a tree or list, or cell of a table; None where there is none."""
    if "\u2500 " in window or "\u2500\u00a0" in window:
        return entry_start(window, start)
    if after[:2] == " |":
        return cell_start(window, start)
    return item_start(window, start) if after[:1] in LINE_ENDS else None


def _is_rest(token: str, before: str, after: str) -> bool:
    """Whether a word is the rest of a path behind something to fill in, or of an address without its scheme.

    So it is in `<path>/a.md`, but not in `<path>/tmp/a.md</path>`, and in `localhost:8000/a.csv`.
    """
    if before[-1] == ">":
        return token[:1] == "/" and not after.startswith("</") and FILLED.search(before[-40:]) is not None
    return PORT.match(token) is not None and HOST_BEFORE.search(before[-80:]) is not None


def _conventional(text: str, start: int, end: int) -> Hit | None:
    """The file of a name such as `Makefile`, where the text around it says that it is one."""
    variant = VARIANT.match(text, end) if text[start:end] in BUILD_NAMES else None
    end = variant.end() if variant else end
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
    closed = QUOTES.get(quote) == after[:1]
    quoted = closed and not (quote == '"' and name in DOCUMENT_NAMES) and name not in CONFIG_NAMES
    behind = after[1:] if closed else after
    said = (
        quoted
        or variant
        or "/" in path
        or (name[0] == "." and name != ".profile" and before[-1:] not in (")", "]") and not ENDING_WORD.match(after))
        or name in PACKAGE_NAMES
        or before.endswith(TREE)
        or cjk.FILE_BEFORE.search(before[-12:])
        or cjk.FILE_AFTER.match(after)
        or FILE_BEFORE.search(before[-24:])
        or FILE_AFTER.match(behind)
        or LISTED.fullmatch(before[before.rfind("\n") + 1 :])
        or is_listed(before, after)
        or (name in BUILD_NAMES and is_enumerated(before, after))
    )
    if not said and (name not in BUILD_NAMES or not ARTICLE.search(before[-12:])):
        return None
    if is_of_the_web(path, "", before, after):
        return None
    return Hit(path, operation(before[-160:], after), "prose.name")


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
