"""What real AG2 agents do stands in the journal. The truth is what the other side saw: server, tools, disk."""

import asyncio
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextvars import copy_context
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from autogen import ConversableAgent, GroupChat, GroupChatManager, UserProxyAgent, register_function
from autogen.cache.in_memory_cache import InMemoryCache
from autogen.coding import LocalCommandLineCodeExecutor

import capture
from capture.run import Run
from sample_runs.scripted_llm import Failure, ScriptedLLM, call
from tests.capture.agents import talker, thinker
from tests.capture.recorded import events, journal, of_kind, rebuilt_requests

StartLLM = Callable[..., ScriptedLLM]
SAVES_A_FILE = """Here it is:
```python
# filename: squares.py
with open("squares.csv", "w") as file:
    file.write("1,1\\n2,4\\n")
print("saved squares.csv")
```
"""


def executor(name: str, folder: str) -> UserProxyAgent:
    """An agent that runs code in a folder."""
    return UserProxyAgent(
        name,
        human_input_mode="NEVER",
        code_execution_config={"executor": LocalCommandLineCodeExecutor(work_dir=folder, timeout=60)},
        default_auto_reply="",
    )


def test_code_that_runs_is_recorded_with_its_output_and_files(scripted_llm: StartLLM) -> None:
    """A two-agent chat in which code is run: messages, LLM calls, the code's output and the files it wrote."""
    llm = scripted_llm([SAVES_A_FILE, "Done. TERMINATE"])
    Path("coding").mkdir()
    with capture.start("runs", task="squares", console=False) as run:
        engineer, runner = thinker("engineer", llm.config()), executor("runner", "coding")
        result = runner.initiate_chat(engineer, message="Square some numbers.", max_turns=2)
        run.save_messages(result)
    records = journal(run)
    heard = [(e["sender"], e["recipient"], e["content"]) for e in events(records, "text")]
    output = "exitcode: 0 (execution succeeded)\nCode output: saved squares.csv\n"
    assert heard == [
        ("runner", "engineer", "Square some numbers."),
        ("engineer", "runner", SAVES_A_FILE),
        ("runner", "engineer", output),
        ("engineer", "runner", "Done. TERMINATE"),
    ]
    assert of_kind(records, "message") == []  # the events say all of it
    assert events(records, "generate_code_execution_reply")[0]["code_blocks"] == ["python"]
    assert len(of_kind(records, "llm_call")) == len(llm.requests) == 2
    files = {f["path"]: f for f in of_kind(records, "file")}
    assert files.keys() == {"coding/squares.csv", "coding/squares.py"}
    assert (run.path / files["coding/squares.csv"]["copy"]).read_text() == "1,1\n2,4\n"
    saved = of_kind(records, "messages")[0]
    assert [m["content"] for m in saved["messages"]] == [message for _, _, message in heard]
    assert records[-1]["status"] == "completed"


def test_a_rebuilt_request_is_what_the_server_received(scripted_llm: StartLLM) -> None:
    """LLM requests are written as what is new in them, and each is rebuilt exactly, tools included."""
    llm = scripted_llm([call("add", a=1, b=2), call("add", a=3, b=4), "7 TERMINATE"])
    counted: list[tuple[int, int]] = []

    def add(a: int, b: int) -> int:
        counted.append((a, b))
        return a + b

    with capture.start("runs", console=False) as run:
        asker, adder = thinker("asker", llm.config()), talker("adder")
        register_function(add, caller=asker, executor=adder, description="Adds two numbers.")
        adder.initiate_chat(asker, message="Add.", max_turns=3)
    records = journal(run)
    calls = of_kind(records, "llm_call")
    assert list(rebuilt_requests(records).values()) == [request.body for request in llm.requests]
    assert [c["base_messages"] for c in calls] == [0, 2, 4]
    assert calls[1]["same"]
    assert counted == [(1, 2), (3, 4)]
    assert [(f["arguments"], f["result"]) for f in of_kind(records, "function_call")] == [
        ({"a": 1, "b": 2}, 3),
        ({"a": 3, "b": 4}, 7),
    ]
    assert all(c["total_tokens"] == c["prompt_tokens"] + c["completion_tokens"] and c["cost"] > 0 for c in calls)
    assert all(c["started"] < c["ended"] and c["status"] == "ok" and not c["cached"] for c in calls)
    assert calls[-1]["response"]["choices"][0]["message"]["content"] == "7 TERMINATE"


