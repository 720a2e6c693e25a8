"""How good the responses of language models are: checks that need no other model, made once, at ingest.

`CHECKS` lists them in order of weight. An error means that there is no answer to speak of, so it ends the checks: those
after it count as not passed. A warning costs its own mark alone. The score is the share of checks passed, so a response
with an error has at most 0.43, one with a single warning 0.86, and a good one 1.

Expressions are RE2's and texts are looked at once from front to back: time grows linearly with their length.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import re2

from ingest.extractors.blocks import prose, sound
from ingest.lines import encode
from ingest.messages import plain_text
from ingest.talk import INTERNAL_AGENTS

MIN_WORDS, MAX_WORDS = 5, 5000
"""Fewer words are too short for an answer, more are too long."""

SHORT_ERROR = 60
"""Words up to which a text that begins like an error message is taken for one, and not for a report about one."""

OPENING = 300
"""Characters at the beginning in which a refusal is looked for."""


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


@dataclass(frozen=True)
class Reply:
    """A response as the checks see it.

    Attributes:
        text: what it says, lone surrogates replaced.
        prose: the text without its fenced code, typographic apostrophes made plain.
        words: words of the text; each character counts in scripts that put no blanks between words.
        arguments: of each tool call, the arguments as text.
        declined: the server says that the model refused or that a filter cut in.
        failed: the call failed; the text is what stands in place of a response.
        wants_json: the request asks for JSON.
        one_name: the request asks for one name.
    """

    text: str
    prose: str
    words: int
    arguments: tuple[str, ...]
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


_SPACELESS = re2.compile(r"\p{Han}|\p{Hiragana}|\p{Katakana}|\p{Thai}|\p{Lao}|\p{Khmer}|\p{Myanmar}")
_ERROR_TEXT = re2.compile(
    r"(?i)^\W*(?:error(?:_code)?\s*[:\-]|error\s+\d{3}\b|(?:(?:sorry|oops)\W+)?(?:an?|the)\s+(?:\w+\s+){0,2}error\s+"
    r"(?:has\s+)?occurred|internal\s+server\s+error|bad\s+gateway|gateway\s+time-?out|service\s+(?:is\s+)?(?:temporarily\s+)?"
    r"unavailable|too\s+many\s+requests|rate\s*limit(?:ed|\s+(?:exceeded|reached|error))|(?:the\s+)?request\s+timed\s+out"
    r"|(?:this|the)\s+model'?s\s+maximum\s+context|(?:maximum\s+)?context\s+length\s+exceeded|insufficient[_\s]quota"
    r"|you\s+exceeded\s+your\s+current\s+quota|(?:invalid|incorrect)\s+api\s+key|traceback\s+\(most\s+recent"
    r"|(?:http|status)(?:\s+(?:error|code|status))*\s*:?\s*[45]\d\d\b|(?:\w+\.){0,6}[A-Z]\w{0,60}(?:Error|Exception):)"
)
_REMEDY = re2.compile(
    r"(?i)\b(?:i'll|i\s+will|i'm\s+going\s+to|let\s+me|let\W?s|let\s+us|so\s+(?:i|we)|we\s+(?:can|should|need|must)|means\s+that)\b"
)
_DO = (
    "help|assist|comply|provide|do|fulfil|fulfill|complete|continue|answer|respond|create|generate|write|produce|access"
    "|browse|open|view|visit|execute|run|perform|engage|discuss|share|support|process|download|watch|proceed|offer|give"
)
_REFUSAL = re2.compile(
    r"(?i)(?:^|[.!?:,\n])[\s*_>\"-]*"
    r"(?:(?:(?:(?:i'm|i\s+am)\s+)?(?:(?:so|very|really|truly)\s+)?sorry|(?:my\s+)?apologies|i\s+apologi[sz]e|unfortunately"
    r"|regrettably|as\s+an\s+(?:ai|assistant|llm)[\w\s-]{0,60})[\s,;:.-]*)?"
    r"(?:(?:but|however)[\s,]+)?"
    r"(?:i\s+(?:cannot|can't|can\s+not|must\s+(?:respectfully\s+)?decline(?:\s+to)?|do\s*n[o']t\s+have\s+the\s+ability\s+to)"
    r"\s+(?:\w+ly\s+)?(?:" + _DO + r")\b"
    r"|i(?:'m|\s+am)\s+(?:\w+ly\s+)?(?:unable|not\s+able|not\s+allowed)\s+to\s+(?:\w+ly\s+)?(?:" + _DO + r")\b"
    # who `will not write` a file may only tell of a plan
    r"|i\s+(?:won't|will\s+not)\s+(?:\w+ly\s+)?(?:help|assist|comply|engage|discuss|support|fulfil|fulfill|answer|respond)\b)"
    r"|\bas\s+an\s+ai\b[^.!?\n]{0,80}\b(?:cannot|can't|can\s+not|do\s*n[o']t|won't|unable|not\s+able|no\s+(?:access|ability))\b"
    r"|\bi(?:'m|\s+am)\s+(?:just|only)\s+an\s+ai\b|\bi\s+must\s+(?:respectfully\s+)?decline\b"
    r"|\b(?:against|violates?)\s+(?:my|the\s+usage|our\s+(?:usage|content))\s+(?:guidelines|polic)"
)
_SELF_CORRECTION = re2.compile(
    # an `error` that something follows may be an error bar, an error log or another thing that was made
    r"(?i)\bi(?:'ve|\s+have)?\s+made\s+(?:an?|some|the)\s+(?:\w+\s+)?(?:mistakes?\b|errors?(?:\s*(?:[.,;:!?)]|$)"
    r"|\s+(?:in|with|when|while|by|on|about|here|there|earlier|before|above|and|that|because|as|during)\b))"
    r"|\bi\s+was\s+(?:wrong|mistaken|incorrect)\b|\bi\s+(?:just|now)\s+reali[sz]ed?\b|\bi\s+stand\s+corrected\b"
    r"|\bi\s+(?:misspoke|misread|misunderstood|miscalculated|miscounted|overlooked)\b"
    r"|\b(?:let\s+me|i\s+(?:need|have|must)\s+to)\s+correct\s+(?:that|this|myself|my)\b"
    r"|\bmy\s+(?:previous|earlier|last|above|first|initial)\s+(?:\w+\s+)?(?:was|were|is|contained|had)\s+"
    r"(?:\w+\s+)?(?:wrong|incorrect|mistaken|inaccurate|errors?|mistakes?)\b"
    r"|\bapolog(?:i[sz]e|ies)\s+for\s+(?:the|my|any|that)\s+(?:\w+\s+)?"
    r"(?:mistake|error|confusion|oversight|misunderstanding|inaccura)"
    r"|\bon\s+second\s+thought|\bscratch\s+that\b"
    r"|(?:^|[.!?\n])\s*(?:wait|hold\s+on|hmm+)[,.!\s-]+(?:no\b|actually\b|that's\b|that\s+is\b|i\b|let\s+me\b)"
    r"|(?:^|[.!?\n])\s*(?:no,\s+)?actually,?\s+(?:no\b|that's\s+(?:not|wrong)|that\s+is\s+(?:not|wrong)|i\s+(?:was|made)\b)"
)
_FINISHED = re2.compile(r"^\W*TERMINATE\W*$")
_JSON_BEGINS = re2.compile(r"^\s*(?:\{\s*[\"'}]|\[\s*[\]{\"])")
_JSON_FENCE = re2.compile(r"(?is)```[ \t]*json[ \t]*\r?\n(.*?)(?:\n[ \t]*```|\z)")
_DECODER = json.JSONDecoder(strict=False, parse_int=str)
"""Takes line ends inside strings, as AG2 does for tool calls, and whole numbers of any length."""


def _is_empty(reply: Reply) -> bool:
    return not (reply.text.strip() or reply.arguments or reply.declined or reply.failed)


def _is_error_text(reply: Reply) -> bool:
    if reply.failed:
        return True
    if reply.words > SHORT_ERROR or "```" in reply.text or _REMEDY.search(reply.prose):
        return False
    return _ERROR_TEXT.search(reply.text) is not None


def _is_refusal(reply: Reply) -> bool:
    if reply.declined:
        return True
    if reply.arguments or "```" in reply.text:
        return False
    return _REFUSAL.search(reply.prose[:OPENING]) is not None


def _is_broken_json(reply: Reply) -> bool:
    if any(arguments.strip() and not _parses(arguments) for arguments in reply.arguments):
        return True
    if not reply.text.strip():
        return False
    if reply.wants_json:
        return not _parses(reply.text) and not _fences_parse(reply.text)
    if _JSON_BEGINS.search(reply.text):
        return not _parses(reply.text, whole=False)
    return _fences_parse(reply.text) is False


def _is_too_short(reply: Reply) -> bool:
    if reply.words >= MIN_WORDS or reply.one_name or _means_json(reply) or "```" in reply.text:
        return False
    return _FINISHED.search(reply.text) is None and not _parses(reply.text)


def _is_too_long(reply: Reply) -> bool:
    return reply.words > MAX_WORDS


def _corrects_itself(reply: Reply) -> bool:
    return _SELF_CORRECTION.search(reply.prose) is not None


CHECKS: tuple[Check, ...] = (
    Check("empty", "error", "no text; a tool call without text is not empty", _is_empty),
    Check(
        "error_text",
        "error",
        f"the call failed, or the text begins like an error message and has at most {SHORT_ERROR} words, no code and "
        "no word of what to do about it (`I will`, `let us`)",
        _is_error_text,
    ),
    Check(
        "refusal",
        "error",
        f"the server says so, or a sentence in the first {OPENING} characters begins as refusals do (`I cannot help`, "
        "`As an AI, I do not`), with no code and no tool call",
        _is_refusal,
    ),
    Check(
        "broken_json",
        "error",
        "what is meant as JSON can't be parsed: arguments of a tool call, a text that begins as JSON, a `json` fence, "
        "a text where the request asks for JSON",
        _is_broken_json,
    ),
    Check(
        "too_short",
        "warning",
        f"under {MIN_WORDS} words; not for tool calls, code, JSON, `TERMINATE` and the choice of a speaker",
        _is_too_short,
    ),
    Check("too_long", "warning", f"over {MAX_WORDS} words", _is_too_long),
    Check("self_correction", "warning", "takes back what it said (`I made a mistake`, `Wait, no`)", _corrects_itself),
)
"""Every check, in order of weight: errors first. A new one is a new row."""


def judge(
    request: dict[str, Any], response: Any, text: str | None, tool_calls: Any, agent: str | None, failed: bool
) -> Quality | None:
    """What the checks say of a response.

    Args:
        request: the request that it answers.
        response: the whole response, or what stands in its place where the call failed.
        text: the text of its first choice.
        tool_calls: the tool calls of its first choice.
        agent: who asked.
        failed: the call failed.

    Returns:
        None for a response of unknown shape, of which nothing can be said.
    """
    message, finish_reason = _first_choice(response)
    if message is None and not failed and response is not None:
        return None
    message = message or {}
    legacy = message.get("function_call")
    calls = [call.get("function") for call in tool_calls if isinstance(call, dict)] if _is_list(tool_calls) else []
    arguments = tuple(_arguments(call) for call in [*calls, *([legacy] if legacy else [])])
    text = sound((plain_text(response) if failed else text) or "")
    reply = Reply(
        text=text,
        prose=prose(text).replace("\u2019", "'"),
        words=len(text.split()) + (0 if text.isascii() else _spaceless(text)),
        arguments=arguments,
        declined=bool(message.get("refusal")) or finish_reason == "content_filter",
        failed=failed,
        wants_json=_asks_for_json(request),
        one_name=agent in INTERNAL_AGENTS,
    )
    return _verdict(reply, finish_reason)


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
        "json_valid": None if not _means_json(reply) else not _is_broken_json(reply),
        "has_code": "```" in reply.text,
        "tool_calls": len(reply.arguments),
        "finish_reason": finish_reason,
    }
    return Quality(not errors, passed / len(CHECKS), errors, warnings, metrics)


def _first_choice(response: Any) -> tuple[dict[str, Any] | None, Any]:
    """The message of a chat completion's first choice, and why it ended; None for any other shape."""
    choices = response.get("choices") if isinstance(response, dict) else None
    if not _is_list(choices):
        return None, None
    choice = choices[0] if choices and isinstance(choices[0], dict) else {}
    message = choice.get("message")
    return (message if isinstance(message, dict) else {}), choice.get("finish_reason")


