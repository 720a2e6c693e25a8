"""Tokens are found where they begin, whatever a terminal or an encoding puts before them; words are not."""

import pytest

from capture.mask import Mask
from capture.tokens import MASKED, without_tokens
from tests.capture.test_mask import TOKENS

HEX = "0f1e2d3c4b5a6978"


@pytest.mark.parametrize(
    "before",
    [
        *("\x1b[33m", "\x1b[1m", "\x1b[0;38;5;12m", "\x1b[m", "\\x1b[33m", "\\u001b[1m", "\\033[1m", "\x1b[2K"),
        *("KEY_", "export k_", "%3D", "q=a%20", "\\xff", "\\x1b", "\\u003d", "\\n", "\\e", "\xff", "=", "'", "是"),
    ],
)
def test_a_token_is_found_after(before: str) -> None:
    """A colour code, an underscore, an escape: tokens of every form, and values of a variable."""
    for token in TOKENS:
        text = f"{before}{token}\x1b[0m"
        assert without_tokens(text) == f"{before}{MASKED}\x1b[0m", token
        assert MASKED.encode() in Mask({}).text(text.encode())
    mask = Mask({"SHORT_PASSWORD": HEX, "LONG_PASSWORD": HEX * 2})
    for value in (HEX, HEX * 2):
        assert mask.text(f"{before}{value}\x1b[0m".encode()).decode() == f"{before}{MASKED}\x1b[0m"


@pytest.mark.parametrize(
    "text",
    [
        "sk-learn and sk-image, sk-learn-contrib-packages",
        "sk-your-api-key-here-please",
        "Bearer authentication-with-tokens is described in RFC 6750",
        "hf_transformers_model_name_abcdefgh",
        "task-management-and-other-words-2024-that-are-long",
        "disk-a1B2c3D4e5F6g7H8i9",
        "postgres://{user}:{password}@{host}/db",
        "https://example.com:443/a@b",
        "git+ssh://git@github.com:org/repo",
    ],
)
def test_words_are_no_tokens(text: str) -> None:
    """Names of packages, placeholders, prose, addresses without a password."""
    assert without_tokens(text) == text


def test_the_whole_password_of_an_address_is_masked() -> None:
    """Also one with colons in it."""
    assert without_tokens("redis://me:a:b:c@host/0") == f"redis://me:{MASKED}@host/0"


@pytest.mark.parametrize(
    "piece", ["sk-", "sk-a", "eyJaaaaaaaaaa-", "eyJaaaaaaaaaa.", "Bearer ", "://a:", "\\x1b", "%3D"]
)
def test_a_long_text_is_searched_in_one_pass(piece: str) -> None:
    """A long row of beginnings of tokens ends: with a search that starts over at each it would take hours."""
    text = piece * (200_000 // len(piece))
    assert without_tokens(text + " end").endswith(" end")
