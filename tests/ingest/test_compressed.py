"""Compressed files, standard input, and the source that a user names."""

import gzip
import io
import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from click.testing import CliRunner, Result

import ingest
from ingest import compressed
from ingest.cli import main
from tests.ingest.conftest import Ingest
from tests.ingest.tables import Tables, logged, write_journal

Pack = Callable[[bytes], bytes]


def zstd(content: bytes) -> bytes:
    """As the `zstd` command does."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return bytes(sink.getvalue().to_pybytes())


PACKERS: dict[str, Pack] = {".gz": gzip.compress, ".zst": zstd}

each_packer = pytest.mark.parametrize("suffix", PACKERS)


def pack(path: Path, suffix: str) -> Path:
    """Put a compressed file in a file's place."""
    packed = path.with_name(path.name + suffix)
    packed.write_bytes(PACKERS[suffix](path.read_bytes()))
    path.unlink()
    return packed


def contents(tables: Tables) -> list[str]:
    """What was said."""
    return [m["content"] for m in tables.sql("SELECT content FROM messages ORDER BY message_order")]


def noise(count: int) -> list[dict[str, Any]]:
    """Messages that hardly compress."""
    return [logged("ab"[n % 2], "ba"[n % 2], gzip.compress(str(n).encode()).hex()) for n in range(count)]


def run(*arguments: object, stdin: bytes | None = None) -> Result:
    """Call the command."""
    return CliRunner().invoke(main, [str(a) for a in arguments], input=stdin)


@pytest.mark.few
@each_packer
def test_a_compressed_journal_is_its_folders_run(suffix: str, runs: Path, ingested: Ingest) -> None:
    """The run is named after the folder, and nothing else in there is a run."""
    path = write_journal(runs, "r", logged("a", "b", "hi"), {"kind": "file", "path": "x", "copy": "files/x.log"})
    (runs / "r" / "files").mkdir()
    (runs / "r" / "files" / "x.log").write_text("copied")
    pack(path, suffix)
    tables = ingested(runs)
    assert tables.sql("SELECT run_id, status, source_format FROM runs") == [
        {"run_id": "r", "status": "completed", "source_format": "journal"}
    ]
    assert tables.sql("SELECT file_content FROM files WHERE operation = 'write'") == [{"file_content": "copied"}]
    assert tables.sql("SELECT content, source FROM messages") == [{"content": "hi", "source": "logger"}]
    assert ingested(runs).summary.unchanged == 1


def test_a_file_beside_its_archive_is_read_once(runs: Path, ingested: Ingest) -> None:
    """`gzip -k` and `zstd` leave the file where it is; without it the archive is the same run."""
    chat = b'[{"role": "user", "name": "a", "content": "hi"}, {"role": "assistant", "name": "b", "content": "yes"}]'
    (runs / "chat.json").write_bytes(chat)
    (runs / "chat.json.gz").write_bytes(gzip.compress(chat))
    tables = ingested(runs)
    assert tables.sql("SELECT run_id, messages FROM runs") == [{"run_id": "chat.json", "messages": 2}]
    (runs / "chat.json").unlink()
    tables = ingested(runs)
    assert tables.sql("SELECT run_id, messages FROM runs") == [{"run_id": "chat.json", "messages": 2}]


def test_a_journal_beside_its_archive_is_read_once(runs: Path, ingested: Ingest) -> None:
    """The plain one counts."""
    path = write_journal(runs, "r", logged("a", "b", "plain"))
    path.with_name("journal.jsonl.gz").write_bytes(gzip.compress(path.read_bytes().replace(b"plain", b"packed")))
    assert contents(ingested(runs)) == ["plain"]


