"""Patterns: the queries find what plain Python finds in the same rows."""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest

import ingest
import queries
from ingest.code import LABELS
from tests.ingest.tables import write_journal
from tests.queries.database import Builder
from tests.queries.reading import answer, events_by_run, rows


def speakers(traces: Path) -> dict[str, list[Any]]:
    return {
        run: [event["agent_name"] for event in events] for run, events in events_by_run(traces, "agent_call").items()
    }


def tools(traces: Path) -> dict[str, list[Any]]:
    runs = events_by_run(traces, "tool_call")
    return {run: [event["meta"].get("tool_name") for event in events] for run, events in runs.items()}


def ngrams(sequences: dict[str, list[Any]], lengths: Iterable[int]) -> dict[tuple[Any, ...], tuple[int, int]]:
    """Every contiguous part of the sequences with its count and the number of sequences that have it."""
    counts: Counter[tuple[Any, ...]] = Counter()
    runs: defaultdict[tuple[Any, ...], set[str]] = defaultdict(set)
    for run, sequence in sequences.items():
        for length in lengths:
            for start in range(len(sequence) - length + 1):
                part = tuple(sequence[start : start + length])
                counts[part] += 1
                runs[part].add(run)
    return {part: (count, len(runs[part])) for part, count in counts.items()}


def test_handoffs(traces: Path) -> None:
    """Handoffs are the pairs of neighbours in the list of speakers; probabilities are shares of the outgoing ones."""
    sequences = speakers(traces)
    pairs = ngrams(sequences, [2])
    outgoing = Counter(speaker for sequence in sequences.values() for speaker in sequence[:-1])
    found = answer(traces, "agent_handoffs")
    assert {(row["from_agent"], row["to_agent"]): (row["count"], row["runs"]) for row in found} == pairs
    for row in found:
        assert row["probability"] == pytest.approx(row["count"] / outgoing[row["from_agent"]])
    waits = defaultdict(list)
    for events in events_by_run(traces, "agent_call").values():
        for a, b in pairwise(events):
            if a["completed_at"] and b["completed_at"]:
                waits[a["agent_name"], b["agent_name"]].append((b["completed_at"] - a["completed_at"]).total_seconds())
    for row in found:
        wait = waits[row["from_agent"], row["to_agent"]]
        assert row["median_ms"] == (pytest.approx(median(wait) * 1000) if wait else None)


def test_handoffs_of_nobody_to_nobody_are_left_out(tmp_path: Path) -> None:
    """Where no message names anyone there is no handoff to tell of; shares are of all that follow nevertheless."""
    builder = Builder()
    run = builder.run("r")
    for name in (None, None, None, "ann"):
        run.turn(name)
    (row,) = answer(builder.write(tmp_path / "traces.duckdb"), "agent_handoffs")
    assert (row["from_agent"], row["to_agent"], row["count"]) == (None, "ann", 1)
    assert row["probability"] == pytest.approx(1 / 3)


@pytest.mark.parametrize("repeats", [True, False])
def test_variants(traces: Path, repeats: bool) -> None:
    """Variants are the distinct lists of speakers, with or without repeats, counted."""
    paths: Counter[tuple[Any, ...]] = Counter()
    for sequence in speakers(traces).values():
        kept = [name for place, name in enumerate(sequence) if repeats or not place or name != sequence[place - 1]]
        paths[tuple(kept)] += 1
    found = answer(traces, "agent_variants", repeats=repeats)
    assert {tuple(row["path"]): row["runs"] for row in found} == paths
    assert sum(row["share"] for row in found) == pytest.approx(1)
    assert [row["runs"] for row in found] == sorted(paths.values(), reverse=True)


def test_tool_chains(traces: Path) -> None:
    """Tool chains are the contiguous parts of the list of tool calls, those that are frequent enough."""
    parts = ngrams(tools(traces), range(2, 6))
    found = answer(traces, "tool_chains", min_count=2)
    assert {tuple(row["tools"]): (row["count"], row["runs"]) for row in found} == {
        part: numbers for part, numbers in parts.items() if numbers[0] >= 2
    }
    everywhere = answer(traces, "tool_chains", min_count=1, min_length=1, max_length=9, min_runs=2)
    assert {tuple(row["tools"]) for row in everywhere} == {
        part for part, (_, runs) in ngrams(tools(traces), range(1, 10)).items() if runs >= 2
    }