def test_the_api_key_is_nowhere_in_the_run(scripted_llm: StartLLM) -> None:
    """The key that opens the model's door stands in no file of the run."""
    llm = scripted_llm(["Fine."])
    key = "sk-secret-0123456789abcdef"
    with capture.start("runs", console=False) as run:
        talker("user").initiate_chat(thinker("model", llm.config(api_key=key)), message="How are you?", max_turns=1)
    assert llm.requests[0].headers["authorization"] == f"Bearer {key}"
    assert not [path for path in run.path.rglob("*") if path.is_file() and key.encode() in path.read_bytes()]


def test_a_group_chat_is_recorded_with_its_speakers(scripted_llm: StartLLM) -> None:
    """In a group chat with automatic selection, speakers, selection calls and the manager's members are recorded."""
    llm = scripted_llm({"You are planner": ["The plan. TERMINATE"], "*": ["planner"]})
    with capture.start("runs", console=False) as run:
        user, planner, writer = talker("user"), thinker("planner", llm.config()), thinker("writer", llm.config())
        chat = GroupChat([user, planner, writer], messages=[], max_round=2, speaker_selection_method="auto")
        manager = GroupChatManager(chat, llm_config=llm.config())
        user.initiate_chat(manager, message="Plan it.", max_turns=1)
        run.save_messages(chat, name="planning")
    records = journal(run)
    assert "planner" in [e["speaker"] for e in events(records, "group_chat_run_chat")]
    assert {"planner", "speaker_selection_agent"} <= {c["agent"] for c in of_kind(records, "llm_call")}
    assert len(of_kind(records, "llm_call")) == len(llm.requests)
    described = {a["name"]: a for a in of_kind(records, "agent")}
    assert described["chat_manager"]["members"] == ["user", "planner", "writer"]
    assert described["chat_manager"]["selection"] == "auto"
    assert described["writer"]["model"] == "scripted-1"
    saved = of_kind(records, "messages")[0]
    assert (saved["chat"], saved["count"]) == ("planning", len(chat.messages))


def test_transcripts_are_saved_without_being_asked_for() -> None:
    """At the end of a run the journal has each group chat once, and those histories that began before the run."""
    a, b = talker("a", "yes"), talker("b", "no")
    a.initiate_chat(b, message="before", max_turns=1)
    with capture.start("runs", console=False) as run:
        a.initiate_chat(b, message="in it", max_turns=1, clear_history=False)
        c, d = talker("c", "c speaks"), talker("d", "d speaks")
        for number in range(2):
            chat = GroupChat([c, d], messages=[], max_round=2, speaker_selection_method="round_robin")
            c.initiate_chat(GroupChatManager(chat, llm_config=False, name=f"m{number}"), message="go", max_turns=1)
            if number == 0:
                run.save_messages(chat, name="mine")
    saved = [(m["chat"], [x["content"] for x in m["messages"]]) for m in of_kind(journal(run), "messages")]
    assert saved == [
        ("mine", ["go", "d speaks"]),
        ("m1", ["go", "d speaks"]),
        ("a and b", ["before", "no", "in it", "no"]),
    ]
    marks = [(m.get("rest"), m.get("complete")) for m in of_kind(journal(run), "messages")]
    assert marks == [(None, True), (True, True), (True, True)]


