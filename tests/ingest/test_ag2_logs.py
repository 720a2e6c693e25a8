"""AG2's own loggers, run for real: what the model's server and the tool saw is what the tables say."""

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timezone
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")

from autogen import ConversableAgent, GroupChat, GroupChatManager, register_function, runtime_logging
from autogen.coding import LocalCommandLineCodeExecutor
from pydantic import BaseModel

import capture
import queries
from sample_runs.scripted_llm import Call, Failure, Reply, Request, ScriptedLLM, Step
from tests.conftest import StartLLM
from tests.ingest.conftest import Ingest

QUIET: dict[str, Any] = {"human_input_mode": "NEVER"}
KEY = "scripted-llm-needs-none"
"""The API key that `ScriptedLLM.config` gives."""

LOGGERS = {"file": ("runtime.log", "ag2_file_log"), "sqlite": ("logs.db", "ag2_sqlite")}
"""AG2's name of a logger to the file that it writes here and the source that reads it."""


@contextmanager
def logging_to(folder: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Log everything that AG2 does in here. Gives the log, which stands alone in its folder."""
    monkeypatch.chdir(folder)
    name = LOGGERS[kind][0]
    path = folder / "autogen_logs" / name if kind == "file" else folder / name
    runtime_logging.start(logger_type=kind, config={"filename": name, "dbname": name})  # type: ignore[arg-type]
    try:
        yield path
    finally:
        runtime_logging.stop()


@dataclass
class Chat:
    """A logged chat, and what the other side saw of it."""

    log: Path
    requests: list[Request]
    looked: list[str]
    history: list[dict[str, Any]]
    code: str
    began: datetime
    ended: datetime


def record(folder: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> Chat:
    """Log a chat with code, a tool called twice at once (one call raises), and a model that fails at the end."""
    code = "I write it.\n```python\nprint('it''s \"ok\"')\n```"
    first = Reply(calls=(Call("look_up", {"key": "b"}), Call("look_up", {"key": "a"})))
    replies: Iterator[Step] = iter([first, Reply(code), Reply("done\tTERMINATE"), Failure(500, "broken")])
    looked: list[str] = []

    def look(key: str) -> dict[str, str]:
        """Looks something up."""
        looked.append(key)
        if key == "b":
            raise KeyError(key)
        return {"found": key}

    began = datetime.now(timezone.utc)
    with ScriptedLLM(lambda request: next(replies)) as llm, logging_to(folder, kind, monkeypatch) as log:
        # AG2 0.14's SQLite logger fails on a `base_url` in the configuration
        monkeypatch.setenv("OPENAI_BASE_URL", llm.base_url)
        config = llm.config()
        del config["config_list"][0]["base_url"]
        engineer = ConversableAgent("engineer", llm_config=config, **QUIET)
        runner = ConversableAgent(
            "runner",
            llm_config=False,
            code_execution_config={"executor": LocalCommandLineCodeExecutor(work_dir=folder / "work")},
            is_termination_msg=lambda m: "TERMINATE" in str(m.get("content")),
            **QUIET,
        )
        engineer.register_for_llm(name="look_up", description="look something up")(look)
        runner.register_for_execution(name="look_up")(look)
        result = runner.initiate_chat(engineer, message="What is the answer?", silent=True)
        with pytest.raises(Exception, match="broken"):
            engineer.generate_reply(messages=[{"role": "user", "content": "once more"}])
    return Chat(log, llm.requests, looked, result.chat_history, code, began, datetime.now(timezone.utc))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Chat]:
    """The chat as each logger tells it."""
    chats = {}
    for kind in LOGGERS:
        with pytest.MonkeyPatch.context() as monkeypatch:
            chats[kind] = record(tmp_path_factory.mktemp(kind), kind, monkeypatch)
    return chats


Recorded = Callable[[str], Chat]


@pytest.fixture
def chat(recorded: dict[str, Chat], runs: Path) -> Recorded:
    """Gives the chat of a logger with a copy of the log, alone in `runs`."""
    return lambda kind: replace(recorded[kind], log=Path(shutil.copy(recorded[kind].log, runs)))


@pytest.mark.few
@pytest.mark.parametrize("kind", LOGGERS)
def test_a_chat_with_code_and_tools(kind: str, chat: Recorded, ingested: Ingest) -> None:
    """Messages, LLM calls, tool calls and code are as AG2, the server, the tool and the executor had them."""
    done = chat(kind)
    tables = ingested(done.log.parent)
    assert tables.summary.sources == {LOGGERS[kind][1]: 1}
    assert tables.summary.quarantine_rows == 0

    said = tables.sql("SELECT sender, content, source, timestamp FROM messages ORDER BY message_order")
    assert [s["content"] or "" for s in said] == [m["content"] or "" for m in done.history]
    assert [s["sender"] for s in said] == ["runner", "engineer"] * 3
    assert {s["source"] for s in said} == {"logger"}
    began, ended = done.began.replace(tzinfo=None), done.ended.replace(tzinfo=None)
    assert all(began <= s["timestamp"] <= ended for s in said)

    calls = tables.sql("SELECT * FROM llm_calls ORDER BY started_at")
    requests = [json.loads(c["request"]) for c in calls]
    bodies = [request.body for request in done.requests]
    assert [r["messages"] for r in requests] == [b["messages"] for b in bodies]
    assert [r.get("tools") for r in requests] == [b.get("tools") for b in bodies]
    assert [c["status"] for c in calls] == ["completed"] * 3 + ["failed"]
    assert calls[3]["error_message"].startswith("error_code:")
    answers = [json.loads(c["response"])["choices"][0]["message"] for c in calls[:3]]
    assert [a["content"] for a in answers] == [None, done.code, "done\tTERMINATE"]
    sent_back = done.requests[1].messages[2]["tool_calls"]
    assert [c["id"] for c in answers[0]["tool_calls"]] == [c["id"] for c in sent_back]
    assert all(c["total_tokens"] == c["prompt_tokens"] + c["completion_tokens"] > 0 for c in calls[:3])
    assert all(began <= c["started_at"] <= c["ended_at"] <= ended and c["cost"] > 0 for c in calls[:3])

    tools = tables.sql("SELECT *, arguments->>'key' AS key FROM tool_calls ORDER BY key")
    assert [t["key"] for t in tools] == sorted(done.looked)
    assert {t["call_id"] for t in tools} == {c["id"] for c in sent_back}
    assert {(t["tool_name"], t["agent_name"], t["executor"]) for t in tools} == {("look_up", "engineer", "runner")}
    assert [t["status"] for t in tools] == ["completed", "failed"]
    assert json.loads(tools[0]["result"]) == {"found": "a"}

    (execution,) = tables.sql("SELECT * FROM code_execs")
    assert (execution["exit_code"], execution["agent_name"], execution["executor"]) == (0, "engineer", "runner")
    assert execution["code"] in done.code
    assert execution["output"] == 'its "ok"\n'


@pytest.mark.few
@pytest.mark.parametrize("kind", LOGGERS)
def test_the_run_of_a_log(kind: str, chat: Recorded, ingested: Ingest) -> None:
    """Session, times, tokens and every raw record are there, and ingesting again changes nothing."""
    done = chat(kind)
    tables = ingested(done.log.parent)
    (run,) = tables.sql("SELECT * FROM runs")
    assert (run["run_id"], run["source_format"], run["status"]) == (done.log.name, LOGGERS[kind][1], "completed")
    assert (run["messages"], run["llm_calls"], run["tool_calls"], run["code_execs"]) == (6, 4, 2, 1)
    assert done.began.replace(tzinfo=None) <= run["started_at"] < run["ended_at"] <= done.ended.replace(tzinfo=None)
    # of an agent with a model the file logger writes no more than its class
    agents = {agent["name"]: agent["class"] for agent in json.loads(run["meta"])["agents"]}
    assert agents == {"engineer": "ConversableAgent", "runner": "ConversableAgent"}
    kinds = {r["kind"] for r in tables.sql("SELECT DISTINCT kind FROM journal")}
    assert {"message", "llm_call", "function_call", "agent", "log_reply", "log_oai_clients"} <= kinds
    records = [json.loads(r["record"]) for r in tables.sql("SELECT record FROM journal ORDER BY seq")]
    if kind == "file":
        lines = done.log.read_text().splitlines()
        assert len(records) == tables.summary.lines == len(lines)
        assert records[0] == {"text": lines[0]}
        assert run["session_id"] in lines[0]
    else:
        with closing(sqlite3.connect(done.log)) as con:
            names = [name for (name,) in con.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            counts = {name: con.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}
            ((session,),) = con.execute("SELECT DISTINCT session_id FROM agents")
        assert {name: sum(r["table"] == name for r in records) for name in names} == counts
        assert run["session_id"] == session
    assert ingested(done.log.parent).summary.unchanged == 1


@pytest.mark.few
@pytest.mark.parametrize("kind", LOGGERS)
def test_two_sessions_in_one_log_are_one_run(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ingested: Ingest
) -> None:
    """AG2 does not say which session an event belongs to; the run names both."""
    for word in ("one", "two"):
        with logging_to(tmp_path, kind, monkeypatch) as log:
            a, b = (ConversableAgent(n, llm_config=False, default_auto_reply=word, **QUIET) for n in "ab")
            a.initiate_chat(b, message=word, max_turns=1)
    tables = ingested(log)
    assert [m["content"] for m in tables.sql("SELECT content FROM messages ORDER BY message_order")] == [
        *("one", "one"),
        *("two", "two"),
    ]
    (run,) = tables.sql("SELECT session_id, meta FROM runs")
    assert run["session_id"] is None
    assert len(set(json.loads(run["meta"])["sessions"])) == 2


@pytest.mark.few
@pytest.mark.parametrize("kind", LOGGERS)
def test_a_group_chat_is_told_once(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ingested: Ingest
) -> None:
    """The logger sees a message as often as there are members; the tables have it once, with its author."""
    with logging_to(tmp_path, kind, monkeypatch) as log:
        members = [ConversableAgent(n, llm_config=False, default_auto_reply=f"{n} again", **QUIET) for n in "abc"]
        group = GroupChat(agents=[*members], messages=[], max_round=6, speaker_selection_method="round_robin")
        members[0].initiate_chat(GroupChatManager(groupchat=group, llm_config=False), message="go", silent=True)
    tables = ingested(log)
    assert tables.one("SELECT count(*) FROM journal WHERE kind = 'message'") > len(group.messages)
    said = tables.sql("SELECT sender, content FROM messages ORDER BY message_order")
    assert [tuple(s.values()) for s in said] == [(m["name"], m["content"]) for m in group.messages]


@pytest.mark.few
@pytest.mark.parametrize("kind", LOGGERS)
def test_keys_do_not_reach_the_tables(kind: str, chat: Recorded, ingested: Ingest) -> None:
    """Where the log has the API key in clear text, as AG2 before 0.14 writes it, no table and no Parquet file has."""
    done = chat(kind)
    password = "p4ss-of-the-proxy"
    if kind == "file":
        state = json.dumps({"api_key": KEY, "headers": {"Authorization": f"Bearer {KEY}", "proxy_password": password}})
        client = {"client_id": 1, "wrapper_id": 2, "session_id": "s", "class": "OpenAI", "json_state": state}
        said = {
            "event_name": "received_message",
            "source_name": "x",
            "json_state": json.dumps({"message": f"my {KEY}"}),
        }
        with done.log.open("a") as file:
            file.write(f"{json.dumps(client)}\n{json.dumps(said)}\n[file_logger] Failed with {password}\n")
    else:
        arguments = json.dumps({"config_list": [{"api_key": KEY, "azure_ad_token": password}]})
        with closing(sqlite3.connect(done.log)) as con:
            con.execute("UPDATE oai_clients SET init_args = ?", [arguments])
            con.execute("UPDATE agents SET init_args = ?", [json.dumps({"llm_config": json.loads(arguments)})])
            con.commit()
    assert KEY.encode() in done.log.read_bytes()
    tables = ingested(done.log.parent)
    for table in ("journal", "runs", "messages", "execution_events"):
        text = repr(tables.sql(f"SELECT * FROM {table}"))
        assert KEY not in text
        assert password not in text
    assert "[masked]" in repr(tables.sql("SELECT record FROM journal WHERE kind = 'log_oai_clients'"))


def test_bad_lines_of_a_file_log(chat: Recorded, ingested: Ingest) -> None:
    """Torn, broken and foreign lines are in quarantine, text is a record, entries of unknown shape are kept raw."""
    done = chat("file")
    odd = [
        b'{"event_name": "received_message", "json_state": "{broken"}',
        b'{"event_name": "received_message", "json_state": 7, "timestamp": [], "thread_id": {}}',
        b'{"invocation_id": 1, "request": "x", "response": ["y"], "cost": "free", "start_time": "0000"}',
        b'{"input_args": null, "returns": {}}',
        b'{"agent_name": 3, "args": {"groupchat": 1, "llm_config": {"config_list": [1]}}}',
        b'{"something": "else"}',
        b"Traceback (most recent call last):",
    ]
    bad = [b"{broken", b"\xff\xfe text", b'{"a": ' + b"[" * 600 + b"]" * 600 + b"}"]
    good = len(done.log.read_bytes().splitlines())
    torn = b'{"source_id": 1, "source_na'
    done.log.write_bytes(done.log.read_bytes() + b"\n".join([*odd, *bad, torn]))
    tables = ingested(done.log.parent)
    assert [r["bytes"].rstrip(b"\n") for r in tables.sql("SELECT bytes FROM quarantine ORDER BY line")] == [*bad, torn]
    summary = tables.summary
    assert (summary.journal_rows, summary.quarantine_rows, summary.torn) == (good + len(odd), len(bad) + 1, 1)
    assert tables.one("SELECT messages FROM runs") == 6
    assert tables.one("SELECT kind FROM journal WHERE record->>'something' = 'else'") == "log_entry"


def test_a_damaged_database_gives_what_can_be_read(chat: Recorded, ingested: Ingest) -> None:
    """Rows before the damage are read, the damage is in quarantine with the table's name, and nothing is left over."""
    done = chat("sqlite")
    with closing(sqlite3.connect(done.log)) as con:
        size = con.execute("PRAGMA page_size").fetchone()[0]
        page = con.execute("SELECT rootpage FROM sqlite_master WHERE name = 'events'").fetchone()[0]
    content = bytearray(done.log.read_bytes())
    content[(page - 1) * size : page * size] = b"\xff" * size
    done.log.write_bytes(content)
    tables = ingested(done.log)
    (bad,) = tables.sql("SELECT error, bytes FROM quarantine")
    assert bad["error"].startswith("the table events breaks off after 0 rows: ")
    assert tables.one("SELECT llm_calls FROM runs") == 4
    assert {p.name for p in done.log.parent.iterdir()} == {"logs.db"}


def test_databases_that_are_none_of_ag2s(runs: Path, ingested: Ingest) -> None:
    """Each is one line: no database, an empty one, a foreign one, one whose tables are views that never end."""
    (runs / "text.db").write_text("hello")
    (runs / "cut.db").write_bytes(b"SQLite format 3\0" + b"\1" * 50)
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
    for name, statement in {
        "foreign.sqlite": "CREATE TABLE users (name TEXT)",
        "views.sqlite": f"CREATE VIEW events AS {endless} SELECT 'received_message' AS event_name, x AS id FROM n",
    }.items():
        with closing(sqlite3.connect(runs / name)) as con:
            con.execute(statement)
            con.commit()
    cut = (runs / "foreign.sqlite").read_bytes()
    (runs / "names.db").write_bytes(cut.replace(b"CREATE TABLE", b"CREATE \xc1\xff\xff\xff\xff"))
    tables = ingested(runs)
    notes = {Path(note.split(":")[0]).name: note for note in tables.summary.notes}
    assert set(notes) == {"text.db", "cut.db", "names.db", "foreign.sqlite", "views.sqlite"}
    assert "a SQLite database that can't be read" in notes["names.db"]
    assert "can't be read: file is not a database" in notes["cut.db"]
    assert "without the tables of AG2's logger" in notes["foreign.sqlite"]
    assert "without the tables of AG2's logger" in notes["views.sqlite"]
    assert tables.one("SELECT count(*) FROM runs") == 0


def test_a_hostile_database(runs: Path, tmp_path: Path, ingested: Ingest) -> None:
    """Odd columns, types and bytes are records all the same; what lies beside it is not opened, nor is it changed."""
    path = runs / "odd.db"
    with closing(sqlite3.connect(path)) as con:
        con.execute('CREATE TABLE events (event_name, "a""b", json_state, big AS (zeroblob(1000000000)))')
        con.execute("CREATE TABLE function_calls (args PRIMARY KEY) WITHOUT ROWID")
        rows = [
            ("received_message", 1.5, '{"message": "hi", "sender": "a"}'),
            (b"\xff\x00", float("inf"), "[" * 10_000),
            (None, 2**62, b"\xfe"),
        ]
        con.executemany("INSERT INTO events VALUES (?, ?, ?)", rows)
        con.execute("INSERT INTO events VALUES (CAST(x'ff41' AS TEXT), NULL, NULL)")
        con.commit()
    (runs / "odd.db-wal").symlink_to(tmp_path / "secret")
    before = path.read_bytes()
    tables = ingested(runs)
    records = [json.loads(r["record"]) for r in tables.sql("SELECT record FROM journal ORDER BY seq")]
    assert [r["event_name"] for r in records] == ["received_message", "\\xff\0", None, "\\xffA"]
    assert [r['a"b'] for r in records] == [1.5, None, 2**62, None]
    assert tables.sql("SELECT sender, content FROM messages") == [{"sender": "a", "content": "hi"}]
    assert "function_calls breaks off after 0 rows" in tables.one("SELECT error FROM quarantine")
    assert path.read_bytes() == before


def model_of_the_user(replies: list[Any]) -> Callable[..., tuple[bool, Any]]:
    """A reply function that gives these one after another, as a client of the user's own would."""
    rest = iter(replies)

    def as_model(recipient: Any, messages: Any = None, sender: Any = None, config: Any = None) -> tuple[bool, Any]:
        return True, next(rest)

    return as_model


def asks(*calls: tuple[str, str]) -> dict[str, Any]:
    """A message that asks for tools: (id, name) of each call."""
    functions = [{"id": i, "type": "function", "function": {"name": n, "arguments": "{}"}} for i, n in calls]
    return {"role": "assistant", "content": None, "tool_calls": functions}


@pytest.mark.few
@pytest.mark.parametrize("kind", LOGGERS)
@pytest.mark.parametrize("names", [("delete_all", "list_all"), ("list_all", "list_all")])
def test_an_answer_counts_for_the_call_that_it_names(
    names: tuple[str, str], kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ingested: Ingest
) -> None:
    """The loggers tell of what returned, not of what raised, and the file logger not even of which tool."""
    ran: list[str] = []

    def tool(name: str) -> Callable[[], str]:
        def run() -> str:
            ran.append(name)
            if len(ran) == 1:
                raise PermissionError("not allowed")
            return "a.txt b.txt"

        return run

    with logging_to(tmp_path, kind, monkeypatch) as log:
        worker, user = (ConversableAgent(n, llm_config=False, **QUIET) for n in ("worker", "user"))
        made = model_of_the_user([asks(("c1", names[0]), ("c2", names[1])), "done"])
        worker.register_reply([ConversableAgent, None], made)
        user.register_function({name: tool(name) for name in names})
        history = user.initiate_chat(worker, message="go", max_turns=2).chat_history
    rows = ingested(log).sql("SELECT call_id, tool_name, status, result FROM tool_calls ORDER BY call_id")
    answers = {r["tool_call_id"]: r["content"] for r in history[2]["tool_responses"]}
    assert {row["call_id"]: row["result"] for row in rows} == answers
    assert [row["tool_name"] for row in rows] == ran
    assert [row["status"] for row in rows] == ["failed", "completed"]


class Place(BaseModel):
    """What a tool is given."""

    name: str


@pytest.mark.parametrize("kind", LOGGERS)
def test_a_call_is_told_once_whatever_the_log_makes_of_its_arguments(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ingested: Ingest
) -> None:
    """AG2 makes objects of them, which its loggers can't write, and masks some. What a tool returns is no failure."""
    asked = [{"place": {"name": name}, "since": "2026-11-30", "password": "a b c"} for name in ("one", "two")]
    calls = Reply(calls=[Call("look", arguments) for arguments in asked])
    user = ConversableAgent("user", llm_config=False, human_input_mode="NEVER")
    ran = []

    def look(place: Place, since: date, password: str) -> str:
        ran.append((place.name, since.year))
        return f"Error: nothing at {place.name}"

    with ScriptedLLM([calls, "done"]) as llm:
        model = ConversableAgent("model", llm_config=llm.config(), human_input_mode="NEVER")
        register_function(look, caller=model, executor=user, name="look", description="looks")
        with logging_to(tmp_path, kind, monkeypatch) as log:
            user.initiate_chat(model, message="go", max_turns=2)
    assert ran == [("one", 2026), ("two", 2026)]
    rows = ingested(log).sql("SELECT tool_name, agent_name, executor, result, status FROM tool_calls ORDER BY result")
    assert [tuple(row.values()) for row in rows] == [
        ("look", "model", "user", f"Error: nothing at {name}", "completed") for name in ("one", "two")
    ]


@pytest.mark.parametrize("kind", LOGGERS)
def test_equal_calls_of_chats_at_once_are_told_once(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ingested: Ingest
) -> None:
    """All are asked for before the first returns, and each is answered before the next one returns. A log has no id
    where a function returns."""
    asked: list[int] = []

    def script(request: Request) -> Step:
        return "done" if any(m["role"] == "tool" for m in request.messages) else Reply(calls=(Call("now"),))

    with ScriptedLLM(script) as llm, logging_to(tmp_path, kind, monkeypatch) as log:
        monkeypatch.setenv("OPENAI_BASE_URL", llm.base_url)
        config = llm.config()
        del config["config_list"][0]["base_url"]

        async def now() -> str:
            number = len(asked)
            asked.append(number)
            while len(llm.requests) < 3 + number:
                await asyncio.sleep(0.001)
            return f"it is {number}"

        async def chat() -> list[dict[str, Any]]:
            model = ConversableAgent("model", llm_config=config, **QUIET)
            user = ConversableAgent("user", llm_config=False, **QUIET)
            register_function(now, caller=model, executor=user, description="the time")
            return list((await user.a_initiate_chat(model, message="when?", max_turns=2)).chat_history)

        async def chats() -> list[list[dict[str, Any]]]:
            return await asyncio.gather(chat(), chat(), chat())

        histories = asyncio.run(chats())
    answers = [
        message["tool_responses"][0] for history in histories for message in history if "tool_responses" in message
    ]
    rows = ingested(log).sql("SELECT call_id, result, tool_name, agent_name, executor FROM tool_calls ORDER BY 2")
    assert [tuple(row.values()) for row in rows] == sorted(
        ((a["tool_call_id"], a["content"], "now", "model", "user") for a in answers), key=lambda row: row[1]
    )


@pytest.mark.parametrize("kind", LOGGERS)
@pytest.mark.parametrize("former", [True, False], ids=["in a chat before", "of the tool around"])
def test_a_call_in_a_group_is_not_that_which_was_asked_of_its_executor(
    former: bool, kind: str, tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch, ingested: Ingest
) -> None:
    """There a request goes to the manager. One that went to the executor itself was never run, or is being run."""
    with logging_to(tmp_path, kind, monkeypatch) as log, capture.start(runs, run_id="r", console=False):
        user, model, member = (ConversableAgent(n, llm_config=False, **QUIET) for n in ("user", "model", "member"))

        def look(key: str) -> str:
            return f"saw {key}"

        def team() -> str:
            group = GroupChat([user, member], messages=[], max_round=4, speaker_selection_method="round_robin")
            user.initiate_chat(GroupChatManager(group, llm_config=False), message="team")
            return "the team has looked"

        for tool in (look, team):
            user.register_for_execution()(tool)
        first = asks(("c1", "look" if former else "team"))
        if former:
            first["tool_calls"][0]["function"]["arguments"] = '{"key": "first"}'
        second = asks(("c2", "look"))
        second["tool_calls"][0]["function"]["arguments"] = '{"key": "second"}'
        model.register_reply([ConversableAgent, None], model_of_the_user([first, "done"]))
        member.register_reply([ConversableAgent, None], model_of_the_user([second, "end"]))
        user.initiate_chat(model, message="go", max_turns=1 if former else 2)
        if former:
            team()
    tables = ingested(runs, log)
    calls = "SELECT call_id, tool_name, executor, arguments, status, result FROM tool_calls WHERE run_id = ? ORDER BY 1"
    assert tables.sql(calls, log.name) == tables.sql(calls, "r")


def test_threads_of_a_file_log_are_chats_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ingested: Ingest
) -> None:
    """Agents of the same names write code in two threads before any of it runs: each output is that of its own code."""
    both = Barrier(2)

    def chat(letter: str) -> None:
        code = f"```python\nprint('I am {letter}')\n```"
        work = tmp_path / letter
        config = {"executor": LocalCommandLineCodeExecutor(work_dir=work)}
        writer = ConversableAgent("writer", llm_config=False, **QUIET)
        runner = ConversableAgent("runner", llm_config=False, code_execution_config=config, **QUIET)
        writer.register_reply([ConversableAgent, None], model_of_the_user([code, "done"]))

        def wait(recipient: Any, messages: Any = None, sender: Any = None, config: Any = None) -> tuple[bool, Any]:
            both.wait(timeout=30)
            return False, None

        runner.register_reply([ConversableAgent, None], wait)
        runner.initiate_chat(writer, message=f"go {letter}", max_turns=2)

    with logging_to(tmp_path, "file", monkeypatch) as log, ThreadPoolExecutor(2) as pool:
        list(pool.map(chat, "AB"))
    tables = ingested(log)
    rows = tables.sql("SELECT code, output, exit_code FROM code_execs ORDER BY code")
    assert [(row["code"], row["output"].strip(), row["exit_code"]) for row in rows] == [
        (f"print('I am {letter}')", f"I am {letter}", 0) for letter in "AB"
    ]
    handoffs = {(h["inputs"]["from_agent"], h["inputs"]["to_agent"]) for h in tables.events("handoff")}
    assert handoffs == {("runner", "writer"), ("writer", "runner")}


