"""Transcripts in the shapes that people have."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ingest import workers
from ingest.transcripts import Claims
from tests.ingest.conftest import Ingest
from tests.ingest.tables import event, logged, text, write_journal

CHAT: list[dict[str, Any]] = [
    {"role": "user", "name": "admin", "content": "Write numbers to a file."},
    {"role": "user", "name": "engineer", "content": "```python\nimport csv\nopen('n.csv', 'w').write('1')\n```"},
    {"role": "user", "name": "executor", "content": "exitcode: 0 (execution succeeded)\nCode output: done"},
    {"role": "user", "name": "engineer", "content": "TERMINATE"},
]


def shapes() -> list[tuple[str, bytes]]:
    lines = b"".join(json.dumps(m).encode() + b"\n" for m in CHAT)
    return [
        ("list.json", json.dumps(CHAT).encode()),
        ("pretty.json", json.dumps(CHAT, indent=2).encode()),
        ("messages.json", json.dumps({"messages": CHAT, "model": "gpt"}).encode()),
        ("history.json", json.dumps({"question": "why", "history": CHAT}).encode()),
        ("chat_history.json", json.dumps({"chat_history": CHAT, "cost": {"total": 1}}).encode()),
        ("lines.jsonl", lines),
        ("LIST.JSON", json.dumps(CHAT).encode()),
        ("lines.ndjson", lines),
        ("lines_without_last_newline.jsonl", lines.rstrip()),
        ("windows.jsonl", lines.replace(b"\n", b"\r\n")),
    ]


@pytest.mark.few
@pytest.mark.parametrize(("name", "content"), shapes(), ids=[name for name, _ in shapes()])
def test_every_shape_gives_the_same_rows(name: str, content: bytes, runs: Path, ingested: Ingest) -> None:
    """A conversation is the same whichever way it was saved."""
    (runs / name).write_bytes(content)
    tables = ingested(runs)
    messages = tables.sql("SELECT sender, content, source FROM messages ORDER BY message_order")
    assert [(m["sender"], m["content"]) for m in messages] == [(m["name"], m["content"]) for m in CHAT]
    assert {m["source"] for m in messages} == {"transcript"}
    (code,) = tables.sql("SELECT * FROM code_execs")
    assert (code["exit_code"], code["output"], code["agent_name"], code["executor"]) == (
        0,
        "done",
        "engineer",
        "executor",
    )
    (run,) = tables.sql("SELECT * FROM runs")
    assert (run["run_id"], run["messages"], run["started_at"]) == (name, 4, None)
    assert tables.one("SELECT count(*) FROM journal") == 4
    assert tables.one("SELECT count(*) FROM quarantine") == 0


def test_keys_beside_the_messages_describe_the_run(runs: Path, ingested: Ingest) -> None:
    """What stands beside the messages goes to runs.meta, and a question is the task."""
    (runs / "a.json").write_text(json.dumps({"question": "why?", "level": 3, "history": CHAT}))
    (run,) = ingested(runs).sql("SELECT task, meta->>'level' AS level FROM runs")
    assert run == {"task": "why?", "level": "3"}


def test_a_list_that_breaks_off_is_read_as_far_as_it_goes(runs: Path, ingested: Ingest) -> None:
    """A transcript that was cut off while it was written loses its last message, not all."""
    content = json.dumps(CHAT).encode()
    (runs / "cut.json").write_bytes(content[:-30])
    tables = ingested(runs)
    assert tables.one("SELECT count(*) FROM messages") == 3
    (bad,) = tables.sql("SELECT run_id, line, byte_offset, bytes FROM quarantine")
    assert (bad["run_id"], bad["line"]) == ("cut.json", 4)
    assert content[bad["byte_offset"] :].startswith(bad["bytes"][:20])


@pytest.mark.few
@pytest.mark.parametrize("name", ["list.json", "object.json"])
@pytest.mark.parametrize("behind", ["", ",", ", ", "]"])
def test_a_list_that_breaks_off_between_two_messages_is_told(
    behind: str, name: str, runs: Path, ingested: Ingest
) -> None:
    """All messages are there, and that the end is missing is a line of `quarantine` without bytes."""
    whole = json.dumps(CHAT).removesuffix("]") + behind
    (runs / name).write_text(f'{{"task": "t", "messages": {whole}' if name == "object.json" else whole)
    is_whole = (name, behind) == ("list.json", "]")
    tables = ingested(runs)
    assert tables.one("SELECT count(*) FROM messages") == len(CHAT)
    bad = tables.sql("SELECT error, bytes FROM quarantine")
    assert bad == [] if is_whole else [row["bytes"] for row in bad] == [b""]
    assert tables.summary.torn == (not is_whole)


def test_a_comma_behind_the_last_message_is_no_fault(runs: Path, ingested: Ingest) -> None:
    """As people leave it who write lists by hand."""
    (runs / "comma.json").write_text(json.dumps(CHAT).removesuffix("]") + ",\n]\n")
    tables = ingested(runs)
    assert tables.one("SELECT count(*) FROM messages") == len(CHAT)
    assert tables.summary.quarantine_rows == 0


def test_python_json_with_nan_and_lone_surrogates_is_mended(runs: Path, ingested: Ingest) -> None:
    """What Python writes and JSON forbids is read, with null and U+FFFD in its place."""
    (runs / "odd.json").write_text('[{"role": "user", "name": "a", "content": "x\\ud800y", "score": NaN}]')
    tables = ingested(runs)
    assert tables.one("SELECT content FROM messages") == "x\ufffdy"
    assert tables.one("SELECT count(*) FROM journal WHERE record->>'score' IS NULL") == 1


@pytest.mark.few
@pytest.mark.parametrize(
    "code",
    [
        "plt.savefig('\\ud83d\\ude00.png')",
        "open('\\ud83d.csv', 'w')",
        "open('\\ud800x').read()",
        "n = 1\nopen(f'\\ud83d{n}.csv', 'w')",
        "df.to_csv(path_or_buf='\\udc80.csv')",
        "import importlib\nimportlib.import_module('\\ud83d')",
    ],
)
def test_halves_of_characters_that_code_spells_out_name_no_file(code: str, runs: Path, ingested: Ingest) -> None:
    """The code is plain ASCII. Python opens no file of such a name, and the run comes in with all else."""
    code = f"```python\n{code}\nopen('b.csv', 'w')\n```"
    chat = [{"role": "assistant", "name": "a", "content": code}, CHAT[2]]
    (runs / "half.json").write_text(json.dumps(chat))
    tables = ingested(runs)
    assert tables.one("SELECT count(*) FROM messages") == 2
    assert tables.sql("SELECT file_path FROM files WHERE operation = 'write'") == [{"file_path": "b.csv"}]


def test_an_id_that_comes_again_is_that_of_the_latest_message(runs: Path, ingested: Ingest) -> None:
    """Some models begin to count in every answer. An older call with the id may never have been answered."""
    chat = [_asks("lookup", "call_0", q=1), {"role": "user", "name": "u", "content": "never mind, fetch it"}]
    for page in range(3):
        answer = "Error: no page 1" if page == 1 else f"page {page}"
        chat += [_asks("fetch", "call_0", n=page), {"role": "tool", "tool_call_id": "call_0", "content": answer}]
    (runs / "ids.json").write_text(json.dumps(chat))
    assert ingested(runs).sql("SELECT tool_name, arguments->>'n' AS n, result, status FROM tool_calls ORDER BY n") == [
        {"tool_name": "fetch", "n": "0", "result": "page 0", "status": "completed"},
        {"tool_name": "fetch", "n": "1", "result": "Error: no page 1", "status": "failed"},
        {"tool_name": "fetch", "n": "2", "result": "page 2", "status": "completed"},
        {"tool_name": "lookup", "n": None, "result": None, "status": "pending"},
    ]


@pytest.mark.few
@pytest.mark.parametrize("call_id", ["same", None, "own"])
def test_very_many_calls_of_a_message_have_their_answers(call_id: str | None, runs: Path, ingested: Ingest) -> None:
    """More than are looked through of several messages; an older call of that tool was never answered."""
    asked = {"role": "assistant", "name": "a", "content": None, "tool_calls": []}
    answers: list[dict[str, Any]] = []
    for number in range(300):
        known = f"{number}" if call_id == "own" else call_id
        asked["tool_calls"] += _asks("fetch", known or "", n=number)["tool_calls"]
        answers.append({"role": "tool", "tool_call_id": known, "content": f"page {number}"})
        if known is None:
            del asked["tool_calls"][-1]["id"], answers[-1]["tool_call_id"]
    old = _asks("fetch", call_id or "", n=-1)
    (runs / "many.json").write_text(json.dumps([old, {"role": "user", "name": "u", "content": "all"}, asked, *answers]))
    rows = ingested(runs).sql("SELECT (arguments->>'n')::INTEGER AS n, result FROM tool_calls ORDER BY n")
    assert [row["result"] for row in rows] == [None, *(f"page {number}" for number in range(300))]


def test_calls_stand_in_the_order_in_which_they_were_asked_for(runs: Path, ingested: Ingest) -> None:
    """One message asks for several of which the first is never answered."""
    several = _asks("first", "1")
    several["tool_calls"] += _asks("second", "2")["tool_calls"] + _asks("third", "3")["tool_calls"]
    answers = [{"role": "tool", "tool_call_id": i, "content": "yes"} for i in "32"]
    (runs / "order.json").write_text(json.dumps([several, *answers, _asks("last", "4")]))
    query = (
        "SELECT meta->>'tool_name' AS t FROM execution_events WHERE event_type = 'tool_call' ORDER BY execution_order"
    )
    assert [row["t"] for row in ingested(runs).sql(query)] == ["first", "second", "third", "last"]


def _asks(tool: str, call_id: str, **arguments: object) -> dict[str, Any]:
    function = {"name": tool, "arguments": json.dumps(arguments)}
    call = {"id": call_id, "type": "function", "function": function}
    return {"role": "assistant", "name": "a", "content": None, "tool_calls": [call]}


def test_elements_that_are_no_messages_go_to_quarantine(runs: Path, ingested: Ingest) -> None:
    """Nothing in a list is dropped in silence."""
    (runs / "mixed.json").write_text(json.dumps([*CHAT, 17, {"foo": 1}]))
    tables = ingested(runs)
    assert tables.one("SELECT count(*) FROM journal") == 4
    assert [q["line"] for q in tables.sql("SELECT line FROM quarantine ORDER BY line")] == [5, 6]
    assert tables.summary.lines == 6


def test_magentic_one_names_the_speaker_in_the_role(runs: Path, ingested: Ingest) -> None:
    """`Orchestrator (-> Surfer)` is Orchestrator talking to Surfer."""
    (runs / "m.json").write_text(json.dumps([{"role": "Orchestrator (-> Surfer)", "content": "look it up"}]))
    assert ingested(runs).sql("SELECT sender, recipient, role FROM messages") == [
        {"sender": "Orchestrator", "recipient": "Surfer", "role": "Orchestrator (-> Surfer)"}
    ]


def test_code_that_was_only_written_is_no_execution(runs: Path, ingested: Ingest) -> None:
    """A block without an exit code after it has no row in code_execs."""
    (runs / "w.json").write_text(json.dumps(CHAT[:2]))
    tables = ingested(runs)
    assert tables.one("SELECT count(*) FROM code_execs") == 0
    assert tables.one("SELECT meta->>'has_code' FROM execution_events WHERE agent_name = 'engineer'") == "true"


def test_blocks_of_one_execution_share_its_event(runs: Path, ingested: Ingest) -> None:
    """Two blocks in a message run together: two rows, one event, one exit code."""
    two = "```python\nprint(1)\n```\nand\n```sh\nls\n```"
    (runs / "t.json").write_text(
        json.dumps(
            [
                {**CHAT[1], "content": two},
                {**CHAT[2], "content": CHAT[2]["content"].replace("0", "7").replace("succeeded", "failed")},
            ]
        )
    )
    rows = ingested(runs).sql("SELECT event_id, language, exit_code, status FROM code_execs")
    assert [r["language"] for r in rows] == ["python", "sh"]
    assert len({r["event_id"] for r in rows}) == 1
    assert {(r["exit_code"], r["status"]) for r in rows} == {(7, "failed")}


def test_a_failure_without_output_tells_its_exit_code(runs: Path, ingested: Ingest) -> None:
    """There is nothing else to say of it."""
    silent = {**CHAT[2], "content": "exitcode: 7 (execution failed)\nCode output: "}
    (runs / "t.json").write_text(json.dumps([CHAT[1], silent]))
    (event,) = ingested(runs).events("code_exec")
    assert (event["status"], event["error_message"]) == ("failed", "exit code 7")


def test_a_file_outside_of_the_folder_is_refused(runs: Path, ingested: Ingest, tmp_path: Path) -> None:
    """AG2's executor then neither saves nor runs the block."""
    coding = pytest.importorskip("autogen.coding")
    code, folder = "# filename: ../evil.py\nopen('made.txt', 'w')", tmp_path / "work"
    folder.mkdir()
    block = coding.CodeBlock(language="python", code=code)
    result = coding.LocalCommandLineCodeExecutor(work_dir=folder).execute_code_blocks([block])
    assert not list(folder.iterdir())
    assert not (tmp_path / "evil.py").exists()
    reply = f"exitcode: {result.exit_code} (execution failed)\nCode output: {result.output}"
    said = [{**CHAT[1], "content": f"```python\n{code}\n```"}, {**CHAT[2], "content": reply}]
    (runs / "t.json").write_text(json.dumps(said))
    tables = ingested(runs)
    assert tables.one("SELECT count(*) FROM files WHERE operation = 'write'") == 0
    assert {event["status"] for event in tables.events("file_gen")} == {"failed"}