def test_a_history_that_the_run_has_no_part_in_is_not_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of another chat of the same agent, before the run; where messages are left out, the journal can't tell."""
    a, b, c = talker("a", "yes"), talker("b", "no"), talker("c", "well")
    a.initiate_chat(b, message="before", max_turns=1)
    saved = []
    for left_out in ("", "-message,-text"):
        monkeypatch.setenv("AG2_CAPTURE_EVENTS", left_out)
        with capture.start("runs", console=False) as run:
            a.initiate_chat(c, message="in it", max_turns=1)
        saved.append([(m["chat"], m.get("complete")) for m in of_kind(journal(run), "messages")])
    assert saved == [[], [("a and b", None)]]


@pytest.mark.parametrize("answers", [False, True])
def test_a_history_of_an_agent_that_was_made_anew_is_not_of_this_run(answers: bool) -> None:
    """A cell of a notebook makes an agent again: the other one keeps what it said to the former."""
    user, former = talker("user", "go on"), talker("helper", "ok")
    user.initiate_chat(former, message="before", max_turns=2)
    helper = talker("helper", "ok")
    with capture.start("runs", console=False) as run:
        if answers:
            user.initiate_chat(helper, message="now", max_turns=1, clear_history=False)
        else:
            user.send("now", helper, request_reply=False)
            helper.send("ok", user, request_reply=False)
    assert of_kind(journal(run), "messages") == []
    with capture.start("runs", console=False) as run:
        user.initiate_chat(helper, message="on", max_turns=1, clear_history=False)
    (saved,) = of_kind(journal(run), "messages")
    assert [m["content"] for m in saved["messages"]] == ["now", "ok", "on", "ok"]


ASKS: dict[str, Callable[..., Any]] = {
    "initiate_chat": lambda a, b, **options: a.initiate_chat(b, **options),
    "by place": lambda a, b, clear_history, **options: a.initiate_chat(b, clear_history, **options),
    "a_initiate_chat": lambda a, b, **options: asyncio.run(a.a_initiate_chat(b, **options)),
    "initiate_chats": lambda a, b, **options: a.initiate_chats([{"recipient": b, **options}]),
    "a_initiate_chats": lambda a, b, **options: asyncio.run(
        a.a_initiate_chats([{"recipient": b, "chat_id": 1, **options}])
    ),
    "run": lambda a, b, **options: a.run(b, **options).process(),
    "a_run": lambda a, b, **options: asyncio.run(ran(a, b, **options)),
}
"""Ways to begin a chat."""


async def ran(a: Any, b: Any, **options: Any) -> None:
    """A chat by `a_run`, until it is over."""
    response = await a.a_run(b, **options)
    await response.process()


@pytest.mark.parametrize("way", ASKS)
def test_a_chat_says_which_one_it_goes_on_with(way: str) -> None:
    """With `clear_history=False`, whoever of the two begins it; none of an earlier run, which the journal has not."""
    a, b, c = talker("a"), talker("b"), talker("c")
    a.initiate_chat(b, message="before", max_turns=1)
    with capture.start("runs", console=False) as run:
        for sender, recipient, clear in (
            (a, b, False),
            (a, c, True),
            (a, b, False),
            (b, a, False),
            (a, b, True),
            (a, b, False),
            (b, c, False),
        ):
            ASKS[way](sender, recipient, message="go", max_turns=1, clear_history=clear)
    begun = of_kind(journal(run), "chat_start")
    assert [chat["id"] for chat in begun] == [f"chat-{number}" for number in range(1, 8)]
    goes_on = [chat.get("goes_on_with") for chat in begun]
    assert goes_on == [None, None, "chat-1", "chat-3", None, "chat-5", None]


