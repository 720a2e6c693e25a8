"""Code blocks: the same as AG2's own extractor cuts, on every text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.extractors import Block, code_blocks, extract_text

autogen_coding = pytest.importorskip("autogen.coding", reason="AG2 is not installed")

PIECES = [
    *(
        "```",
        "````",
        "``",
        "`",
        "~~~",
        "\n",
        "\r\n",
        "\r",
        " ",
        "\t",
        "python",
        "sh",
        "Python 3",
        "py\u00e9",
        "_x1",
        "\u0661",
    ),
    *(
        "x = 1",
        "print('a')",
        "pip install x",
        "python a.py",
        "return 1",
        "ls -l",
        "\u00e9",
        "def f():",
        "\ud800",
        "   ```",
        "```\n",
    ),
    *(
        "```python\n",
        "\n```",
        "\n```\n",
        "\n  ```",
        "await x",
        "if 1:\n  2",
        "\\",
        '"""',
        "finally",
        "\u2028",
        "\x0b",
        "\x85",
    ),
]


def ag2_blocks(text: str) -> list[Block]:
    """What AG2's extractor makes of a text."""
    blocks = autogen_coding.MarkdownCodeExtractor().extract_code_blocks(text)
    return [Block(block.language, block.code) for block in blocks]


@pytest.mark.parametrize(
    "text",
    [
        "no code",
        "```python\nx = 1\n```",
        "```\nx = 1\n```",
        "```\nnot python at all\n```",
        "```\npip install x\n```",
        "```\nreturn 1\n```",
        "```python\r\nx = 1\r\n```\r\n",
        "```python  \n  x = 1\n   ```",
        "```python\nx = 1",
        "```python\n```",
        "```python\n\n```",
        "```python x\ny\n```",
        "~~~python\nx = 1\n~~~",
        "````\n```python\nx = 1\n```\n````",
        "```python\na\n```python\nb\n```\nc\n```",
        "text ```sh\nls\n``` more ```sh\npwd\n```",
        "```c++\nint x;\n```",
        "```\n```\n```\n",
        "``````\nx\n``````",
        "```sh\nls\n``````sh\npwd\n```",
    ],
)
def test_blocks_equal_ag2s(text: str) -> None:
    """Unclosed, nested, indented and empty fences, tildes and line ends of all kinds are cut as AG2 cuts them."""
    assert code_blocks(text) == ag2_blocks(text)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)), max_size=25).map("".join))
def test_blocks_equal_ag2s_on_any_text(text: str) -> None:
    """On any text the blocks are AG2's, where AG2 itself does not raise."""
    try:
        expected = ag2_blocks(text)
    except (ValueError, RecursionError, MemoryError):
        assert code_blocks(text) is not None
    else:
        assert code_blocks(text) == expected


def test_nul_byte_in_a_block_is_no_error() -> None:
    """A block without a language that AG2 cannot compile has no language."""
    assert code_blocks("```\nx\0 = 1\n```") == [Block("", "x\0 = 1")]


def test_text_between_mismatched_fences_is_prose() -> None:
    """A closing fence whose opening was cut off does not hide the prose that follows it."""
    text = "```\n\nSave this as run.py please.\n\n```python\nopen('a.txt')\n```\n"
    assert [hit.path for hit in extract_text(text)] == ["run.py"]
