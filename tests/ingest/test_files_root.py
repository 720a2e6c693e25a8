"""`--files-root`: what a run names is found there, and nothing else is."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

import ingest
from ingest.roots import MAX_READ, MAX_TEXT, FileRoots
from tests.ingest.conftest import Ingest
from tests.ingest.tables import Tables, event, logged, write_journal

WRITES = "```python\nimport pandas as pd\npd.DataFrame().to_csv('out/table.csv')\n```"
DONE = "exitcode: 0 (execution succeeded)\nCode output: "


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty folder for the files of runs."""
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def executed(content: str) -> list[dict[str, Any]]:
    """A message with code, and its execution."""
    return [
        logged("coder", "executor", content),
        event("generate_code_execution_reply", code_blocks=["python"], sender="coder", recipient="executor"),
        logged("executor", "coder", DONE),
    ]


def named(tables: Tables, path: str) -> dict[str, Any]:
    """The row of a file."""
    (row,) = tables.sql("SELECT file_size, file_content, sha256 FROM files WHERE file_path = ?", path)
    return row


def test_a_written_file_has_what_lies_there(runs: Path, root: Path, ingested: Ingest) -> None:
    """Content, size and hash stand in `files` and in the file's event."""
    (root / "out").mkdir()
    (root / "out" / "table.csv").write_text("a,b\n1,2\n")
    write_journal(runs, "r", *executed(WRITES))
    digest = hashlib.sha256(b"a,b\n1,2\n").hexdigest()
    tables = ingested(runs, files_roots=[str(root)])
    assert named(tables, "out/table.csv") == {"file_size": 8, "file_content": "a,b\n1,2\n", "sha256": digest}
    (generated,) = tables.events("file_gen")
    assert generated["outputs"]["file_content"] == "a,b\n1,2\n"
    assert (generated["meta"]["sha256"], generated["meta"]["has_content"]) == (digest, True)


def test_a_transcript_has_files_too(runs: Path, root: Path, ingested: Ingest) -> None:
    """What a message mentions is looked for as well."""
    (root / "notes.md").write_text("hello")
    (runs / "chat.json").write_text(json.dumps([{"role": "user", "name": "u", "content": "Summarise notes.md"}]))
    assert named(ingested(runs, files_roots=[str(root)]), "notes.md")["file_content"] == "hello"


def test_a_root_that_is_given_later_counts(runs: Path, root: Path, ingested: Ingest) -> None:
    """Runs that were read without it are read again, once."""
    (root / "notes.md").write_text("hello")
    write_journal(runs, "r", logged("a", "b", "Summarise notes.md"))
    assert named(ingested(runs), "notes.md")["file_content"] is None
    tables = ingested(runs, files_roots=[str(root)])
    assert (tables.summary.updated, named(tables, "notes.md")["file_content"]) == (1, "hello")
    assert ingested(runs, files_roots=[str(root)]).summary.unchanged == 1


def test_what_the_recorder_saved_wins(runs: Path, root: Path, ingested: Ingest) -> None:
    """It is as it was when the run ended; the folder is as it is now."""
    (root / "out.txt").write_text("now")
    record = {"kind": "file", "path": "out.txt", "size": 4, "sha256": "ab", "copy": "files/out.txt"}
    write_journal(runs, "r", record)
    (runs / "r" / "files").mkdir()
    (runs / "r" / "files" / "out.txt").write_text("then")
    row = named(ingested(runs, files_roots=[str(root)]), "out.txt")
    assert row == {"file_size": 4, "file_content": "then", "sha256": "ab"}


@pytest.mark.parametrize(("text", "expected"), [("same", "same"), ("diff", None)])
def test_a_copy_that_is_missing_is_replaced_by_the_same_file_only(
    text: str, expected: str | None, runs: Path, root: Path, ingested: Ingest
) -> None:
    """The recorder's hash says whether the file is still the one that it saw."""
    (root / "out.txt").write_text(text)
    digest = hashlib.sha256(b"same").hexdigest()
    write_journal(runs, "r", {"kind": "file", "path": "out.txt", "size": 4, "sha256": digest, "copy": "files/out.txt"})
    row = named(ingested(runs, files_roots=[str(root)]), "out.txt")
    assert row == {"file_size": 4, "file_content": expected, "sha256": digest}


