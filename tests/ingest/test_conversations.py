"""Several conversations in a file: what stands beside them is kept, and they are kept apart."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ingest.cli import main
from tests.ingest.conftest import Ingest
from tests.ingest.tables import Tables

Data = dict[str, Any]

Q, A = {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}
RESPONSE = {"id": "r", "choices": [{"message": A, "finish_reason": "stop"}], "usage": {"total_tokens": 3}}


def meta_of(document: Any, runs: Path, ingested: Ingest) -> Data:
    (runs / "t.json").write_text(json.dumps(document))
    meta: Data = json.loads(ingested(runs).one("SELECT meta FROM runs"))
    return meta


def written(name: str, values: list[Any], runs: Path) -> None:
    """The conversations as JSONL, or in one document."""
    if name == "t.jsonl":
        (runs / name).write_text("\n".join(json.dumps({"messages": value}) for value in values))
    else:
        (runs / name).write_text(json.dumps({"chat_messages": {f"a{n}": value for n, value in enumerate(values)}}))


@pytest.mark.few
@pytest.mark.parametrize(
    ("document", "meta"),
    [
        ({"id": 1, "result": {"chat_history": [Q, A], "cost": 2}}, {"id": 1, "cost": 2}),
        ({"id": 1, "log": {"n": 2, "run": {"messages": [Q], "id": 3}}}, {"id": 3, "n": 2, "beside": {"id": 1}}),
        (
            {"id": 1, "a": {"id": 2, "b": {"id": 3, "messages": [Q]}}},
            {"id": 3, "beside": {"id": 1, "beside": {"id": 2}}},
        ),
        ({"model": "m", "chat_messages": {"a": [Q], "b": [A]}}, {"model": "m"}),
        (
            {"m": 1, "runs": [{"id": 1, "a": [Q], "b": [A]}, {"id": 2, "c": {"messages": [Q, A], "d": 4}}]},
            {"m": 1, "chats": [{"chat": "runs/0", "id": 1}, {"chat": "runs/1/c", "id": 2, "d": 4}]},
        ),
        ([{"chat_history": [Q, A]}, {"chat_history": [], "error": "x"}], {"1": {"chat_history": [], "error": "x"}}),
    ],
)
def test_keys_around_a_conversation_are_kept(document: Any, meta: Data, runs: Path, ingested: Ingest) -> None:
    """At each level around the list of messages; what is beside several conversations is told once."""
    assert meta_of(document, runs, ingested) == meta


def test_keys_of_a_batch_are_kept(runs: Path, ingested: Ingest) -> None:
    """Lines of OpenAI's Batch API name the request beside its body."""
    lines = [
        {"custom_id": f"r{n}", "method": "POST", "url": "/v1", "body": {"model": "m", "messages": [Q]}} for n in (1, 2)
    ]
    (runs / "t.jsonl").write_text("\n".join(map(json.dumps, lines)))
    told = json.loads(ingested(runs).one("SELECT meta FROM runs"))["chats"]
    assert told == [
        {"chat": f"{n}/body", "custom_id": f"r{n}", "method": "POST", "url": "/v1", "model": "m"} for n in (1, 2)
    ]


@pytest.mark.few
@pytest.mark.parametrize(
    "document",
    [
        {"request": {"model": "m", "messages": [Q]}, "response": RESPONSE},
        {"body": {"messages": [Q]}, "response": {"status_code": 200, "body": RESPONSE}},
        {"messages": [Q], "response": RESPONSE},
        {"messages": [Q, A], "response": RESPONSE},
        {"prompt": [Q], "completion": A},
        {"input": [Q], "output": A},
        {"messages": [Q], "output": A},
        {"messages": [Q, {"name": "x", **A}], "output": A},
    ],
)
@pytest.mark.parametrize("lines", [1, 2])
def test_the_response_beside_a_request_is_its_answer(lines: int, document: Data, runs: Path, ingested: Ingest) -> None:
    """The message in it is the last of the conversation, once, and the response is kept."""
    (runs / "t.jsonl").write_text("\n".join([json.dumps(document)] * lines))
    tables = ingested(runs)
    said = tables.sql("SELECT role, content FROM messages ORDER BY message_order")
    assert [(m["role"], m["content"]) for m in said] == [("user", "q"), ("assistant", "a")] * lines
    meta = json.loads(tables.one("SELECT meta FROM runs"))
    (key,) = document.keys() & {"response", "completion", "output"}
    assert [about[key] for about in (meta["chats"] if lines > 1 else [meta])] == [document[key]] * lines