def test_tool_chains_of_one_run(database: Path) -> None:
    """Chains do not reach from one run into the next, and failures are counted per chain."""
    found = answer(database, "tool_chains", run_id="plot-0", min_count=1, min_length=3)
    chain = {"tools": ["search", "read", "write"], "length": 3, "count": 1, "runs": 1, "failed": 1, "note": None}
    assert found == [chain]


@pytest.mark.parametrize("longest", [5, 8])
def test_tool_chains_stay_within_a_chat(longest: int, tmp_path: Path) -> None:
    """Two chats at the same time, and another run: each chat has its own chain."""
    builder = Builder()
    for name in ("one", "two"):
        run = builder.run(name)
        for _ in range(6):
            for chat, tool in enumerate(("alpha", "beta")):
                run.tool("a", tool)
                builder.rows["execution_events"][-1]["chat"] = chat
    path = builder.write(tmp_path / "traces.duckdb")
    found = answer(path, "tool_chains", min_count=1, max_length=longest)
    assert {tuple(row["tools"]): (row["count"], row["runs"]) for row in found} == {
        (tool,) * length: (2 * (7 - length), 2)
        for tool in ("alpha", "beta")
        for length in range(2, min(longest, 6) + 1)
    }


def test_agent_sequences(traces: Path) -> None:
    """Agent sequences are the contiguous parts of the list of speakers."""
    parts = ngrams(speakers(traces), range(3, 6))
    found = answer(traces, "agent_sequences")
    assert {tuple(row["agents"]): (row["count"], row["runs"]) for row in found} == {
        part: numbers for part, numbers in parts.items() if numbers[0] >= 2
    }


@pytest.mark.few
@pytest.mark.parametrize(("given", "lengths"), [((1, 2**63 - 1), range(1, 1000)), ((2, 2), range(2, 3)), ((-1, 0), ())])
def test_agent_sequences_of_any_length(traces: Path, given: tuple[int, int], lengths: Sequence[int]) -> None:
    """A sequence is as long as the whole run, where that is asked for; none is where nothing fits."""
    found = answer(traces, "agent_sequences", min_length=given[0], max_length=given[1], min_count=1)
    assert {tuple(row["agents"]): (row["count"], row["runs"]) for row in found} == ngrams(speakers(traces), lengths)


