"""The partition of the Parquet files is read as the README says, whatever days there are."""

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.ingest.conftest import Ingest
from tests.ingest.tables import logged, write_journal

README = Path(__file__).resolve().parents[2] / "README.md"


def shown(engine: str) -> str:
    """What the README has to type in an engine."""
    (code,) = re.findall(rf"^\| {engine} \| `(.*)` \|$", README.read_text(encoding="utf-8"), re.MULTILINE)
    return str(code)


def duckdb_dates() -> list[Any]:
    """The partitions as DuckDB gives them."""
    return [date for (date,) in duckdb.sql(f"SELECT date {shown('DuckDB')} ORDER BY date").fetchall()]


def polars_dates() -> list[Any]:
    """The same of polars."""
    pl = pytest.importorskip("polars")
    return sorted(eval(shown("polars"), {"pl": pl})["date"].to_list())


def pandas_dates() -> list[Any]:
    """The same of pandas."""
    pd = pytest.importorskip("pandas")
    import pyarrow as pa
    import pyarrow.dataset as ds

    return sorted(eval(shown("pandas"), {"pd": pd, "pa": pa, "ds": ds})["date"].tolist())


@pytest.mark.few
@pytest.mark.parametrize("dates", [duckdb_dates, polars_dates, pandas_dates])
def test_the_partition_is_text(
    dates: Any, runs: Path, tmp_path: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as all runs have times, and with one that has none."""
    monkeypatch.chdir(tmp_path)
    write_journal(runs, "r", logged("a", "b", "hi"))
    ingested(runs)
    assert dates() == ["2023-11-14"]
    (runs / "t.json").write_text(json.dumps([{"role": "user", "content": "x"}]))
    ingested(runs)
    assert dates() == ["2023-11-14", "unknown"]
