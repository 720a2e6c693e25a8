"""Values that are to be masked are found however they are written, and are learned at once."""

import base64
import json
import sys
from urllib.parse import quote, quote_plus

import orjson
import pytest

from capture.known import LATEST, SEARCHES, Known
from capture.mask import LEARNED, Mask
from capture.tokens import MASKED

ODD = "aB3$d E'f\"G7\\hI/9=jK"


@pytest.fixture(params=["re2", "plain"])
def search(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With RE2, and as it is where that is not installed."""
    if request.param == "plain":
        monkeypatch.setitem(sys.modules, "re2", None)
    return str(request.param)


@pytest.mark.parametrize(
    "written",
    [
        ODD,
        quote(ODD, safe=""),
        quote(ODD),
        quote_plus(ODD),
        base64.b64encode(ODD.encode()).decode(),
        base64.urlsafe_b64encode(ODD.encode()).decode().rstrip("="),
        repr(ODD)[1:-1],
        repr(f"'\"{ODD}'\"")[1:-1],
        json.dumps(ODD),
        json.dumps(json.dumps(ODD)),
    ],
)
def test_a_value_is_found_as_programs_write_it(search: str, written: str) -> None:
    """In an address, in base64, as Python shows it, in JSON in a text; also once many values came together."""
    for more in (0, 50):
        mask = Mask({"MY_PASSWORD": ODD})
        mask.learn(f"other-value-{i}" for i in range(more))
        text = orjson.loads(mask.json(orjson.dumps(f"x={written}&y")))
        assert written not in text
        assert text.startswith("x=")
        assert MASKED in text
        assert text.endswith("&y")


@pytest.mark.parametrize("number", [1, LATEST - 1, LATEST, LATEST + 1, 100])
def test_every_value_learned_is_found_at_once_and_later(search: str, number: int) -> None:
    """Whether it is among the latest, or has been taken into the pattern by number or by time."""
    known = Known()
    values = [f"value-{i}-abcdefgh-{i * 7919}" for i in range(number)]
    known.learn(values)
    for round in range(SEARCHES + 2):
        value = values[round % number]
        assert known.suspect(f'"a":"it is {value}"'.encode())
        assert not known.suspect(b'"a":"it is nothing"')
    pattern = known.pattern(b" ".join(value.encode() for value in values))
    assert pattern is not None
    assert pattern.sub("", " ".join(values)).strip() == ""


def test_values_are_taken_into_the_pattern_in_lots(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand values, one after the other, cost few patterns: making one takes milliseconds."""
    made = []
    known = Known()
    before = Known._compile
    monkeypatch.setattr(Known, "_compile", lambda self: (made.append(1), before(self)))
    for i in range(LEARNED):
        known.learn([f"value-{i}-abcdefgh"])
    assert len(made) <= LEARNED // LATEST


def test_a_long_value_is_found_by_all_of_it(search: str) -> None:
    """What only begins like it stays."""
    secret = "0123456789abcdef" * 200 + "-the-end-of-it"
    mask = Mask({"BIG_SECRET": secret})
    assert orjson.loads(mask.json(orjson.dumps(f"a {secret} b"))) == f"a {MASKED} b"
    assert orjson.loads(mask.json(orjson.dumps(f"a {secret[:60]} b"))) == f"a {secret[:60]} b"


def test_thousands_of_values_are_found(search: str, capfd: pytest.CaptureFixture[str]) -> None:
    """The pattern has room for them, and says nothing on the console."""
    known = Known()
    known.learn(f"value-{i}-abcdefgh-{i * 7919}" for i in range(2000))
    assert known.suspect(b'"a":"value-1234-abcdefgh-9772046"')
    assert not known.suspect(b'"a":"nothing"' * 100)
    assert capfd.readouterr() == ("", "")
