"""Tables that another version made, and files in their place that no ingest made or that are damaged."""

import io
import sys
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

import ingest
from ingest.cli import main
from tests.ingest.conftest import Ingest
from tests.ingest.tables import Tables, logged, write_journal
from tests.ingest.test_incremental import parquet_matches, state
from tests.ingest.test_missing import CHAT, ids


def change(out: Path, *statements: str) -> None:
    """Change the database as its owner may."""
    with duckdb.connect(str(out / "traces.duckdb")) as con:
        for statement in statements:
            con.execute(statement)


def age(out: Path) -> None:
    """Make the tables those of version 5, whose list of sources had fewer columns."""
    change(
        out,
        "UPDATE ingest.version SET schema_version = 5",
        *(
            f"ALTER TABLE ingest.sources DROP COLUMN IF EXISTS {column}"
            for column in ("torn", "damage", "identity", "text")
        ),
    )


def kept(path: Path) -> list[str]:
    """The runs in a database that was kept."""
    with duckdb.connect(str(path), read_only=True) as con:
        return [run_id for (run_id,) in con.execute("SELECT run_id FROM runs ORDER BY 1").fetchall()]


@pytest.mark.slow
def test_all_runs_are_read_again_whatever_was_given(runs: Path, ingested: Ingest) -> None:
    """With one run on the command line the others stay, under their ids; nothing is kept where nothing is missing."""
    for name in ("a", "b"):
        write_journal(runs / "deep", name, logged("a", "b", name))
    write_journal(runs / "twin", "a", logged("a", "b", "twin"))
    (runs / "deep" / "chat.json").write_text(CHAT)
    (runs / "config.json").write_text("{}")
    tables = ingested(runs)
    before = tables.sql("SELECT run_id, source_path FROM runs ORDER BY 1")
    assert len(before) == 4
    age(tables.out)
    tables = ingested(runs / "deep" / "a")
    assert tables.sql("SELECT run_id, source_path FROM runs ORDER BY 1") == before
    (note,) = tables.summary.notes
    assert note.endswith("its 4 runs are read again where the files are still there")
    parquet_matches(tables)
    assert ingested(runs / "deep").summary.unchanged == 3


