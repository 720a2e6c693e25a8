"""What the user does with a run: start it, mark things in it, end it."""

import asyncio
import contextlib
import logging
import os
import random
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from autogen import GroupChat, GroupChatManager
from autogen.agentchat.chat import ChatResult

import capture
from capture.errors import CaptureError
from tests.capture.agents import talker
from tests.capture.recorded import events, journal, of_kind

ROOT = Path(__file__).parents[2]


def say(text: str) -> None:
    """A message from one agent to another."""
    talker("a").initiate_chat(talker("b"), message=text, max_turns=1)


def said(run: capture.Run) -> list[str]:
    """What was said in a run, without the answers."""
    return [e["content"] for e in events(journal(run), "text") if e["content"] != "hello"]


def test_the_first_record_says_what_the_run_is() -> None:
    """`run_start` holds what `start` was given, and where it runs."""
    with capture.start(
        "runs",
        task="plot",
        mode="one-shot",
        tags={"team": "cmb"},
        session="s",
        project="p",
        project_path="/p",
        debug=True,
    ) as run:
        pass
    first = journal(run)[0]
    given = {"task": "plot", "mode": "one-shot", "tags": {"team": "cmb"}, "session": "s", "project": "p", "debug": True}
    assert given.items() <= first.items()
    assert (first["run_id"], first["pid"], first["cwd"]) == (run.id, os.getpid(), os.getcwd())
    assert first["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert run.path == Path("runs").absolute() / run.id


def test_the_commit_of_the_current_folder_is_recorded() -> None:
    """`git_commit` is what git says is checked out, also with packed references."""
    git = ["git", "-c", "user.name=n", "-c", "user.email=e@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "m"], check=True)
    for prepare in (["status"], ["pack-refs", "--all"], ["checkout", "-q", "--detach"]):
        subprocess.run([*git, *prepare], check=True, capture_output=True)
        with capture.start("runs") as run:
            pass
        head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
        assert journal(run)[0]["git_commit"] == head


def test_run_ids_sort_by_time() -> None:
    """Runs started later have names that sort later."""
    ids = []
    for _ in range(5):
        with capture.start("runs") as run:
            ids.append(run.id)
    assert ids == sorted(set(ids))


def test_a_run_folder_is_its_owners_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else can read a run, unless `permissions` says otherwise."""
    old = os.umask(0)
    try:
        with capture.start("runs") as closed:
            pass
        with capture.start("runs", permissions=0o750) as shared:
            pass
    finally:
        os.umask(old)
    for run, folder, file in ((closed, 0o700, 0o600), (shared, 0o750, 0o640)):
        assert stat.S_IMODE(run.path.stat().st_mode) == folder
        assert stat.S_IMODE((run.path / "journal.jsonl").stat().st_mode) == file


def test_steps_mark_what_is_inside() -> None:
    """Records inside a step carry its ids and point at it; steps nest; outside there is nothing."""
    with capture.start("runs", console=False) as run:
        say("before")
        with run.step("one", node_id="engineer"):
            say("in one")
            with run.step("two", name="second"):
                say("in two")
        say("after")
    records = journal(run)
    starts = of_kind(records, "step_start")
    places = {
        e["event"]["content"]["content"]: (e.get("step_id"), e.get("node_id"), e.get("parent"))
        for e in of_kind(records, "event")
        if e["event"]["type"] == "text"
    }
    assert [s["name"] for s in starts] == ["one", "second"]
    assert starts[1]["parent"] == starts[0]["id"]
    assert places["before"] == places["after"] == (None, None, None)
    assert places["in one"] == ("one", "engineer", starts[0]["id"])
    assert places["in two"] == ("two", "engineer", starts[1]["id"])
    assert [(e["parent"], e["status"]) for e in of_kind(records, "step_end")] == [
        (starts[1]["id"], "completed"),
        (starts[0]["id"], "completed"),
    ]


def test_a_failing_step_is_recorded_as_failed() -> None:
    """A step that raises ends as `failed` with the error, and what comes after is outside of it."""
    with capture.start("runs") as run:
        with pytest.raises(ValueError, match="no"), run.step("one"):
            raise ValueError("no")
        run.log("success", "went on")
    end, action = journal(run)[-3:-1]
    assert (end["status"], end["error"]["type"], end["error"]["message"]) == ("failed", "ValueError", "no")
    assert "step_id" not in action


def test_context_stays_until_changed() -> None:
    """`context` marks everything from there on, and inside a step only until the step ends."""
    with capture.start("runs") as run:
        run.context(step_id="one", node_id="engineer")
        run.log("success", "a")
        run.context(node_id="executor")
        run.log("success", "b")
        with run.step("two"):
            run.context(node_id="critic")
            run.log("success", "c")
        run.log("success", "d")
        run.context(step_id="", node_id="")
        run.log("success", "e")
    places = {a["action_name"]: (a.get("step_id"), a.get("node_id")) for a in of_kind(journal(run), "action")}
    assert places == {
        "a": ("one", "engineer"),
        "b": ("one", "executor"),
        "c": ("two", "critic"),
        "d": ("one", "executor"),
        "e": (None, None),
    }


def test_actions_are_recorded() -> None:
    """`log` records what was decided or done, with its parameters, result, error and duration."""
    with capture.start("runs") as run:
        run.log("decision", "select_agent", chosen="engineer", score=0.93)
        run.log("tool_call", "Write", agent="engineer", result={"bytes": 5}, duration_ms=30, file_path="x")
        run.log("error", "ImportError", module="numpy")
        run.log("tool_call", "Read", error=FileNotFoundError("gone"))
    decision, write, error, read = of_kind(journal(run), "action")
    assert decision["details"] == {"chosen": "engineer", "score": 0.93}
    assert (write["agent"], write["result"], write["duration_ns"]) == ("engineer", {"bytes": 5}, 30_000_000)
    assert [a["status"] for a in (decision, write, error, read)] == ["completed", "completed", "failed", "failed"]
    assert read["error"]["type"] == "FileNotFoundError"


def test_timed_actions_have_duration_result_and_failure() -> None:
    """`timed` records duration, result and failure, sync and async; what happened inside points at it."""

    async def main() -> None:
        async with run.timed("tool_call", "Fetch", url="u") as action:
            await asyncio.sleep(0)
            action.set_result([1, 2])

    with capture.start("runs") as run:
        with contextlib.suppress(KeyError), run.timed("tool_call", "Read", file_path="x"):
            run.log("decision", "inside")
            raise KeyError("lost")
        asyncio.run(main())
    inside, read, fetch = of_kind(journal(run), "action")
    assert inside["parent"] == read["id"]
    assert (read["details"], read["status"], read["error"]["type"]) == ({"file_path": "x"}, "failed", "KeyError")
    assert (fetch["result"], fetch["status"]) == ([1, 2], "completed")
    assert fetch["duration_ns"] > 0
    assert "parent" not in fetch


def test_a_run_that_raises_is_failed_and_the_exception_goes_on() -> None:
    """An exception inside `with` ends the run as `failed`, with type, message and traceback, and is not swallowed."""
    with pytest.raises(RuntimeError, match="boom"), capture.start("runs") as run:
        raise RuntimeError("boom")
    end = journal(run)[-1]
    assert (end["status"], end["error"]["type"], end["error"]["message"]) == ("failed", "RuntimeError", "boom")
    assert "test_run.py" in end["error"]["traceback"]


def test_an_interrupted_run_is_interrupted() -> None:
    """Ctrl-C, and the end of a task, are no failures of the run."""

    async def main() -> None:
        async with capture.start("runs", run_id="task"):
            await asyncio.sleep(60)

    async def cancel() -> None:
        task = asyncio.ensure_future(main())
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    with pytest.raises(KeyboardInterrupt), capture.start("runs", run_id="key"):
        raise KeyboardInterrupt
    asyncio.run(cancel())
    assert [journal(Path("runs") / name)[-1]["status"] for name in ("key", "task")] == ["interrupted"] * 2


def test_a_second_start_ends_the_first(caplog: pytest.LogCaptureFixture) -> None:
    """A plain start after a plain start, as in a cell that is run again: the first ends, with a notice."""
    first = capture.start("runs", console=False)
    say("to the first")
    with caplog.at_level(logging.WARNING, "capture"):
        second = capture.start("runs", console=False)
    assert [first.id in message for message in caplog.messages] == [True]
    assert capture.current() is second
    say("to the second")
    second.close()
    assert journal(first)[-1]["status"] == "completed"
    assert (said(first), said(second)) == (["to the first"], ["to the second"])


def test_a_with_inside_a_with_nests() -> None:
    """The inner run gets what happens inside it, and the outer one what comes before and after."""
    with capture.start("runs", console=False) as outer:
        say("one")
        with capture.start("runs", console=False) as inner:
            say("two")
        assert capture.current() is outer
        say("three")
    assert capture.current() is None
    assert (said(outer), said(inner)) == (["one", "three"], ["two"])


def test_close_works_once_and_in_any_order() -> None:
    """Closing twice does nothing, and what is logged afterwards does nothing either."""
    run = capture.start("runs")
    run.close()
    before = journal(run)
    run.close()
    run.log("success", "late")
    run.save_messages([{"content": "late"}])
    with run.step("late"), run.timed("tool_call", "late"):
        pass
    assert journal(run) == before


def test_stats_count_what_is_in_the_journal() -> None:
    """`stats` agrees with the file."""
    with capture.start("runs", console=False) as run:
        say("hi")
    stats = run.stats()
    assert stats["events"] == len(journal(run))
    assert stats["bytes"] == (run.path / "journal.jsonl").stat().st_size
    assert stats["lost"] == 0
    assert stats["us_per_event"] > 0


def test_microseconds_per_event_are_those_of_events() -> None:
    """Records of other kinds make recording an event look neither cheaper nor dearer."""
    with capture.start("runs", console=False) as run:
        say("hi")
        before = run.stats()["us_per_event"]
        for number in range(100):
            run.log("success", str(number))
        assert run.stats()["us_per_event"] == before > 0


def test_a_transcript_that_was_saved_is_not_taken_for_another() -> None:
    """A list that died may leave its place in memory to the messages of a group chat: those are saved at the end, and
    those of a chat that was saved as it is now are not saved once more."""

    def group(messages: list[Any]) -> Any:
        chat = GroupChat([talker("a"), talker("b")], messages, max_round=2, speaker_selection_method="round_robin")
        return GroupChatManager(chat, name="manager", llm_config=False)

    with capture.start("runs", console=False, files=False) as run:
        saved: list[Any] = [{"content": str(number), "role": "user"} for number in range(10)]
        run.save_messages(saved, "gone")
        place, others = id(saved), list[Any]()
        del saved
        while not others or (id(others[-1]) != place and len(others) < 100_000):
            others.append([])
        manager = group(others[-1])
        talker("user").initiate_chat(manager, message="hi", max_turns=1)
        known = group([])
        talker("user").initiate_chat(known, message="bye", max_turns=1)
        run.save_messages(known, "known")
    assert [(r["chat"], r["count"]) for r in of_kind(journal(run), "messages")] == [
        ("gone", 10),
        ("known", len(known.groupchat.messages)),
        ("manager", len(manager.groupchat.messages)),
    ]


def test_transcripts_of_any_kind_are_saved() -> None:
    """Lists, ChatResults, lists of them, all with or without a name; anything else is a TypeError."""
    messages = [{"role": "user", "content": "hi", "name": "a"}]
    with capture.start("runs") as run:
        run.save_messages(messages)
        run.save_messages(ChatResult(chat_history=messages, summary="short"), name="talk")
        run.save_messages([ChatResult(chat_history=messages)] * 2, name="talks")
        with pytest.raises(TypeError, match="save_messages: int"):
            run.save_messages(7)
    saved = of_kind(journal(run), "messages")
    assert [s["chat"] for s in saved] == ["messages", "talk", "talks_0", "talks_1"]
    assert all(s["messages"] == messages and s["count"] == 1 for s in saved)
    assert saved[1]["summary"] == "short"


def test_a_large_transcript_stands_beside_the_journal() -> None:
    """Over a megabyte, the journal only refers to the file, with its hash."""
    import hashlib

    import orjson

    messages = [{"role": "user", "content": "x" * 1000}] * 2000
    with capture.start("runs") as run:
        run.save_messages(messages, name="../long")
    saved = of_kind(journal(run), "messages")[0]
    data = (run.path / saved["path"]).read_bytes()
    assert "/" not in saved["path"]
    assert orjson.loads(data) == messages
    assert hashlib.sha256(data).hexdigest() == saved["sha256"]
    assert "messages" not in saved


def test_threads_have_runs_of_their_own() -> None:
    """Two threads with a run each, at the same time: each journal holds its own thread's messages."""
    started = threading.Barrier(2)
    runs = {}

    def work(name: str) -> None:
        with capture.start("runs", run_id=name, console=False) as run:
            started.wait()
            for number in range(20):
                say(f"{name} {number}")
            started.wait()
        runs[name] = run

    threads = [threading.Thread(target=work, args=(name,)) for name in ("x", "y")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, run in runs.items():
        assert said(run) == [f"{name} {number}" for number in range(20)]


def test_tasks_have_runs_of_their_own() -> None:
    """Two tasks on one event loop with a run each: no record lands in the wrong journal."""

    async def work(name: str) -> capture.Run:
        async with capture.start("runs", run_id=name, console=False) as run:
            for number in range(10):
                await talker("a").a_initiate_chat(talker("b"), message=f"{name} {number}", max_turns=1)
                await asyncio.sleep(0)
            return run

    async def main() -> list[capture.Run]:
        return await asyncio.gather(work("x"), work("y"))

    for run in asyncio.run(main()):
        assert said(run) == [f"{run.id} {number}" for number in range(10)]


def test_nothing_of_the_recorder_is_imported_before_it_is_needed() -> None:
    """`capture.start` brings in the standard library and orjson, and nothing else, until it is called."""
    script = (
        "import sys; before = set(sys.modules); from capture import start;"
        "new = {name.split('.')[0] for name in set(sys.modules) - before};"
        "print(sorted(new - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['capture', 'orjson']"


@pytest.mark.parametrize(
    ("version", "words"),
    [(None, "AG2 is not installed"), ("1.2.0", "AG2 1.2.0 has no autogen.io")],
)
def test_without_a_usable_ag2_start_says_what_to_install(tmp_path: Path, version: str | None, words: str) -> None:
    """Where AG2 is missing or too new, `start` raises one clear line that names the command."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "orjson").symlink_to(Path(orjson.__file__).parent)
    if version is not None:
        (site / "autogen").mkdir()
        (site / "autogen" / "__init__.py").write_text("")
        info = site / f"ag2-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: ag2\nVersion: {version}\n")
    script = (
        "import capture\n"
        "for use in (lambda: capture.start('runs'), lambda: capture.JournalStream('runs')):\n"
        "    try: use()\n"
        "    except capture.CaptureError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": os.pathsep.join([str(ROOT), str(site)])},
        check=True,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 2, done.stderr
    assert all(words in line and 'pip install "ag2-journal[ag2]"' in line for line in lines)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("part", ["agents", "transcripts", "files"])
def test_no_part_of_the_end_costs_the_status(
    part: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the agents, the transcripts or the files can't be written, the run's end says why the run failed."""

    class Unreadable(list[str]):
        def __iter__(self) -> Iterator[str]:
            raise RuntimeError("broken by the user")

    with contextlib.suppress(ValueError), capture.start("runs") as run:
        a = talker("a")
        say("hi")
        b = talker("b")
        a.initiate_chat(b, message="hi", max_turns=1, silent=True)
        if part == "agents":
            monkeypatch.setattr(type(run.agents), "silent", Unreadable(["x"]).__iter__)
        elif part == "transcripts":
            a._oai_messages[b] = Unreadable(["x"] * 9)  # type: ignore[assignment]
        else:
            run.agents.folders = Unreadable(["x"])  # type: ignore[assignment]
        raise ValueError("the reason")
    records = journal(run)
    assert (records[-1]["status"], records[-1]["error"]["message"]) == ("failed", "the reason")
    assert f"{part} may be missing: " in of_kind(records, "gap")[-1]["reason"]
    assert f"{part} may be missing: " in caplog.text


def test_the_users_random_numbers_stay_what_they_are() -> None:
    """A seeded program gets the same numbers with a run and without."""
    random.seed(42)
    expected = random.random()
    random.seed(42)
    with capture.start("runs"):
        assert random.random() == expected


def test_two_runs_of_one_name_at_once_do_not_overwrite_each_other() -> None:
    """Of threads that start the same run id together one gets it, and the others one clear error."""
    outcomes: list[str] = []
    ready = threading.Barrier(4)

    def work(name: str) -> None:
        ready.wait()
        try:
            with capture.start("runs", run_id="same", files=False) as run:
                run.log("success", name)
                outcomes.append(name)
        except CaptureError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=work, args=(f"t{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [outcome for outcome in outcomes if outcome.startswith("t")]
    assert [r["action_name"] for r in of_kind(journal(Path("runs/same")), "action")] == winners
    assert len(winners) == 1
    assert sum("already holds a run" in outcome for outcome in outcomes) == 3


@pytest.mark.parametrize("duration", [float("nan"), float("inf"), "x"])
def test_a_duration_that_is_none_is_left_out(duration: object) -> None:
    """What the user hands over as a duration and is none raises nothing, and the action is recorded."""
    with capture.start("runs") as run:
        run.log("tool_call", "x", duration_ms=duration)  # type: ignore[arg-type]
    assert "duration_ns" not in of_kind(journal(run), "action")[0]


@pytest.mark.parametrize("permissions", [0, 0o600, 0o077])
def test_permissions_that_lock_the_owner_out_are_refused(permissions: int) -> None:
    """A folder into which its owner may not go would cost every record."""
    with pytest.raises(CaptureError, match="the owner must have"):
        capture.start("runs", permissions=permissions)


def test_files_have_the_permissions_asked_for_whatever_the_umask() -> None:
    """With a strict umask a run that others may read can be read: folders, journal, transcripts, copies of files."""
    before = os.umask(0o077)
    try:
        with capture.start("runs", permissions=0o755) as run:
            Path("plots").mkdir()
            Path("plots/made.txt").write_text("x")
            run.log("success", "plots/made.txt")
            run.save_messages([{"content": "x" * 1_100_000, "role": "user"}], "long")
    finally:
        os.umask(before)
    modes = {path.relative_to(run.path).name: stat.S_IMODE(path.stat().st_mode) for path in run.path.rglob("*")}
    assert {path.name for path in run.path.rglob("*.txt")} == {"made.txt"}
    assert len(list(run.path.glob("long-*.json"))) == 1
    assert {name: mode for name, mode in modes.items() if "." not in name} == {"files": 0o755, "plots": 0o755}
    assert {mode for name, mode in modes.items() if "." in name} == {0o644}
    assert stat.S_IMODE(run.path.stat().st_mode) == 0o755
