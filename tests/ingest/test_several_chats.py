"""Several chats of one run, one after another or at once: what is of one is not taken for what is of another."""

import asyncio
import json
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")

import autogen.runtime_logging
from autogen import ConversableAgent, GroupChat, GroupChatManager, register_function
from autogen.agentchat import initiate_group_chat
from autogen.agentchat.group.patterns import RoundRobinPattern
from autogen.coding import LocalCommandLineCodeExecutor
from openai import BadRequestError

import capture
import queries
from sample_runs.scripted_llm import Call, Failure, Reply, Request
from tests.conftest import StartLLM
from tests.ingest.conftest import Ingest
from tests.ingest.tables import Tables, event, logged, write_journal

pytestmark = pytest.mark.first(8)

QUIET: dict[str, Any] = {"human_input_mode": "NEVER"}


def silent_agents(names: str) -> dict[str, ConversableAgent]:
    """Agents of one letter each that answer without a model."""
    return {n: ConversableAgent(n, llm_config=False, default_auto_reply=f"{n} speaks", **QUIET) for n in names}


def group_of(members: list[ConversableAgent], order: str, **about: Any) -> tuple[GroupChat, GroupChatManager]:
    """A group whose speakers a function chooses, in this order."""
    known, rest = {agent.name: agent for agent in members}, iter(order)

    def choose(last: Any, group: Any) -> Any:
        return known.get(next(rest, ""))

    group = GroupChat(members, messages=[], max_round=1 + len(order), speaker_selection_method=choose)
    return group, GroupChatManager(group, llm_config=False, **about)


def answers(tables: Tables, name: str, **parameters: Any) -> list[dict[str, Any]]:
    """The rows of a named query."""
    relation = queries.run(name, queries.connect(tables.out), **parameters)
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


