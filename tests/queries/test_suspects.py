"""Where a failed run went wrong: each kind of evidence, and how often the first suspect is the right one."""

import json
from pathlib import Path
from typing import Any

import pytest

from ingest.claims import claims
from queries.errors import QueryError
from tests.queries.conftest import REAL_TRANSCRIPTS, ingest
from tests.queries.database import Builder
from tests.queries.reading import answer

LABELLED = REAL_TRANSCRIPTS / "whowhen" / "algorithm"
FAILED = "exitcode: 1 (execution failed)\nCode output: KeyError: 'mean'"
WORKED = "exitcode: 0 (execution succeeded)\nCode output: 5.25"


def code(source: str) -> str:
    """A message with a block of Python."""
    return f"I run this.\n```python\n{source}\n```"


def suspects(folder: Path, *said: tuple[str, str], **parameters: Any) -> list[dict[str, Any]]:
    """The suspects of a run in which these agents said this, one after the other, after a user's task."""
    history = [{"name": name, "role": "user", "content": content} for name, content in (("user", "Do it."), *said)]
    runs = folder / "runs"
    runs.mkdir()
    (runs / "chat.json").write_text(json.dumps(history), encoding="utf-8")
    return answer(ingest(runs, folder / "traces"), "suspects", **parameters)


def test_the_first_code_is_suspected_before_later_failures(tmp_path: Path) -> None:
    """Whoever wrote the first code comes first, even where other code failed; who only runs code is never suspected."""
    found = suspects(
        tmp_path,
        ("planner", "The engineer writes a script, then the analyst sums up."),
        ("engineer", code("load()")),
        ("terminal", WORKED),
        ("analyst", code("mean()")),
        ("terminal", FAILED),
        ("engineer", code("mean(1)")),
        ("terminal", FAILED),
        ("engineer", code("mean(2)")),
        ("terminal", WORKED),
        top=9,
    )
    assert [(s["rank"], s["agent_name"], s["message_order"]) for s in found] == [
        (1, "engineer", 2),
        (2, "analyst", 4),
        (3, "engineer", 6),
    ]
    assert found[0]["evidence"] == ["first code or tool call of the run"]
    assert found[1]["evidence"] == ["first failure of the run", "failed, and somebody else wrote the next code"]
    assert (found[1]["failed"], found[1]["error"]) == (1, "KeyError: 'mean'")
    assert found[2]["evidence"] == ["failed after another failure"]


def test_a_message_without_words_is_told_by_the_tools_that_it_calls(sample_traces: Path) -> None:
    """Its author said nothing, but a reader of suspects and of the timeline sees what it did."""
    run = "20260112T090000Z-one-shot-north"
    first = answer(sample_traces, "suspects", run_id=run)[0]
    assert (first["message"], first["message_order"]) == ("calls describe_station", 1)
    timeline = answer(sample_traces, "run_timeline", run_id=run)
    turns = [row["what"] for row in timeline if row["event"] == "agent_call"]
    assert turns[1] == "calls describe_station"
    assert all(turns)


def test_made_up_data_weigh_most(tmp_path: Path) -> None:
    """Code on data that its author calls made up comes before the first code."""
    found = suspects(
        tmp_path,
        ("engineer", code("load('a.csv')")),
        ("terminal", FAILED),
        ("analyst", code("data = [1, 2]  # placeholder\nmean(data)")),
        ("terminal", WORKED),
    )
    assert [s["agent_name"] for s in found] == ["analyst", "engineer"]
    assert found[0]["suspicion"] == "first code or tool call on data that the message calls made up"


@pytest.mark.few
@pytest.mark.parametrize(
    "words",
    [
        "The engineer's figures are made up: it invented the values. This is not acceptable.",
        "The numbers in the table are placeholder data. Please load the real file.",
        "You used hypothetical data instead of the file.",
        "Did you use dummy data here? I think you did.",
        "I see that you used mock data.",
        "The page has a placeholder image and an example table.",
    ],
)
def test_who_finds_made_up_data_is_not_suspected_of_it(words: str, tmp_path: Path) -> None:
    """Nor who only asks, or speaks of something else."""
    found = suspects(
        tmp_path,
        ("engineer", code("mean([1, 2])")),
        ("terminal", WORKED),
        ("critic", words),
        ("engineer", "So it is 4."),
    )
    assert [s["agent_name"] for s in found] == ["engineer"]