@pytest.fixture(scope="module")
def many_calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs with the same 300 calls, of which a tenth failed, and one with 2,000 other ones; turns alike."""
    builder, chance = Builder(), random.Random(1)
    same, other = chance.choices("abcd", k=300), [f"tool {number}" for number in range(2000)]
    for name, calls in (("one", same), ("two", same), ("other", other)):
        run = builder.run(name)
        for number, call in enumerate(calls):
            run.turn(call)
            run.tool(call, call, status="failed" if number % 10 == 0 else "completed")
    return builder.write(tmp_path_factory.mktemp("many") / "traces.duckdb")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("min_length", "max_length", "min_count", "min_runs"),
    [(1, 7, 2, 1), (1, 7, 1, 2), (6, 6, 2, 1), (9, 9, 1, 2), (3, 30, 2, 1), (3, 30, 40, 1)],
)
def test_long_chains(many_calls: Path, min_length: int, max_length: int, min_count: int, min_runs: int) -> None:
    """However long they may be, chains are those that plain Python finds."""
    given = {"min_length": min_length, "max_length": max_length, "min_count": min_count, "min_runs": min_runs}
    parts = ngrams(tools(many_calls), range(min_length, max_length + 1))
    expected = {part: found for part, found in parts.items() if found[0] >= min_count and found[1] >= min_runs}
    chains = answer(many_calls, "tool_chains", **given)
    assert {tuple(row["tools"]): (row["count"], row["runs"]) for row in chains} == expected
    assert {row["note"] for row in chains} <= {None}
    sequences = answer(many_calls, "agent_sequences", **given)
    assert {tuple(row["agents"]): (row["count"], row["runs"]) for row in sequences} == expected
    failed: Counter[tuple[Any, ...]] = Counter()
    for calls in events_by_run(many_calls, "tool_call").values():
        for length in range(min_length, max_length + 1):
            for start in range(len(calls) - length + 1):
                part = calls[start : start + length]
                failed[tuple(e["meta"]["tool_name"] for e in part)] += any(e["status"] == "failed" for e in part)
    assert {tuple(row["tools"]): row["failed"] for row in chains} == {part: failed[part] for part in expected}


@pytest.mark.slow
@pytest.mark.parametrize(("query", "names"), [("tool_chains", "tools"), ("agent_sequences", "agents")])
def test_chains_say_what_was_left_out(many_calls: Path, query: str, names: str) -> None:
    """Growing stops at the length at which the chains have 20 million beginnings and names, and that is said."""
    sequence, budget, length = tools(many_calls)["other"], 20_000_000, 5
    while budget > 0:
        length += 1
        budget -= (len(sequence) - length + 1) * (1 + length)
    given = {"run_id": "other", "max_length": 2000, "min_count": 1}
    rows = answer(many_calls, query, min_length=length - 1, **given)
    assert {tuple(row[names]) for row in rows} == set(ngrams({"other": sequence}, [length - 1, length]))
    (note,) = {row["note"] for row in rows}
    assert f" of more than {length} " in note
    (row,) = answer(many_calls, query, min_length=length + 1, **given)
    assert [row[key] for key in (names, "length", "count", "runs", "note")] == [None, length, None, None, note]
    assert answer(many_calls, query, min_length=length, **given | {"max_length": length})[0]["note"] is None


def beginnings_and_names(calls: int) -> int:
    """What a run of so many calls, each of another tool, takes of the budget for chains of more than 5 calls."""
    return sum((calls - length + 1) * (1 + length) for length in range(6, calls + 1))


@pytest.mark.slow
@pytest.mark.parametrize(("query", "names"), [("tool_chains", "tools"), ("agent_sequences", "agents")])
def test_nothing_is_left_out_beyond_the_longest_chain(tmp_path: Path, query: str, names: str) -> None:
    """Where the budget is spent with the longest chain there is, no longer ones are said to be left out."""
    builder, left, longest = Builder(), 20_000_000, 0
    while left > 0:
        calls = 6
        while beginnings_and_names(calls + 1) <= left:
            calls += 1
        run = builder.run(f"run of {calls}, {left} left")
        for number in range(calls):
            run.turn(f"{left} {number}")
            run.tool(f"{left} {number}", f"{left} {number}")
        left -= beginnings_and_names(calls)
        longest = max(longest, calls)
    assert left > -longest - 1, "the last length spends it"
    database = builder.write(tmp_path / "traces.duckdb")
    given = {"max_length": 2000, "min_count": 1}
    (row,) = answer(database, query, min_length=longest, **given)
    assert (len(row[names]), row["count"], row["note"]) == (longest, 1, None)
    assert answer(database, query, min_length=longest + 1, **given) == []


def contains(sequence: Sequence[Any], pattern: Sequence[Any]) -> bool:
    remaining = iter(sequence)
    return all(step in remaining for step in pattern)


def subsequences(sequences: list[list[Any]], min_runs: int, max_length: int) -> dict[tuple[Any, ...], int]:
    """Every pattern with its support, by trying each extension of each frequent pattern."""
    alphabet = {step for sequence in sequences for step in sequence}
    found: dict[tuple[Any, ...], int] = {}
    frontier: list[tuple[Any, ...]] = [()]
    for _ in range(max_length):
        candidates = [(*pattern, step) for pattern in frontier for step in alphabet]
        support = {c: sum(contains(sequence, c) for sequence in sequences) for c in candidates}
        frontier = [pattern for pattern, runs in support.items() if runs >= min_runs]
        found |= {pattern: support[pattern] for pattern in frontier}
    return found


@pytest.mark.parametrize("kind", ["tool", "agent"])
def test_frequent_subsequences(traces: Path, kind: str) -> None:
    """Gapped patterns and their support are those that trying out every candidate finds."""
    sequences = list((tools if kind == "tool" else speakers)(traces).values())
    expected = {p: runs for p, runs in subsequences(sequences, 2, 3).items() if len(p) >= 2}
    found = answer(traces, "frequent_subsequences", kind=kind, max_length=3, max_patterns=100000)
    assert {tuple(row["steps"]): row["runs"] for row in found} == expected
    assert all(row["cut"] == 0 for row in found)
    assert all(row["support"] == pytest.approx(row["runs"] / len(sequences)) for row in found)


def test_frequent_subsequences_are_in_as_many_runs_as_is_asked(database: Path) -> None:
    """Also where that are more runs than there are; in a single run, one is enough."""
    runs = {row["runs"] for row in answer(database, "frequent_subsequences", min_runs=4)}
    assert runs == {4}
    assert answer(database, "frequent_subsequences", min_runs=100) == []
    assert {
        r["runs"] for r in answer(database, "frequent_subsequences", run_id="plot-0", min_runs=100, min_count=1)
    } == {1}


def test_frequent_subsequences_says_what_it_cut(database: Path) -> None:
    """With a bound on patterns only the most frequent are kept, and each row says how many were dropped."""
    found = answer(database, "frequent_subsequences", max_patterns=1, max_length=2)
    assert [(row["runs"], row["cut"]) for row in found] == [(4, 2)]
    dropped = "2 rarer patterns of up to 2 steps dropped, and those that begin with them: max_patterns is"
    assert found[0]["note"] == f"{dropped} 1"


def test_frequent_subsequences_says_what_it_cut_before(database: Path) -> None:
    """Longer patterns tell of the cut of shorter ones, and where none is left one row tells it."""
    (told,) = answer(database, "frequent_subsequences", max_patterns=1, min_length=3, max_length=4)
    assert (told["steps"], told["cut"]) == (None, 2)
    assert told["note"].startswith("2 rarer patterns of up to 2 steps dropped")
    assert [row["cut"] for row in answer(database, "frequent_subsequences", max_patterns=1, max_length=2)] == [2]
    assert answer(database, "frequent_subsequences", min_length=9, max_length=9) == []


def test_turns_in_a_row_may_be_one(tmp_path: Path) -> None:
    """An orchestrator that speaks to itself hides who speaks after whom."""
    builder = Builder()
    for number in range(2):
        run = builder.run(f"r{number}")
        for speaker in ("boss", "boss", "boss", "ann", "boss", "ann"):
            run.turn(speaker)
    path = builder.write(tmp_path / "traces.duckdb")
    pairs = [
        (r["from_agent"], r["to_agent"], r["count"], r["probability"])
        for r in answer(path, "agent_handoffs", repeats=False)
    ]
    assert pairs == [("boss", "ann", 4, 1.0), ("ann", "boss", 2, 1.0)]
    assert answer(path, "agent_handoffs")[0]["count"] == 4
    (longest, *_) = sorted(answer(path, "agent_sequences", repeats=False), key=lambda row: -row["length"])
    assert (longest["agents"], longest["count"]) == (["boss", "ann", "boss", "ann"], 2)


def test_failures_and_fixes(traces: Path) -> None:
    """A row is a streak of failures of one language or tool with the first success after it, as a loop finds them."""
    expected = []
    for run, events in events_by_run(traces, "code_exec", "tool_call").items():
        streaks: dict[Any, list[dict[str, Any]]] = {}
        for event in events:
            meta = event["meta"]
            code = event["event_type"] == "code_exec"
            key = ("code", meta.get("language")) if code else ("tool", meta.get("tool_name"))
            if event["status"] == "failed":
                streaks.setdefault(key, []).append(event)
            for done in [key, *[("code", name) for name in meta.get("languages", [])]]:
                if event["status"] == "completed" and done in streaks:
                    streak = streaks.pop(done)
                    expected.append((run, *done, len(streak), streak[0]["agent_name"], event["agent_name"]))
        expected += [(run, *key, len(streak), streak[0]["agent_name"], None) for key, streak in streaks.items()]
    columns = ("run_id", "kind", "what", "tries", "failed_by", "fixed_by")
    found = [tuple(row[name] for name in columns) for row in answer(traces, "failures_and_fixes")]
    assert sorted(found, key=repr) == sorted(expected, key=repr)
    for fixed in (True, False):
        rows_of = answer(traces, "failures_and_fixes", fixed=fixed)
        assert all((row["events_between"] is not None) == fixed for row in rows_of)


def test_the_failed_code_stands_beside_its_fix(database: Path) -> None:
    """The row shows the first code that failed, its error, and the code that worked."""
    (row,) = answer(database, "failures_and_fixes", run_id="plot-1")
    assert row["failed_input"] == "import numpy\nimport matplotlib\n"
    assert row["fixed_input"] == "import numpy\nimport matplotlib\nplot()\n"
    assert (row["error_type"], row["events_between"]) == ("ModuleNotFoundError", 6)


def test_languages_go_by_the_same_names_in_sql(traces: Path) -> None:
    """What ingest takes for one language when it looks for a repair, the query takes for one, too."""
    with queries.connect(traces) as con:
        for label, language in {**LABELS, "R": "R", "Py": "python"}.items():
            assert con.execute("select ingest.language(?)", [label]).fetchall() == [(language,)]


def test_errors(traces: Path) -> None:
    """Every event that failed is counted once, but for files that failed with their code and an exception's echo."""
    failed = [e for e in rows(traces, "execution_events") if e["status"] == "failed" and e["event_type"] != "file_gen"]
    found = answer(traces, "errors")
    calls = {(e["run_id"], e["execution_order"]) for e in failed if e["event_type"] == "llm_call"}
    failed = [
        e
        for e in failed
        if e["event_type"] != "error"
        or ((e["run_id"], e["execution_order"] - 1) not in calls and not e["meta"].get("echo_of"))
    ]
    assert sum(row["count"] for row in found) == len(failed)
    by_type = Counter((e["event_type"], e["meta"].get("error_type")) for e in failed)
    counts: Counter[Any] = Counter()
    for row in found:
        counts[row["event_type"], row["error_type"]] += row["count"]
    assert counts == by_type


