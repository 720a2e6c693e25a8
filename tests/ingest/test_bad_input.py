"""Bad and hostile input: one clear line or a quarantine row each, and the rest is ingested."""

import gzip
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest

import ingest
from ingest import pipeline
from ingest.found import IngestError
from ingest.lines import MAX_DEPTH, TooLong, _commas, read_lines
from ingest.stage import Stage
from tests.ingest.conftest import Ingest
from tests.ingest.tables import logged, write_journal


def test_a_missing_path_is_one_clear_error(tmp_path: Path) -> None:
    """Nothing is made, and the message names the path."""
    with pytest.raises(ingest.IngestError, match=r"nowhere: no such file or folder"):
        ingest.run([str(tmp_path / "nowhere")], str(tmp_path / "traces"))
    assert not (tmp_path / "traces" / "traces.duckdb").exists()


def test_an_empty_folder_gives_empty_tables(runs: Path, ingested: Ingest) -> None:
    """One line says that there was nothing; the tables are there, with no rows."""
    tables = ingested(runs)
    endings = "*.json, *.jsonl, *.ndjson, *.log, *.db, *.sqlite"
    assert tables.summary.notes == [f"{runs}: nothing to ingest, no {endings} there"]
    assert tables.one("SELECT count(*) FROM runs") == 0
    assert tables.sql("SELECT * FROM agent_actions") == []


@pytest.mark.few
@pytest.mark.parametrize(
    "record",
    [
        '{"kind": "messages", "messages": [{"role": "user", "content": "hi", "deep": DEEP}]}',
        '{"kind": "message", "event": "received_message", "sender": "a", "recipient": "b", "message": DEEP}',
        '{"kind": "function_call", "function": "f", "arguments": {"deep": DEEP}, "returns": DEEP}',
        '{"kind": "llm_call", "agent": "a", "request": {"messages": [DEEP]}, "response": {"choices": [DEEP]}}',
        '{"kind": "event", "event": {"type": "text", "content": {"sender": "a", "content": DEEP}}}',
        '{"kind": "action", "event_type": "tool_call", "name": "f", "result": DEEP}',
    ],
)
def test_what_is_nested_too_deep_is_in_quarantine_and_what_is_not_is_read(
    record: str, runs: Path, ingested: Ingest
) -> None:
    """There is no depth at which a line counts as readable and is then given up on the way."""
    depths = MAX_DEPTH - 8, MAX_DEPTH + 1
    for depth in depths:
        deep = json.loads(record.replace("DEEP", "[" * depth + "]" * depth))
        write_journal(runs, f"deep-{depth}", deep, logged("a", "b", "later"))
    tables = ingested(runs)
    assert tables.sql("SELECT run_id, error FROM quarantine") == [
        {"run_id": f"deep-{depths[1]}", "error": f"nested more than {MAX_DEPTH} levels deep"}
    ]
    assert [note for note in tables.summary.notes if "in quarantine" not in note] == []
    assert tables.one("SELECT count(*) FROM messages WHERE content = 'later'") == 2


@pytest.mark.few
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("package.json", b'{"name": "x", "version": "1"}'),
        ("numbers.json", b"[1, 2, 3]"),
        ("rows.jsonl", b'{"a": 1}\n{"a": 2}\n'),
        ("empty.json", b""),
        ("blank.jsonl", b"\n\n"),
        ("text.json", b"hello"),
        ("settings.json", b'{"content": {"role": 3}}'),
    ],
)
def test_a_file_that_is_no_transcript_is_named_and_skipped(
    name: str, content: bytes, runs: Path, ingested: Ingest
) -> None:
    """One line that names it, no row of it, and the others are read."""
    (runs / name).write_bytes(content)
    write_journal(runs, "good", logged("a", "b", "hi"))
    tables = ingested(runs)
    (note,) = tables.summary.notes
    assert name in note
    assert "skipped" in note
    assert tables.sql("SELECT run_id FROM runs") == [{"run_id": "good"}]
    assert tables.one("SELECT count(*) FROM quarantine") == 0
    assert ingested(runs).summary.unchanged == 2  # it is not read again until it changes