def test_an_answer_from_made_up_data_is_suspected(tmp_path: Path) -> None:
    """Who says so without code or tool comes before who looked at the data."""
    found = suspects(
        tmp_path,
        ("engineer", code("load('a.csv')")),
        ("terminal", WORKED),
        ("analyst", "I will assume some hypothetical data for the missing column. So the answer is 4."),
    )
    assert [s["agent_name"] for s in found] == ["analyst", "engineer"]
    assert found[0]["suspicion"] == "says that it made something up"


def test_a_run_without_code_went_wrong_with_its_first_answer(tmp_path: Path) -> None:
    """The first message after the task is suspected, then the one that only says that it checked."""
    found = suspects(
        tmp_path,
        ("expert", "The answer is 12."),
        ("critic", "Is that so?"),
        ("checker", "I have carefully verified every step. TERMINATE"),
    )
    assert [(s["agent_name"], s["suspicion"]) for s in found] == [
        ("expert", "first answer in a run without code and tools"),
        ("checker", "says that it checked, without code or tool"),
    ]


def test_a_plan_is_not_yet_an_answer(tmp_path: Path) -> None:
    """Where one agent hands out the work, the first answer of another is suspected, not the plan."""
    found = suspects(
        tmp_path,
        ("boss", "We search first."),
        ("boss", "Searcher, search."),
        ("searcher", "I found nothing."),
        ("boss", "Search again."),
        ("searcher", "It is 12."),
        ("boss", "The answer is 12."),
        ("boss", "TERMINATE"),
    )
    assert [(s["agent_name"], s["message_order"]) for s in found] == [("searcher", 3)]


def test_the_same_code_again_is_evidence(tmp_path: Path) -> None:
    """Code that failed and is run again unchanged says so."""
    found = suspects(
        tmp_path,
        ("engineer", code("load()")),
        ("terminal", FAILED),
        ("engineer", code("load()")),
        ("terminal", FAILED),
    )
    assert found[1]["evidence"] == ["ran the same code again", "failed again"]
    assert found[1]["suspicion"] == "ran the same code again"


def test_only_who_failed_before_in_its_chat_failed_again(tmp_path: Path) -> None:
    """A failure of another agent is another one, and so is one of another chat."""
    chats = [
        [("user", "Load."), ("engineer", code("load()")), ("terminal", FAILED), ("analyst", code("mean()"))],
        [("user", "Plot."), ("engineer", code("plot()")), ("terminal", FAILED), ("engineer", code("plot(1)"))],
    ]
    histories = [
        [{"name": name, "role": "user", "content": said} for name, said in [*chat, ("terminal", FAILED)]]
        for chat in chats
    ]
    runs = tmp_path / "runs"
    runs.mkdir()
    (runs / "chats.json").write_text(json.dumps([{"chat_history": chat} for chat in histories]), encoding="utf-8")
    found = answer(ingest(runs, tmp_path / "traces"), "suspects", top=9)
    assert [(row["agent_name"], "failed again" in row["evidence"]) for row in found] == [
        ("engineer", False),
        ("analyst", False),
        ("engineer", False),
        ("engineer", True),
    ]
    assert "failed after another failure" in found[2]["evidence"]


def test_a_failed_tool_call_is_of_the_turn_that_asked_for_it(tmp_path: Path) -> None:
    """Who only runs the tools of others is no suspect, and an agent that asks for the same again repeats itself."""
    builder = Builder()
    run = builder.run("r")
    run.turn("runner", "Divide.")
    for _ in range(2):
        asked = run.turn("asker", "I divide.", has_tool_calls=True)
        run.turn("runner", "Error: division by zero")
        run.tool("asker", "divide", {"x": 1, "y": 0}, status="failed", requested_in=asked)
        builder.rows["tool_calls"][-1]["executor"] = "runner"
    with_messages(builder)
    found = answer(builder.write(tmp_path / "traces.duckdb"), "suspects")
    assert [(s["agent_name"], s["message_order"], s["failed"]) for s in found] == [("asker", 1, 1), ("asker", 3, 1)]
    assert found[0]["evidence"] == ["first code or tool call of the run", "first failure of the run"]
    assert found[1]["evidence"] == ["made the same failing tool call again", "failed again"]


