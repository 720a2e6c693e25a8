"""`ingest check`: what is in a file, and what is wrong with it."""

from dataclasses import asdict, dataclass, field
from typing import Any

from ingest.discover import Found
from ingest.read import Report, read_run
from ingest.schema import TABLES

_LOST = [column.name for column in TABLES["runs"].columns].index("lost_events")


@dataclass
class Check:
    """What was found in one file.

    Attributes:
        status: the run's, or why the file is no run.
        bad: unreadable lines as (line, byte offset, error).
        lost: records that the recorder declared lost, and numbers that are missing in `seq`.
    """

    path: str
    run_id: str
    source: str | None
    status: str | None
    records: int
    torn: int
    lost: int = 0
    bad: list[tuple[int, int, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def faulty(self) -> bool:
        """Whether something is missing or can't be read, a cut-off last line aside."""
        return len(self.bad) > self.torn or self.lost > 0

    def as_dict(self) -> dict[str, Any]:
        """The same as a plain dict."""
        return asdict(self)

    def lines(self) -> list[str]:
        """The same for people."""
        if self.source is None:
            return [f"{self.path}: no run, {self.status}"]
        head = f"{self.path}: {self.source}, {self.status}, {self.records} records"
        if self.lost:
            head += f", {self.lost} lost"
        bad = [f"  line {line}, byte {offset}: {error}" for line, offset, error in self.bad]
        return [head, *bad, *(f"  {note}" for note in self.notes)]


def check_file(found: Found) -> Check:
    """Read one file and write nothing."""
    report, lost = Report(found), 0
    bad: list[tuple[int, int, str]] = []
    for table, rows, _ in read_run(found, report):
        if table == "quarantine":
            bad += [(line, offset, error) for _, _, line, offset, error, _ in rows]
        elif table == "runs":
            lost = sum(row[_LOST] for row in rows)
    status = report.skipped or report.status
    return Check(found.path, found.run_id, report.source, status, report.records, report.torn, lost, bad, report.notes)
