"""Takes the machine out of a recording: host, folders, process id, threads, port and clock.

The recordings are published, so nothing in them may tell where they were made, and two machines should make the same.
Only text is replaced, record by record, so that every line stays a valid record; `files/` are copied byte for byte, and
a recording whose files name the machine is refused.
"""

import hashlib
import os
import platform
import re
import socket
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import orjson

from capture import format as journal

HOST = "example-host"
PROJECT = "/home/user/project"
PID = 4242
PORT = 8000
PLATFORM = "Linux-x86_64"

TIMES = ("ts", "started", "ended")
"""Fields in nanoseconds since 1970 that are moved to the time in the run's name."""

LOOPBACK = re.compile(r"127\.0\.0\.1:\d+")


class MachineNamedError(Exception):
    """Something of the machine is in what would be published."""


def machine(project: Path) -> dict[str, str]:
    """What to replace by what, longest first: the run's folder, this repository, Python's folders, home, host.

    Args:
        project: the current folder of the run, two levels below the temporary folder of the recording.
    """
    known = {
        str(project): PROJECT,
        str(project.parent.parent): "/home/user",
        str(Path(__file__).resolve().parent.parent): "/home/user/ag2-journal",
        sys.prefix: "/usr",
        sys.base_prefix: "/usr",
        os.path.realpath(sys.prefix): "/usr",
        os.path.expanduser("~"): "/home/user",
    }
    for host in (socket.getfqdn(), socket.gethostname(), platform.node()):
        # a host called `user` or `work` can't be told from the word; its field in the record is replaced in any case
        if re.search(r"[\d.-]", host):
            known[host] = HOST
    names = [n for n in known if len(n) > 1 and n != known[n]]
    return {n: known[n] for n in sorted(names, key=len, reverse=True)}


def neutral_text(text: str, known: Mapping[str, str]) -> str:
    """`text` without the machine's names and the scripted model's port."""
    # in one pass: this repository may itself lie in a folder that stands in for another
    text = _whole(known).sub(lambda found: known[found.group()], text)
    return LOOPBACK.sub(f"127.0.0.1:{PORT}", text)


def _whole(names: Iterable[str]) -> re.Pattern[str]:
    """Finds whole names only: a host called `build-1` is not in `build-10`, nor a folder `/opt` in `/optics`."""
    return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, names))})(?![\w-])")


def neutral(value: Any, known: Mapping[str, str]) -> Any:
    """A JSON value with all its texts made neutral."""
    if isinstance(value, str):
        return neutral_text(value, known)
    if isinstance(value, list):
        return [neutral(v, known) for v in value]
    if isinstance(value, dict):
        return {neutral_text(k, known): neutral(v, known) for k, v in value.items()}
    return value


def neutral_run(source: Path, target: Path, project: Path, *, torn: bool = False) -> None:
    """Copy a run's folder from `source` to the new folder `target`, without the machine.

    Args:
        project: the current folder of the run.
        torn: cut the last line in its middle. A kill in the middle of a write leaves such a line (the disk was full,
            the machine went down); the kill that these recordings really suffer does not, because a record goes to the
            kernel in one piece.

    Raises:
        MachineNamedError: a file that is copied as it is names the machine.
    """
    known = machine(project)
    target.mkdir(parents=True)
    hashes: dict[str, str] = {}
    for path in sorted(p for p in source.rglob("*") if p.is_file() and p != source / journal.JOURNAL):
        name = path.relative_to(source).as_posix()
        content = path.read_bytes()
        if not name.startswith(f"{journal.FILES}/"):
            content = orjson.dumps(neutral(orjson.loads(content), known), option=orjson.OPT_INDENT_2) + b"\n"
            hashes[name] = hashlib.sha256(content).hexdigest()
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_bytes(content)
    lines = list(_neutral_records(source / journal.JOURNAL, known, hashes))
    if torn:
        lines[-1] = lines[-1][: len(lines[-1]) // 2]
    (target / journal.JOURNAL).write_bytes(b"".join(lines))
    for path in target.rglob("*"):
        if path.is_file():
            check(path.read_bytes().decode(errors="replace"), known, str(path.relative_to(target)))


def _neutral_records(path: Path, known: Mapping[str, str], hashes: Mapping[str, str]) -> Iterator[bytes]:
    """The lines of a journal, each a neutral record."""
    shift = size = 0
    threads: dict[Any, int] = {}
    for line in path.read_bytes().splitlines():
        record = neutral(orjson.loads(line), known)
        if record["kind"] == journal.RUN_START:
            shift = started_at(record["run_id"]) - record["ts"]
            record.update(host=HOST, pid=PID)
            record["versions"]["platform"] = PLATFORM
        if record["kind"] == journal.MESSAGES and record.get("path") in hashes:
            record["sha256"] = hashes[record["path"]]
        for field in TIMES:
            if isinstance(record.get(field), int):
                record[field] += shift
        if "thread" in record:
            record["thread"] = threads.setdefault(record["thread"], len(threads) + 1)
        if record["kind"] == journal.RUN_END:
            # the recorder counts what it wrote before this record, and that is now shorter or longer
            record["stats"]["bytes"] = size
        data = orjson.dumps(record) + b"\n"
        size += len(data)
        yield data


def started_at(run_id: str) -> int:
    """The time in a run's name, in nanoseconds since 1970."""
    moment = datetime.strptime(run_id.split("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    return int(moment.timestamp()) * 10**9


def check(text: str, known: Mapping[str, str], where: str) -> None:
    """Raise `MachineNamedError` where `text` still has a name of the machine that is no stand-in as well."""
    own = [name for name in known if not any(s.startswith(name) for s in known.values())]
    found = _whole(own).search(text)
    if found:
        raise MachineNamedError(f"{where} still names the machine: {found.group()}")
