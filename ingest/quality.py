"""How good the responses of language models are: checks that need no other model, made once, at ingest.

`CHECKS` lists them in order of weight. An error means that there is no answer to speak of, so it ends the checks: those
after it count as not passed. A warning costs its own mark alone. The score is the share of checks passed, so a response
with an error has at most 0.43, one with a single warning 0.86, and a good one 1.

Expressions are RE2's and texts are looked at once from front to back: time grows linearly with their length.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import re2

from ingest.answers import Answer
from ingest.extractors.blocks import prose, sound
from ingest.lines import encode
from ingest.messages import plain_text
from ingest.phrases import OPENING, refuses, takes_back, tells_error
from ingest.talk import INTERNAL_AGENTS

MIN_WORDS, MAX_WORDS = 5, 5000
"""Fewer words are too short for an answer, more are too long."""

SHORT_ERROR = 60
"""Words up to which a text that begins like an error message is taken for one, and not for a report about one."""


class Quality(NamedTuple):
    """The verdict on one response, in the order of the columns of `llm_calls`."""

    valid: bool
    score: float
    errors: list[str]
    warnings: list[str]
    metrics: dict[str, Any]

    def row(self) -> tuple[bool, float, str, str, str]:
        """The values of the columns."""
        return self.valid, self.score, encode(self.errors), encode(self.warnings), encode(self.metrics)


@dataclass(slots=True)
class Reply:
    """A response as the checks see it.

    Attributes:
        text: what it says, lone surrogates replaced.
        prose: the text without its fenced code, typographic apostrophes made plain.
        words: words of the text; each character counts in scripts that put no blanks between words.
        has_code: there is a fence in the text.
        arguments: of each tool call, the arguments as text.
        json_fences: what stands in its fences that are marked `json`.
        declined: the server says that the model refused or that a filter cut in.
        failed: the call failed; the text is what stands in place of a response.
        wants_json: the request asks for JSON.
        one_name: the request asks for one name.
    """

    text: str
    prose: str
    words: int
    has_code: bool
    arguments: tuple[str, ...]
    json_fences: list[str]
    declined: bool
    failed: bool
    wants_json: bool
    one_name: bool


@dataclass(frozen=True)
class Check:
    """One check. `fails` says whether a response fails it; `rule` says the same in words."""

    name: str
    kind: Literal["error", "warning"]
    rule: str
    fails: Callable[[Reply], bool]


_SPACELESS = re2.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]+")
_BLANK_OR_MARK = bytes(b" x"[not chr(code).isspace()] for code in range(256))
_FINISHED = re2.compile(r"^\W*TERMINATE\W*$")
_NOTHING = ("None", "null")
"""What stands for an answer that is missing; `None.` and `none` are words."""

_JSON_BEGINS = re2.compile(r"^\s*(?:\{\s*[\"'}]|\[\s*[\]{\"]|\[\s*-?\d[\d.eE+-]*\s*,[\d\s.,eE+-]*\]?\s*$)")
"""A list of numbers only as the whole text: `[1, 2]` before other words is a reference."""

_JSON_FENCE = re2.compile(r"(?is)```[ \t]*json[ \t]*\r?\n(.*?)(?:\n[ \t]*```|\z)")
_PLAIN_FENCE = re2.compile(r"(?s)```[ \t]*\r?\n(.*?)(?:\n[ \t]*```|\z)")


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(strict=False, parse_int=str, parse_constant=_no_number)
"""Takes line ends inside strings and whole numbers of any length."""

_CALL_DECODER = json.JSONDecoder(parse_int=str)
"""Takes `NaN` and `Infinity` too, as AG2 does in the arguments of a tool call."""


def _is_empty(reply: Reply) -> bool:
    if reply.arguments or reply.declined or reply.failed:
        return False
    text = reply.text.strip()
    return not text or (text in _NOTHING and not reply.one_name)


def _is_error_text(reply: Reply) -> bool:
    if reply.failed:
        return True
    return 0 < reply.words <= SHORT_ERROR and not reply.has_code and tells_error(reply.prose)


def _is_refusal(reply: Reply) -> bool:
    if reply.declined:
        return True
    if reply.arguments or reply.has_code:
        return False
    return refuses(reply.prose)


def _is_broken_json(reply: Reply) -> bool:
    if not all(map(_is_taken, reply.arguments)):
        return True
    if not reply.text.strip():
        return False
    if reply.wants_json:
        return not (_parses(reply.text) or any(map(_all_hold_json, (reply.json_fences, _fences(reply.text)))))
    if _begins_as_json(reply.text):
        return not _parses(reply.text, whole=False)
    return bool(reply.json_fences) and not _all_hold_json(reply.json_fences)


def _is_too_short(reply: Reply) -> bool:
    if reply.words >= MIN_WORDS or reply.one_name or _means_json(reply) or reply.has_code:
        return False
    is_end = "TERMINATE" in reply.text and _FINISHED.search(reply.text) is not None
    return not is_end and not _parses(reply.text)


def _is_too_long(reply: Reply) -> bool:
    return reply.words > MAX_WORDS


def _corrects_itself(reply: Reply) -> bool:
    return reply.words > 0 and takes_back(reply.prose)


CHECKS: tuple[Check, ...] = (
    Check("empty", "error", "no text, or only `None` or `null`; a tool call without text is not empty", _is_empty),
    Check(
        "error_text",
        "error",
        "the call failed, or the text begins like an error message of a server, a client or Python, in English "
        f"(`503 Service Unavailable`, `Error code: 429 -`, `KeyError:`), and has at most {SHORT_ERROR} words, no code "
        "and no word of what it means or what to do about it (`means`, `I will`, `let us`); not where the error is "
        "the subject of a sentence (`404 pages were`)",
        _is_error_text,
    ),
    Check(
        "refusal",
        "error",
        f"the server says so, or a sentence in the first {OPENING} characters begins as refusals do (`I cannot help`, "
        "`As an AI, I do not`), with no code and no tool call; in English, and in German, Spanish, French and Chinese "
        "by the commonest openings only. Not where the words are quoted, nor, in English, where an estimate, what "
        "stood in the way (`it is not in the folder`), a request to a colleague or another way (`so I read`) "
        "follows, or where what one is unable to do, or a part of what was asked for, is set against an answer "
        "(`I can't open it, but the cached copy lists 14`; an offer or advice is none); evasions without such words "
        "are not seen",
        _is_refusal,
    ),
    Check(
        "broken_json",
        "error",
        "what is meant as JSON can't be parsed: arguments of a tool call, as AG2 parses them (it takes `NaN`, and "
        "refuses an empty text), a text that begins as JSON (with a number: only where the whole text is a list of "
        "numbers), a `json` fence, a text where the request asks for JSON, in a fence marked `json` or unmarked, or in "
        "none",
        _is_broken_json,
    ),
    Check(
        "too_short",
        "warning",
        f"under {MIN_WORDS} words; not for tool calls, code, JSON, `TERMINATE` and the choice of a speaker",
        _is_too_short,
    ),
    Check("too_long", "warning", f"over {MAX_WORDS} words", _is_too_long),
    Check(
        "self_correction",
        "warning",
        "takes back what it said (`I made a mistake`, `Wait, no`, `Actually, let me recalculate`), in English; not in "
        "quotation marks or under a condition (`if I made a mistake`). `Let me fix that` counts only after an apology: "
        "it may mend the code of others",
        _corrects_itself,
    ),
)
"""Every check, in order of weight: errors first. A new one is a new row."""


def judge(
    request: dict[str, Any], response: Any, answer: Answer | None, agent: str | None, failed: bool
) -> Quality | None:
    """What the checks say of a response.

    Args:
        request: the request that it answers.
        response: the whole response, or what stands in its place where the call failed.
        answer: what is read in it.
        agent: who asked.
        failed: the call failed.

    Returns:
        None for a response of unknown shape, of which nothing can be said.
    """
    if answer is None:
        if not failed and response is not None:
            return None
        answer = Answer()
    calls = answer.tool_calls if isinstance(answer.tool_calls, list) else []
    called = [call.get("function") for call in calls if isinstance(call, dict)]
    arguments = tuple(map(_arguments, called))
    text = sound((plain_text(response) if failed else answer.content) or "")
    has_code = "```" in text
    reply = Reply(
        text=text,
        prose=prose(text).replace("\u2019", "'"),
        words=_words(text),
        has_code=has_code,
        arguments=arguments,
        json_fences=_fences(text, _JSON_FENCE) if has_code and "json" in text.casefold() else [],
        declined=answer.declined,
        failed=failed,
        wants_json=_asks_for_json(request),
        one_name=agent in INTERNAL_AGENTS,
    )
    return _verdict(reply, answer.finish_reason)


def _verdict(reply: Reply, finish_reason: Any) -> Quality:
    errors: list[str] = []
    warnings: list[str] = []
    passed = 0
    for check in CHECKS:
        if not check.fails(reply):
            passed += 1
        elif check.kind == "warning":
            warnings.append(check.name)
        else:
            errors.append(check.name)
            break
    metrics = {
        "words": reply.words,
        "characters": len(reply.text),
        "json_valid": None if not _means_json(reply) else not (errors and _is_broken_json(reply)),
        "has_code": reply.has_code,
        "tool_calls": len(reply.arguments),
        "finish_reason": finish_reason,
    }
    return Quality(not errors, passed / len(CHECKS), errors, warnings, metrics)


def _asks_for_json(request: dict[str, Any]) -> bool:
    wanted = request.get("response_format")
    if isinstance(wanted, dict):
        return wanted.get("type") != "text"
    return wanted is not None  # a Pydantic model, as the recorder wrote it down


def _means_json(reply: Reply) -> bool:
    if reply.arguments or (reply.wants_json and reply.text.strip()):
        return True
    return _begins_as_json(reply.text) or bool(reply.json_fences)


def _begins_as_json(text: str) -> bool:
    return text.lstrip()[:1] in ("{", "[") and _JSON_BEGINS.search(text) is not None


def _arguments(call: Any) -> str:
    """The arguments of a call as text; an object that is no longer text was parsed before."""
    arguments = call.get("arguments") if isinstance(call, dict) else None
    return arguments if isinstance(arguments, str) else "{}"


def _is_taken(arguments: str) -> bool:
    """Whether AG2 parses the arguments of a call; it refuses an empty text.

    It leaves out line ends outside of JSON's texts and escapes those inside. A text ends there at each quote without a
    backslash before it, whether or not that is escaped itself.
    """
    if "\n" in arguments or "\t" in arguments:
        parts, is_inside = [], False
        for part in arguments.split('"'):
            parts.append(part.replace("\n", "\\n").replace("\t", "\\t") if is_inside else part.replace("\n", ""))
            is_inside ^= not part.endswith("\\")
        arguments = '"'.join(parts)
    try:
        _CALL_DECODER.decode(arguments)
    except (ValueError, RecursionError):
        return False
    return True


def _parses(text: str, whole: bool = True) -> bool:
    """Whether a text is JSON, or, where not `whole`, begins with a complete value."""
    text = text.strip()
    try:
        _, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return False
    return end == len(text) or not whole


def _fences(text: str, kind: Any = _PLAIN_FENCE) -> list[str]:
    """What stands in the fences of a kind."""
    return [match.group(1) for match in kind.finditer(text)] if "```" in text else []


def _all_hold_json(fences: list[str]) -> bool:
    """Whether there are fences, and all of them hold JSON."""
    return bool(fences) and all(map(_holds_json, fences))


def _holds_json(text: str) -> bool:
    """Whether a text is JSON, or JSON lines."""
    if _parses(text):
        return True
    lines = text.strip().splitlines()
    return len(lines) > 1 and all(_parses(line) for line in lines if line.strip())


def _words(text: str) -> int:
    """Words of a text."""
    if text.isascii():  # a word begins at each mark behind a blank: that takes a third of the time of `split`
        return (b" " + text.encode().translate(_BLANK_OR_MARK)).count(b" x")
    return len(text.split()) + _spaceless(text)


def _spaceless(text: str) -> int:
    """Characters of scripts that put no blanks between words."""
    if _SPACELESS.search(text) is None:
        return 0
    times = Counter(text)  # in order the characters of one script stand together, in a few matches
    return sum(times[character] for match in _SPACELESS.finditer("".join(sorted(times))) for character in match.group())
