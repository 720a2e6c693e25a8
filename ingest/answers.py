"""What a model answered, whichever client of AG2 wrote the response down.

- Chat completions: `choices`. All clients but the two below bring what their server said into it.
- OpenAI's Responses API (`api_type="responses"`): `output`, a list of items.
- AG2's `UnifiedResponse` (its `*_v2` clients): `messages` of content blocks.
"""

from dataclasses import dataclass
from typing import Any

from capture import format as journal
from ingest.messages import plain_text


@dataclass(slots=True)
class Answer:
    """The first answer in a response.

    Attributes:
        content: its text, or None.
        tool_calls: the tool calls as chat completions have them, or None, one of the legacy form among them; built-in
            tools of the Responses API as they stand there.
        declined: the server says that the model refused or that a filter cut in.
        finish_reason: why it ended, in the server's words.
    """

    content: str | None = None
    tool_calls: Any = None
    declined: bool = False
    finish_reason: Any = None


def answer(response: Any) -> Answer | None:
    """Read the first answer of a response.

    Returns:
        None where the response has none of the known shapes.
    """
    if not isinstance(response, dict):
        return None
    empty = None
    for name, read in _SHAPES.items():
        said = response.get(name)
        if said and isinstance(said, list):
            return read(response, said)
        if isinstance(said, list) and empty is None:
            empty = read
    return None if empty is None else empty(response, [])


def tokens(response: Any) -> dict[str, Any]:
    """The counts of `journal.TOKENS` as the response itself has them, each None where it has not."""
    usage = response.get("usage") if isinstance(response, dict) else None
    told = usage if isinstance(usage, dict) else {}
    return {
        name: next((told[key] for key in keys if told.get(key) is not None), None)
        for name, keys in journal.TOKENS.items()
    }


def _chat_completion(response: dict[str, Any], choices: list[Any]) -> Answer:
    choice = choices[0] if choices and isinstance(choices[0], dict) else {}
    message, finish_reason = choice.get("message"), choice.get("finish_reason")
    if not isinstance(message, dict):
        return Answer(declined=finish_reason == "content_filter", finish_reason=finish_reason)
    content, calls, legacy = message.get("content"), message.get("tool_calls"), message.get("function_call")
    if legacy:
        calls = [*(calls if isinstance(calls, list) else ()), {"type": "function", "function": legacy}]
    return Answer(
        None if content is None else plain_text(content),
        calls,
        bool(message.get("refusal")) or finish_reason == "content_filter",
        finish_reason,
    )


def _items(response: dict[str, Any], items: list[Any]) -> Answer:
    items = _objects(items)
    details = response.get("incomplete_details")
    reason = details.get("reason") if isinstance(details, dict) else response.get("status")
    calls = [
        _call(item, "call_id") if kind == "function_call" else item
        for item in items
        if isinstance(kind := item.get("type"), str) and kind.endswith("_call")
    ]
    contents = [item.get("content") for item in items if item.get("type") == "message"]
    blocks = [
        block
        for content in contents
        for block in _objects([{"type": "output_text", "text": content}] if isinstance(content, str) else content)
    ]
    return _of_blocks(blocks, "output_text", calls, reason)


def _unified(response: dict[str, Any], messages: list[Any]) -> Answer:
    blocks = [block for message in _objects(messages[:1]) for block in _objects(message.get("content"))]
    calls = [_call(block, "id") for block in blocks if block.get("type") == "tool_call"]
    return _of_blocks(blocks, "text", calls, response.get("finish_reason") or response.get("status"))


def _of_blocks(blocks: list[dict[str, Any]], text: str, calls: list[Any], reason: Any) -> Answer:
    texts = [block for block in blocks if block.get("type") == text]
    declined = reason == "content_filter" or any(block.get("type") == "refusal" for block in blocks)
    return Answer(plain_text(texts) if texts else None, calls or None, declined, reason)


def _call(block: dict[str, Any], call_id: str) -> dict[str, Any]:
    called = {"name": block.get("name"), "arguments": block.get("arguments")}
    return {"id": block.get(call_id), "type": "function", "function": called}


def _objects(values: Any) -> list[dict[str, Any]]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


_SHAPES = {"choices": _chat_completion, "output": _items, "messages": _unified}
"""By what a response of the shape has."""