@pytest.mark.few
@pytest.mark.parametrize("kind", LOGGERS)
def test_an_exit_code_that_a_model_makes_up_is_no_execution(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ingested: Ingest
) -> None:
    """The loggers tell which of an agent's functions made its reply."""
    with logging_to(tmp_path, kind, monkeypatch) as log:
        coder, critic = (ConversableAgent(n, llm_config=False, **QUIET) for n in ("coder", "critic"))
        coder.register_reply([ConversableAgent, None], model_of_the_user(["```python\nprint(1/0)\n```", "thanks"]))
        made_up = "exitcode: 0 (execution succeeded)\nCode output: looks fine"
        critic.register_reply([ConversableAgent, None], model_of_the_user([made_up]))
        critic.initiate_chat(coder, message="go", max_turns=2)
    tables = ingested(log)
    assert tables.one("SELECT count(*) FROM messages WHERE content = ?", made_up) == 1
    assert tables.one("SELECT count(*) FROM code_execs") == 0


@pytest.mark.few
@pytest.mark.parametrize("kind", LOGGERS)
def test_no_agent_hands_over_to_one_that_opens_a_chat(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ingested: Ingest
) -> None:
    """Words that no function made as a reply open a chat: who spoke last in the one before has not handed over."""
    with logging_to(tmp_path, kind, monkeypatch) as log:
        user, first, second = (
            ConversableAgent(n, llm_config=False, default_auto_reply=f"{n} speaks", **QUIET)
            for n in ("user", "first", "second")
        )
        for agent in (first, second):
            user.initiate_chat(agent, message=f"go, {agent.name}", max_turns=2)
    tables = ingested(log)
    assert tables.one("SELECT count(DISTINCT chat) FROM messages") == 2
    handoffs = [(h["inputs"]["from_agent"], h["inputs"]["to_agent"]) for h in tables.events("handoff")]
    assert handoffs == [
        pair for name in ("first", "second") for pair in (("user", name), (name, "user"), ("user", name))
    ]