@pytest.mark.parametrize(
    "output",
    [
        {"role": "user", "content": "more"},
        {"role": "assistant", "content": "Yes."},
        {"content": "no role"},
    ],
    ids=["of the user", "said before", "no role"],
)
def test_another_output_is_no_message(output: Data, runs: Path, ingested: Ingest) -> None:
    """Only an assistant's words that the list has not are the answer to it."""
    said = [("user", "Is it?"), ("assistant", "Yes."), ("user", "TERMINATE")]
    messages = [{"role": role, "content": content} for role, content in said]
    (runs / "o.json").write_text(json.dumps({"messages": messages, "output": output}))
    assert ingested(runs).one("SELECT count(*) FROM messages") == 3


@pytest.mark.few
@pytest.mark.parametrize(
    "response", ["text", {"choices": []}, {"choices": [{"text": "x"}]}, {"choices": [7]}, [RESPONSE]]
)
def test_another_response_is_no_message(response: Any, runs: Path, ingested: Ingest) -> None:
    """It is kept beside the conversation."""
    assert meta_of({"request": {"messages": [Q]}, "response": response}, runs, ingested) == {"response": response}


def test_what_a_tracer_saves_has_both_sides(runs: Path, ingested: Ingest) -> None:
    """Each event has what was asked and, beside it, what was answered; text without a role is no message."""
    events = [{"prompt": [Q], "completion": A, "model": "m"}, {"prompt": [{**Q, "content": "r"}], "completion": "b"}]
    (runs / "t.json").write_text(json.dumps({"session": "s", "events": events}))
    tables = ingested(runs)
    said = tables.sql("SELECT chat, content FROM messages ORDER BY message_order")
    assert [tuple(m.values()) for m in said] == [(0, "q"), (0, "a"), (1, "r")]


@pytest.mark.parametrize("name", ["t.jsonl", "t.json"])
def test_code_is_not_run_in_the_next_conversation(name: str, runs: Path, ingested: Ingest) -> None:
    """An exit code at the beginning of a conversation is not that of code at the end of the one before."""
    code = {"role": "assistant", "content": "```python\nprint('never ran')\n```"}
    reply = {"role": "user", "content": "exitcode: 1 (execution failed)\nCode output: ValueError: x"}
    written(name, [[Q, code], [reply, A]], runs)
    rows = ingested(runs).sql("SELECT code, exit_code FROM code_execs")
    assert rows == [{"code": None, "exit_code": 1}]


@pytest.mark.few
@pytest.mark.parametrize("name", ["t.jsonl", "t.json"])
@pytest.mark.parametrize("legacy", [False, True])
def test_a_tool_is_not_answered_in_the_next_conversation(legacy: bool, name: str, runs: Path, ingested: Ingest) -> None:
    """A call at the end of a conversation stays without an answer, whatever opens the next one."""
    function = {"name": "f", "arguments": "{}"}
    ask: Data = {"function_call": function} if legacy else {"tool_calls": [{"id": "c", "function": function}]}
    answer = {"role": "function", "name": "f"} if legacy else {"role": "tool", "tool_call_id": "c"}
    written(name, [[Q, {**A, **ask}], [{**answer, "content": "of another"}, A]], runs)
    rows = ingested(runs).sql("SELECT arguments IS NULL AS unasked, result FROM tool_calls ORDER BY unasked")
    assert rows == [{"unasked": False, "result": None}, {"unasked": True, "result": "of another"}]


@pytest.mark.parametrize("name", ["t.jsonl", "t.json"])
def test_code_is_not_mended_in_the_next_conversation(name: str, runs: Path, ingested: Ingest) -> None:
    """Code that succeeds is no correction of what failed in another conversation."""
    code = {"role": "assistant", "content": "```python\nprint(1)\n```"}
    failed = {"role": "user", "content": "exitcode: 1 (execution failed)\nCode output: ValueError: x"}
    went = {"role": "user", "content": "exitcode: 0 (execution succeeded)\nCode output: 1"}
    written(name, [[code, failed], [code, went]], runs)
    executed = ingested(runs).events("code_exec")
    assert [(e["meta"]["exit_code"], "fixes" in e["meta"]) for e in executed] == [(1, False), (0, False)]


