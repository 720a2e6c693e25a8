"""What recording costs: CPU per message beside bare AG2, the floor, AG2's own loggers and the OpenTelemetry recorders.

    pip install "ag2[openai,tracing]==0.14.0" orjson google-re2 openinference-instrumentation-ag2
    python -m tests.benchmarks.bench_capture [rounds]

Two agents without a model send each other 200 messages of 1.3 kB. The floor is a stream that serialises each event and
writes it with one `write`. All variants take turns in random order, each time with new agents in an empty folder. CPU
time is that of all threads, with the garbage collector off. Other processes only ever add to it, so the last columns
go by the minimum over the rounds: what is added to bare AG2, its share of that, and how many times what the floor adds.
Where the lower quartile is far from the minimum, the machine was busy.

The two OpenTelemetry recorders, AG2's own (`autogen.opentelemetry`) and OpenInference, run with the SDK's
TracerProvider and its ConsoleSpanExporter, which writes a line of JSON a span, into a file: once with
SimpleSpanProcessor (a span is written when it ends) and once with BatchSpanProcessor (by a thread of its own). Where
they are not installed their rows are left out. "At the end" is what `close`, `stop` or `shutdown` costs; `close` finds
and copies one file that was made during the chat.
"""

import contextlib
import gc
import importlib
import io
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

from autogen import ConversableAgent, runtime_logging
from autogen.io.base import IOStream

import capture
from sample_runs.scripted_llm import ScriptedLLM

TEXT = "The quick brown fox jumps over the lazy dog, and goes on to the next one. " * 18
MESSAGES = 200
Watch = Callable[[ConversableAgent], Any]
"""What a variant does with each agent before the chat."""
Variant = Callable[[], AbstractContextManager[Watch]]


class Cost(NamedTuple):
    """What one chat took.

    Attributes:
        cpu: microseconds of CPU per message.
        wall: microseconds per message.
        end: milliseconds of CPU for switching the recorder off.
    """

    cpu: float
    wall: float
    end: float


class Silent(IOStream):
    """Shows nothing: a console's own cost is not the question."""

    def send(self, message: Any) -> None:
        pass

    def print(self, *objects: Any, sep: str = " ", end: str = "\n", flush: bool = False) -> None:
        pass


class Floor(Silent):
    """The least that a recorder can do."""

    def __init__(self) -> None:
        self.fd = os.open("floor.jsonl", os.O_CREAT | os.O_APPEND | os.O_WRONLY)

    def send(self, message: Any) -> None:
        os.write(self.fd, message.__pydantic_serializer__.to_json(message) + b"\n")


def nothing(agent: ConversableAgent) -> None:
    """For recorders that find the agents by themselves."""


@contextlib.contextmanager
def stream(default: Any) -> Iterator[Watch]:
    """AG2 with this default stream."""
    before = IOStream.get_global_default()
    IOStream.set_global_default(default)
    try:
        yield nothing
    finally:
        IOStream.set_global_default(before)


@contextlib.contextmanager
def ag2_logger(kind: Any, config: dict[str, Any]) -> Iterator[Watch]:
    """One of AG2's own loggers; AG2 is left as it was found."""
    with stream(Silent()):
        runtime_logging.start(logger_type=kind, config=config)
        try:
            yield nothing
        finally:
            runtime_logging.stop()
            runtime_logging.autogen_logger = None


@contextlib.contextmanager
def recorded(**setting: str) -> Iterator[Watch]:
    """This project's recorder, with these settings (`AG2_CAPTURE_MASK="0"`)."""
    os.environ.update(setting)
    try:
        with stream(Silent()), capture.start("runs", console=False):
            yield nothing
    finally:
        for name in setting:
            del os.environ[name]


@contextlib.contextmanager
def traced(processor: str, attach: Callable[[Any], tuple[Watch, Callable[[], Any]]]) -> Iterator[Watch]:
    """A recorder of OpenTelemetry spans, with this span processor of the SDK."""
    trace = importlib.import_module("opentelemetry.sdk.trace")
    export = importlib.import_module("opentelemetry.sdk.trace.export")
    with open("spans.jsonl", "w") as file, stream(Silent()):
        exporter = export.ConsoleSpanExporter(out=file, formatter=lambda span: span.to_json(indent=None) + "\n")
        provider = trace.TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(getattr(export, processor)(exporter))
        watch, detach = attach(provider)
        try:
            yield watch
        finally:
            detach()
            provider.shutdown()


