"""Files that prose and tool results name: what an agent says it saved, listings, attached files, paths in a sentence.

Dots with a known extension behind them are found first; only around those is anything looked at closely, in windows of
bounded size. A text without any costs two passes of RE2.
"""

from __future__ import annotations

import re
from typing import Final

import re2

from ingest.extractors.blocks import prose, sound
from ingest.extractors.model import Extractor, Hit
from ingest.extractors.paths import EXTENSIONS, HOST, WEAK_EXTENSIONS, extension, is_local

# how far before and after an extension a path, its quotes and its sentence are looked for
WINDOW: Final = 300
KNOWN: Final = EXTENSIONS | WEAK_EXTENSIONS
# a dot and the word behind it; Python's `re`, which is linear here and costs less a match than RE2
ENDING_PATTERN: Final = r"\.([A-Za-z0-9_]{1,11})"
ENDING: Final = re.compile(ENDING_PATTERN)
# whether there is any known one, at the speed of RE2: most messages name no file
ANY_ENDING: Final = re2.compile(r"(?i)\.(?:" + "|".join(sorted(KNOWN)) + r")\b")
# words that stand before a file that a tool made, whatever the file's extension
SAVED_PATTERN: Final = (
    r"(?i)\b(?:(?:saved|written|wrote|exported|stored|dumped|downloaded|output|rendered|logged)(?:[ \t]+\w+){0,4}?"
    r"[ \t]+(?:to|as|in|into|at|under)|(?:created|generated|output|wrote|saved)(?:[ \t]+\w+){0,2}?[ \t]+file"
    r"|output[ \t]+(?:file|path)|file)(?:[ \t]+(?:the[ \t]+)?(?:file|path))?[ \t]*:?[ \t]*[`'\"(\[*]{0,3}"
    r"((?:[A-Za-z]:\\|~?/|\.{0,2}/)?[\w][\w./\\~+-]*\.[A-Za-z]\w{0,9})"
)
SAVED_TO: Final = re2.compile(SAVED_PATTERN)
_MADE: Final = r"saved|written|created|generated|exported|downloaded|produced"
# in the sentence before the path
WRITTEN: Final = re.compile(
    r"(?i)\b(?:" + _MADE + r"|wrote|stored|dumped|rendered|logged|recorded)\b"
    r"|\b(?:output|result|log)[ \t]+(?:file|path)[ \t]*:[ \t]*\S{0,3}$|^[ \t]*file:[ \t]*\S{0,3}$"
)
SEPARATORS: Final = re.compile(r"[\s:,;&'\"`*()]+")
LISTING: Final = frozenset(("", "and", "or", "the", "file", "files", "to", "as", "in", "plus"))
# right after the path
WRITTEN_AFTER: Final = re.compile(
    r"(?i)^[`'\"*)]{0,3}[ \t]+(?:(?:has|have|was|were|is|are)[ \t]+)?(?:been[ \t]+)?(?:successfully[ \t]+)?"
    r"(?:" + _MADE + r")\b"
)
# what is said to be wanted, planned or failed has not been made
NOT_WRITTEN: Final = re.compile(
    r"(?i)\b(?:not|never|cannot|can't|couldn't|failed|unable|error|will|would|should|could|can|must|please|to be|if"
    r"|once|when)\b"
)
BARE: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./~+-")
QUOTES: Final = {"'": "'", '"': '"', "`": "`", "*": "*", "\u201c": "\u201d", "\u2018": "\u2019", "\u00ab": "\u00bb"}
CLOSERS: Final = frozenset(QUOTES.values())
AFTER_NAME: Final = frozenset(" \t`'\"*)")
BREAKS: Final = frozenset(" \t\r\n<>\"'`|")
# names with a dot that are products, modules or attributes, not files
PRODUCTS: Final = frozenset(
    "node next vue react three express d3 chart nuxt angular backbone ember moment p5 discord socket.io require alpine"
    " plotly.js matter brain ml tensorflow plotly".split()
)
MODULES: Final = frozenset(
    "np numpy pd pandas plt matplotlib os sys tf torch self df cv2 math console process app request requests response"
    " module system this re json pickle scipy sklearn series xml html email http urllib window document fig ax obj"
    " builtins r res resp img args opts kwargs".split()
)
# attributes of those that are spelt like extensions of files
ATTRIBUTES: Final = WEAK_EXTENSIONS | {"log", "html", "mat", "json"}
# what no attribute is called
NO_ATTRIBUTES: Final = frozenset(
    "py ipynb csv tsv txt md yaml yml toml xlsx docx pptx png jpg jpeg jsonl cpp java tex ini"
    " cfg css scss jsx tsx sh".split()
)
# of the weak ones those that are files also without quotes, where the name is spelt as a file's
USUAL: Final = frozenset("js ts vue dat php".split())
# what stands before a name in the listing of a folder
TREE: Final = ("\u2500 ", "|-- ", "`-- ", "+-- ")
COMPRESSED: Final = frozenset("gz bz2 xz zst zip".split())
FOLDERS: Final = tuple(
    "/workspace /home /tmp /mnt /data /content /srv /usr /var /users /root /app /opt /work /kaggle /etc /private"
    " /volumes /scratch /project /output /input /results /notebooks /code /repo /src /media/ /storage /lustre"
    " /gpfs /nfs".split()
)
LIBRARIES: Final = ("site-packages/", "dist-packages/", "/lib/python", "<frozen")
# a wiki's page of a file, whose name may have blanks
WIKI_FILE: Final = re.compile(r"\b(?:File|Image):[^\s\"'*`_][^\n\"'\])|]*$")
# a place in the source of a library, as its log names it
LOG_PLACE: Final = re.compile(r"^:\d+[\]:)]")
# what stands at the root of a web site more often than at that of a disk
WEB: Final = frozenset("png jpg jpeg svg ico css gif webp html htm xml".split())
PAGES: Final = frozenset("html htm php aspx asp".split())
SOURCES: Final = frozenset("cc cpp c h hpp cu".split())
# what stands before or after a name that is no local file: links into the web, breadcrumbs, wiki pages
LINKED_BEFORE: Final = ("](#", "File:", "Image:", "title=", 'href="', "href='", 'src="', "src='", "\u203a ", "\u203a")
LINKED_AFTER: Final = ("](http", "](/wiki", "](//", "](file:", " \u203a")
LOWER_WORDS: Final = frozenset("of the and for in on a an to by vs with final draft copy".split())


