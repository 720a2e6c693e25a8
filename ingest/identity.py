"""Under which id a file stands in the tables.

A file keeps the id that it was first given, also where it was moved or packed since. That is told by what is in it: a
folder of the same name elsewhere may hold another run.
"""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ingest.compressed import SUFFIXES
from ingest.found import JOURNALS, Found, holds_no_run, shown
from ingest.known import Known
from ingest.read import identify, is_journal

_PLACE = re.compile(r"~[0-9a-f]{8}$")


def keep_ids(found: list[Found], known: Iterable[Known]) -> list[Found]:
    """The same files with the ids that they have in the tables.

    Args:
        found: files, each with the id that its name suggests.
        known: what the tables know of files.

    Returns:
        As many files. A run that was moved has the id that it had; an id that another run has is not given again.
    """
    before = {k.path: k for k in known}
    taken = {k.run_id for k in before.values() if k.run_id is not None}
    there = {shown(f.path) for f in found}
    elsewhere: defaultdict[str, list[Known]] = defaultdict(list)
    for k in sorted(before.values(), key=lambda k: len(k.run_id or "")):
        if k.run_id is not None and k.path not in there:
            elsewhere[name(k.run_id)].append(k)
    result = []
    for f in found:
        run_id = f.run_id
        same = before.get(shown(f.path))
        if same is not None and same.run_id is not None:
            run_id = same.run_id
        elif moved := _moved(f, elsewhere.get(name(f.run_id), [])):
            elsewhere[name(f.run_id)].remove(moved)
            run_id = moved.run_id or run_id
        elif again := _again(f, elsewhere.values()):
            elsewhere[name(again.run_id or "")].remove(again)
            run_id = again.run_id or run_id
        else:
            run_id = f.own_id(taken)
        taken.add(run_id)
        result.append(f if run_id == f.run_id else replace(f, run_id=run_id))
    return result


def displaced(found: Sequence[Found], known: Mapping[str, Known]) -> list[Known]:
    """The runs of the tables in whose places others of the tables stand by now, which were moved there.

    Args:
        found: files.
        known: what the tables know of files, by path.
    """
    changed = [f for f in found if (k := known.get(shown(f.path))) is None or k.stamp != f.stamp]
    if not changed:
        return []
    paths = {shown(f.path) for f in found}
    before, elsewhere = dict[str, Known](), defaultdict[str | None, list[str]](list)
    for k in known.values():
        if k.run_id and k.identity:
            before[place(k.path)] = k
            if k.path not in paths:
                elsewhere[k.identity].append(k.path)
    there = [(f, k) for f in changed if elsewhere and (k := before.get(place(shown(f.path)))) is not None]
    return [k for f, k in there if (here := identify(f)) != k.identity and any(map(holds_no_run, elsewhere[here]))]


def renamed(found: Sequence[Found], known: Iterable[Known]) -> dict[str, Known]:
    """Which runs stand in the tables under a name that is gone, because their folder or file was renamed.

    Args:
        found: files, with the ids that `keep_ids` gave them.
        known: what the tables know of files.

    Returns:
        By path of a file that is not in the tables the run that it was: its own file holds no run
        any more and had the same in it, or it was a journal from standard input. Of several copies the first is
        that run, the others are runs of their own.
    """
    before = list(known)
    paths, ids = {k.path for k in before}, {k.run_id for k in before}
    there = {shown(f.path) for f in found}
    new = [f for f in found if shown(f.path) not in paths and f.run_id not in ids]
    lost: dict[str, Known] = {}
    for k in before if new else ():
        was_file = os.path.isabs(k.path)  # what came from standard input was never there
        if k.run_id is None or k.identity is None or k.path in there or not (was_file or k.format == "journal"):
            continue
        if not was_file or holds_no_run(k.path):
            lost.setdefault(k.identity, k)
    result = {}
    for f in new if lost else ():
        if was := lost.pop(identify(f) or "", None):
            result[shown(f.path)] = was
    return result


def sent_twice(found: Sequence[Found], known: Mapping[str, Known]) -> dict[str, Found]:
    """Which journals from standard input lie in a run's folder as well.

    Args:
        found: files.
        known: what the tables know of files, by path. One that did not change is not looked into.

    Returns:
        By path of one from standard input the other.
    """
    sent = {identify(f): f.path for f in found if f.content is not None and is_journal(f)}
    result: dict[str, Found] = {}
    for f in found if sent else ():
        if f.folder is not None:
            k = known.get(shown(f.path))
            identity = k.identity if k is not None and k.stamp == f.stamp else identify(f)
            if identity is not None and identity in sent:
                result.setdefault(sent[identity], f)
    return result


def place(path: str) -> str:
    """What tells the place of a run: the folder of a journal, packed or not, and the path of any other file."""
    folder, file = os.path.split(path)
    return folder if file in JOURNALS else path


def name(run_id: str) -> str:
    """An id without what was added to it to tell apart two of a name, and without the ending of a packed file."""
    run_id = _PLACE.sub("", run_id)
    packed = next((suffix for suffix in SUFFIXES if suffix and run_id.endswith(suffix)), "")
    return run_id.removesuffix(packed)


def _again(found: Found, candidates: Iterable[Iterable[Known]]) -> Known | None:
    """The run in the tables that a journal from standard input is, which was read from a file before."""
    if found.content is None:
        return None
    known = [k for some in candidates for k in some if k.format == "journal" and k.identity is not None]
    identity = identify(found) if known else None
    return next((k for k in known if k.identity == identity), None)


def _moved(found: Found, candidates: list[Known]) -> Known | None:
    """Which of these files, none of which is among those that were found, this one was: a run's folder has one journal,
    packed or not; elsewhere the old file holds no run any more and had the same in it."""
    for k in candidates:
        folder, file = os.path.split(k.path)
        if found.folder is not None and folder == shown(found.folder) and file in JOURNALS:
            return k
    here = None
    for k in candidates:
        if k.identity is not None and holds_no_run(k.path):
            here = here or identify(found)
            if here == k.identity:
                return k
            if here is None:
                return None
    return None
