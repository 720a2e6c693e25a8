"""The sample runs in the repository: whole, small, without a trace of a machine, and the same when recorded again."""

import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("autogen")

from capture import format as journal
from sample_runs import neutral
from sample_runs.scenarios import ALL, KILLED, transcript

ROOT = Path(__file__).resolve().parents[2]
RUNS = ROOT / "sample_runs"

Record = dict[str, Any]


def read(run: Path) -> list[Record]:
    """The whole records of a run."""
    lines = (run / journal.JOURNAL).read_bytes().split(b"\n")
    return [json.loads(line) for line in lines[:-1]]


def published(folder: Path) -> list[Path]:
    """Every recorded file: the runs' folders and the transcript, without this package's own code."""
    runs = [p for run in folder.glob("2*") for p in run.rglob("*") if p.is_file()]
    return [*runs, *folder.glob("*.json")]


def said(record: Record) -> dict[str, Any] | None:
    """The message that an agent said to another, if the record is AG2's event of one."""
    spoken = record["kind"] == journal.EVENT and record["event"]["type"] in ("text", "tool_call", "tool_response")
    return record["event"]["content"] if spoken else None


def messages(run: Path) -> list[dict[str, Any]]:
    return [m for m in map(said, read(run)) if m is not None]


def texts(run: Path) -> list[str]:
    return [m["content"] or "" for m in messages(run)]


def outcome(text: str) -> str:
    """A message without what depends on the version of Python: a traceback is told by its first and last line."""
    lines = text.strip().splitlines()
    return f"{lines[0]} ... {lines[-1]}" if text.startswith("exitcode: 1") else text


def story(run: Path) -> list[Any]:
    """What a run is about: what was said, done, marked and left behind, without times, ids and AG2's inner events."""
    told: list[Any] = []
    for r in read(run):
        at = (r["kind"], r.get("agent"), r.get("step_id"), r.get("node_id"))
        if r["kind"] == journal.RUN_START:
            told.append((*at, r["run_id"], r["task"], r["mode"], r["session"], r["tags"]))
        elif message := said(r):
            calls = [(c["id"], c["function"]) for c in message.get("tool_calls") or []]
            told.append((*at, message["sender"], message["recipient"], outcome(message["content"] or ""), calls))
        elif r["kind"] == journal.ACTION:
            told.append((*at, r["action_type"], r["action_name"], r.get("details"), r.get("result"), r.get("status")))
        elif r["kind"] == journal.LLM_CALL:
            told.append((*at, r["status"], r["model"], r["cost"] > 0))
        elif r["kind"] in (journal.STEP_START, journal.STEP_END, journal.RUN_END):
            told.append((*at, r.get("name"), r.get("status")))
    files = [(r["path"], r["sha256"]) for r in read(run) if r["kind"] == journal.FILE]
    return [*told, *sorted(files)]


