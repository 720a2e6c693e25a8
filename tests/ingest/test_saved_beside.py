"""Transcripts that are too long for the journal lie beside it, and are part of the run all the same."""

import json
import os
from functools import partialmethod
from pathlib import Path
from typing import Any

import duckdb
import pytest

import ingest
from ingest import beside, text, transcripts
from ingest.seen import Seen
from tests.ingest.conftest import Ingest
from tests.ingest.tables import Row, logged, write_journal

MESSAGES = [{"role": "user", "name": "u", "content": f"{number} " + "x" * 2000} for number in range(600)]


def recorded(folder: Path, **about: Any) -> Path:
    """A run whose journal refers to a transcript; gives the run's folder."""
    run = folder / "runs" / "r"
    run.mkdir(parents=True)
    records: list[dict[str, Any]] = [
        {"kind": "run_start", "run_id": "r"},
        {"kind": "messages", "chat": "long", "count": len(MESSAGES), **about},
        {"kind": "run_end", "status": "completed"},
    ]
    lines = [json.dumps({"v": 1, "seq": seq, "ts": seq + 1, **record}) for seq, record in enumerate(records)]
    (run / "journal.jsonl").write_text("\n".join(lines) + "\n")
    return run


def asked(folder: Path, question: str) -> Any:
    """The one value that answers a question."""
    ingest.run([str(folder / "runs")], out=str(folder / "traces"))
    with duckdb.connect(str(folder / "traces" / "traces.duckdb"), read_only=True) as con:
        found = con.execute(question).fetchone()
    assert found is not None
    return found[0]


def test_a_transcript_beside_the_journal_is_read(tmp_path: Path) -> None:
    """Each of its messages has a row, whole."""
    run = recorded(tmp_path, path="long.json")
    (run / "long.json").write_text(json.dumps(MESSAGES))
    assert asked(tmp_path, "SELECT list(content ORDER BY message_order) FROM messages") == [
        message["content"] for message in MESSAGES
    ]


def test_a_transcript_that_the_recorder_saved_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `save_messages` puts beside the journal comes back from the tables."""
    capture = pytest.importorskip("capture")
    monkeypatch.chdir(tmp_path)
    with capture.start("runs", run_id="r") as run:
        run.save_messages(MESSAGES, "long")
    assert len(list((tmp_path / "runs" / "r").glob("*.json"))) == 1
    assert asked(tmp_path, "SELECT count(*) FROM messages") == len(MESSAGES)


@pytest.mark.slow
@pytest.mark.parametrize("path", ["missing.json", "../../secret.json", "link.json", "/etc/hostname", "broken.json"])
def test_a_transcript_that_is_not_there_is_named(tmp_path: Path, path: str) -> None:
    """Nothing outside the run's folder is opened, and what could not be read is in `runs.meta`."""
    run = recorded(tmp_path, path=path)
    (tmp_path / "secret.json").write_text(json.dumps(MESSAGES))
    (run / "link.json").symlink_to(tmp_path / "secret.json")
    (run / "broken.json").write_text("[{")
    assert asked(tmp_path, "SELECT meta->>'$.transcripts_missing[0]' FROM runs WHERE run_id = 'r'") == path
    assert asked(tmp_path, "SELECT count(*) FROM messages") == 0


@pytest.mark.parametrize("held", [text.MAX_WHOLE, 1000])
def test_a_long_transcript_is_decoded_message_by_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int
) -> None:
    """One with a message that is too long for that is decoded as a whole."""
    monkeypatch.setattr(text, "LARGE", 1000)
    monkeypatch.setattr(text, "WINDOW", 500)
    monkeypatch.setattr(text, "MAX_WHOLE", held)
    decoded: list[int] = []
    decode = beside.decode
    monkeypatch.setattr(beside, "decode", lambda raw: decoded.append(len(raw)) or decode(raw))
    run = recorded(tmp_path, path="long.json")
    (run / "long.json").write_text(json.dumps(MESSAGES))
    assert asked(tmp_path, "SELECT list(content ORDER BY message_order) FROM messages") == [
        message["content"] for message in MESSAGES
    ]
    assert (len(decoded) == 1) == (held == 1000)


