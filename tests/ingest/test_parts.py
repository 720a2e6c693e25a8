"""The parts that can be tried alone."""

import contextlib
import json
import random
from array import array
from collections import Counter

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import alignment
from ingest import rows as rows_module
from ingest.alignment import align
from ingest.events import Where
from ingest.lines import MAX_DEPTH, decode, encode
from ingest.messages import parse_message, plain_text
from ingest.rows import CHUNK_ROWS, TableRows, rank
from ingest.schema import TABLES, Column, Table
from ingest.seen import Seen
from ingest.sources import SOURCES
from ingest.talk import History
from ingest.written import code_hash

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec=None)), inner),
    max_leaves=20,
)


@given(VALUES)
def test_whatever_python_writes_as_json_is_read(value: object) -> None:
    """NaN, infinities, large integers and lone surrogates included; the text given back is strict JSON."""
    read, text = decode(json.dumps(value).encode())
    assert orjson.loads(text) is not Ellipsis
    assert decode(encode(read).encode())[0] is not Ellipsis


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_in_one_line(raw: bytes) -> None:
    """Nothing but ValueError, and its text is one line."""
    with contextlib.suppress(ValueError):
        decode(raw)
        return
    with pytest.raises(ValueError, match=r"\A[^\n]*\Z"):
        decode(raw)


def test_nesting_has_a_limit() -> None:
    """At the limit a value is read, above it refused."""
    decode(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    for depth in (MAX_DEPTH + 1, 1100, 100_000):
        with pytest.raises(ValueError, match=r"nested|depth|not JSON"):
            decode(b"[" * depth + b"]" * depth)


@given(st.lists(st.sampled_from("abc"), max_size=30), st.lists(st.sampled_from("abc"), max_size=30))
def test_alignment_is_rising_and_true(left: list[str], right: list[str]) -> None:
    """Matched messages are equal, in order, each used once."""
    a, b = [x.encode() for x in left], [x.encode() for x in right]
    matches = align(a, b)
    found = [m for m in matches if m is not None]
    assert found == sorted(set(found))
    assert all(a[m] == b[i] for i, m in enumerate(matches) if m is not None)


@given(st.lists(st.sampled_from("ab"), max_size=40), st.lists(st.sampled_from("abc"), max_size=40))
def test_an_alignment_in_little_memory_is_rising_and_true(left: list[str], right: list[str]) -> None:
    """Where hundreds of thousands say the same, few pairs are looked at; the end that both have is all matched."""
    journal, transcript = [hash(x) for x in left], [hash(x) for x in right]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alignment, "PAIRS", 30)
        matches = align(journal, transcript)
    found = [(place, number) for number, place in enumerate(matches) if place is not None]
    assert all(journal[place] == transcript[number] for place, number in found)
    assert [place for place, _ in found] == sorted({place for place, _ in found})
    same = 0
    while same < min(len(left), len(right)) and left[-1 - same] == right[-1 - same]:
        same += 1
    assert found[len(found) - same :] == [(len(left) - same + n, len(right) - same + n) for n in range(same)]


@given(st.lists(st.integers(0, 3), max_size=12), st.lists(st.lists(st.integers(0, 3), max_size=8), max_size=4))
def test_a_history_is_known_as_often_as_the_run_had_it(said: list[int], histories: list[list[int]]) -> None:
    """What it adds to the run counts for the histories after it, and not for itself."""
    seen = Seen()

    def add(key: int) -> None:
        seen.add(key, parse_message(None), Where("", 0, None), None)

    for key in said:
        add(key)
    for given_again in histories:
        before, history = Counter(seen.counts()), History(seen)
        for key in given_again:
            before[key] -= 1
            is_known = history.is_known(key)
            assert is_known == (before[key] >= 0)
            if not is_known:
                add(key)


