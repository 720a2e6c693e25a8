"""What recording costs: CPU per message beside bare AG2, the floor, and AG2's own loggers.

    python -m tests.benchmarks.bench_capture [rounds]

Two agents without a model send each other messages of 1.3 kB. The floor is a stream that serialises each event and
writes it with one `write`. All variants take turns in random order, many times, and the lower quartile of CPU time
is shown, because other processes only ever add to it. What `close` costs is shown apart.
"""

import contextlib
import gc
import io
import logging
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

from autogen import ConversableAgent, runtime_logging
from autogen.io.base import IOStream

import capture

TEXT = "The quick brown fox jumps over the lazy dog, and goes on to the next one. " * 18
TURNS = 100


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


def chat() -> float:
    """CPU time of a chat, in microseconds per message."""
    agents = [
        ConversableAgent(
            name,
            llm_config=False,
            human_input_mode="NEVER",
            default_auto_reply=TEXT,
            max_consecutive_auto_reply=10 * TURNS,
        )
        for name in ("alice", "bob")
    ]
    gc.collect()
    gc.disable()
    begun = time.process_time_ns()
    agents[0].initiate_chat(agents[1], message=TEXT, max_turns=TURNS)
    spent = time.process_time_ns() - begun
    gc.enable()
    return spent / (2 * TURNS) / 1000


@contextlib.contextmanager
def stream(default: IOStream) -> Iterator[None]:
    """AG2 with this default stream."""
    before = IOStream.get_global_default()
    IOStream.set_global_default(default)
    try:
        yield
    finally:
        IOStream.set_global_default(before)


def bare() -> float:
    with stream(Silent()):
        return chat()


def floor() -> float:
    with stream(Floor()):
        return chat()


def logger(kind: Any, config: dict[str, Any]) -> float:
    """One of AG2's own loggers; it is left as it was found."""
    with stream(Silent()):
        runtime_logging.start(logger_type=kind, config=config)
        try:
            return chat()
        finally:
            runtime_logging.stop()
            runtime_logging.autogen_logger = None


closing: list[float] = []


def recorded(mask: str, switch: str = "1") -> float:
    os.environ.update(AG2_CAPTURE_MASK=mask, AG2_CAPTURE=switch)
    with stream(Silent()):
        run = capture.start("runs", console=False)
        spent = chat()
        begun = time.process_time_ns()
        run.close()
        closing.append((time.process_time_ns() - begun) / 1e6)
    return spent


VARIANTS: dict[str, Callable[[], float]] = {
    "bare AG2": bare,
    "floor: serialise and write": floor,
    "AG2_CAPTURE=0": lambda: recorded("0", "0"),
    "capture, masking off": lambda: recorded("0"),
    "capture": lambda: recorded("1"),
    "AG2 file logger": lambda: logger("file", {"filename": "agents.log"}),
    "AG2 SQLite logger": lambda: logger("sqlite", {"dbname": "agents.db"}),
}


def main(rounds: int) -> None:
    logging.disable(logging.CRITICAL)
    os.chdir(tempfile.mkdtemp())
    times: dict[str, list[float]] = {name: [] for name in VARIANTS}
    order = list(VARIANTS)
    for _ in range(rounds):
        random.shuffle(order)
        for name in order:
            with contextlib.redirect_stdout(io.StringIO()):
                times[name].append(VARIANTS[name]())
    quartile = {name: sorted(values)[len(values) // 4] for name, values in times.items()}
    base = quartile["bare AG2"]
    least = quartile["floor: serialise and write"] - base
    print("| variant | CPU per message, us | added | share | times the floor |\n| --- | --- | --- | --- | --- |")
    for name, value in quartile.items():
        added = value - base
        print(f"| {name} | {value:.1f} | {added:+.1f} | {added / base:+.1%} | {added / least:.2f} |")
    print(f"\nclose(): {sorted(closing)[len(closing) // 2]:.1f} ms of CPU after {2 * TURNS} messages")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