def with_messages(builder: Builder) -> None:
    """Gives each turn its message, of which suspects are made."""
    turns = [row for row in builder.rows["execution_events"] if row["event_type"] == "agent_call"]
    for order, turn in enumerate(turns):
        builder.rows["messages"].append({"run_id": turn["run_id"], "event_id": turn["id"], "message_order": order})


def test_failed_tool_calls_of_the_sample(sample_traces: Path) -> None:
    """The tool that did not answer is told of the operator, and the error that its user marked is the same failure."""
    found = answer(sample_traces, "suspects", run_id="20260115T100000Z-tool-retry")
    assert [(s["agent_name"], s["failed"]) for s in found] == [("operator", 1)]


def test_a_run_that_ended_with_a_failed_llm_call(sample_traces: Path) -> None:
    """The agent whose LLM call failed is named, once, with what the call raised, though it wrote no message."""
    (found,) = answer(sample_traces, "suspects", run_id="20260115T110000Z-rate-limited")
    assert (found["agent_name"], found["message_order"], found["message"]) == ("writer", None, None)
    assert found["evidence"] == ["the run ended with it", "its LLM call failed"]
    assert found["suspicion"] == "the run ended with it"
    assert found["error"].startswith("Error code: 429")


def test_a_run_that_was_cut_off(sample_traces: Path) -> None:
    """The turn whose tool had not answered comes before the first tool call."""
    found = answer(sample_traces, "suspects", run_id="20260115T120000Z-killed")
    assert [(s["message_order"], s["suspicion"]) for s in found] == [
        (3, "waited for a tool when the run was cut off"),
        (1, "first code or tool call of the run"),
    ]
    assert [s["run_id"] for s in answer(sample_traces, "suspects", status="interrupted", top=1)] == [found[0]["run_id"]]


def test_errors_that_no_message_tells_of(tmp_path: Path) -> None:
    """What a user marked is evidence, the same error of another step is not; what ends a failed run comes first."""
    builder = Builder()
    run = builder.run("r", status="failed")
    run.turn("engineer")
    run.code("engineer", "import x", "ModuleNotFoundError: No module named 'x'", 1)
    run.action("error", "ImportError", agent="engineer", status="failed", error_message="No module named 'x'")
    run.action("error", "odd", agent="critic", status="failed", error_message="odd")
    run.llm("engineer", None)
    run.turn("engineer")
    for _ in range(2):
        run.event("error", None, "HTTPError", status="failed", error_message="requests.HTTPError: gone")
    found = answer(builder.write(tmp_path / "traces.duckdb", messages=False), "suspects")
    assert [(s["agent_name"], s["suspicion"], s["error"]) for s in found] == [
        (None, "the run ended with it", "requests.HTTPError: gone"),
        ("critic", "marked as failed, or raised", "odd"),
    ]


def test_the_opening_of_a_nested_chat_is_no_answer(tmp_path: Path) -> None:
    """What a nested chat begins with was written beforehand: the first answer is that of the agent spoken to."""
    builder = Builder()
    run = builder.run("r")
    run.turn("boss", "Go.")
    outer = run.turn("outer", "I thought.")
    run.speaker = None
    run.turn("outer", "Please think.", parent_event_id=outer)
    run.turn("inner", "I thought.", parent_event_id=outer)
    with_messages(builder)
    orders = builder.rows["messages"]
    orders[1]["message_order"], orders[2]["message_order"], orders[3]["message_order"] = 3, 1, 2
    (found,) = answer(builder.write(tmp_path / "traces.duckdb"), "suspects")
    assert (found["agent_name"], found["message_order"]) == ("inner", 2)


