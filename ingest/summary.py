"""What an ingest did, and what it says of it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from ingest.found import gone, shown
from ingest.known import Known
from ingest.read import Report
from ingest.store import Change


@dataclass
class Summary:
    """What an ingest did.

    Attributes:
        found: files that may be runs.
        new: runs that were not in the tables before.
        updated: runs that were replaced.
        unchanged: files that were not read again.
        skipped: files that are no run, also those of which nothing but lines in `quarantine` came.
        dropped: runs that left the tables because their files are gone, or no runs of their own any more.
        pruned: files that were left out because their runs were pruned.
        sources: how many runs were read by which source.
        lines: lines and messages read.
        journal_rows: of them, rows in `journal`.
        quarantine_rows: of them, rows in `quarantine`.
        torn: of those, lines that were cut off at the end of a file.
        quarantined: lines that stand in `quarantine` now, whenever they were read, those that were cut off aside.
        damaged: files of which nothing can be read although they may be runs, and folders.
        bytes: size of what was read.
        seconds: time taken.
        notes: one line for each thing worth knowing, such as a skipped file.
        out: the folder of tables.
    """

    out: str
    found: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    dropped: int = 0
    pruned: int = 0
    sources: dict[str, int] = field(default_factory=dict)
    lines: int = 0
    journal_rows: int = 0
    quarantine_rows: int = 0
    torn: int = 0
    quarantined: int = 0
    damaged: int = 0
    bytes: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The same as a plain dict."""
        return asdict(self)


def count_read(
    reports: list[Report],
    before: dict[str, Known],
    was: dict[str, Known],
    summary: Summary,
    tell: Callable[[str], None],
) -> None:
    """Note what came of the files that were read, with a line for each thing worth knowing.

    Args:
        reports: what was read.
        before: what the tables knew, by path.
        was: by path of a file the run that it was under another name.
        summary: is added to.
        tell: called with each line.
    """
    sources: Counter[str] = Counter()
    runs = {k.path: k.run_id for k in before.values() if k.run_id is not None}
    ids = set(runs.values())
    for report in reports:
        path = shown(report.found.path)
        left = ""
        if path in runs and not report.is_run and not report.failed:
            summary.dropped += 1
            left = f"; its run {runs[path]} left the tables"
        if report.skipped:
            summary.skipped += 1
            tell(f"{path}: skipped, {report.skipped}{left}")
            continue
        if path in was:
            tell(f"{path}: the run {was[path].run_id} is now {report.found.run_id}")
        if not report.is_run:
            summary.skipped += 1  # what stands in quarantine of it is told below
        elif path in runs or path in was or report.found.run_id in ids:
            summary.updated += 1
        else:
            summary.new += 1
        if report.is_run:
            sources[report.source or ""] += 1
        summary.lines += report.records + report.bad
        summary.quarantine_rows += report.bad
        summary.torn += report.torn
        summary.bytes += report.found.size
        for line in report.notes:
            tell(f"{path}: {line}")
        if report.bad:
            torn = " (cut off at its end)" if report.torn == report.bad else ""
            tell(f"{path}: {report.bad} unreadable line{'s' if report.bad > 1 else ''} in quarantine{torn}{left}")
    summary.sources = dict(sources)


def take_stock(change: Change, unchanged: set[str], summary: Summary, tell: Callable[[str], None]) -> None:
    """What is wrong with the tables as they are now, whether it was just read or long ago."""
    for k in change.after:
        summary.quarantined += k.bad - k.torn
        if k.damage is not None:
            summary.damaged += 1
            if k.path in unchanged:
                tell(f"{k.path}: still damaged, {k.damage}")
    summary.damaged += sum(r.failed and not gone(shown(r.found.path)) for r in change.reports)