def test_one_failure_is_one_error(tmp_path: Path) -> None:
    """What a failed LLM call raised, and the file that failed code did not write, are no failures of their own."""
    builder = Builder()
    for number in range(2):
        run = builder.run(f"r{number}")
        run.turn("a")
        run.llm("a", None)
        run.event("error", "a", "APIError", status="failed", error_message="no", meta={"error_type": "APIError"})
        run.code("a", "open('x', 'w'); 1/0", "ZeroDivisionError: division by zero", 1, writes=("x",))
        builder.rows["execution_events"][-1]["status"] = "failed"
        run.event("error", "a", "OSError", status="failed", error_message="full", meta={"error_type": "OSError"})
        run.action("tool_call", "Read", {}, agent="a", status="failed", error_message="gone")
        run.tool("a", "read")
        run.event("error", None, "X", status="failed", error_message="x", meta={"error_type": "X", "echo_of": "id"})
    path = builder.write(tmp_path / "traces.duckdb")
    found = {(row["event_type"], row["error_type"]): row["count"] for row in answer(path, "errors")}
    assert found == {
        ("llm_call", None): 2,
        ("code_exec", "ZeroDivisionError"): 2,
        ("error", "OSError"): 2,
        ("tool_call", None): 2,
    }
    compared = {row["metric"]: row for row in answer(path, "compare_runs", before="r0", after="r1")}
    assert compared["failed_tools"]["before_mean"] == 0  # what the user's code marked is no tool that an agent called