def test_what_has_no_former_chat_goes_on_with_none() -> None:
    """Agents of the same names, a history that was cleared, a chat that is not over yet; one that failed is over."""
    a, b = talker("a"), talker("b")
    inner: list[Any] = []

    def reply(*args: Any, **kwargs: Any) -> tuple[bool, str]:
        if not inner:
            inner.append(1)
            ask(a, b)
            raise ValueError("no")
        return True, "yes"

    def ask(a: Any, b: Any) -> None:
        a.initiate_chat(b, message="go", max_turns=1, clear_history=False)

    with capture.start("runs", console=False) as run:
        ask(a, b)
        ask(talker("a"), talker("b"))
        b.clear_history(a)
        a.clear_history(b)
        b.register_reply([type(a), None], reply, position=0)
        with pytest.raises(ValueError, match="no"):
            ask(a, b)
        ask(a, b)
    begun = of_kind(journal(run), "chat_start")
    goes_on = {chat["id"]: chat.get("goes_on_with") for chat in begun}
    assert [chat["turn_of"] for chat in begun if "turn_of" in chat] == ["b"]
    assert goes_on == {"chat-1": None, "chat-2": None, "chat-3": None, "chat-4": None, "chat-5": "chat-3"}


@pytest.mark.parametrize("resumed", [False, True])
def test_a_group_that_goes_on_says_so(resumed: bool) -> None:
    """Whichever member begins it again."""
    members = [talker("a", "A"), talker("b", "B")]
    group = GroupChat(members, messages=[], max_round=2, speaker_selection_method="round_robin")
    manager = GroupChatManager(group, llm_config=False)
    with capture.start("runs", console=False) as run:
        members[0].initiate_chat(manager, message="go")
        if resumed:
            last, message = manager.resume(messages=list(group.messages))
        else:
            last, message = members[1], "on"
        last.initiate_chat(manager, message=message, clear_history=False)
        group.reset()
        members[0].initiate_chat(manager, message="anew", clear_history=False)
    goes_on = [chat.get("goes_on_with") for chat in of_kind(journal(run), "chat_start")]
    assert goes_on == [None, "chat-1", None]


def test_an_async_chat_is_recorded(scripted_llm: StartLLM) -> None:
    """`a_initiate_chat` inside `async with`, with an async tool."""
    llm = scripted_llm([call("wait"), "Waited. TERMINATE"])
    waited = []

    async def wait() -> str:
        await asyncio.sleep(0)
        waited.append(1)
        return "over"

    async def main() -> capture.Run:
        async with capture.start("runs", console=False) as run:
            asker, waiter = thinker("asker", llm.config()), talker("waiter")
            register_function(wait, caller=asker, executor=waiter, description="Waits.")
            async with run.step("step_1", node_id="waiting"):
                await waiter.a_initiate_chat(asker, message="Wait.", max_turns=2)
            return run

    run = asyncio.run(main())
    records = journal(run)
    calls = of_kind(records, "llm_call")
    assert len(waited) == 1
    assert [f["result"] for f in of_kind(records, "function_call")] == ["over"]
    assert len(calls) == len(llm.requests) == 2
    assert {c["node_id"] for c in calls} == {"waiting"}  # AG2 makes them in a thread pool
    assert list(rebuilt_requests(records).values()) == [request.body for request in llm.requests]
    assert not any("attributed" in record for record in records)


def test_chats_in_a_row_are_recorded(scripted_llm: StartLLM) -> None:
    """`initiate_chats` with two chats, the second with the first one's summary; its results are saved in one call."""
    llm = scripted_llm(["First.", "Second."])
    with capture.start("runs", console=False) as run:
        user, model = talker("user"), thinker("model", llm.config())
        chats = [{"recipient": model, "message": text, "max_turns": 1} for text in ("One?", "Two?")]
        run.save_messages(user.initiate_chats(chats))
    records = journal(run)
    assert [e["content"] for e in events(records, "text")][::2] == ["One?", "Two?\nContext: \nFirst."]
    assert len(events(records, "post_carryover_processing")) == 2
    assert [m["summary"] for m in of_kind(records, "messages")] == ["First.", "Second."]