def test_runs_that_completed_come_last(tmp_path: Path) -> None:
    """Who asks where failed runs went wrong sees these first; a status that is none is told."""
    builder = Builder()
    for name, status in (("a", "completed"), ("b", "failed"), ("c", "completed"), ("d", "interrupted")):
        run = builder.run(name, status=status)
        run.turn("user")
        run.turn("a")
    path = builder.write(tmp_path / "traces.duckdb")
    assert [row["run_id"] for row in answer(path, "suspects")] == ["b", "d", "a", "c"]
    with pytest.raises(QueryError, match="status must be one of completed, failed, running, interrupted, not 'fail'"):
        answer(path, "suspects", status="fail")


def test_a_check_of_the_answer_is_not_to_blame(tmp_path: Path) -> None:
    """An assertion of the code around the agents ends the run, but the first suspect is an agent."""
    builder = Builder()
    run = builder.run("r", status="failed")
    run.turn("user")
    run.turn("coder", "5")
    run.event("error", None, "AssertionError", status="failed", error_message="wrong answer")
    found = answer(builder.write(tmp_path / "traces.duckdb"), "suspects")
    assert [row["agent_name"] for row in found] == ["coder", None]


DUMMY = "A dummy variable marks the weekend"


@pytest.mark.few
@pytest.mark.parametrize(
    ("words", "source"),
    [
        ("A test of it:", "from unittest import mock\nwith mock.patch('time.sleep'):\n    main()"),
        ("The query uses ? placeholders against injection:", "db.execute('select 1 where y = ?', [1])"),
        ("Use placeholders to avoid SQL injection.", "db.execute('select ?', [1])"),
        ("No mock or placeholder data here, the real file is read:", "print(sum(open('sales.csv')))"),
        (DUMMY, "t['weekend'] = t.day > 4"),
        ("The form:", "st.text_input('Name', placeholder='your name')"),
        ("This does not use hypothetical numbers.", "main()"),
    ],
)
def test_words_of_programs_and_denials_are_no_confession(words: str, source: str, tmp_path: Path) -> None:
    """Who wrote the code that failed comes first, and not whoever names a mock later."""
    found = suspects(
        tmp_path,
        ("engineer", code("t = load('sales.csv')\nprint(t['mean'])")),
        ("terminal", FAILED),
        ("tester", f"{words}\n{code(source)}"),
        ("terminal", WORKED),
    )
    assert found[0]["agent_name"] == "engineer"
    assert not any("made up" in sign for row in found for sign in row["evidence"])


@pytest.mark.few
@pytest.mark.parametrize(
    ("words", "is_claim"),
    [
        ("Nobody looked, we have not verified anything.", False),
        ("Please check the file by hand.", False),
        ("It is loaded so that nobody has to count it manually.", False),
        ("After you have reviewed the table, the writer may begin.", False),
        ("I have carefully reviewed the table.", True),
        ("I can't open it, so I looked it up manually.", True),
        ("After checking the page, the mean is seven.", True),
        ("Please ensure: all entries have been manually verified.", False),
        ("Here is what you need: I manually checked all entries.", True),
        ("Thank you for waiting, I have checked the site.", True),
    ],
)
def test_who_asks_others_to_check_claims_nothing(words: str, is_claim: bool, tmp_path: Path) -> None:
    """And who denies it does not either."""
    found = suspects(tmp_path, ("engineer", code("print(7)")), ("terminal", WORKED), ("planner", words))
    said = {sign for row in found if row["agent_name"] == "planner" for sign in row["evidence"]}
    assert said == ({"says that it checked, without code or tool"} if is_claim else set())


