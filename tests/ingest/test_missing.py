"""`--drop-missing`: runs whose files are gone leave the tables, if that is asked for."""

import gzip
import io
import json
from pathlib import Path

import pytest

import ingest
from ingest.discover import discover
from ingest.found import IngestError
from tests.ingest.conftest import Ingest
from tests.ingest.tables import Tables, logged, write_journal
from tests.ingest.test_incremental import parquet_matches

CHAT = json.dumps([{"role": "user", "name": "x", "content": "y"}])


def ids(tables: Tables) -> list[str]:
    """The runs in the tables."""
    return [row["run_id"] for row in tables.sql("SELECT run_id FROM runs ORDER BY 1")]


def test_runs_that_are_gone_stay_unless_told_otherwise(runs: Path, ingested: Ingest) -> None:
    """They leave every table, DuckDB and Parquet, and others are as they were."""
    write_journal(runs, "stays", logged("a", "b", "hi"))
    path = write_journal(runs, "goes", logged("a", "b", "hi"))
    (runs / "goes.json").write_text(CHAT)
    (runs / "odd.json").write_text("{}")
    ingested(runs)
    path.unlink()
    (runs / "goes.json").unlink()
    (runs / "odd.json").unlink()
    assert ids(ingested(runs)) == ["goes", "goes.json", "stays"]
    tables = ingested(runs, drop_missing=True)
    assert ids(tables) == ["stays"]
    assert tables.summary.dropped == 2
    assert {r["run_id"] for r in tables.sql("SELECT run_id FROM journal UNION ALL SELECT run_id FROM messages")} == {
        "stays"
    }
    parquet_matches(tables)
    assert ingested(runs, drop_missing=True).summary.dropped == 0


