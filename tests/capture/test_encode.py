"""Anything becomes JSON, one line of valid UTF-8, and what had to be replaced is named."""

import dataclasses
import datetime
import enum
import math
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from autogen import runtime_logging
from autogen.agentchat.group.events.transition_events import AfterWorksTransitionEvent, OnConditionLLMTransitionEvent
from autogen.agentchat.group.targets.transition_target import AgentTarget
from autogen.events.agent_events import ErrorEvent, ExecutedFunctionEvent, InputRequestEvent, TextEvent
from autogen.io.base import IOStream
from hypothesis import given, settings
from hypothesis import strategies as st

import capture
from capture import encode
from tests.capture.agents import talker
from tests.capture.recorded import journal, of_kind


class Color(enum.Enum):
    """An enumeration."""

    RED = "red"


class Angry:
    """Refuses everything."""

    def __repr__(self) -> str:
        raise RuntimeError("no")

    __str__ = __repr__


class Unloaded:
    """Raises when its attributes are looked at."""

    @property
    def name(self) -> str:
        raise RuntimeError("not loaded")

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("outside of a request")


class Elsewhere:
    """Has no attributes that Python knows of, and lets nobody look."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"no {name}")

    def __repr__(self) -> str:
        return "Elsewhere(3)"


class Disguised:
    """Raises already when it is asked for its class."""

    @property
    def __class__(self) -> Any:
        raise RuntimeError("no class")

    @__class__.setter
    def __class__(self, value: Any) -> None:
        pass


@dataclasses.dataclass
class Lazy:
    """A dataclass of which one field is computed, and can't be."""

    good: set[int]
    bad: int = dataclasses.field(init=False)

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"{name} is not there yet")


class Closed(dict[str, Any]):
    """A mapping that can't be read."""

    def items(self) -> Any:
        raise RuntimeError("closed")


class Word(str):
    """A text with a form of its own."""

    def __str__(self) -> str:
        raise RuntimeError("no")


def loop() -> dict[str, Any]:
    """A dict that holds itself."""
    value: dict[str, Any] = {"a": 1}
    value["self"] = value
    return value


