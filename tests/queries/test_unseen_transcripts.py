"""Saved chats of shapes that people bring along, from the file to the answers of queries."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ingest
from tests.queries.reading import answer, rows

Message = dict[str, Any]
OK = "exitcode: 0 (execution succeeded)\nCode output: \n"
MISSING = "exitcode: 1 (execution failed)\nCode output: \nModuleNotFoundError: No module named 'foo'\n"

Saved = Callable[..., Path]


@pytest.fixture
def saved(tmp_path: Path) -> Saved:
    """Writes transcripts, ingests them, and gives the traces folder."""

    def write(**transcripts: list[Message]) -> Path:
        (tmp_path / "chats").mkdir()
        for name, messages in transcripts.items():
            (tmp_path / "chats" / f"{name}.json").write_text(json.dumps(messages))
        ingest.run(tmp_path / "chats", tmp_path / "traces")
        return tmp_path / "traces"

    return write


def says(name: str, content: str | None, **more: Any) -> Message:
    return {"role": "user", "name": name, "content": content, **more}


def code(*blocks: tuple[str, str]) -> Message:
    return says("coder", "\n".join(f"```{language}\n{text}\n```" for language, text in blocks))


def calls(*given: tuple[str, dict[str, Any]]) -> Message:
    """Tools that are asked for; ids are made of the arguments."""
    asked = [
        {"id": json.dumps(args), "type": "function", "function": {"name": tool, "arguments": json.dumps(args)}}
        for tool, args in given
    ]
    return {"role": "assistant", "name": "caller", "content": None, "tool_calls": asked}


def answers(*given: tuple[dict[str, Any], str]) -> Message:
    responses = [{"tool_call_id": json.dumps(args), "role": "tool", "content": text} for args, text in given]
    return {"role": "tool", "name": "tooler", "content": "\n".join(t for _, t in given), "tool_responses": responses}


WRITE = "open('a.csv', 'w').write('mine')"
PYTHON = "import foo\nprint(foo.f())"
TRACEBACK = f'Traceback (most recent call last):\n  File "x.py", line 1\n{MISSING.splitlines()[2]}'


@pytest.mark.few
@pytest.mark.parametrize(
    ("repair", "fixed_by"),
    [
        ((("sh", "pip install foo"), ("python", PYTHON)), "pip install foo\n\n" + PYTHON),
        ((("python", PYTHON), ("bash", "ls")), PYTHON + "\n\nls"),
        ((("sh", "pip install foo"),), None),
    ],
)
def test_a_repair_in_several_languages(saved: Saved, repair: Any, fixed_by: str | None) -> None:
    """What installs a module and uses it at once repairs the code that missed it; installing alone does not."""
    traces = saved(
        r=[says("user", "go"), code(("python", PYTHON)), says("runner", MISSING), code(*repair), says("runner", OK)]
    )
    (row,) = answer(traces, "failures_and_fixes")
    assert (row["what"], row["fixed_input"]) == ("python", fixed_by)
    assert (row["changed"] is None) == (fixed_by is None)


def test_a_failure_in_several_languages_is_that_of_the_code_that_raised(saved: Saved) -> None:
    """A traceback is Python's, whatever was run before it; other words are taken for the first block's."""
    both = code(("sh", "echo 1"), ("python", PYTHON))
    failed = "exitcode: 1 (execution failed)\nCode output: \n"
    traces = saved(
        raised=[both, says("runner", failed + TRACEBACK), code(("python", "print(1)")), says("runner", OK)],
        other=[both, says("runner", failed + "no such command"), code(("python", "print(1)")), says("runner", OK)],
    )
    found = {row["run_id"]: (row["what"], row["fixed_input"]) for row in answer(traces, "failures_and_fixes")}
    assert found == {"raised.json": ("python", "print(1)"), "other.json": ("sh", None)}
    assert sorted(row["what"] for row in answer(traces, "errors")) == ["python", "sh"]


def test_calls_of_one_message_do_not_fix_each_other(saved: Saved) -> None:
    """A call that was asked for before the failure was known is no repair of it, but may be one of an earlier one."""
    two, three, error = {"a": 2}, {"a": 3}, "Error: bad"
    again = {"a": 2, "again": True}
    traces = saved(
        later=[
            calls(("s", two), ("s", three)),
            answers((two, error), (three, "3")),
            calls(("s", again)),
            answers((again, "2")),
        ],
        never=[calls(("s", two), ("s", three)), answers((two, error), (three, "3"))],
        both=[
            calls(("s", two)),
            answers((two, error)),
            calls(("s", three), ("s", again)),
            answers((three, error), (again, "2")),
        ],
    )
    found = [(row["run_id"], row["failed_input"], row["fixed_input"]) for row in answer(traces, "failures_and_fixes")]
    two_, three_, again_ = ('{"a":2}', '{"a":3}', '{"a":2,"again":true}')
    assert found == [
        ("both.json", two_, again_),
        ("both.json", three_, None),
        ("later.json", two_, again_),
        ("never.json", two_, None),
    ]


def test_messages_that_only_ask_for_tools_differ_by_what_they_ask_for(saved: Saved) -> None:
    """Two who try one call after the other say something new each time, though the words are none."""
    given = [{"n": number} for number in (1, 2, 3, 3)]
    for number, args in enumerate(given):
        args["id"] = number
    turns = [m for args in given for m in (calls(("t", args)), answers((args, "Error: no")))]
    same = [says("a", "ok"), says("b", "thanks")] * 4
    traces = saved(tries=turns, same=same)
    found = {row["run_id"]: row["distinct_messages"] for row in answer(traces, "alternations")}
    assert found == {"tries.json": 5, "same.json": 2}


def test_a_longer_pattern_may_come_more_often_than_what_it_begins_with(saved: Saved) -> None:
    """One load before two cleanings: the pair comes twice, its first step once."""
    steps = [
        m
        for n, tool in enumerate(("load", "clean", "clean"))
        for m in (calls((tool, {"n": n})), answers(({"n": n}, "x")))
    ]
    traces = saved(r=steps)
    found = [(row["steps"], row["count"]) for row in answer(traces, "frequent_subsequences", run_id="r.json")]
    assert found == [(["load", "clean"], 2)]
    every = answer(traces, "frequent_subsequences", run_id="r.json", min_count=1)
    assert [row["steps"] for row in every if row["count"] >= 2] == [["load", "clean"]]


def test_what_comes_often_is_kept_before_what_comes_in_more_runs(saved: Saved) -> None:
    """A pattern that is asked for is not dropped for one that only may begin such."""
    seldom, often = ("a", "b"), ("x", "y") * 5

    def steps(tools: tuple[str, ...]) -> list[Message]:
        return [m for n, tool in enumerate(tools) for m in (calls((tool, {"n": n})), answers(({"n": n}, "x")))]

    chats = {f"r{n}": steps(seldom + often if n < 2 else seldom) for n in range(5)}
    traces = saved(**chats)
    found = answer(traces, "frequent_subsequences", min_count=10, max_patterns=1, max_length=3)
    assert [(row["length"], row["count"], row["runs"]) for row in found if row["length"] == 2] == [(2, 10, 2)]


@pytest.mark.few
@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("before", ["", "\n "])
def test_a_reply_is_told_by_its_words_whatever_ends_its_lines(saved: Saved, end: str, before: str) -> None:
    """Logs that were edited have other line ends, or none of the output's."""
    failed = before + MISSING.replace("\n", end)
    traces = saved(
        r=[code(("python", PYTHON)), says("runner", failed), code(("python", "1")), says("runner", OK.split("\n")[0])]
    )
    found = [(row["exit_code"], row["status"], row["output"].strip()) for row in rows(traces, "code_execs")]
    assert found == [(1, "failed", MISSING.split("\n")[2]), (0, "completed", "")]


