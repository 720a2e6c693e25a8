"""Standard input as a run, or several: `cat runs/*/journal.jsonl | ingest -`.

It is copied to a file first, because telling what it is takes its beginning twice and a database is not read in order.
Journals one after another are taken apart, each into a file of its own.
"""

import hashlib
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import IO

from ingest.compressed import unpack
from ingest.found import STANDARD_INPUT, Found, IngestError
from ingest.lines import MAX_LINE, decode
from ingest.read import identify, is_journal
from ingest.regular import open_regular
from ingest.scratch import scratch_folder, scratch_in_folder
from ingest.sources.journal import has_records

_START = re.compile(rb'\{"v"\s*:\s*\d+\s*,\s*"seq"\s*:\s*0\s*,\s*"ts"\s*:\s*\d+\s*,\s*"kind"\s*:\s*"run_start"')


@contextmanager
def standard_input(paths: Sequence[str]) -> Iterator[list[Found]]:
    """Read standard input, where it is among the paths, and keep it for as long as the context lasts.

    Yields:
        A list of the runs in it, or an empty one. A journal's name is made from its first record, so that the same
        recording, which may have grown, is the same run; any other's from its content, packed or not.

    Raises:
        IngestError: it is closed.
    """
    if STANDARD_INPUT not in paths:
        yield []
        return
    with scratch_folder() as folder:
        copy = os.path.join(folder, "input")
        with scratch_in_folder(copy) as file:
            if sys.stdin is None:
                raise IngestError("standard input is closed: send a run to it, as in `ingest - < journal.jsonl`")
            shutil.copyfileobj(sys.stdin.buffer, file, 1024 * 1024)
        yield [_found(path) for path in _apart(copy)]


def _found(copy: str) -> Found:
    digest = hashlib.sha256()
    with open(copy, "rb") as file:
        while piece := file.read(1024 * 1024):
            digest.update(piece)
        size = file.tell()
    found = Found("", "", None, digest.hexdigest(), size, content=copy)
    name = f"stdin-{(identify(found) or found.stamp)[:16]}"
    return replace(found, path=name, run_id=name)


def _apart(copy: str) -> list[str]:
    """The files with what came in: the copy itself, or one for each recording where there are several."""
    if not is_journal(Found("", "", None, "", 0, content=copy)):
        return [copy]
    with open_regular(copy) as opened:
        file, archive = unpack(opened)
        names = {name for name, _ in recordings(file)}
        if len(names) < 2 or (archive is not None and archive.error):
            return [copy]
        paths: dict[str, str] = {}
        file.seek(0)
        for name, line in recordings(file):
            path = paths.setdefault(name, f"{copy}-{len(paths)}")
            with scratch_in_folder(path, "ab") as part:
                part.write(line)
    return list(paths.values())


def recordings(file: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    """Each line of a journal with what stands for the recording that it belongs to.

    A recording begins with a `run_start` that has another id. It may stand behind a line that was cut off, as `cat` of
    a run that was killed leaves it.
    """
    ids: dict[str, str] = {}
    name, has_begun = "", False
    while line := file.readline(MAX_LINE):
        for start in _START.finditer(line):
            try:
                run_id = decode(line[start.start() :])[0].get("run_id")
            except ValueError:
                continue
            if isinstance(run_id, str):
                following = ids.setdefault(run_id, run_id if has_begun else "")
                if following != name and start.start():
                    yield name, line[: start.start()]
                    line = line[start.start() :]
                name = following
            break
        has_begun = has_begun or has_records(line)
        yield name, line
