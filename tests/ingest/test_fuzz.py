"""Damaged and made-up input in great numbers: no error, nothing lost, and no other run touched.

Real journals and transcripts have bytes flipped, cut, inserted and doubled and lines swapped; made-up records have any
value in any place. A good run lies beside them, and its rows must be those that it has alone.
"""

import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ingest
from capture.format import COMMON, KINDS
from ingest.schema import TABLES
from tests.ingest.conftest import Ingest
from tests.ingest.tables import logged, write_journal

SAMPLES = Path(__file__).resolve().parents[2] / "sample_runs"
JOURNALS = sorted(SAMPLES.glob("*/journal.jsonl"))
GOOD = [logged("a", "b", "hi"), logged("b", "a", "```python\nopen('x.txt', 'w')\n```"), {"kind": "gap", "lost": 1}]

ODD = [
    *(b"\0", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\r", b"\n", b"\n\n", b"\\", b'"', b"{", b"}", b"[", b"]", b",", b":"),
    *(b"\\ud800", b"\\u0000", b"NaN", b"-Infinity", b"1e999", b"9" * 400, b"-", b"null", b"true", b"[" * 600, b"  "),
    *(
        b'{"v":1}',
        b'"kind":"event",',
        b'"kind":"messages",',
        b'"seq":-1,',
        b'"seq":99999999999999999999,',
        b'"ts":"x",',
    ),
]


def damage(raw: bytes, chance: random.Random) -> bytes:
    """The bytes with one to six faults."""
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        at, to = sorted(chance.randrange(len(raw) + 1) for _ in range(2))
        to = min(to, at + chance.choice((1, 8, 100, 10_000)))
        lines = raw.splitlines(keepends=True)
        fault = chance.randrange(8)
        if fault == 0 and raw:
            raw = raw[:at] + bytes([raw[at - 1] ^ (1 << chance.randrange(8))]) + raw[at + 1 :]
        elif fault == 1:
            raw = raw[:at]
        elif fault == 2:
            raw = raw[:at] + raw[to:]
        elif fault == 3:
            raw = raw[:at] + chance.choice(ODD) + raw[at:]
        elif fault == 4:
            raw = raw[:to] + raw[at:to] + raw[to:]
        elif lines:
            here, there = chance.randrange(len(lines)), chance.randrange(len(lines))
            if fault == 5:
                lines[here], lines[there] = lines[there], lines[here]
            elif fault == 6:
                lines.insert(there, lines[here])
            else:
                del lines[here]
            raw = b"".join(lines)
        raw = raw or b"\n"
    return raw


def rows(out: Path, run_id: str) -> dict[str, list[Any]]:
    """Every row of a run, but for the time of its ingest."""
    with duckdb.connect() as con:
        con.execute(f"ATTACH '{out}/traces.duckdb' AS t (READ_ONLY)")
        found = {}
        for name in TABLES:
            present = [column[0] for column in con.execute(f"DESCRIBE t.{name}").fetchall()]
            columns = ", ".join(f'"{c}"::VARCHAR' for c in present if c not in ("ingested_at", "source_path"))
            query = f"SELECT {columns} FROM t.{name} WHERE run_id = ? ORDER BY ALL"
            found[name] = con.execute(query, [run_id]).fetchall()
        return found


def check(runs: Path, out: Path, alone: dict[str, list[Any]], lines: int | None) -> None:
    """Ingest, and see that nothing is lost, nothing failed and the good run is as it should be."""
    summary = ingest.run([str(runs)], str(out), force=True)
    assert not [note for note in summary.notes if "could not be" in note]
    assert summary.lines == summary.journal_rows + summary.quarantine_rows
    with duckdb.connect() as con:
        con.execute(f"ATTACH '{out}/traces.duckdb' AS t (READ_ONLY)")
        stored = con.execute("SELECT (SELECT count(*) FROM t.journal), (SELECT count(*) FROM t.quarantine)").fetchone()
    assert stored == (summary.journal_rows, summary.quarantine_rows)
    if lines is not None:
        assert summary.lines == lines
    assert rows(out, "good") == alone


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """The rows of the good run where it is ingested alone."""
    folder = tmp_path_factory.mktemp("alone")
    write_journal(folder / "runs", "good", *GOOD)
    ingest.run([str(folder / "runs")], str(folder / "traces"))
    return rows(folder / "traces", "good")


def counted(raw: bytes) -> int:
    """Lines that are not blank."""
    return sum(bool(line.strip()) for line in raw.split(b"\n"))


def damaged_journals(runs: Path, chance: random.Random, number: int) -> int:
    """Write damaged journals; gives how many lines they have."""
    lines = 0
    for n in range(number):
        raw = damage(chance.choice(JOURNALS).read_bytes(), chance)
        folder = runs / f"r{n}"
        folder.mkdir(exist_ok=True)
        (folder / "journal.jsonl").write_bytes(raw)
        lines += counted(raw)
    return lines


@pytest.mark.parametrize("seed", [0, pytest.param(range(1, 60), marks=pytest.mark.slow)])
def test_damaged_journals(seed: int | range, runs: Path, tmp_path: Path, alone: dict[str, list[Any]]) -> None:
    """Every line is a row of `journal` or of `quarantine`, whatever is wrong with the others."""
    good = counted(write_journal(runs, "good", *GOOD).read_bytes())
    for number in seed if isinstance(seed, range) else (seed,):
        lines = damaged_journals(runs, random.Random(number), 60)
        check(runs, tmp_path / "traces", alone, lines + good)


def transcript(chance: random.Random) -> bytes:
    """A saved conversation in one of its shapes."""
    calls = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"path": "a.csv"}'}}]
    messages: list[Any] = [
        {"role": "user", "name": "u", "content": "Write it to a.csv\n```python\nprint(1)\n```"},
        {"role": "user", "name": "e", "content": "exitcode: 0 (execution succeeded)\nCode output: 1"},
        {"role": "assistant", "name": "a", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "c1", "tool_responses": [{"tool_call_id": "c1", "content": "Error: x"}]},
        {"role": "user", "content": [{"type": "text", "text": "é"}, {"type": "image_url", "image_url": {"url": "x"}}]},
    ] * 3
    shape = chance.randrange(5)
    if shape == 0:
        return json.dumps(messages).encode()
    if shape == 1:
        return json.dumps({"task": "t", "messages": messages}, indent=1).encode()
    if shape == 2:
        return json.dumps(messages, indent=2, ensure_ascii=False).encode()
    if shape == 3:
        return "\n".join(json.dumps({"messages": messages}) for _ in range(3)).encode()
    return "\n".join(map(json.dumps, messages)).encode()


