"""The recorder's IOStream: what goes through it arrives, and what the user's own streams do stays as it was."""

import asyncio
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

from autogen.io.base import IOStream

import capture
from tests.capture.agents import talker
from tests.capture.recorded import events, journal, of_kind

ROOT = Path(__file__).parents[2]


class Memory(IOStream):
    """A stream that remembers."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.printed: list[Any] = []
        self.colour = "red"

    def send(self, message: Any) -> None:
        self.sent.append(message)

    def print(self, *objects: Any, sep: str = " ", end: str = "\n", flush: bool = False) -> None:
        self.printed.append((objects, sep, end))

    def input(self, prompt: str = "") -> str:  # type: ignore[override]  # as many user streams: no `password`
        return f"answer to {prompt}"


def say(text: str) -> None:
    """A message from one agent to another."""
    talker("a").initiate_chat(talker("b"), message=text, max_turns=1)


def texts(run: capture.Run) -> list[str]:
    """What was said in a run."""
    return [e["content"] for e in events(journal(run), "text")]


def test_the_console_shows_what_it_showed_before() -> None:
    """With the recorder the console's output is byte for byte the same; with `console=False` there is none."""
    script = """
        import capture
        from autogen.io.base import IOStream
        from tests.capture.agents import talker

        def chat():
            talker("a").initiate_chat(talker("b"), message="hi", max_turns=2)
            print("=====", flush=True)

        chat()
        with capture.start(RUNS):
            chat()
        stream = capture.JournalStream(RUNS)
        IOStream.set_global_default(stream)
        chat()
        stream.close()
        with capture.start(RUNS, console=False):
            chat()
    """
    runs = os.path.abspath("runs")
    command = [sys.executable, "-c", textwrap.dedent(script).replace("RUNS", repr(runs))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    # an id that differs from chat to chat is cut out
    bare, recorded, bare_form, hidden, _ = re.sub(r"RUN \(.*?\)", "RUN", done.stdout).split("=====\n")
    assert "hi" in bare
    assert recorded == bare
    assert bare_form == bare
    assert hidden == ""
    assert len(os.listdir(runs)) == 3


def test_the_users_default_stream_goes_on_receiving() -> None:
    """Events, prints and questions reach the stream that was AG2's default, which is the default again afterwards."""
    mine = Memory()
    before = IOStream.get_global_default()
    IOStream.set_global_default(mine)
    try:
        with capture.start("runs") as run:
            stream = IOStream.get_default()
            assert isinstance(stream, capture.JournalStream)
            assert isinstance(IOStream.get_global_default(), capture.JournalStream)
            say("hi")
            stream.print("a", 1, sep="-", end="!")
            stream.print("b", 2, sep=None, end=None)
            assert stream.input("name?") == "answer to name?"
            assert stream.colour == "red"
        assert IOStream.get_global_default() is IOStream.get_default() is mine
    finally:
        IOStream.set_global_default(before)
    assert [m.content.content for m in mine.sent if m.type == "text"] == texts(run) == ["hi", "hello"]
    assert mine.printed == [(("a", 1), "-", "!"), (("b", 2), None, None)]
    records = journal(run)
    assert [p["text"] for p in of_kind(records, "print")] == ["a-1!", "b 2\n"]
    assert [(i["prompt"], i["answer"]) for i in of_kind(records, "input")] == [("name?", "answer to name?")]


def test_streams_set_after_the_start_do_not_end_the_recording() -> None:
    """`set_default` and `set_global_default` in the run: both streams receive, all is recorded, the user's stays."""
    before = IOStream.get_global_default()
    scoped, later = Memory(), Memory()
    try:
        with capture.start("runs", console=False) as run:
            with IOStream.set_default(scoped):
                say("scoped")
            IOStream.set_global_default(later)
            say("later")
        assert IOStream.get_global_default() is later
    finally:
        IOStream.set_global_default(before)
    assert [m.content.content for m in scoped.sent if m.type == "text"] == ["scoped", "hello"]
    assert [m.content.content for m in later.sent if m.type == "text"] == ["later", "hello"]
    assert texts(run) == ["scoped", "hello", "later", "hello"]


def test_a_default_that_a_context_holds_is_recorded_and_restored() -> None:
    """A stream that was set in this context before the start is recorded too, and is the default again afterwards."""
    mine = Memory()
    with IOStream.set_default(mine):
        with capture.start("runs") as run:
            say("hi")
        assert IOStream.get_default() is mine
    assert texts(run) == ["hi", "hello"]
    assert len([m for m in mine.sent if m.type == "text"]) == 2


def test_the_bare_form_records() -> None:
    """`IOStream.set_global_default(capture.JournalStream(dir))` records, passes on, and closes into what was before."""
    before = IOStream.get_global_default()
    stream = capture.JournalStream("runs", task="bare")
    IOStream.set_global_default(stream)
    try:
        say("hi")
        assert stream.run is not None
        stream.close()
        assert IOStream.get_global_default() is before
    finally:
        IOStream.set_global_default(before)
    assert texts(stream.run) == ["hi", "hello"]
    assert journal(stream.run)[0]["task"] == "bare"


def test_a_bare_stream_outlives_its_run() -> None:
    """After its run has ended, a stream that is still in use passes everything on, unrecorded."""
    mine = Memory()
    with IOStream.set_default(mine):
        stream = capture.JournalStream("runs")
    stream.close()
    with IOStream.set_default(stream):
        say("late")
    assert [m.content.content for m in mine.sent if m.type == "text"] == ["late", "hello"]
    assert stream.run is not None
    assert texts(stream.run) == []


def test_an_async_stream_keeps_its_async_input() -> None:
    """A stream whose `input` is a coroutine is asked as such; question and answer are recorded, a password is not."""

    class Remote(Memory):
        async def input(self, prompt: str = "", *, password: bool = False) -> str:  # type: ignore[override]
            await asyncio.sleep(0)
            return "secret" if password else "yes"

    async def main() -> capture.Run:
        with IOStream.set_default(Remote()):
            async with capture.start("runs") as run:
                stream: Any = IOStream.get_default()
                assert await stream.input("sure?") == "yes"
                assert await stream.input("word?", password=True) == "secret"
            return run

    asked = of_kind(journal(asyncio.run(main())), "input")
    assert [(i["prompt"], i["answer"], i["password"]) for i in asked] == [
        ("sure?", "yes", False),
        ("word?", None, True),
    ]


def test_the_same_stream_is_given_every_time() -> None:
    """User code that compares streams gets the same one as long as its default is the same."""
    mine = Memory()
    with IOStream.set_default(mine), capture.start("runs"):
        assert IOStream.get_default() is IOStream.get_default()


def test_what_is_set_on_the_default_stream_is_set_on_the_users() -> None:
    """The stream that user code gets during a run reads, sets, deletes and compares as its own."""
    mine = Memory()
    with IOStream.set_default(mine), capture.start("runs") as run:
        stream: Any = IOStream.get_default()
        assert stream == mine
        assert mine == stream
        assert len({stream, mine}) == 1
        stream.colour = "blue"
        stream.width = 80
        del stream.sent
        mine.sent = []
        say("hello")
    assert (mine.colour, vars(mine)["width"]) == ("blue", 80)
    assert len(mine.sent) == len(of_kind(journal(run), "event"))


def test_a_stream_of_a_subclass_keeps_its_own_attributes() -> None:
    """A class of the user's that extends the recorder's stream has attributes like any other."""

    class Counting(capture.JournalStream):
        def __init__(self) -> None:
            self.count = 0
            super().__init__("runs")

        def send(self, message: Any) -> None:
            self.count += 1
            super().send(message)

    stream = Counting()
    before = IOStream.get_global_default()
    IOStream.set_global_default(stream)
    try:
        say("hello")
    finally:
        IOStream.set_global_default(before)
        stream.close()
    assert stream.run is not None
    assert stream.count == len(of_kind(journal(stream.run), "event")) > 0