def test_a_file_in_a_folder_that_is_not_there_is_not_written(runs: Path, ingested: Ingest, tmp_path: Path) -> None:
    """AG2's executor raises then; the recorder tells of that, and saw no file."""
    coding = pytest.importorskip("autogen.coding")
    code = "# filename: src/tool.py\nprint(1)"
    executor = coding.LocalCommandLineCodeExecutor(work_dir=tmp_path)
    with pytest.raises(FileNotFoundError) as raised:
        executor.execute_code_blocks([coding.CodeBlock(language="python", code=code)])
    error = {"type": "FileNotFoundError", "message": str(raised.value)}
    ran = {"kind": "code_exec", "agent": "b", "blocks": [{"language": "python", "code": code}], "status": "error"}
    write_journal(runs, "r", logged("a", "b", f"```python\n{code}\n```"), {**ran, "error": error})
    tables = ingested(runs)
    assert tables.one("SELECT status FROM code_execs") == "failed"
    assert tables.one("SELECT count(*) FROM files WHERE operation = 'write'") == 0
    assert {event["status"] for event in tables.events("file_gen")} == {"failed"}


def test_the_old_executor_saves_named_files_of_python_alone(runs: Path, ingested: Ingest) -> None:
    """AG2's `execute_code` with a language other than Python leaves `# filename:` a comment."""
    codes = [("python", "# filename: a.py\nprint(1)"), ("sh", "# filename: b.sh\necho 1 > c.txt")]
    blocks = [event("execute_code_block", code=code, language=kind, recipient="b") for kind, code in codes]
    said = "\n".join(f"```{kind}\n{code}\n```" for kind, code in codes)
    reply = text("b", "a", "exitcode: 0 (execution succeeded)\nCode output: 1")
    write_journal(runs, "r", text("a", "b", said), *blocks, reply)
    written = ingested(runs).sql("SELECT file_path FROM files WHERE operation = 'write' ORDER BY ALL")
    assert [row["file_path"] for row in written] == ["a.py", "c.txt"]