def test_what_was_not_given_is_spared(
    runs: Path, tmp_path: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Standard input, other folders and a folder whose name begins alike say nothing of what is missing there."""
    write_journal(runs, "a", logged("a", "b", "hi"))
    for other in ("runs2", "elsewhere"):
        write_journal(tmp_path / other, other, logged("a", "b", "hi"))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(CHAT.encode())))
    ingested(Path("-"), runs, tmp_path / "runs2", tmp_path / "elsewhere")
    (tmp_path / "runs2" / "runs2" / "journal.jsonl").unlink()
    tables = ingested(runs, drop_missing=True)
    assert tables.summary.dropped == 0
    assert [name.split("-")[0] for name in ids(tables)] == ["a", "elsewhere", "runs2", "stdin"]


def test_a_run_that_was_moved_is_not_missing(runs: Path, ingested: Ingest) -> None:
    """It is known under its new path, once."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    ingested(runs)
    (runs / "archive").mkdir()
    (runs / "r").rename(runs / "archive" / "r")
    tables = ingested(runs, drop_missing=True)
    assert (ids(tables), tables.summary.dropped) == (["r"], 0)
    assert ids(ingested(runs, drop_missing=True)) == ["r"]


@pytest.mark.slow
def test_what_belongs_to_a_run_that_came_since_is_none_of_its_own(runs: Path, ingested: Ingest) -> None:
    """A transcript that was there before the journal beside it, or a file of whose name there is a folder now."""
    (runs / "sub").mkdir()
    (runs / "sub" / "c.json").write_text(CHAT)
    path = write_journal(runs, "r", logged("a", "b", "hi"))
    assert ids(ingested(runs)) == ["r", "sub/c.json"]
    write_journal(runs, "sub", logged("a", "b", "hi"))
    content = path.read_bytes()
    path.unlink()
    path.mkdir()
    (path / "journal.jsonl").write_bytes(content)
    assert len(ids(ingested(runs))) == 3
    tables = ingested(runs, drop_missing=True)
    assert (ids(tables), tables.summary.dropped) == (["journal.jsonl", "sub"], 1)
    parquet_matches(tables)


@pytest.mark.slow
def test_what_lies_below_a_journal_that_came_since_is_none_of_its_own(runs: Path, ingested: Ingest) -> None:
    """However deep: transcripts, and journals in files of other names. A run in a folder of its own has a line each
    time, and stays where it was ingested before: the other journal may be there by mistake."""
    deep = runs / "exp" / "a" / "b"
    write_journal(deep, "inner", logged("a", "b", "hi"))
    (deep / "c.json").write_text(CHAT)
    (deep / "log.jsonl").write_bytes((deep / "inner" / "journal.jsonl").read_bytes())
    write_journal(runs, "other", logged("a", "b", "hi"))
    assert len(ids(ingested(runs))) == 4
    write_journal(runs, "exp", logged("a", "b", "hi"))
    assert len(ids(ingested(runs))) == 5
    line = (
        f"a/b/inner/journal.jsonl in {runs / 'exp'}: not read, the folder is that of the run journal.jsonl there; "
        "where that is none, move it away"
    )
    for _ in range(2):
        tables = ingested(runs, drop_missing=True)
        assert (ids(tables), tables.summary.notes) == (["exp", "inner", "other"], [line])
    parquet_matches(tables)
    assert [found.run_id for found in discover([str(runs)], "", print)] == ["exp", "other"]


@pytest.mark.parametrize("stray", ["", "Dear diary,\n", '{"v":1,"seq":0,"ts":17000'])
def test_a_journal_without_a_record_hides_no_runs(stray: str, runs: Path, ingested: Ingest) -> None:
    """Left among the runs, it is told each time that it is read, and the others are read as before."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    (runs / "chat.json").write_text(CHAT)
    ingested(runs)
    (runs / "journal.jsonl").write_text(stray)
    write_journal(runs, "new", logged("a", "b", "hi"))
    tables = ingested(runs, drop_missing=True)
    assert {"chat.json", "new", "r"} <= set(ids(tables))
    assert tables.summary.dropped == 0
    write_journal(runs, "new", logged("a", "b", "hi"), logged("b", "a", "ho"))
    assert ingested(runs).one("SELECT count(*) FROM messages WHERE run_id = 'new'") == 2


@pytest.mark.slow
def test_a_file_that_is_empty_counts_as_gone(runs: Path, ingested: Ingest) -> None:
    """A program may just be writing it anew: its run stays, with a line, until it is read again or dropped."""
    journal = write_journal(runs, "r", logged("a", "b", "hi"))
    chat = runs / "chat.json"
    chat.write_text(CHAT)
    ingested(runs)
    content = journal.read_bytes()
    journal.write_bytes(b"")
    chat.write_bytes(b"")
    for _ in range(2):
        tables = ingested(runs, force=True)
        assert (ids(tables), tables.summary.skipped, tables.summary.dropped) == (["chat.json", "r"], 2, 0)
        assert tables.one("SELECT count(*) FROM messages") == 2
        assert tables.summary.notes == [
            f"{path}: skipped, it is empty now; its run stays in the tables" for path in (chat, journal)
        ]
    journal.write_bytes(content)
    (runs / "renamed.json").write_text(CHAT)
    tables = ingested(runs)
    assert (ids(tables), tables.summary.updated) == (["r", "renamed.json"], 2)
    (runs / "renamed.json").write_bytes(b"")
    tables = ingested(runs, drop_missing=True)
    assert (ids(tables), tables.summary.dropped) == (["r"], 1)
    assert f"{runs / 'renamed.json'}: skipped, it is empty now" in tables.summary.notes
    parquet_matches(tables)


@pytest.mark.few
@pytest.mark.parametrize("content", [b"", b"\n"], ids=["no byte", "a blank line"])
def test_an_empty_journal_is_no_run(content: bytes, runs: Path, ingested: Ingest, tmp_path: Path) -> None:
    """Whether it was one before or not, as often as it is ingested: it comes in when something stands in it."""
    journal = write_journal(runs, "r", logged("a", "b", "hi"))
    written = journal.read_bytes()
    assert ids(ingested(runs)) == ["r"]
    journal.write_bytes(content)
    dropped = [ingested(runs, drop_missing=True).summary.dropped for _ in range(3)]
    assert (dropped, ids(ingested(runs))) == ([1, 0, 0], [])
    fresh = ingest.run(runs, tmp_path / "fresh")
    assert (fresh.new, fresh.skipped, fresh.notes) == (0, 1, [f"{journal}: skipped, it is empty"])
    assert ingest.run(runs, tmp_path / "fresh").unchanged == 1
    with pytest.raises(IngestError, match="it is empty; the tables are as they were"):
        ingested(journal)
    journal.write_bytes(written)
    assert ids(ingested(runs)) == ["r"]


def test_a_run_that_leaves_because_its_file_is_none_any_more_is_told(runs: Path, ingested: Ingest) -> None:
    """Its line says so, also where something of the file is in quarantine, and it counts as dropped."""
    for name in ("a.json", "b.json"):
        (runs / name).write_text(CHAT)
    ingested(runs)
    (runs / "a.json").write_text('{"a": 1}')
    (runs / "b.json").write_text(CHAT[:20])
    tables = ingested(runs)
    assert (ids(tables), tables.summary.dropped) == ([], 2)
    assert tables.summary.notes == [
        f"{runs / 'a.json'}: skipped, no journal, transcript or log of AG2; its run a.json left the tables",
        f"{runs / 'b.json'}: 1 unreadable line in quarantine (cut off at its end); its run b.json left the tables",
    ]
    assert ingested(runs).summary.dropped == 0


def test_a_run_that_was_renamed_and_cut_is_dropped_at_once(runs: Path, ingested: Ingest) -> None:
    """What is left of it is another run, and the one that was is gone."""
    path = write_journal(runs, "a", logged("a", "b", "hi"), logged("b", "a", "yes"))
    ingested(runs)
    path.parent.rename(runs / "zz")
    cut = runs / "zz" / "journal.jsonl"
    cut.write_bytes(b"".join(cut.read_bytes().splitlines(True)[:2]))
    tables = ingested(runs, drop_missing=True)
    assert (ids(tables), tables.summary.dropped) == (["zz"], 1)


@pytest.mark.parametrize("empty", ["journal.jsonl", "journal.jsonl.gz"])
def test_an_empty_file_is_no_new_place_of_a_run(empty: str, runs: Path, ingested: Ingest) -> None:
    """It lies where the run did, whose own file is gone."""
    plain = write_journal(runs, "r", logged("a", "b", "hi"))
    other = plain.with_name("journal.jsonl.gz")
    if empty == plain.name:
        other.write_bytes(gzip.compress(plain.read_bytes()))
        plain.unlink()
    assert ids(ingested(runs)) == ["r"]
    for path in (plain, other):
        path.unlink(missing_ok=True)
    (plain.parent / empty).write_bytes(gzip.compress(b"") if empty.endswith("gz") else b"")
    assert ids(ingested(runs, drop_missing=True)) == []