def test_arguments_in_another_order_are_the_same(tmp_path: Path) -> None:
    """A call with the same arguments is a repeat whatever the order of their keys; with other values it is none."""
    builder = Builder()
    run = builder.run("r", status="failed")
    orders: tuple[dict[str, Any], ...] = ({"x": 1, "y": 2}, {"y": 2, "x": 1}, {"x": 2, "y": 1}, {"x": 1, "y": 2})
    for arguments in orders:
        run.turn("a", has_tool_calls=True)
        run.tool("a", "fetch", arguments, status="failed")
    path = builder.write(tmp_path / "traces.duckdb")
    (loop,) = answer(path, "retry_loops")
    assert (loop["repeats"], loop["failed"], loop["input"]) == (3, 3, '{"x":1,"y":2}')
    again = [row["message_order"] for row in answer(path, "suspects", top=9) if len(row["evidence"]) > 1]
    repeats = [
        row["message_order"]
        for row in answer(path, "suspects", top=9)
        if "made the same failing tool call again" in row["evidence"]
    ]
    assert again
    assert repeats == [1, 3]


def test_retry_loops(traces: Path) -> None:
    """What is run again and again is what has the same code, or the same tool and arguments, within a run."""
    counts: Counter[Any] = Counter()
    for run, events in events_by_run(traces, "code_exec", "tool_call").items():
        for event in events:
            if event["event_type"] == "code_exec" and event["inputs"].get("code_hash"):
                counts[run, "code", event["meta"]["language"], event["inputs"]["code_hash"]] += 1
            elif event["event_type"] == "tool_call":
                inputs = event["inputs"]
                arguments = inputs["args"] if inputs.get("args") is not None else inputs
                counts[run, "tool", event["meta"]["tool_name"], json.dumps(arguments)] += 1
    found = answer(traces, "retry_loops", min_count=2)
    assert Counter((row["run_id"], row["kind"], row["what"], row["repeats"]) for row in found) == Counter(
        (*key[:3], count) for key, count in counts.items() if count >= 2
    )