def test_check_says_that_there_is_nothing_as_ingest_does(runs: Path, tmp_path: Path) -> None:
    """A folder without files is one line for either."""
    said = CliRunner().invoke(main, ["check", str(runs)])
    assert said.exit_code == 0
    assert "nothing to ingest" in said.stderr
    assert said.stderr in CliRunner().invoke(main, [str(runs), "--out", str(tmp_path / "traces")]).stderr


def dumped(shape: str, initiator: Any, others: list[Any]) -> Any:
    """The same question to each of them, who all say the same, as users of AG2 save it."""
    chats = [{"recipient": other, "message": "Review it.", "max_turns": 1, "silent": True} for other in others]
    results = [initiator.initiate_chat(**chat) for chat in chats]
    if shape == "an agent's partners":
        return {agent.name: messages for agent, messages in initiator.chat_messages.items()}
    if shape == "both sides":
        return {
            agent.name: {other.name: messages for other, messages in agent.chat_messages.items()}
            for agent in (initiator, *others)
        }
    named = shape == "results with ids"
    return [
        {**({"chat_id": r.chat_id} if named else {}), "chat_history": r.chat_history, "summary": r.summary}
        for r in results
    ]


@pytest.mark.few
@pytest.mark.parametrize("shape", ["an agent's partners", "both sides", "results", "results with ids"])
def test_chats_with_the_same_words_are_several(shape: str, runs: Path, ingested: Ingest) -> None:
    """Two reviewers who both agree, as AG2 itself keeps it; what both sides have counts once."""
    autogen = pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")
    boss, *reviewers = (
        autogen.ConversableAgent(name, llm_config=False, human_input_mode="NEVER", default_auto_reply="LGTM")
        for name in ("boss", "alice", "carol")
    )
    (runs / "t.json").write_text(json.dumps(dumped(shape, boss, reviewers)))
    said = ingested(runs).sql("SELECT sender, content FROM messages ORDER BY message_order")
    expected = [("boss", "Review it."), ("alice", "LGTM"), ("boss", "Review it."), ("carol", "LGTM")]
    assert [tuple(row.values()) for row in said] == expected


def test_the_same_chat_twice_in_results_is_two(runs: Path, ingested: Ingest) -> None:
    """Also without ids, and with the same agent; members of a group who only listened have one chat."""
    asked = {"role": "assistant", "name": "a", "content": "q"}, {"role": "user", "name": "b", "content": "yes"}
    (runs / "results.json").write_text(json.dumps([{"chat_history": asked, "summary": "yes"}] * 2))
    heard = [{**message, "role": "user"} for message in asked]
    (runs / "members.json").write_text(json.dumps({"c": {"manager": heard}, "d": {"manager": heard}}))
    tables = ingested(runs)
    assert tables.sql("SELECT run_id, count(*) AS n FROM messages GROUP BY ALL ORDER BY ALL") == [
        {"run_id": "members.json", "n": 2},
        {"run_id": "results.json", "n": 4},
    ]


CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
ANSWER = {"tool_call_id": "c1", "role": "tool", "content": "3"}
TALK: list[Data] = [
    {"role": "assistant", "name": "boss", "content": "add them"},
    {"role": "user", "name": "helper", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "name": "boss", "content": "3", "tool_responses": [ANSWER]},
    {"role": "user", "name": "helper", "content": "it is 3"},
    {"role": "assistant", "name": "boss", "content": "thanks"},
]
OTHER: list[Data] = [
    {"role": "assistant", "name": "boss", "content": "and now?"},
    {"role": "user", "name": "guest", "content": "nothing"},
]


def counts(tables: Tables) -> dict[str, int]:
    row = tables.sql("SELECT messages, tool_calls, (SELECT count(*) FROM quarantine) AS bad FROM runs")[0]
    assert tables.one("SELECT count(*) FROM tool_calls WHERE tool_name = ''") == 0
    return {name: int(value) for name, value in row.items()}


