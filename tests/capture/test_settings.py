"""The environment's settings, and arguments that mean nothing: one clear error at start."""

import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from autogen.events.agent_events import TextEvent
from autogen.events.base_event import BaseEvent, get_event_classes, wrap_event
from autogen.io.base import IOStream

import capture
from tests.capture.agents import talker
from tests.capture.recorded import journal, of_kind


def test_off_means_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `AG2_CAPTURE=0` nothing is written, AG2 is left alone, and all methods do nothing."""
    monkeypatch.setenv("AG2_CAPTURE", "0")
    before = IOStream.get_default
    with capture.start("runs") as run:
        assert IOStream.get_default is before
        assert capture.current() is run  # so that code which marks things need not ask
        with run.step("one"), run.timed("tool_call", "x"):
            run.log("success", "y")
        run.context(step_id="two")
        run.save_messages([{"content": "hi"}])
    assert capture.current() is None
    assert not run.recording
    assert run.stats() == {"events": 0, "bytes": 0, "lost": 0, "us_per_event": 0.0}
    assert not Path("runs").exists()


def test_the_folder_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """`AG2_CAPTURE_DIR` says where runs go, and an argument wins over it."""
    monkeypatch.setenv("AG2_CAPTURE_DIR", "elsewhere")
    with capture.start() as run:
        assert run.path.parent == Path("elsewhere").absolute()
    with capture.start("here") as run:
        assert run.path.parent == Path("here").absolute()
    monkeypatch.delenv("AG2_CAPTURE_DIR")
    with capture.start() as run:
        assert run.path.parent == Path("runs").absolute()


def test_kinds_and_event_types_can_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """`AG2_CAPTURE_EVENTS` leaves out record kinds and AG2 event types; `seq` has no gaps."""
    monkeypatch.setenv("AG2_CAPTURE_EVENTS", "-agent, -termination,-action")
    with capture.start("runs", console=False) as run:
        talker("a").initiate_chat(talker("b"), message="hi", max_turns=1)
        run.log("success", "x")
    records = journal(run)
    assert {record["kind"] for record in records} == {
        "run_start",
        "chat_start",
        "event",
        "message",
        "chat_end",
        "run_end",
    }
    assert {record["event"]["type"] for record in records if record["kind"] == "event"} == {"text"}


def test_runs_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    """`AG2_CAPTURE_SAMPLE_RATE` records that share of runs: none at 0, all at 1."""
    for rate, recorded in (("0", [False] * 5), ("1", [True] * 5)):
        monkeypatch.setenv("AG2_CAPTURE_SAMPLE_RATE", rate)
        seen = []
        for _ in range(5):
            with capture.start("runs") as run:
                seen.append(run.recording)
        assert seen == recorded


def test_a_record_that_is_too_large_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over `AG2_CAPTURE_MAX_RECORD`, texts give way to their start, and the record says size and hash."""
    import hashlib

    monkeypatch.setenv("AG2_CAPTURE_MAX_RECORD", "10000")
    text = "x" * 50_000
    with capture.start("runs", console=False) as run:
        talker("a").initiate_chat(talker("b"), message=text, max_turns=1)
        run.log("success", "many", values=list(range(20_000)))
    records = journal(run)
    event = next(r for r in records if r["kind"] == "event" and r["event"]["type"] == "text")
    assert event["event"]["content"]["content"] == "x" * 1000
    assert event["replaced"] == [
        {
            "path": "$.event.content.content",
            "reason": f"too large: 50000 bytes, sha256 {hashlib.sha256(text.encode()).hexdigest()}",
        }
    ]
    action = next(r for r in records if r["kind"] == "action")
    assert action["details"] is None
    assert "too large" in action["replaced"][0]["reason"]