def test_what_a_tool_answers_is_no_execution_of_code(saved: Saved) -> None:
    """Also where a tool runs code by itself and answers as AG2's executors do."""
    args = {"cell": "print(q)"}
    traces = saved(
        r=[calls(("exec_python", args)), answers((args, MISSING)), says("runner", "exitcode: 0 (yes) or so")]
    )
    assert rows(traces, "code_execs") == []
    (call,) = rows(traces, "tool_calls")
    assert (call["tool_name"], call["result"]) == ("exec_python", MISSING)


def test_who_is_named_as_the_sender_speaks(saved: Saved) -> None:
    """A log with the names that the table has: sender and recipient."""
    said = [
        {"role": "user", "sender": a, "recipient": b, "content": t} for a, b, t in (("x", "y", "1"), ("y", "x", "2"))
    ]
    traces = saved(r=said)
    assert [(row["sender"], row["recipient"]) for row in rows(traces, "messages")] == [("x", "y"), ("y", "x")]
    handoffs = [(row["from_agent"], row["to_agent"]) for row in answer(traces, "agent_handoffs")]
    assert handoffs == [("x", "y")]


def test_who_is_instructed_and_asked_makes_no_first_answer(saved: Saved) -> None:
    """A system message before the question: the answer is the third message. An empty message calls nothing."""
    chat = [
        {"role": role, "content": text} for role, text in (("system", "be brief"), ("user", "q"), ("assistant", "a"))
    ]
    traces = saved(r=chat, empty=[says("a", "hi"), says("b", None)])
    first = {row["run_id"]: row for row in answer(traces, "suspects") if row["rank"] == 1}
    assert (first["r.json"]["message_order"], first["r.json"]["message"]) == (2, "a")
    assert "calls " not in [row["message"] for row in answer(traces, "suspects")]


