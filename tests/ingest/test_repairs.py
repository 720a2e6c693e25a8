"""Which success repaired a failure, where something else succeeded between the two."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import queries
from ingest.events import Event, Where
from ingest.repairs import ALIKE, MAX_COMPARED, MAX_OTHERS, FailedCode
from ingest.syntax import MAX_LENGTH, diff, similarity
from tests.ingest.conftest import Ingest

Rows = list[dict[str, Any]]

BROKEN = "rows = [1, 2, 3]\ntotal = sum(rows)\nprint(totl)\n"
ALSO_BROKEN = BROKEN.replace("totl", "totall")
REPAIRED = BROKEN.replace("totl", "total")
PROBE = "import sys\nprint(sys.version)\n"
OTHER = "with open('a.txt') as file:\n    text = file.read()\nprint(text.upper(), len(text))\n"


def executed(*codes: tuple[str, bool]) -> Rows:
    """A chat in which these codes run, each with whether it works."""
    chat: Rows = []
    for code, works in codes:
        outcome = "0 (execution succeeded)" if works else "1 (execution failed)"
        chat += [
            {"role": "assistant", "name": "coder", "content": f"```python\n{code}```"},
            {"role": "user", "name": "runner", "content": f"exitcode: {outcome}\nCode output: NameError: x"},
        ]
    return chat


def called(*messages: list[tuple[dict[str, Any], bool]]) -> Rows:
    """A chat in which a tool is called, by each message with these arguments, each with whether that works."""
    chat: Rows = []
    for number, calls in enumerate(messages):
        ids = [f"{number} {place}" for place in range(len(calls))]
        functions = [{"name": "fetch", "arguments": json.dumps(arguments)} for arguments, _ in calls]
        asked = [{"id": i, "type": "function", "function": f} for i, f in zip(ids, functions, strict=True)]
        chat.append({"role": "assistant", "name": "a", "content": None, "tool_calls": asked})
        for call_id, (_, works) in zip(ids, calls, strict=True):
            chat.append({"role": "tool", "tool_call_id": call_id, "content": "ok" if works else "Error: down"})
    return chat


@pytest.fixture
def repairs(runs: Path, ingested: Ingest, tmp_path: Path) -> Any:
    """Ingests a chat, and gives of what failed in it (tries, first input, input of the fix)."""

    def found(chat: Rows) -> list[tuple[int, str, str | None]]:
        (runs / "chat.json").write_text(json.dumps(chat))
        ingested(runs)
        rows = queries.run("failures_and_fixes", queries.connect(tmp_path / "traces"))
        return rows.select("tries, failed_input, fixed_input").fetchall()

    return found


@pytest.mark.few
@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([(BROKEN, False), (REPAIRED, True)], [(1, BROKEN, REPAIRED)]),
        ([(BROKEN, False), (PROBE, True), (REPAIRED, True)], [(1, BROKEN, REPAIRED)]),
        # it fails once more after the probe: one failure, two tries
        ([(BROKEN, False), (PROBE, True), (ALSO_BROKEN, False), (REPAIRED, True)], [(2, BROKEN, REPAIRED)]),
        ([(BROKEN, False), (PROBE, True), (ALSO_BROKEN, False)], [(2, BROKEN, None)]),
        # nothing like it comes: what came next is all that is known
        ([(BROKEN, False), (PROBE, True), (OTHER, True)], [(1, BROKEN, PROBE)]),
        # what came between repaired another failure
        (
            [(BROKEN, False), (PROBE, True), (OTHER, False), (OTHER, True), (REPAIRED, True)],
            [(1, BROKEN, REPAIRED), (1, OTHER, OTHER)],
        ),
        # two fail before either is repaired
        (
            [(BROKEN, False), (OTHER, False), (OTHER, True), (REPAIRED, True)],
            [(1, BROKEN, REPAIRED), (1, OTHER, OTHER)],
        ),
        # neither is: what came next is all that is known of both
        ([(BROKEN, False), (OTHER, False), (PROBE, True)], [(2, BROKEN, PROBE)]),
        ([(BROKEN, False), *[(PROBE, True)] * MAX_OTHERS, (REPAIRED, True)], [(1, BROKEN, PROBE)]),
    ],
    ids=["next", "probe", "again", "open", "nothing alike", "another", "two", "neither", "too late"],
)
def test_code_is_repaired_by_what_is_like_it(
    codes: list[tuple[str, bool]], expected: list[tuple[int, str, str | None]], repairs: Any
) -> None:
    """A probe that succeeds between a failure and its repair is passed over."""
    found = repairs(executed(*codes))
    assert [(tries, failed.strip(), fixed and fixed.strip()) for tries, failed, fixed in found] == [
        (tries, failed.strip(), fixed and fixed.strip()) for tries, failed, fixed in expected
    ]


WEST, EAST = {"u": "west"}, {"u": "east"}


@pytest.mark.few
@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([[(WEST, False)], [(EAST, True)], [(WEST, True)]], [(1, WEST, WEST)]),
        ([[(WEST, False)], [(EAST, True)]], [(1, WEST, EAST)]),
        ([[(WEST, False)], [(EAST, True)], [(WEST, False)], [(WEST, True)]], [(2, WEST, WEST)]),
        # both failed at once, and the other one was repaired first
        ([[(WEST, False), (EAST, False)], [(EAST, True)], [(WEST, True)]], [(1, WEST, WEST), (1, EAST, EAST)]),
        ([[(EAST, False)], [(WEST, False)], [(WEST, True)]], [(1, EAST, WEST), (1, WEST, WEST)]),
        # what keeps failing is repaired by nothing in between
        ([[(WEST, False)], [(EAST, True)], [(WEST, False)], [(EAST, True)], [(WEST, False)]], [(3, WEST, None)]),
        # half of the arguments are the same: what was wrong with the others is repaired
        (
            [[({"u": "west", "n": 0}, False)], [({"u": "west", "n": 1}, True)], [({"u": "west", "n": 0}, True)]],
            [(1, {"u": "west", "n": 0}, {"u": "west", "n": 1})],
        ),
        # what one message asks for repairs nothing of the same message
        ([[(WEST, False), (WEST, True)], [(EAST, True)]], [(1, WEST, EAST)]),
        # many at once, asked for once more in another order
        (
            [[({"u": n}, False) for n in range(20)], [({"u": n}, True) for n in reversed(range(20))]],
            [(1, {"u": n}, {"u": n}) for n in range(20)],
        ),
    ],
    ids=["same call", "next", "again", "two at once", "one of two", "never", "half", "same message", "many"],
)
def test_a_call_is_repaired_by_the_same_call(
    messages: list[list[tuple[dict[str, Any], bool]]],
    expected: list[tuple[int, dict[str, Any], dict[str, Any] | None]],
    repairs: Any,
) -> None:
    """Or by one that shares half of its arguments, and else by the next."""
    found = [
        (tries, json.loads(failed), fixed and json.loads(fixed)) for tries, failed, fixed in repairs(called(*messages))
    ]
    assert found == expected


def test_an_earlier_call_repairs_nothing(repairs: Any) -> None:
    """A call that was asked for before, and answered later, is no repair."""
    calls = [[("1", "down")], [("2", "down")]]
    chat: Rows = []
    for ((call_id, _),) in calls:
        function = {"name": "fetch", "arguments": json.dumps(WEST)}
        chat.append({"role": "assistant", "tool_calls": [{"id": call_id, "type": "function", "function": function}]})
    chat.append({"role": "tool", "tool_call_id": "2", "content": "Error: down"})
    chat.append({"role": "tool", "tool_call_id": "1", "content": "ok"})
    assert [fixed for _, _, fixed in repairs(chat)] == [None]


def test_code_too_long_to_be_compared_is_like_its_kind(repairs: Any) -> None:
    """It neither takes the repair of short code nor gives it its own."""
    long, longer = ("data = '''" + "ACGT " * MAX_LENGTH + f"'''\nprint(len(data), {n})\n" for n in range(2))
    found = repairs(executed((long, False), (PROBE, True), (BROKEN, False), (REPAIRED, True), (longer, True)))
    fixes = {failed.strip(): fixed.strip() for _, failed, fixed in found}
    assert fixes == {long.strip(): longer.strip(), BROKEN.strip(): REPAIRED.strip()}


def test_what_is_no_repair_has_its_difference_too(runs: Path, ingested: Ingest, tmp_path: Path) -> None:
    """Of two failures the probe is the next success; one is repaired later. How unlike the other is is known, and what
    differs where nothing else failed before it."""
    chat = executed((BROKEN, False), (OTHER, False), (PROBE, True), (REPAIRED, True))
    (runs / "chat.json").write_text(json.dumps(chat))
    ingested(runs)
    rows = queries.run("failures_and_fixes", queries.connect(tmp_path / "traces"), min_similarity=0)
    found = rows.select("failed_input, fixed_input, similarity, changed").fetchall()
    expected = [
        (failed.strip(), fixed.strip(), similarity(failed.strip(), fixed.strip()), changed)
        for failed, fixed, changed in (
            (BROKEN, REPAIRED, diff(BROKEN.strip(), REPAIRED.strip())),
            (OTHER, PROBE, None),
        )
    ]
    assert [(failed.strip(), fixed.strip(), *rest) for failed, fixed, *rest in found] == expected


LINES = ("alpha = load('one')", "beta = alpha + 1", "import os", "for name in os.listdir(): print(name)", "gg(4)")


@given(st.lists(st.tuples(st.booleans(), st.lists(st.sampled_from(LINES), min_size=1, max_size=3)), max_size=30))
def test_repairs_are_those_of_a_plain_search(steps: list[tuple[bool, list[str]]]) -> None:
    """Each success fixes the waiting failure that it is most like, and was the first since those nothing followed."""
    failures, waiting = FailedCode(), []
    for place, (works, lines) in enumerate(steps):
        code = "\n".join(lines)
        where = Where(str(place), place, None)
        status = "completed" if works else "failed"
        event = Event(
            str(place), "code_exec", "executed", where, None, status, None, None, {"code": code}, {}, None, {}
        )
        likeness = [max(similarity(version, code) or 0 for version in known["versions"]) for known in waiting]
        best = max(likeness, default=0)
        like = waiting[likeness.index(best)] if best >= ALIKE else None
        if not works:
            failures.failed(event, "talk", "python")
            assert event.meta == ({"try_of": like["id"]} if like else {})
            if like:
                like.update(versions=(like["versions"][0], code), others=0)
            else:
                waiting.append({"id": str(place), "versions": (code, code), "others": 0})
            waiting = waiting[-MAX_COMPARED:]
        else:
            failures.succeeded(event, "talk", ["python"])
            told = [(fix["id"], fix["alike"], fix["similarity"]) for fix in event.meta.get("fixes", [])]
            assert told == [
                (known["id"], known is like, similarity(known["versions"][0], code))
                for known in waiting
                if known is like or not known["others"]
            ]
            waiting = [{**known, "others": known["others"] + 1} for known in waiting if known is not like]
            waiting = [known for known in waiting if known["others"] < MAX_OTHERS]
