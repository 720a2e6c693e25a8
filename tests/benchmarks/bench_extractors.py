"""Throughput of the extractors in MB/s: `python -m tests.benchmarks.bench_extractors`.

Texts are generated, so that the numbers mean the same on every machine; the best of several rounds is printed.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from ingest.extractors import code_blocks, extract_code, extract_error, extract_text

SENTENCE = "The planner asked the engineer to compare both models, e.g. on v2.1 of the data, and to report back. "
RESULT = "exitcode: 0 (execution succeeded)\nCode output: Saved figure to out/figure_12.png\nDone in 3.2 s.\n"
PROGRAM = '''import numpy as np
import matplotlib.pyplot as plt

def plot(x, y, path="figure.png"):
    """Draw one curve."""
    fig, ax = plt.subplots()
    ax.plot(x, y, label="curve")
    fig.savefig(path, dpi=300)

for name in ["a", "b"]:
    data = np.loadtxt(f"data/{name}.txt")
    plot(data[:, 0], data[:, 1], f"out/{name}.png")
'''
SCRIPT = "mkdir -p out\nwget -q https://example.org/data.csv -O data.csv\nsort data.csv | head -n 10 > out/top.csv\n"
TRACEBACK = "\n".join(
    [*(f"line {n} of the output" for n in range(40)), "Traceback (most recent call last):", "ValueError: no"]
)
TASKS: list[tuple[str, Callable[[str], object], str, int]] = [
    ("prose without files, ASCII", extract_text, SENTENCE, 10_000),
    ("prose without files, other", extract_text, SENTENCE.replace("The", "Thé"), 10_000),
    ("results that name a file each", extract_text, RESULT, 1_000),
    (
        "message with a code block",
        lambda text: [code_blocks(text), extract_text(text)],
        f"Here:\n```python\n{PROGRAM}```\n",
        1,
    ),
    ("Python blocks", lambda text: extract_code(text, "python"), PROGRAM, 1),
    ("broken Python", lambda text: extract_code(text, "python"), PROGRAM + "for (\n", 1),
    ("shell blocks", lambda text: extract_code(text, "sh"), SCRIPT, 1),
    ("failed outputs", extract_error, TRACEBACK, 1),
]


def rate(task: Callable[[str], object], text: str, rounds: int = 5) -> float:
    """Megabytes (10^6 bytes of UTF-8) of text per second that a task reads, best of several rounds."""
    size = len(text.encode())
    repeats = max(1, 300_000 // size)
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(repeats):
            task(text)
        best = min(best, time.perf_counter() - start)
    return size * repeats / best / 1e6


def main() -> None:
    """Print one line per task."""
    for name, task, unit, times in TASKS:
        print(f"{name:32} {rate(task, unit * times):10.1f} MB/s")


if __name__ == "__main__":
    main()
