"""The journal format, version 1: the one thing that the recorder and the ingester share.

`capture` writes it, `ingest` reads it, and neither imports anything else of the other. The README's section on the
journal is checked against this module, so a field that is not described here does not exist.

Layout of a run: `<dir>/<run_id>/journal.jsonl`, and beside it `files/` (copies of what the run made) and saved
transcripts. One record a line, UTF-8, one JSON object each.
"""

from typing import Final

VERSION: Final = 1
JOURNAL: Final = "journal.jsonl"
FILES: Final = "files"

RUN_START: Final = "run_start"
EVENT: Final = "event"
PRINT: Final = "print"
INPUT: Final = "input"
MESSAGE: Final = "message"
LLM_CALL: Final = "llm_call"
FUNCTION_CALL: Final = "function_call"
CODE_EXEC: Final = "code_exec"
AGENT: Final = "agent"
CHAT_START: Final = "chat_start"
CHAT_END: Final = "chat_end"
MESSAGES: Final = "messages"
STEP_START: Final = "step_start"
STEP_END: Final = "step_end"
ACTION: Final = "action"
FILE: Final = "file"
GAP: Final = "gap"
RUN_END: Final = "run_end"

UNFINISHED: Final = "Unfinished"
"""Type of the error of an `llm_call` that the run did not wait for: what came of it nobody knows."""

TOKENS: Final[dict[str, tuple[str, ...]]] = {
    "prompt_tokens": ("prompt_tokens", "input_tokens"),
    "completion_tokens": ("completion_tokens", "output_tokens"),
    "total_tokens": ("total_tokens",),
}
"""Counts of an `llm_call`, and what they are called in a response's `usage`: by chat completions, then by OpenAI's
Responses API."""

COMMON: Final[dict[str, str]] = {
    "v": "version of the format: 1",
    "seq": "0, 1, 2 ... without gaps, in the order of the file",
    "ts": "when it was recorded: UTC, integer nanoseconds since 1970",
    "kind": "one of the kinds below",
    "thread": "identifier of the thread that recorded it, left out for the thread that started the run",
    "agent": "name of the agent that acts: the speaker of a message, the caller of an LLM, the runner of a tool, "
    "the one in whose turn a chat failed",
    "step_id": "the step that the user marked around it",
    "node_id": "the workflow node that the user marked around it",
    "id": "a name for this record, on those that others can point at",
    "parent": "`id` of the step, action or tool call around it; the record of an action or call comes when it ends",
    "in_chat": "`id` of the chat around it, where that was opened in an agent's turn or while another one was going on",
    "attributed": "false where it could not be told which run it belongs to, and the latest one got it",
    "replaced": "what could not be serialised and was replaced by text: a list of JSON paths with the reason",
}
"""Fields that any record may have; the first four are on every one."""

_EXCEPTION: Final = "object: type, message, traceback, of a group `exceptions` (type and message of each in it)"

