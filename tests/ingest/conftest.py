"""What the ingester's tests share: ingest a folder, look at the tables."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ingest
from tests.ingest.tables import Tables

Ingest = Callable[..., Tables]


@pytest.fixture
def ingested(tmp_path: Path) -> Ingest:
    """Ingests the given paths into `<tmp_path>/traces` and gives the tables."""

    def run(*paths: Path, **options: Any) -> Tables:
        out = tmp_path / "traces"
        return Tables(out, ingest.run([str(p) for p in paths], str(out), **options))

    return run


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """An empty folder for runs."""
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder
