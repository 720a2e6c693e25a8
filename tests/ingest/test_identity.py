"""Which run a file is: told by what is in it, wherever it lies and however it is packed."""

import gzip
import json
import os
import shutil
from pathlib import Path

import pytest

from ingest.discover import discover
from ingest.read import identify
from tests.ingest.conftest import Ingest
from tests.ingest.tables import Tables, logged, write_journal
from tests.ingest.test_compressed import contents, pack
from tests.ingest.test_incremental import parquet_matches
from tests.ingest.test_missing import CHAT, ids
from tests.ingest.test_prune import prune

pytestmark = pytest.mark.first(7)


def write_run(folder: Path, run_id: str, word: str) -> Path:
    """A journal whose first record is its own, as a recorder's is."""
    path = write_journal(folder, run_id, logged("a", "b", word))
    path.write_text(path.read_text().replace('"task": "test"', f'"task": "{word}", "pid": {sum(word.encode())}'))
    return path


def said(tables: Tables) -> dict[str, str]:
    """The message of each run."""
    return {row["run_id"]: row["content"] for row in tables.sql("SELECT run_id, content FROM messages ORDER BY 1")}


@pytest.mark.slow
def test_a_run_of_the_same_name_does_not_replace_one_that_is_gone(runs: Path, ingested: Ingest) -> None:
    """The other run has an id of its own, and the next ingests change nothing."""
    path = write_run(runs / "one", "run1", "first")
    ingested(runs / "one")
    path.unlink()
    write_run(runs / "two", "run1", "second")
    tables = ingested(runs / "two")
    (other,) = set(ids(tables)) - {"run1"}
    assert said(tables) == {"run1": "first", other: "second"}
    assert other.startswith("run1~")
    assert (tables.summary.new, tables.summary.updated) == (1, 0)
    assert ingested(runs / "two").summary.unchanged == 1
    parquet_matches(ingested(runs, force=True))
    assert said(ingested(runs)) == {"run1": "first", other: "second"}


def test_an_id_that_a_moved_run_has_is_not_given_again(runs: Path, ingested: Ingest) -> None:
    """Told apart by their paths, two runs may come to have been in the same place."""
    write_run(runs / "a", "run", "first")
    path = write_run(runs / "b", "run", "second")
    ingested(runs)
    (runs / "c").mkdir()
    path.parent.rename(runs / "c" / "run")
    ingested(runs)
    write_run(runs / "b", "run", "third")
    for given in (runs / "b", runs):
        tables = ingested(given)
        assert sorted(said(tables).values()) == ["first", "second", "third"]
    parquet_matches(tables)


@pytest.mark.few
@pytest.mark.parametrize("kind", ["journal", "transcript"])
def test_a_run_in_whose_place_another_was_moved_stays(kind: str, runs: Path, ingested: Ingest) -> None:
    """The other one is there once, under its new name; what was lost on the disk leaves where it is told so."""

    def write(name: str, word: str) -> Path:
        if kind == "journal":
            return write_run(runs, name, word).parent
        (runs / f"{name}.json").write_text(json.dumps([{"role": "user", "name": "a", "content": word}] * 2))
        return runs / f"{name}.json"

    old, new = write("old", "first"), write("new", "second")
    write("other", "third")
    ingested(runs)
    if old.is_dir():
        shutil.rmtree(old)
    new.rename(old)
    tables = ingested(runs)
    assert "another run was moved there; the one that it was, old" in tables.summary.notes[0]
    for force in (False, True):
        tables = ingested(runs, force=force)
        assert sorted(set(said(tables).values())) == ["first", "second", "third"]
        assert len(ids(tables)) == 3
        parquet_matches(tables)
    tables = ingested(runs, drop_missing=True)
    assert (sorted(set(said(tables).values())), tables.summary.dropped) == (["second", "third"], 1)
    parquet_matches(tables)


def test_unreadable_lines_of_a_run_in_whose_place_another_was_moved_stay_with_it(runs: Path, ingested: Ingest) -> None:
    """Also when the other one grows, whose file has the path that theirs had."""
    old, new = write_run(runs, "old", "first"), write_run(runs, "new", "second")
    old.write_bytes(old.read_bytes() + b"broken\n")
    ingested(runs)
    shutil.rmtree(old.parent)
    new.parent.rename(old.parent)
    for _ in range(2):
        tables = ingested(runs)
        assert [row["run_id"] for row in tables.sql("SELECT run_id FROM quarantine")] == ["old"]
        assert tables.summary.quarantined == 1
        parquet_matches(tables)
        old.write_bytes(old.read_bytes() + b'{"v": 1, "seq": 9, "ts": 1700000009000000000, "kind": "gap"}\n')
    tables = ingested(runs, drop_missing=True)
    assert (tables.summary.quarantined, tables.sql("SELECT run_id FROM quarantine")) == (0, [])
    parquet_matches(tables)


def test_a_run_that_grew_and_was_moved_keeps_its_id(runs: Path, ingested: Ingest) -> None:
    """Its first record stands for it; also one that is told apart from another of its name by its path."""
    write_run(runs / "one", "r", "first")
    write_run(runs / "two", "r", "second")
    before = said(ingested(runs))
    (runs / "three").mkdir()
    (runs / "two" / "r").rename(runs / "three" / "r")
    with (runs / "three" / "r" / "journal.jsonl").open("a") as file:
        file.write(json.dumps({"v": 1, "seq": 3, "ts": 1, "kind": "print", "text": "x"}) + "\n")
    tables = ingested(runs)
    assert said(tables) == before
    assert tables.summary.updated == 1
    assert tables.one("SELECT count(*) FROM journal") == 7


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_journal_unpacked_beside_its_archive_is_the_same_run(suffix: str, runs: Path, ingested: Ingest) -> None:
    """Packed, unpacked with the archive kept, and packed again: one run, under one id."""
    path = write_run(runs, "run9", "hi")
    plain = path.read_bytes()
    pack(path, suffix)
    ingested(runs)
    path.write_bytes(plain)
    for force in (False, True):
        tables = ingested(runs, force=force, drop_missing=force)
        assert said(tables) == {"run9": "hi"}
        assert tables.one("SELECT source_path FROM runs") == str(path)
    path.unlink()
    tables = ingested(runs)
    assert said(tables) == {"run9": "hi"}
    assert tables.one("SELECT count(*) FROM ingest.sources") == 1
    parquet_matches(tables)


@pytest.mark.few
@pytest.mark.parametrize("suffix", [".gz", pytest.param(".zst", marks=pytest.mark.slow)])
def test_a_transcript_unpacked_beside_its_archive_is_the_same_run(suffix: str, runs: Path, ingested: Ingest) -> None:
    """`gunzip -k`: it keeps its id, also under `--force`, and where the archive was named, or is named again, there is
    still one; unpacked and in a folder that is given by itself it is a run that was renamed."""
    path = runs / "sub" / "x.json"
    path.parent.mkdir()
    path.write_text(CHAT)
    packed = pack(path, suffix)
    ingested(runs)
    path.write_text(CHAT)
    for options in ({}, {"force": True}, {"drop_missing": True}):
        tables = ingested(runs, **options)
        assert tables.sql("SELECT run_id, source_path FROM runs") == [
            {"run_id": f"sub/x.json{suffix}", "source_path": str(path)}
        ]
    assert len(ids(ingested(packed, path))) == 1
    path.unlink()
    assert ids(ingested(runs)) == [f"sub/x.json{suffix}"]
    path.write_text(CHAT)
    assert ids(ingested(path.parent)) == ["x.json"]


def test_an_archive_of_another_conversation_stays_where_it_is_passed_over(runs: Path, ingested: Ingest) -> None:
    """It is a run of its own, and its file is there."""
    packed = runs / "x.json.gz"
    packed.write_bytes(gzip.compress(CHAT.encode()))
    ingested(runs)
    (runs / "x.json").write_text(CHAT.replace('"y"', '"z"'))
    assert contents(ingested(runs)) == ["y", "z"]
    tables = ingested(runs, drop_missing=True)
    assert (contents(tables), tables.summary.dropped) == (["y", "z"], 0)


def test_both_journals_of_a_folder_on_one_command_line_are_one_run(runs: Path, ingested: Ingest) -> None:
    """The first that was named is read."""
    path = write_run(runs, "r", "hi")
    packed = path.with_name("journal.jsonl.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    tables = ingested(path, packed)
    assert tables.sql("SELECT run_id, source_path FROM runs") == [{"run_id": "r", "source_path": str(path)}]


def test_a_transcript_that_was_packed_in_its_place_is_the_same_run(runs: Path, ingested: Ingest) -> None:
    """As log rotation does it, and back; with other words in it, it is another run."""
    path = runs / "x.json"
    path.write_text(CHAT)
    ingested(runs)
    packed = pack(path, ".gz")
    tables = ingested(runs)
    assert tables.sql("SELECT run_id, source_path FROM runs") == [{"run_id": "x.json", "source_path": str(packed)}]
    assert tables.one("SELECT count(*) FROM messages") == 1
    packed.unlink()
    path.write_text(CHAT)
    assert ids(ingested(runs)) == ["x.json"]
    path.unlink()
    packed.write_bytes(gzip.compress(CHAT.replace('"y"', '"z"').encode()))
    assert contents(ingested(runs)) == ["y", "z"]


def test_what_was_pruned_is_known_again_by_its_content(runs: Path, ingested: Ingest) -> None:
    """Moved, packed or unpacked it stays out; another run of its name comes in."""
    moved, packed = write_run(runs / "one", "moved", "a"), write_run(runs / "one", "packed", "b")
    gone = write_run(runs / "one", "gone", "c")
    chat = runs / "chat.json"
    chat.write_text(CHAT)
    os.utime(chat, (1, 1))
    out = ingested(runs).out
    assert sorted(prune(out, "--older-than", "30d")["pruned"]) == ["chat.json", "gone", "moved", "packed"]
    (runs / "two").mkdir()
    moved.parent.rename(runs / "two" / "moved")
    pack(packed, ".gz")
    pack(chat, ".zst")
    gone.unlink()
    write_run(runs / "two", "gone", "another")
    for force in (False, True):
        assert said(ingested(runs, force=force)) == {"gone": "another"}


@pytest.mark.slow
def test_a_run_that_was_renamed_is_not_there_twice(runs: Path, ingested: Ingest) -> None:
    """It stands under its new name, with a line that says so, and is neither new nor dropped."""
    write_run(runs, "was", "hi")
    (runs / "chat.json").write_text(CHAT)
    ingested(runs)
    (runs / "was").rename(runs / "is")
    (runs / "chat.json").rename(runs / "talk.json")
    tables = ingested(runs)
    assert said(tables) == {"is": "hi", "talk.json": "y"}
    assert [line.split(": ", 1)[1] for line in tables.summary.notes] == [
        "the run was is now is",
        "the run chat.json is now talk.json",
    ]
    assert (tables.summary.new, tables.summary.updated, tables.summary.dropped) == (0, 2, 0)
    parquet_matches(tables)
    (runs / "is").rename(runs / "was")
    tables = ingested(runs, drop_missing=True)
    assert said(tables) == {"talk.json": "y", "was": "hi"}
    assert tables.summary.dropped == 0


def test_copies_of_a_run_are_runs_and_one_of_them_replaces_one_that_is_gone(runs: Path, ingested: Ingest) -> None:
    """A copy beside the original is another run; where that is gone, the first new copy is the run."""
    path = write_run(runs, "x", "hi")
    shutil.copytree(path.parent, runs / "copy")
    assert sorted(said(ingested(runs))) == ["copy", "x"]
    for name in ("a", "b"):
        shutil.copytree(path.parent, runs / name)
    shutil.rmtree(path.parent)
    for _ in range(2):
        assert sorted(said(ingested(runs))) == ["a", "b", "copy"]


def test_a_copy_that_breaks_off_does_not_replace_the_whole_run(runs: Path, ingested: Ingest) -> None:
    """Both stay: nothing is lost."""
    path = write_run(runs, "x", "hi")
    ingested(runs)
    (runs / "part").mkdir()
    (runs / "part" / path.name).write_text(path.read_text().splitlines(keepends=True)[0])
    shutil.rmtree(path.parent)
    assert ids(ingested(runs)) == ["part", "x"]


def test_a_pruned_run_stays_out_under_another_name(runs: Path, ingested: Ingest) -> None:
    """A journal is known again; a copy of it while it is there is another run."""
    path = write_run(runs, "x", "hi")
    out = ingested(runs).out
    prune(out, "--older-than", "30d")
    path.parent.rename(runs / "y")
    assert ids(ingested(runs)) == []
    (runs / "y").rename(path.parent)
    shutil.copytree(path.parent, runs / "z")
    assert ids(ingested(runs)) == ["z"]


@pytest.mark.parametrize("copies", [1, 2])
def test_a_pruned_transcript_that_was_renamed_may_grow(copies: int, runs: Path, ingested: Ingest) -> None:
    """It stays out, from its new place on; of two copies neither comes in as long as nothing else is done."""
    path = runs / "chat.json"
    path.write_text(CHAT)
    tables = ingested(runs)
    prune(tables.out, "--older-than", "2100-01-01")
    for number in range(copies):
        shutil.copyfile(path, runs / f"new-{number}.json")
    path.unlink()
    for _ in range(2):
        tables = ingested(runs)
        assert (ids(tables), tables.summary.pruned) == ([], copies)
    if copies == 1:
        grown = [*json.loads(CHAT), {"role": "user", "name": "a", "content": "more"}]
        (runs / "new-0.json").write_text(json.dumps(grown))
        tables = ingested(runs)
        assert (ids(tables), tables.summary.pruned) == ([], 1)
        assert "its run was pruned, and it changed since" in tables.summary.notes[0]


def test_what_stands_for_a_file(runs: Path) -> None:
    """Of a journal its first whole record, of anything else all bytes, packed or not; nothing for what is no run."""
    path = write_run(runs, "r", "hi")
    chat = runs / "chat.json"
    chat.write_text(CHAT)
    (runs / "other.json").write_text("{}")
    (runs / "torn").mkdir()
    (runs / "torn" / "journal.jsonl").write_text('{"v": 1, "seq"')

    def all_of_them() -> list[str | None]:
        return [identify(found) for found in discover([str(runs)], "", print)]

    before = all_of_them()
    assert [digest is None for digest in before] == [False, True, False, True]
    path.write_bytes(path.read_bytes() + b"{}\n")
    pack(path, ".zst")
    pack(chat, ".gz")
    assert all_of_them() == before


def test_a_blank_first_line_stands_for_no_journal(runs: Path, ingested: Ingest) -> None:
    """Two that begin with one are two."""
    paths = [write_run(runs, word, word) for word in ("first", "second")]
    for path in paths:
        path.write_text("\n" + path.read_text())
    found = discover([str(runs)], "", print)
    assert len({identify(f) for f in found}) == len(paths)
    first, second = paths
    content = second.read_text()
    shutil.rmtree(second.parent)
    ingested(runs)
    shutil.rmtree(first.parent)
    write_run(runs, "third", "third").write_text(content)
    assert sorted(said(ingested(runs)).values()) == ["first", "second"]


def test_what_never_was_a_run_is_in_quarantine_once_wherever_it_goes(runs: Path, ingested: Ingest) -> None:
    """Renamed or packed it stands there under its new name alone; a copy beside it stands there too."""
    path = runs / "a.json"
    path.write_text('[{"content": "cut o')
    ingested(runs)
    path = path.rename(runs / "b.json")
    assert ingested(runs).one("SELECT source_path FROM quarantine") == str(path)
    packed = runs / "b.json.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    assert ingested(runs).one("SELECT source_path FROM quarantine") == str(packed)
    shutil.copy(packed, runs / "c.json.gz")
    tables = ingested(runs)
    assert tables.one("SELECT count(*) FROM quarantine") == 2
    parquet_matches(tables)