@pytest.mark.parametrize("seed", [0, pytest.param(range(1, 60), marks=pytest.mark.slow)])
def test_damaged_files_of_other_kinds(
    seed: int | range, runs: Path, tmp_path: Path, alone: dict[str, list[Any]]
) -> None:
    """Transcripts, and journals in archives: damaged before they were packed, or after."""
    write_journal(runs, "good", *GOOD)
    for number in seed if isinstance(seed, range) else (seed,):
        chance = random.Random(number)
        for n in range(30):
            (runs / f"t{n}.json").write_bytes(damage(transcript(chance), chance))
            packed = gzip.compress(damage(chance.choice(JOURNALS).read_bytes(), chance), 1)
            folder = runs / f"p{n}"
            folder.mkdir(exist_ok=True)
            (folder / "journal.jsonl.gz").write_bytes(damage(packed, chance) if n % 2 else packed)
        check(runs, tmp_path / "traces", alone, None)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.text(st.characters(codec=None), max_size=20)
    | st.sampled_from(
        ["", "a", "\ud800", "\0", "```python\nopen('a', 'w')\n```", "exitcode: 0 (x)\nCode output: y", "{}", "["]
    )
    | st.sampled_from([2**63, -(2**63) - 1, 10**400, 1e308, float("nan"), float("-inf")]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["content", "role", "name", "id", "function", "arguments", "messages", "type", "tool_calls", "usage"]
            )
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


