"""Files of recorded runs, where one agent runs tools and code: what lies where, and what it held."""

import time
from pathlib import Path

import pytest

pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")

from autogen import ConversableAgent, register_function
from autogen.coding import LocalCommandLineCodeExecutor

import capture
import ingest
from sample_runs.scripted_llm import Reply, call
from tests.conftest import StartLLM
from tests.queries.reading import answer, rows


def block(code: str) -> Reply:
    return Reply(f"```python\n{code}\n```")


def sh(code: str) -> Reply:
    return Reply(f"```sh\n{code}\n```")


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scripted_llm: StartLLM) -> Path:
    """An agent whose code runs in `output`, and whose tools in the current folder, as AG2 has them by default."""
    monkeypatch.chdir(tmp_path)
    Path("o.txt").write_text("another")
    llm = scripted_llm(
        [
            call("write_file", path="t.txt", text="by a tool"),
            call("read_file", path="t.txt"),
            block("open('o.txt', 'w').write('FIRST')"),
            call("read_file", path="o.txt"),
            call("read_file", path="output/o.txt"),
            block("open('o.txt', 'w').write('SECOND')"),
            block("open('../t2.txt', 'w').write(open('../output/o.txt').read())"),
            block("open('half.txt', 'w').write('half'); raise SystemExit(3)"),
            call("write_file", path="half.txt", text="whole"),
            block("open('half.txt', 'w').write('short'); open('gone.txt', 'w')"),
            block("open('half.txt', 'w').write('late'); raise SystemExit(3)"),
            sh("rm gone.txt; mkdir a b; echo top > main.py"),
            sh("cd a\necho in a > main.py"),
            sh("cd b\necho in b, longer > main.py"),
            Reply("TERMINATE"),
        ]
    )
    writer = ConversableAgent("writer", llm_config=llm.config(), human_input_mode="NEVER")
    executor = {"executor": LocalCommandLineCodeExecutor(work_dir="output")}
    runner = ConversableAgent("runner", llm_config=False, code_execution_config=executor, human_input_mode="NEVER")

    def write_file(path: str, text: str) -> str:
        Path(path).write_text(text)
        return "written"

    def read_file(path: str) -> str:
        return Path(path).read_text()

    for tool in (write_file, read_file):
        register_function(tool, caller=writer, executor=runner, description="A file.")
    with capture.start("runs", run_id="r", console=False) as run:
        runner.initiate_chat(writer, message="Go.", max_turns=15)
        for url, error in (("u", ValueError("down")), ("u", None)):
            try:
                with run.timed("tool_call", "Fetch", url=url) as action:
                    time.sleep(0)
                    if error:
                        raise error
                    action.result = "page"
            except ValueError:
                pass
    ingest.run("runs", "traces")
    return tmp_path / "traces"


def test_code_and_tools_of_one_agent_work_in_different_folders(recorded: Path) -> None:
    """A file flows from where it lies, and not from one of the same name; `..` leads out of a folder."""
    flows = [(row["file_path"], row["written_by"], row["read_by"]) for row in answer(recorded, "file_flow")]
    assert flows == [("t.txt", "writer", "writer"), ("o.txt", "writer", "writer"), ("o.txt", "writer", "writer")]
    events = {row["execution_order"]: row for row in rows(recorded, "execution_events")}
    reads = [e["inputs"]["args"]["path"] for e in events.values() if e["inputs"].get("tool") == "read_file"]
    assert reads == ["t.txt", "o.txt", "output/o.txt"]