def ag2_tracing(provider: Any) -> tuple[Watch, Callable[[], Any]]:
    """AG2's own spans: it wraps the methods of each agent it is given, so the next variant's agents have none."""
    tracing = importlib.import_module("autogen.opentelemetry")
    return lambda agent: tracing.instrument_agent(agent, tracer_provider=provider), lambda: None


def openinference(provider: Any) -> tuple[Watch, Callable[[], Any]]:
    """OpenInference wraps methods of AG2's agent class, and puts them back."""
    instrumentor = importlib.import_module("openinference.instrumentation.ag2").AG2Instrumentor()
    instrumentor.instrument(tracer_provider=provider)
    return nothing, instrumentor.uninstrument


BARE, FLOOR = "bare AG2", "floor: serialise and write"
VARIANTS: dict[str, Variant] = {
    BARE: lambda: stream(Silent()),
    FLOOR: lambda: stream(Floor()),
    "`AG2_CAPTURE=0`": lambda: recorded(AG2_CAPTURE="0"),
    "capture, `AG2_CAPTURE_MASK=0`": lambda: recorded(AG2_CAPTURE_MASK="0"),
    "capture": recorded,
    "AG2 file logger": lambda: ag2_logger("file", {"filename": "agents.log"}),
    "AG2 SQLite logger": lambda: ag2_logger("sqlite", {"dbname": "agents.db"}),
    "AG2 OpenTelemetry, batch": lambda: traced("BatchSpanProcessor", ag2_tracing),
    "AG2 OpenTelemetry, simple": lambda: traced("SimpleSpanProcessor", ag2_tracing),
    "OpenInference, batch": lambda: traced("BatchSpanProcessor", openinference),
    "OpenInference, simple": lambda: traced("SimpleSpanProcessor", openinference),
}
NEAR = (BARE, FLOOR, "`AG2_CAPTURE=0`", "capture, `AG2_CAPTURE_MASK=0`", "capture")
"""Variants that differ by a few microseconds: they take more turns."""
MORE = 8
FSYNC: dict[str, Variant] = {
    mode: lambda mode=mode: recorded(AG2_CAPTURE_FSYNC=mode)  # type: ignore[misc]
    for mode in ("never", "close", "always")
}