@pytest.mark.slow
def test_what_can_not_be_read_again_is_kept(
    runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Runs whose files are gone and those from standard input: one line says where they are. Nothing is overwritten."""
    write_journal(runs, "stays", logged("a", "b", "hi"))
    write_journal(runs, "goes", logged("a", "b", "hi")).rename(tmp_path / "moved.jsonl")
    (tmp_path / "moved.jsonl").rename(runs / "goes" / "journal.jsonl")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CHAT.encode())))
    out = ingested(runs, Path("-")).out
    (runs / "goes" / "journal.jsonl").unlink()
    all_of_them = ids(ingested(runs))
    assert len(all_of_them) == 3
    for name in ("traces.duckdb.v5", "traces.duckdb.v5.2"):
        age(out)
        tables = ingested(runs)
        assert tables.summary.notes[1:] == (
            [
                f"{out / name}: the former tables as they were, kept for 2 runs whose files can't be read again; "
                "all else is in the new ones"
            ]
            if name.endswith("v5")
            else []
        )  # the second time nothing is missing
        assert ids(tables) == ["stays"]
        assert kept(out / "traces.duckdb.v5") == all_of_them
    write_journal(runs, "more", logged("a", "b", "hi"))
    ingested(runs)
    (runs / "more" / "journal.jsonl").unlink()
    age(out)
    ingested(runs)
    assert kept(out / "traces.duckdb.v5") == all_of_them
    assert kept(out / "traces.duckdb.v5.2") == ["more", "stays"]


@pytest.mark.slow
def test_runs_that_are_to_be_dropped_are_not_kept(runs: Path, ingested: Ingest) -> None:
    """`--drop-missing` says that what is gone may leave."""
    write_journal(runs, "stays", logged("a", "b", "hi"))
    path = write_journal(runs, "goes", logged("a", "b", "hi"))
    out = ingested(runs).out
    path.unlink()
    age(out)
    tables = ingested(runs, drop_missing=True)
    assert (ids(tables), tables.summary.dropped) == (["stays"], 1)
    parquet_matches(tables)  # there is no other file


@pytest.mark.slow
def test_what_the_user_said_of_a_file_still_holds(runs: Path, tmp_path: Path, ingested: Ingest) -> None:
    """A source that was forced and folders of files are used again, and the file does not count as changed then."""
    (runs / "odd.json").write_text('{"v": 1, "kind": "print", "text": "x"}\n')
    write_journal(runs, "r", {"kind": "file", "path": "data.txt", "size": 3})
    root = tmp_path / "the data"
    root.mkdir()
    (root / "data.txt").write_text("abc")
    forced = {"source": "journal", "files_roots": [str(root)]}
    out = ingested(runs / "odd.json", **forced).out
    ingested(runs / "r", files_roots=[str(root)])
    age(out)
    (runs / "other").mkdir()
    tables = ingested(runs / "other")
    assert ids(tables) == ["odd.json", "r"]
    assert tables.one("SELECT file_content FROM files WHERE run_id = 'r' AND operation = 'write'") == "abc"
    assert ingested(runs / "odd.json", **forced).summary.unchanged == 1


def test_no_link_leads_to_what_is_read_again(runs: Path, tmp_path: Path, ingested: Ingest) -> None:
    """Where a folder has become a link since, nothing behind it is opened: the old tables are kept."""
    write_journal(runs / "deep", "r", logged("a", "b", "hi"))
    out = ingested(runs).out
    age(out)
    (runs / "deep").rename(tmp_path / "elsewhere")
    (runs / "deep").symlink_to(tmp_path / "elsewhere")
    assert ids(ingested(runs)) == []
    assert kept(out / "traces.duckdb.v5") == ["r"]


@pytest.mark.slow
def test_doubled_runs_of_one_folder_become_one(runs: Path, ingested: Ingest) -> None:
    """Older versions gave a packed journal and the unpacked one beside it a run each."""
    path = write_journal(runs, "run9", logged("a", "b", "hi"))
    out = ingested(runs).out
    path.with_name("journal.jsonl.gz").write_bytes(path.read_bytes())
    age(out)
    change(
        out,
        f"INSERT INTO ingest.sources SELECT '{path}.gz', 'x', 'run9', status, format, 3, 0 FROM ingest.sources",
        f"UPDATE ingest.sources SET run_id = 'run9~12345678' WHERE path = '{path}'",
    )
    (runs / "other").mkdir()
    tables = ingested(runs / "other")
    assert tables.sql("SELECT run_id, source_path FROM runs") == [{"run_id": "run9", "source_path": str(path)}]
    parquet_matches(tables)


def test_tables_of_the_user_are_kept(runs: Path, ingested: Ingest) -> None:
    """Somebody may have put one beside ours."""
    write_journal(runs, "a", logged("a", "b", "hi"))
    out = ingested(runs).out
    change(out, "CREATE TABLE labels AS SELECT 'a' AS run_id, 'good' AS label")
    age(out)
    assert any("kept for the table labels" in note for note in ingested(runs).summary.notes)
    with duckdb.connect(str(out / "traces.duckdb.v5"), read_only=True) as con:
        assert con.execute("SELECT label FROM labels").fetchone() == ("good",)


def test_a_database_that_no_ingest_made_is_left_alone(runs: Path, tmp_path: Path) -> None:
    """One line, by ingest and by prune; an empty one is nobody's."""
    write_journal(runs, "a", logged("a", "b", "hi"))
    out = tmp_path / "traces"
    out.mkdir()
    change(out, "CREATE TABLE mine AS SELECT 1 AS a")
    for command in ([str(runs)], ["prune", "--older-than", "1d"]):
        result = CliRunner().invoke(main, [*command, "--out", str(out)])
        assert result.exit_code == 2
        assert result.stderr.splitlines() == [
            f"ingest: {out / 'traces.duckdb'}: a DuckDB database that ingest did not make; "
            "move it away, or choose another --out"
        ]
    with duckdb.connect(str(out / "traces.duckdb"), read_only=True) as con:
        assert con.execute("SELECT a FROM mine").fetchone() == (1,)
    change(out, "DROP TABLE mine")
    assert ingest.run([str(runs)], str(out)).new == 1


def test_a_damaged_database_is_one_line(runs: Path, ingested: Ingest) -> None:
    """Cut off or overwritten: ingest and prune end with exit code 2, and nothing is left behind."""
    for n in range(30):
        write_journal(runs, f"r{n}", *(logged("a", "b", f"{n} {k}") for k in range(30)))
    out = ingested(runs).out
    path = out / "traces.duckdb"
    whole = path.read_bytes()
    for content in (whole[:20_000], whole[:12_288] + b"\xff" * (len(whole) - 12_288)):
        path.write_bytes(content)
        before = state(out)
        for command in ([str(runs)], ["prune", "--older-than", "1d"], ["prune", "--restore", "*"]):
            result = CliRunner().invoke(main, [*command, "--out", str(out)])
            assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1), result.output
            assert result.stderr.startswith(f"ingest: {path}: can't be read (")
        assert state(out) == before
    path.unlink()
    assert Tables(out, ingest.run([str(runs)], str(out))).one("SELECT count(*) FROM runs") == 30
