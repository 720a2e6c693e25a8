"""Which runs `compare_runs` sets side by side, and what it says where it can't tell."""

from datetime import timedelta
from pathlib import Path

import pytest

import queries
from tests.queries.database import START, Builder
from tests.queries.reading import answer, told


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six runs: two prompts, of which b began earlier, three teams, and two runs without any tag or start time."""
    builder = Builder()
    for hour, (run_id, prompt, team) in enumerate(
        [("b-0", "b", "x"), ("b-1", "b", "y"), ("a-0", "a", "z"), ("a-1", "a", "z")]
    ):
        tags = {"prompt": prompt, "team": team}
        builder.run(run_id, tags=tags, cost=hour, started_at=START + timedelta(hours=hour), mode="m").turn("a")
    for run_id in ("none-0", "none-1"):
        builder.run(run_id, cost=100, started_at=None, mode="m").turn("a")
    return builder.write(tmp_path_factory.mktemp("tagged") / "traces.duckdb")


def compared(traces: Path, **parameters: str) -> tuple[float | None, float | None, str, str]:
    """Mean cost of each set, and what they are."""
    row = next(row for row in answer(traces, "compare_runs", **parameters) if row["metric"] == "cost")
    return row["before_mean"], row["after_mean"], row["before_set"], row["after_set"]


def test_a_tag_with_two_values_needs_no_more(tagged: Path) -> None:
    """The value that began earlier is the one before; runs without the tag are in neither set."""
    assert compared(tagged, tag="prompt") == (0.5, 2.5, "prompt = b (runs: 2)", "prompt = a (runs: 2)")


def test_one_set_is_enough(tagged: Path) -> None:
    """The other set is all other runs, of a tag all that have it."""
    assert compared(tagged, after="a-*") == (50.25, 2.5, "run_id not a-* (runs: 4)", "run_id a-* (runs: 2)")
    assert compared(tagged, before="a-*") == (2.5, 50.25, "run_id a-* (runs: 2)", "run_id not a-* (runs: 4)")
    assert compared(tagged, tag="team", after="z") == (0.5, 2.5, "team other than z (runs: 2)", "team = z (runs: 2)")
    assert compared(tagged, tag="team", before="x") == (0, 2, "team = x (runs: 1)", "team other than x (runs: 3)")


def test_a_run_id_is_itself_whatever_is_in_it(tmp_path: Path) -> None:
    """Transcripts are named after their files, whose names may look like patterns."""
    builder = Builder()
    for number, run_id in enumerate(("[ab].json", "a.json", "sub [1]/*.json", "c.json")):
        builder.run(run_id, cost=10**number, started_at=None, mode="m").turn("a")
    path = builder.write(tmp_path / "traces.duckdb")
    assert compared(path, before="[ab].json", after="sub [1]/*.json")[:2] == (1, 100)


def test_halves_are_of_runs_that_have_a_time(tagged: Path) -> None:
    """Where nothing is said the older half is compared with the newer one; a run without a time is in neither."""
    until, since = START + timedelta(hours=1), START + timedelta(hours=2)
    expected = (0.5, 2.5, f"started until {until} (runs: 2)", f"started from {since} (runs: 2)")
    assert compared(tagged) == expected


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"tag": "team"}, "the tag 'team' has 3 values, 'z', 'x', 'y': say which to compare with before and after"),
        ({"tag": "mode"}, "the tag 'mode' has one value alone, 'm': there is nothing to compare it with"),
        ({"tag": "promt"}, "no run has the tag 'promt': there are 'prompt', 'team'"),
        ({"tag": "$"}, "no run has the tag '$': there are 'prompt', 'team'"),
        ({"tag": "\\"}, "no run has the tag '\\\\': there are 'prompt', 'team'"),
        ({"tag": "promt", "before": "a"}, "before='a': there are no such runs"),
    ],
)
def test_sets_that_can_not_be_told_apart(tagged: Path, parameters: dict[str, str], message: str) -> None:
    """A tag whose values do not make two sets gives a warning that says what there is."""
    with pytest.warns(queries.QueryWarning) as caught:
        rows = answer(tagged, "compare_runs", **parameters)
    assert told(caught) == [f"compare_runs: {message}"]
    assert rows == []


def test_the_value_of_a_tag_is_known_for_one(tagged: Path) -> None:
    """Where it is given without the tag, as the parameter's text may be read."""
    with pytest.warns(queries.QueryWarning, match="before='z': .* it is a value of tag='team': set tag"):
        answer(tagged, "compare_runs", before="z")


def test_runs_without_times_have_no_halves(tmp_path: Path) -> None:
    """Where runs carry no start time, they are not divided by anything else."""
    builder = Builder()
    for name in "abcd":
        builder.run(name, started_at=None).turn("a")
    path = builder.write(tmp_path / "traces.duckdb")
    with pytest.warns(queries.QueryWarning, match="compare_runs: 0 of 4 runs have a start time"):
        assert answer(path, "compare_runs") == []
    assert compared(path, before="[ab]")[2:] == ("run_id [ab] (runs: 2)", "run_id not [ab] (runs: 2)")
