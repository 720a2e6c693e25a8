"""Turns the recordings of AG2 agents into tables: journals and transcripts in, Parquet and DuckDB out.

It reads files and nothing else: it works where AG2 is not installed, and never runs what it reads.
"""

from ingest.discover import IngestError
from ingest.pipeline import Summary, run

__all__ = ["IngestError", "Summary", "run"]