@each_packer
def test_everything_else_may_be_compressed(suffix: str, runs: Path, ingested: Ingest) -> None:
    """A transcript, a log and a database, and an archive whose name does not say that it is one."""
    (runs / "list.json").write_text(json.dumps([{"name": "a", "content": "one"}, {"name": "b", "content": "two"}]))
    (runs / "lines.jsonl").write_text('{"name": "a", "content": "three"}\n{"name": "b", "content": "four"}\n')
    state = json.dumps({"message": "five", "sender": "a"})
    entry = {"source_id": 1, "source_name": "b", "event_name": "received_message", "json_state": state}
    (runs / "runtime.log").write_text(json.dumps(entry) + "\n")
    with closing(sqlite3.connect(runs / "logs.db")) as con:
        con.execute("CREATE TABLE events (event_name TEXT, source_name TEXT, json_state TEXT)")
        con.execute("INSERT INTO events VALUES ('received_message', 'b', ?)", [state.replace("five", "six")])
        con.commit()
    for name in ("list.json", "lines.jsonl", "runtime.log", "logs.db"):
        pack(runs / name, suffix)
    shutil.copy(runs / f"list.json{suffix}", runs / "disguised.json")
    tables = ingested(runs)
    assert tables.summary.sources == {"transcript": 3, "ag2_file_log": 1, "ag2_sqlite": 1}
    said = tables.sql("SELECT run_id, content FROM messages ORDER BY run_id, message_order")
    assert [tuple(s.values()) for s in said] == [
        *(("disguised.json", "one"), ("disguised.json", "two")),
        *((f"lines.jsonl{suffix}", "three"), (f"lines.jsonl{suffix}", "four")),
        *((f"list.json{suffix}", "one"), (f"list.json{suffix}", "two")),
        (f"logs.db{suffix}", "six"),
        (f"runtime.log{suffix}", "five"),
    ]


@each_packer
def test_all_that_is_whole_of_an_archive_is_read(suffix: str, runs: Path, ingested: Ingest) -> None:
    """A frame a line, as who appends to an archive writes it, and the last one is cut."""
    messages = noise(100)
    path = write_journal(runs, "r", *messages, end=False)
    lines = path.read_bytes().splitlines(keepends=True)
    path.unlink()
    path.with_name(path.name + suffix).write_bytes(b"".join(map(PACKERS[suffix], lines))[:-40])
    tables = ingested(runs)
    assert contents(tables) == [m["message"] for m in messages[:-1]]
    (length,) = re.findall(
        r"archive damaged after (\d+) bytes of content: it breaks off$",
        tables.one("SELECT error FROM quarantine WHERE line = 0"),
    )
    assert len(b"".join(lines[:-1])) <= int(length) < len(b"".join(lines))


def unpacked(content: bytes) -> tuple[bytes, str | None]:
    """What there is in an archive, and why it ends before its end."""
    file, archive = compressed.unpack(io.BytesIO(content))
    assert archive is not None
    return file.read(), archive.error


@pytest.mark.few
@each_packer
def test_what_comes_before_damage_is_read(suffix: str) -> None:
    """Also where the archive was unpacked further than it was read when the damage was found."""
    content = json.dumps(noise(20_000)).encode()
    packed = PACKERS[suffix](content)
    assert unpacked(packed) == (content, None)
    found, error = unpacked(packed + b"none of it")
    assert found == content
    assert str(error).split(":")[0].endswith(f"archive damaged after {len(content)} bytes of content")
    for part in (0.2, 0.5, 0.8):
        place = int(len(packed) * part)
        cut, _ = unpacked(packed[:place])
        found, error = unpacked(packed[:place] + b"\xff" * (len(packed) - place))
        assert error
        assert cut
        assert content.startswith(cut)
        assert found.startswith(cut)


def test_a_zstd_file_may_begin_with_a_frame_to_be_passed_over(runs: Path, ingested: Ingest) -> None:
    """Of any of the sixteen kinds."""
    for kind in (0x50, 0x5F):
        path = write_journal(runs, f"r{kind}", logged("a", "b", f"{kind}"))
        passed_over = bytes([kind]) + b"\x2a\x4d\x18" + len(b"a note").to_bytes(4, "little") + b"a note"
        path.with_name("journal.jsonl.zst").write_bytes(passed_over + zstd(path.read_bytes()))
        path.unlink()
    tables = ingested(runs)
    assert tables.sql("SELECT run_id, content FROM messages ORDER BY run_id") == [
        {"run_id": "r80", "content": "80"},
        {"run_id": "r95", "content": "95"},
    ]
    assert tables.summary.quarantine_rows == 0


@pytest.mark.slow
@each_packer
def test_an_archive_that_breaks_off(suffix: str, runs: Path, ingested: Ingest) -> None:
    """What can be unpacked is read, the end is damage in quarantine, and the whole archive replaces it."""
    messages = noise(2500)
    path = pack(write_journal(runs, "r", *messages), suffix)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    tables = ingested(runs)
    assert 0 < len(contents(tables)) < len(messages)
    assert tables.one("SELECT error FROM quarantine WHERE line = 0").endswith("of content: it breaks off")
    assert tables.summary.quarantine_rows == tables.summary.torn + 1
    assert tables.summary.quarantined == 1
    assert run("check", runs).exit_code == 1
    path.write_bytes(whole)
    assert contents(ingested(runs)) == [m["message"] for m in messages]