def by_columns(messages: list[Data]) -> Data:
    """As `DataFrame.to_json` writes it."""
    names = list(dict.fromkeys(name for message in messages for name in message))
    return {name: {str(place): message.get(name) for place, message in enumerate(messages)} for name in names}


def split(messages: list[Data]) -> Data:
    """As `DataFrame.to_json(orient="split")` writes it."""
    names = list(by_columns(messages))
    return {"columns": names, "index": [0, 1], "data": [[m.get(name) for name in names] for m in messages]}


@pytest.mark.few
@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"result": [*TALK, None]}, (5, 1, 1)),
        ({"result": [*TALK, {"usage": {"tokens": 3}}]}, (5, 1, 1)),
        ({"a": {"b": TALK}, "c": {"b": [None, *OTHER]}}, (7, 1, 1)),
        ({str(place): message for place, message in enumerate(TALK)}, (5, 1, 0)),
        ([{"at": "2026-01-01", "message": message} for message in TALK], (5, 1, 0)),
        ([{"at": "2026-01-01", "message": message} for message in (*TALK, "odd")], (5, 1, 1)),
        ([*({"message": message} for message in TALK), None], (5, 1, 1)),
        (by_columns(TALK), (5, 1, 0)),
        (split(TALK), (5, 1, 0)),
        (split(OTHER), (2, 0, 0)),
    ],
    ids=[
        "null",
        "usage",
        "null in one chat",
        "by place",
        "in objects",
        "one odd object",
        "one null",
        "by columns",
        "split",
        "split, of texts",
    ],
)
def test_no_list_is_lost_for_what_stands_in_it(
    document: Any, expected: tuple[int, ...], runs: Path, ingested: Ingest
) -> None:
    """What is no message is in quarantine, and the parts of a message are no conversation."""
    (runs / "t.json").write_text(json.dumps(document))
    assert tuple(counts(ingested(runs)).values()) == expected


def test_what_stands_around_a_message_is_kept(runs: Path, ingested: Ingest) -> None:
    """Who spoke to whom counts, and the record has all of it."""
    around = [{"at": n, "sender": "a", "recipient": "b", "message": {"role": "user", "content": "x"}} for n in (1, 2)]
    (runs / "t.json").write_text(json.dumps(around))
    tables = ingested(runs)
    assert [json.loads(r["record"]) for r in tables.sql("SELECT record FROM journal ORDER BY seq")] == around
    assert tables.sql("SELECT DISTINCT sender, recipient FROM messages") == [{"sender": "a", "recipient": "b"}]


@pytest.mark.few
@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"result": {"chat_history": TALK, "chat_id": 7}, "boss": {"helper": TALK}}, (5, 1)),
        ([{"chat_id": 2**127, "chat_history": TALK}] * 2, (5, 1)),
        ([{"chat_id": 1, "chat_history": TALK}] * 2, (10, 2)),
        ([{"chat_id": 7, "chat_history": TALK}, {"chat_id": 8, "chat_history": TALK}], (10, 2)),
        ([{"chat_id": None, "chat_history": TALK}] * 2, (10, 2)),
        ([{"chat_id": 1, "chat_history": TALK[:2]}, {"chat_id": 2, "chat_history": TALK}], (5, 1)),
        ({"messages": TALK[:1], "chat_history": TALK}, (5, 1)),
        ({"prompt_messages": TALK[:3], "messages": TALK, "new_messages": TALK[3:]}, (5, 1)),
        ({"messages": TALK, "chat_history": OTHER}, (7, 1)),
        ({"chat_history": OTHER, "nested_chats": [{"chat_history": TALK, "summary": "s"}]}, (7, 1)),
        ({"chat_history": OTHER, "nested": {"helper": TALK}}, (7, 1)),
    ],
    ids=[
        "beside its agent's", "one id", "one number", "two ids", "no ids", "goes on",
        "its opening", "its parts", "two lists", "nested", "nested by partner",
    ],
)  # fmt: skip
def test_each_chat_of_a_document_counts_once(
    document: Any, expected: tuple[int, int], runs: Path, ingested: Ingest
) -> None:
    """Whatever list tells of it, and wherever that stands."""
    (runs / "t.json").write_text(json.dumps(document))
    found = counts(ingested(runs))
    assert (found["messages"], found["tool_calls"], found["bad"]) == (*expected, 0)