def _asks_for_json(request: dict[str, Any]) -> bool:
    wanted = request.get("response_format")
    if isinstance(wanted, dict):
        return wanted.get("type") != "text"
    return wanted is not None  # a Pydantic model, as the recorder wrote it down


def _means_json(reply: Reply) -> bool:
    if reply.arguments or (reply.wants_json and reply.text.strip()):
        return True
    return bool(_JSON_BEGINS.search(reply.text) or _JSON_FENCE.search(reply.text))


def _arguments(call: Any) -> str:
    """The arguments of a call as text; an object that is no longer text was parsed before."""
    arguments = call.get("arguments") if isinstance(call, dict) else None
    return arguments if isinstance(arguments, str) else "{}"


def _parses(text: str, whole: bool = True) -> bool:
    """Whether a text is JSON, or, where not `whole`, begins with a complete value."""
    text = text.strip()
    try:
        _, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return False
    return end == len(text) or not whole


def _fences_parse(text: str) -> bool | None:
    """Whether all `json` fences of a text hold JSON; None where it has none."""
    if "```" not in text:
        return None
    fences = [match.group(1) for match in _JSON_FENCE.finditer(text)]
    return all(_holds_json(fence) for fence in fences) if fences else None


def _holds_json(text: str) -> bool:
    """Whether a text is JSON, or JSON lines."""
    if _parses(text):
        return True
    lines = text.strip().splitlines()
    return len(lines) > 1 and all(_parses(line) for line in lines if line.strip())


def _spaceless(text: str) -> int:
    """Characters of scripts that put no blanks between words."""
    return sum(1 for _ in _SPACELESS.finditer(text))


def _is_list(value: Any) -> bool:
    return isinstance(value, list)
