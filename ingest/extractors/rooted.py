"""Paths from a folder of the disk on, or beside other files, whatever their endings: `/scratch/run/halos.hlist`."""

from __future__ import annotations

import re
from typing import Final

from ingest.extractors.beside import is_among_files
from ingest.extractors.certain import HOMES, WINDOW, told
from ingest.extractors.model import Extractor, Hit
from ingest.extractors.paths import extension, is_local
from ingest.extractors.plausible import LIBRARIES
from ingest.extractors.spans import token_start
from ingest.extractors.vocabulary import MEMBERS, MODULES, ROOTS, WEB_FOLDERS

# a path from a folder of the disk on, with any short ending; what such endings are that folders and hosts have
PATH: Final = re.compile(r"(?:(?:~|\.{1,2})?/|[\w.@+-]+/)(?:[\w.@+-]+/)*[\w@+-][\w.@+-]*\.[a-z]{2,8}\d?")
FOLDERS: Final = frozenset(
    "git app framework bundle egg xcodeproj xcworkspace lproj zarr noindex photoslibrary venv cache".split()
)
FOLDER_BEFORE: Final = re.compile(r"(?i)(?:director(?:y|ies)|folders?|cd|mkdir|repo(?:sitory)?)\b[^\w/~.]{0,6}$")
FOLDER_AFTER: Final = re.compile(r"(?i)[ \t]+(?:directory|folder|repository)\b|:\d")
# what stands behind such a path, and how far back a folder of it is looked for at first
PLACES: Final = ('File "', "at ", "in expression starting at ")
OPENING: Final = ("", *" \t\n`'\"(=:<,[>*")
BEHIND: Final = frozenset((" ", "\t", "\n", "\r", "", ",", ";", ":", ")", "]", '"', "*", "."))
NEAR: Final = 60


def rooted_file(text: str, end: int) -> Hit | None:
    """The file that ends at a position, by its path from a folder of the disk on; its extension is not known."""
    if text[end : end + 1] == "." and text[end + 1 : end + 2].isalnum():
        return None
    low = max(0, end - WINDOW)
    window = text[low:end]
    start = token_start(window)
    path, before = window[start:], window[:start]
    suffix = extension(path)
    if (start == 0 and low) or not PATH.fullmatch(path):
        return None
    if not path.startswith(("~/", "./", "../", *ROOTS)) and (
        path.partition("/")[0] in MODULES or not is_among_files(before, text[end : end + 80])
    ):
        return None
    if before[-1:] not in OPENING or before.endswith(PLACES) or not is_local(path):
        return None
    if suffix in MEMBERS or suffix in FOLDERS or path.rpartition("/")[0] in HOMES or path.startswith(WEB_FOLDERS):
        return None
    if any(part in path for part in LIBRARIES) or FOLDER_AFTER.match(text, end) or FOLDER_BEFORE.search(before[-24:]):
        return None
    return told(text, low + start, path, "prose.rooted")


ROOTED: tuple[Extractor, ...] = (
    Extractor(
        name="prose.rooted",
        finds="paths of any other extension, from a folder of the disk on or beside other files",
        text="prose",
        example="Loaded /scratch/run/halos.hlist in 3 s",
        found=(("mention", "/scratch/run/halos.hlist"),),
        pattern=PATH.pattern,
        function=rooted_file,
    ),
)