def test_a_failing_model_is_recorded_and_the_error_goes_on(scripted_llm: StartLLM) -> None:
    """An LLM call that fails is in the journal with its request, and the run is `failed` with the same error."""
    llm = scripted_llm([Failure(500, "out of order")])
    with pytest.raises(Exception, match="out of order") as raised, capture.start("runs", console=False) as run:
        talker("user").initiate_chat(thinker("model", llm.config()), message="Hello?", max_turns=1)
    records = journal(run)
    failed = of_kind(records, "llm_call")[0]
    assert failed["status"] == "error"
    assert failed["response"].startswith("error_code:")
    assert rebuilt_requests(records)[failed["seq"]] == llm.requests[0].body
    end = records[-1]
    assert (end["status"], end["error"]["type"]) == ("failed", type(raised.value).__name__)
    assert "out of order" in end["error"]["message"]
    assert "initiate_chat" in end["error"]["traceback"]


def test_nested_chats_and_legacy_functions_are_recorded(scripted_llm: StartLLM) -> None:
    """A chat inside an agent's turn, and a model that answers with the old `function_call`."""
    llm = scripted_llm(["Inner answer."])
    with capture.start("runs", console=False) as run:
        user, lead, helper = talker("user"), talker("lead"), thinker("helper", llm.config())
        chats = [{"recipient": helper, "message": "Inner question?", "max_turns": 1, "summary_method": "last_msg"}]
        lead.register_nested_chats(chats, trigger=user)
        user.initiate_chat(lead, message="Outer question?", max_turns=1)
        old = talker("old", function_map={"double": lambda x: x * 2})
        asks = {"content": None, "function_call": {"name": "double", "arguments": '{"x": 4}'}}
        talker("asker").initiate_chat(old, message=asks, max_turns=1)
    records = journal(run)
    said = [e["content"] for e in events(records, "text")]
    assert said[:4] == ["Outer question?", "Inner question?", "Inner answer.", "Inner answer."]
    assert len(of_kind(records, "llm_call")) == len(llm.requests) == 1
    assert events(records, "executed_function")[0]["content"] == 8
    assert events(records, "function_response")[0]["content"] == 8


WAYS: dict[str, Callable[[Callable[[], Any]], Any]] = {
    "task": lambda ask: asyncio.create_task(ask()),
    "gather": lambda ask: asyncio.gather(ask(), asyncio.sleep(0)),
    "loop of a thread": lambda ask: asyncio.to_thread(lambda: asyncio.run(ask())),
    "pool": lambda ask: asyncio.get_running_loop().run_in_executor(None, lambda: asyncio.run(ask())),
}
"""How a reply function may have something else wait for a chat; what it has to wait for."""


@pytest.mark.parametrize("way", WAYS)
def test_a_chat_that_a_turn_hands_on_is_nested_in_it(way: str) -> None:
    """A reply function opens a chat in a task or a thread: it points at the turn; one that is opened later does not."""
    lead, helper = talker("lead"), talker("helper")

    async def reply(recipient: Any, messages: Any = None, sender: Any = None, config: Any = None) -> tuple[bool, str]:
        await WAYS[way](lambda: lead.a_initiate_chat(helper, message="inner", max_turns=1))
        return True, "done"

    lead.register_reply([type(lead), None], reply)

    async def work() -> None:
        await talker("user").a_initiate_chat(lead, message="outer", max_turns=1)
        await asyncio.create_task(talker("user").a_initiate_chat(helper, message="later", max_turns=1))
        await asyncio.to_thread(lambda: talker("user").initiate_chat(helper, message="in the same pool", max_turns=1))

    with capture.start("runs", console=False) as run:
        asyncio.run(work())
    chats = of_kind(journal(run), "chat_start")
    assert [(c["sender"], c["recipient"], c.get("turn_of")) for c in chats] == [
        ("user", "lead", None),
        ("lead", "helper", "lead"),
        ("user", "helper", None),
        ("user", "helper", None),
    ]