@pytest.mark.parametrize(
    ("words", "is_claim"),
    [
        ("I verified it; 41 is correct.", True),
        ("I checked the page; is that all?", True),
        ("I double-checked the sum.", True),
        ("I double checked the sum.", True),
        ("I have double-checked it.", True),
        ("I've re-checked it.", True),
        ("I looked at the page.", True),
        ("We cross-referenced both lists.", True),
        ("I can confirm that I checked it.", True),
        ("When I visited the page, it said 41.", True),
        ("I said I checked it.", True),
        ("Have I checked the page?", False),
        ("We checked the page?", False),
        ("If I checked it, I would know.", False),
        ("I answer once I have checked it.", False),
        ("I answer once I checked it.", False),
        ("When I have checked it, I answer.", False),
        ("I will have checked it.", False),
        ("I have to verify it.", False),
        ("I did not check it.", False),
        ("I never checked it.", False),
        ("I hardly checked it.", False),
        ("You said I have checked this.", False),
        ("The planner claims that we verified it.", False),
        ("Please make sure I checked it.", False),
        ("I should have checked it.", False),
        ("I have researched this.", False),
        ("I rarely checked it.", False),
        ("I hope I checked everything.", False),
        ("Tell me whether what I checked is right.", False),
        ('Say "I checked it" when you are done.', False),
    ],
)
def test_who_says_to_have_checked_claims_it(words: str, is_claim: bool) -> None:
    """In the past, once more too; not in a question, under a condition, in a plan, a denial, or what others say."""
    assert claims(words) == (["claims_check"] if is_claim else [])


@pytest.mark.parametrize(
    ("words", "is_made_up"),
    [
        ("# mock test data", True),
        ("mock results of the trial", True),
        ("# dummy data in three columns", True),
        ("nothing was found, so these are hypothetical values", True),
        ("I insert placeholder data into the form.", True),
        ("# real data, nothing hypothetical", False),
        ("# create dummy columns for categories", False),
        ("# the dummy-coded weekday", False),
        ("# grade the mock exam of pupils", False),
        ("a mock interview and a mock trial.", False),
        ("I add an input with placeholder text.", False),
        ("The placeholder text of the search field is short.", False),
        ("I used placeholder text for the abstract, in the form of lorem ipsum.", True),
        ("I filled the form with placeholder text.", True),
        ("I ran a mock test for the server instead of the real one.", True),
        ("Tests that mock the HTTP client", False),
        ("Here are unit tests; they mock all calls of the database.", False),
        ("I mock the answers of the sensor.", True),
        ("I test it with mock data.", True),
        ("The input gets the placeholder text 'Search'.", False),
        ("The search bar shows a placeholder.", False),
    ],
)
def test_what_is_made_up(words: str, is_made_up: bool) -> None:
    """Not columns of statistics, rehearsals, and what a field shows."""
    assert [claim for claim in claims(words) if claim != "makes_up"] == (["says_made_up"] if is_made_up else [])


@pytest.mark.parametrize(
    ("words", "makes_up"),
    [
        ("I will use dummy data for now.", True),
        ("Let's assume a hypothetical mean of 4.", True),
        ("We're going to work with mock values.", True),
        ("The figures are made up.", False),
        ("You used dummy data.", False),
        ("I see that you used dummy data.", False),
        ("Should we use dummy data?", False),
        ("I load the file. No placeholders are left.", False),
    ],
)
def test_who_makes_data_up(words: str, makes_up: bool) -> None:
    """Only who says to do so itself."""
    assert ("makes_up" in claims(words)) == makes_up


@pytest.mark.few
@pytest.mark.parametrize(
    "words",
    [
        "Here are the mock query results since the database is unreachable:",
        "Is that ok? Placeholder values are used below:",
        "These numbers are from a fictional table:",
    ],
)
def test_made_up_data_are_confessed(words: str, tmp_path: Path) -> None:
    """Whatever they are data of."""
    found = suspects(tmp_path, ("engineer", f"{words}\n{code('print(7)')}"), ("terminal", WORKED))
    assert found[0]["suspicion"] == "first code or tool call on data that the message calls made up"


@pytest.mark.few
@pytest.mark.parametrize("language", ["json", "text", "Markdown", "csv"])
def test_text_in_a_fence_is_no_code(language: str, tmp_path: Path) -> None:
    """A plan in JSON is none, and neither is an outline."""
    found = suspects(
        tmp_path,
        ("planner", f"The plan:\n```{language}\n{{'step': 1}}\n```"),
        ("engineer", code("mean()")),
        ("terminal", FAILED),
    )
    assert (found[0]["agent_name"], found[0]["evidence"][0]) == ("engineer", "first code or tool call of the run")