def test_a_log_of_requests_is_one_chat(runs: Path, ingested: Ingest) -> None:
    """Each line repeats the conversation so far; a call in one is answered in the next."""
    lines = [{"model": "m", "messages": TALK[:number]} for number in (2, 3, 5)]
    (runs / "t.jsonl").write_text("\n".join(map(json.dumps, [*lines, {"messages": OTHER}])))
    tables = ingested(runs)
    assert counts(tables) == {"messages": 7, "tool_calls": 1, "bad": 0}
    assert tables.one("SELECT status FROM tool_calls") == "completed"
    assert tables.sql("SELECT chat, count(*) AS n FROM messages GROUP BY ALL ORDER BY ALL") == [
        {"chat": 0, "n": 5},
        {"chat": 1, "n": 2},
    ]


def test_a_request_that_is_sent_again_adds_nothing(runs: Path, ingested: Ingest) -> None:
    """Each is logged twice; of the first nobody knows that it is the same one."""
    said = [{"role": ("user", "assistant")[n % 2], "content": f"{n}"} for n in range(12)]
    lines = [json.dumps({"messages": said[:length]}) for length in range(2, 13, 2) for _ in range(2)]
    (runs / "t.jsonl").write_text("\n".join(lines))
    rows = ingested(runs).sql("SELECT chat, count(*) AS n FROM messages GROUP BY ALL ORDER BY ALL")
    assert [(row["chat"], row["n"]) for row in rows] == [(0, 12), (1, 2)]


def test_chats_that_begin_alike_are_several(runs: Path, ingested: Ingest) -> None:
    """One goes on with what both repeat; the call that each makes has its own answer."""
    opening = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "add"}]
    call = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    branches = [[*opening, call, {**ANSWER, "content": text}] for text in ("3", "4")]
    (runs / "t.jsonl").write_text("\n".join(json.dumps({"messages": chat}) for chat in (opening, *branches)))
    tables = ingested(runs)
    rows = tables.sql("SELECT chat, role FROM messages ORDER BY message_order")
    assert [(row["chat"], row["role"]) for row in rows] == [
        (chat, role) for chat in (0, 1) for role in ("system", "user", "assistant", "tool")
    ]
    assert [row["result"] for row in tables.sql("SELECT result FROM tool_calls ORDER BY result")] == ["3", "4"]


@pytest.mark.few
@pytest.mark.parametrize("odd", [["u"], {"a": 1}, 3])
@pytest.mark.parametrize("key", ["role", "name"])
def test_a_name_that_is_no_text_costs_no_chat(key: str, odd: Any, runs: Path, ingested: Ingest) -> None:
    """Not even that message."""
    (runs / "t.json").write_text(json.dumps([{**TALK[0], key: odd}, *TALK[1:]]))
    found = counts(ingested(runs))
    assert (found["messages"], found["bad"]) == (5, 0)


def test_lists_beside_messages_do_not_make_a_document_too_large(runs: Path, ingested: Ingest) -> None:
    """Of more than 1,000 lists only those under the usual keys count."""
    judged = {"messages": [Q, A], "judge": {"messages": [A, Q]}}
    (runs / "t.json").write_text(json.dumps([judged] * 501))
    assert counts(ingested(runs))["messages"] == 1002


@pytest.mark.parametrize("odd", [False, True], ids=["conversations", "no conversations"])
def test_very_many_conversations_in_a_document_are_no_run(odd: bool, runs: Path, tmp_path: Path) -> None:
    """Such a file is what models are trained with, mostly; the line says so."""
    (runs / "t.json").write_text(json.dumps([[{"role": "user"}] if odd else [Q, A]] * 1001))
    done = CliRunner().invoke(main, [str(runs), "--out", str(tmp_path / "traces")])
    assert done.exit_code == 0
    reason = "no list of messages in it" if odd else "more than 1,000 conversations in one document"
    assert f"t.json: skipped, {reason}" in done.stderr