@given(st.lists(st.sampled_from("abcd"), max_size=40), st.sets(st.integers(0, 39)))
def test_a_journal_that_lacks_nothing_matches_all(journal: list[str], dropped: set[int]) -> None:
    """A transcript with some messages left out is found in the journal, whatever repeats."""
    keys = [x.encode() for x in journal]
    transcript = [k for i, k in enumerate(keys) if i not in dropped]
    assert None not in align(keys, transcript)


@pytest.mark.slow
def test_a_long_transcript_is_aligned_quickly() -> None:
    """Twenty thousand messages, all but one of them the same, with the first ones missing."""
    keys = [b"%d" % (n % 50) for n in range(20_000)]
    matches = align(keys, keys[7:])
    assert sum(m is not None for m in matches) > 19_900


@given(st.lists(st.integers(0, 5)), st.booleans(), st.sampled_from([1, 2, 3, 7, 65_536]))
def test_rank_is_the_place_in_a_stable_sort(positions: list[int], nearly_sorted: bool, together: int) -> None:
    """Rows at the same position keep their order, also where a long run is sorted in parts."""
    if nearly_sorted:
        positions = [place + position for place, position in enumerate(positions)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows_module, "SORTED_ROWS", together)
        ranks = rank(array("q", positions))
    assert sorted(ranks) == list(range(len(positions)))
    placed = sorted(range(len(positions)), key=ranks.__getitem__)
    assert placed == sorted(range(len(positions)), key=lambda i: (positions[i], i))


def test_many_rows_come_back_in_order_with_their_late_columns() -> None:
    """More rows than a batch holds, spooled, with a column filled in at the end."""
    table = Table("t", "", (Column("content", "VARCHAR", ""), Column("place", "BIGINT", "")))
    rows, count = TableRows(table), CHUNK_ROWS * 3 + 5
    for n in range(count):
        rows.add([str(n), None])
    chunks = list(rows.chunks(place=range(count, 0, -1)))
    assert [row for chunk, _ in chunks for row in chunk] == [[str(n), count - n] for n in range(count)]
    assert sum(size for _, size in chunks) == sum(len(str(n)) for n in range(count))


def test_content_lists_are_flattened_as_ag2_does() -> None:
    """Texts on lines of their own, images as <image>; AG2's own function agrees where it is installed."""
    parts = [{"type": "text", "text": "look: "}, {"type": "image_url", "image_url": {"url": "x"}}]
    assert plain_text(parts) == "look: \n<image>"
    code_utils = pytest.importorskip("autogen.code_utils", reason="needs AG2 to compare with")
    assert plain_text(parts) == code_utils.content_str(parts)


def test_a_tool_request_has_one_key_on_every_channel() -> None:
    """Its content is None on one channel, empty on another, and the text 'None' in a pattern chat's history."""
    calls = [{"id": "c", "type": "function", "function": {"name": "t", "arguments": "{}"}}]
    keys = {parse_message({"content": c, "tool_calls": calls}, "a").key() for c in (None, "", "None")}
    assert len(keys) == 1
    assert parse_message("None", "a").key() != parse_message("", "a").key()


def test_code_hash_ignores_white_space_at_line_ends() -> None:
    """The same code pasted twice is one code."""
    assert code_hash("a = 1  \nb = 2\n\n") == code_hash("a = 1\nb = 2")
    assert code_hash("a = 1") != code_hash("a = 2")


def test_sources_and_tables_have_names_of_their_own() -> None:
    """Registered once each."""
    assert len({s.name for s in SOURCES}) == len(SOURCES)
    for table in TABLES.values():
        assert len({c.name for c in table.columns}) == len(table.columns)
        assert all(c.doc for c in table.columns)


def test_random_messages_parse() -> None:
    """Objects with the right keys and the wrong values are no error."""
    odd = [None, 1, "x", [], {}, [1], {"a": 1}, True]
    chance = random.Random(7)
    keys = ["role", "name", "content", "tool_calls", "function_call", "tool_responses", "tool_call_id"]
    for _ in range(2000):
        parse_message({k: chance.choice(odd) for k in keys}).key()