def deep(depth: int) -> list[Any]:
    """Lists in lists."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def through(value: Any) -> tuple[Any, list[str]]:
    """A value as a reader gets it, and the reasons for what was replaced."""
    data, replaced = encode.to_json(value)
    assert b"\n" not in data
    return orjson.loads(data), [note["reason"] for note in replaced]


def test_what_json_knows_stays_as_it_is() -> None:
    """Nothing is replaced in plain values, nor in those with one obvious form."""
    plain = {"a": [1, 2.5, None, True, "ü\x00\n"], "b": {}}
    assert through(plain) == (plain, [])
    natural = {
        1: Path("x/y"),
        "when": datetime.date(2026, 1, 2),
        "id": uuid.UUID(int=7),
        "set": frozenset({3}),
        "color": Color.RED,
        "bytes": b"abc",
    }
    assert through(natural) == (
        {
            "1": "x/y",
            "when": "2026-01-02",
            "id": str(uuid.UUID(int=7)),
            "set": [3],
            "color": "red",
            "bytes": "abc",
        },
        [],
    )


@pytest.mark.parametrize(
    ("value", "written", "reason"),
    [
        ("a\ud800b", "a\\ud800b", "text with lone surrogates, written as \\udXXX"),
        (2**70, hex(2**70), "integer beyond 64 bits"),
        (b"\xff\x00", "\\xff\x00", "2 bytes that are no UTF-8"),
        (math.nan, None, "nan"),
        (len, "builtins.len", "builtins.builtin_function_or_method"),
        (Angry(), f"<{__name__}.Angry>", f"{__name__}.Angry"),
    ],
)
def test_what_json_does_not_know_is_replaced_by_text(value: Any, written: str | None, reason: str) -> None:
    """The text stands in its place, and the path says where."""
    data, replaced = encode.to_json({"x": [value], "y": {2}})
    assert orjson.loads(data) == {"x": [written], "y": [2]}
    assert replaced == [{"path": "$.x[0]", "reason": reason}]


@pytest.mark.parametrize(
    ("make", "noted"),
    [
        (Unloaded, True),
        (Disguised, True),
        (lambda: Lazy({1}), True),
        (lambda: Closed(a=object()), True),
        (lambda: [Word("w"), {1}], False),
        (lambda: {Word("w"): {1}}, True),
        (lambda: {Angry(): {1}}, True),
    ],
    ids=["getattr", "class", "field", "items", "text", "key text", "key"],
)
def test_a_value_that_raises_costs_only_itself(make: Any, noted: bool) -> None:
    """The rest of the record is as it was, in an action and in the first record, and `replaced` names the place."""
    with capture.start("runs", task="plot", tags={"bad": make(), "good": "tag"}) as run:
        run.log("decision", "pick", bad=make(), good="detail", result=[make(), "result"])
    records = journal(run)
    assert (records[0]["task"], records[0]["tags"]["good"], records[0]["run_id"]) == ("plot", "tag", run.id)
    action = of_kind(records, "action")[0]
    assert (action["action_name"], action["details"]["good"], action["result"][1]) == ("pick", "detail", "result")
    assert ("$.tags.bad" in str(records[0].get("replaced"))) is noted
    assert ("$.result[0]" in str(action.get("replaced"))) is noted


def test_keys_that_raise_or_are_the_same_text_keep_their_values() -> None:
    """No value of a mapping is lost to its key."""
    assert through({Angry(): 1, Angry(): 2, 3: "int", "3": "str"})[0] == {
        f"<{__name__}.Angry>": 1,
        f"<{__name__}.Angry>'": 2,
        "3": "int",
        "3'": "str",
    }
    assert through(Lazy({1}))[0] == {"good": [1], "bad": f"<{__name__}.Lazy>"}


def test_exceptions_keep_their_traceback() -> None:
    """An exception becomes an object with type, message and traceback."""
    try:
        raise ValueError("no")
    except ValueError as error:
        written, reasons = through(error)
    assert (written["type"], written["message"], reasons) == ("ValueError", "no", ["exception ValueError"])
    assert "test_encode.py" in written["traceback"]


def test_loops_and_depths_end() -> None:
    """What contains itself, or is nested without end, is cut there."""
    assert through(loop()) == ({"a": 1, "self": None}, ["contains itself"])
    written, reasons = through(deep(5000))
    assert reasons == ["nested too deeply"]
    assert orjson.dumps(written).count(b"[") == encode.MAX_DEPTH


def test_objects_of_a_response_are_their_attributes() -> None:
    """Where they have some: what keeps its values elsewhere, as an array of a library does, is text."""
    data, replaced = encode.response_to_json(
        SimpleNamespace(text="Yes.", at=Elsewhere(), _client=Elsewhere()), masks=True
    )
    assert orjson.loads(data) == {"text": "Yes.", "at": "Elsewhere(3)"}
    assert [note["path"] for note in replaced] == ["$.at"]


def test_arrays_are_lists() -> None:
    """Small numpy values become numbers and lists."""
    numpy = pytest.importorskip("numpy", reason="numpy is not installed")
    assert through({"a": numpy.arange(3), "b": numpy.float64(0.5)}) == ({"a": [0, 1, 2], "b": 0.5}, [])


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary(max_size=20)
    | st.builds(object)
    | st.builds(ValueError, st.text(st.characters())),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters()) | st.integers(), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(values)
@settings(max_examples=200, deadline=None)
def test_any_value_at_all_can_be_read_back(value: Any) -> None:
    """Whatever comes, the result is one line of JSON that a reader accepts."""
    data, replaced = encode.to_json(value)
    orjson.loads(data)
    orjson.loads(encode.to_json(replaced)[0])
    assert b"\n" not in data


@pytest.mark.parametrize(
    ("event", "path", "find"),
    [
        (lambda: ErrorEvent(error=ValueError("no")), "$.event.content.error", lambda c: c["error"]["message"] == "no"),
        (
            lambda: AfterWorksTransitionEvent(source_agent=talker("ann"), transition_target=AgentTarget(talker("bob"))),
            "$.event.content.source_agent",
            lambda c: (c["source_agent"], c["transition_target"]["agent_name"]) == ("ann", "bob"),
        ),
        (
            lambda: OnConditionLLMTransitionEvent(
                source_agent=talker("ann"), transition_target=AgentTarget(talker("bob"))
            ),
            "$.event.content.source_agent",
            lambda c: (c["source_agent"], c["transition_target"]["agent_name"]) == ("ann", "bob"),
        ),
        (
            lambda: TextEvent(content="a\ud800", sender="a", recipient="b"),
            "$.event.content.content",
            lambda c: c["content"] == "a\\ud800",
        ),
        (
            lambda: InputRequestEvent(prompt="?", respond=lambda text: None),
            "$.event.content.respond",
            lambda c: "lambda" in c["respond"],
        ),
        (
            lambda: ExecutedFunctionEvent(
                func_name="f", call_id="1", arguments={}, content=Angry(), recipient=talker("a"), is_exec_success=True
            ),
            "$.event.content.content",
            lambda c: "Angry" in c["content"],
        ),
        (
            lambda: ExecutedFunctionEvent(
                func_name="f", call_id="1", arguments=loop(), content="", recipient=talker("a"), is_exec_success=True
            ),
            "$.event.content.arguments.self.self.self",
            lambda c: c["arguments"]["self"]["a"] == 1,
        ),
    ],
)
def test_events_that_ag2_cannot_serialise_are_recorded(event: Any, path: str, find: Any) -> None:
    """Each is in the journal in AG2's own shape, with the path of what was replaced, and goes on to the console."""
    passed_on = []

    class Console(IOStream):
        def send(self, message: Any) -> None:
            passed_on.append(message)

    sent = event()
    with IOStream.set_default(Console()), capture.start("runs") as run:  # type: ignore[arg-type]
        IOStream.get_default().send(sent)
    record = of_kind(journal(run), "event")[0]
    assert record["event"]["type"] == sent.type
    assert find(record["event"]["content"])
    assert path in [note["path"] for note in record["replaced"]]
    assert passed_on == [sent]