@pytest.mark.few
@each_packer
def test_a_damaged_archive(suffix: str, runs: Path, ingested: Ingest) -> None:
    """One clear row in quarantine for a run, one clear line for a file of which nothing can be read."""
    path = pack(write_journal(runs, "r", *noise(2500)), suffix)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 100] = b"\xff" * 100
    path.write_bytes(content)
    (runs / f"broken.json{suffix}").write_bytes(PACKERS[suffix](b"[]")[:4] + b"\xff" * 50)
    tables = ingested(runs)
    (row,) = tables.sql("SELECT error, line FROM quarantine WHERE line = 0")
    assert "archive damaged after" in row["error"]
    assert "\n" not in row["error"]
    assert any(
        "broken.json" in n and "skipped" in n and "archive damaged after 0 bytes" in n for n in tables.summary.notes
    )
    assert run("check", runs).exit_code == 1


@pytest.mark.slow
@each_packer
def test_a_bomb_is_stopped(suffix: str, runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small archive of an endless line ends early, and what came before it is read."""
    monkeypatch.setattr(compressed, "SMALL", 2_000_000)
    path = write_journal(runs, "r", logged("a", "b", "hi"), end=False)
    path.write_bytes(path.read_bytes() + b"\0" * 50_000_000)
    pack(path, suffix)
    tables = ingested(runs)
    assert contents(tables) == ["hi"]
    assert tables.one("SELECT error FROM quarantine WHERE line = 0") == (
        f"{'gzip' if suffix == '.gz' else 'zstd'} archive unpacks to more than 500 times its size; unpack it yourself"
    )
    assert tables.one("SELECT max(octet_length(bytes)) FROM quarantine") < 30_000_000


@pytest.mark.slow
@pytest.mark.parametrize("pack_input", [bytes, gzip.compress, zstd])
def test_standard_input(pack_input: Pack, runs: Path, tmp_path: Path) -> None:
    """`cat x.jsonl | ingest -` reads a run whose name comes from its content: the same input is the same run."""
    out = tmp_path / "traces"
    first = pack_input(write_journal(runs, "r", logged("a", "b", "one")).read_bytes())
    second = json.dumps([{"name": "a", "content": "two"}]).encode()
    reports = [json.loads(run("-", "--out", out, "--json", stdin=s).stdout) for s in (first, second, first)]
    assert [(r["new"], r["unchanged"], r["sources"]) for r in reports] == [
        (1, 0, {"journal": 1}),
        (1, 0, {"transcript": 1}),
        (0, 1, {}),
    ]
    tables = Tables(out, ingest.run([str(runs)], str(out)))
    said = tables.sql("SELECT run_id, content, source FROM messages ORDER BY content, run_id")
    assert [(s["content"], s["source"]) for s in said] == [("one", "logger"), ("two", "transcript")]
    assert [s["run_id"].split("-")[0] for s in said] == ["r", "stdin"]  # the journal is known by its first record
    checked = run("check", "-", stdin=first)
    assert (checked.exit_code, checked.stdout.count("journal, completed, 3 records")) == (0, 1)


def test_the_user_may_say_what_a_file_is(runs: Path, tmp_path: Path) -> None:
    """`--source` wins over the content, the summary says so, and without it the content tells again."""
    out = tmp_path / "traces"
    (runs / "server.log").write_text("line one\nline two\n")

    def report(*options: str) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(run(runs, "--out", out, "--json", *options).stdout)
        return result

    assert (report()["sources"], report("--source", "ag2_file_log")["sources"]) == ({}, {"ag2_file_log": 1})
    assert report("--source", "ag2_file_log")["unchanged"] == 1
    tables = Tables(out, ingest.run([str(runs)], str(out), source="ag2_file_log"))
    assert tables.sql("SELECT kind, record FROM journal") == [
        {"kind": "log_text", "record": '{"text":"line one"}'},
        {"kind": "log_text", "record": '{"text":"line two"}'},
    ]
    assert report()["skipped"] == 1
    assert "ag2_file_log, completed, 2 records" in run("check", runs, "--source", "ag2_file_log").stdout
    assert "skipped" in json.dumps(report("--source", "ag2_sqlite")["notes"])
    assert run(runs, "--out", out, "--source", "nonsense").exit_code == 2
    with pytest.raises(KeyError, match="nonsense"):
        ingest.run([str(runs)], str(out), source="nonsense")