@pytest.mark.parametrize("cwd", ["/srv/project", None])
def test_paths_are_found_however_they_are_spelt(cwd: str | None, runs: Path, root: Path, ingested: Ingest) -> None:
    """Relative to the run's folder or to its executor's, absolute on the machine that ran it, or absolute here."""
    for name in ("a.csv", "coding/b.csv", "c.csv", "d.csv"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(name)
    agent = {"kind": "agent", "name": "executor", "work_dir": "coding"}
    said = [logged("u", "v", f"Read {path}") for path in ("a.csv", "b.csv", "/srv/project/c.csv", f"{root}/d.csv")]
    path = write_journal(runs, "r", agent, *said)
    path.write_text(path.read_text().replace('"host"', f'"cwd": {json.dumps(cwd)}, "host"'))
    tables = ingested(runs, files_roots=[str(root)])
    found = {r["file_name"]: r["file_content"] for r in tables.sql("SELECT file_name, file_content FROM files")}
    expected = {"a.csv": "a.csv", "b.csv": "coding/b.csv", "d.csv": "d.csv", "c.csv": "c.csv" if cwd else None}
    assert found == expected


def test_the_first_of_several_roots_counts(runs: Path, root: Path, tmp_path: Path, ingested: Ingest) -> None:
    """And where it lacks a file, the next is asked."""
    other = tmp_path / "other"
    other.mkdir()
    (root / "a.csv").write_text("first")
    (other / "a.csv").write_text("second")
    (other / "b.csv").write_text("third")
    write_journal(runs, "r", logged("a", "b", "Compare a.csv with b.csv"))
    tables = ingested(runs, files_roots=[str(root), str(other)])
    assert [named(tables, name)["file_content"] for name in ("a.csv", "b.csv")] == ["first", "third"]


def test_nothing_outside_is_opened(root: Path, tmp_path: Path) -> None:
    """Not through `..`, a link, a linked folder or an absolute path; nor what lies in a hidden folder."""
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (root / "link.txt").symlink_to(secret)
    (root / "folder").symlink_to(tmp_path)
    (root / "inside").mkdir()
    (root / "inside" / "back.txt").symlink_to(root / "real.txt")
    (root / "real.txt").write_text("real")
    (root / ".ssh").mkdir()
    (root / ".ssh" / "id.txt").write_text("key")
    (root / ".env").write_text("key")
    roots = FileRoots([str(root)])
    hostile = ["../secret.txt", "inside/../../secret.txt", "link.txt", "folder/secret.txt", str(secret), "/etc/passwd"]
    hostile += ["inside/back.txt", ".ssh/id.txt", ".env", "inside/../.env", "..", "", ".", "a\0b", "x" * 5000, "inside"]
    for cwd in (None, str(tmp_path), "/", str(root), "../.."):
        for folders in ([], ["/"], [".."], [str(tmp_path)], ["inside"]):
            assert {path: roots.find(path, cwd, folders) for path in hostile} == dict.fromkeys(hostile)
    assert roots.find("inside/../real.txt", None, []) is not None


def test_what_is_no_ordinary_file_is_passed_over(root: Path, runs: Path, ingested: Ingest) -> None:
    """A pipe that nobody writes to does not hang the ingest."""
    os.mkfifo(root / "pipe.txt")
    (root / "folder.txt").mkdir()
    write_journal(runs, "r", logged("a", "b", "Read pipe.txt and folder.txt"))
    tables = ingested(runs, files_roots=[str(root)])
    assert tables.sql("SELECT DISTINCT file_size FROM files") == [{"file_size": None}]
    if os.path.exists("/dev/zero"):
        assert FileRoots(["/dev"]).find("zero", None, []) is None


def test_large_and_binary_files_have_size_and_hash(root: Path) -> None:
    """The bound is that of the recorder's copies."""
    (root / "long.txt").write_bytes(b"x" * MAX_TEXT)
    (root / "short.txt").write_bytes(b"x" * (MAX_TEXT - 1))
    (root / "image.png").write_bytes(b"\x89PNG\0")
    (root / "latin.txt").write_bytes(b"caf\xe9")
    roots = FileRoots([str(root)])
    held = {p.name: roots.find(p.name, None, []) for p in root.iterdir()}
    assert {name: c.text is not None for name, c in held.items() if c} == {
        "long.txt": False,
        "short.txt": True,
        "image.png": False,
        "latin.txt": False,
    }
    assert {c.sha256 for c in held.values() if c} == {
        hashlib.sha256(p.read_bytes()).hexdigest() for p in root.iterdir()
    }


def test_a_text_that_is_not_held_is_read_again_as_it_was(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the file has changed since it was hashed, or is gone, nobody knows the text of that hash."""
    monkeypatch.setattr("ingest.roots.MAX_HELD", 10)
    (root / "a.txt").write_text("0123456789")
    (root / "b.txt").write_text("too much")
    (root / "c.txt").write_text("as well")
    roots = FileRoots([str(root)])
    held, changed, gone = (roots.find(name, None, []) for name in ("a.txt", "b.txt", "c.txt"))
    assert held is not None
    assert changed is not None
    assert gone is not None
    assert [changed.text, gone.text] == ["too much", "as well"]
    (root / "a.txt").write_text("another")
    (root / "b.txt").write_text("to much")
    (root / "c.txt").unlink()
    assert [held.text, changed.text, gone.text] == ["0123456789", None, None]


def test_a_huge_sparse_file_is_not_read(root: Path) -> None:
    """It has its size alone, and costs the other files nothing."""
    with (root / "huge.bin").open("wb") as file:
        file.truncate(MAX_READ * 1000)
    (root / "small.txt").write_text("small")
    roots = FileRoots([str(root)])
    huge, small = roots.find("huge.bin", None, []), roots.find("small.txt", None, [])
    assert huge is not None
    assert (huge.size, huge.sha256, huge.text) == (MAX_READ * 1000, None, None)
    assert small is not None
    assert small.text == "small"


def test_a_root_that_is_no_folder_is_wrong_usage(runs: Path, tmp_path: Path) -> None:
    """One line says which."""
    with pytest.raises(ingest.IngestError, match=r"nowhere: no such folder, but --files-root names it"):
        ingest.run([str(runs)], str(tmp_path / "traces"), files_roots=[str(tmp_path / "nowhere")])
