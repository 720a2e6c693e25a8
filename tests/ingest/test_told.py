"""What both sides of a chat have saved counts once, also where each is a document of its own in the file."""

import json
from pathlib import Path
from typing import Any

import pytest

from ingest import told
from ingest.chat import Chat
from tests.ingest.conftest import Ingest
from tests.ingest.test_conversations import dumped

Data = dict[str, Any]

OTHER = {"user": "assistant", "assistant": "user"}
OURS: list[Data] = [
    {"role": "assistant", "name": "x", "content": "go"},
    {"role": "user", "name": "w", "content": "```python\n1/0\n```"},
    {"role": "assistant", "name": "x", "content": "exitcode: 1 (execution failed)\nCode output: e"},
]
THEIRS = [{**message, "role": OTHER[message["role"]]} for message in OURS]
HEARD = [{**message, "role": "user"} for message in OURS]


@pytest.mark.few
@pytest.mark.parametrize(
    ("documents", "chats"),
    [
        ([OURS, THEIRS], 1),
        ([{"x": {"w": OURS}}, {"w": {"x": THEIRS}}], 1),
        ([{"chat_history": OURS, "summary": "s"}, OURS], 1),
        ([{"chat_history": OURS, "chat_id": 2**127}] * 2, 1),
        ([{"manager": HEARD}, {"manager": HEARD}], 1),
        ([OURS, OURS], 2),
        ([{"messages": OURS}, {"messages": OURS}], 2),
        ([{"chat_history": OURS, "chat_id": n} for n in (1, 2)], 2),
        ([OURS, [{**message, "name": "z"} for message in THEIRS]], 2),
        ([{"guest": OURS}, {"manager": OURS}], 2),
    ],
    ids=["lists", "agents", "result", "id", "members", "twice", "samples", "ids", "names", "partners"],
)
@pytest.mark.parametrize("between", ["\n", "list"])
def test_documents_are_compared_as_lists_of_one(
    between: str, documents: list[Any], chats: int, runs: Path, ingested: Ingest
) -> None:
    """A conversation a line, and the same conversations in one JSON list, give the same rows."""
    text = json.dumps(documents) if between == "list" else between.join(map(json.dumps, documents))
    (runs / "t.json").write_text(text)
    tables = ingested(runs)
    assert tables.one("SELECT count(*) FROM messages") == 3 * chats
    assert tables.one("SELECT count(*) FROM code_execs WHERE exit_code = 1") == chats
    kinds = tables.sql("SELECT kind, count(*) AS n FROM journal GROUP BY kind ORDER BY kind")
    expected = [{"kind": "message", "n": 3 * chats}, {"kind": "repeated", "n": 3 * (2 - chats)}]
    assert kinds == expected[: 3 - chats]


def test_what_agents_keep_of_each_other_line_by_line(runs: Path, ingested: Ingest) -> None:
    """As AG2 itself keeps it: two partners who said the same are two chats, and each of them is there once."""
    autogen = pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")
    boss, *others = (
        autogen.ConversableAgent(name, llm_config=False, human_input_mode="NEVER", default_auto_reply="LGTM")
        for name in ("boss", "alice", "carol")
    )
    saved = dumped("both sides", boss, others)
    lines = [messages for partners in saved.values() for messages in partners.values()]
    assert len(lines) == 4
    (runs / "t.jsonl").write_text("\n".join(map(json.dumps, lines)))
    said = ingested(runs).sql("SELECT sender FROM messages ORDER BY message_order")
    assert [row["sender"] for row in said] == ["boss", "alice", "boss", "carol"]


def test_of_very_many_chats_the_latest_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither their number nor that of their messages makes what is kept grow."""
    for name, most in (("MAX_SIDES", 10), ("MAX_SIDES_MESSAGES", 30)):
        with monkeypatch.context() as patch:
            patch.setattr(told, name, most)
            sides = told.Sides()
            for n in range(100):
                ours = [{**message, "content": f"{n} {message['content']}"} for message in OURS]
                theirs = [{**message, "role": OTHER[message["role"]]} for message in ours]
                assert sides.take(Chat("", ours), f"{2 * n}") is None
                assert sides.take(Chat("", theirs), f"{2 * n + 1}") == 2 * n
            assert len(sides._latest) == sum(map(len, sides._alike.values())) == 10
            assert sides.take(Chat("", THEIRS), "last") is None