def talks_to_itself(groups: bool) -> None:
    """A chat in whose replies others are nested, and in one of those another one; or a group with a member that asks
    somebody else for each of its replies."""
    agents = {n: ConversableAgent(n, llm_config=False, default_auto_reply=n.upper(), **QUIET) for n in "abcde"}
    a, b, c, d, e = agents.values()
    manager = GroupChatManager(
        GroupChat([b, a, e], messages=[], max_round=6, speaker_selection_method="round_robin"), llm_config=False
    )
    once: dict[str, Any] = {"max_turns": 1, "summary_method": "last_msg"}
    inner = [{"recipient": c, "message": "check", **once, "max_turns": 2}, {"recipient": d, "message": "more", **once}]
    a.register_nested_chats(inner, trigger=manager if groups else b)
    c.register_nested_chats([{"recipient": e, "message": "deeper", **once}], trigger=a)
    if groups:
        b.initiate_chat(manager, message="start")
    else:
        a.initiate_chat(b, message="start", max_turns=3)
    a.initiate_chat(d, message="bye", max_turns=1)


@pytest.mark.few
@pytest.mark.parametrize("groups", [False, True])
@pytest.mark.parametrize("kind", LOGGERS)
def test_nested_chats_are_apart_as_in_the_journal(
    kind: str, groups: bool, tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch, ingested: Ingest
) -> None:
    """Who opens one is in the chat around it again with the reply for which it was."""
    with logging_to(tmp_path, kind, monkeypatch) as log, capture.start(runs, run_id="r", console=False):
        talks_to_itself(groups)
    tables = ingested(runs, log)
    order = "SELECT chat, sender, recipient, content, internal FROM messages WHERE run_id = ? ORDER BY message_order"
    assert tables.sql(order, log.name) == (said := tables.sql(order, "r"))
    assert len({row["chat"] for row in said}) > 5
    handoffs = [(h["run_id"], h["inputs"]["from_agent"], h["inputs"]["to_agent"]) for h in tables.events("handoff")]
    logged, journal = (sorted(pair for run_id, *pair in handoffs if run_id == name) for name in (log.name, "r"))
    assert logged == journal