def test_the_choices_of_a_response_are_no_chat(runs: Path, ingested: Ingest) -> None:
    """The first is the answer."""
    choices = [{"index": n, "finish_reason": "stop", "message": {**A, "content": str(n)}} for n in range(2)]
    (runs / "t.json").write_text(json.dumps({"request": {"messages": [Q]}, "response": {"choices": choices}}))
    rows = ingested(runs).sql("SELECT content FROM messages ORDER BY message_order")
    assert [row["content"] for row in rows] == ["q", "0"]


@pytest.mark.parametrize(
    "document",
    [
        {"planner": {"role": "system", "content": "Plan."}, "coder": {"role": "system", "content": "Code."}},
        [{"path": "a", "message": {"name": "x", "content": "y"}}] * 2,
    ],
    ids=["prompts of agents", "names and contents"],
)
def test_objects_by_name_are_no_chat(document: Any, runs: Path, ingested: Ingest) -> None:
    """A configuration has messages as well."""
    (runs / "t.json").write_text(json.dumps(document))
    assert ingested(runs).one("SELECT count(*) FROM runs") == 0


DOCUMENTS = {
    "by partner": {"helper": TALK, "guest": OTHER},
    "of several agents": {"boss": {"helper": TALK}, "other": {"guest": OTHER}},
    "in a result": {"id": 3, "result": TALK + OTHER},
    "results": [{"chat_history": TALK, "cost": {"usage": {"x": 1}}}, {"chat_history": OTHER, "cost": {}}],
}


@pytest.mark.parametrize("name", [n if n == "results" else pytest.param(n, marks=pytest.mark.slow) for n in DOCUMENTS])
def test_a_document_that_breaks_off_is_read_as_far_as_it_goes(name: str, runs: Path, ingested: Ingest) -> None:
    """At whatever byte: the whole messages before it are there, and what can't be read is kept."""
    text = json.dumps(DOCUMENTS[name])
    ends = [text.index(json.dumps(message)) + len(json.dumps(message)) for message in (*TALK, *OTHER)]
    cuts = [*range(ends[1], len(text), 29), len(text) - 1]
    for cut in cuts:
        (runs / f"{cut:04}.json").write_text(text[:cut])
    said = ingested(runs).sql(
        "SELECT run_id, messages, tool_calls, "
        "(SELECT count(*) FROM quarantine AS q WHERE q.run_id = runs.run_id) AS bad FROM runs ORDER BY run_id"
    )
    whole = [sum(end <= cut for end in ends) for cut in cuts]
    assert [row["messages"] for row in said] == whole
    assert {row["tool_calls"] for row in said} == {1}
    assert {row["bad"] for row in said} == {1}


def test_members_of_an_introduced_group_heard_one_chat(runs: Path, ingested: Ingest) -> None:
    """Who opens the chat has its first words before the introduction, the other members behind it."""
    manager, members = group(introductions=True)
    dump = {agent.name: {manager.name: agent.chat_messages[manager]} for agent in members}
    beginnings = {chat[manager.name][0]["content"] for chat in dump.values()}
    assert len(beginnings) == 2
    (runs / "members.json").write_text(json.dumps(dump))
    said = ingested(runs).sql("SELECT content FROM messages")
    expected = [m["content"] for m in members[1].chat_messages[manager]]
    assert sorted(row["content"] for row in said) == sorted(expected)


@pytest.mark.few
@pytest.mark.parametrize("introductions", [False, True])
@pytest.mark.parametrize("shape", ["manager", "opener first", "opener last"])
def test_who_opens_a_group_without_being_a_member_opens_its_chat(
    introductions: bool, shape: str, runs: Path, ingested: Ingest
) -> None:
    """The manager keeps the opening words as a chat with who said them, and tells the members."""
    manager, members = group(introductions=introductions)
    autogen = pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")
    boss = autogen.ConversableAgent("boss", llm_config=False, human_input_mode="NEVER")
    for agent in (manager, *members):
        agent.clear_history()
    manager.groupchat.reset()
    boss.initiate_chat(manager, message="start", silent=True)
    agents = {"opener first": [boss, manager, *members], "opener last": [*members, manager, boss]}.get(shape, [])
    dump = {a.name: {other.name: said for other, said in a.chat_messages.items() if said} for a in agents}
    whole = {other.name: said for other, said in manager.chat_messages.items()}
    assert len(whole["boss"]) == 1
    (runs / "dump.json").write_text(json.dumps(dump or whole))
    tables = ingested(runs)
    said = tables.sql("SELECT content FROM messages")
    assert sorted(row["content"] for row in said) == sorted(m["content"] for m in whole["alpha"])
    assert tables.one("SELECT count(DISTINCT chat) FROM messages") == 1