def test_only_the_last_write_of_a_file_has_its_content(recorded: Path) -> None:
    """The recorder sees a file at the end: what it held before is not known, and no other's text is told for it."""
    assert (recorded.parent / "output" / "o.txt").read_text() == "SECOND"
    made = [e for e in rows(recorded, "execution_events") if e["event_type"] == "file_gen"]
    made.sort(key=lambda event: event["execution_order"])
    written = [(e["outputs"]["file_path"], e["outputs"]["file_content"], e["meta"]["sha256"] is None) for e in made]
    assert written == [
        ("t.txt", "by a tool", False),
        ("o.txt", None, True),
        ("o.txt", "SECOND", False),
        ("../t2.txt", "SECOND", False),
        ("half.txt", None, True),
        ("half.txt", "whole", False),
        ("half.txt", None, True),
        ("gone.txt", None, True),
        ("half.txt", None, True),
        ("main.py", "top\n", False),
        ("main.py", None, True),
        ("main.py", None, True),
        ("output/a/main.py", "in a\n", False),
        ("output/b/main.py", "in b, longer\n", False),
    ]
    files = [row for row in rows(recorded, "files") if row["operation"] == "write" and row["file_name"] == "o.txt"]
    assert [row["file_content"] for row in files] == ["SECOND"]


def test_a_marked_call_is_compared_with_its_fix(recorded: Path) -> None:
    """Its arguments stand beside each other in the event; what failed has no result whose length could be told."""
    (fetch,) = [row for row in answer(recorded, "failures_and_fixes") if row["what"] == "Fetch"]
    assert fetch["similarity"] == 1
    usage = {row["tool"]: row["avg_result_size"] for row in answer(recorded, "tool_usage")}
    assert usage["Fetch"] == len("page")


def test_agents_of_one_name_that_work_in_several_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scripted_llm: StartLLM
) -> None:
    """Each file is that of the code which ran beside it, also where another folder has one of that name."""
    monkeypatch.chdir(tmp_path)
    write = "open('out.txt', 'w').write"
    llm = scripted_llm(
        [
            block(f"{write}('from 0')"),
            "x",
            block(f"{write}('from 1!')"),
            "x",
            block(f"{write}('-')\nimport os\nos.remove('out.txt')"),
            "x",
        ]
    )
    with capture.start("runs", run_id="r", console=False):
        for number in range(3):
            coder = ConversableAgent("coder", llm_config=llm.config(), human_input_mode="NEVER")
            executor = {"executor": LocalCommandLineCodeExecutor(work_dir=f"w{number}")}
            user = ConversableAgent("user", llm_config=False, code_execution_config=executor, human_input_mode="NEVER")
            user.initiate_chat(coder, message=f"go {number}", max_turns=2)
    ingest.run("runs", "traces")
    assert [path.read_text() for path in sorted(tmp_path.glob("w*/out.txt"))] == ["from 0", "from 1!"]
    made = [row for row in rows(tmp_path / "traces", "files") if row["operation"] == "write"]
    found = sorted((row["file_path"], row["file_content"] or "", row["source"]) for row in made)
    assert found == [("out.txt", text, "code_execution") for text in ("", "from 0", "from 1!")]


def test_code_that_ends_elsewhere_is_found_where_it_went(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scripted_llm: StartLLM
) -> None:
    """Out of its folder, and in one of its own after the process itself has gone to another one."""
    monkeypatch.chdir(tmp_path)
    Path("n").mkdir()
    llm = scripted_llm([sh("cd ..\necho up > up.txt"), "x", block("open('in.txt', 'w').write('in')"), "x"])
    with capture.start("runs", run_id="r", console=False):
        for number, folder in enumerate(("o", "work")):
            coder = ConversableAgent("coder", llm_config=llm.config(), human_input_mode="NEVER")
            executor = {"executor": LocalCommandLineCodeExecutor(work_dir=folder)}
            user = ConversableAgent("user", llm_config=False, code_execution_config=executor, human_input_mode="NEVER")
            user.initiate_chat(coder, message=f"go {number}", max_turns=2)
            monkeypatch.chdir(tmp_path / "n")
    assert (tmp_path / "up.txt").exists()
    assert (tmp_path / "n" / "work" / "in.txt").exists()
    ingest.run(tmp_path / "runs", tmp_path / "traces")
    made = [row for row in rows(tmp_path / "traces", "files") if row["operation"] == "write"]
    found = sorted((row["file_path"], row["file_content"], row["source"]) for row in made)
    assert found == [("in.txt", "in", "code_execution"), ("up.txt", "up\n", "code_execution")]