def extract_text(text: str) -> list[Hit]:
    """Files that a message or a tool result names outside its code blocks.

    Args:
        text: the whole content, code blocks included (they are passed over).

    Returns:
        One hit per path, in order of first appearance: `write` where the text says that the file was saved, written,
        created or generated, else `mention`. No web addresses, folders, or frames of a traceback. Linear in the length
        of the text.
    """
    if "." not in text:
        return []
    text = sound(text)
    if "```" in text:
        text = prose(text)
    found: dict[str, Hit] = {}
    ends: set[int] = set()
    known = ANY_ENDING.search(text) is not None
    others = not known
    for match in ENDING.finditer(text) if known else ():
        end = match.end()
        if match.group(1).lower() in KNOWN:
            ends.add(end)
            _note(found, _named(text, end))
        elif not match.group(1)[0].isdigit():
            others = True
    if others:
        for match in SAVED_TO.finditer(text):
            start, end = match.span(1)
            if end not in ends:
                _note(found, _saved(text, start, end))
    return list(found.values())


def _note(found: dict[str, Hit], hit: Hit | None) -> None:
    """Keep a hit, or raise a mention noted earlier to a write."""
    if hit is None:
        return
    known = found.get(hit.path)
    if known is None or (known.operation == "mention" and hit.operation == "write"):
        found[hit.path] = hit


