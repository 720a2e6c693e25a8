"""Turns the recordings of AG2 agents into tables: journals and transcripts in, Parquet and DuckDB out.

It reads files and nothing else: it works where AG2 is not installed, and never runs what it reads.
"""

from typing import TYPE_CHECKING, Any

from ingest.found import IngestError

if TYPE_CHECKING:
    from ingest.pipeline import run
    from ingest.summary import Summary

__all__ = ["IngestError", "Summary", "run"]


def __getattr__(name: str) -> Any:
    # Arrow is loaded when it is used: `queries` reads this package's schema and views, and needs no Arrow.
    if name in ("Summary", "run"):
        from ingest import pipeline

        return getattr(pipeline, name)
    raise AttributeError(f"module 'ingest' has no attribute {name!r}")