@pytest.mark.parametrize("mode", ["never", "close", "always"])
def test_every_fsync_mode_records(monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    """`AG2_CAPTURE_FSYNC` changes when the disk is asked to keep it, not what is recorded."""
    asked: list[int] = []
    monkeypatch.setenv("AG2_CAPTURE_FSYNC", mode)
    monkeypatch.setattr("os.fsync", asked.append)
    with capture.start("runs") as run:
        run.log("success", "x")
    assert [r["kind"] for r in journal(run)] == ["run_start", "action", "run_end"]
    # always: the folder too, in which the file is new, and once more at the end
    assert len(asked) == {"never": 0, "close": 1, "always": 5}[mode]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AG2_CAPTURE", "maybe"),
        ("AG2_CAPTURE_EVENTS", "-Print!"),
        ("AG2_CAPTURE_EVENTS", "-run_start"),
        ("AG2_CAPTURE_EVENTS", "-print,-"),
        ("AG2_CAPTURE_SAMPLE_RATE", "1.5"),
        ("AG2_CAPTURE_SAMPLE_RATE", "some"),
        ("AG2_CAPTURE_SAMPLE_RATE", "nan"),
        ("AG2_CAPTURE_FSYNC", "sometimes"),
        ("AG2_CAPTURE_MAX_RECORD", "64MB"),
        ("AG2_CAPTURE_MAX_RECORD", "64"),
    ],
)
def test_a_setting_that_means_nothing_is_one_clear_error(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """A wrong value raises at start, with one line that names the variable and the value; nothing is made."""
    monkeypatch.setenv(name, value)
    with pytest.raises(capture.CaptureError) as raised:
        capture.start("runs")
    message = str(raised.value)
    assert "\n" not in message
    assert name in message
    assert value in message
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("written", "nearest"),
    [
        ("terminaton", "termination"),
        ("-llm_calls", "llm_call"),
        ("-print,-Stream", "stream"),
        ("-safegard", "safeguard"),
    ],
)
def test_a_name_that_nothing_has_is_told_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch, written: str, nearest: str
) -> None:
    """What is neither a record kind nor an event type can't be left out; the message has what was probably meant."""
    monkeypatch.setenv("AG2_CAPTURE_EVENTS", written)
    with pytest.raises(capture.CaptureError, match=f"nearest is '{nearest}'"):
        capture.start("runs")
    monkeypatch.setenv("AG2_CAPTURE", "0")
    with capture.start("runs") as run:  # off is off, whatever else is set
        assert not run.recording


def test_event_types_of_the_users_own_can_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A class that user code has wrapped before the start is known by its type, and left out by it."""

    class WeatherReportEvent(BaseEvent):
        degrees: int

    monkeypatch.setenv("AG2_CAPTURE_EVENTS", "-weather_report")
    with pytest.raises(capture.CaptureError, match="weather_report"):
        capture.start("runs")
    report: Any = wrap_event(WeatherReportEvent)
    try:
        with capture.start("runs", console=False) as run:
            IOStream.get_default().send(report(degrees=21))
            IOStream.get_default().send(TextEvent(content="warm", sender="a", recipient="b", uuid=uuid4()))
    finally:
        del get_event_classes()["weather_report"]
    assert [record["event"]["type"] for record in of_kind(journal(run), "event")] == ["text"]


def test_arguments_that_mean_nothing_are_one_clear_error() -> None:
    """A folder that is a file, a run id that is no file name or is taken, bounds that do not exist."""
    Path("file").write_text("")
    with capture.start("runs", run_id="taken"):
        pass
    for dir, options, words in (
        ("file", {}, "file is a file"),
        ("runs", {"run_id": "../x"}, "run_id='../x'"),
        ("runs", {"run_id": ""}, "run_id=''"),
        ("runs", {"run_id": "taken"}, "already holds a run"),
        ("runs", {"files": {"cuont": 3}}, "count"),
    ):
        with pytest.raises(capture.CaptureError, match=words):
            capture.start(dir, **options)
    assert capture.current() is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dir", 5),
        ("dir", b"runs"),
        ("tags", "abc"),
        ("tags", 5),
        ("tags", []),
        ("run_id", 5),
        ("permissions", "700"),
        ("permissions", True),
        ("permissions", 0o70000),
        ("project_path", 5),
    ],
)
def test_an_argument_of_the_wrong_type_is_one_clear_error(name: str, value: Any) -> None:
    """The error names the argument and what was given, and nothing is made."""
    with pytest.raises(capture.CaptureError, match=re.escape(f"{name}={value!r}: must be")):
        capture.start(**{"dir": "runs", name: value})
    assert capture.current() is None
    assert not Path("runs").exists()