def record(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """A record of this kind with anything in any of its fields."""
    names = [*KINDS.get(kind, ()), *COMMON]
    return st.fixed_dictionaries({"kind": st.just(kind)}, optional={n: VALUES for n in names if n not in ("kind", "v")})


RECORDS = st.sampled_from([*KINDS, "unknown"]).flatmap(record) | st.dictionaries(
    st.text(max_size=5), VALUES, max_size=3
)


def tried(examples: int) -> Callable[..., Any]:
    """The settings of a property test with so many examples."""
    return settings(max_examples=examples, deadline=None)


def made_up(folder: Path, journals: list[list[Any]], alone: dict[str, list[Any]]) -> None:
    """Ingest journals of made-up records beside a good one."""
    runs = folder / "runs"
    lines = counted(write_journal(runs, "good", *GOOD).read_bytes())
    for n, records in enumerate(journals):
        (runs / f"r{n}").mkdir()
        text = "".join(json.dumps({"v": 1, "seq": k, "ts": k, **r}) + "\n" for k, r in enumerate(records))
        (runs / f"r{n}" / "journal.jsonl").write_text(text)
        lines += len(records)
    check(runs, folder / "traces", alone, lines)


JOURNALS_MADE_UP = st.lists(st.lists(RECORDS, max_size=6), min_size=1, max_size=8)


@pytest.mark.slow
@tried(8)
@given(journals=JOURNALS_MADE_UP)
def test_made_up_records(
    journals: list[list[Any]], tmp_path_factory: pytest.TempPathFactory, alone: dict[str, list[Any]]
) -> None:
    """Any value in any field is a row of `journal`, and costs neither its run nor another."""
    made_up(tmp_path_factory.mktemp("made_up"), journals, alone)


@pytest.mark.slow
@tried(400)
@given(journals=JOURNALS_MADE_UP)
def test_many_made_up_records(
    journals: list[list[Any]], tmp_path_factory: pytest.TempPathFactory, alone: dict[str, list[Any]]
) -> None:
    """The same, thousands of records."""
    made_up(tmp_path_factory.mktemp("made_up"), journals, alone)


def test_repeated_keys_are_kept_as_they_are(runs: Path, ingested: Ingest) -> None:
    """The last one counts, as in every JSON reader, and the record holds both."""
    path = write_journal(runs, "r", logged("a", "b", "hi"))
    path.write_text(path.read_text().replace('"sender": "a"', '"sender": "x", "sender": "a"'))
    tables = ingested(runs)
    assert tables.one("SELECT sender FROM messages") == "a"
    assert tables.one('SELECT count(*) FROM journal WHERE record::VARCHAR LIKE \'%"x"%"sender": "a"%\'') == 1


@pytest.mark.slow
def test_lines_of_64_megabytes(runs: Path, tmp_path: Path, alone: dict[str, list[Any]]) -> None:
    """A message as long as a recorder writes one, and as long a line that is no JSON."""
    good = counted(write_journal(runs, "good", *GOOD).read_bytes())
    path = write_journal(runs, "long", logged("a", "b", "x" * (64 << 20)))
    with path.open("ab") as file:
        file.write(b"y" * (64 << 20) + b"\n")
    check(runs, tmp_path / "traces", alone, 4 + good)


def test_a_broken_zstd_and_a_loop_of_links(runs: Path, tmp_path: Path, alone: dict[str, list[Any]]) -> None:
    """Neither costs the run beside it."""
    write_journal(runs, "good", *GOOD)
    (runs / "z").mkdir()
    (runs / "z" / "journal.jsonl.zst").write_bytes(b"\x28\xb5\x2f\xfd" + b"broken" * 10)
    (runs / "one.json").symlink_to(runs / "two.json")
    (runs / "two.json").symlink_to(runs / "one.json")
    (runs / "loop").mkdir()
    (runs / "loop" / "journal.jsonl").symlink_to(runs / "loop" / "journal.jsonl")
    check(runs, tmp_path / "traces", alone, None)


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "/dev/stdin"])
def test_a_device_is_no_source(path: str, tmp_path: Path) -> None:
    """One line, and no reading without end."""
    if not Path(path).exists():
        pytest.skip(f"there is no {path} here")
    if path == "/dev/stdin" and Path(path).is_file():
        pytest.skip("standard input is a file here")
    with pytest.raises(ingest.IngestError, match=r"neither a file nor a folder|no such file"):
        ingest.run([path], str(tmp_path / "traces"))