def test_the_opening_of_each_chat_is_no_answer(tmp_path: Path) -> None:
    """The second task of a run is not suspected either."""
    chats = [
        [{"name": name, "role": "user", "content": content} for name, content in said]
        for said in ((("user", "Add them."),), (("user", "Report the costs."), ("second", "5")))
    ]
    runs = tmp_path / "runs"
    runs.mkdir()
    (runs / "chats.json").write_text(json.dumps([{"chat_history": chat} for chat in chats]), encoding="utf-8")
    found = answer(ingest(runs, tmp_path / "traces"), "suspects", top=9)
    assert [row["agent_name"] for row in found] == ["second"]


def test_what_was_handed_in_is_not_suspected_where_models_are_at_work(tmp_path: Path) -> None:
    """A task with code in it is the user's; in a chat without models nobody knows who wrote it."""
    builder = Builder()
    for name, caller in (("of the customer", "customer"), ("of the fixer", "fixer"), ("none", None)):
        run = builder.run(name, llm_calls=1 if caller else 0)
        if caller:
            run.llm(caller, in_turn=False)
        run.turn("customer", "Please repair this:", meta={"code_languages": ["python"]})
        run.turn("fixer", "Here:", meta={"code_languages": ["python"]})
    found = answer(builder.write(tmp_path / "traces.duckdb"), "suspects", top=1)
    assert {row["run_id"]: row["agent_name"] for row in found} == {
        "of the customer": "customer",  # its model had been asked before, and may have written that
        "of the fixer": "fixer",
        "none": "fixer",
    }


def test_code_that_a_chat_is_opened_with_is_what_is_asked_about(tmp_path: Path) -> None:
    """Unless somebody runs it: then it was meant to be."""
    said = [("boss", code("for i in range(10) print(i)")), ("planner", "A colon is missing."), ("coder", code("7"))]
    for name, ran, suspect in (
        ("nobody ran any", [], ("coder", 2)),
        ("the answer was run", [("terminal", WORKED)], ("coder", 2)),
    ):
        assert first_of_chat(tmp_path / name, [*said, *ran]) == suspect
    assert first_of_chat(tmp_path / "it was run", [said[0], ("terminal", FAILED)]) == ("boss", 0)


def first_of_chat(folder: Path, said: list[tuple[str | None, str]]) -> tuple[str | None, int]:
    """Agent and message of the first suspect of a chat; who has no name is the user, or the assistant that answers."""
    roles = {None: "user", "": "assistant"}
    messages = [
        {"role": roles.get(name, "user"), "content": text} | ({"name": name} if name else {}) for name, text in said
    ]
    folder.mkdir()
    (folder / "chat.json").write_text(json.dumps(messages), encoding="utf-8")
    first = answer(ingest(folder, folder.with_name(f"{folder.name} traces")), "suspects")[0]
    return first["agent_name"], first["message_order"]


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ([(None, code("plot(x)")), ("", "Swap the axes.")], 1),
        ([("", "Hello!"), (None, "The capital of Australia?"), ("", "Sydney.")], 2),
        ([(None, "Hello!"), ("", "Hello, what is it?"), (None, code("plot(x)")), ("", code("plot(y)"))], 3),
    ],
)
def test_what_a_human_asks_is_no_mistake(said: list[tuple[str | None, str]], place: int, tmp_path: Path) -> None:
    """A user without a name, in a chat with a model, is not suspected, whatever was pasted."""
    assert first_of_chat(tmp_path / "runs", said) == (None, place)


def test_made_up_data_that_were_asked_for(tmp_path: Path) -> None:
    """Nobody is to blame for them: the first code is suspected as it is."""
    said = [
        ("boss", "Write a table with made-up names, and sort it."),
        ("first", code("load()")),
        ("second", "A table with made-up names:\n" + code("write()")),
    ]
    assert first_of_chat(tmp_path / "runs", [*said]) == ("first", 1)


def labels(folder: Path) -> dict[str, tuple[str, int]]:
    """Agent and message that people named, by run."""
    files = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")}
    return {name: (run["mistake_agent"], int(run["mistake_step"])) for name, run in files.items()}