def test_retry_loops_of_the_same_syntax(tmp_path: Path) -> None:
    """Code that differs in comments, names and texts is one loop where that is asked for; of all its blocks."""
    last = {"language": "sh", "code": "ls"}
    codes = ["x = load('a.csv')", "y = load('b.csv')  # once more", "x = load('a.csv')\n\n", "z = read('a.csv')"]
    blocks = [[{"language": "python", "code": code}, last] for code in codes]
    tries = [
        {"kind": "code_exec", "agent": "ann", "blocks": both, "exit_code": 1}
        for both in [*blocks, [blocks[0][0]], [blocks[0][0], {**last, "code": "pwd"}]]
    ]
    write_journal(tmp_path / "runs", "r", *tries)
    ingest.run([str(tmp_path / "runs")], str(tmp_path / "traces"))
    assert answer(tmp_path / "traces", "retry_loops") == []
    (loop,) = answer(tmp_path / "traces", "retry_loops", by="syntax")
    assert (loop["kind"], loop["repeats"], loop["failed"]) == ("code", 3, 3)
    assert loop["input"] == f"{codes[0]}\n\nls"


def stretches(sequence: list[Any], min_turns: int) -> list[int]:
    """Lengths of the longest parts in which two speakers take turns."""
    lengths, start = [], 0
    for place in range(1, len(sequence) + 1):
        goes_on = (
            place < len(sequence)
            and sequence[place] != sequence[place - 1]
            and (place - start < 2 or sequence[place] == sequence[place - 2])
        )
        if not goes_on:
            lengths.append(place - start)
            start = place - 1 if place < len(sequence) and sequence[place] != sequence[place - 1] else place
    return sorted(length for length in lengths if length >= min_turns)


@pytest.mark.parametrize("min_turns", [3, 6])
def test_alternations(traces: Path, min_turns: int) -> None:
    """Stretches of two alternating speakers are as long as a loop over the speakers finds them."""
    expected = [length for sequence in speakers(traces).values() for length in stretches(sequence, min_turns)]
    found = answer(traces, "alternations", min_turns=min_turns, idle=False)
    assert sorted(row["turns"] for row in found) == sorted(expected)
    idle = answer(traces, "alternations", min_turns=min_turns)
    assert all(row in idle for row in found if row["succeeded"] == 0)
    assert all(row["succeeded"] == 0 for row in idle)
    most = sum(row["turns"] for row in found)
    assert sum(row["turns"] for row in idle) <= most


def test_an_idle_alternation(tmp_path: Path) -> None:
    """Two agents that thank each other are found; two that get code to work are not; a third speaker ends it."""
    builder = Builder()
    polite, busy = builder.run("polite"), builder.run("busy")
    for turn in range(8):
        polite.turn("ab"[turn % 2], "Thank you!")
        busy.turn("ab"[turn % 2], f"message {turn}")
        busy.code("a", "print(1)", "1")
    polite.turn("c")
    path = builder.write(tmp_path / "traces.duckdb")
    (row,) = answer(path, "alternations")
    assert (row["run_id"], row["agents"], row["turns"], row["distinct_messages"]) == ("polite", ["a", "b"], 8, 1)
    assert {row["run_id"]: row["succeeded"] for row in answer(path, "alternations", idle=False)} == {
        "polite": 0,
        "busy": 8,
    }


