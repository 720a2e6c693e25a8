"""What went wrong, from the output of a failed execution or tool: error type and message, for queries to group by."""

from __future__ import annotations

import re

from ingest.extractors.blocks import sound

# the last line of a Python traceback: a dotted name that ends in a class name, alone or before a colon
EXCEPTION = re.compile(r"^([A-Za-z_][\w.]*)(?::[ \t].*|:)?$")
# names that Python's own and most libraries' exceptions carry; others count only below a traceback
EXCEPTION_NAME = re.compile(
    r"(?:Error|Exception|Warning|Interrupt|Exit|Timeout|StopIteration|StopAsyncIteration|NotFound|Failure|Fault"
    r"|\w\.error)$"  # cv2.error, zlib.error
)
NOT_FOUND = re.compile(r"(?i)(?:: command not found|: not found|is not recognized as an internal or external command)$")
# colours, which a Jupyter kernel puts into its tracebacks
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# how AG2's executors for IPython and Jupyter begin: class and message, and the traceback as a Python list below
KERNEL = re.compile(r"\s*(?:ERROR: ){1,2}([^\n]*)(?:\n(.*))?", re.DOTALL)
LISTED = ("['", '["')
SILENT_KERNEL = "Timeout waiting for output from code block"
TIMEOUT = ("Timeout", "Execution timed out", "Pip install timed out")
TRACEBACK = "Traceback (most recent call last)"
# only the end of an output says how it ended
TAIL = 100_000


def extract_error(output: str) -> tuple[str | None, str | None]:
    """Error type and message of a failed execution or tool call.

    Args:
        output: what the code printed, or what the tool returned.

    Returns:
        (type, message): class name and the full last line of the last Python traceback; class and message of what a
        kernel's cell raised; `CommandNotFound` for a shell; `Timeout` for AG2's executors; `ToolError` for a text that
        starts with `Error:`; otherwise (None, the last line that is not empty), or (None, None) for an empty text.
        Linear in the length of the output.
    """
    text = sound(output[-TAIL:])
    if "\x1b" in text:
        text = COLOUR.sub("", text)
    lines = [line.strip() for line in text.replace("\r", "\n").split("\n")]
    filled = [line for line in lines if line]
    if not filled:
        return None, None
    if filled[-1] == TIMEOUT[0] or filled[-1].startswith(TIMEOUT[1:]):
        return "Timeout", filled[-1]
    found = _traceback(lines) or _of_kernel(sound(output[:1000]))
    if found:
        return found
    for line in reversed(filled):
        if NOT_FOUND.search(line):
            return "CommandNotFound", line
    head = sound(output[:1000]).lstrip()
    if head.startswith("Error:"):
        message = head.split("\n", 1)[0].strip()
        inner = EXCEPTION.match(message[len("Error:") :].strip())
        if inner and EXCEPTION_NAME.search(inner.group(1)):
            return _class_name(inner.group(1)), message
        return "ToolError", message
    for line in reversed(filled):
        match = EXCEPTION.match(line)
        if match and EXCEPTION_NAME.search(match.group(1)):
            return _class_name(match.group(1)), line
    return None, filled[-1]


def _traceback(lines: list[str]) -> tuple[str, str] | None:
    """Type and last line of the last traceback: the first line that names an exception after its last frame."""
    start = max((index for index, line in enumerate(lines) if TRACEBACK in line), default=None)
    syntax = [index for index, line in enumerate(lines) if line.startswith('File "')]
    if start is None and not syntax:
        return None
    after = max([start or 0, *syntax[-1:]])
    named: tuple[str, str] | None = None
    for line in lines[after + 1 :]:
        match = EXCEPTION.match(line)
        if not match:
            continue
        if EXCEPTION_NAME.search(match.group(1)):
            return _class_name(match.group(1)), line
        # an exception of the user's own may be called anything
        if named is None and start is not None and ":" in line and _class_name(match.group(1))[:1].isupper():
            named = _class_name(match.group(1)), line
    return named


def _of_kernel(head: str) -> tuple[str, str] | None:
    """Type and message of what a cell raised, as AG2's executors tell it, by how the output begins."""
    told = KERNEL.match(head)
    if told is None:
        return None
    message = told[1].strip()
    if message.startswith(SILENT_KERNEL):
        return "Timeout", message
    named = EXCEPTION.match(message)
    if named and (EXCEPTION_NAME.search(named[1]) or (told[2] or "").startswith(LISTED)):
        return _class_name(named[1]), message
    return None


def _class_name(dotted: str) -> str:
    """The class without its modules; the one that many modules call `error` with its own."""
    *modules, name = dotted.split(".")
    return ".".join([*modules[-1:], name]) if name == "error" else name