@pytest.mark.parametrize("rest", ["[]", '{"role": "us'])
def test_something_behind_a_long_transcript_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rest: str) -> None:
    """As of a short one, nothing of it is taken: it is not what the recorder wrote."""
    monkeypatch.setattr(text, "LARGE", 1000)
    run = recorded(tmp_path, path="long.json")
    (run / "long.json").write_text(f"{json.dumps(MESSAGES)}\n{rest}")
    assert asked(tmp_path, "SELECT meta->>'$.transcripts_missing[0]' FROM runs") == "long.json"
    assert asked(tmp_path, "SELECT count(*) FROM messages") == 0


def test_a_transcript_beside_the_journal_counts_for_the_length_of_its_run(tmp_path: Path) -> None:
    """By it is told which runs share a Parquet file, and what memory can hold at once."""
    run = recorded(tmp_path, path="long.json")
    (run / "long.json").write_text(json.dumps(MESSAGES))
    assert asked(tmp_path, "SELECT text FROM ingest.sources") >= sum(len(message["content"]) for message in MESSAGES)


def test_unreadable_lines_count_for_the_length_of_their_run(tmp_path: Path) -> None:
    """They stand in quarantine, in one Parquet file with those of no more runs than memory can hold."""
    path = write_journal(tmp_path / "runs", "r", logged("a", "b", "hi"), end=False)
    with path.open("a") as file:
        file.write("x" * 100_000 + "\n")
    assert 100_000 <= asked(tmp_path, "SELECT text FROM ingest.sources") < 110_000


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files as Linux tells them")
def test_a_folder_in_place_of_a_transcript_stays_closed(tmp_path: Path) -> None:
    """However often a journal names it, no descriptor is left open."""
    (tmp_path / "folder").mkdir()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(10):
        assert beside.read_transcript(str(tmp_path), "folder") is None
        assert beside.read_copy(str(tmp_path), "folder") is None
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_listeners_history_of_an_introduced_group_adds_nothing(tmp_path: Path) -> None:
    """It has the introduction before the words that open the chat."""
    capture = pytest.importorskip("capture")
    autogen = pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")
    members = [
        autogen.ConversableAgent(n, llm_config=False, default_auto_reply=f"{n} speaks", human_input_mode="NEVER")
        for n in ("alpha", "beta")
    ]
    chat = autogen.GroupChat(members, [], 4, speaker_selection_method="round_robin", send_introductions=True)
    manager = autogen.GroupChatManager(chat, llm_config=False)
    with capture.start(tmp_path / "runs", run_id="r") as run:
        members[0].initiate_chat(manager, message="start")
        run.save_messages(members[1].chat_messages[manager], "beta")
        run.save_messages(manager.chat_messages[members[1]], "manager")
    expected = [m["content"] for m in members[1].chat_messages[manager]]
    assert sorted(asked(tmp_path, "SELECT list(content) FROM messages")) == sorted(expected)


@pytest.mark.parametrize("complete", [True, False])
def test_what_a_journal_lacks_was_before_it_only_where_it_has_all_else(
    complete: bool, runs: Path, ingested: Ingest
) -> None:
    """Of a run that lost its beginning the transcript tells it, with the code that was run."""
    said = [("u", "task"), ("c", "```python\n1/0\n```"), ("u", "exitcode: 1 (execution failed)\nCode output: E: x")]
    after = [("c", "sorry"), ("h", "try this"), ("u", "ok")]
    history = [{"role": "user", "name": name, "content": text} for name, text in said + after]
    records = [logged("c", "u", "sorry"), logged("u", "c", "ok")]
    saved = {"kind": "messages", "chat": "c", "messages": history} | ({"complete": True} if complete else {})
    write_journal(runs, "r", *([] if complete else [{"kind": "gap", "lost": 3}]), *records, saved)
    tables = ingested(runs)
    (run,) = tables.sql("SELECT messages, code_execs, errors FROM runs")
    assert tuple(run.values()) == ((3, 0, 0) if complete else (6, 1, 1))
    rows = tables.sql("SELECT sender, content, internal FROM messages ORDER BY message_order")
    assert [(row["sender"], row["content"]) for row in rows] == said + after
    assert [row["internal"] for row in rows] == [complete] * 3 + [False] * 3