@pytest.mark.slow
@pytest.mark.parametrize("kind", LOGGERS)
def test_a_resumed_group_is_told_once(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ingested: Ingest
) -> None:
    """AG2 has the members say again what they said before."""
    with logging_to(tmp_path, kind, monkeypatch) as log:
        members = [ConversableAgent(n, llm_config=False, **QUIET) for n in ("alpha", "beta", "mute")]
        for agent in members:
            words = [f"{agent.name} says {number}" for number in range(9)]
            agent.register_reply([ConversableAgent, None], model_of_the_user(words))
        first = GroupChat(members, messages=[], max_round=3, speaker_selection_method=turns("beta", "alpha"))
        members[0].initiate_chat(GroupChatManager(first, llm_config=False), message="start")
        again = GroupChat(members, messages=[], max_round=3, speaker_selection_method=turns("beta", "alpha"))
        manager = GroupChatManager(again, llm_config=False)
        last, message = manager.resume(messages=first.messages)
        last.initiate_chat(manager, message=message, clear_history=False)
    tables = ingested(log)
    said = tables.sql("SELECT sender, content FROM messages ORDER BY message_order")
    assert [tuple(s.values()) for s in said] == [(m["name"], m["content"]) for m in again.messages]
    rows = queries.run("why_silent", queries.connect(tables.out), agent_name="mute").fetchall()
    assert [row[2:4] for row in rows] == [("skipped", True)]


