"""Error type and message from the output of what failed."""

# a case a line
# ruff: noqa: E501

from __future__ import annotations

import pytest

from ingest.extractors import extract_error

TRACEBACK = (
    "Traceback (most recent call last):\n"
    '  File "tmp_code.py", line 1, in <module>\n'
    "    import nothere\n"
    "ModuleNotFoundError: No module named 'nothere'\n"
)
CHAINED = (
    TRACEBACK
    + "\nDuring handling of the above exception, another exception occurred:\n\n"
    + (
        "Traceback (most recent call last):\n"
        '  File "tmp_code.py", line 4, in <module>\n'
        "    raise pkg.errors.CustomError('late')\n"
        "pkg.errors.CustomError: late\n"
    )
)
SYNTAX = "  File \"tmp_code.py\", line 3\n    print(1\n         ^\nSyntaxError: '(' was never closed\n"
OWN_NAME = (
    'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\n    raise Stop("x")\n__main__.Stop: x\n'
)


@pytest.mark.parametrize(
    ("output", "found"),
    [
        (TRACEBACK, ("ModuleNotFoundError", "ModuleNotFoundError: No module named 'nothere'")),
        ("started\n" + TRACEBACK + "done\n", ("ModuleNotFoundError", "ModuleNotFoundError: No module named 'nothere'")),
        (CHAINED, ("CustomError", "pkg.errors.CustomError: late")),
        (SYNTAX, ("SyntaxError", "SyntaxError: '(' was never closed")),
        (TRACEBACK.splitlines()[0] + "\ncv2.error: no image\n", ("cv2.error", "cv2.error: no image")),
        ("gcc: error: no input\nerror: failed\n", (None, "error: failed")),
        (OWN_NAME, ("Stop", "__main__.Stop: x")),
        ("Traceback (most recent call last):\n  File \"a\", line 1\nKeyboardInterrupt\n", ("KeyboardInterrupt", "KeyboardInterrupt")),
        (
            "\x1b[0;31m-----\x1b[0m\n\x1b[0;31mNameError\x1b[0m      Traceback (most recent call last)\n"
            "Cell In[1], line 1\n----> 1 x\n\n\x1b[0;31mNameError\x1b[0m: name 'x' is not defined",
            ("NameError", "NameError: name 'x' is not defined"),
        ),
        ("ERROR: NameError: name 'x' is not defined\n['\x1b[31m----\x1b[39m', '\x1b[31mNameError\x1b[39m   Traceback (most recent call last)']", ("NameError", "NameError: name 'x' is not defined")),
        ("ERROR: ERROR: Stop: page: not found\n[\"Traceback (most recent call last)\"]", ("Stop", "Stop: page: not found")),
        ("ERROR: ValidationError: 2 errors\na\n  missing\n['Traceback (most recent call last)']", ("ValidationError", "ValidationError: 2 errors")),
        ("ERROR: Timeout waiting for output from code block: while True:\n    pass", ("Timeout", "Timeout waiting for output from code block: while True:")),
        ("ERROR: ERROR: Timeout waiting for output from code block.", ("Timeout", "Timeout waiting for output from code block.")),
        ("ERROR: No matching distribution found for foo\n", (None, "ERROR: No matching distribution found for foo")),
        ("ERROR: LOAD: the disk\n" + TRACEBACK, ("ModuleNotFoundError", "ModuleNotFoundError: No module named 'nothere'")),
        ("exitcode: 1 (execution failed)\nCode output: \nTimeout", ("Timeout", "Timeout")),
        ("sh: 1: foo: not found\n", ("CommandNotFound", "sh: 1: foo: not found")),
        ("a.sh: line 2: foo: command not found\n", ("CommandNotFound", "a.sh: line 2: foo: command not found")),
        ("partial output\nTimeout", ("Timeout", "Timeout")),
        ("Error: Function nothere not found.", ("ToolError", "Error: Function nothere not found.")),
        ("Error: ValueError: bad", ("ValueError", "Error: ValueError: bad")),
        ("Error: Expecting value: line 1 column 1 (char 0)\n The argument must be in JSON format.", ("ToolError", "Error: Expecting value: line 1 column 1 (char 0)")),
        ("ValueError: no traceback was printed", ("ValueError", "ValueError: no traceback was printed")),
        ("first line\nlast line\n\n", (None, "last line")),
        ("", (None, None)),
        ("\n  \n", (None, None)),
        ("bad \ud800 text", (None, "bad ? text")),
    ],
)  # fmt: skip
def test_error_of_an_output(output: str, found: tuple[str | None, str | None]) -> None:
    """The last traceback's final line, a shell's or an executor's own words, or else the last line that is not empty."""
    assert extract_error(output) == found
