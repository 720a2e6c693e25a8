"""How much of the machine an ingest takes: which cores, and what memory for the processes that read."""

import os
from collections.abc import Iterable, Sequence

from ingest.compressed import SUFFIXES
from ingest.found import Found

MEMORY = 900_000_000
"""Bytes that all workers may take together, so that with the process that started them it is less than a gigabyte."""

WORKER = 120_000_000
"""Bytes that a worker takes, whatever it reads."""

HELD = 0.6
"""Bytes that are held of a run until it has been read, for each of its bytes: 0.4 to 0.7 of journals."""

UNPACKED = 10
"""Bytes that an archive's byte stands for."""

CORES = 8
"""More are not used: each takes memory, DuckDB's as well."""


def cores() -> int:
    """Cores to use, of those that this process may use, which need not be all of the machine."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(CORES, allowed)


def held(share: Iterable[Found]) -> int:
    """Bytes that a worker holds at most, besides what each takes, for one file after the other."""
    return max(int(HELD * found.size * (UNPACKED if found.path.endswith(SUFFIXES[1:]) else 1)) for found in share)


def workers(shares: Sequence[Sequence[Found]]) -> int:
    """How many read at once: one for each core, so many that memory is left for the largest run."""
    left = MEMORY - max(map(held, shares), default=0)
    return max(1, min(cores(), len(shares), left // WORKER))
