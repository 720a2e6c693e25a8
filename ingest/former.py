"""Tables that another version of this package made: what they were read from is read again, and nothing is lost.

What can't be read again, because its file is gone or was standard input, stays in the old database, which is kept.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace

from ingest.discover import as_told, found_at
from ingest.found import JOURNALS, Found, on_disk, shown
from ingest.known import Former, Known
from ingest.read import Report
from ingest.sources import SOURCES


def runs_of(former: Former) -> list[Known]:
    """The files of which something stands in the tables; of several journals in a folder one."""
    files: dict[str, Known] = {}
    for k in sorted(former.known, key=lambda k: len(k.run_id or "")):
        if k.run_id is not None or k.bad:
            folder, file = os.path.split(k.path)
            files.setdefault(folder if file in JOURNALS else k.path, k)
    return list(files.values())


def with_former(found: list[Found], known: Sequence[Known], out: str, tell: Callable[[str], None]) -> list[Found]:
    """What was found, and what the tables were read from besides, where it is still there.

    Args:
        found: from the paths that were given.
        known: files that the tables were read from.
        out: the folder of tables.
        tell: called with one line where a file can't be looked at.
    """
    paths = {f.path for f in found}
    folders = {f.folder for f in found if f.folder is not None}
    result = list(found)
    for k in known:
        again = found_at(on_disk(k.path), out, tell)
        if again is not None and again.path not in paths and again.folder not in folders:
            if k.run_id is not None:
                again = replace(again, run_id=k.run_id)
            result.append(as_told(again, *_told(k.stamp)))
    return result


def _told(stamp: str) -> tuple[str | None, tuple[str, ...]]:
    """The source and the folders of files that the user named when a file was read: they stand behind its stamp."""
    _, _, told = stamp.partition(" ")
    source, _, roots = told.partition(" ")
    if source not in {s.name for s in SOURCES}:
        source, roots = "", told
    return source or None, tuple(f"/{root}" for root in f" {roots}".split(" /")[1:])


def not_read_again(known: Sequence[Known], reports: Sequence[Report], dropped: Sequence[Known]) -> int:
    """Of how many files that stand in the former tables nothing could be read now.

    Args:
        known: those files.
        reports: what was read.
        dropped: those of them that are gone and are to leave the tables.
    """
    read = [report.found for report in reports if report.source]
    places = {shown(f.path) for f in read} | {k.path for k in dropped}
    folders = {shown(f.folder) for f in read if f.folder is not None}

    def is_here(k: Known) -> bool:
        folder, file = os.path.split(k.path)
        return k.path in places or (file in JOURNALS and folder in folders)

    return sum(not is_here(k) for k in known)
