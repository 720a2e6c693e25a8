"""Mining is checked against programs by other people: pm4py for process mining, prefixspan for sequential patterns.

Both run on the sample runs, on real transcripts where they are there, and on a database made by hand. Where one of the
two can't be installed, its tests are skipped and say so.
"""

import contextlib
import io
import math
import random
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.queries.database import Builder
from tests.queries.reading import answer, events_by_run


@pytest.fixture(scope="session")
def pm4py() -> ModuleType:
    """pm4py, without the banner that it prints."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        module: ModuleType = pytest.importorskip("pm4py", reason="pm4py is not installed: `pip install pm4py`")
    return module


def event_log(traces: Path, time: str | None = None) -> Any:
    """The turns as pm4py reads them; where no `time` column is asked for, their place in the run stands for it."""
    pandas = pytest.importorskip("pandas")
    start = pandas.Timestamp("2026-01-01")
    rows = [
        {
            "case:concept:name": run,
            "concept:name": event["agent_name"],
            "time:timestamp": event[time] if time else start + pandas.Timedelta(seconds=place),
        }
        for run, events in events_by_run(traces, "agent_call").items()
        for place, event in enumerate(events)
    ]
    return pandas.DataFrame(rows)


def test_the_handoff_graph_is_pm4pys(traces: Path, pm4py: ModuleType) -> None:
    """`agent_handoffs` counts what pm4py's directly-follows graph counts."""
    graph, _, _ = pm4py.discover_dfg(event_log(traces))
    found = {(row["from_agent"], row["to_agent"]): row["count"] for row in answer(traces, "agent_handoffs")}
    assert found == graph
    assert len(found) >= 5


def test_times_between_turns_are_pm4pys(sample_traces: Path, pm4py: ModuleType) -> None:
    """Where turns have times, the median times of the handoffs are those of pm4py's performance graph, to 1 ms."""
    compared = 0
    for run, turns in event_log(sample_traces, "completed_at").dropna().groupby("case:concept:name"):
        graph, _, _ = pm4py.discover_performance_dfg(turns)
        for row in answer(sample_traces, "agent_handoffs", run_id=run):
            seconds = graph[row["from_agent"], row["to_agent"]]["median"]
            assert row["median_ms"] / 1000 == pytest.approx(float(seconds), abs=0.001)
            compared += 1
    assert compared >= 10


def test_variants_are_pm4pys(traces: Path, pm4py: ModuleType) -> None:
    """`agent_variants` are pm4py's variants, each with as many runs."""
    variants = {tuple(path): runs for path, runs in pm4py.get_variants(event_log(traces)).items()}
    found = answer(traces, "agent_variants")
    assert {tuple(row["path"]): row["runs"] for row in found} == variants
    assert [row["runs"] for row in found] == sorted(variants.values(), reverse=True)


@pytest.mark.parametrize(("kind", "max_length"), [("tool", 5), ("agent", 4)])
def test_subsequences_are_prefixspans(traces: Path, kind: str, max_length: int) -> None:
    """`frequent_subsequences` finds the patterns that PrefixSpan finds, in as many runs each."""
    prefixspan = pytest.importorskip("prefixspan", reason="prefixspan is not installed: `pip install prefixspan`")
    type_of = {"tool": "tool_call", "agent": "agent_call"}[kind]
    sequences = [
        [event["meta"]["tool_name"] if kind == "tool" else event["agent_name"] for event in events]
        for events in events_by_run(traces, type_of).values()
    ]
    miner = prefixspan.PrefixSpan(sequences)
    miner.minlen, miner.maxlen = 1, max_length
    expected = {tuple(pattern): runs for runs, pattern in miner.frequent(2)}
    found = answer(
        traces,
        "frequent_subsequences",
        kind=kind,
        min_length=1,
        max_length=max_length,
        min_count=1,
        max_patterns=1_000_000,
    )
    assert {tuple(row["steps"]): row["runs"] for row in found} == expected
    assert all(row["note"] is None for row in found)