def measure(variant: Variant, messages: int = MESSAGES) -> Cost:
    """A chat in an empty folder."""
    os.chdir(tempfile.mkdtemp(dir=BASE))
    with contextlib.redirect_stdout(io.StringIO()):
        recorder = variant()
        watch = recorder.__enter__()
        agents = [
            ConversableAgent(
                name,
                llm_config=False,
                human_input_mode="NEVER",
                default_auto_reply=TEXT,
                max_consecutive_auto_reply=messages,
            )
            for name in ("alice", "bob")
        ]
        for agent in agents:
            watch(agent)
        gc.collect()
        gc.disable()
        wall, cpu = time.perf_counter_ns(), time.process_time_ns()
        agents[0].initiate_chat(agents[1], message=TEXT, max_turns=messages // 2)
        cpu, wall = time.process_time_ns() - cpu, time.perf_counter_ns() - wall
        Path("fox").touch()  # the messages mention it: a file for `close` to find and copy
        ending = time.process_time_ns()
        recorder.__exit__(None, None, None)
        ending = time.process_time_ns() - ending
        gc.enable()
    return Cost(cpu / messages / 1000, wall / messages / 1000, ending / 1e6)


def interleaved(variants: dict[str, Variant], rounds: int, messages: int = MESSAGES) -> dict[str, list[Cost]]:
    """Every variant once a round, in random order."""
    costs: dict[str, list[Cost]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name in random.sample(list(variants), len(variants)):
            costs[name].append(measure(variants[name], messages))
    return costs


def quartile(values: list[float]) -> float:
    """The lower quartile."""
    return sorted(values)[len(values) // 4]


def installed(variants: dict[str, Variant]) -> dict[str, Variant]:
    """Those that can run here; a line on stderr for each of the others."""
    found = {}
    for name, variant in variants.items():
        try:
            measure(variant, 10)
        except ImportError as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
        else:
            found[name] = variant
    return found


def cpu_table(rounds: int) -> None:
    """CPU per message of every variant."""
    near = {name: variant for name, variant in VARIANTS.items() if name in NEAR}
    far = installed({name: variant for name, variant in VARIANTS.items() if name not in NEAR})
    costs = {**interleaved(near, MORE * rounds), **interleaved(far, rounds)}
    values = {name: (min(c.cpu for c in chats), quartile([c.cpu for c in chats])) for name, chats in costs.items()}
    base, least = values[BARE], values[FLOOR][0] - values[BARE][0]
    print("| CPU, µs per message | lower quartile | minimum | added | of bare AG2 | floors | at the end, ms |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, (lowest, value) in values.items():
        added = lowest - base[0]
        numbers = f"{value:.1f} | {lowest:.1f} | {added:+.1f} | {added / base[0]:+.1%} | {added / least:.1f}"
        print(f"| {name} | {numbers} | {min(c.end for c in costs[name]):.2f} |")


def end_table(rounds: int) -> None:
    """What `close` costs after runs of two lengths."""
    print("\n| `close()`, ms of CPU | minimum | lower quartile |\n| --- | --- | --- |")
    names = ("capture", "capture, `AG2_CAPTURE_MASK=0`")
    for messages in (MESSAGES, 10 * MESSAGES):
        for name, chats in interleaved({name: VARIANTS[name] for name in names}, rounds, messages).items():
            ends = [cost.end for cost in chats]
            print(f"| {name}, after {messages:,} messages | {min(ends):.1f} | {quartile(ends):.1f} |")


def fsync_table(rounds: int) -> None:
    """Time that passes per message: a process that waits for its disk uses no CPU. Each message is one record."""
    costs = interleaved({"no recorder": VARIANTS[BARE], **FSYNC}, rounds)
    base = quartile([cost.wall for cost in costs["no recorder"]])
    print("\n| `AG2_CAPTURE_FSYNC`, µs that pass per message | minimum | lower quartile | added |")
    print("| --- | --- | --- | --- |")
    for name, chats in costs.items():
        walls = [cost.wall for cost in chats]
        print(f"| {name} | {min(walls):.0f} | {quartile(walls):.0f} | {quartile(walls) - base:+.0f} |")


def size_table() -> None:
    """Bytes on disk per message of chats with a model, in which each request repeats the whole conversation."""
    print("\n| bytes per message, chat with a model | 40 messages | 160 messages |\n| --- | --- | --- |")
    for name, where in (("capture", "runs/*/journal.jsonl"), ("AG2 file logger", "autogen_logs/*.log")):
        sizes = []
        for messages in (40, 160):
            os.chdir(tempfile.mkdtemp(dir=BASE))
            with ScriptedLLM(lambda request: TEXT) as llm, VARIANTS[name]():
                user = ConversableAgent("user", llm_config=False, human_input_mode="NEVER", default_auto_reply=TEXT)
                model = ConversableAgent("model", llm_config=llm.config(), human_input_mode="NEVER")
                with contextlib.redirect_stdout(io.StringIO()):
                    chat = user.initiate_chat(model, message=TEXT, max_turns=messages // 2)
            assert len(chat.chat_history) == messages
            assert json.dumps(chat.chat_history).count(TEXT) == messages
            (written,) = Path().glob(where)
            sizes.append(written.stat().st_size / messages)
        print(f"| {name} | " + " | ".join(f"{size:,.0f}" for size in sizes) + " |")


def main(rounds: int) -> None:
    """Prints all tables, as Markdown."""
    cpu_table(rounds)
    end_table(max(rounds // 3, 1))
    fsync_table(max(rounds // 3, 1))
    size_table()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as BASE:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