@pytest.mark.few
@pytest.mark.parametrize("kind", LOGGERS)
def test_words_that_go_on_with_a_group_are_told_each_time(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ingested: Ingest
) -> None:
    """The same ones, after a history that was said before the log began: each was said to the manager, once."""
    with logging_to(tmp_path, kind, monkeypatch) as log:
        members = [
            ConversableAgent(name, llm_config=False, default_auto_reply=f"{name} says", **QUIET)
            for name in ("alpha", "user", "beta")
        ]
        history: list[dict[str, Any]] = [{"role": "user", "name": name, "content": "hm"} for name in ("user", "beta")]
        for _ in range(3):
            group = GroupChat(members, messages=[], max_round=3, speaker_selection_method=turns("alpha", "beta"))
            manager = GroupChatManager(group, llm_config=False)
            last, message = manager.resume(messages=[*history, {"role": "user", "name": "user", "content": "go on"}])
            last.initiate_chat(manager, message=message, clear_history=False)
            history = group.messages
    said = ingested(log).sql("SELECT sender, content, recipient FROM messages ORDER BY message_order")
    assert len(history) == 11
    assert [tuple(s.values()) for s in said] == [(m["name"], m["content"], "chat_manager") for m in history]


def turns(*names: str) -> Callable[[Any, GroupChat], Any]:
    """Chooses speakers in this order."""
    rest = iter(names)
    return lambda last, group: group.agent_by_name(next(rest))


