"""LLM calls: requests from what the recorder stored of them.

A request repeats the whole conversation. The recorder writes only what is new since an earlier call of the same agent,
and the tables hold no more: each message once, with the calls that it belongs to (`ingest.chains`).
"""

from dataclasses import dataclass
from typing import Any

from capture import format as journal
from ingest.answers import answer, tokens
from ingest.events import Event, Where, milliseconds
from ingest.latest import MAX_HELD, Latest
from ingest.lines import encode
from ingest.messages import text_or_none
from ingest.quality import judge
from ingest.runrows import CALL, GUARDRAIL, RunRows

MAX_TOKENS = 10**12
"""Of one call. No model reads or writes as many."""

REMEMBERED = 256
"""Requests that later ones may build on, the latest. An agent's next call builds on its last."""

_RAISED = ("type", "message", "traceback")
"""What the recorder says of an exception."""


@dataclass(slots=True)
class _Request:
    """A request.

    Attributes:
        fields: what it says beside its messages.
        chain: the chain that its messages stand in, or None where it has none.
        call: its place among the calls that have messages.
        messages: how many it has.
        missing: what of it could not be put back.
        repeated: the fields that it has of an earlier one.
    """

    fields: dict[str, Any]
    chain: int | None
    call: int | None
    messages: int | None
    missing: str | None
    repeated: list[str]


class LLMLedger:
    """The LLM calls of one run."""

    def __init__(self, rows: RunRows) -> None:
        self._rows = rows
        self._latest: Latest[int, _Request] = Latest(REMEMBERED, MAX_HELD)
        self.tokens = [0, 0, 0]
        """Prompt, completion and total tokens of the calls that no cache answered."""
        self.cost = 0.0

    def called(self, data: dict[str, Any], where: Where) -> Event:
        """Take in an `llm_call` record. Gives its event."""
        request, response = self._rebuild(data), data.get("response")
        agent, model = text_or_none(data.get("agent")), text_or_none(data.get("model"))
        is_error = data.get("status") == "error"
        started, ended = microseconds(data.get("started")), microseconds(data.get("ended"))
        raised = data.get("error")
        raised = {name: text_or_none(raised.get(name)) for name in _RAISED} if isinstance(raised, dict) else {}
        is_open = is_error and raised.get("type") == journal.UNFINISHED
        failed = is_error and not is_open
        error = (_why(raised) or _answered(response)) if failed else None
        counts = {name: _count_of_tokens(data.get(name)) for name in journal.TOKENS}
        if None in counts.values():
            told = tokens(response)
            counts = {n: _count_of_tokens(told[n]) if value is None else value for n, value in counts.items()}
            if counts["total_tokens"] is None:
                prompt, completion = counts["prompt_tokens"], counts["completion_tokens"]
                counts["total_tokens"] = None if prompt is None or completion is None else prompt + completion
        cost = number(data.get("cost"))
        answered = answer(response)
        quality = None
        if not is_open:
            quality = judge(request.fields, response, answered, agent, failed)
        event = self._rows.event(
            "llm_call",
            CALL,
            where,
            agent=agent,
            status="pending" if is_open else "failed" if failed else "completed",
            started=started if started is not None else where.time,
            ended=ended if ended is not None else where.time,
            error=error,
            inputs={"model": model, "message_count": request.messages},
            outputs={
                "content": answered.content if answered else None,
                "tool_calls": answered.tool_calls if answered else None,
            },
            meta={"model": data.get("model"), "cost": cost, "cached": bool(data.get("cached")), **counts},
        )
        if data.get("guardrail") is not None:
            event.subtype, event.meta["guardrail"] = GUARDRAIL, text_or_none(data["guardrail"])
        if failed and raised:
            event.meta |= {"error_type": raised["type"], "traceback": raised["traceback"]}
        if not data.get("cached"):
            self.tokens = [min(a + (b or 0), 2**63 - 1) for a, b in zip(self.tokens, counts.values(), strict=True)]
            self.cost += cost or 0.0
        fields, missing = self._told(request)
        if isinstance(seq := data.get("seq"), int):
            self._latest.put(seq, request, len(fields))
        if missing:
            event.meta["request_incomplete"] = missing
        self._rows.add_llm_call(
            request.call,
            request.chain,
            event.id,
            event.agent,
            model,
            fields,
            None if response is None or is_open else encode(response),
            *counts.values(),
            cost,
            bool(data.get("cached")),
            event.started,
            event.ended,
            milliseconds(event.started, event.ended),
            event.status,
            error,
            *((None,) * 5 if quality is None else quality.row()),
        )
        return event

    def _told(self, request: _Request) -> tuple[str, str | None]:
        """What a request says beside its messages, as JSON, and what is missing of it."""
        if request.repeated:
            told = encode(request.fields) if self._rows.may_repeat(0) else None
            if told is None or not self._rows.may_repeat(len(told)):
                request.fields = {name: value for name, value in request.fields.items() if name not in request.repeated}
                too_much = "it repeats more than is stored of fields of earlier requests"
                return encode(request.fields), f"{request.missing}; {too_much}" if request.missing else too_much
            return told, request.missing
        return encode(request.fields), request.missing

    def _rebuild(self, data: dict[str, Any]) -> _Request:
        """What a request says beside its messages, and where these stand."""
        stored = data.get("request")
        fields = dict(stored) if isinstance(stored, dict) else {}
        base_seq = data.get("base")
        missing = base = None
        if base_seq is not None:
            base = self._latest.get(base_seq) if isinstance(base_seq, int) else None
            if base is None:
                missing = f"it continues record {base_seq}, which is not there"
        same, known = data.get("same"), base.fields if base is not None else {}
        names = [name for name in same if isinstance(name, str)] if isinstance(same, list) else []
        repeated = [name for name in names if name in known]
        if base is not None and len(repeated) < len(names):
            missing = f"it repeats fields of record {base_seq} that are not there"
        fields |= {name: known[name] for name in repeated}
        new, chain, call, total = fields.get("messages"), None, None, None
        if isinstance(new, list):
            del fields["messages"]
            chains = self._rows.requests
            above = base.call if base is not None else None
            kept = 0 if above is None else min(count(data.get("base_messages")) or 0, chains.total(above))
            call = len(chains)
            chain, position = chains.add(above, kept, len(new))
            total = position + len(new)
            for place, message in enumerate(new, position):
                text = encode(message)
                self._rows.add("llm_messages", chain, place, None, None, text, size=len(text))
        return _Request(fields, chain, call, total, missing, repeated)


def _why(raised: dict[str, str | None]) -> str | None:
    """Type and message of the exception of a failed call, or None where it was not recorded."""
    return ": ".join(part for part in (raised.get("type"), raised.get("message")) if part) or None


def _answered(response: Any) -> str | None:
    """What stands in place of a failed call's response, as text."""
    return encode(response) if isinstance(response, dict) else text_or_none(response)


def count(value: Any) -> int | None:
    """A whole number of at most 63 bits that is not negative, or None."""
    return value if type(value) is int and 0 <= value < 2**63 else None


def _count_of_tokens(value: Any) -> int | None:
    """A number of tokens, or None for what can be none: no query has to sum up what no BIGINT holds."""
    number = count(value)
    return number if number is None or number <= MAX_TOKENS else None


def number(value: Any) -> float | None:
    """A number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:  # an integer of hundreds of digits
        return None


def microseconds(nanoseconds: Any) -> int | None:
    """A time in the journal, integer nanoseconds since 1970, as microseconds; None for anything else."""
    value = count(nanoseconds)
    return None if value is None else value // 1000