def test_a_torn_last_line_waits_in_quarantine(runs: Path, ingested: Ingest) -> None:
    """The rest is read; when the line is whole, the next ingest takes it in."""
    path = write_journal(runs, "r", logged("a", "b", "one"), logged("b", "a", "two"), end=False)
    whole = path.read_bytes()
    path.write_bytes(whole[:-25])
    tables = ingested(runs)
    (bad,) = tables.sql("SELECT run_id, line, byte_offset, error, bytes FROM quarantine")
    assert (bad["run_id"], bad["line"]) == ("r", 3)
    assert whole[bad["byte_offset"] : -25] == bad["bytes"]
    assert "cut off" in bad["error"]
    assert tables.summary.torn == 1
    path.write_bytes(whole)
    tables = ingested(runs)
    assert tables.one("SELECT count(*) FROM quarantine") == 0
    assert tables.one("SELECT messages FROM runs") == 2


def test_unreadable_lines_are_kept_and_the_rest_is_read(runs: Path, ingested: Ingest) -> None:
    """Invalid UTF-8, broken JSON, lists and records without a kind: lines read = journal rows + quarantine rows."""
    path = write_journal(runs, "r", logged("a", "b", "one"), end=False)
    bad = [
        b'{"v":1,"kind":"message","x":"\xff\xfe"}',
        b"{broken",
        b"[1]",
        b'{"v":1}',
        b"\x00\x00\x00",
        b'"text"',
        b"null",
    ]
    after = json.dumps({"v": 1, "seq": 2, "ts": 1, **logged("b", "a", "two")}).encode()
    path.write_bytes(path.read_bytes() + b"\n".join([*bad, after]) + b"\n")
    tables = ingested(runs)
    rows = tables.sql("SELECT line, byte_offset, bytes FROM quarantine ORDER BY line")
    assert [r["bytes"].rstrip(b"\n") for r in rows] == bad
    content = path.read_bytes()
    assert all(content[r["byte_offset"] :].startswith(r["bytes"]) for r in rows)
    assert [m["content"] for m in tables.sql("SELECT content FROM messages ORDER BY message_order")] == ["one", "two"]
    summary = tables.summary
    assert summary.lines == summary.journal_rows + summary.quarantine_rows == 3 + len(bad)


def test_a_journal_of_nothing_but_garbage_is_a_run_in_quarantine(runs: Path, ingested: Ingest) -> None:
    """Its name says what it is, so the run is there, and every line is kept."""
    (runs / "r").mkdir()
    (runs / "r" / "journal.jsonl").write_bytes(b"garbage\nmore garbage\n")
    tables = ingested(runs)
    assert tables.sql("SELECT run_id, status, messages FROM runs") == [
        {"run_id": "r", "status": "interrupted", "messages": 0}
    ]
    assert tables.one("SELECT count(*) FROM quarantine") == 2


def test_deep_nesting_is_quarantined(runs: Path, ingested: Ingest) -> None:
    """A line nested deeper than any parser likes is kept as bytes."""
    path = write_journal(runs, "r", logged("a", "b", "one"))
    deep = b'{"v":1,"seq":9,"kind":"message","message":' + b"[" * 5000 + b"]" * 5000 + b"}\n"
    path.write_bytes(path.read_bytes() + deep)
    assert ingested(runs).one("SELECT bytes FROM quarantine") == deep


def test_links_are_not_followed(runs: Path, tmp_path: Path, ingested: Ingest) -> None:
    """A link to a run, a transcript or a folder outside, or in a circle, is named and skipped."""
    outside = tmp_path / "outside"
    secret = write_journal(outside, "secret", logged("a", "b", "secret"))
    (runs / "linked_folder").symlink_to(outside)
    (runs / "linked.json").symlink_to(secret)
    (runs / "circle").symlink_to(runs)
    (runs / "r").mkdir()
    (runs / "r" / "journal.jsonl").symlink_to(secret)
    tables = ingested(runs)
    assert tables.one("SELECT count(*) FROM journal") == 0
    assert len([n for n in tables.summary.notes if "it is a link" in n]) == 4


