"""`ingest check`: what is in a file, and what is wrong with it."""

import re
from dataclasses import asdict, dataclass, field
from typing import Any

from ingest.found import Found, IngestError, printable, shown
from ingest.integrity import MAX_TOLD, Integrity
from ingest.read import Report, failure, read_run
from ingest.schema import TABLES

_LOST = [column.name for column in TABLES["runs"].columns].index("lost_events")
_RECORD = [[column.name for column in TABLES["journal"].columns].index(name) for name in ("seq", "record", "line")]

_SAVED = re.compile(r"-messages-\d+\.json(?:\.gz|\.zst)?$")
"""Names of transcripts that a recorder saved beside its journal."""


@dataclass
class Check:
    """What was found in one file.

    Attributes:
        status: the run's, or why the file is no run.
        records: lines or messages that were understood.
        torn: cut-off last lines.
        lost: records that the recorder declared lost, and numbers that are missing in `seq`.
        unreadable: lines that were not understood.
        bad: the first 100 of them as (line, byte offset, error).
        damage: one line for each thing that is missing, changed or doubled.
        notes: one line for each thing worth knowing that is no damage, as that a run was cut off.
        faulty: whether there is any damage or an unreadable line, a cut-off last line aside.
    """

    path: str
    run_id: str
    source: str | None = None
    status: str | None = None
    records: int = 0
    torn: int = 0
    lost: int = 0
    unreadable: int = 0
    bad: list[tuple[int, int, str]] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    faulty: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The same as a plain dict."""
        return asdict(self)

    def lines(self) -> list[str]:
        """The same for people: what a file claims can't steer a terminal."""
        if self.source is None:
            return [printable(f"{self.path}: no run, {self.status}")]
        head = f"{self.path}: {self.source}, {self.status}, {self.records} records"
        if self.lost:
            head += f", {self.lost} lost"
        bad = [f"  line {line}, byte {offset}: {error}" for line, offset, error in self.bad]
        if self.unreadable > len(self.bad):
            bad.append(f"  and {self.unreadable - len(self.bad)} more lines that can't be read")
        told = [head, *bad, *(f"  {line}" for line in (*self.damage, *self.notes))]
        return [printable(line) for line in told]


def check_file(found: Found) -> Check:
    """Read one file, and of a journal the files that it names in its folder, and write nothing but temporary files.

    Raises:
        IngestError: these can't be written.
    """
    try:
        return _check(found)
    except IngestError:  # nothing is wrong with the file
        raise
    except Exception as error:  # a mistake of ours must not cost the other files
        return Check(shown(found.path), found.run_id, status=failure(error), faulty=True)


def _check(found: Found) -> Check:
    report, check = Report(found), Check(shown(found.path), found.run_id)
    integrity = Integrity(found.folder)
    for table, rows, _ in read_run(found, report):
        if table == "quarantine":
            wanted = rows[: MAX_TOLD - len(check.bad)]
            check.bad += [(line, offset, error) for _, _, line, offset, error, _ in wanted]
        elif table == "runs":
            check.lost = sum(row[_LOST] for row in rows)
        elif table == "journal" and report.source == "journal":
            for row in rows:
                integrity.add(*(row[place] for place in _RECORD))
    check.source, check.status = report.source, report.skipped or report.status
    check.records, check.torn, check.unreadable = report.records, report.torn, report.bad
    if report.source == "journal":
        integrity.finish(report.status)
    elif report.source == "transcript" and _SAVED.search(found.path):
        integrity.notes.add("a recorder saved it beside a journal, which is not here")
    check.lost += integrity.undeclared
    check.damage, check.notes = integrity.damage.lines(), report.notes + integrity.notes.lines()
    unread = report.failed or report.damaged or report.bad > report.torn
    check.faulty = unread or check.lost > 0 or integrity.damage.count > 0
    return check