@pytest.mark.parametrize("odd", [{"a": 1}, ["boss"], 1, None])
def test_a_name_that_is_no_text_opens_no_group(odd: Any, runs: Path, ingested: Ingest) -> None:
    """Nor does it cost the chats beside it."""
    opening = {"role": "user", "name": "boss", "content": "start"}
    whole = [{**opening, "role": "assistant", "name": odd}, {"role": "user", "name": "a", "content": "yes"}]
    (runs / "dump.json").write_text(json.dumps({"boss": [opening], "a": whole}))
    assert ingested(runs).one("SELECT count(*) FROM messages") == 3


def test_the_same_question_to_two_agents_is_two_chats(runs: Path, ingested: Ingest) -> None:
    """Also where one of them did not answer it."""
    asked = {"role": "assistant", "name": "user", "content": "What is it?"}
    answer = {"role": "user", "name": "coder", "content": "This."}
    heard = {**asked, "role": "user"}
    dump = {
        "user": {"coder": [asked, answer], "critic": [asked]},
        "coder": {"user": [heard, {**answer, "role": "assistant"}]},
        "critic": {"user": [heard]},
    }
    (runs / "dump.json").write_text(json.dumps(dump))
    tables = ingested(runs)
    assert tables.sql("SELECT chat, count(*) AS n FROM messages GROUP BY ALL ORDER BY chat") == [
        {"chat": 0, "n": 2},
        {"chat": 1, "n": 1},
    ]


def test_an_image_in_the_words_of_both_sides_is_one_message(runs: Path, ingested: Ingest) -> None:
    """Who sees images has them as parts, who shows them as a tag in the text."""
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    told = "What colour? <img red.png> And this <img b.png>?"
    parts = [{"type": "text", "text": "What colour? "}, image, {"type": "text", "text": " And this "}, image]
    seen = [*parts, {"type": "text", "text": "?"}]
    answer = {"content": "red", "name": "painter"}
    dump = {
        "user": {"painter": [{"role": "assistant", "name": "user", "content": told}, {**answer, "role": "user"}]},
        "painter": {"user": [{"role": "user", "name": "user", "content": seen}, {**answer, "role": "assistant"}]},
    }
    (runs / "dump.json").write_text(json.dumps(dump))
    assert ingested(runs).one("SELECT count(*) FROM messages") == 2


@pytest.mark.few
@pytest.mark.parametrize("shape", ["partners", "lists", "objects"])
def test_what_each_agent_keeps_in_a_line_of_its_own(shape: str, runs: Path, ingested: Ingest) -> None:
    """The sides of one chat are one there, too, and an author that one of them lacks is told by the other."""
    manager, members = group(introductions=False)
    heard = {agent.name: agent.chat_messages[manager] for agent in members}
    lines = [
        {"agent": name, "chat_messages": {manager.name: messages}} if shape == "partners"
        else {manager.name: messages} if shape == "objects"
        else {"agent": name, "messages": messages}
        for name, messages in heard.items()
    ]  # fmt: skip
    (runs / "agents.jsonl").write_text("\n".join(map(json.dumps, lines)))
    tables = ingested(runs)
    said = tables.sql("SELECT sender, content FROM messages ORDER BY message_order")
    assert [(row["sender"], row["content"]) for row in said] == [
        ("alpha", "start"),
        ("beta", "beta speaks"),
        ("gamma", "gamma speaks"),
        ("alpha", "alpha speaks"),
    ]
    assert tables.one("SELECT count(*) FROM journal") == sum(map(len, heard.values()))