def completions(sequence: list[Any], pattern: list[Any]) -> int:
    """How often the last step of a pattern comes after all others have come in order."""
    place = -1
    for step in pattern[:-1]:
        if step not in sequence[place + 1 :]:
            return 0
        place = sequence.index(step, place + 1)
    return sequence[place + 1 :].count(pattern[-1])


@pytest.mark.parametrize("kind", ["tool", "agent"])
def test_counts_of_subsequences(traces: Path, kind: str) -> None:
    """The count of a pattern is how often it was completed, as a loop over the sequences counts it."""
    type_of = {"tool": "tool_call", "agent": "agent_call"}[kind]
    sequences = [
        [event["meta"]["tool_name"] if kind == "tool" else event["agent_name"] for event in events]
        for events in events_by_run(traces, type_of).values()
    ]
    for row in answer(traces, "frequent_subsequences", kind=kind)[:300]:
        assert row["count"] == sum(completions(sequence, row["steps"]) for sequence in sequences)


def test_subsequences_of_one_run(database: Path) -> None:
    """In one run a pattern counts that comes there often enough, although it comes in one run only."""
    found = answer(database, "frequent_subsequences", kind="agent", run_id="plot-1")
    assert {row["runs"] for row in found} == {1}
    by_steps = {tuple(row["steps"]): row["count"] for row in found}
    assert by_steps["user", "engineer"] == 3
    assert by_steps["engineer", "executor"] == 2
    assert all(row["count"] >= 2 for row in found)


def patched(before: str, diff: str) -> str:
    """The text that a unified diff makes of another one."""
    old, new, place = before.splitlines(), [], 0
    for line in diff.splitlines():
        if line.startswith("@@"):
            start = line.split()[1].lstrip("-").split(",")
            first = int(start[0]) - (0 if len(start) > 1 and start[1] == "0" else 1)
            new += old[place:first]
            place = first
        elif line.startswith("+"):
            new.append(line[1:])
        else:
            assert old[place] == line[1:]
            new += [old[place]] if line.startswith(" ") else []
            place += 1
    return "\n".join(new + old[place:])


@pytest.mark.parametrize("source", ["sample_traces", "real_traces"])
def test_a_diff_makes_the_fix_of_the_failure(source: str, request: pytest.FixtureRequest) -> None:
    """What changed, applied to the code that failed, gives the code that worked."""
    rows = [r for r in answer(request.getfixturevalue(source), "failures_and_fixes") if r["changed"] is not None]
    assert len(rows) >= 2
    for row in rows:
        assert patched(row["failed_input"], row["changed"]) == "\n".join(row["fixed_input"].splitlines())


@pytest.mark.few
@pytest.mark.parametrize("runs", [(5, 5), (6, 9), (20, 7), (4, 30), (50, 50), (2, 2)])
def test_the_significance_is_scipys(runs: tuple[int, int], tmp_path: Path) -> None:
    """`p_value` is that of scipy's Welch test, to 3 %, but never below what dealing out the runs anew can give."""
    stats = pytest.importorskip("scipy.stats", reason="scipy is not installed: `pip install scipy`")
    chance = random.Random(sum(runs))
    builder = Builder()
    sides = {"a": runs[0], "b": runs[1]}
    costs = {side: [chance.gauss(side == "b", 1 + (side == "b")) for _ in range(n)] for side, n in sides.items()}
    for side, values in costs.items():
        for number, cost in enumerate(values):
            builder.run(f"{side}-{number}", cost=cost)
    found = answer(builder.write(tmp_path / "traces.duckdb"), "compare_runs", before="a-*", after="b-*")
    (row,) = (row for row in found if row["metric"] == "cost")
    rarest = 2 / math.comb(sum(runs), runs[0])
    expected = max(stats.ttest_ind(*costs.values(), equal_var=False).pvalue, rarest)
    assert row["p_value"] == pytest.approx(expected, rel=0.03)
