"""Tools that mark what they do, and actions around each other: one failure is one, and one call is one."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")

from autogen import ConversableAgent
from openai import BadRequestError

import capture
from sample_runs.scripted_llm import Failure
from tests.conftest import StartLLM
from tests.ingest.conftest import Ingest
from tests.queries.reading import answer

pytestmark = pytest.mark.first(4)

QUIET: dict[str, Any] = {"llm_config": False, "human_input_mode": "NEVER"}


def asker_of(*calls: tuple[str, dict[str, Any]]) -> ConversableAgent:
    """An agent that asks for these tools, one after another, and then ends the chat."""
    said: list[Any] = [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": f"c{n}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
            ],
        }
        for n, (name, arguments) in enumerate(calls)
    ]
    words = iter([*said, "TERMINATE"])
    agent = ConversableAgent("asker", **QUIET)
    agent.register_reply([ConversableAgent, None], lambda *_, **__: (True, next(words)), position=0)
    return agent


def test_a_tool_that_marks_itself_is_one_call_and_one_failure(runs: Path, tmp_path: Path, ingested: Ingest) -> None:
    """Under its own name or another, with a part that fails inside: each tool failed once, as it was called once."""
    notes, called = tmp_path / "notes.txt", []

    def fetch(url: str) -> str:
        with run.timed("tool_call", "fetch", agent="asker", url=url):
            called.append("fetch")
            if url == "bad":
                raise ConnectionError("no answer")
            return "page"

    def load(path: str) -> str:
        with run.timed("tool_call", "load_all", agent="asker"), run.timed("tool_call", "http_get", agent="asker"):
            called.append("load")
            raise ConnectionError("inner failure")

    def write_file(path: str, content: str) -> str:
        Path(path).write_text(content, encoding="utf-8")
        return "ok"

    def read_file(path: str) -> str:
        return Path(path).read_text(encoding="utf-8")

    path = {"path": str(notes)}
    wanted = [("fetch", {"url": "bad"}), ("load", path), ("write_file", {**path, "content": "x"}), ("read_file", path)]
    asker = asker_of(*wanted, ("fetch", {"url": "good"}), ("read_file", path))
    runner = ConversableAgent("runner", is_termination_msg=lambda m: "TERMINATE" in (m.get("content") or ""), **QUIET)
    runner.register_function({tool.__name__: tool for tool in (fetch, load, read_file, write_file)})
    with capture.start(runs, console=False) as run:
        runner.initiate_chat(asker, message="go")
    assert called == ["fetch", "load", "fetch"]
    out = ingested(runs).out

    assert [(r["what"], r["count"]) for r in answer(out, "errors")] == [("fetch", 1), ("load", 1)]
    assert [r["errors"] for r in answer(out, "run_overview")] == [2]
    fixes = answer(out, "failures_and_fixes")
    assert [(r["what"], r["tries"], r["fixed_by"]) for r in fixes] == [("fetch", 1, "asker"), ("load", 1, None)]
    assert [r["similarity"] for r in fixes] == [0.0, None]
    assert [r["what"] for r in answer(out, "retry_loops", min_count=2)] == ["read_file"]
    usage = {r["tool"]: (r["usage_count"], r["success_count"]) for r in answer(out, "tool_usage")}
    assert usage == {"fetch": (2, 1), "load": (1, 0), "write_file": (1, 1), "read_file": (2, 2)} | dict.fromkeys(
        ("load_all", "http_get"), (1, 0)
    )
    # what was read is what the one tool wrote, each time
    flows = [(r["file_path"], r["written_by"], r["read_by"]) for r in answer(out, "file_flow")]
    assert flows == [(str(notes), "asker", "asker")] * 2


def test_an_exception_that_leaves_several_actions_is_one_failure(
    runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """The innermost action's, or the model's that failed inside; an equal one that is raised anew is another."""
    server = scripted_llm([Failure(400)] * 2)
    agent = ConversableAgent("a", llm_config=server.config(), human_input_mode="NEVER")
    user = ConversableAgent("user", **QUIET)
    with capture.start(runs, console=False) as run:
        for _ in range(2):
            with (
                contextlib.suppress(OSError),
                run.timed("tool_call", "Outer", agent="a"),
                run.timed("tool_call", "Inner", agent="a"),
            ):
                raise OSError("disk full")
        for _ in range(2):
            with contextlib.suppress(BadRequestError), run.timed("decision", "Ask", agent="a"):
                user.initiate_chat(agent, message="hello", max_turns=1)
    assert len(server.requests) == 2
    out = ingested(runs).out
    found = {(r["event_type"], r["what"]): r["count"] for r in answer(out, "errors")}
    assert found == {("tool_call", "Inner"): 2, ("llm_call", "scripted-1"): 2}
    assert [r["errors"] for r in answer(out, "run_overview")] == [4]


def test_parts_of_a_call_under_its_name_are_actions(runs: Path, ingested: Ingest) -> None:
    """Two of them are not all of it: they stay what the user marked."""

    def look(q: str) -> str:
        for part in q.split():
            with run.timed("tool_call", "look", agent="asker", part=part):
                pass
        return "seen"

    asker = asker_of(("look", {"q": "a b"}), ("look", {"q": "c"}))
    runner = ConversableAgent("runner", is_termination_msg=lambda m: "TERMINATE" in (m.get("content") or ""), **QUIET)
    runner.register_function({"look": look})
    with capture.start(runs, console=False) as run:
        runner.initiate_chat(asker, message="go")
    (row,) = answer(ingested(runs).out, "tool_usage")
    assert (row["tool"], row["usage_count"]) == ("look", 4)


@pytest.mark.parametrize("marks", ["step", "timed", "step in timed", "timed in step", "step in step"])
def test_a_step_inside_a_tool_fails_with_it(marks: str, runs: Path, ingested: Ingest) -> None:
    """One exception, that leaves both, is the tool's failure; of a step that the tool got over it is the step's."""

    def load(path: str) -> str:
        with contextlib.ExitStack() as inside:
            for number, mark in enumerate(reversed(marks.split(" in "))):
                name = f"part {number}"
                inside.enter_context(run.step(name) if mark == "step" else run.timed("decision", name))
            raise OSError(f"no {path}")

    def try_to_load(path: str) -> str:
        with contextlib.suppress(OSError):
            load(path)
        return "nothing"

    asker = asker_of(("load", {"path": "a"}), ("try_to_load", {"path": "b"}))
    runner = ConversableAgent("runner", is_termination_msg=lambda m: "TERMINATE" in (m.get("content") or ""), **QUIET)
    runner.register_function({"load": load, "try_to_load": try_to_load})
    with capture.start(runs, console=False) as run:
        runner.initiate_chat(asker, message="go")
    out = ingested(runs).out
    assert [r["errors"] for r in answer(out, "run_overview")] == [2]
    found = [(r["event_type"], r["count"]) for r in answer(out, "errors")]
    assert sorted(found) == [("decision" if marks.startswith("timed") else "error", 1), ("tool_call", 1)]


def test_tries_inside_a_tool_are_failures_of_their_own(runs: Path, ingested: Ingest) -> None:
    """The tool handled two of them; the last one it raised. Of a tool that got through in the end all are its own."""

    def fetch_all() -> str:
        for left in (2, 1, 0):
            try:
                with run.timed("tool_call", "fetch", agent="asker"):
                    raise OSError("no route")
            except OSError:
                if not left:
                    raise
        return ""

    def mirror() -> str:
        with contextlib.suppress(OSError), run.timed("tool_call", "mirror", agent="asker"):
            raise OSError("down")
        return "seen"

    asker = asker_of(("fetch_all", {}), ("mirror", {}))
    runner = ConversableAgent("runner", is_termination_msg=lambda m: "TERMINATE" in (m.get("content") or ""), **QUIET)
    runner.register_function({"fetch_all": fetch_all, "mirror": mirror})
    with capture.start(runs, console=False) as run:
        runner.initiate_chat(asker, message="go")
    out = ingested(runs).out
    assert {r["what"]: r["count"] for r in answer(out, "errors")} == {"fetch": 2, "fetch_all": 1, "mirror": 1}
    usage = {r["tool"]: (r["usage_count"], r["success_count"]) for r in answer(out, "tool_usage")}
    assert usage == {"fetch": (3, 0), "fetch_all": (1, 0), "mirror": (2, 1)}


def test_a_tool_that_raises_after_what_it_marked_was_done_is_no_repair_of_itself(runs: Path, ingested: Ingest) -> None:
    """What it marks under its own name is the call, and that failed; nothing repaired it."""
    called = []

    def fetch(url: str) -> str:
        with run.timed("tool_call", "fetch", agent="asker", url=url):
            called.append(url)
        raise ValueError(f"no page at {url}")

    runner = ConversableAgent("runner", is_termination_msg=lambda m: "TERMINATE" in (m.get("content") or ""), **QUIET)
    runner.register_function({"fetch": fetch})
    with capture.start(runs, console=False) as run:
        runner.initiate_chat(asker_of(("fetch", {"url": "a"}), ("fetch", {"url": "b"})), message="go")
    assert called == ["a", "b"]
    out = ingested(runs).out
    assert [(r["usage_count"], r["success_count"]) for r in answer(out, "tool_usage")] == [(2, 0)]
    assert [(r["tries"], r["fixed_by"]) for r in answer(out, "failures_and_fixes")] == [(2, None)]
    assert [(r["tools"], r["count"]) for r in answer(out, "tool_chains", min_count=1)] == [(["fetch", "fetch"], 1)]
    assert [(r["action_name"], r["call_count"]) for r in answer(out, "action_statistics")] == [("fetch", 2)]
    assert [r["tool_calls"] for r in answer(out, "agent_activity") if r["agent_name"] == "asker"] == [2]


def test_what_a_marked_part_repairs_its_call_repairs(runs: Path, ingested: Ingest) -> None:
    """The part failed in a call that made do without it; the next call works as a whole."""
    called = []

    def fetch(url: str) -> str:
        with contextlib.suppress(ConnectionError), run.timed("tool_call", "fetch", agent="asker", url=url):
            called.append(url)
            if len(called) == 1:
                raise ConnectionError("no answer")
        return "page"

    runner = ConversableAgent("runner", is_termination_msg=lambda m: "TERMINATE" in (m.get("content") or ""), **QUIET)
    runner.register_function({"fetch": fetch})
    with capture.start(runs, console=False) as run:
        runner.initiate_chat(asker_of(("fetch", {"url": "a"}), ("fetch", {"url": "a"})), message="go")
    fixes = answer(ingested(runs).out, "failures_and_fixes")
    assert [(r["tries"], r["fixed_by"], r["similarity"]) for r in fixes] == [(1, "asker", 1.0)]


@pytest.mark.parametrize("is_caught", [False, True])
def test_what_fails_in_a_chat_of_a_tool_fails_with_it(
    is_caught: bool, runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """The exception of a model in a chat that a tool opens is the tool's failure, unless the tool got over it."""
    server = scripted_llm([Failure(400)])

    def ask_expert(q: str) -> str:
        expert = ConversableAgent("expert", llm_config=server.config(), human_input_mode="NEVER")
        with contextlib.suppress(BadRequestError) if is_caught else contextlib.nullcontext():
            ConversableAgent("helper", **QUIET).initiate_chat(expert, message=q, max_turns=1)
        return "nobody answers"

    asker = asker_of(("ask_expert", {"q": "why?"}))
    runner = ConversableAgent("runner", is_termination_msg=lambda m: "TERMINATE" in (m.get("content") or ""), **QUIET)
    runner.register_function({"ask_expert": ask_expert})
    with capture.start(runs, console=False):
        runner.initiate_chat(asker, message="go")
    assert len(server.requests) == 1
    tables = ingested(runs)
    assert tables.one("SELECT errors FROM runs") == 1
    assert tables.one("SELECT status FROM tool_calls") == ("completed" if is_caught else "failed")
    found = [(r["event_type"], r["count"]) for r in answer(tables.out, "errors")]
    assert found == [("llm_call" if is_caught else "tool_call", 1)]