def _known(path: str) -> bool:
    suffix = extension(path)
    return suffix in EXTENSIONS or suffix in WEAK_EXTENSIONS


def _named(text: str, end: int) -> Hit | None:
    """The file whose name ends at a position, if it is one."""
    after = text[end : end + WINDOW]
    if _continues(after):
        return None
    low = max(0, end - WINDOW)
    window = text[low:end]
    start = _token_start(window)
    quoted = _quoted_start(window, start, after)
    if quoted is not None:
        start = quoted
    token = window[start:]
    before = window[:start]
    if start == 0 and low:
        return None
    path = _cleaned(token, before)
    if path is None or not _plausible(path, before, after, quoted is not None):
        return None
    path = _whole_line(text, low + start, end, path) or _spaced(before, path, after) or path
    return Hit(path, _operation(text[max(0, low + start - 160) : low + start], after), "prose.path")


def _continues(after: str) -> bool:
    """Whether a name goes on after its extension, or is called, so that it is something else."""
    first, second = after[:1], after[1:2]
    if first.isalnum() or first in ("(", "=", "["):
        return True
    if first == "\\" and second in ("n", "r", "t"):
        return False  # a line end or tab, as text inside JSON has it
    if first in ("-", "@", "\\", "."):
        return second.isalnum()
    return first in ("/", "?", "#", "%", "&") and second not in ("", " ", "\n")


def _token_start(window: str) -> int:
    """Where the word that ends the window begins; a backslash before `_` is Markdown's, not a folder's."""
    index = len(window)
    while index:
        character = window[index - 1]
        escaped = character == "\\" and window[index : index + 1] == "_"
        if (
            character in BARE
            or escaped
            or (character > "\x7f" and character.isalnum())
            or _comma(window, index)
            or (character == "=" and _in_path(window[:index]))
            or (character == "\\" and index < len(window) and _windows(window[:index]))
        ):
            index -= 1
        elif character == ":" and window[index : index + 1] == "\\" and index > 1 and window[index - 2].isalpha():
            index -= 2
            break
        else:
            break
    # an escaped line end, as text inside JSON has it
    if index and window[index - 1] == "\\" and window[index : index + 1] in ("n", "t", "r"):
        index += 1
    return index


def _comma(window: str, index: int) -> bool:
    """Whether a comma belongs to a path: text on both sides, and a folder but no finished file before it."""
    if window[index - 1] != "," or index >= len(window) or window[index].isspace():
        return False
    head = window[: index - 1]
    chunk = head[max(map(head.rfind, " \t\n\"'`(<[|")) + 1 :]
    return chunk.startswith(("/", "./", "../", "~/")) and not _known(chunk)


def _in_path(before: str) -> bool:
    """Whether a `=` at the end of the text belongs to a path, such as `data/date=2026-01-31/a.csv`."""
    if before.count("=") > 8:
        return False
    chunk = _chunk(before)
    return "/" in chunk and "://" not in chunk and not any(mark in chunk for mark in "?&(,;:") and chunk[0] not in "-$"


def _windows(before: str) -> bool:
    """Whether a backslash at the end of the text is a Windows path's."""
    head = before[-200:]
    colon = head.rfind(":\\")
    return colon > 0 and head[colon - 1].isalpha() and not any(character in BREAKS for character in head[colon:])


def _quoted_start(window: str, start: int, after: str) -> int | None:
    """Where a quoted name begins whose closing quote follows the window, or None without quotes."""
    closing = after[:1]
    if closing not in CLOSERS or not closing:
        return None
    opening = next(key for key, value in QUOTES.items() if value == closing)
    if start and window[start - 1] == opening:
        return start
    line = window.rfind("\n", 0, start) + 1
    found = window.rfind(opening, line, start)
    if found < 0:
        return None
    content = window[found + 1 :]
    words = content.split(" ")
    if len(words) > 8 or any(mark in content for mark in "=(){}<>|;:") or ", " in content:
        return None
    if any(not word for word in words) or not all(_title(word) for word in words[:-1]):
        return None
    # an odd number of quotes before means that this one closes
    if opening == closing and window.count(opening, line, found) % 2:
        return None
    return found + 1