def test_equal_requests_of_a_batch_are_several(runs: Path, ingested: Ingest) -> None:
    """Each line asks for itself, also in the same words."""
    lines = [{"custom_id": str(n), "body": {"model": "m", "messages": [Q]}} for n in range(3)]
    (runs / "t.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (runs / "t.json").write_text(json.dumps(lines))
    assert ingested(runs).sql("SELECT messages FROM runs") == [{"messages": 3}] * 2


def test_objects_around_messages_a_line_each(runs: Path, ingested: Ingest) -> None:
    """As in one list: who spoke to whom counts, the record has all of it, and other lines are kept."""
    around = [{"at": n, "sender": "a", "recipient": "b", "message": m} for n, m in enumerate([Q, A, Q])]
    (runs / "t.jsonl").write_text("\n".join(map(json.dumps, [*around, {"at": 3, "event": "over"}])))
    tables = ingested(runs)
    assert [json.loads(r["record"]) for r in tables.sql("SELECT record FROM journal ORDER BY seq")] == around
    said = tables.sql("SELECT sender, recipient, role, content FROM messages ORDER BY message_order")
    assert said == [{"sender": "a", "recipient": "b", **m} for m in (Q, A, Q)]
    assert tables.one("SELECT line FROM quarantine") == 4


@pytest.mark.few
@pytest.mark.parametrize("order", ["first", "last"])
def test_authors_that_one_list_lacks_another_tells(order: str, runs: Path, ingested: Ingest) -> None:
    """An agent's own list need not name it; those of who heard it do, wherever they stand."""
    own = [{"role": "user", "name": "boss", "content": "go"}, {"role": "assistant", "content": "gone"}, Q]
    heard = [own[0], {"role": "user", "name": "worker", "content": "gone"}, Q]
    lists = [("worker", {"manager": own}), ("other", {"manager": heard})]
    (runs / "t.json").write_text(json.dumps(dict(lists if order == "first" else lists[::-1])))
    rows = ingested(runs).sql("SELECT sender, content FROM messages WHERE content = 'gone'")
    assert rows == [{"sender": "worker", "content": "gone"}]
    records = ingested(runs, force=True).sql("SELECT record FROM journal ORDER BY seq LIMIT 3")
    assert [json.loads(r["record"]) for r in records] == (own if order == "first" else heard)


def group(introductions: bool) -> tuple[Any, list[Any]]:
    """The manager and the members of a group chat that is over."""
    autogen = pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")
    members = [
        autogen.ConversableAgent(n, llm_config=False, default_auto_reply=f"{n} speaks", human_input_mode="NEVER")
        for n in ("alpha", "beta", "gamma")
    ]
    chat = autogen.GroupChat(members, [], 4, speaker_selection_method="round_robin", send_introductions=introductions)
    manager = autogen.GroupChatManager(chat, llm_config=False)
    members[0].initiate_chat(manager, message="start", silent=True)
    return manager, members


def test_the_response_beside_objects_around_messages_is_their_answer(runs: Path, ingested: Ingest) -> None:
    """It has no such object around it: the list beside it was lost for that."""
    log = [{"at": n, "message": {"role": "user", "name": "u", "content": f"q{n}"}} for n in range(2)]
    answer = {"role": "assistant", "content": "a"}
    (runs / "log.json").write_text(json.dumps({"log": log, "response": {"choices": [{"message": answer}]}}))
    said = ingested(runs).sql("SELECT content FROM messages ORDER BY message_order")
    assert [row["content"] for row in said] == ["q0", "q1", "a"]


@pytest.mark.few
@pytest.mark.parametrize("lost", [1, 30, 90, 150])
def test_what_two_agents_keep_is_one_chat_also_where_the_second_breaks_off(
    lost: int, tmp_path: Path, ingested: Ingest
) -> None:
    """What is there of it is the beginning of what the first has whole."""
    said = [{"role": "assistant" if number % 2 else "user", "content": f"words {number}"} for number in range(4)]
    heard = [{**message, "role": {"user": "assistant", "assistant": "user"}[message["role"]]} for message in said]
    text = json.dumps({"u": {"a": said}, "a": {"u": heard}})
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "dump.json").write_text(text[:-lost])
    tables = ingested(tmp_path / "runs")
    found = tables.sql("SELECT content FROM messages ORDER BY message_order")
    assert [row["content"] for row in found] == [message["content"] for message in said]