@pytest.mark.few
@pytest.mark.parametrize("kind", LOGGERS)
def test_chats_one_after_another_that_a_model_sums_up(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """What a model says of the first chat is no part of the second, nor its maker; nobody answers who was not asked."""
    llm = scripted_llm(["one", "first summary", "two", "second summary"])
    with logging_to(tmp_path, kind, monkeypatch) as log:
        monkeypatch.setenv(
            "OPENAI_BASE_URL", llm.base_url
        )  # AG2 0.14's SQLite logger fails on one in the configuration
        config = llm.config()
        del config["config_list"][0]["base_url"]
        anna, bert = (ConversableAgent(n, llm_config=config, **QUIET) for n in ("anna", "bert"))
        user = ConversableAgent("user", llm_config=False, **QUIET)
        about = {"max_turns": 1, "summary_method": "reflection_with_llm"}
        chats = [{"recipient": anna, "message": "first", **about}, {"recipient": bert, "message": "second", **about}]
        results = user.initiate_chats(chats)
    assert [result.summary for result in results] == ["first summary", "second summary"]
    tables = ingested(log)
    said = tables.sql("SELECT chat, sender, tokens IS NULL AS typed FROM messages ORDER BY message_order")
    assert [tuple(row.values()) for row in said] == [
        (0, "user", True),
        (0, "anna", False),
        (1, "user", True),
        (1, "bert", False),
    ]
    handoffs = [(h["inputs"]["from_agent"], h["inputs"]["to_agent"]) for h in tables.events("handoff")]
    assert handoffs == [("user", "anna"), ("user", "bert")]
    assert [call["event_subtype"] for call in tables.events("llm_call")] == ["call", "single"] * 2
