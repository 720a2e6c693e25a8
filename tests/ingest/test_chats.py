"""From real AG2 agents to tables: what the model's server and the tools saw is what the tables say."""

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")

from autogen import ConversableAgent, GroupChat, GroupChatManager
from autogen.coding import LocalCommandLineCodeExecutor

import capture
import queries
from sample_runs.scripted_llm import Call, Reply, Request
from tests.conftest import StartLLM
from tests.ingest.conftest import Ingest

QUIET: dict[str, Any] = {"human_input_mode": "NEVER"}


def test_code_and_tools_of_a_chat_of_two(runs: Path, tmp_path: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """Every request that the server received, every call that the tool counted and every file is in the tables."""
    code = "I write it.\n```python\nfrom pathlib import Path\nPath('answer.txt').write_text('42')\nprint('ok')\n```"
    replies = iter(
        [Reply(calls=(Call("look", {"key": "a"}), Call("look", {"key": "b"}))), Reply(code), Reply("done TERMINATE")]
    )
    llm = scripted_llm(lambda request: next(replies))
    looked: list[str] = []

    def look(key: str) -> str:
        """Looks something up."""
        looked.append(key)
        if key == "b":
            raise KeyError(key)
        return f"value of {key}"

    work = tmp_path / "work"
    engineer = ConversableAgent("engineer", llm_config=llm.config(), **QUIET)
    runner = ConversableAgent(
        "runner",
        llm_config=False,
        code_execution_config={"executor": LocalCommandLineCodeExecutor(work_dir=work)},
        is_termination_msg=lambda m: "TERMINATE" in str(m.get("content")),
        **QUIET,
    )
    engineer.register_for_llm(description="look something up")(look)
    runner.register_for_execution()(look)
    with capture.start(runs, run_id="chat", task="answer") as run:
        result = runner.initiate_chat(engineer, message="What is the answer?")
        run.save_messages(result)

    tables = ingested(runs)
    requests = [json.loads(r["request"]) for r in tables.sql("SELECT request FROM llm_calls ORDER BY started_at")]
    received = [request.body for request in llm.requests]
    assert [r["messages"] for r in requests] == [r["messages"] for r in received]
    assert [r.get("tools") for r in requests] == [r.get("tools") for r in received]

    calls = tables.sql(
        "SELECT arguments->>'key' AS key, result, status, agent_name, executor FROM tool_calls ORDER BY 1"
    )
    assert [c["key"] for c in calls] == sorted(looked)
    assert [(c["status"], c["agent_name"], c["executor"]) for c in calls] == [
        ("completed", "engineer", "runner"),
        ("failed", "engineer", "runner"),
    ]
    assert calls[0]["result"] == "value of a"

    (execution,) = tables.sql("SELECT * FROM code_execs")
    assert (execution["exit_code"], execution["agent_name"], execution["executor"]) == (0, "engineer", "runner")
    assert execution["output"].strip() == "ok"
    assert execution["code"] in code
    content = tables.one("SELECT file_content FROM files WHERE file_name = 'answer.txt' AND operation = 'write'")
    assert content == (work / "answer.txt").read_text()

    said = tables.sql("SELECT content FROM messages ORDER BY message_order")
    assert [s["content"] or "" for s in said] == [m["content"] or "" for m in result.chat_history]


def test_a_group_chat_with_a_model_as_its_chair(runs: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """Each message of the group once, each choice of a speaker a handoff, and the choosing marked as internal."""

    def script(request: Request) -> Reply:
        if "role_play" in json.dumps(request.body) or "select the next role" in request.system.lower():
            spoken = len([m for m in request.messages if m.get("name") in ("red", "blue")])
            return Reply(["red", "blue"][spoken % 2])
        return Reply("I agree")

    llm = scripted_llm(script)
    members = [ConversableAgent(n, llm_config=llm.config(), description=n, **QUIET) for n in ("admin", "red", "blue")]
    group = GroupChat(agents=members, messages=[], max_round=5, speaker_selection_method="auto")
    manager = GroupChatManager(groupchat=group, llm_config=llm.config())
    with capture.start(runs, run_id="group") as run:
        members[0].initiate_chat(manager, message="Talk.")
        run.save_messages(group)

    tables = ingested(runs)
    said = tables.sql(
        "SELECT sender, content, source FROM messages JOIN execution_events AS e ON event_id = e.id "
        "WHERE (meta->>'internal') IS NULL ORDER BY message_order"
    )
    assert [(s["sender"], s["content"]) for s in said] == [(m["name"], m["content"]) for m in group.messages]
    assert all("transcript" in s["source"] for s in said)
    assert tables.one("SELECT count(*) FROM llm_calls") == len(llm.requests)
    speakers = [m["name"] for m in group.messages]
    handoffs = tables.events("handoff")
    assert [(h["inputs"]["from_agent"], h["inputs"]["to_agent"]) for h in handoffs] == [
        (a, b) for a, b in pairwise(speakers) if a != b
    ]
    assert {h["meta"]["selection"] for h in handoffs} == {"auto"}


@pytest.mark.parametrize("silent", [False, True])
def test_equal_messages_of_a_chat_stay_apart(silent: bool, runs: Path, ingested: Ingest) -> None:
    """Two agents that say the same thing over and over: as many rows as AG2 counts, silent or not."""
    a, b = (ConversableAgent(n, llm_config=False, default_auto_reply="same", **QUIET) for n in "ab")
    with capture.start(runs, run_id="same") as run:
        result = a.initiate_chat(b, message="same", max_turns=3, silent=silent)
        run.save_messages(result)
    tables = ingested(runs)
    said = tables.sql("SELECT sender, recipient, content FROM messages ORDER BY message_order")
    assert [tuple(s.values()) for s in said] == [("a", "b", "same"), ("b", "a", "same")] * 3
    assert len(said) == len(result.chat_history)


def test_the_bare_stream_alone_is_enough_for_a_group(runs: Path, ingested: Ingest) -> None:
    """With nothing but `JournalStream` as AG2's default, a round robin is told in full."""
    from autogen.io import IOStream

    before = IOStream.get_global_default()
    members = [ConversableAgent(n, llm_config=False, default_auto_reply=f"{n} again", **QUIET) for n in "abc"]
    group = GroupChat(agents=members, messages=[], max_round=7, speaker_selection_method="round_robin")
    manager = GroupChatManager(groupchat=group, llm_config=False)
    stream = capture.JournalStream(runs)
    IOStream.set_global_default(stream)
    try:
        with IOStream.set_default(None):  # the test's own context may have cached another stream
            members[0].initiate_chat(manager, message="go")
    finally:
        IOStream.set_global_default(before)
        stream.close()
    said = ingested(runs).sql("SELECT sender, content FROM messages ORDER BY message_order")
    assert [tuple(s.values()) for s in said] == [(m["name"], m["content"]) for m in group.messages]


def test_a_run_that_raises_is_failed_and_says_why(runs: Path, ingested: Ingest) -> None:
    """The exception reaches the user, and the tables."""
    agent = ConversableAgent("a", llm_config=False, **QUIET)

    def explode(*args: Any, **kwargs: Any) -> tuple[bool, Any]:
        raise RuntimeError("out of patience")

    agent.register_reply([ConversableAgent, None], explode, position=0)
    other = ConversableAgent("b", llm_config=False, **QUIET)
    with pytest.raises(RuntimeError, match="out of patience"), capture.start(runs, run_id="broken"):
        other.initiate_chat(agent, message="hello")
    tables = ingested(runs)
    assert tables.one("SELECT status FROM runs") == "failed"
    (error,) = tables.events("error")
    assert error["error_message"] == "out of patience"
    assert re.search("explode", error["meta"]["traceback"])


def test_a_run_in_progress_is_running_and_then_complete(runs: Path, ingested: Ingest) -> None:
    """While the recorder holds its journal the run is running; its next ingest finds the end."""
    a, b = (ConversableAgent(n, llm_config=False, default_auto_reply="x", **QUIET) for n in "ab")
    with capture.start(runs, run_id="live"):
        a.initiate_chat(b, message="one", max_turns=1)
        assert ingested(runs).sql("SELECT status, messages FROM runs") == [{"status": "running", "messages": 2}]
        a.initiate_chat(b, message="two", max_turns=1)
    assert ingested(runs).sql("SELECT status, messages FROM runs") == [{"status": "completed", "messages": 4}]


def test_a_file_flows_to_code_that_runs_in_its_folder(
    runs: Path, tmp_path: Path, ingested: Ingest, scripted_llm: StartLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tool writes `work/table.csv`, and code that runs in `work` reads `table.csv`: one file."""
    monkeypatch.chdir(tmp_path)
    Path("work").mkdir()
    code = "```python\nprint(open('table.csv').read())\n```"
    replies = iter([Reply(calls=(Call("save", {"file_path": "work/table.csv"}),)), Reply(code), Reply("done")])
    llm = scripted_llm(lambda request: next(replies))

    def save(file_path: str) -> str:
        """Saves a table."""
        Path(file_path).write_text("a,b\n1,2\n")
        return f"saved {file_path}"

    engineer = ConversableAgent("engineer", llm_config=llm.config(), **QUIET)
    config = {"executor": LocalCommandLineCodeExecutor(work_dir="work")}
    runner = ConversableAgent("runner", llm_config=False, code_execution_config=config, **QUIET)
    engineer.register_for_llm(description="saves a table")(save)
    runner.register_for_execution()(save)
    with capture.start(runs, run_id="flow"):
        runner.initiate_chat(engineer, message="Show the table.", max_turns=3)
    tables = ingested(runs)
    assert "1,2" in tables.one("SELECT output FROM code_execs")
    (flow,) = queries.run("file_flow", queries.connect(tables.out)).fetchall()
    assert flow[1:3] == ("work/table.csv", "engineer")
