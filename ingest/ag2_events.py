"""AG2 0.x event types, read into facts. The only module after the journal that knows them.

The types are those of `autogen/events/agent_events.py`, `autogen/events/client_events.py` and
`autogen/agentchat/group/events/transition_events.py` in AG2 0.10.3 to 0.14.0. An event of any other type has no facts;
it stands in the `journal` table all the same.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ingest import facts, records
from ingest.lines import encode
from ingest.messages import parse_message, text_or_none

Content = dict[str, Any]


def read_event(event: Any) -> facts.Fact | None:
    """The fact in one AG2 event, or None.

    Args:
        event: `{"type": ..., "content": {...}}`, as AG2 serialises it. Anything else has no fact.
    """
    if not isinstance(event, dict):
        return None
    content = event.get("content")
    reader = _READERS.get(str(event.get("type")))
    return reader(content) if reader and isinstance(content, dict) else None


def _message(content: Content) -> facts.Fact:
    sender, recipient = text_or_none(content.get("sender")), text_or_none(content.get("recipient"))
    return facts.Said(parse_message(content, sender, recipient), "event")


def _selected(content: Content) -> facts.Fact | None:
    speaker = text_or_none(content.get("speaker"))
    return facts.SpeakerSelected(speaker) if speaker else None


def _attempt(succeeded: bool) -> Callable[[Content], facts.Fact]:
    def read(content: Content) -> facts.Fact:
        mentions = content.get("mentions")
        counts = {str(k): v for k, v in mentions.items() if isinstance(v, int)} if isinstance(mentions, dict) else {}
        return facts.SelectionAttempt(succeeded, counts)

    return read


def _transition(rule: str) -> Callable[[Content], facts.Fact]:
    def read(content: Content) -> facts.Fact:
        return facts.Transition(rule, _named(content.get("source_agent")), _named(content.get("transition_target")))

    return read


def _named(value: Any) -> str | None:
    """The name in a serialised agent or target, which may also be its text."""
    if isinstance(value, dict):
        for key in ("agent_name", "name", "display_name"):
            if isinstance(value.get(key), str):
                return str(value[key])
    return text_or_none(value)


def _tool_started(content: Content) -> facts.Fact:
    return facts.ToolStarted(
        call_id=text_or_none(content.get("call_id")),
        name=text_or_none(content.get("func_name")) or "",
        arguments=content.get("arguments"),
        executor=text_or_none(content.get("recipient")),
    )


def _tool_ended(content: Content) -> facts.Fact:
    result = content.get("content")
    failed = content.get("is_exec_success") is False
    return facts.ToolEnded(
        call_id=text_or_none(content.get("call_id")),
        name=text_or_none(content.get("func_name")) or "",
        arguments=content.get("arguments"),
        result=result,
        failed=failed,
        executor=text_or_none(content.get("recipient")),
        error=text_or_none(result) if failed else None,
    )


def _code_started(content: Content) -> facts.Fact:
    languages = content.get("code_blocks")
    return facts.CodeStarted(
        executor=text_or_none(content.get("recipient")) or "",
        languages=[str(language) for language in languages] if isinstance(languages, list) else [],
    )


def _code_block(content: Content) -> facts.Fact:
    return facts.CodeBlockStarted(
        executor=text_or_none(content.get("recipient")) or "",
        language=text_or_none(content.get("language")) or "",
        code=text_or_none(content.get("code")) or "",
    )


def _error(content: Content) -> facts.Fact:
    error = content.get("error")
    if isinstance(error, dict):
        fact = records.failed(content)
        return fact if fact.error else replace(fact, error=encode(error))
    return facts.Failed(None, text_or_none(error) or "")


def _completed(content: Content) -> facts.Fact:
    keys = ("summary", "cost", "last_speaker", "context_variables")
    said = {k: content[k] for k in keys if content.get(k) is not None}
    variables = said.get("context_variables")
    if isinstance(variables, dict) and variables.keys() == {"data"}:
        said["context_variables"] = variables["data"]  # a model around the variables themselves
    return facts.RunFacts(said)


def _usage(content: Content) -> facts.Fact:
    return facts.RunFacts({"usage_summary": {k: v for k, v in content.items() if k != "uuid"}})


def _terminated(content: Content) -> facts.Fact:
    reason = text_or_none(content.get("termination_reason"))
    return facts.RunFacts({"termination_reason": reason} if reason else {})


_READERS: dict[str, Callable[[Content], facts.Fact | None]] = {
    "text": _message,
    "tool_call": _message,
    "tool_response": _message,
    "function_call": _message,
    "function_response": _message,
    "group_chat_run_chat": _selected,
    "speaker_attempt_successful": _attempt(True),
    "speaker_attempt_failed_multiple_agents": _attempt(False),
    "speaker_attempt_failed_no_agents": _attempt(False),
    "after_works_transition": _transition("after_works"),
    "on_context_condition_transition": _transition("on_context_condition"),
    "on_condition_l_l_m_transition": _transition("on_condition_llm"),
    "reply_result_transition": _transition("reply_result"),
    "execute_function": _tool_started,
    "executed_function": _tool_ended,
    "generate_code_execution_reply": _code_started,
    "execute_code_block": _code_block,
    "error": _error,
    "run_completion": _completed,
    "usage_summary": _usage,
    "termination": _terminated,
}