@pytest.mark.parametrize(
    "words",
    [{"refusal": "I cannot."}, {"audio": {"id": "a", "transcript": "I cannot."}}, {"refusal": None, "audio": 1}],
)
def test_words_of_a_message_that_has_no_content(words: dict[str, Any], runs: Path, ingested: Ingest) -> None:
    """OpenAI's API keeps a refusal, and what is spoken, apart from the content."""
    (runs / "t.json").write_text(json.dumps([CHAT[0], {"role": "assistant", "content": None, **words}]))
    said = ingested(runs).sql("SELECT content FROM messages ORDER BY message_order")
    assert said[1]["content"] == (None if words.get("audio") == 1 else "I cannot.")


@pytest.mark.parametrize("legacy", [False, True])
def test_tool_calls_are_joined_to_their_answers(legacy: bool, runs: Path, ingested: Ingest) -> None:
    """By id, or in the legacy form by the function's name."""
    if legacy:
        ask: dict[str, Any] = {"function_call": {"name": "add", "arguments": '{"x": 1}'}}
        answer: dict[str, Any] = {"role": "function", "name": "add", "content": "2"}
    else:
        ask = {"tool_calls": [{"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"x": 1}'}}]}
        answer = {"role": "tool", "name": "box", "tool_call_id": "c1", "content": "2"}
    (runs / "t.json").write_text(json.dumps([{"role": "assistant", "name": "a", "content": None, **ask}, answer]))
    tables = ingested(runs)
    (call,) = tables.sql("SELECT tool_name, agent_name, arguments->>'x' AS x, result, status FROM tool_calls")
    assert call == {"tool_name": "add", "agent_name": "a", "x": "1", "result": "2", "status": "completed"}


def test_parallel_answers_find_their_calls(runs: Path, ingested: Ingest) -> None:
    """Two calls in a message, answered in one message in the other order; a third is never answered."""
    calls = [{"id": i, "type": "function", "function": {"name": f"t{i}", "arguments": "{}"}} for i in "123"]
    answers = [{"tool_call_id": i, "role": "tool", "content": f"r{i}"} for i in "21"]
    chat = [
        {"role": "assistant", "name": "a", "content": "", "tool_calls": calls},
        {"role": "tool", "name": "box", "content": "r2\n\nr1", "tool_responses": answers},
    ]
    (runs / "p.json").write_text(json.dumps(chat))
    rows = ingested(runs).sql("SELECT tool_name, result, status FROM tool_calls ORDER BY tool_name")
    assert [tuple(r.values()) for r in rows] == [
        ("t1", "r1", "completed"),
        ("t2", "r2", "completed"),
        ("t3", None, "pending"),
    ]


def test_an_error_answer_of_ag2_is_a_failed_call(runs: Path, ingested: Ingest) -> None:
    """AG2 begins the answer of a tool that raised with `Error: `."""
    call = {"id": "c", "type": "function", "function": {"name": "t", "arguments": "not json"}}
    chat = [
        {"role": "assistant", "name": "a", "content": "", "tool_calls": [call]},
        {"role": "tool", "name": "b", "tool_call_id": "c", "content": "Error: no such station"},
    ]
    (runs / "e.json").write_text(json.dumps(chat))
    (row,) = ingested(runs).sql("SELECT status, error_message, arguments::VARCHAR AS a FROM tool_calls")
    assert row == {"status": "failed", "error_message": "Error: no such station", "a": '"not json"'}


@pytest.mark.few
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("lines", [False, True])
def test_files_of_windows_programs_are_read(encoding: str, lines: bool, runs: Path, ingested: Ingest) -> None:
    """UTF-16, and UTF-8 with a mark in front."""
    text = "\n".join(map(json.dumps, CHAT)) if lines else json.dumps(CHAT, ensure_ascii=False)
    (runs / "w.json").write_text(text, encoding=encoding)
    assert ingested(runs).one("SELECT count(*) FROM messages") == len(CHAT)


def test_the_list_that_has_messages_is_meant(runs: Path, ingested: Ingest) -> None:
    """An empty `messages` beside a full `chat_history`."""
    (runs / "t.json").write_text(json.dumps({"messages": [], "chat_history": CHAT}))
    assert ingested(runs).one("SELECT count(*) FROM messages") == len(CHAT)


def test_a_first_line_that_describes_the_run(runs: Path, ingested: Ingest) -> None:
    """JSONL with an object about the run in front: it goes to runs.meta, and is a row of journal."""
    (runs / "t.jsonl").write_text("\n".join(map(json.dumps, [{"task": "count", "seed": 3}, *CHAT])) + "\n")
    tables = ingested(runs)
    assert tables.sql("SELECT task, messages, meta->>'seed' AS seed FROM runs") == [
        {"task": "count", "messages": 4, "seed": "3"}
    ]
    assert tables.one("SELECT count(*) FROM journal") == 5


@pytest.mark.parametrize("wrap", [list, lambda chat: {"id": 7, "messages": chat}], ids=["lists", "objects"])
def test_a_conversation_on_each_line(wrap: Callable[[Any], Any], runs: Path, ingested: Ingest) -> None:
    """Files made for fine-tuning or evaluation: each line is a chat of the run, equal or not."""
    other = [{"role": "user", "name": "critic", "content": "Why?"}, {"role": "user", "name": "poet", "content": "So."}]
    (runs / "t.jsonl").write_text("\n".join(json.dumps(wrap(chat)) for chat in (CHAT, other, CHAT)) + "\n")
    tables = ingested(runs)
    said = tables.sql("SELECT sender, content FROM messages ORDER BY message_order")
    assert [(m["sender"], m["content"]) for m in said] == [(m["name"], m["content"]) for m in CHAT + other + CHAT]
    assert tables.one("SELECT count(*) FROM journal") == tables.summary.lines == 10
    assert tables.one("SELECT count(*) FROM code_execs") == 2
    handed = tables.sql(
        "SELECT inputs->>'from_agent' AS a, inputs->>'to_agent' AS b FROM execution_events "
        "WHERE event_type = 'handoff' ORDER BY execution_order"
    )
    assert ("critic", "poet") in [(h["a"], h["b"]) for h in handed]
    assert {h["a"] for h in handed if h["b"] == "critic"} == set()
    told = tables.sql("SELECT meta->'chats'->0->>'id' AS id FROM runs")
    assert told == [{"id": "7" if isinstance(wrap(CHAT), dict) else None}]


def test_a_line_without_a_conversation_is_kept(runs: Path, ingested: Ingest) -> None:
    """Among lines with a conversation each, what holds none or can't be read goes to quarantine."""
    lines = [json.dumps({"messages": CHAT}), "{}", '{"messages": [{"role": "us', json.dumps({"messages": CHAT})]
    (runs / "t.jsonl").write_text("\n".join(lines) + "\n")
    tables = ingested(runs)
    assert tables.one("SELECT messages FROM runs") == 2 * len(CHAT)
    rows = tables.sql("SELECT line, byte_offset, bytes FROM quarantine ORDER BY line")
    assert [(r["line"], r["bytes"].decode().strip()) for r in rows] == [(2, lines[1]), (3, lines[2])]
    assert rows[0]["byte_offset"] == len(lines[0]) + 1


def test_a_list_that_is_broken_in_the_middle_goes_on_behind(runs: Path, ingested: Ingest) -> None:
    """One bad message costs one message, and is no torn line."""
    parts = [json.dumps(m).encode() for m in CHAT * 5]
    parts[7] = parts[7].replace(b'"content"', b'"content', 1)
    parts[12] = parts[12].replace(b"engineer", b"engin\xffer") if b"engineer" in parts[12] else b'{"role": "\xff"}'
    (runs / "t.json").write_bytes(b"[" + b",\n".join(parts) + b"]")
    tables = ingested(runs)
    assert tables.one("SELECT count(*) FROM messages") == len(parts) - 2
    rows = tables.sql("SELECT bytes FROM quarantine ORDER BY line")
    assert [r["bytes"].strip(b",\n ") for r in rows] == [parts[7], parts[12]]
    assert (tables.summary.torn, tables.summary.lines) == (0, len(parts))


def test_a_tool_is_nobody_who_speaks(runs: Path, ingested: Ingest) -> None:
    """In the shape of OpenAI's API a tool message names the tool; that is no agent."""
    call = {"id": "c", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    chat = [
        {"role": "assistant", "name": "bot", "content": None, "tool_calls": [call]},
        {"role": "tool", "name": "weather", "tool_call_id": "c", "content": "rain"},
        {"role": "assistant", "name": "bot", "content": "It rains."},
    ]
    (runs / "t.json").write_text(json.dumps(chat))
    tables = ingested(runs)
    assert [m["sender"] for m in tables.sql("SELECT sender FROM messages ORDER BY message_order")] == [
        "bot",
        None,
        "bot",
    ]
    assert tables.sql("SELECT result, executor FROM tool_calls") == [{"result": "rain", "executor": None}]
    assert tables.events("handoff") == []


@pytest.mark.parametrize("indent", [None, 1, 4])
def test_an_object_that_was_cut_off_keeps_what_is_whole(indent: int | None, runs: Path, ingested: Ingest) -> None:
    """The messages before the cut, and the keys before the messages; the torn rest is one row of quarantine."""
    raw = json.dumps({"task": "count", "notes": {"a": [1]}, "messages": CHAT, "seed": 3}, indent=indent).encode()
    cut = raw[: raw.rindex(b'"role"') + 10]
    whole = len(CHAT) - 1
    (runs / "t.json").write_bytes(cut)
    tables = ingested(runs)
    assert tables.sql("SELECT task, messages FROM runs") == [{"task": "count", "messages": whole}]
    (bad,) = tables.sql("SELECT byte_offset, bytes, error FROM quarantine")
    assert cut[bad["byte_offset"] :] == bad["bytes"]
    assert "breaks off" in bad["error"]
    assert tables.summary.lines == tables.summary.journal_rows + tables.summary.quarantine_rows == whole + 1


def test_an_object_that_was_cut_off_behind_its_messages(runs: Path, ingested: Ingest) -> None:
    """All messages are there, and what follows them is torn."""
    raw = json.dumps({"messages": CHAT, "seed": 3, "summary": "é"}, indent=2).encode()
    (runs / "t.json").write_bytes(raw[:-8])
    tables = ingested(runs)
    assert tables.one("SELECT messages FROM runs") == len(CHAT)
    (bad,) = tables.sql("SELECT byte_offset, bytes FROM quarantine")
    assert raw[bad["byte_offset"] : -8] == bad["bytes"]
    assert bad["bytes"].startswith(b',\n  "seed"')


def test_an_object_with_one_broken_message_keeps_the_others(runs: Path, ingested: Ingest) -> None:
    """A fault in the middle costs one message, and the sound end of the object is no fault."""
    raw = json.dumps({"messages": [*CHAT, *CHAT], "seed": 3}, indent=2)
    (runs / "t.json").write_text(raw.replace('"content"', '"content', 1))
    tables = ingested(runs)
    assert tables.one("SELECT messages FROM runs") == 2 * len(CHAT) - 1
    assert tables.one("SELECT count(*) FROM quarantine") == 1


@pytest.mark.slow
def test_a_long_broken_list_of_anything_is_read_in_one_pass(runs: Path, ingested: Ingest) -> None:
    """Half a million elements that are no messages: a row of quarantine each, and one for the end that is missing."""
    (runs / "t.json").write_text(json.dumps([CHAT[0]])[:-1] + ",1" * 500_000)
    assert ingested(runs).summary.quarantine_rows == 500_001


OTHER_SIDE = [{**m, "role": "assistant"} for m in CHAT]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("document", "messages", "records"),
    [
        ({"engineer": CHAT}, 4, 4),
        ({"chat_messages": {"engineer": CHAT}}, 4, 4),
        ({"engineer": CHAT, "admin": OTHER_SIDE}, 4, 8),
        ({"engineer": {"admin": OTHER_SIDE}, "admin": {"engineer": CHAT}}, 4, 8),
        ([{"chat_history": CHAT, "summary": "first"}, {"chat_history": CHAT[:1], "summary": "second"}], 5, 5),
        ([CHAT, CHAT[:2]], 6, 6),
        ({"result": {"chat_history": CHAT}}, 4, 4),
        ({"agents": [{"name": "admin", "chat_messages": {"engineer": CHAT}}]}, 4, 4),
        ({"agents": {"admin": {"chat_messages": {"engineer": CHAT}}}}, 4, 4),
        ({"run": {"output": {"state": {"values": {"messages": CHAT}}}}}, 4, 4),
        ({"a": CHAT[:1], "b": CHAT[:1]}, 2, 2),
    ],
)
def test_several_conversations_in_a_file(
    document: Any, messages: int, records: int, runs: Path, ingested: Ingest
) -> None:
    """Each is a chat of the run; what both sides of a chat have saved is said once, and stands in `journal` twice."""
    (runs / "t.json").write_text(json.dumps(document))
    tables = ingested(runs)
    assert tables.one("SELECT count(*) FROM messages") == messages
    assert tables.one("SELECT count(*) FROM journal") == records
    assert tables.one("SELECT count(*) FROM code_execs") == int(messages != 2)


def test_what_is_told_of_several_conversations(runs: Path, ingested: Ingest) -> None:
    """Their summaries go to runs.meta, and nobody hands over from one to the next."""
    results = [{"chat_history": CHAT[:2], "summary": "one"}, {"chat_history": CHAT[3:], "summary": "two"}]
    (runs / "t.json").write_text(json.dumps(results))
    tables = ingested(runs)
    assert tables.one("SELECT meta->>'$.chats[1].summary' FROM runs") == "two"
    handoffs = tables.events("handoff")
    assert [(h["inputs"]["from_agent"], h["inputs"]["to_agent"]) for h in handoffs] == [("admin", "engineer")]


def test_where_in_a_list_something_else_stands(runs: Path, ingested: Ingest) -> None:
    """An element that is no message is in quarantine with the byte at which it begins."""
    for name, document in (("list.json", [*CHAT, 7]), ("object.json", {"n": 1, "messages": [*CHAT, 7]})):
        (runs / name).write_text(json.dumps(document))
    tables = ingested(runs)
    for name in ("list.json", "object.json"):
        offset = tables.one(f"SELECT byte_offset FROM quarantine WHERE run_id = '{name}'")
        assert (runs / name).read_bytes()[offset:][:1] == b"7"
    assert tables.one("SELECT count(*) FROM journal") == 2 * len(CHAT)


@pytest.mark.parametrize(
    "document",
    [
        [{"name": "a.txt", "content": "hello"}, {"name": "b.txt", "content": "saved to x.csv"}],
        {"name": "service", "content": "started", "level": "info"},
        {"package": {"name": "x", "content": [1]}},
    ],
)
def test_names_and_contents_alone_are_no_conversation(document: Any, runs: Path, ingested: Ingest) -> None:
    """A list of files, a line of a log: no run comes of them."""
    (runs / "t.json").write_text(json.dumps(document))
    assert ingested(runs).one("SELECT count(*) FROM runs") == 0


def test_custom_tool_calls(runs: Path, ingested: Ingest) -> None:
    """OpenAI's tools that take free text: what they were given is the call's arguments."""
    call = {"id": "1", "type": "custom", "custom": {"name": "shell", "input": "ls -l"}}
    answer = {"role": "tool", "tool_call_id": "1", "content": "total 0"}
    said = [CHAT[0], {"role": "assistant", "content": None, "tool_calls": [call]}, answer]
    (runs / "t.json").write_text(json.dumps(said))
    tables = ingested(runs)
    query = "SELECT call_id, tool_name, arguments->>'$' AS arguments, result, status FROM tool_calls"
    assert tables.sql(query) == [
        {"call_id": "1", "tool_name": "shell", "arguments": "ls -l", "result": "total 0", "status": "completed"}
    ]


@pytest.mark.few
@pytest.mark.parametrize("key", [None, "messages", "chat_history"])
@pytest.mark.parametrize("is_cut", [False, True])
def test_a_broken_message_with_answers_costs_itself_alone(
    is_cut: bool, key: str | None, tmp_path: Path, ingested: Ingest
) -> None:
    """The answers in it are no messages of the list, and those behind it are not lost."""
    calls = [{"id": c, "type": "function", "function": {"name": "f", "arguments": "{}"}} for c in ("c1", "c2", "c3")]
    answers = [{"tool_call_id": c["id"], "role": "tool", "content": "seen"} for c in calls]
    history: list[dict[str, Any]] = [
        {"role": "user", "name": "u", "content": "go"},
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "name": "u", "content": "BROKEN", "tool_responses": answers},
        *({"role": "user", "name": "a", "content": f"said {number}"} for number in range(4)),
    ]
    text = json.dumps(history if key is None else {key: history, "summary": "x"})
    text = text[: text.index("]", text.index("tool_responses")) + 1] if is_cut else text.replace("BROKEN", 'one "quote')
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "chat.json").write_text(text)
    tables = ingested(tmp_path / "runs")
    said = ["go", None, *([] if is_cut else [f"said {number}" for number in range(4)])]
    assert [row["content"] for row in tables.sql("SELECT content FROM messages ORDER BY message_order")] == said
    assert tables.sql("SELECT status FROM tool_calls") == [{"status": "pending"}] * 3
    assert tables.one("SELECT count(*) FROM quarantine") == 1


@pytest.mark.few
@pytest.mark.parametrize("value", ["9" * 5000, "[" * 50_000 + "]" * 50_000, r'"\x"', "'a'"])
@pytest.mark.parametrize("wrap", ["[%s]", '{"messages": [%s], "model": "m"}'])
def test_a_last_message_that_can_not_be_read_is_not_cut_off(
    value: str, wrap: str, runs: Path, ingested: Ingest
) -> None:
    """The list is closed behind it: nobody is still writing."""
    said = json.dumps(CHAT[0]) + ',\n{"role": "user", "content": ' + value + "}"
    (runs / "t.json").write_text(wrap % said)
    tables = ingested(runs)
    assert [row["error"] for row in tables.sql("SELECT error FROM quarantine")] == ["the list is broken here"]
    assert (tables.summary.quarantined, tables.summary.torn) == (1, 0)
    (runs / "t.json").write_text((wrap % said).split("]")[0][:-1])
    assert ingested(runs).summary.torn == 1


def test_what_stands_behind_a_message_is_looked_at_nearby(
    runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many short histories that began as a chat of a long run cost as many looks each as in a short one."""
    looks, between = [0], Claims._between

    def counted(self: Claims, first: int, last: int | None) -> Iterator[int]:
        for index in between(self, first, last):
            looks[0] += 1
            yield index

    monkeypatch.setattr(workers, "ALONE_BYTES", 1 << 30)  # so that it is this process that looks
    monkeypatch.setattr(Claims, "_between", counted)
    others = [text("ab"[number % 2], "ba"[number % 2], f"word {number}") for number in range(2000)]
    went = [
        {"kind": "messages", "messages": [{"name": "u", "content": "go"}, {"name": "l", "content": f"{n}"}]}
        for n in range(20)
    ]
    write_journal(runs, "r", text("u", "l", "go"), text("l", "u", "so"), *others, *went)
    assert ingested(runs).one("SELECT count(*) FROM messages") == 2022
    assert 0 < looks[0] <= 20 * 300