def test_multimodal_messages_are_recorded() -> None:
    """A message of several parts is in the journal as it is."""
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": "data:image/png;"}}]
    with capture.start("runs", console=False) as run:
        talker("a").initiate_chat(talker("b"), message={"content": parts}, max_turns=1)
    assert of_kind(journal(run), "message")[0]["message"]["content"] == parts


def test_a_call_that_times_out_is_recorded(scripted_llm: StartLLM) -> None:
    """AG2 does not log a timeout; the journal has the call with its request and error, once."""

    def answer(request: object) -> str:
        time.sleep(0.5)
        return "Too late."

    llm = scripted_llm(answer)
    user, model = talker("user"), thinker("model", llm.config(timeout=0.1))
    with pytest.raises(TimeoutError), capture.start("runs", console=False) as run:
        user.initiate_chat(model, message="Hello?", max_turns=1)
    records = journal(run)
    call = of_kind(records, "llm_call")[0]
    assert len(of_kind(records, "llm_call")) == 1
    assert (call["agent"], call["status"], call["model"]) == ("model", "error", "scripted-1")
    assert call["response"].startswith("APITimeoutError")
    assert rebuilt_requests(records)[call["seq"]]["messages"] == llm.requests[0].messages


def test_a_raising_tool_is_recorded(scripted_llm: StartLLM) -> None:
    """A tool that raises leaves its error in the journal, although AG2's logger keeps it to itself."""
    llm = scripted_llm([call("divide", a=1, b=0), "No. TERMINATE"])

    def divide(a: int, b: int) -> float:
        return a / b

    with capture.start("runs", console=False) as run:
        asker, divider = thinker("asker", llm.config()), talker("divider")
        register_function(divide, caller=asker, executor=divider, description="Divides.")
        divider.initiate_chat(asker, message="Divide.", max_turns=2)
    executed = events(journal(run), "executed_function")[0]
    assert (executed["is_exec_success"], executed["content"]) == (False, "Error: division by zero")


def test_a_silent_chat_is_recorded() -> None:
    """AG2 sends no message events for a silent chat; the journal has its messages all the same."""
    with capture.start("runs", console=False) as run:
        talker("a", "yes").initiate_chat(talker("b", "no"), message="well?", max_turns=2, silent=True)
    records = journal(run)
    assert events(records, "text") == []
    assert [m["message"] for m in of_kind(records, "message")] == ["well?", "no", "yes", "no"]


def test_of_chats_that_begin_at_once_the_first_in_the_file_is_not_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever thread is faster: all others are named by their records."""
    writes = Run.write

    def slowly(self: Run, kind: str, *args: Any, **kwargs: Any) -> int | None:
        written = writes(self, kind, *args, **kwargs)
        if kind in ("chat_start", "chat_end"):
            time.sleep(0.02)
        return written

    monkeypatch.setattr(Run, "write", slowly)
    with capture.start("runs", console=False) as run:
        pairs = [(talker(f"a{n}"), talker(f"b{n}")) for n in range(4)]
        go, begun = Barrier(len(pairs)), Barrier(len(pairs))

        def answer(*args: Any, **kwargs: Any) -> tuple[bool, str]:
            begun.wait(60)  # none is over before all have begun
            return True, "gone"

        for _, asked in pairs:
            asked.register_reply([ConversableAgent, None], answer, position=0)
        context = [copy_context() for _ in pairs]

        def talk(place: int) -> None:
            go.wait()
            context[place].run(lambda: pairs[place][0].initiate_chat(pairs[place][1], message="go", max_turns=1))

        threads = [Thread(target=talk, args=(place,)) for place in range(len(pairs))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    records = journal(run)
    (first, *others) = of_kind(records, "chat_start")
    named = {event["event"]["content"]["sender"]: event.get("in_chat") for event in of_kind(records, "event")}
    assert named[first["sender"]] is None
    assert {other["sender"]: other["id"] for other in others} == {
        name: chat for name, chat in named.items() if name[0] == "a" and name != first["sender"]
    }


def test_a_cached_answer_is_marked(scripted_llm: StartLLM) -> None:
    """An answer from AG2's cache is an LLM call with `cached`, and the server was asked once."""
    llm = scripted_llm(["Once."])
    cache = InMemoryCache()
    with capture.start("runs", console=False) as run:
        for _ in range(2):
            talker("user").initiate_chat(thinker("model", llm.config()), message="Say it.", max_turns=1, cache=cache)
    assert [c["cached"] for c in of_kind(journal(run), "llm_call")] == [False, True]
    assert len(llm.requests) == 1


