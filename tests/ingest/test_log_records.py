"""The parts of AG2's logs that are no plain JSON: Python's text of an object, and times without a zone."""

from typing import Any

import pytest

from ingest.ag2_logs import nanoseconds, parse_repr


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A(b=1, c=-2.5e-3, d=None, e=True)", {"b": 1, "c": -0.0025, "d": None, "e": True}),
        (r"A(b='it\'s', c=\"x\", d='\n\u00e9')".replace(r"\"", '"'), {"b": "it's", "c": "x", "d": "\n\u00e9"}),
        ("A(b=[B(c=1), B(c=2)], d={'e': (1, 2)})", {"b": [{"c": 1}, {"c": 2}], "d": {"e": [1, 2]}}),
        ("A(b=[x for x in y], c=f(1))", {"b": "[x for x in y]", "c": "f(1)"}),
        ("A(b=datetime.datetime(2026, 1, 14), c=nan)", {"b": "datetime.datetime(2026, 1, 14)", "c": "nan"}),
        ("A(b=<Kind.X: 'x'>)", {"b": "x"}),
        ("a='x' b=[B(c='d e=1')] f={} g=None", {"a": "x", "b": [{"c": "d e=1"}], "f": {}, "g": None}),
    ],
)
def test_the_text_of_an_object_is_read(text: str, value: Any) -> None:
    """Keyword arguments and literals come back as a dict; what is neither stays text."""
    assert parse_repr(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "error_code:401, config 0 failed",
        "A(b=<Kind.X: 1>)",
        "A(b='open)",
        "a=1) b=(2",
        "a='x'; b=1",
        "A(b=1",
        "A(b=1 + 1)",
        "A(b=__import__('os').system('true'))",
        "A(b=" + "[" * 100_000 + "]" * 100_000 + ")",
        "A(b=" + "B(c=" * 200 + "1" + ")" * 201,
        "A(b=" + "-" * 100_000 + "1)",
        "A(b=" + "1+" * 100_000 + "1)",
        "A(b=x" + ".x" * 100_000 + ")",
        "A(b=" + "9" * 100_000 + ")",
    ],
    ids=lambda text: text[:12],
)
def test_any_other_text_stays_as_it_is(text: str) -> None:
    """Nothing in it is run, and no depth of it ends the parser."""
    assert parse_repr(text) == text


def test_times_are_utc() -> None:
    """AG2 writes UTC without saying so; what is no time is none."""
    assert nanoseconds("1970-01-02 00:00:01.000002") == 86_401_000_002_000
    assert nanoseconds("2026-01-14 09:00:00") == nanoseconds("2026-01-14T11:00:00+02:00") == 1_768_381_200 * 10**9
    odd: list[Any] = ["soon", None, 7, [], "2026-13-01 00:00:00"]
    assert [nanoseconds(time) for time in odd] == [None] * 5