def _title(word: str) -> bool:
    """Whether a word can stand inside a file name with blanks: capitalised, a number, or a small word."""
    return word[:1].isupper() or word[:1].isdigit() or word in LOWER_WORDS or not word[:1].isalnum()


def _cleaned(token: str, before: str) -> str | None:
    """The path as it would be opened: no Markdown escapes, no scheme of a local address; None for a web address."""
    token = token.replace("\\_", "_").lstrip("+-")
    if before[-1:] in ("$", "{", "}", "*", "%", ">", "@", "=") and not (before.endswith("**") or before[-1:] == "="):
        return None
    chunk = _chunk(before)
    if before.endswith(("file:", "sandbox:")):
        return "/" + token.lstrip("/") if token.startswith("/") else None
    scheme = chunk.rfind("://")
    if scheme >= 0:
        return token if chunk[scheme - 4 : scheme] == "file" and ")" in chunk[scheme:] else None
    if token.startswith("//") or before.endswith(("://", "mailto:", "arXiv:")):
        return None
    return token


def _chunk(before: str) -> str:
    """What stands before a path without a blank between."""
    index = len(before)
    while index and before[index - 1] not in BREAKS:
        index -= 1
    return before[index:]


def _plausible(path: str, before: str, after: str, quoted: bool) -> bool:
    """Whether a word with a known extension is a local file, judged by itself and what stands around it."""
    suffix = extension(path)
    if not suffix or not is_local(path) or HOST.match(path) or "..." in path:
        return False
    if _of_the_web(path, suffix, before, after) or _of_a_library(path, suffix, before, after):
        return False
    stem = path.rsplit("/", 1)[-1][: -len(suffix) - 1]
    if "/" not in path and _is_attribute(stem, suffix, quoted):
        return False
    if suffix in WEAK_EXTENSIONS and not quoted and "/" not in path:
        usual = suffix in USUAL and stem.islower() and len(stem) > 2 and "." not in stem
        if not usual and not before.endswith(TREE) and not WRITTEN.search(_sentence(before)):
            return False
    return any(character.isalnum() for character in stem)


def _of_the_web(path: str, suffix: str, before: str, after: str) -> bool:
    """Whether a name is that of a page, of a picture on one, or a link's text."""
    if (
        after.startswith(LINKED_AFTER)
        or before.endswith(LINKED_BEFORE)
        or ("e:" in before[-120:] and WIKI_FILE.search(before[-120:]))
    ):
        return True
    if before.endswith("](") and (suffix in PAGES or (path[0] == "/" and not path.lower().startswith(FOLDERS))):
        return True
    at_root = path[0] == "/" and path.count("/") == 1
    return (at_root and suffix in WEB) or "/wiki/" in path or "thumb/" in path or path.startswith("wiki/")


def _of_a_library(path: str, suffix: str, before: str, after: str) -> bool:
    """Whether a name is a place in source code, as tracebacks, warnings and logs name it."""
    if before.endswith('File "') and after.startswith('", line'):
        return True
    return any(part in path for part in LIBRARIES) or (suffix in SOURCES and LOG_PLACE.search(after) is not None)


def _is_attribute(stem: str, suffix: str, quoted: bool) -> bool:
    """Whether a name without a folder is a product, or an attribute of a module or object."""
    if stem.lower() in PRODUCTS and suffix == "js":
        return True
    if stem.lower() in MODULES and suffix in NO_ATTRIBUTES:
        return False
    if stem.split(".", 1)[0].lower() in MODULES and (not quoted or suffix in ATTRIBUTES):
        return True
    dotted = "." in stem and not stem.endswith(".tar")
    if suffix in COMPRESSED and _known(stem):
        return False
    return dotted and not quoted and stem.islower() and stem.replace(".", "").isalpha()


