"""How fast `ingest` is and how much memory it takes: `python -m tests.benchmarks.bench_ingest [--events 100000]`.

Runs of 1,000 events are made in the recorder's format (`tests.benchmarks.corpus`) and ingested by the command, in a
process of its own. Beside it stand DuckDB's `COPY (FROM read_json(...)) TO ... (FORMAT parquet)`, which only encodes
the same lines anew (of the fields that it is told, and of all that it finds), and dlt into DuckDB where it is
installed: `python -m venv DIR`, `DIR/bin/pip install "dlt[duckdb]" orjson`, then `--dlt DIR/bin/python`. Memory is the
largest sum over all processes at one moment, with the files that they share counted once (Linux). Then one run of all
grows and is ingested again, and 10,000 runs that did not change are looked at. Prints one Markdown table. Times are of
one round each: run it on a machine that does nothing else.
"""

import argparse
import compileall
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb

from tests.benchmarks.corpus import journals, write_corpus, write_run

ROOT = Path(__file__).parents[2]
SMALL_RUNS = 10_000
SMALL_EVENTS = 12

COPY_TOLD = """
import duckdb, sys
duckdb.sql(
    f"COPY (FROM read_json('{sys.argv[1]}/*/journal.jsonl', format = 'newline_delimited', columns = {{v: 'INT', seq: "
    "'BIGINT', ts: 'BIGINT', kind: 'VARCHAR', agent: 'VARCHAR', event: 'JSON', message: 'JSON', request: 'JSON', "
    f"response: 'JSON'}})) TO '{sys.argv[2]}/copy.parquet' (FORMAT parquet)"
)
"""
COPY_FOUND = """
import duckdb, sys
duckdb.sql(
    f"COPY (FROM read_json('{sys.argv[1]}/*/journal.jsonl', union_by_name = true)) "
    f"TO '{sys.argv[2]}/copy.parquet' (FORMAT parquet)"
)
"""
DLT = """
import glob, sys, dlt, orjson
def records():
    for path in glob.glob(sys.argv[1] + '/*/journal.jsonl'):
        with open(path, 'rb') as file:
            yield [orjson.loads(line) for line in file]
pipeline = dlt.pipeline('bench', destination=dlt.destinations.duckdb(sys.argv[2] + '/dlt.duckdb'),
                        pipelines_dir=sys.argv[2])
pipeline.run(dlt.resource(records, name='journal', max_table_nesting=0))
"""


@dataclass
class Took:
    """What a command took: seconds, seconds of all processors, megabytes of memory at most (where that can be seen)."""

    seconds: float
    processor: float
    memory: float


def measured(*command: str) -> Took:
    """Run a command and watch the memory of its processes."""
    began, used, most = time.perf_counter(), processor(), 0
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        while process.poll() is None:
            most = max(most, memory(family(process.pid)))
            time.sleep(0.02)
        took = time.perf_counter() - began
        error = process.stderr.read().decode() if process.stderr else ""
    if process.returncode:
        raise SystemExit(f"{' '.join(command)[:200]}: {error[-2000:]}")
    return Took(took, processor() - used, most / 1e3)


def processor() -> float:
    """Seconds of processors that finished child processes have used."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def family(pid: int) -> set[int]:
    """A process and those that it started, and so on."""
    try:
        tasks = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return {pid}
    return {pid}.union(*(family(int(child)) for children in tasks for child in children))


def memory(pids: set[int]) -> int:
    """Kilobytes of processes: what each has of its own, and once the files (libraries) of the one that has most of
    them. The kernel keeps these counts; to add up what is shared it would walk all pages, which took a fifth of the
    time that was measured. 0 where the system does not say."""
    own, files = 0, 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except OSError:
            continue
        sizes = {
            name: int(size.split()[0]) for name, _, size in (line.partition(":") for line in lines) if "Rss" in name
        }
        own += sizes.get("RssAnon", 0) + sizes.get("RssShmem", 0)
        files = max(files, sizes.get("RssFile", 0))
    return own + files


def ingest(folder: Path, out: Path) -> Took:
    """The command, as a user runs it."""
    return measured(sys.executable, "-m", "ingest", str(folder), "--out", str(out), "--quiet")


def row(what: str, took: Took, events: int, size: int) -> None:
    """Print a line of the table."""
    rate = f"{events / took.seconds:,.0f} | {size / took.seconds / 1e6:.1f}" if size else " | "
    print(f"| {what} | {took.seconds:.1f} | {took.processor:.1f} | {rate} | {took.memory:,.0f} |", flush=True)


def compare(work: Path, events: int, dlt: str | None) -> None:
    """The lines of one corpus."""
    runs, name = work / f"runs-{events}", f"{events:,} events"
    size = write_corpus(runs, events)
    row(f"{name}, {size / 1e6:.0f} MB: ingest", ingest(runs, work / f"out-{events}"), events, size)
    for fields, copy in (("some fields", COPY_TOLD), ("all fields", COPY_FOUND)):
        took = measured(sys.executable, "-c", copy, str(runs), str(work))
        row(f"{name}: DuckDB COPY of {fields}", took, events, size)
    if dlt:
        row(f"{name}: dlt into DuckDB", measured(dlt, "-c", DLT, str(runs), str(work)), events, size)
    path = sorted(journals(runs))[len(list(runs.iterdir())) // 2]
    grown = path.read_bytes()
    path.write_bytes(grown + grown.splitlines(keepends=True)[-1])
    row(f"{name}: one run of all grew", ingest(runs, work / f"out-{events}"), 0, 0)
    row(f"{name}: nothing changed", ingest(runs, work / f"out-{events}"), 0, 0)


def main() -> None:
    """Make the corpora and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--events", type=int, nargs="+", default=[1_000, 10_000, 100_000], help="sizes, up to 1000000")
    parser.add_argument("--dlt", help="a Python that has dlt[duckdb]")
    parser.add_argument("--folder", help="where corpora and tables go; by default the system's temporary folder")
    arguments = parser.parse_args()
    for package in ("capture", "ingest"):  # as an installer does: to compile them anew in each process takes a second
        compileall.compile_dir(ROOT / package, quiet=1)
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, DuckDB {duckdb.__version__}\n")
    if not arguments.dlt:
        print("dlt is left out: see --dlt\n")
    print("| | seconds | of all cores | events/s | MB/s | memory, MB |\n| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        for events in arguments.events:
            compare(Path(folder), events, arguments.dlt)
        small = Path(folder) / "small"
        for number in range(SMALL_RUNS):
            write_run(small, number, SMALL_EVENTS)
        size = sum(path.stat().st_size for path in journals(small))
        out = Path(folder) / "out-small"
        row(f"{SMALL_RUNS:,} small runs: ingest", ingest(small, out), SMALL_RUNS * SMALL_EVENTS, size)
        row(f"{SMALL_RUNS:,} small runs: nothing changed", ingest(small, out), 0, 0)


if __name__ == "__main__":
    main()