@pytest.mark.few
@pytest.mark.parametrize("is_old", [False, True])
def test_code_of_chats_in_several_threads(
    is_old: bool, runs: Path, tmp_path: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """Agents of the same names run code in three threads: each execution has its own code, exit code and output."""
    codes = {
        "job 0": "import time\ntime.sleep(0.6)\nprint('zero')",
        "job 1": "import time\ntime.sleep(0.2)\nraise SystemExit(7)",
        "job 2": "print('two')",
    }

    def script(request: Request) -> Reply:
        job = re.search(r"job \d", json.dumps(request.messages))
        assert job is not None
        ran = any("exitcode" in str(m.get("content")) for m in request.messages)
        return Reply("TERMINATE" if ran else f"```python\n{codes[job.group()]}\n```")

    llm = scripted_llm(script)

    def chat(job: str) -> list[dict[str, Any]]:
        work = tmp_path / job.replace(" ", "")
        work.mkdir()
        old, new = (
            {"work_dir": str(work), "use_docker": False},
            {"executor": LocalCommandLineCodeExecutor(work_dir=work)},
        )
        coder = ConversableAgent("coder", llm_config=llm.config(), **QUIET)
        runner = ConversableAgent("runner", llm_config=False, code_execution_config=old if is_old else new, **QUIET)
        return list(runner.initiate_chat(coder, message=job, max_turns=2).chat_history)

    with capture.start(runs, run_id="threads"), ThreadPoolExecutor(3) as pool:
        histories = list(pool.map(chat, codes))
    said = {re.sub(r"^```python\n|\n```$", "", h[1]["content"]): h[2]["content"] for h in histories}
    rows = ingested(runs).sql("""
        SELECT code, exit_code, output, written.content AS said, written.chat = messages.chat AS is_own
        FROM code_execs
        JOIN execution_events AS events ON events.id = code_execs.event_id
        JOIN messages ON messages.event_id = events.parent_event_id
        JOIN messages AS written ON written.event_id = (events.meta->>'written_in')::uuid
    """)
    assert sorted(row["code"] for row in rows) == sorted(codes.values())
    for row in rows:
        assert row["code"] in row["said"]
        assert row["is_own"]
        reply = re.fullmatch(r"(?s)exitcode: (\d+) .*?Code output: ?(.*)", said[row["code"]])
        assert reply is not None
        assert (str(row["exit_code"]), row["output"]) == reply.groups()


def test_refused_calls_stand_in_the_order_of_the_answers(runs: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """A call with broken JSON, refused after others had run, is no failure before them that they fixed."""
    calls = Call("fetch", {"a": 1}), Call("store", {"a": 1}), Call("fetch", "{bad"), Call("unknown", {})
    replies = iter([Reply(calls=calls), Reply("done")])
    llm = scripted_llm(lambda request: next(replies))
    ran: list[str] = []

    def fetch(a: int) -> int:
        """Fetches."""
        ran.append("fetch")
        return a

    def store(a: int) -> int:
        """Stores."""
        ran.append("store")
        return a

    worker = ConversableAgent("worker", llm_config=llm.config(), **QUIET)
    user = ConversableAgent("user", llm_config=False, **QUIET)
    for tool in (fetch, store):
        worker.register_for_llm(description=tool.__name__)(user.register_for_execution()(tool))
    with capture.start(runs, run_id="refused"):
        history = user.initiate_chat(worker, message="go", max_turns=2).chat_history
    tables = ingested(runs)
    rows = tables.sql("""
        SELECT tool_name, tool_calls.status, result FROM tool_calls JOIN execution_events AS e ON e.id = event_id
        ORDER BY execution_order
    """)
    assert [row["tool_name"] for row in rows] == ["fetch", "store", "fetch", "unknown"]
    assert [row["tool_name"] for row in rows if row["status"] == "completed"] == ran
    answered = [response["content"] for response in history[2]["tool_responses"]]
    assert [row["result"] for row in rows] == answered
    assert all(row["fixed_by"] is None for row in answers(tables, "failures_and_fixes"))


def test_a_chat_begins_without_what_its_opener_did_before(runs: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """An agent's calls of the model, one of which failed, are not in the words that it then opens a chat with."""

    def script(request: Request) -> Reply | Failure:
        if "fail" in str(request.messages[-1]["content"]):
            return Failure(500)
        return Reply("a title" if "title" in str(request.messages[-1]["content"]) else "answer", usage=(1000, 3))

    llm = scripted_llm(script)
    writer, other = (ConversableAgent(n, llm_config=llm.config(), **QUIET) for n in ("writer", "other"))
    with capture.start(runs, run_id="before"):
        writer.generate_reply(messages=[{"role": "user", "content": "a title, please"}])
        with pytest.raises(Exception, match="500"):
            writer.generate_reply(messages=[{"role": "user", "content": "fail"}])
        writer.initiate_chat(other, message="hello", max_turns=1)
    tables = ingested(runs)
    assert tables.sql("SELECT sender, tokens FROM messages ORDER BY message_order") == [
        {"sender": "writer", "tokens": None},
        {"sender": "other", "tokens": 3},
    ]
    executions = tables.sql("SELECT agent_name, is_turn, status, total_tokens FROM executions ORDER BY execution_order")
    assert [tuple(row.values()) for row in executions] == [
        ("writer", False, "SUCCESS", 1003),
        ("writer", False, "FAILED", None),
        ("writer", True, "SUCCESS", None),
        ("other", True, "SUCCESS", 1003),
    ]
    assert len(llm.requests) == 3


def test_failed_code_is_charged_to_the_turn_that_it_stands_in(
    runs: Path, tmp_path: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """And not to a later turn of its author, which was not executed."""
    replies = iter([Reply("```python\nprint(1/0)\n```", usage=(1000, 1)), Reply("Please run it.", usage=(10, 1))])
    llm = scripted_llm(lambda request: next(replies))
    executor = LocalCommandLineCodeExecutor(work_dir=tmp_path)
    critic = ConversableAgent("critic", llm_config=False, default_auto_reply="fine", **QUIET)
    writer = ConversableAgent("writer", llm_config=llm.config(), **QUIET)
    runner = ConversableAgent(
        "runner", llm_config=False, code_execution_config={"executor": executor, "last_n_messages": "auto"}, **QUIET
    )
    order = iter([writer, critic, writer, runner])
    group = GroupChat(
        [writer, critic, runner], messages=[], max_round=5, speaker_selection_method=lambda *_: next(order)
    )
    with capture.start(runs, run_id="late"):
        critic.initiate_chat(GroupChatManager(group, llm_config=False), message="compute")
    assert [m["name"] for m in group.messages] == ["critic", "writer", "critic", "writer", "runner"]
    tables = ingested(runs)
    (failed,) = tables.sql("SELECT * FROM executions WHERE status = 'FAILED'")
    assert failed["total_tokens"] == 1001
    said = tables.one("SELECT content FROM messages WHERE event_id = ?", failed["id"])
    assert said == group.messages[1]["content"]
    (timeline,) = (row for row in answers(tables, "stage_timeline") if row["stage"] == "POST_PROCESS")
    assert timeline["execution_id"] == failed["id"]
    (writers,) = (row for row in answers(tables, "cost_of_failures") if row["agent_name"] == "writer")
    assert writers["failed_tokens"] == 1001


@pytest.mark.few
@pytest.mark.parametrize(
    ("groups", "names"),
    [
        ((("abc", "bbc"), ("de", "ee")), (None, None)),
        ((("abc", "bab"), ("ad", "da")), ("first", "second")),
        ((("abc", "bab"), ("ad", "da")), (None, None)),
        ((("abc", "bab"), ("ab", "ab")), (None, None)),
        ((("asb", "s"), ("csd", "s")), (None, None)),
    ],
)
def test_choices_of_two_groups_are_told_apart(
    groups: tuple[tuple[str, str], ...], names: tuple[str | None, ...], runs: Path, ingested: Ingest
) -> None:
    """Who was chosen how often is told of the group, also where managers have one name and agents are in two groups."""
    agents = silent_agents("abcdes")
    chats: list[GroupChat] = []
    with capture.start(runs, run_id="groups"):
        for (members, order), name in zip(groups, names, strict=True):
            group, manager = group_of([agents[m] for m in members], order, **({"name": name} if name else {}))
            agents[members[0]].initiate_chat(manager, message="begin")
            chats.append(group)
    assert [[m["name"] for m in chat.messages[1:]] for chat in chats] == [list(order) for _, order in groups]
    chosen: Counter[str] = Counter()
    others: Counter[str] = Counter()
    for members, order in groups:
        for member in members:
            chosen[member] += order.count(member)
            others[member] += len(order) - order.count(member)
    found = {row["agent_name"]: row for row in answers(ingested(runs), "why_silent")}
    for member in "".join(members for members, _ in groups):
        row = found[member]
        assert (row["in_chat"], row["times_chosen"], row["others_chosen"]) == (True, chosen[member], others[member])
        assert len(row["chosen_instead"]) == len(set(row["chosen_instead"]))


def test_each_group_has_its_own_way_to_choose(runs: Path, ingested: Ingest) -> None:
    """Where two groups of a run choose in different ways, each choice tells that of its group, also if it goes on."""
    agents = silent_agents("abcd")
    managers = {}
    for members, method in (("ab", "round_robin"), ("cd", "random")):
        group = GroupChat([agents[m] for m in members], messages=[], max_round=4, speaker_selection_method=method)
        managers[members] = GroupChatManager(group, llm_config=False)
    with capture.start(runs, run_id="methods"):
        for members in ("ab", "cd", "ab"):
            agents[members[0]].initiate_chat(managers[members], message="begin")
    rows = ingested(runs).sql("SELECT chosen IN ('a', 'b') AS is_first, selection FROM selections")
    assert len(rows) == 9
    assert {tuple(row.values()) for row in rows} == {(True, "round_robin"), (False, "random")}


def test_a_speaker_that_nobody_could_choose_is_not_chosen_later(
    runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """The selecting agent's model fails, and the program goes on without the group: nobody was chosen."""

    def script(request: Request) -> Reply | Failure:
        return Failure(500) if "role play game" in request.system else Reply("answer")

    llm = scripted_llm(script)
    members = [ConversableAgent(n, llm_config=llm.config(), description=n, **QUIET) for n in "abc"]
    group = GroupChat(members, messages=[], max_round=3)
    helper = ConversableAgent("helper", llm_config=llm.config(), **QUIET)
    with capture.start(runs, run_id="dangling"):
        with pytest.raises(Exception, match="500"):
            members[0].initiate_chat(GroupChatManager(group, llm_config=llm.config()), message="begin")
        members[0].initiate_chat(helper, message="go on without them", max_turns=1)
    tables = ingested(runs)
    assert tables.one("SELECT count(*) FROM selections") == 0
    assert [handoff["meta"]["selection"] for handoff in tables.events("handoff")] == [None]


@pytest.mark.few
@pytest.mark.parametrize(("answer", "selection"), [("Some developer, perhaps.", "fallback"), ("story teller!", "auto")])
def test_names_are_found_as_ag2_finds_them(
    answer: str, selection: str, runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """As whole words, with blanks for underscores; where none is found AG2 takes the next agent by itself."""
    llm = scripted_llm(lambda request: Reply(answer if "role play game" in request.system else "words"))
    names = ["boss", "dev", "tester"] if selection == "fallback" else ["boss", "story_teller", "tester"]
    members = [ConversableAgent(n, llm_config=llm.config(), description=n, **QUIET) for n in names]
    group = GroupChat(members, messages=[], max_round=2)
    with capture.start(runs, run_id="names"):
        members[0].initiate_chat(GroupChatManager(group, llm_config=llm.config()), message="begin")
    (row,) = ingested(runs).sql("SELECT chosen, selection FROM selections")
    assert row == {"chosen": group.messages[1]["name"], "selection": selection}


@pytest.mark.slow
def test_choices_of_groups_at_once_stand_in_their_own_chats(
    runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """What AG2 asked, and the turn that a choice led to, are those of the same group."""

    def script(request: Request) -> Reply:
        text = json.dumps(request.body)
        is_slow = "x1" in text
        time.sleep(0.3 if is_slow else 0.02)
        if "role play game" in request.system:
            return Reply("x2" if is_slow else "y2")
        return Reply("words")

    llm = scripted_llm(script)

    async def chat(letter: str) -> GroupChat:
        names = f"{letter}1", f"{letter}2", f"{letter}3"
        members = [ConversableAgent(n, f"You are {n}.", llm_config=llm.config(), description=n, **QUIET) for n in names]
        group = GroupChat(members, messages=[], max_round=3)
        manager = GroupChatManager(group, name=f"{letter}_manager", llm_config=llm.config())
        await members[0].a_initiate_chat(manager, message=f"begin, {letter}1")
        return group

    async def both() -> list[GroupChat]:
        return list(await asyncio.gather(chat("x"), chat("y")))

    with capture.start(runs, run_id="at-once"):
        groups = asyncio.run(both())
    tables = ingested(runs)
    rows = tables.sql("SELECT group_name, chosen, candidates FROM selections ORDER BY group_name, execution_order")
    assert [(row["group_name"][0], row["chosen"]) for row in rows] == [
        (message["name"][0], message["name"]) for group in groups for message in group.messages[1:]
    ]
    for row in rows:
        letter = row["group_name"][0]
        assert json.loads(row["candidates"]) == [f"{letter}1", f"{letter}2", f"{letter}3"]
    handed = tables.sql("""
        SELECT logs.message, executions.agent_name FROM agent_execution_logs AS logs
        JOIN executions ON executions.id = logs.execution_id WHERE logs.stage = 'SHOULD_RESPOND'
    """)
    assert len(handed) == 2
    assert all(row["message"].startswith(f"chosen after {row['agent_name'][0]}1") for row in handed)


def test_a_model_that_takes_too_long_is_one_error(runs: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """AG2 raises an exception of its own for the client's."""

    def script(request: Request) -> Reply:
        time.sleep(0.8)
        return Reply("late")

    llm = scripted_llm(script)
    agent = ConversableAgent("agent", llm_config=llm.config(timeout=0.2), **QUIET)
    user = ConversableAgent("user", llm_config=False, **QUIET)
    with pytest.raises(TimeoutError), capture.start(runs, run_id="late"):
        user.initiate_chat(agent, message="hi", max_turns=1)
    tables = ingested(runs)
    assert len(llm.requests) == 1
    assert tables.one("SELECT errors FROM runs") == 1
    assert sum(row["count"] for row in answers(tables, "errors")) == 1


def test_members_of_a_pattern_have_their_names_in_ag2s_log(runs: Path, ingested: Ingest) -> None:
    """AG2's SQLite logger writes `Group agent --> a1` for a member a1."""
    autogen.runtime_logging.start(logger_type="sqlite", config={"dbname": str(runs / "log.db")})
    try:
        members = [ConversableAgent(n, llm_config=False, default_auto_reply="words", **QUIET) for n in ("a1", "a2")]
        pattern = RoundRobinPattern(initial_agent=members[0], agents=members)
        initiate_group_chat(pattern, messages="begin", max_rounds=3)
    finally:
        autogen.runtime_logging.stop()
    found = {row["agent_name"]: row["in_chat"] for row in answers(ingested(runs), "why_silent")}
    assert (found["a1"], found["a2"]) == (True, True)
    assert not any(name.startswith("Group agent") for name in found)


def test_a_call_that_nobody_answered_takes_no_answers_of_later_chats(
    runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """Models that count their calls in each chat give the same id again."""
    calls = [Reply(calls=(Call("look", {"x": number}),)) for number in range(3)]
    replies = iter([calls[0], calls[1], Reply("done"), calls[2], Reply("done")])
    llm = scripted_llm(lambda request: next(replies))
    looked: list[int] = []

    def look(x: int) -> str:
        """Looks."""
        looked.append(x)
        return f"found {x}"

    worker = ConversableAgent("worker", llm_config=llm.config(), **QUIET)
    user = ConversableAgent("user", llm_config=False, **QUIET)
    worker.register_for_llm(description="looks")(user.register_for_execution()(look))
    with capture.start(runs, run_id="stale") as run:
        for turns, step in ((1, "first"), (2, "second"), (2, "third")):
            with run.step(step):
                user.initiate_chat(worker, message=step, max_turns=turns)
    path = runs / "stale" / "journal.jsonl"  # the scripted model numbers all its calls; this is one that begins anew
    path.write_text(re.sub(r"call_[0-9a-f]{16,}", "call_0", path.read_text()))
    rows = ingested(runs).sql("""
        SELECT arguments->>'x' AS x, tool_calls.status, result, e.step_id, asked.step_id AS asked_in
        FROM tool_calls JOIN execution_events AS e ON e.id = tool_calls.event_id
        JOIN execution_events AS asked ON asked.id = (e.meta->>'requested_in')::uuid ORDER BY x
    """)
    assert [tuple(row.values()) for row in rows] == [
        ("0", "pending", None, "first", "first"),
        ("1", "completed", "found 1", "second", "second"),
        ("2", "completed", "found 2", "third", "third"),
    ]
    assert looked == [1, 2]


class Broken(LocalCommandLineCodeExecutor):
    """An executor that can't run anything."""

    def execute_code_blocks(self, code_blocks: Any) -> Any:
        """Raises."""
        raise RuntimeError("Docker is not running")


def test_an_executor_that_raises_is_one_failure_of_its_chat(
    runs: Path, tmp_path: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """And not one of the next chat, whose opening it would seem to be a part of."""
    replies = iter([Reply("```python\nprint(1)\n```"), Reply("done")])
    llm = scripted_llm(lambda request: next(replies))
    worker = ConversableAgent("worker", llm_config=llm.config(), **QUIET)
    config = {"executor": Broken(work_dir=tmp_path)}
    user = ConversableAgent("user", llm_config=False, code_execution_config=config, **QUIET)
    with capture.start(runs, run_id="broken"):
        with pytest.raises(RuntimeError, match="Docker"):
            user.initiate_chat(worker, message="first", max_turns=2)
        user.initiate_chat(worker, message="second", max_turns=1)
    tables = ingested(runs)
    assert tables.one("SELECT errors FROM runs") == 1
    (code,) = tables.events("code_exec")
    (turn,) = tables.sql("SELECT id, agent_name FROM execution_events WHERE event_subtype = 'unspoken'")
    assert (code["status"], code["parent_event_id"], turn["agent_name"]) == ("failed", turn["id"], "user")
    second = tables.one("SELECT execution_order FROM execution_events WHERE outputs->>'full_content' = 'second'")
    assert code["execution_order"] < second
    (error,) = answers(tables, "errors")
    assert (error["event_type"], error["error_type"], error["count"]) == ("code_exec", "RuntimeError", 1)


def test_a_tool_that_exits_is_one_failure(runs: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """AG2 makes no answer of what is no `Exception`: it leaves the chat."""
    llm = scripted_llm(lambda request: Reply(calls=(Call("leave", {}),)))

    def leave() -> str:
        """Leaves."""
        raise SystemExit("no licence")

    worker = ConversableAgent("worker", llm_config=llm.config(), **QUIET)
    user = ConversableAgent("user", llm_config=False, **QUIET)
    worker.register_for_llm(description="leaves")(user.register_for_execution()(leave))
    with pytest.raises(SystemExit), capture.start(runs, run_id="exit"):
        user.initiate_chat(worker, message="go", max_turns=2)
    tables = ingested(runs)
    assert tables.one("SELECT errors FROM runs") == 1
    (call,) = tables.sql("SELECT status, error_message, executor FROM tool_calls")
    assert call == {"status": "failed", "error_message": "no licence", "executor": "user"}


def test_failures_in_a_nested_chat_are_of_its_own_agents(runs: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """A tool opens a chat, in which the model of another agent fails; who opened it called no model."""

    def script(request: Request) -> Reply | Failure:
        if "inner" in str(request.messages[-1]["content"]):
            return Failure(500)
        is_first = len(request.messages) == 2
        return Reply(calls=(Call("ask", {}),)) if is_first else Reply("done")

    llm = scripted_llm(script)
    worker, expert = (ConversableAgent(n, llm_config=llm.config(), **QUIET) for n in ("worker", "expert"))
    user, asker = (ConversableAgent(n, llm_config=False, **QUIET) for n in ("user", "asker"))

    def ask() -> str:
        """Asks an expert."""
        return str(asker.initiate_chat(expert, message="inner", max_turns=1).summary)

    worker.register_for_llm(description="asks")(user.register_for_execution()(ask))
    with capture.start(runs, run_id="inner"):
        user.initiate_chat(worker, message="go", max_turns=2)
    tables = ingested(runs)
    failed = tables.sql("SELECT agent_name, failed_stage FROM executions WHERE status = 'FAILED' ORDER BY 1")
    assert [tuple(row.values()) for row in failed] == [("expert", "LLM_CALL"), ("worker", "POST_PROCESS")]
    (row,) = answers(tables, "why_silent", agent_name="expert")
    assert (row["status"], row["executions"], row["failed"]) == ("failed", 1, 1)
    (first,) = (row for row in answers(tables, "suspects") if "first failure of the run" in row["evidence"])
    assert first["agent_name"] != "asker"


def test_tools_that_an_agent_calls_by_itself_are_in_its_turn(runs: Path, ingested: Ingest) -> None:
    """A reply function of the user's executes a tool that no message asked for."""
    user, worker = (ConversableAgent(n, llm_config=False, default_auto_reply="ok", **QUIET) for n in ("user", "worker"))

    def look(x: int) -> str:
        """Looks."""
        return f"found {x}"

    worker.register_function({"look": look})

    def reply(agent: Any, messages: Any = None, sender: Any = None, config: Any = None) -> tuple[bool, str]:
        done, answer = agent.execute_function({"name": "look", "arguments": '{"x": 1}'})
        return True, f"{done}: {answer['content']}"

    worker.register_reply([ConversableAgent, None], reply)
    with capture.start(runs, run_id="by-hand"):
        history = user.initiate_chat(worker, message="go", max_turns=1).chat_history
    assert history[-1]["content"] == "True: found 1"
    (row,) = ingested(runs).sql("""
        SELECT calls.result, calls.executor, messages.content FROM tool_calls AS calls
        JOIN execution_events AS e ON e.id = calls.event_id JOIN messages ON messages.event_id = e.parent_event_id
    """)
    assert row == {"result": "found 1", "executor": "worker", "content": "True: found 1"}


def test_the_first_failure_is_the_one_that_happened_first(runs: Path, ingested: Ingest) -> None:
    """A tool that fails because of what failed in a chat that it opened began before that."""
    asked = {"id": "c", "type": "function", "function": {"name": "work", "arguments": "{}"}}
    begun = {"func_name": "work", "call_id": "c", "recipient": "user"}
    failure = "Error: the chat failed"
    answer = {"role": "tool", "tool_call_id": "c", "content": failure}
    inner = {"in_chat": "chat-2"}
    write_journal(
        runs,
        "first",
        logged("worker", "user", {"content": None, "tool_calls": [asked]}),
        event("execute_function", **begun),
        logged("coder", "runner", "```python\nopen('x')\n```") | inner,
        logged("runner", "coder", "exitcode: 1 (execution failed)\nCode output: FileNotFoundError: x") | inner,
        logged("user", "worker", {"role": "tool", "content": failure, "tool_responses": [answer]}),
    )
    (first,) = (row for row in answers(ingested(runs), "suspects") if "first failure of the run" in row["evidence"])
    assert first["agent_name"] == "coder"


def test_the_error_that_ends_a_nested_chat_is_of_that_chat(
    runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """A tool opens a chat whose model fails, and another; error and failed call are both in the first of the two."""
    server = scripted_llm(
        {"boss": [Reply(calls=(Call("ask", {"q": "why"}),)), "done"], "expert": [Failure(400), "because"]}
    )
    boss, expert = (
        ConversableAgent(n, system_message=f"You are {n}.", llm_config=server.config(), **QUIET)
        for n in ("boss", "expert")
    )
    user, helper = (ConversableAgent(n, llm_config=False, default_auto_reply="go", **QUIET) for n in ("user", "helper"))

    def ask(q: str) -> str:
        try:
            return str(helper.initiate_chat(expert, message=q, max_turns=1).summary)
        except Exception:
            return str(helper.initiate_chat(expert, message=f"{q} again", max_turns=1).summary)

    register_function(ask, caller=boss, executor=user, description="asks")
    with capture.start(runs, console=False):
        user.initiate_chat(boss, message="start", max_turns=2)
    assert [request.system.split()[-1] for request in server.requests] == ["boss.", "expert.", "expert.", "boss."]
    tables = ingested(runs)
    ((turn, call, error),) = [
        [row["chat"] for row in tables.sql("SELECT chat FROM execution_events WHERE status = 'failed' ORDER BY ALL")]
    ]
    chats = tables.sql("SELECT chat, list(content ORDER BY message_order) AS said FROM messages GROUP BY chat")
    assert turn == call == error == next(row["chat"] for row in chats if row["said"] == ["why"])


def test_a_speaker_that_is_kept_and_fails_was_chosen(runs: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """A group that chooses who spoke last tells it by that agent's next words, of which there are none here."""
    asked: list[str] = []

    def script(request: Request) -> str | Failure:
        if "anna" in request.system and "role" not in request.system:
            asked.append("anna")
            return "go on" if len(asked) < 3 else Failure(400)
        asked.append("who")
        return "anna"

    config = scripted_llm(script).config()
    anna, bert = (
        ConversableAgent(n, system_message=f"You are {n}.", llm_config=config, **QUIET) for n in ("anna", "bert")
    )
    user = ConversableAgent("user", llm_config=False, **QUIET)
    group = GroupChat([anna, bert], messages=[], max_round=6, select_speaker_message_template="Choose a role.")
    with capture.start(runs, console=False), pytest.raises(BadRequestError):
        user.initiate_chat(GroupChatManager(group, llm_config=config), message="start")
    tables = ingested(runs)
    chosen = asked.count("who")
    assert asked == ["who", "anna"] * chosen
    assert [row["selection"] for row in tables.sql("SELECT selection FROM selections")] == ["auto"] * chosen
    silent = {row["agent_name"]: row for row in answers(tables, "why_silent")}
    assert (silent["anna"]["times_chosen"], silent["bert"]["times_passed_over"]) == (chosen, chosen)
