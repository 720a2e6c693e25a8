"""The program does without pandas and NumPy, which Arrow would load where they are installed."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.corpus import write_corpus

WORKERS_START_AT = 5_000  # records, 5 MB


@pytest.mark.slow
def test_neither_the_program_nor_its_workers_load_pandas_or_numpy(tmp_path: Path) -> None:
    """What each process of an ingest imports is in its log of imports; pandas and NumPy are not."""
    if importlib.util.find_spec("pandas") is None:
        pytest.skip("pandas, and NumPy with it, is not installed")
    write_corpus(tmp_path / "runs", WORKERS_START_AT)
    command = [sys.executable, "-m", "ingest", str(tmp_path / "runs"), "--out", str(tmp_path / "traces")]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, "PYTHONPROFILEIMPORTTIME": "1"}
    )
    imported = [line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if "|" in line]
    assert imported.count("pyarrow") > 1  # in workers too
    assert imported.count("ingest.stage") > 1
    assert "pandas.core.api" not in imported
    assert "numpy.version" not in imported


@pytest.mark.slow
def test_who_calls_ingest_from_python_keeps_pandas(tmp_path: Path) -> None:
    """In a process of the user's an ingest leaves Arrow's way to pandas alone."""
    pytest.importorskip("pandas")
    script = (
        "import ingest, pyarrow, sys; ingest.run(sys.argv[1:2], sys.argv[2]); pyarrow.table({'a': [1]}).to_pandas()"
    )
    write_corpus(tmp_path / "runs", 20, 20)
    subprocess.run([sys.executable, "-c", script, tmp_path / "runs", tmp_path / "traces"], check=True)


def test_reading_tables_loads_the_journal_format_alone() -> None:
    """Neither `ingest` nor `queries` loads the recorder, only the format that both share."""
    script = "import ingest.cli, queries.cli, sys; print(*sorted(m for m in sys.modules if m.startswith('capture')))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["capture", "capture.format"]