def test_two_agents_that_thank_each_other_after_work_are_idle(tmp_path: Path) -> None:
    """What got done before does not hide it, and what gets done between parts it in two."""
    builder = Builder()
    run = builder.run("r")
    for turn in range(23):
        run.turn("ab"[turn % 2], "Thank you!")
        if turn in (2, 15):
            run.code("a", "print(1)", "1")
    path = builder.write(tmp_path / "traces.duckdb")
    assert [(row["turns"], row["succeeded"]) for row in answer(path, "alternations")] == [(12, 0), (7, 0)]
    assert [(row["turns"], row["succeeded"]) for row in answer(path, "alternations", idle=False)] == [(23, 2)]


def test_work_of_the_last_turn_counts(tmp_path: Path) -> None:
    """A turn comes before what happens in it: code of the last turn of a stretch is work, that of the next is not."""
    builder = Builder()
    for name, worker in (("in", 5), ("after", 6)):
        run = builder.run(name)
        for turn in range(6):
            run.turn("ab"[turn % 2])
            if turn == worker:
                run.code("a", "print(1)", "1")
        run.turn("c")
        if worker == 6:
            run.code("a", "print(1)", "1")
    path = builder.write(tmp_path / "traces.duckdb")
    assert [row["run_id"] for row in answer(path, "alternations")] == ["after"]
    assert {row["run_id"]: row["succeeded"] for row in answer(path, "alternations", idle=False)} == {
        "after": 0,
        "in": 1,
    }


def test_alternations_come_in_one_order(tmp_path: Path) -> None:
    """Stretches that are equally long come by run and place."""
    builder = Builder()
    for name in "cab":
        run = builder.run(name)
        for turn in range(6):
            run.turn("ab"[turn % 2])
        for turn in range(6):
            run.turn("cd"[turn % 2])
    found = answer(builder.write(tmp_path / "traces.duckdb"), "alternations")
    assert [(row["run_id"], row["agents"]) for row in found] == [
        (r, a) for r in "abc" for a in (["a", "b"], ["c", "d"])
    ]


def test_imports_together(traces: Path) -> None:
    """Pairs of imports are counted over the executions that worked."""
    together: Counter[Any] = Counter()
    for events in events_by_run(traces, "code_exec").values():
        for event in events:
            if event["status"] == "completed":
                modules = sorted(set(event["meta"]["imports"]))
                together.update((a, b) for a in modules for b in modules if a < b)
    found = answer(traces, "imports_together", min_count=1)
    assert {(row["import_a"], row["import_b"]): row["count"] for row in found} == together
    assert all(0 < row["share"] <= 1 for row in found)


@pytest.mark.parametrize(("by", "column"), [("text", "code_hash"), ("syntax", "code_normal_hash")])
def test_recurring_code(traces: Path, by: str, column: str) -> None:
    """Code that recurs is what has the same hash."""
    counts = Counter(row[column] for row in rows(traces, "code_execs") if row[column])
    found = answer(traces, "recurring_code", by=by)
    assert {row["code_hash"]: row["executions"] for row in found} == {
        key: count for key, count in counts.items() if count >= 2
    }


def test_recurring_code_is_of_one_language(tmp_path: Path) -> None:
    """The same words in Python and in a shell are two programs; `py` and `python` are one language."""
    builder = Builder()
    run = builder.run("r")
    for language in ("python", "sh", "py", "bash"):
        run.code("coder", "ls", "1", language=language)
    found = answer(builder.write(tmp_path / "traces.duckdb"), "recurring_code")
    assert [(row["language"], row["executions"]) for row in found] == [("python", 2), ("sh", 2)]


def test_what_was_marked_between_turns_ends_what_is_idle(tmp_path: Path) -> None:
    """What comes before and behind it is idle by itself; what was marked behind the last turn is in no stretch."""
    builder = Builder()
    run = builder.run("r")
    for turn in range(16):
        run.turn("ab"[turn % 2], "Thank you!")
        if turn in (6, 15):
            run.action("tool_call", "load")
    path = builder.write(tmp_path / "traces.duckdb")
    assert [(row["turns"], row["succeeded"]) for row in answer(path, "alternations")] == [(9, 0), (7, 0)]
    assert [(row["turns"], row["succeeded"]) for row in answer(path, "alternations", idle=False)] == [(16, 1)]