@pytest.mark.few
@pytest.mark.parametrize(
    ("blocks", "flows"),
    [
        ([("python", "open('a.csv', 'w').write('mine')\nprint(open('a.csv').read())")], []),
        ([("python", "text = open('a.csv').read()\nopen('a.csv', 'w').write(text)")], ["a.csv"]),
        ([("sh", "echo mine > ./a.csv; cat a.csv")], []),
        ([("sh", "echo mine > a.csv"), ("python", "print(open('a.csv').read())")], []),
        ([("python", "print(open('a.csv').read())"), ("sh", "echo mine > a.csv")], ["a.csv"]),
        ([("python", "# filename: a.csv\nprint(1)"), ("sh", "python a.csv")], []),
        ([("python", "def main():\n    open('a.csv', 'w')\n    open('a.csv')\nmain()")], []),
        ([("python", f"import os\nif not os.path.exists('a.csv'):\n    {WRITE}\nopen('a.csv')")], ["a.csv"]),
        ([("python", f"import os\nif not os.path.exists('a.csv'): {WRITE}\nopen('a.csv')")], ["a.csv"]),
        ([("python", f"def save():\n    {WRITE}\ndef main():\n    open('a.csv')\n    save()\nmain()")], ["a.csv"]),
        ([("python", f"try:\n    open('a.csv')\nexcept OSError:\n    {WRITE}")], ["a.csv"]),
        ([("python", "open('a.csv', 'a').write('more')\nopen('a.csv')")], ["a.csv"]),
        ([("sh", "echo more >> a.csv; cat a.csv")], ["a.csv"]),
        ([("sh", "# made by tool > a.csv\ncat a.csv")], ["a.csv"]),
        ([("sh", "echo 'usage: tool > a.csv'\ncat a.csv")], ["a.csv"]),
        ([("python", "clean(pd.read_csv('a.csv')).to_csv('a.csv')")], ["a.csv"]),
        ([("python", "with open(\n    'a.csv',\n    'a',\n) as f: pass\nopen('a.csv')")], ["a.csv"]),
        ([("python", f"import os\nos.path.exists('a.csv') or {WRITE}\nopen('a.csv')")], ["a.csv"]),
        ([("sh", "[ -f a.csv ] || echo mine > a.csv"), ("python", "open('a.csv')")], ["a.csv"]),
    ],
    ids=[
        "written first", "read first", "in a shell", "in two blocks", "read in the first", "saved by the executor",
        "in a function", "if it is missing", "if it is missing, in a line", "in another function",
        "where it is missing",
        "more is added", "more is added in a shell", "in a comment", "in quotes", "in what is written", "over lines",
        "or else", "if it is missing, in a shell",
    ],
)  # fmt: skip
def test_code_that_reads_what_it_wrote_gets_it_from_nobody(
    blocks: list[tuple[str, str]], flows: list[str], saved: Saved
) -> None:
    """Whoever wrote a file of that name before."""
    maker = {**code(("python", "open('a.csv', 'w').write('theirs')")), "name": "maker"}
    done = says("runner", OK)
    folder = saved(chat=[says("user", "go"), maker, done, code(*blocks), done])
    assert [(row["written_by"], row["file_path"]) for row in answer(folder, "file_flow")] == [
        ("maker", path) for path in flows
    ]


@pytest.mark.few
@pytest.mark.parametrize(
    ("blocks", "output", "written"),
    [
        ([("python", "# filename: a.py\nraise OSError")], TRACEBACK, 1),
        ([("sh", "exit 1"), ("python", "# filename: a.py\nprint(1)")], MISSING, 0),
        ([("python", "# filename: a.py\nprint(1)"), ("sh", "exit 1")], MISSING, 1),
        ([("sh", "echo"), ("python", "# filename: a.py\nraise OSError")], 'File "/w/a.py", line 2\nOSError', 1),
    ],
    ids=["one block", "behind the one that failed", "before it", "the one that failed"],
)
def test_code_is_saved_before_it_runs(blocks: list[tuple[str, str]], output: str, written: int, saved: Saved) -> None:
    """AG2's executor saves a block that names its file when it comes to it, and stops at the first that fails."""
    failed = says("runner", f"exitcode: 1 (execution failed)\nCode output: {output}")
    folder = saved(chat=[says("user", "go"), code(*blocks), failed])
    assert [row["file_path"] for row in answer(folder, "files_written")] == ["a.py"] * written
    assert [row["operation"] for row in rows(folder, "files")].count("write") == written


GIVEN: dict[str, Any] = {}
HANDED_OVER = [says("user", "look it up"), calls(("transfer_to_specialist_1", GIVEN)), answers((GIVEN, "specialist"))]


def test_who_only_hands_over_does_not_work(saved: Saved) -> None:
    """The tool of the specialist failed, and AG2's own tool by which the question went to it is no work."""
    folder = saved(
        chat=[
            *HANDED_OVER,
            {**calls(("look_up", {"key": "a"})), "name": "specialist"},
            answers(({"key": "a"}, "Error: KeyError")),
        ]
    )
    assert [row["agent_name"] for row in answer(folder, "suspects", top=9)] == ["specialist"]


def test_who_only_hands_over_gives_no_answer(saved: Saved) -> None:
    """The first answer is that of whom the question went to."""
    folder = saved(chat=[*HANDED_OVER, says("specialist", "it is 42")])
    assert [row["agent_name"] for row in answer(folder, "suspects", top=9)] == ["specialist"]