@pytest.mark.few
@pytest.mark.parametrize(
    "copy",
    [
        "../../secret.txt",
        "files/../../../secret.txt",
        "/etc/hostname",
        "files/link.txt",
        "files/folder_link/secret.txt",
        "files/pipe",
        "files/a\0b",
        "journal.jsonl",
        "files",
        "",
        7,
        ["x"],
    ],
)
def test_a_journal_can_not_make_ingest_open_a_file_elsewhere(
    copy: Any, runs: Path, tmp_path: Path, ingested: Ingest
) -> None:
    """What a journal says of copies is only believed inside its own folder, and never through a link."""
    (tmp_path / "secret.txt").write_text("secret")
    write_journal(runs, "r", {"kind": "file", "path": "out.txt", "size": 6, "copy": copy})
    files = runs / "r" / "files"
    files.mkdir()
    (files / "link.txt").symlink_to(tmp_path / "secret.txt")
    (files / "folder_link").symlink_to(tmp_path)
    os.mkfifo(files / "pipe")
    (row,) = ingested(runs).sql("SELECT file_path, file_content FROM files")
    assert row == {"file_path": "out.txt", "file_content": None}


def test_a_copy_in_the_runs_folder_is_the_content(runs: Path, ingested: Ingest) -> None:
    """What the recorder saved stands in files and in the event of the file."""
    write_journal(runs, "r", {"kind": "file", "path": "out.txt", "size": 5, "sha256": "ab", "copy": "files/out.txt"})
    (runs / "r" / "files").mkdir()
    (runs / "r" / "files" / "out.txt").write_text("hello")
    tables = ingested(runs)
    (row,) = tables.sql("SELECT file_content, file_size, sha256, operation FROM files")
    assert row == {"file_content": "hello", "file_size": 5, "sha256": "ab", "operation": "write"}
    (event,) = tables.events("file_gen")
    assert event["outputs"]["file_content"] == "hello"


def test_devices_and_pipes_do_not_hang(runs: Path, ingested: Ingest) -> None:
    """A pipe that is named like a transcript is passed over."""
    os.mkfifo(runs / "pipe.json")
    (runs / "journal.jsonl").mkdir()  # a folder of that name is a folder
    write_journal(runs / "journal.jsonl", "r", logged("a", "b", "hi"))
    assert ingested(runs).sql("SELECT run_id FROM runs") == [{"run_id": "r"}]


def test_text_is_only_data(runs: Path, tmp_path: Path, ingested: Ingest) -> None:
    """SQL, markup, NUL and control characters in every place come back as they went in."""
    evil = "'); DROP TABLE runs; --\"\x00\x1b[31m<script>{{7*7}}$(touch pwned)`id`\u202e\U0001f600"
    run_id = "x'); DROP TABLE runs;--"
    write_journal(runs, run_id, {**logged(evil, evil, {"content": evil, "role": evil}), "step_id": evil})
    tables = ingested(runs)
    (row,) = tables.sql("SELECT run_id, sender, recipient, content, role, step_id FROM messages")
    assert row == {"run_id": run_id, **dict.fromkeys(["sender", "recipient", "content", "role", "step_id"], evil)}
    assert ingested(runs).summary.unchanged == 1


def test_unreadable_files_are_named(runs: Path, ingested: Ingest) -> None:
    """A file that can't be opened is one line; the others are read."""
    path = write_journal(runs, "locked", logged("a", "b", "hi"))
    write_journal(runs, "open", logged("a", "b", "hi"))
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read every file")
    tables = ingested(runs)
    assert tables.sql("SELECT run_id FROM runs") == [{"run_id": "open"}]
    assert any("locked" in note and "Permission denied" in note for note in tables.summary.notes)


def test_ingest_and_queries_need_no_ag2_and_capture_little() -> None:
    """`ingest` and `queries` never import autogen, `queries` only duckdb and click, `capture` only orjson."""
    script = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in refused: raise ImportError(f"{name} is refused")