def suspected(traces: Path, top: int = 1) -> dict[str, list[tuple[str, int]]]:
    """Agents and messages of the suspects, by file."""
    found: dict[str, list[tuple[str, int]]] = {}
    for row in answer(traces, "suspects", top=top):
        found.setdefault(row["run_id"].rsplit("/", 1)[-1], []).append((row["agent_name"], row["message_order"]))
    return found


def first_suspects(traces: Path) -> dict[str, tuple[str, int]]:
    """Agent and message of the first suspect, by file."""
    return {name: found[0] for name, found in suspected(traces).items()}


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of the labelled runs."""
    if not LABELLED.is_dir():
        pytest.skip(f"the labelled runs are not at {LABELLED}")
    return ingest(LABELLED, tmp_path_factory.mktemp("labelled") / "traces")


@pytest.fixture(scope="module")
def found(labelled: Path) -> dict[str, tuple[str, int]]:
    """The first suspects of the labelled runs."""
    return first_suspects(labelled)


def test_suspicion_is_right_as_often_as_its_header_says(found: dict[str, tuple[str, int]]) -> None:
    """Of 63 labelled runs 71 % of the agents and 49 % of the messages, and no half of them far below."""
    named = labels(LABELLED)
    assert named.keys() == found.keys()
    order = sorted(named, key=lambda name: int(name.split(".")[0]))
    agents = [found[name][0] == named[name][0] for name in order]
    steps = [found[name][1] == named[name][1] for name in order]
    assert round(100 * sum(agents) / len(order)) == 71
    assert round(100 * sum(steps) / len(order)) == 49
    middle = len(order) // 2
    halves = (agents[:middle], steps[:middle], agents[middle:], steps[middle:])
    assert [round(100 * sum(half) / len(half)) for half in halves] == [71, 48, 72, 50]
    for half in (slice(None, None, 2), slice(1, None, 2), slice(middle), slice(middle, None)):
        assert sum(agents[half]) / len(agents[half]) >= 0.60
        assert sum(steps[half]) / len(steps[half]) >= 0.42


def test_three_suspects_are_right_as_often_as_the_header_says(labelled: Path) -> None:
    """One of the first three is the right agent in 86 % of the labelled runs, the right message in 70 %."""
    named, found = labels(LABELLED), suspected(labelled, top=3)
    agents = [agent in dict(found[name]) for name, (agent, _) in named.items()]
    steps = [step in dict(map(reversed, found[name])) for name, (_, step) in named.items()]
    assert (round(100 * sum(agents) / len(named)), round(100 * sum(steps) / len(named))) == (86, 70)


@pytest.mark.slow
def test_runs_of_a_supervisor(tmp_path: Path) -> None:
    """Of 15 labelled runs in which one agent hands out the work, 60 % of the agents and 13 % of the messages."""
    folder = REAL_TRANSCRIPTS / "whowhen" / "handcrafted"
    if not folder.is_dir():
        pytest.skip(f"the labelled runs are not at {folder}")
    named, found = labels(folder), first_suspects(ingest(folder, tmp_path / "traces"))
    assert sum(found[name][0] == agent for name, (agent, _) in named.items()) == 9
    assert sum(found[name][1] == step for name, (_, step) in named.items()) == 2


@pytest.mark.slow
def test_suspicion_does_not_read_the_labels(found: dict[str, tuple[str, int]], tmp_path: Path) -> None:
    """The same runs with other labels, or with none, have the same suspects."""
    wrong, none = tmp_path / "wrong", tmp_path / "none"
    for folder in (wrong, none):
        folder.mkdir()
    for path in LABELLED.glob("*.json"):
        run = json.loads(path.read_text(encoding="utf-8"))
        last = len(run["history"]) - 1
        wrongly = {"mistake_agent": run["history"][last]["name"], "mistake_step": str(last), "mistake_reason": "x"}
        (wrong / path.name).write_text(json.dumps({**run, **wrongly}), encoding="utf-8")
        (none / path.name).write_text(json.dumps({"history": run["history"]}), encoding="utf-8")
    assert first_suspects(ingest(wrong, tmp_path / "wrong_traces")) == found
    assert first_suspects(ingest(none, tmp_path / "none_traces")) == found