def _whole_line(text: str, start: int, end: int, path: str) -> str | None:
    """The whole line, where it is one name with blanks in a listing of names."""
    line_start = text.rfind("\n", max(0, start - 120), start) + 1
    if line_start >= start or (not line_start and start > 120):
        return None
    line_end = text.find("\n", end, end + 2)
    if line_end < 0 and len(text) > end:
        return None
    line = text[line_start:end].strip()
    if " " not in line or len(line) > 100 or any(mark in line for mark in ":\"'`()[]|*,;="):
        return None
    previous = text[max(0, line_start - 200) : max(0, line_start - 1)].rsplit("\n", 1)[-1].strip()
    following = text[line_end + 1 : line_end + 200].split("\n", 1)[0].strip() if line_end >= 0 else ""
    if any(neighbour and " " not in neighbour and _known(neighbour) for neighbour in (previous, following)):
        return line
    return None


def _spaced(before: str, path: str, after: str) -> str | None:
    """The whole path, where its folders start on the same line, a blank stands in it, and the line ends with it."""
    if path.startswith(("/", ".", "~")) or after[:1] not in ("", "\n", "\r") or before[-1:] != " ":
        return None
    line = before[before.rfind("\n") + 1 :]
    start = max(line.rfind(" /"), line.rfind(" ./"), line.rfind(" ~/"))
    head = line[start + 1 :]
    if (
        start < 0
        or head.count("/") < 2
        or len(head.split(" ")) > 5
        or _known(head.rstrip())
        or any(mark in head for mark in ",;:\"'")
    ):
        return None
    return head + path


def _operation(before: str, after: str) -> str:
    """`write` where the sentence says that the file was made, else `mention`."""
    sentence = _sentence(before)
    match = WRITTEN.search(sentence)
    if match and not NOT_WRITTEN.search(sentence[: match.start()]):
        # another name may stand between only in a list of names
        between = SEPARATORS.split(sentence[match.end() :])
        if not any("." in word for word in between) or all("." in word or word in LISTING for word in between):
            return "write"
    return "write" if after[:1] in AFTER_NAME and WRITTEN_AFTER.search(after[:80]) else "mention"


def _sentence(before: str) -> str:
    """The part of the text before a path that is of the same sentence; a colon leads over a line end."""
    stripped = before.rstrip()
    text = stripped if stripped.endswith(":") else before
    return text[max(map(text.rfind, (". ", "! ", "? ", "\n"))) + 1 :]


def _saved(text: str, start: int, end: int) -> Hit | None:
    """A file of an extension that is not known, after words that say it was saved."""
    path = text[start:end]
    before, after = text[max(0, start - WINDOW) : start], text[end : end + 20]
    if (
        after[:1].isalnum()
        or after[:1] in ("/", "(", "-", "@", "=", "[")
        or not is_local(path)
        or "://" in _chunk(before)
    ):
        return None
    suffix = extension(path)
    if not suffix or not any(character.isalpha() for character in suffix) or HOST.match(path) or before.endswith("://"):
        return None
    if "/" not in path and before[-1:] not in QUOTES:
        return None
    if "..." in path or any(part in path for part in LIBRARIES) or before.endswith('File "'):
        return None
    return Hit(path, _operation(before[-160:], after), "prose.saved")


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
        name="prose.saved",
        finds="paths of any other extension after `saved to`, `written to`, `created file`, `output file`, `file:`",
        text="prose",
        example="Checkpoint saved to 'run/model.weights1'.",
        found=(("write", "run/model.weights1"),),
        pattern=SAVED_PATTERN,
        function=extract_text,
    ),
)