sys.meta_path.insert(0, Refuse())
refused = {"autogen", "pyarrow", "duckdb", "click", "re2", "ingest", "queries", "pydantic"}
from capture import start
refused = {"autogen", "pydantic", "pyarrow", "orjson", "re2"}
sys.modules.pop("orjson")
import queries.cli, ingest.schema
refused = {"autogen", "pydantic"}
import ingest.cli
odd = {m.split(".")[0] for m in sys.modules if "autogen" in m}
assert not odd, odd
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).resolve().parents[2])


def test_odd_numbers_in_one_run_cost_no_other(runs: Path, ingested: Ingest) -> None:
    """Counts, costs and numbers beyond any sense: the run is there, and so are the others."""
    most = 2**63 - 1
    call = {"kind": "llm_call", "agent": "a", "response": {}, "request": {}, "status": "ok"}
    gap = {"kind": "gap", "lost": most, "reason": "x"}
    write_journal(runs, "gaps", gap, gap)
    write_journal(runs, "tokens", *[{**call, "prompt_tokens": most, "total_tokens": most}] * 2)
    write_journal(runs, "cost", {**call, "cost": 10**400, "started": most, "ended": -1, "completion_tokens": 2.5})
    write_journal(runs, "seq", {**gap, "seq": most}, {**logged("a", "b", "hi"), "seq": None, "ts": most})
    write_journal(runs, "good", logged("a", "b", "hi"))
    assert len(ingested(runs).sql("SELECT run_id FROM runs")) == 5