@pytest.fixture(scope="session")
def recorded_again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh recording, made with the documented command."""
    out = tmp_path_factory.mktemp("recorded")
    command = [sys.executable, "-m", "sample_runs.record", "--out", str(out)]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert child.returncode == 0, child.stdout + child.stderr
    assert child.stdout == f"Recorded {len(ALL)} runs and {transcript.FILE} into {out}\n"
    return out


def test_there_is_a_run_for_each_scenario() -> None:
    """The folders are those of the scenarios, at least ten of them, in all four workflow modes."""
    assert sorted(p.parent.name for p in RUNS.glob(f"*/{journal.JOURNAL}")) == sorted(ALL)
    assert list(ALL) == sorted(ALL)
    assert len(ALL) >= 10
    assert {s.mode for s in ALL.values()} == {"one-shot", "planning-control", "idea-generation", "ocr"}


def test_all_together_are_under_a_megabyte() -> None:
    """The recordings are small enough to live in the repository."""
    assert sum(p.stat().st_size for p in published(RUNS)) < 1_000_000


@pytest.mark.parametrize("name", ALL)
def test_a_journal_is_whole(name: str) -> None:
    """A journal starts with its run, has no gap, and ends as its scenario should; only the killed one is torn."""
    records = read(RUNS / name)
    assert [r["seq"] for r in records] == list(range(len(records)))
    assert {r["v"] for r in records} == {journal.VERSION}
    assert {r["kind"] for r in records} <= set(journal.KINDS)
    assert records[0]["kind"] == journal.RUN_START
    assert records[0]["run_id"] == name
    assert records[0]["ts"] == neutral.started_at(name)
    assert not [r for r in records if r["kind"] == journal.GAP]
    ends = [i for i, r in enumerate(records) if r["kind"] == journal.RUN_END]
    torn = (RUNS / name / journal.JOURNAL).read_bytes().split(b"\n")[-1]
    if name == KILLED.run_id:
        assert ends == []
        assert torn.startswith(b'{"v":1,')
        with pytest.raises(json.JSONDecodeError):
            json.loads(torn)
    else:
        assert ends == [len(records) - 1]
        assert torn == b""
        assert records[-1]["status"] == ("failed" if ALL[name].raises else "completed")
        before = (RUNS / name / journal.JOURNAL).read_bytes().splitlines(keepends=True)[:-1]
        assert records[-1]["stats"]["bytes"] == sum(map(len, before))
        assert records[-1]["stats"]["lost"] == 0


@pytest.mark.parametrize("name", ALL)
def test_copies_are_what_the_records_say(name: str) -> None:
    """Size and hash of a file record, and the hash of a saved transcript, are those of the copy beside the journal."""
    for r in read(RUNS / name):
        copy = r.get("copy") if r["kind"] == journal.FILE else r.get("path") if r["kind"] == journal.MESSAGES else None
        if copy is not None:
            data = (RUNS / name / copy).read_bytes()
            assert hashlib.sha256(data).hexdigest() == r["sha256"]
            assert len(data) == r.get("size", len(data))


def test_what_the_agents_wrote_is_there() -> None:
    """The files that code and tools wrote are saved, with their content."""
    run = {s.run_id.split("Z-")[1]: RUNS / s.run_id for s in ALL.values()}
    copies = {p.name: p for r in run.values() for p in r.glob(f"{journal.FILES}/**/*") if p.is_file()}
    assert "measurements.csv" not in copies  # it was there before
    assert json.loads(copies["north_summary.json"].read_text())["mean"] == 4.4
    assert json.loads(copies["fit.json"].read_text()) == {"mean": 10.0, "amplitude": 6.0}
    assert "Mean temperature: 5.25" in copies["report_week_1.md"].read_text()
    assert copies["station_log.txt"].read_text().startswith("Station log 1931.")
    assert json.loads(copies["comparison.json"].read_text())["thursday"] == 10.0


def test_tool_chains_and_imports_recur() -> None:
    """At least four runs have one chain of three tools, and at least six completed executions one list of imports."""
    chains: Counter[tuple[str, ...]] = Counter()
    imports: Counter[tuple[str, ...]] = Counter()
    for name in ALL:
        calls = [c for m in messages(RUNS / name) for c in m.get("tool_calls") or []]
        chains[tuple(c["function"]["name"] for c in calls)] += 1
        for before, after in pairwise(texts(RUNS / name)):
            if after.startswith("exitcode: 0"):
                imports[tuple(re.findall(r"^(?:import|from) (\w+)", before, re.M))] += 1
    assert chains["load_table", "transform_table", "write_report"] >= 4
    assert imports["csv", "json", "statistics", "pathlib"] >= 6


def test_failures_are_there_with_their_fixes() -> None:
    """A missing module (twice) and a tool that raises are followed by success; a refused model call fails its run."""
    for name in ("20260115T090000Z-missing-module", "20260116T090000Z-missing-module"):
        spoken = texts(RUNS / name)
        assert [text.split("\n")[0] for text in spoken if text.startswith("exitcode")] == [
            "exitcode: 1 (execution failed)",
            "exitcode: 0 (execution succeeded)",
        ]
        assert any("No module named 'fake_module'" in text for text in spoken)
    spoken = texts(RUNS / "20260115T100000Z-tool-retry")
    assert spoken.index("Error: station west does not answer") < len(spoken) - 2
    refused = read(RUNS / "20260115T110000Z-rate-limited")
    assert [r["status"] for r in refused if r["kind"] == journal.LLM_CALL] == ["error"]
    assert refused[-1]["error"]["type"] == "RateLimitError"


def test_actions_of_every_kind_are_there() -> None:
    """Decisions with scores, timed tool calls, successes, and errors with their message were marked."""
    actions = [r for name in ALL for r in read(RUNS / name) if r["kind"] == journal.ACTION]
    kinds = Counter(r["action_type"] for r in actions)
    assert set(kinds) == {"decision", "tool_call", "success", "error"}
    assert all("score" in r["details"] for r in actions if r["action_type"] == "decision")
    assert all(r["duration_ns"] > 0 for r in actions if r["action_type"] == "tool_call")
    assert all(r["details"]["error_message"] for r in actions if r["action_type"] == "error")


def test_planning_control_has_three_steps() -> None:
    """Steps and nodes carry the same names, all four agents speak, and each chat's transcript was saved."""
    records = read(RUNS / "20260114T090000Z-planning-control")
    steps = {(r.get("step_id"), r.get("node_id")) for r in records if said(r)}
    assert steps == {(None, "planning"), *((f"step_{i}", f"step_{i}") for i in (1, 2, 3))}
    speakers = {m["sender"] for m in map(said, records) if m}
    assert speakers == {"admin", "planner", "plan_reviewer", "engineer", "executor"}
    assert len([r for r in records if r["kind"] == journal.MESSAGES]) == 4