KINDS: Final[dict[str, dict[str, str]]] = {
    RUN_START: {
        "run_id": "the run's name: sorts by time, and is the name of its folder",
        "task": "what the run is for, in the user's words",
        "mode": "the workflow mode, such as one-shot or planning-control",
        "tags": "object of the user's own labels",
        "session": "groups runs that belong together",
        "project": "the user's project name",
        "project_path": "the project's folder",
        "debug": "whether the user marked this as a debug run",
        "host": "host name",
        "pid": "process id",
        "cwd": "current folder at start",
        "git_commit": "commit that the current folder had checked out, or null",
        "versions": "object: ag2, python, ag2_journal, platform",
    },
    EVENT: {"event": "one AG2 event as AG2 serialises it: an object with `type` and `content`"},
    PRINT: {"text": "what was printed, with its separators and line end"},
    INPUT: {
        "prompt": "what the human was asked",
        "password": "true where the answer was typed unseen",
        "answer": "what the human answered; null for a password",
    },
    MESSAGE: {
        "sender": "name of the agent that handed the message over",
        "recipient": "name of the agent that received it",
        "message": "the message as AG2 passed it: a string or an object. Plain text whose event follows is left out",
        "valid": "false where AG2 refused it",
        "silent": "true where AG2 sends no event of it, false where its event is the thread's next record",
        "resumed": "its place, from 0, in a group's history that AG2 hands to the members when the chat goes on",
    },
    LLM_CALL: {
        "invocation": "AG2's id for one `create`, shared by its tries over the config list; null where it logged none",
        "wrapper": "which client made it, a number within the run",
        "model": "model name in the request",
        "guardrail": "of a call by which a guardrail of the agent checks what it hears or says: the guardrail's name",
        "request": "the request without what `base` has already: `messages` holds only the new ones",
        "base": "`seq` of the call that this request continues, or null",
        "base_messages": "how many messages of the rebuilt base request come before `messages`",
        "same": "names of request fields whose value is the same as in the rebuilt base request",
        "response": "the response as an object, or the error as AG2 logs it, or as its type and message",
        "status": "ok or error",
        "error": "object: type, message, traceback; of a client that raised, also where the next one then answered; "
        "the type is Unfinished where the run ended before the call did",
        "prompt_tokens": "as the server counted them, or null",
        "completion_tokens": "as the server counted them, or null",
        "total_tokens": "as the server counted them, or null",
        "cost": "in US dollars, as AG2 computes it",
        "cached": "true where AG2's cache answered",
        "started": "nanoseconds, as `ts`",
        "ended": "nanoseconds, as `ts`",
    },
    FUNCTION_CALL: {
        "name": "the function or tool that AG2 ran",
        "call_id": "the id that the model gave the call, or null",
        "arguments": "its arguments",
        "result": "its return value",
        "status": "ok or error",
        "error": _EXCEPTION,
        "started": "nanoseconds, as `ts`; left out where AG2 only told that it was over",
        "ended": "nanoseconds, as `ts`",
    },
    CODE_EXEC: {
        "blocks": "the code that AG2 ran: a list of objects, language and code; it may have stopped at one that failed",
        "exit_code": "exit code of the execution, or null where it raised",
        "output": "what it printed",
        "executor": "class of the executor, or null where the agent ran it by itself",
        "work_dir": "the folder it ran in, relative to the run's where it lies below it; left out where none is known",
        "status": "ok, or error where the execution itself raised",
        "error": _EXCEPTION,
        "started": "nanoseconds, as `ts`",
        "ended": "nanoseconds, as `ts`",
    },
    AGENT: {
        "name": "the agent's name",
        "class": "its class",
        "description": "its description",
        "system_message": "its system message",
        "model": "its model, or null",
        "tools": "names of the tools it may call",
        "work_dir": "of one that runs code: the folder it runs in, relative to the run's where it lies below it",
        "members": "of a group chat manager: names of the chat's agents",
        "selection": "of a group chat manager: how the next speaker is chosen",
    },
    CHAT_START: {
        "sender": "the agent that begins it",
        "recipient": "the agent that it is begun with",
        "members": "where that is a group chat manager: names of the group's agents",
        "selection": "where that is a group chat manager: how the next speaker is chosen",
        "goes_on_with": "`id` of the former chat of the two, or of the group, where this one keeps its history",
        "turn_of": "the agent in whose turn a nested chat is opened, which ends with its next message outside, if any",
    },
    CHAT_END: {
        "ends": "`id` of the chat",
        "status": "completed, failed or interrupted",
        "error": _EXCEPTION,
        "is_inside": "true where what ended it came out of a chat inside of it",
        "summary": "the chat's summary, as AG2 makes it",
        "cost": "the usage that AG2 sums up, with its cost; of a group that of all its members",
        "context_variables": "object: those of the agents, where they have any",
    },
    MESSAGES: {
        "chat": "name for this transcript",
        "messages": "the messages, as AG2 keeps them",
        "path": "or the file beside the journal that holds them",
        "count": "how many there are",
        "sha256": "of the file at `path`",
        "summary": "the chat's summary, where AG2 made one",
        "cost": "the chat's cost, as AG2 sums it up",
        "chat_id": "AG2's id of the chat, as text",
        "rest": "true where nobody saved it",
        "complete": "true where the journal has all messages of the run so far: what it lacks was said before the run",
    },
    STEP_START: {"name": "what the step is called"},
    STEP_END: {
        "status": "completed or failed",
        "error": _EXCEPTION,
        "duration_ns": "how long the step took",
    },
    ACTION: {
        "action_type": "tool_call, decision, error, success or a word of the user's",
        "action_name": "what was done: Read, select_agent, ImportError ...",
        "details": "object: the parameters",
        "result": "what came out",
        "status": "completed or failed",
        "error": _EXCEPTION,
        "duration_ns": "how long it took, where it was timed",
    },
    FILE: {
        "path": "where the file was, relative to the run's working folder where it lies below it",
        "size": "bytes of the original",
        "sha256": "of the original",
        "media_type": "as guessed from its name",
        "copy": "path of the copy below the run's folder, or null",
        "copy_size": "bytes of the copy, where masking made it another than the original",
        "copy_sha256": "of the copy, where masking made it another than the original",
        "reason": "why there is no copy",
    },
    GAP: {
        "lost": "how many records are missing before this one",
        "reason": "why they could not be written",
    },
    RUN_END: {
        "status": "completed, failed or interrupted",
        "error": _EXCEPTION,
        "usage": "object: by agent what its client counted, `total` and `actual` (without cached answers), as AG2 does",
        "stats": "object: events (all records), bytes, lost (records), us_per_event (to record an event of AG2, mean)",
    },
}
"""What each kind of record holds besides `COMMON`."""