def test_a_list_that_nobody_heard_of_was_saved_for_its_own_sake(runs: Path, ingested: Ingest) -> None:
    """The user saved it: it is of the run, although the journal has nothing of it."""
    history = [{"role": "user", "name": name, "content": f"{name} says"} for name in "ab"]
    write_journal(runs, "r", {"kind": "messages", "chat": "c", "messages": history, "complete": True})
    assert ingested(runs).one("SELECT messages FROM runs") == 2


def test_very_many_transcripts_of_one_message_each(runs: Path, ingested: Ingest) -> None:
    """What the journal has is told once, and what it lacks is added."""
    known = [logged("a", "b", f"known {number}") for number in range(3)]
    saved = [{"role": "user", "name": "a", "content": f"new {number}"} for number in range(12)]
    saved += [{"role": "user", "name": "a", "content": "known 1"}, {"role": "user", "name": "a", "content": "new 3"}]
    write_journal(runs, "r", *known, *({"kind": "messages", "messages": [message]} for message in saved))
    rows = ingested(runs).sql("SELECT content, source FROM messages ORDER BY content")
    told = {row["content"]: row["source"] for row in rows}
    assert told["known 1"].endswith("transcript")
    assert told["known 0"] != told["known 1"]
    assert [row["content"] for row in rows].count("known 1") == 1
    assert told.keys() == {f"known {n}" for n in range(3)} | {f"new {n}" for n in range(12)}


def chats_with_copies(number: int, *, at_end: bool) -> list[Row]:
    """So many chats that end with the same word, each of which the user saved: at once, or all of them at the end."""
    said: list[Row] = []
    copies: list[Row] = []
    for chat in range(number):
        words = [f"Do item {chat}.", f"{chat} is done.", "TERMINATE"]
        said += [logged(*("ab" if place % 2 else "ba"), word) for place, word in enumerate(words)]
        messages = [{"role": "user", "name": "ab"[1 - place % 2], "content": word} for place, word in enumerate(words)]
        copies.append({"kind": "messages", "messages": messages})
        if not at_end:
            said.append(copies.pop())
    return said + copies


@pytest.mark.parametrize("at_end", [False, True])
def test_each_of_many_saved_chats_is_that_of_the_run(
    at_end: bool, runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All messages once, also the word that they all end with, of which only those near each chat are looked at."""
    monkeypatch.setattr(transcripts, "FREQUENT", 4)
    write_journal(runs, "r", *chats_with_copies(40, at_end=at_end))
    query = "SELECT content, source, count(*) AS n FROM messages GROUP BY ALL ORDER BY n DESC LIMIT 1"
    tables = ingested(runs)
    assert tables.one("SELECT count(*) FROM messages WHERE source = 'logger+transcript'") == 120
    assert tables.sql(query) == [{"content": "TERMINATE", "source": "logger+transcript", "n": 40}]
    assert tables.one("SELECT count(*) FROM messages") == 120


@pytest.mark.parametrize("at_end", [False, True])
def test_twice_as_many_saved_chats_are_twice_the_work(
    at_end: bool, runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that goes over a data set and saves each chat looks at a message of the run a few times, not at all of them
    for each copy."""
    monkeypatch.setattr(transcripts, "FREQUENT", 8)
    looked_at = {"position": 0, "key": 0}
    for name in looked_at:

        def counting(self: Seen, *given: Any, of: Any, name: str) -> Any:
            looked_at[name] += 1
            return of(self, *given)

        monkeypatch.setattr(Seen, name, partialmethod(counting, of=getattr(Seen, name), name=name))
    work = []
    for number in (100, 200):
        write_journal(runs, "r", *chats_with_copies(number, at_end=at_end))
        before = sum(looked_at.values())
        ingested(runs)
        work.append(sum(looked_at.values()) - before)
    assert work[1] < 2.5 * work[0]