def test_the_transcript_is_a_list_of_messages() -> None:
    """The file that stands alone is `groupchat.messages` as a pipeline saves it: code, and what came of it."""
    history = json.loads((RUNS / transcript.FILE).read_text())
    assert [m["name"] for m in history] == ["admin", "engineer", "executor", "engineer"]
    assert history[2]["content"].startswith("exitcode: 0 (execution succeeded)")


def test_nothing_of_a_machine_is_left() -> None:
    """No published byte holds a folder, host, port or process of this machine, or of any other."""
    own = {str(ROOT), os.path.expanduser("~"), tempfile.gettempdir() + "/", sys.prefix, sys.base_prefix}
    own |= {f"/{os.environ[name]}/" for name in ("USER", "LOGNAME") if name in os.environ}
    if len(socket.gethostname()) > 5:  # a short name may be a word
        own.add(socket.gethostname())
    stand_ins = {neutral.PROJECT, "/home/user", "/home/user/ag2-journal", "/user/", "/usr", "/"}
    foreign = re.compile(
        r"(?<!\w)/(?:home/(?!user\b)|root\b|tmp/|var/|private/|Users/|opt/|workspaces?/)\S*|127\.0\.0\.1:(?!8000\b)\d+|0x[0-9a-f]{8,}"
    )
    assert published(RUNS)
    for path in published(RUNS):
        text = path.read_bytes().decode()
        assert not [n for n in own - stand_ins if re.search(rf"(?<!\w){re.escape(n)}", text)], path
        assert not foreign.search(text), path
    for name in ALL:
        start = read(RUNS / name)[0]
        assert (start["host"], start["pid"], start["cwd"]) == (neutral.HOST, neutral.PID, neutral.PROJECT)
        assert start["git_commit"] is None


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_recording_again_tells_the_same_story(name: str, recorded_again: Path) -> None:
    """A new recording, with this Python and this AG2, has the same messages, code, actions, files and ends."""
    assert story(recorded_again / name) == story(RUNS / name)


@pytest.mark.slow
def test_recording_again_makes_the_same_transcript(recorded_again: Path) -> None:
    """The transcript carries no time and no id, so it is the same byte for byte."""
    assert (recorded_again / transcript.FILE).read_bytes() == (RUNS / transcript.FILE).read_bytes()
