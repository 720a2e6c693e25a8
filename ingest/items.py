"""Items of OpenAI's Responses API, which stand in lists of messages beside them."""

from typing import Any

from ingest.messages import is_message

_CALLS = {"function_call": ("function", "arguments"), "custom_tool_call": ("custom", "input")}
"""Types of calls, and what each is in a message, with what it gives its tool."""

_OUTPUTS = {f"{kind}_output" for kind in _CALLS}


def is_reasoning(value: Any) -> bool:
    """Whether it is what a model thought. It says nothing to anybody."""
    return isinstance(value, dict) and value.get("type") == "reasoning" and not is_message(value)


def is_item(value: Any) -> bool:
    """Whether it is a call, an output or what a model thought."""
    return is_reasoning(value) or (as_message(value) is not None and not is_message(value))


def as_message(value: Any) -> dict[str, Any] | None:
    """The message that an element of a list is: by itself, or as a call or its output; None where it is none."""
    if is_message(value):
        message: dict[str, Any] = value
        return message
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(kind, str) or not isinstance(value.get("call_id"), str):
        return None
    if kind in _CALLS and isinstance(value.get("name"), str):
        form, given = _CALLS[kind]
        call = {"id": value["call_id"], "type": form, form: {"name": value["name"], given: value.get(given)}}
        return {"role": "assistant", "content": None, "tool_calls": [call]}
    if kind in _OUTPUTS and "output" in value:
        return {"role": "tool", "tool_call_id": value["call_id"], "content": value["output"]}
    return None
