"""All Parquet files of a table have the same schema, whichever rows are in them."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import ingest
from ingest import parts
from ingest.schema import TABLES
from tests.ingest.conftest import Ingest
from tests.ingest.tables import logged, write_journal


def files_of(out: Path, table: str) -> dict[str, list[Path]]:
    """The files of a table by their day."""
    days: dict[str, list[Path]] = {}
    for path in sorted((out / "parquet" / table).glob("date=*/*.parquet")):
        days.setdefault(path.parent.name.removeprefix("date="), []).append(path)
    return days


def check_all(out: Path) -> None:
    """Every column of every file may be NULL, and the files of a table can be put together."""
    for table in TABLES.values():
        paths = [path for of_day in files_of(out, table.name).values() for path in of_day]
        schemas: list[Any] = [pq.read_schema(path) for path in paths]
        assert schemas[0].names == [column.name for column in table.columns]
        assert [field.name for schema in schemas for field in schema if not field.nullable] == []
        assert all(schema.equals(schemas[0]) for schema in schemas)
        pa.concat_tables([pq.ParquetFile(path).read() for path in paths])


def test_a_days_files_and_those_without_a_day_have_one_schema(runs: Path, ingested: Ingest) -> None:
    """Days of one small part, transcripts without a time, rows of no run, and tables without rows."""
    for day in range(3):
        write_journal(runs, f"r{day}", logged("a", "b", "hi"), start={"ts": (19_000 + day) * 86_400_000_000_000})
    for name in ("t", "u"):
        named = [{"role": "user", "name": "a", "content": name}, {"role": "assistant", "name": "b", "content": "yes"}]
        (runs / f"{name}.json").write_text(json.dumps(named))
    (runs / "s.json").write_text(json.dumps([{"content": "x", "role": "user"}, {"content": "y", "role": "assistant"}]))
    tables = ingested(runs)
    assert set(files_of(tables.out, "messages")) == {"2022-01-08", "2022-01-09", "2022-01-10", "unknown"}
    assert set(files_of(tables.out, "tool_calls")) == {"unknown"}
    check_all(tables.out)


def test_parts_of_one_run_and_of_several_have_one_schema(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long run has its own file. A file that was removed is written again with the schema that it had."""
    monkeypatch.setattr(parts, "PART_RECORDS", 6)
    for number in range(5):
        write_journal(runs, f"r{number}", *[logged("a", "b", f"{n}") for n in range(9 if number == 2 else 1)])
    out = tmp_path / "traces"
    ingest.run([str(runs)], str(out))
    files = files_of(out, "messages")["2023-11-14"]
    held = [set(pq.ParquetFile(path).read()["run_id"].to_pylist()) for path in files]
    assert {"r2"} in held
    assert any(len(ids) > 1 for ids in held)
    check_all(out)
    files[0].unlink()
    ingest.run([str(runs)], str(out))
    assert files[0].exists()
    check_all(out)


def test_row_groups_keep_their_statistics(runs: Path, ingested: Ingest) -> None:
    """Engines skip the row groups of other runs by them."""
    for name in ("a.json", "b.json"):
        (runs / name).write_text(json.dumps([{"role": "user", "name": "a", "content": name}]))
    (path,) = files_of(ingested(runs).out, "messages")["unknown"]
    group = pq.ParquetFile(path).metadata.row_group(0)
    found = {group.column(n).path_in_schema: group.column(n).statistics for n in range(group.num_columns)}
    assert (found["run_id"].min, found["run_id"].max, found["run_id"].null_count) == ("a.json", "b.json", 0)
    assert (found["message_order"].min, found["message_order"].max) == (0, 0)