def test_an_event_that_is_no_event_is_recorded() -> None:
    """Even an object that AG2 would never send becomes a record."""

    class Console(IOStream):
        def send(self, message: Any) -> None:
            pass

    with IOStream.set_default(Console()), capture.start("runs") as run:  # type: ignore[arg-type]
        for thing in ("text", Angry(), None):
            IOStream.get_default().send(thing)
    assert [r["event"]["type"] for r in of_kind(journal(run), "event")] == ["str", "Angry", "NoneType"]
    assert run.stats()["lost"] == 0


def test_numbers_that_json_has_not_are_noted() -> None:
    """NaN and the infinities are null in what the user marks and what functions return, and `replaced` says which."""
    with capture.start("runs", tags={"limit": math.inf}) as run:
        run.log("tool_call", "fit", loss=[0.5, math.nan], best=(1, {"a": -math.inf}), nothing=None)
        run.log("tool_call", "fit", loss=[math.nan, {1}])
        runtime_logging.log_function_use(talker("a"), len, {}, {"loss": math.nan})
    records = journal(run)
    assert records[0]["replaced"] == [{"path": "$.tags.limit", "reason": "inf"}]
    first, second = of_kind(records, "action")
    assert first["details"]["loss"] == [0.5, None]
    assert first["replaced"] == [
        {"path": "$.details.loss[1]", "reason": "nan"},
        {"path": "$.details.best[1].a", "reason": "-inf"},
    ]
    assert second["replaced"] == [{"path": "$.details.loss[0]", "reason": "nan"}]
    assert of_kind(records, "function_call")[0]["replaced"] == [{"path": "$.result.loss", "reason": "nan"}]