def test_a_mistake_in_one_run_costs_no_other(runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the ingester itself fails on a run, one line says so and the run is tried again next time."""
    write_journal(runs, "bad", logged("a", "b", "trip"))
    write_journal(runs, "good", logged("a", "b", "hi"))

    def trip(self: Any, record: Any) -> None:
        if "trip" in record.text:
            raise RuntimeError("tripped")
        original(self, record)

    from ingest.assemble import Assembler

    original = Assembler.add
    with monkeypatch.context() as patch:
        patch.setattr(Assembler, "add", trip)
        tables = ingested(runs)
    assert tables.sql("SELECT run_id FROM runs") == [{"run_id": "good"}]
    assert any("tripped" in note for note in tables.summary.notes)
    assert ingested(runs).one("SELECT count(*) FROM runs") == 2


def test_a_value_of_the_wrong_kind_costs_itself(runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the ingester itself puts a value where it can't stand, the rows and the other runs are there."""
    write_journal(runs, "bad", logged("a", "b", "trip"))
    write_journal(runs, "good", logged("a", "b", "hi"))
    from ingest.runrows import RunRows

    original = RunRows.add_event

    def trip(self: Any, event: Any, *rest: Any) -> None:
        event.agent = ["no", "text"] if self.run_id == "bad" else event.agent
        original(self, event, *rest)

    monkeypatch.setattr(RunRows, "add_event", trip)
    rows = ingested(runs).sql("SELECT run_id, agent_name FROM execution_events ORDER BY 1")
    assert rows == [{"run_id": "bad", "agent_name": None}, {"run_id": "good", "agent_name": "a"}]


@pytest.mark.slow
@pytest.mark.parametrize("code", [True, 2**31, -(2**40), "1", 1.5, None, [0]])
def test_an_exit_code_that_is_none(code: Any, runs: Path, ingested: Ingest) -> None:
    """It counts as unknown."""
    blocks = [{"language": "python", "code": "print(1)"}]
    write_journal(runs, "r", {"kind": "code_exec", "agent": "a", "blocks": blocks, "exit_code": code, "output": ""})
    assert ingested(runs).one("SELECT exit_code FROM code_execs") is None


def test_blocks_of_code_that_are_none(runs: Path, ingested: Ingest) -> None:
    """The others are kept, and the run says in words what is wrong."""
    sound = {"language": "python", "code": "print(1)"}
    blocks: list[Any] = [[1, sound, None], [2], "print(1)", None]
    write_journal(runs, "r", *({"kind": "code_exec", "agent": "a", "blocks": b, "exit_code": 0} for b in blocks))
    tables = ingested(runs)
    assert tables.sql("SELECT code FROM code_execs WHERE code <> ''") == [{"code": "print(1)"}]
    assert json.loads(tables.one("SELECT meta->'not_understood' FROM runs")) == [
        "record 1 (code_exec): 2 of its 3 blocks are no objects",
        "record 2 (code_exec): 1 of its 1 blocks is no object",
        "record 3 (code_exec): its blocks are no list",
    ]


def test_a_long_line_that_cannot_be_read_is_several_rows(
    runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not held in memory several times."""
    monkeypatch.setattr("ingest.lines.PIECE", 1000)
    path = write_journal(runs, "r", logged("a", "b", "hi"), end=False)
    sound = path.stat().st_size
    with path.open("ab") as file:
        file.write(b'{"v":1,"seq":2' + bytes(2500))
    tables = ingested(runs)
    rows = tables.sql("SELECT line, byte_offset, octet_length(bytes) AS size FROM quarantine ORDER BY byte_offset")
    assert [tuple(row.values()) for row in rows] == [(3, sound, 1000), (3, sound + 1000, 1000), (3, sound + 2000, 514)]
    assert tables.summary.torn == 3
    assert tables.one("SELECT messages FROM runs") == 1


def test_of_a_line_that_is_no_record_any_more_the_beginning_is_kept(
    runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system may leave gigabytes of zeros behind a crash."""
    monkeypatch.setattr("ingest.lines.PIECE", 1000)
    monkeypatch.setattr("ingest.lines.MAX_LINE", 2000)
    path = write_journal(runs, "r", logged("a", "b", "hi"), end=False)
    sound, zeros = path.stat().st_size, 3_000_000
    with path.open("r+b") as file:
        file.truncate(sound + zeros)
        file.seek(0, os.SEEK_END)
        file.write(b'{"lost":1}\n' + orjson.dumps({"v": 1, "seq": 2, "ts": 3, "kind": "run_end"}) + b"\n")
    tables = ingested(runs)
    (row,) = tables.sql("SELECT line, byte_offset, octet_length(bytes) AS size, error FROM quarantine")
    assert (row["line"], row["byte_offset"], row["size"]) == (3, sound, 1000)
    assert f"{zeros + 11:,} bytes" in row["error"]
    assert tables.sql("SELECT line, seq FROM journal ORDER BY line")[-1] == {"line": 4, "seq": 2}
    assert (tables.summary.torn, tables.summary.quarantined) == (0, 1)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_line_of_zeros_in_an_archive_costs_no_other(
    suffix: str, runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is unpacked is no file in which the system could tell holes."""
    for name, size in (("PIECE", 1000), ("MAX_LINE", 2000), ("BLOCK", 500)):
        monkeypatch.setattr(f"ingest.lines.{name}", size)
    path = write_journal(runs, "r", logged("a", "b", "hi"), end=False)
    packed = path.read_bytes() + bytes(20_000)
    if suffix == ".gz":
        path.with_name("journal.jsonl.gz").write_bytes(gzip.compress(packed))
    else:
        with pa.output_stream(path.with_name("journal.jsonl.zst"), compression="zstd") as file:
            file.write(packed)
    path.unlink()
    tables = ingested(runs)
    assert (tables.summary.lines, tables.summary.journal_rows, tables.summary.quarantine_rows) == (3, 2, 1)
    assert tables.one("SELECT messages FROM runs") == 1


@pytest.mark.few
@pytest.mark.parametrize(
    ("value", "is_read"),
    [("[1,2,3]", True), ("[1,2,3,4,5,6,7,8,9]", False), ("[NaN,1,2,3]", False), ('"1,2,3,4,5,6,7,8,9"', True)],
)
def test_a_line_of_very_many_values_is_in_quarantine(
    value: str, is_read: bool, runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As objects they would take many times the memory of the line."""
    path = write_journal(runs, "r", logged("a", "b", "hi"), end=False)
    with path.open("a") as file:
        file.write(f'{{"v":1,"seq":2,"ts":1,"kind":"x","a":{value}}}\n')
    monkeypatch.setattr("ingest.lines.MAX_VALUES", 10)
    monkeypatch.setattr("ingest.lines.MAX_VALUES_LENIENT", 5)
    tables = ingested(runs)
    errors = tables.sql("SELECT error FROM quarantine")
    most = 5 if "NaN" in value else 10
    assert errors == ([] if is_read else [{"error": f"more than {most} values in one line"}])
    assert (tables.one("SELECT messages FROM runs"), tables.summary.lines) == (1, 3)


def test_commas_are_told_from_those_in_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is escaped in them, and wherever a block ends."""
    monkeypatch.setattr("ingest.lines.BLOCK", 3)
    texts = ["", ",", '",', "\\", '\\",', "a,b", '\\\\"', "x"]
    for left, right in itertools.product(texts, repeat=2):
        value = {left + "0": [left, right, {"b": right}], right + "1": None}
        assert _commas(orjson.dumps(value)) == 3


def test_a_mark_that_an_editor_put_before_a_journal(runs: Path, ingested: Ingest) -> None:
    """A byte order mark costs no record."""
    path = write_journal(runs, "r", logged("a", "b", "hi"))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    tables = ingested(runs)
    assert (tables.summary.quarantined, tables.one("SELECT min(seq) FROM journal")) == (0, 0)
    assert tables.one("SELECT status FROM runs") == "completed"
    path.write_bytes(path.read_bytes() + b"\xef\xbb\xbf" * 3000 + b"\n")
    tables = ingested(runs)
    assert (tables.summary.lines, tables.summary.quarantine_rows) == (4, 1)


def test_members_that_are_no_list_are_none(runs: Path, ingested: Ingest) -> None:
    """A group's manager of which a record says so still has its words."""
    manager = {"kind": "agent", "name": "m", "class": "GroupChatManager", "members": True}
    write_journal(runs, "r", manager, {**logged("m", "a", {"content": "hi", "name": "m"}), "silent": True})
    assert ingested(runs).sql("SELECT content FROM messages") == [{"content": "hi"}]


def test_a_folder_that_becomes_a_link_is_not_followed(
    runs: Path, tmp_path: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where that happens between the scan and the reading, which may wait for another ingest."""
    outside = tmp_path / "outside"
    write_journal(outside, "r", logged("a", "b", "SECRET"))
    (outside / "chat.json").write_text('[{"role": "user", "content": "SECRET"}]')
    write_journal(runs, "r", logged("a", "b", "mine"))
    write_journal(runs, "other", logged("a", "b", "fine"))
    (runs / "sub").mkdir()
    (runs / "sub" / "chat.json").write_text('[{"role": "user", "content": "mine"}]')
    locked = pipeline.locked

    def locked_late(out: str, note: Any) -> Any:
        for name, target in (("r", outside / "r"), ("sub", outside)):
            (runs / name).rename(tmp_path / f"moved {name}")
            (runs / name).symlink_to(target)
        return locked(out, note)

    monkeypatch.setattr(pipeline, "locked", locked_late)
    tables = ingested(runs)
    assert tables.sql("SELECT content FROM messages") == [{"content": "fine"}]
    assert len([note for note in tables.summary.notes if "can't be read" in note]) == 2


def test_nothing_is_written_through_a_link(runs: Path, tmp_path: Path, ingested: Ingest) -> None:
    """Not in the folder of tables either; and what a file of the user's is in the way of is said."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    ingested(runs)
    traces, elsewhere, victim = tmp_path / "traces", tmp_path / "elsewhere", tmp_path / "victim"
    elsewhere.mkdir()
    victim.write_text("mine")
    (traces / ".lock").unlink()
    (traces / ".lock").symlink_to(victim)
    with pytest.raises(IngestError, match="can't be written to"):
        ingested(runs)
    assert victim.read_text() == "mine"
    (traces / ".lock").unlink()
    for name in (".staging", "parquet/journal"):
        place = traces / name
        kept = place.rename(tmp_path / "kept") if place.exists() else None
        place.symlink_to(elsewhere)
        with pytest.raises(IngestError, match=f"{name}: is a link; choose another"):
            ingested(runs, force=True)
        place.unlink()
        if kept is not None:
            kept.rename(place)
    assert list(elsewhere.iterdir()) == []
    (traces / ".traces.duckdb.new").mkdir()
    with pytest.raises(IngestError, match=r"traces.duckdb.new: can't be removed, .*; move it away and ingest again"):
        ingested(runs, force=True)
    (traces / ".traces.duckdb.new").rmdir()
    (whole,) = (traces / "parquet" / "runs").glob("*/*.parquet")
    whole.rename(tmp_path / "runs.parquet")
    whole.mkdir()
    with pytest.raises(IngestError, match="is a folder where a file of the tables belongs; move it away"):
        ingested(runs)
    whole.rmdir()
    assert ingested(runs).summary.unchanged == 1


@pytest.mark.parametrize("others", [[], [{"v": 1, "seq": 1, "ts": 2, "kind": "run_end", "status": "completed"}]])
def test_a_journal_whose_first_line_is_damaged_is_a_journal(others: list[Any], runs: Path, ingested: Ingest) -> None:
    """Its name says so, also where what is left looks like something else; no line is lost."""
    first = {"w": 1, "seq": 0, "kind": "event", "name": "a", "event": {"content": "hi"}}
    (runs / "r").mkdir()
    (runs / "r" / "journal.jsonl").write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in (first, *others)))
    tables = ingested(runs)
    assert (tables.summary.lines, tables.summary.skipped) == (1 + len(others), 0)
    assert tables.sql("SELECT source_format FROM runs") == [{"source_format": "journal"}]


def test_the_holes_of_a_sparse_file_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gigabytes of nothing are passed over, and what follows is read."""
    monkeypatch.setattr("ingest.lines.MAX_LINE", 2000)
    path, zeros = tmp_path / "sparse", 40 * 1024**3
    with path.open("wb") as file:
        file.truncate(zeros)
        file.seek(0, os.SEEK_END)
        file.write(b"end\nnext\n")
    with path.open("rb") as file:
        (_, _, long), after = read_lines(file)
    assert isinstance(long, TooLong)
    assert (long.length, after) == (zeros + 4, (2, zeros + 4, b"next\n"))


def test_a_line_too_long_to_be_read_leniently_is_still_read(
    runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sound JSON is read at any length; only Python's own NaN is not looked for in a line beyond a bound."""
    monkeypatch.setattr("ingest.lines.MAX_LENIENT", 100)
    path = write_journal(runs, "r", logged("a", "b", "x" * 200), end=False)
    with path.open("a") as file:
        file.write('{"v":1,"seq":2,"ts":1,"kind":"action","details":{"n":NaN,"x":"%s"}}\n' % ("y" * 200))
    tables = ingested(runs)
    assert tables.one("SELECT messages FROM runs") == 1
    assert tables.one("SELECT count(*) FROM journal") == 2
    assert tables.sql("SELECT line FROM quarantine") == [{"line": 3}]
    assert not tables.one("SELECT record::VARCHAR LIKE E'%\\n' FROM journal WHERE seq = 1")


@pytest.mark.parametrize(("table", "what"), [("journal", "2 records"), ("quarantine", "1 unreadable lines")])
def test_a_line_that_is_lost_on_its_way_is_told(
    table: str, what: str, runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each line that was read is a row; where one is not, the tables are as they were."""
    path = write_journal(runs, "r")
    path.write_bytes(path.read_bytes() + b"broken\n")
    add = Stage.add
    monkeypatch.setattr(Stage, "add", lambda self, name, *rest: None if name == table else add(self, name, *rest))
    with pytest.raises(IngestError, match=f"{what} were read but 0 stored; the tables are as they were"):
        ingested(runs)
    monkeypatch.undo()
    tables = ingested(runs)
    assert (tables.summary.lines, tables.summary.journal_rows, tables.summary.quarantine_rows) == (3, 2, 1)