def test_streamed_answers_are_recorded(scripted_llm: StartLLM) -> None:
    """With streaming, the call has the whole answer and its token counts, and the stream events are there."""
    llm = scripted_llm(["One two three."])
    with capture.start("runs", console=False) as run:
        talker("user").initiate_chat(thinker("model", llm.config(stream=True)), message="Count.", max_turns=1)
    records = journal(run)
    calls = of_kind(records, "llm_call")
    assert [c["response"]["choices"][0]["message"]["content"] for c in calls] == ["One two three."]
    assert calls[0]["completion_tokens"] > 0
    assert "".join(e["content"] for e in events(records, "stream")) == "One two three."


def test_a_human_is_recorded_and_a_password_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a human is asked and answers is recorded; an answer typed unseen is not."""
    monkeypatch.setattr("builtins.input", lambda prompt="": "exit")
    monkeypatch.setattr("getpass.getpass", lambda prompt="": "open sesame")
    with capture.start("runs") as run:
        human = UserProxyAgent("human", human_input_mode="ALWAYS", code_execution_config=False)
        human.initiate_chat(talker("bot"), message="Hi.")
        from autogen.io.base import IOStream

        assert IOStream.get_default().input("Word? ", password=True) == "open sesame"
    records = journal(run)
    asked = of_kind(records, "input")
    assert [(a["answer"], a["password"]) for a in asked] == [("exit", False), (None, True)]
    assert "human" in asked[0]["prompt"].lower() or "bot" in asked[0]["prompt"]
    assert b"sesame" not in (run.path / "journal.jsonl").read_bytes()


@pytest.mark.slow
def test_a_whole_script_can_forget_to_close(tmp_path: Path) -> None:
    """A run that nobody closed is closed at exit: completed, or failed where the script ended with an error."""
    script = "import capture\nrun = capture.start(%r, run_id=%r)\nprint(run.path)\n%s\n"
    for name, last, status in (("good", "", "completed"), ("bad", "1 / 0", "failed")):
        done = subprocess.run(
            [sys.executable, "-c", script % (str(tmp_path), name, last)],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=False,
        )
        end: dict[str, Any] = journal(tmp_path / name)[-1]
        assert (end["kind"], end["status"]) == ("run_end", status), done.stderr
    assert end["error"]["type"] == "ZeroDivisionError"


def test_requests_after_the_journal_was_deleted_stand_on_their_own(scripted_llm: StartLLM) -> None:
    """No request in the new file refers to one that is gone, and each can be rebuilt as it was sent."""
    llm = scripted_llm(lambda request: f"answer {request.number}")
    turns = []

    def ends(message: dict[str, Any]) -> bool:
        turns.append(message)
        if len(turns) == 3:
            shutil.rmtree(run.path)
        return False

    user = talker("user", is_termination_msg=ends)
    with capture.start("runs", console=False) as run:
        user.initiate_chat(thinker("assistant", llm.config()), message="first", max_turns=6)
    rebuilt = [request["messages"] for request in rebuilt_requests(journal(run)).values()]
    assert rebuilt == [request.body["messages"] for request in llm.requests[3:]]
