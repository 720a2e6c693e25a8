"""What a source tells of a run, in terms that no source owns.

A reader of one recorder's records turns them into these; the assembler turns these into rows. Another recorder needs
another reader, and nothing after it.
"""

from dataclasses import dataclass
from typing import Any

from ingest.events import Event
from ingest.messages import Message


@dataclass(slots=True)
class Said:
    """A message was handed over.

    Attributes:
        channel: event, logger or transcript.
        silent: of a message that was logged, whether no event of it follows; None where the source does not say.
        resumed: its place in the history of a group chat that goes on, from which it comes.
    """

    message: Message
    channel: str
    silent: bool | None = None
    resumed: int | None = None


@dataclass(slots=True)
class ChatOpened:
    """An agent opened a nested chat, in the turn that the next message of `turn_of` outside of it ends, if any."""

    chat: str
    turn_of: str
    recipient: str | None


@dataclass(slots=True)
class ChatBegun:
    """A chat begins, of which no record says that it belongs there: all that was said before is another chat."""


@dataclass(slots=True)
class ChatClosed:
    """A chat is over.

    Attributes:
        chat: its id.
        summary: what came of it.
        failed: the exception that ended it; `echo_of` is then the event that tells of it.
        is_cut_off: it was interrupted, or cancelled.
        agent: in whose turn, of this chat or of one inside of it.
        is_inside: it came out of a chat inside of it.
    """

    chat: str
    summary: Any
    failed: "Failed | None" = None
    is_cut_off: bool = False
    agent: str | None = None
    is_inside: bool = False


@dataclass(slots=True)
class Called:
    """An agent called a language model; `event` says all about it."""

    event: Event


@dataclass(slots=True)
class Replied:
    """`agent` was asked for a reply.

    Attributes:
        function: what made it; '' where none of its functions did, so it is its default; None where there is none.
    """

    agent: str | None
    function: str | None


@dataclass(slots=True)
class Asked:
    """A human was asked; `answer` is None for a password."""

    prompt: str | None
    answer: str | None


@dataclass(slots=True)
class SpeakerSelected:
    """A group chat gave the word to `speaker`."""

    speaker: str


@dataclass(slots=True)
class SelectionAttempt:
    """A model was asked who speaks next; `mentions` counts the names in its answer."""

    succeeded: bool
    mentions: dict[str, int]


@dataclass(slots=True)
class Transition:
    """A rule of the group chat handed over: `rule` is the AG2 name, such as after_works."""

    rule: str
    source: str | None
    target: str | None


@dataclass(slots=True)
class ToolStarted:
    """`executor` began to run a tool."""

    call_id: str | None
    name: str
    arguments: Any
    executor: str | None


@dataclass(slots=True)
class ToolEnded:
    """A tool was run, or refused.

    Attributes:
        returned: `result` is the value before it was made text for the model; that text follows.
        error: why it failed.
        error_type: class of the exception, where that is known, as is `traceback`.
        started: UTC microseconds, where somebody measured; `ended` likewise.
        ident: what happened inside points at it by this name.
    """

    call_id: str | None
    name: str
    arguments: Any
    result: Any
    failed: bool
    executor: str | None
    returned: bool = False
    error: str | None = None
    error_type: str | None = None
    traceback: str | None = None
    started: int | None = None
    ended: int | None = None
    ident: str | None = None


@dataclass(slots=True)
class CodeStarted:
    """`executor` is about to run the code blocks of a message; `languages` has one entry a block."""

    executor: str
    languages: list[str]


@dataclass(slots=True)
class CodeBlockStarted:
    """`executor` is about to run this block."""

    executor: str
    language: str
    code: str


@dataclass(slots=True)
class CodeRan:
    """Code was run.

    Attributes:
        executor: the agent that ran it; None where user code did.
        blocks: language and code of each block that was to be run.
        exit_code: None where the execution itself raised: then `error` says why.
        started: UTC microseconds; `ended` likewise.
        work_dir: the folder in which it ran, relative to the run's, where that is known.
    """

    executor: str | None
    blocks: list[tuple[str, str]]
    exit_code: int | None
    output: str | None
    started: int | None
    ended: int | None
    error_type: str | None = None
    error: str | None = None
    traceback: str | None = None
    work_dir: str | None = None


@dataclass(slots=True)
class Failed:
    """Something went wrong that is no message, tool or code.

    Attributes:
        agent: in whose turn, where that is known.
        echo_of: what told of it before, such as an action of the user's.
        ends_chat: a chat ended by it, and with that the turn that was under way there.
        inside: of a group of exceptions type and message of each in it.
    """

    error_type: str | None
    error: str | None
    traceback: str | None = None
    agent: str | None = None
    echo_of: str | None = None
    ends_chat: bool = False
    inside: tuple[tuple[str | None, str | None], ...] = ()


@dataclass(slots=True)
class RunFacts:
    """Things said of the whole run: they go to `runs.meta`."""

    facts: dict[str, Any]


Fact = (
    Said
    | ChatBegun
    | ChatOpened
    | ChatClosed
    | Called
    | Replied
    | Asked
    | SpeakerSelected
    | SelectionAttempt
    | Transition
    | ToolStarted
    | ToolEnded
    | CodeStarted
    | CodeBlockStarted
    | CodeRan
    | Failed
    | RunFacts
)
